//! The customer's journey without a browser, over real HTTP: each step is printed with its result, and each is checked.

mod browser;
mod owner;
mod provisioning;
mod refusals;
mod set_up;
mod world;

use vouchsafe_testkit::server::Signal;

use crate::failure::Failure;
use crate::journey::browser::Browser;
use crate::journey::world::{ADA, World};
use crate::say;

/// Walks it; fails when any step did not come out as it must.
pub(crate) async fn walk() -> Result<(), Failure> {
    let world = World::make().await?;
    say(&format!("service            {}", world.service));
    say(&format!("identity provider  {}", world.identity_provider()));
    say("");

    let mut report = Report::default();
    let browser = Browser::new()?;
    report.step("an owner signs in with a password", world.owner_signs_in(&browser).await);
    report.step("an organization whose plan has no SAML SSO", refusals::not_entitled(&world).await);
    report.step("organization converted", world.convert(&browser).await);
    report.step("first sign-in, from the identity provider's dashboard", world.first_sign_in().await);
    report.step("second sign-in, from the service's SAML SSO button", world.second_sign_in().await);
    report.step("again from the dashboard", world.dashboard_again().await);
    report.step("addresses and names of nobody", world.not_found().await);
    report.step("an answer in another person's browser", refusals::in_another_browser(&world).await);
    report.step("an answer that comes late", refusals::late(&world).await);
    report.step("the same response again", refusals::replayed(&world).await);
    report.step("a response with another e-mail address put in", refusals::tampered(&world).await);
    report.step("ciphertext with one byte changed", refusals::tampered_ciphertext(&world).await);
    report.step(
        "the token of another organization",
        refusals::token_of_another_organization(&world, &browser).await,
    );
    report.step("no token", refusals::no_token(&world).await);
    report.step("forms of another site", refusals::forms_of_another_site(&world, &browser).await);
    report.step("a person who is suspended", refusals::suspended(&world, &browser).await);
    report.step("and reactivated", world.reactivated(&browser).await);
    report.step("token rotated", world.rotated(&browser).await);
    report.step("the owner looks a refusal up", owner::looks_up_a_refusal(&world, &browser).await);
    report.step("a wrong address in a form", owner::types_a_wrong_address(&world, &browser).await);
    report.step("the owner's account is linked", owner::links_the_own_account(&world).await);
    report.step("people are pushed by SCIM", provisioning::pushed(&world, &browser).await);
    report.step("unassigned with a live session", provisioning::deactivated(&world).await);
    report.step("an API token, and its end", provisioning::api_token(&world).await);
    report.step(
        "Universal Logout with a live session",
        provisioning::signalled(&world, &browser, Signal::UniversalLogout).await,
    );
    report.step(
        "session-revoked (CAEP) with a live session",
        provisioning::signalled(&world, &browser, Signal::SessionRevoked).await,
    );
    report.step("a group is pushed by SCIM", provisioning::group_pushed(&world).await);
    report.step("another policy", provisioning::policy_changed(&world, &browser).await);
    report.step("another domain is verified", provisioning::domain_verified(&world, &browser).await);
    report.step("a policy is tried out", provisioning::policy_tried(&world, &browser).await);
    report.step("exclusive groups, and their breaker", provisioning::exclusive(&world, &browser).await);
    report.step("single sign-on is required", provisioning::required(&world, &browser).await);
    report.step("signed out", world.signs_out().await);
    report.step("keys, and who may change them", owner::watches_over_the_keys(&world, &browser).await);
    report.step("another identity provider", owner::changes_over(&world, &browser).await);
    report.step("somebody without an account sets up, by a link", set_up::by_a_link(&world).await);
    report.step("disconnected", owner::disconnects(&world, &browser).await);
    report.step("unassigned at the identity provider", world.unassigned().await);

    say("");
    report.finish()
}

/// What a step came to, in a few words.
pub(crate) type Outcome = Result<String, Failure>;

#[derive(Default)]
struct Report {
    steps: usize,
    failed: usize,
}

impl Report {
    fn step(&mut self, name: &str, outcome: Outcome) {
        self.steps = self.steps.saturating_add(1);
        match outcome {
            Ok(text) => say(&format!("{:>2}  ok      {name}: {text}", self.steps)),
            Err(failure) => {
                self.failed = self.failed.saturating_add(1);
                say(&format!("{:>2}  FAILED  {name}: {failure}", self.steps));
            }
        }
    }

    fn finish(self) -> Result<(), Failure> {
        if self.failed == 0 {
            say(&format!("All {} steps came out right, for {ADA}.", self.steps));
            return Ok(());
        }
        Err(Failure::new(format!("{} of {} steps did not come out right", self.failed, self.steps)))
    }
}

/// Fails with the text unless the condition holds.
fn require(condition: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if condition { Ok(()) } else { Err(Failure::new(otherwise())) }
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn the_whole_journey_comes_out_right() {
        super::walk().await.unwrap();
    }
}
