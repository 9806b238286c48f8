//! The activation of a draft, and its page.

use vouchsafe::ConnectionId;
use vouchsafe::provisioning::Policy;
use vouchsafe_store::{StoreError, StoredConnection, StoredSettings};

use super::connection_facts::described;
use super::error::SetUpError;
use super::fields::Fields;
use super::markup::{Markup, Problem};
use super::page::{Next, Page, shown};
use super::requirements::{is_no_older, renew, require_no_older};
use super::settings::SetUp;
use super::steps::Step;
use super::visit::{Visit, fingerprint, is_draft, renewed_among, require_present_settings};

/// The value of the form's field if the new connection replaces none.
const BESIDE: &str = "";

impl SetUp {
    /// Activates the draft. If there is already an active connection to the same identity provider, its metadata is
    /// renewed instead, so that people keep their accounts.
    pub(super) async fn activate(&self, visit: &mut Visit<'_>, fields: &Fields) -> Result<Next, SetUpError> {
        let given = visit.require_draft()?.clone();
        let chosen = (self.0.settings)(&given.id, &visit.organization, visit.require_console()?);
        let copied_from = visit.link.progress.renews.as_ref();
        require_present_settings(&given, &visit.connections, &chosen, copied_from)?;
        require_no_older(&given, visit).await?;
        let tried = match (visit.trial().filter(|trial| trial.is_good()), self.0.activates_untried) {
            (Some(trial), _) => Some(trial.tried.clone()),
            (None, true) if ["untried", "confirmed"].iter().all(|name| fields.given(name) == Some("yes")) => {
                None
            }
            (None, _) => return Err(SetUpError::NotTried),
        };
        // A page from before somebody else activated another connection does not ask whether to replace it.
        let asks = visit.renewed_by(&given)?.is_none() && visit.active().next().is_some();
        if asks && fields.text("replaces").is_none() {
            return Err(SetUpError::NotReplaceable);
        }
        let replaced = match fields.given("replaces") {
            Some(name) => {
                let name =
                    visit.active().find(|active| active.id.as_str() == name).map(|active| active.id.clone());
                Some(name.ok_or(SetUpError::NotReplaceable)?)
            }
            None => None,
        };
        self.activate_given(visit, given.clone(), chosen, tried, replaced).await?;
        // A link that was used may write nothing more.
        let kept = self.keep_names(visit).await;
        let now = visit.now;
        self.change_link(&visit.link.id, &visit.author(), |link| link.used_at = Some(now)).await?;
        kept?;
        let (link, organization) = (&visit.link.id, &visit.link.organization);
        tracing::info!(link, %organization, connection = %given.id, "connection activated by a set-up link");
        Ok(Next::Step(""))
    }

    /// Activates the draft that was given, if it still is as it was tried, in one transaction.
    async fn activate_given(
        &self,
        visit: &Visit<'_>,
        given: StoredConnection,
        chosen: StoredSettings,
        tried: Option<String>,
        replaced: Option<ConnectionId>,
    ) -> Result<(), SetUpError> {
        let provider = visit.sso.service_provider().provider().clone();
        let copied_from = visit.link.progress.renews.clone();
        self.decide(visit, move |it, now| {
            let id = &given.id;
            let draft = it.connection(id).ok_or_else(|| StoreError::connection_unknown(id))?.clone();
            // Only exactly what was tried is activated, even if the draft or what it renews changed since.
            let print = || fingerprint(&draft, &it.connections, &provider);
            let is_as_tried = tried.as_ref().is_none_or(|tried| print().is_ok_and(|print| print == *tried));
            let settings = require_present_settings(&draft, &it.connections, &chosen, copied_from.as_ref());
            // The address of the connection that it renews may have given a newer document since the draft was compared.
            let is_usable = || {
                is_draft(&draft, &it.organization)
                    && settings.is_ok()
                    && is_no_older(&draft, &it.connections, &it.organization, &provider, now).is_ok()
            };
            let renewed = match renewed_among(&it.connections, &draft) {
                Ok(renewed) if is_as_tried && is_usable() => renewed.map(|renewed| renewed.id.clone()),
                _ => {
                    let (read, is) = (given.revision, draft.revision);
                    return Err(StoreError::connection_conflict(id.clone(), read, is).into());
                }
            };
            match (renewed, &replaced) {
                (Some(renewed), _) => {
                    renew(it.connection_mut(&renewed)?, draft.metadata);
                    it.retire(id)
                }
                (None, Some(replaced)) => it.replace(replaced, id, now),
                (None, None) => it.activate(id, now),
            }
        })
        .await
    }

