//! Carries out the forms of the portal.

use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe::console::Console;
use vouchsafe::provisioning::{Organization, OrganizationToken, Policy};
use vouchsafe::{ConnectionId, RequestLimiter};
use vouchsafe_store::{SetUpLink, StoreError, StoredConnection, StoredSettings};

use super::error::SetUpError;
use super::markup::{Markup, Problem};
use super::pages::{Page, Step, described, shown};
use super::visit::{Visit, fingerprint, is_draft, renewed_among, require_present_settings};
use super::{Fields, Next, SetUp};

/// How long a token of a link works after the link issued another one, so that there is time to enter the new one into
/// the console.
const TOKEN_OVERLAP: Duration = Duration::from_secs(24 * 3_600);

/// From how many valid tokens on links issue no further one. The rest is left to the owners and the operator of the
/// service, who must be able to replace a token at any time, whatever the holder of a link does.
const MOST_TOKENS: usize = Organization::MAX_TOKENS / 2;

/// The value of the form's field if the new connection replaces none.
const BESIDE: &str = "";

/// Counts one action of a link.
fn counted(limiter: &RequestLimiter<String>, link: &SetUpLink, now: DateTime<Utc>) -> Result<(), SetUpError> {
    limiter.take(&link.id, now).map_err(|retry_after| SetUpError::TooOften { retry_after })
}

impl SetUp {
    pub(super) async fn act(
        &self,
        visit: &mut Visit<'_>,
        step: &str,
        fields: &Fields,
    ) -> Result<Next, SetUpError> {
        self.count_act(&visit.link, visit.now)?;
        if step.starts_with("domains") {
            return self.act_on_domain(visit, step, fields).await;
        }
        visit.require_connections()?;
        match step {
            "product" => self.choose(visit, fields).await,
            "token" => self.issue_token(visit).await,
            "metadata" => self.take_metadata(visit, fields).await,
            "trial" => self.start_trial(visit).await,
            "activate" => self.activate(visit, fields).await,
            staged if staged.starts_with("staged/") => self.act_on_staged(visit, step, fields).await,
            _ => Err(SetUpError::StepUnknown),
        }
    }

    async fn choose(&self, visit: &mut Visit<'_>, fields: &Fields) -> Result<Next, SetUpError> {
        let console = fields.given("product").and_then(Console::from_id).ok_or(SetUpError::NoProduct)?;
        let name = match &visit.link.progress.connection {
            Some(name) => name.clone(),
            None => visit.unused_name()?,
        };
        self.advance(visit, |progress| {
            // A trial is planned with the attribute names of the product.
            if progress.product.as_deref() != Some(console.id()) {
                progress.trial = None;
            }
            progress.product = Some(console.id().to_owned());
            progress.connection = Some(name);
        })
        .await?;
        Ok(Next::Step(if visit.may_only_renew() { "metadata" } else { "values" }))
    }

    /// Issues a token of the organization. One that was issued with this link before works for another day. All others stay
    /// as they are, since people may sign in with them over the present connection.
    async fn issue_token(&self, visit: &mut Visit<'_>) -> Result<Next, SetUpError> {
        visit.require_console()?;
        if self.0.own_users {
            return Err(SetUpError::StepUnknown);
        }
        let provider = visit.sso.service_provider().provider();
        let token = OrganizationToken::issue(provider)?;
        let hash = token.hash(provider)?;
        let (issued, earlier) = (hash.clone(), visit.link.progress.token.clone());
        self.decide(visit, move |it, now| {
            it.organization.require_fewer_tokens(MOST_TOKENS, now)?;
            match &earlier {
                Some(earlier) => it.organization.replace_token(earlier, hash.clone(), now, TOKEN_OVERLAP)?,
                None => it.organization.add_token(hash.clone(), now)?,
            }
            Ok(())
        })
        .await?;
        // Somebody else with the link may have changed it meanwhile. The token is stored and must be shown.
        let keep = |link: &mut SetUpLink| link.progress.token = Some(issued.clone());
        self.change_link(&visit.link.id, &visit.author(), keep).await?;
        Ok(Next::Page(self.values_page(visit, Some(&token.reveal()), None).await?))
    }

    /// Counts an action that sends requests to others: for metadata or to the DNS.
    pub(super) fn count(&self, visit: &Visit<'_>) -> Result<(), SetUpError> {
        self.count_asked(&visit.link, visit.now)
    }

    /// Counts an action of a link that costs others or the store much: the answer to a trial as well.
    pub(super) fn count_asked(&self, link: &SetUpLink, now: DateTime<Utc>) -> Result<(), SetUpError> {
        counted(&self.0.limits.asked, link, now)
    }

    /// Counts an action of a link that is stored: its forms.
    pub(super) fn count_act(&self, link: &SetUpLink, now: DateTime<Utc>) -> Result<(), SetUpError> {
        counted(&self.0.limits.acted, link, now)
    }

    /// Counts a request with a link, before anything of the organization is read.
    pub(super) fn count_request(&self, link: &SetUpLink, now: DateTime<Utc>) -> Result<(), SetUpError> {
        counted(&self.0.limits.came, link, now)
    }

    /// Counts a page that is shown.
    pub(super) fn count_look(&self, visit: &Visit<'_>) -> Result<(), SetUpError> {
        counted(&self.0.limits.looked, &visit.link, visit.now)
    }

    /// Activates the draft. If there is already an active connection to the same identity provider, its metadata is
    /// renewed instead, so that people keep their accounts.
    async fn activate(&self, visit: &mut Visit<'_>, fields: &Fields) -> Result<Next, SetUpError> {
        let given = visit.require_draft()?.clone();
        let chosen = (self.0.settings)(&given.id, &visit.organization, visit.require_console()?);
        let copied_from = visit.link.progress.renews.as_ref();
        require_present_settings(&given, &visit.connections, &chosen, copied_from)?;
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
            let renewed = match renewed_among(&it.connections, &draft) {
                Ok(renewed) if is_draft(&draft, &it.organization) && is_as_tried && settings.is_ok() => {
                    renewed.map(|renewed| renewed.id.clone())
                }
                _ => {
                    let (read, is) = (given.revision, draft.revision);
                    return Err(StoreError::connection_conflict(id.clone(), read, is).into());
                }
            };
            match (renewed, &replaced) {
                (Some(renewed), _) => {
                    it.connection_mut(&renewed)?.metadata = draft.metadata;
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
