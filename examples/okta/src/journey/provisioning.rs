//! What the identity provider pushes by SCIM, and what the policy makes of groups, defaults and passwords.

use std::time::Instant;

use vouchsafe::provisioning::{Account, Snapshot, Source};
use vouchsafe_store::Directory;
use vouchsafe_testkit::server::{Provisioning, Signal, User};

use super::browser::{Browser, Visit};
use super::world::{ADA, World, unexpected};
use super::{Outcome, require};
use crate::failure::Failure;
use crate::seed;

const CAROL: &str = "carol@acme.example";
const DAN: &str = "dan@acme.example";

/// The owner issues a SCIM token, the identity provider pushes Carol, and her first sign-in leads to the account that was made for her.
pub(super) async fn pushed(world: &World, owner: &Browser) -> Outcome {
    let page = owner.post(&format!("{}/settings/scim/token", world.service), &[]).await?;
    let token = page.text_after("id=\"scim-token\">").ok_or_else(|| Failure::new(unexpected(&page)))?;
    let provisioning = Provisioning::new(format!("{}/scim/v2", world.service), token);
    world.okta.update_app(&world.tile, |app| app.provisioning = Some(provisioning))?;
    world.okta.add_user(User::new(CAROL, "Carol", "Shaw").in_groups(["Everyone", "perf-team"]));
    world.okta.assign(&world.tile, CAROL)?;
    for login in [CAROL, ADA] {
        world.okta.push_user(&world.tile, login).await?;
    }
    let made = account(world, CAROL).await?;
    require(made.scim.len() == 1 && made.identities.is_empty(), || "she was not made by SCIM".to_owned())?;
    require(account(world, ADA).await?.scim.len() == 1, || "Ada's account was not taken".to_owned())?;
    let home = signs_in(world, &Browser::new()?, CAROL).await?;
    require(home.shows("Signed in as Carol Shaw"), || unexpected(&home))?;
    let signed_in = account(world, CAROL).await?;
    require(signed_in.id == made.id, || "a second account was made".to_owned())?;
    require(signed_in.identities.len() == 1, || "her identity was not linked".to_owned())?;
    Ok("an account was made before she came, and her first sign-in found it".to_owned())
}

/// Who is unassigned at the identity provider is out at once, and comes back when assigned again.
pub(super) async fn deactivated(world: &World) -> Outcome {
    let browser = Browser::new()?;
    let home = signs_in(world, &browser, CAROL).await?;
    require(home.shows("Signed in as Carol Shaw"), || unexpected(&home))?;
    world.okta.unassign(&world.tile, CAROL);
    let began = Instant::now();
    world.okta.push_user(&world.tile, CAROL).await?;
    let page = browser.get(&format!("{}/home", world.service)).await?;
    let took = began.elapsed();
    require(!page.shows("Signed in as"), || "the session goes on".to_owned())?;
    require(!account(world, CAROL).await?.is_active(), || "the account is active".to_owned())?;
    world.okta.assign(&world.tile, CAROL)?;
    world.okta.push_user(&world.tile, CAROL).await?;
    let home = signs_in(world, &browser, CAROL).await?;
    require(home.shows("Signed in as Carol Shaw"), || unexpected(&home))?;
    Ok(format!(
        "her live session was over {} ms after the push began; assigned again, she signs in",
        took.as_millis()
    ))
}

