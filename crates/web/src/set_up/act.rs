//! Carries out the forms of the portal.

use std::time::Duration;

use vouchsafe::console::Console;
use vouchsafe::provisioning::{Organization, OrganizationToken};
use vouchsafe_store::SetUpLink;

use super::error::SetUpError;
use super::fields::Fields;
use super::page::Next;
use super::settings::SetUp;
use super::visit::Visit;

/// How long a token of a link works after the link issued another one, so that there is time to enter the new one into
/// the console.
const TOKEN_OVERLAP: Duration = Duration::from_secs(24 * 3_600);

/// From how many valid tokens on links issue no further one. The rest is left to the owners and the operator of the
/// service, who must be able to replace a token at any time, whatever the holder of a link does.
const MOST_TOKENS: usize = Organization::MAX_TOKENS / 2;

impl SetUp {
    pub(super) async fn act(
        &self,
        visit: &mut Visit<'_>,
        step: &str,
        fields: &Fields,
    ) -> Result<Next, SetUpError> {
        self.0.limits.count_act(&visit.link, visit.now)?;
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
}