    /// Stores the attribute names that the portal showed, if the organization has no policy of its own.
    async fn keep_names(&self, visit: &Visit<'_>) -> Result<(), SetUpError> {
        let names = visit.names();
        if visit.policy != Policy::default() || names == visit.policy.attributes {
            return Ok(());
        }
        let Some(console) = visit.console() else { return Ok(()) };
        let toml = format!("[attributes]\npreset = \"{}\"\n", console.id());
        let (id, author) = (&visit.link.organization, visit.author());
        match self.0.store.replace_policy(id, None, &toml, &author).await {
            // A policy was saved since this request began, or the default was saved on purpose.
            Err(StoreError::PolicyConflict { .. }) => Ok(()),
            done => Ok(done?),
        }
    }

    pub(super) fn activation_page(
        &self,
        visit: &Visit<'_>,
        problem: Option<&Problem>,
    ) -> Result<Page, SetUpError> {
        let draft = visit.require_draft()?;
        let renews = visit.renewed_by(draft)?.is_some();
        Ok(Page::new("Activate the connection", |page| {
            let page = self.steps(shown(page, problem), visit, Step::Activate);
            let page = page.card("What is activated", |card| described(card, draft, None, visit));
            if visit.is_tried() {
                return page.card("Activate", |card| self.activation(card, visit, renews, false));
            }
            let page = page.card("The trial", |card| {
                let text = match visit.trial() {
                    Some(trial) => {
                        let code = trial.refused.as_deref().unwrap_or_default();
                        format!("The last trial was refused ({code}). Correct what it showed, and try again.")
                    }
                    None => "No sign-in was tried since the connection was last changed.".to_owned(),
                };
                let card = card.paragraph(&text).link("button", &self.at("trial"), "Go on to the trial");
                let refused = visit.trial().and_then(|trial| trial.refused.as_deref());
                self.way_to_domains(card, refused, &visit.link)
            });
            match self.0.activates_untried {
                true => page.card("Activate without a trial", |card| {
                    let card = card.paragraph("Nobody knows then:").list(self.untried());
                    self.activation(card, visit, renews, true)
                }),
                false => page,
            }
        }))
    }

    fn activation(&self, card: Markup, visit: &Visit<'_>, renews: bool, is_untried: bool) -> Markup {
        let Some(draft) = visit.draft() else { return card };
        let active: Vec<&ConnectionId> = visit.active().map(|active| &active.id).collect();
        let card = match (renews, active.is_empty()) {
            (true, _) => card.paragraph(
                "People sign in over a connection to this identity provider already: it gets this metadata. Accounts and sessions stay as they are.",
            ),
            (false, true) => card.paragraph("From then on people of your organization sign in over it."),
            (false, false) => {
                // As `OrganizationDiscovery` finds it.
                let own = visit.organization.own_connections();
                let leads = match own.iter().find(|one| active.contains(one)) {
                    Some(older) => format!("the older connection, {older}. People sign in over the new one"),
                    None => "the new connection. People sign in over each of them".to_owned(),
                };
                card.paragraph(
                    self.end_of_the_replaced(),
                )
                .paragraph(&format!(
                    "If both stay, an e-mail address or the name of your organization leads to {leads} by its own link, which the overview shows, or from their identity provider.",
                ))
            }
        };
        let card = match !renews && !active.is_empty() && !self.takes_over(visit, draft) {
            true => card.note(self.without_takeover()),
            false => card,
        };
        card.form(&self.at("activate"), &visit.form_token, |form| {
            let form = match !renews && !active.is_empty() {
                true => {
                    let mut choices: Vec<(&str, String)> = active
                        .iter()
                        .map(|id| (id.as_str(), format!("Replace the connection {id}")))
                        .collect();
                    choices.push((BESIDE, "Use both".to_owned()));
                    form.choices("replaces", "The present connection", &choices, None)
                }
                false => form,
            };
            match is_untried {
                true => form
                    .hidden("untried", "yes")
                    .confirmation("confirmed", "I know that nothing of this was tried")
                    .button("Activate without a trial"),
                false => form.button("Activate the connection"),
            }
        })
    }

    fn takes_over(&self, visit: &Visit<'_>, draft: &StoredConnection) -> bool {
        visit.policy.identity.takeovers.iter().any(|takeover| takeover.to == draft.id)
    }
}