/// A member issues API tokens and revokes one; the other ends when the member is unassigned, and does not come back.
pub(super) async fn api_token(world: &World) -> Outcome {
    let (browser, me) = (Browser::new()?, format!("{}/api/me", world.service));
    signs_in(world, &browser, CAROL).await?;
    let mut tokens = Vec::new();
    for name in ["nightly build", "laptop"] {
        let page = browser.post(&format!("{}/tokens", world.service), &[("name", name)]).await?;
        let token = page.text_after("id=\"api-token\">").ok_or_else(|| Failure::new(unexpected(&page)))?;
        let answer = Browser::get_with_token(&me, token).await?;
        require(answer.shows("account") && answer.shows(name), || unexpected(&answer))?;
        tokens.push((token.to_owned(), page));
    }
    let [(kept, _), (revoked, page)] = tokens.as_slice() else { return Err(Failure::new("no tokens")) };
    let laptop = page.text_after("<td data-head=\"Name\">laptop</td><td data-head=\"Token\">");
    let id = laptop.ok_or_else(|| Failure::new(unexpected(page)))?;
    browser.post(&format!("{}/tokens/revoke", world.service), &[("id", id)]).await?;
    let ended = Browser::get_with_token(&me, revoked).await?;
    require(ended.status == 401, || "the revoked token is valid".to_owned())?;
    require(Browser::get_with_token(&me, kept).await?.status == 200, || {
        "the other one ended too".to_owned()
    })?;
    require(browser.get(&me).await?.status == 401, || "a session is no token".to_owned())?;
    world.okta.unassign(&world.tile, CAROL);
    world.okta.push_user(&world.tile, CAROL).await?;
    require(Browser::get_with_token(&me, kept).await?.status == 401, || "the token goes on".to_owned())?;
    world.okta.assign(&world.tile, CAROL)?;
    world.okta.push_user(&world.tile, CAROL).await?;
    require(Browser::get_with_token(&me, kept).await?.status == 401, || "the token came back".to_owned())?;
    Ok("a program used it; one was revoked, and the other ended with the account".to_owned())
}

/// The owner says whose signals are believed; the identity provider sends one, and the person's live session is over. Nobody else's is, and
/// the person may sign in again.
pub(super) async fn signalled(world: &World, owner: &Browser, signal: Signal) -> Outcome {
    let keys_url = world.okta.signals_keys_url();
    let fields = [("issuer", world.okta.signals_issuer()), ("keys_url", keys_url.as_str())];
    let page = owner.post(&format!("{}/settings/signals", world.service), &fields).await?;
    let address = page.text_after("Global token revocation endpoint</dt><dd>");
    let address = address.ok_or_else(|| Failure::new(unexpected(&page)))?;
    let base = address.trim_end_matches("/global-token-revocation").to_owned();
    world.okta.update_app(&world.tile, |app| app.signals_url = Some(base))?;
    let (carol, ada) = (Browser::new()?, Browser::new()?);
    for (browser, user, name) in [(&carol, CAROL, "Carol Shaw"), (&ada, ADA, "Ada Lovelace")] {
        let home = signs_in(world, browser, user).await?;
        require(home.shows(&format!("Signed in as {name}")), || unexpected(&home))?;
    }
    let began = Instant::now();
    world.okta.send(signal, &world.tile, CAROL).await?;
    let page = carol.get(&format!("{}/home", world.service)).await?;
    let took = began.elapsed();
    require(!page.shows("Signed in as"), || "the session goes on".to_owned())?;
    let others = ada.get(&format!("{}/home", world.service)).await?;
    require(others.shows("Signed in as Ada Lovelace"), || "Ada's session is over, too".to_owned())?;
    let home = signs_in(world, &carol, CAROL).await?;
    require(home.shows("Signed in as Carol Shaw"), || unexpected(&home))?;
    Ok(format!("her live session was over {} ms after it was sent, and nobody else's", took.as_millis()))
}

/// A pushed group is a source of its own beside the groups of a sign-in.
pub(super) async fn group_pushed(world: &World) -> Outcome {
    let by_scim = |account: &Account| {
        let grants = account.memberships.iter().flat_map(|membership| &membership.grants);
        grants.filter(|grant| matches!(grant.source, Source::ScimGroup { .. })).count()
    };
    world.okta.push_group(&world.tile, "perf-team").await?;
    let (carol, ada) = (account(world, CAROL).await?, account(world, ADA).await?);
    require(by_scim(&carol) == 1 && by_scim(&ada) == 1, || "the group gave no team".to_owned())?;
    world.okta.remove_pushed_group(&world.tile, "perf-team").await?;
    let after = account(world, CAROL).await?;
    require(by_scim(&after) == 0, || "what it gave stays".to_owned())?;
    let snapshot = world.app.store.whole(&"acme".into()).await?;
    require(teams(&snapshot, &after).contains(&"Performance".to_owned()), || {
        "what the sign-in gave is gone too".to_owned()
    })?;
    Ok("it gave the team Performance, and took back what it gave and nothing else".to_owned())
}

