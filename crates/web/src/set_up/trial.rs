//! The trial of a draft: it shows every check and the plan. Nobody is signed in, and only the result of the trial is
//! recorded.

use chrono::{DateTime, Utc};
use http::header::LOCATION;
use http::{HeaderName, Response, StatusCode};
use vouchsafe::assertion::Outcome;
use vouchsafe::console::Console;
use vouchsafe::provisioning::{AttributeMapping, Organization, Plan};
use vouchsafe::{Explain, Ledger, Trial};
use vouchsafe_store::{ConnectionDecision, SetUpLink, SetUpTrial, SignInError, StoredConnection};

use super::connection_facts::described;
use super::error::SetUpError;
use super::holder_hints::hint_to_holder;
use super::links::require_open;
use super::markup::{Markup, Problem, minute};
use super::page::{Next, Page, shown};
use super::planned::{explained_to_holder, refusal_to_holder};
use super::settings::SetUp;
use super::steps::Step;
use super::visit::{Visit, fingerprint, is_draft, names, require_present_settings};
use crate::single_sign_on::SingleSignOn;
use crate::tried_out::TriedOut;
use crate::work::elsewhere;

/// The prefix of the context of a request that tries a draft of a link.
const CONTEXT: &str = "vouchsafe-set-up:";

/// Returns whether a trial belongs to the portal.
pub(crate) fn is_of_set_up(tried: &TriedOut) -> bool {
    tried.context.as_deref().is_some_and(|context| context.starts_with(CONTEXT))
}

impl SetUp {
    pub(super) fn trial_page(
        &self,
        visit: &Visit<'_>,
        problem: Option<&Problem>,
    ) -> Result<Page, SetUpError> {
        let draft = visit.require_draft()?;
        Ok(Page::new("Try a sign-in", |page| {
            let page = self.steps(shown(page, problem), visit, Step::Trial);
            let page = match visit.trial() {
                Some(trial) => page.card("The last trial", |card| {
                    let at = minute(trial.at);
                    match &trial.refused {
                        None => card.success(&format!("Accepted at {at}.")).link(
                            "button",
                            &self.at("activate"),
                            "Go on to the activation",
                        ),
                        Some(code) => {
                            let card = card.paragraph(&format!(
                                "Refused at {at} ({code}). Correct what it showed, and try again."
                            ));
                            self.way_to_domains(card, Some(code), &visit.link)
                        }
                    }
                }),
                None => page,
            };
            page.card("Try a sign-in", |card| {
                card.paragraph(&format!(
                    "You sign in at your identity provider as yourself. Assign yourself to the application there first. {}",
                    self.use_of_a_trial(),
                ))
                .form(&self.at("trial"), &visit.form_token, |form| form.button("Sign in at your identity provider"))
            })
            .card("The identity provider", |card| described(card, draft, None, visit))
        }))
    }

    pub(super) async fn start_trial(&self, visit: &Visit<'_>) -> Result<Next, SetUpError> {
        let draft = visit.require_draft()?;
        let chosen = (self.0.settings)(&draft.id, &visit.organization, visit.require_console()?);
        let copied_from = visit.link.progress.renews.as_ref();
        require_present_settings(draft, &visit.connections, &chosen, copied_from)?;
        let stored = draft.clone();
        let connection = elsewhere(move || Ok(stored.to_connection())).await??;
        let tried = fingerprint(draft, &visit.connections, visit.sso.service_provider().provider())?;
        // What sign-ins ask for is asked for, since the identity provider may not be able to do it.
        let options = visit.sso.inner.options_for(visit.request, &connection);
        let options = options.trial().context(format!("{CONTEXT}{}:{tried}", visit.link.id));
        let answer = visit.sso.start(visit.request, &connection, options).await?;
        Ok(Next::Answer(Box::new(self.leading_on(visit, answer))))
    }

    /// Makes the page with a link to the identity provider. A redirect after a form is not possible: browsers check
    /// it against the page's Content-Security-Policy, which names no other site.
    fn leading_on(&self, visit: &Visit<'_>, redirect: Response<String>) -> Response<String> {
        let Some(location) = redirect.headers().get(LOCATION).cloned() else { return redirect };
        let Ok(address) = location.to_str() else { return redirect };
        let page = Page::new("On to your identity provider", |page| {
            page.link("button", address, "Go on to your identity provider")
        });
        let mut response = self.shown(
            visit.sso,
            visit.request,
            &visit.organization.name,
            Next::Page(page.with(StatusCode::OK)),
        );
        let (parts, _) = redirect.into_parts();
        for (name, value) in &parts.headers {
            if name == http::header::SET_COOKIE {
                response.headers_mut().append(name, value.clone());
            }
        }
        if let Ok(refresh) = http::HeaderValue::from_str(&format!("0; url={address}")) {
            response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
        }
        response
    }

