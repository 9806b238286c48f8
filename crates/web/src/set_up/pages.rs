//! The page of each step.

use vouchsafe::console::{Console, ConsoleAttribute, ConsoleField};

use super::connection_facts::described;
use super::error::SetUpError;
use super::fields::Fields;
use super::markup::{Input, Kind, Markup, Problem};
use super::page::{Page, shown};
use super::parsed::Parsed;
use super::settings::SetUp;
use super::steps::Step;
use super::visit::Visit;
use crate::error::HttpError;

impl SetUp {
    /// Returns the page of a step.
    pub(super) async fn page(&self, visit: &mut Visit<'_>, path: &str) -> Result<Page, SetUpError> {
        let is_page = !path.contains('/') && path != "staged";
        let step = Step::of(path).filter(|_| is_page).ok_or(SetUpError::StepUnknown)?;
        self.0.limits.count_look(&visit.link, visit.now)?;
        self.page_of(visit, step, None, None).await
    }

    /// Returns the page from which a form came, with the problem and the typed text.
    pub(super) async fn page_again(
        &self,
        visit: &mut Visit<'_>,
        path: &str,
        fields: &Fields,
        error: &SetUpError,
    ) -> Result<Page, SetUpError> {
        let step = Step::of(path).ok_or(SetUpError::StepUnknown)?;
        let field = match (step, error) {
            (_, SetUpError::Http(_) | SetUpError::FormToken | SetUpError::Store(_)) => None,
            (Step::Domains, _) if path == "domains" => Some("domain"),
            (Step::Metadata, SetUpError::NoDraft | SetUpError::NoProduct | SetUpError::Refused(_)) => None,
            (Step::Metadata, _) if fields.file("metadata_file").is_some() => Some("metadata_file"),
            (Step::Metadata, _) if fields.given("metadata_text").is_some() => Some("metadata_text"),
            (Step::Metadata, _) => Some("metadata_url"),
            _ => None,
        };
        let problem = Problem::of(error, visit.console(), field);
        self.page_of(visit, step, Some(fields), Some(&problem)).await
    }

    async fn page_of(
        &self,
        visit: &mut Visit<'_>,
        step: Step,
        fields: Option<&Fields>,
        problem: Option<&Problem>,
    ) -> Result<Page, SetUpError> {
        let typed = |name| fields.and_then(|fields| fields.text(name)).unwrap_or_default();
        visit.parsed = parsed_for(visit, step).await?;
        let visit = &*visit;
        match step {
            Step::Overview => {
                let sightings = visit.sightings().await?;
                let rollovers = self.rollovers_for(visit).await?;
                Ok(self.overview(visit, &sightings, &rollovers, problem))
            }
            Step::Domains => {
                visit.require_domains()?;
                Ok(self.domains_page(visit, typed("domain"), problem))
            }
            Step::Product => {
                visit.require_connections()?;
                Ok(self.product_page(visit, problem))
            }
            Step::Values => {
                visit.require_connections()?;
                self.values_page(visit, None, problem).await
            }
            Step::Metadata => {
                visit.require_connections()?;
                self.metadata_page(visit, (typed("metadata_url"), typed("metadata_text")), problem)
            }
            Step::Trial => {
                visit.require_connections()?;
                self.trial_page(visit, problem)
            }
            Step::Activate => {
                visit.require_connections()?;
                self.activation_page(visit, problem)
            }
        }
    }

    fn product_page(&self, visit: &Visit<'_>, problem: Option<&Problem>) -> Page {
        let choices: Vec<(&str, String)> =
            Console::ALL.iter().map(|console| (console.id(), console.name().to_owned())).collect();
        Page::new("Which identity provider do you use?", |page| {
            let page = self.steps(shown(page, problem), visit, Step::Product);
            page.card("Your identity provider", |card| {
                card.form(&self.at("product"), &visit.form_token, |form| {
                    form.choices("product", "Product", &choices, visit.link.progress.product.as_deref())
                        .button(if visit.may_only_renew() { "Go on" } else { "Show the values to copy" })
                })
                .note("If yours is not in the list, choose the one that is closest: the addresses are the same, and the names of fields and attributes differ.")
            })
        })
    }