/// A group without a team makes one, and other defaults are for those who come after them.
pub(super) async fn policy_changed(world: &World, owner: &Browser) -> Outcome {
    let wrong = save(world, owner, "[group]\ncreate_teams = true").await?;
    require(wrong.status == 422 && wrong.shows("line 1"), || unexpected(&wrong))?;
    saved(world, owner, &policy("additive", 100, "")).await?;
    world.okta.add_user(User::new(DAN, "Dan", "Bricklin").in_groups(["Everyone", "checkout-crew"]));
    world.okta.assign(&world.tile, DAN)?;
    let home = signs_in(world, &Browser::new()?, DAN).await?;
    require(home.shows("Signed in as Dan Bricklin"), || unexpected(&home))?;
    signs_in(world, &Browser::new()?, ADA).await?;
    let snapshot = world.app.store.whole(&"acme".into()).await?;
    let of = |email: &str| snapshot.account_with_email(email).map(|account| teams(&snapshot, account));
    require(of(DAN) == Some(vec!["Performance".to_owned(), "checkout-crew".to_owned()]), || {
        format!("Dan is in {:?}", of(DAN))
    })?;
    require(snapshot.project_named("checkout-crew").is_some(), || "the team has no project".to_owned())?;
    require(of(ADA).is_some_and(|teams| teams.contains(&"All hands".to_owned())), || {
        "Ada lost a default".to_owned()
    })?;
    Ok("a new group made its team and project, and the new defaults are Dan's alone".to_owned())
}

/// Another domain of the organization: asked for, verified, and given up.
pub(super) async fn domain_verified(world: &World, owner: &Browser) -> Outcome {
    let at = |place: &str| format!("{}/settings/domains{place}", world.service);
    let domain = [("domain", "acme-labs.example")];
    let wrong = owner.post(&at(""), &[("domain", "no domain")]).await?;
    require(wrong.status == 422 && wrong.shows("provisioning.domain_invalid"), || unexpected(&wrong))?;
    let too_early = owner.post(&at("/verify"), &domain).await?;
    require(too_early.status == 422, || unexpected(&too_early))?;
    let asked = owner.post(&at(""), &domain).await?;
    require(asked.shows("_vouchsafe-challenge.acme-labs.example"), || unexpected(&asked))?;
    let verified = owner.post(&at("/verify"), &domain).await?;
    require(verified.shows("Verified: new people"), || unexpected(&verified))?;
    let owns = async || {
        let organization = world.app.store.whole(&"acme".into()).await?.organization;
        Ok::<_, Failure>(organization.verified_domains.contains(&"acme-labs.example".to_owned()))
    };
    require(owns().await?, || "the domain is not verified".to_owned())?;
    owner.post(&at("/give-up"), &domain).await?;
    require(!owns().await?, || "the domain is still there".to_owned())?;
    Ok("a record was asked for, found, and the domain given up again".to_owned())
}

/// The last sign-in of each person is explained, and a policy is tried on them: what comes of it is shown, and nothing is changed.
pub(super) async fn policy_tried(world: &World, owner: &Browser) -> Outcome {
    let page = owner.get(&format!("{}/settings/sign-ins", world.service)).await?;
    for shown in [DAN, "Joins the team", "checkout-crew", "groups.unmapped", "is ignored", "groups.ignore"] {
        require(page.shows(shown), || format!("{shown} is missing: {}", unexpected(&page)))?;
    }
    let before = world.app.store.whole(&"acme".into()).await?;
    let tried = async |text: &str| {
        owner.post(&format!("{}/settings/policy/try", world.service), &[("policy", text)]).await
    };
    let wider = "[[groups.map]]\ngroup = \"checkout-crew\"\nteam = \"checkout-crew\"\nrole = \"admin\"";
    let page = tried(&policy("additive", 100, wider)).await?;
    require(page.status == 200 && page.shows(DAN) && page.shows("gains"), || unexpected(&page))?;
    require(page.shows("team checkout-crew"), || unexpected(&page))?;
    let blocked = "[admission]\nblocked_groups = [\"checkout-crew\"]";
    let page = tried(&policy("additive", 100, blocked)).await?;
    require(
        page.shows("is one of those whose people are not admitted") && page.shows("blocked_groups"),
        || unexpected(&page),
    )?;
    let wrong = tried("[group]").await?;
    require(wrong.status == 422 && wrong.shows("line 1"), || unexpected(&wrong))?;
    let after = world.app.store.whole(&"acme".into()).await?;
    require(before == after, || "trying a policy changed something".to_owned())?;
    let lines = owner.get(&format!("{}/settings/sign-ins.jsonl", world.service)).await?;
    require(lines.shows(DAN) && !lines.shows("\"token\""), || unexpected(&lines))?;
    Ok("the last sign-ins were explained, and a policy was tried on them".to_owned())
}