    /// Shows the result of a trial, and records it at the link and at the draft.
    pub(crate) async fn tried_out(&self, sso: &SingleSignOn, tried: &TriedOut) -> Response<String> {
        let judged = self.judged(sso, tried).await;
        let (organization, page) = match judged {
            Ok(judged) => (judged.organization.clone(), self.trial_shown(&judged, tried)),
            Err(error) => {
                let error = match error.outage() {
                    Some(failure) => {
                        tracing::warn!(code = failure.code(), reason = %failure, "a trial could not be noted");
                        SetUpError::Unavailable
                    }
                    None => error,
                };
                let page = Page::problem(&error, None, &self.at("trial")).with(error.status());
                (String::new(), page)
            }
        };
        self.page_response(sso, &organization, page)
    }

    /// Makes an answer with a page, without a request to the portal.
    fn page_response(&self, sso: &SingleSignOn, organization: &str, page: Page) -> Response<String> {
        let request = http::Request::new(());
        let (parts, ()) = request.into_parts();
        self.shown(sso, &parts, organization, Next::Page(page))
    }

    async fn judged(&self, sso: &SingleSignOn, tried: &TriedOut) -> Result<Judged, SetUpError> {
        let (id, print) = tried
            .context
            .as_deref()
            .and_then(|context| context.strip_prefix(CONTEXT)?.split_once(':'))
            .ok_or(SetUpError::LinkUnknown)?;
        let link = self.0.store.set_up_link(id).await?.ok_or(SetUpError::LinkUnknown)?;
        require_open(&link, tried.at)?;
        if !link.purpose.allows_connections() {
            return Err(SetUpError::Purpose);
        }
        // Each one reads from the store and plans, so they are counted like requests to others.
        self.0.limits.count_asked(&link, tried.at)?;
        let connections = self.0.store.connections_of(&link.organization).await?;
        let organization = self.organization_of(&link).await?;
        organization.require_entitlement()?;
        let draft = tried_draft(&connections, &organization, &link, tried)?;
        if fingerprint(&draft, &connections, sso.service_provider().provider())? != print {
            return Err(SetUpError::NotTried);
        }
        // The draft may have been changed while the response waited, and changed back since.
        if tried.outcome.is_ok() && tried.revision != Some(draft.revision) {
            return Err(SetUpError::NotTried);
        }
        let policy = self.0.store.policy(&link.organization).await?;
        let console = link.progress.product.as_deref().and_then(Console::from_id);
        let names = names(&policy, console, &organization, &connections);
        let plan = match &tried.outcome {
            Ok(trial) if !self.0.own_users => {
                Some(self.planned(trial, &draft, &connections, policy, names.clone()).await)
            }
            _ => None,
        };
        let plan = match plan {
            Some(Err(error)) if error.outage().is_some() => return Err(error),
            plan => plan,
        };
        let refused = match (&tried.outcome, &plan) {
            (Err(refusal), _) => Some(refusal.code()),
            (Ok(_), Some(Err(error))) => Some(error.code()),
            _ => None,
        };
        self.note(&link, &draft, SetUpTrial::new(draft.id.clone(), print, tried.at, refused)).await?;
        let has_token = self.needs_token(&draft.settings);
        Ok(Judged { organization: organization.name, link, console, names, has_token, plan })
    }

    /// Records a trial at the link. If it was accepted, it is also recorded at the draft.
    async fn note(
        &self,
        link: &SetUpLink,
        draft: &StoredConnection,
        trial: SetUpTrial,
    ) -> Result<(), SetUpError> {
        let author = vouchsafe_store::Author::new(link.actor(), trial.at);
        if trial.is_good() {
            let (id, revision) = (draft.id.clone(), draft.revision);
            let mark = move |it: &mut vouchsafe_store::OrganizationConnections,
                             _: DateTime<Utc>|
                  -> Result<(), SignInError> { it.mark_tested(&id, revision) };
            let decision =
                ConnectionDecision::new(link.organization.clone(), author.actor.clone(), author.at, mark);
            self.0.store.decide_connections(decision).await?;
        }
        self.change_link(&link.id, &author, |now| {
            // Somebody else with the link may have chosen another product meanwhile.
            let is_of_product = now.progress.product == link.progress.product;
            if is_of_product && now.progress.connection.as_ref() == Some(&trial.connection) {
                now.progress.trial = Some(trial.clone());
            }
        })
        .await
    }