    /// Makes the page with the values to copy into the console. `token` is a newly issued one, which is shown only
    /// once.
    pub(super) async fn values_page(
        &self,
        visit: &Visit<'_>,
        token: Option<&str>,
        problem: Option<&Problem>,
    ) -> Result<Page, SetUpError> {
        let console = visit.require_console()?;
        let values = console.values(&self.details_of(visit, console), &visit.names());
        let needs_token = self.needs_token(&self.settings_of(visit, console));
        let certificates = self.our_certificates(visit).await?;
        Ok(Page::new(&format!("Copy these values into {}", console.name()), |page| {
            let page = self.steps(shown(page, problem), visit, Step::Values);
            let page = match token {
                Some(token) => page.card("The organization's token", |card| {
                    card.success("Copy the token now: it is shown this once.").secret(token).note(
                        "Enter it as the value of the attribute that the table below names for the token.",
                    )
                }),
                None => page,
            };
            let page = match visit.may_only_renew() {
                true => page.card("People sign in already", |card| {
                    card.paragraph(
                        "If you only give newer metadata of your present identity provider, change nothing in its console. \
                         The values below are for another identity provider, or for another application.",
                    )
                    .link("button", &self.at("metadata"), "Give newer metadata")
                }),
                false => match visit.draft() {
                    Some(draft) if matches!(visit.renewed_by(draft), Ok(None)) => page.paragraph(&format!(
                        "The values are for the identity provider {}, whose metadata was given last. If you have entered other values before, replace them.",
                        draft.identity_provider
                    )),
                    _ => page,
                },
            };
            let page = page.paragraph(&format!("In the console: {}.", values.console));
            let page = sections(page, &values.fields, &values.attributes);
            let page = match needs_token && token.is_none() {
                true => page.card("The organization's token", |card| {
                    card.paragraph(
                        "Sign-ins are accepted only with a token of your organization. It is shown once. One that you issued here before goes on working for a day; all others stay valid.",
                    )
                    .form(&self.at("token"), &visit.form_token, |form| form.quiet_button("Issue a token"))
                }),
                false => page,
            };
            let page = certificates.shown(page, |file| self.at(file));
            page.link("button", &self.at("metadata"), "Go on to the metadata")
        }))
    }

    fn metadata_page(
        &self,
        visit: &Visit<'_>,
        (address, text): (&str, &str),
        problem: Option<&Problem>,
    ) -> Result<Page, SetUpError> {
        let console = visit.require_console()?;
        let loads = self.0.load.is_some();
        Ok(Page::new("Metadata of your identity provider", |page| {
            let page = self.steps(shown(page, problem), visit, Step::Metadata);
            let page = match visit.draft() {
                Some(draft) => page.card("What was given", |card| {
                    described(card, draft, None, visit).link(
                        "button",
                        &self.at("trial"),
                        "Go on to the trial",
                    )
                }),
                None if visit.may_only_renew() => page.card("People sign in already", |card| {
                    card.paragraph(
                        "For newer metadata of your present identity provider, change nothing in its console, and give the metadata below. \
                         To connect another identity provider or another application, copy the values into its console first.",
                    )
                    .link("button quiet", &self.at("values"), "Show the values to copy")
                }),
                None => page,
            };
            page.card(
                if visit.draft().is_some() { "Give other metadata" } else { "Give the metadata" },
                |card| {
                    card.paragraph(&format!(
                        "Where {} shows it: {}",
                        console.name(),
                        console.metadata_place()
                    ))
                    .form(&self.at("metadata"), &visit.form_token, |form| {
                        let form = match loads {
                            true => form.input(
                                Input {
                                    name: "metadata_url",
                                    label: "Address of the metadata",
                                    kind: Kind::Address,
                                    hint: "If you give the address, we load newer metadata from it.",
                                    value: address,
                                },
                                problem,
                            ),
                            false => form,
                        };
                        form.input(
                            Input {
                                name: "metadata_file",
                                label: if loads { "Or its file" } else { "Its file" },
                                kind: Kind::File,
                                hint: "An XML file.",
                                value: "",
                            },
                            problem,
                        )
                        .input(
                            Input {
                                name: "metadata_text",
                                label: "Or its text",
                                kind: Kind::LongText,
                                hint: "The whole XML document.",
                                value: text,
                            },
                            problem,
                        )
                        .button("Use this metadata")
                    })
                },
            )
        }))
    }
}

/// Parses the metadata that the page of a step shows.
async fn parsed_for(visit: &Visit<'_>, step: Step) -> Result<Parsed, HttpError> {
    match step {
        Step::Overview if !visit.is_used() && visit.link.purpose.allows_connections() => {
            Parsed::of(visit.active(), visit.now).await
        }
        Step::Metadata | Step::Trial | Step::Activate => {
            Parsed::of(visit.draft().into_iter(), visit.now).await
        }
        _ => Ok(Parsed::default()),
    }
}

/// Adds the fields and attributes, with a table for each section of the console.
fn sections(page: Markup, fields: &[ConsoleField], attributes: &[ConsoleAttribute]) -> Markup {
    let fields = fields
        .iter()
        .map(|one| (one.section, [one.field.to_owned(), shown_value(&one.value), one.note.to_owned()]));
    let attributes = attributes
        .iter()
        .map(|one| (one.section, [one.name.clone(), one.value.to_owned(), one.note.to_owned()]));
    let mut tables: Vec<(&str, Vec<[String; 3]>)> = Vec::new();
    for (section, row) in fields.chain(attributes) {
        match tables.last_mut().filter(|(last, _)| *last == section) {
            Some((_, rows)) => rows.push(row),
            None => tables.push((section, vec![row])),
        }
    }
    tables.into_iter().fold(page, |page, (section, rows)| {
        page.card(section, |card| card.table_of_heading(section, ["Field", "Value", "Note"], &rows))
    })
}

fn shown_value(value: &str) -> String {
    if value.is_empty() { "(empty)".to_owned() } else { value.to_owned() }
}