/// A sign-in that would take more than is allowed takes nothing; one that may, takes what the groups do not give.
pub(super) async fn exclusive(world: &World, owner: &Browser) -> Outcome {
    world.okta.update_user(DAN, |user| user.groups = vec!["Everyone".to_owned()])?;
    saved(world, owner, &policy("exclusive", 1, "")).await?;
    let refused = signs_in(world, &Browser::new()?, DAN).await?;
    require(refused.status == 403, || unexpected(&refused))?;
    let kept = account(world, DAN).await?.memberships.len();
    require(kept == 2, || format!("{kept} teams are left"))?;
    saved(world, owner, &policy("exclusive", 2, "")).await?;
    let home = signs_in(world, &Browser::new()?, DAN).await?;
    require(home.shows("Signed in as Dan Bricklin"), || unexpected(&home))?;
    let left = account(world, DAN).await?.memberships.len();
    require(left == 0, || format!("{left} teams are left"))?;
    Ok("the breaker refused to end two memberships where one is allowed, and two were ended where two are"
        .to_owned())
}

/// Nobody uses a password any more, but the accounts that are named for the day on which the identity provider is away.
pub(super) async fn required(world: &World, owner: &Browser) -> Outcome {
    let email = seed::owner_email("acme.example");
    let address = format!("{}/sign-in/password", world.service);
    let fields = [("email", email.as_str()), ("password", world.app.owner_password.reveal())];
    saved(world, owner, &policy("additive", 100, "[enforcement]\npasswords = \"required\"")).await?;
    let refused = Browser::new()?.post(&address, &fields).await?;
    require(refused.status == 403, || unexpected(&refused))?;
    let glass = format!("[enforcement]\npasswords = \"required\"\nbreak_glass = [\"{email}\"]");
    saved(world, owner, &policy("additive", 100, &glass)).await?;
    let page = Browser::new()?.post(&address, &fields).await?;
    require(page.shows("organization settings"), || unexpected(&page))?;
    saved(world, owner, seed::POLICY).await?;
    Ok("the owner's password is refused, and works for a break-glass account".to_owned())
}

/// A policy that makes teams, with other defaults.
fn policy(sync: &str, max_removals: u32, more: &str) -> String {
    format!(
        "[attributes]\npreset = \"okta\"\ngroups = \"groups\"\n\n[defaults]\nteams = [{{ name = \"Performance\" }}]\n\n\
         [groups]\ncreate_teams = true\nsync = \"{sync}\"\nmax_removals = {max_removals}\n\n{more}\n"
    )
}

async fn save(world: &World, owner: &Browser, text: &str) -> Result<Visit, Failure> {
    owner.post(&format!("{}/settings/policy", world.service), &[("policy", text)]).await
}

async fn saved(world: &World, owner: &Browser, text: &str) -> Result<(), Failure> {
    let page = save(world, owner, text).await?;
    require(page.status == 200 && page.shows("The policy was saved"), || unexpected(&page))
}

/// By the dashboard of the identity provider, as that person.
async fn signs_in(world: &World, browser: &Browser, user: &str) -> Result<Visit, Failure> {
    let tile = world.okta.app_url(&world.tile)?;
    let form = world.identified(browser, &tile, user).await?.saml_form()?;
    browser.submit(&form).await
}

async fn account(world: &World, email: &str) -> Result<Account, Failure> {
    let snapshot = world.app.store.whole(&"acme".into()).await?;
    let found = snapshot.account_with_email(email).cloned();
    found.ok_or_else(|| Failure::new(format!("there is no account of {email}")))
}

fn teams(snapshot: &Snapshot, account: &Account) -> Vec<String> {
    let names = account.memberships.iter().filter_map(|membership| snapshot.team(&membership.team));
    let mut names: Vec<String> = names.map(|team| team.name.clone()).collect();
    names.sort();
    names
}