    fn trial_shown(&self, judged: &Judged, tried: &TriedOut) -> Page {
        let explained = |error: &dyn Explain| Problem {
            field: None,
            code: error.code(),
            message: refusal_to_holder(error.code(), &error.to_string()).to_owned(),
            hint: hint_to_holder(judged.console, error.code(), error.hint()),
        };
        Page::new("Result of the trial", |page| {
            let page = match (&tried.outcome, &judged.plan) {
                (Err(refusal), _) => page
                    .problem(&explained(refusal))
                    .note("The sign-in would be refused. Nobody was signed in, and nothing was changed."),
                (Ok(_), Some(Err(error))) => self.way_to_domains(
                    page.problem(&explained(error))
                        .note("The response is good, and the organization's rules would refuse the person. Nothing was changed."),
                    Some(error.code()),
                    &judged.link,
                ),
                (Ok(trial), None) => self.accepted_for_own_users(page, trial),
                (Ok(_), Some(Ok(plan))) if plan.waits_for_approval() => page.success(
                    "The response is good. The person's account would wait for an approval before they can sign in. Nothing was changed.",
                ),
                _ => page.success("The sign-in would be accepted. Nobody was signed in, and nothing was changed."),
            };
            let page = match &tried.outcome {
                Ok(trial) => page.card("What your identity provider sent", |card| came(card, trial, judged)),
                Err(_) => page,
            };
            let page = match &judged.plan {
                Some(Ok(plan)) => page.card("What the sign-in would change", |card| {
                    card.list(explained_to_holder(plan).iter().map(String::as_str))
                }),
                _ => page,
            };
            let page = page.card("How it was checked", |card| checks(card, tried.ledger()));
            match (&tried.outcome, &judged.plan) {
                (Ok(_), Some(Ok(_)) | None) => {
                    page.link("button", &self.at("activate"), "Go on to the activation")
                }
                _ => page,
            }
            .link("button quiet", &self.at("trial"), "Back to the trial")
        })
    }
}

/// Returns the draft that was tried, if it belongs to the link.
fn tried_draft(
    connections: &[StoredConnection],
    organization: &Organization,
    link: &SetUpLink,
    tried: &TriedOut,
) -> Result<StoredConnection, SetUpError> {
    if link.progress.connection.as_ref() != Some(&tried.connection) {
        return Err(SetUpError::NoDraft);
    }
    let is_tried = |found: &&StoredConnection| found.id == tried.connection && is_draft(found, organization);
    let found = connections.iter().find(is_tried);
    found.cloned().ok_or(SetUpError::NoDraft)
}

/// The data of a trial to show.
struct Judged {
    organization: String,
    link: SetUpLink,
    console: Option<Console>,
    names: AttributeMapping,
    has_token: bool,
    /// `None` if the response was refused, or if the service keeps its users itself.
    plan: Option<Result<Plan, SetUpError>>,
}

/// Adds the name, and which of the expected attributes came. Attribute values are not shown, since one may be a
/// secret.
fn came(card: Markup, trial: &Trial, judged: &Judged) -> Markup {
    let names = &judged.names;
    let wanted = [
        ("E-mail address", Some(&names.email)),
        ("Username", Some(&names.username)),
        ("First name", Some(&names.first_name)),
        ("Last name", Some(&names.last_name)),
        ("Token", Some(&names.token).filter(|_| judged.has_token)),
        ("Groups", names.groups.as_ref()),
    ];
    let rows: Vec<[String; 3]> = wanted
        .into_iter()
        .filter_map(|(what, name)| Some((what, name?)))
        .map(|(what, name)| {
            let values = trial.attributes().get(name).map(<[String]>::len);
            let state = match values {
                None | Some(0) => "did not come".to_owned(),
                Some(1) => "came".to_owned(),
                Some(many) => format!("came, with {many} values"),
            };
            [what.to_owned(), name.clone(), state]
        })
        .collect();
    let others = trial.attributes().iter().map(|attribute| attribute.name());
    let others: Vec<&str> = others
        .filter(|name| !wanted.iter().any(|(_, known)| known.is_some_and(|known| known == name)))
        .collect();
    let name = trial.name_id().map_or("none", |name| name.value());
    let card = card.facts(&[("Name ID", name)]).table(
        "Attributes",
        ["What", "Name in the assertion", "In the response"],
        &rows,
    );
    match others.is_empty() {
        true => card,
        false => card.details("Other attributes that came", |inner| inner.list(others)),
    }
}

/// Adds every check that was made, the failed ones first.
fn checks(card: Markup, ledger: &Ledger) -> Markup {
    let made = ledger.checks().iter().filter(|check| check.outcome() != Outcome::Skipped);
    let (failed, passed): (Vec<_>, Vec<_>) = made.partition(|check| check.outcome() != Outcome::Passed);
    let rows = |checks: &[&vouchsafe::assertion::Check]| -> Vec<[String; 3]> {
        checks
            .iter()
            .map(|check| {
                [
                    check.rule().to_owned(),
                    check.expected_text().into_owned(),
                    check.actual_text().into_owned(),
                ]
            })
            .collect()
    };
    const HEADS: [&str; 3] = ["Check", "Expected", "Found"];
    let card = match failed.is_empty() {
        true => card.paragraph(&format!("{} checks were made, and all passed.", passed.len())),
        false => card.table("Failed", HEADS, &rows(&failed)),
    };
    match passed.is_empty() {
        true => card,
        false => {
            card.details("Every check that passed", |inner| inner.table("Passed", HEADS, &rows(&passed)))
        }
    }
}
