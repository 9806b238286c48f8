//! What the planner decides: the cases of `decisions.toml`, and what is no case of one login.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must stop")]

use std::collections::BTreeMap;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;
use vouchsafe_provisioning::{
    Account, AccountId, Fact, Identity, LoginFacts, Organization, OrganizationId, OrganizationToken, Policy,
    Project, ProjectId, Role, RuleId, Snapshot, Status, Team, TeamId,
};

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    policy: String,
    issuer: Option<String>,
    connection: Option<String>,
    #[serde(default = "yes")]
    entitled: bool,
    subject: Option<String>,
    subject_format: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, Vec<String>>,
    account: Option<Known>,
    seat_limit: Option<u32>,
    code: Option<String>,
    explanation: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    email: String,
    username: Option<String>,
    identity: Option<String>,
    /// The attribute that the identity is a value of; the NameID otherwise.
    attribute: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    #[serde(default)]
    has_password: bool,
    #[serde(default)]
    role: Role,
    #[serde(default)]
    status: Status,
}

#[test]
fn every_case_is_decided_as_written() {
    let cases: Cases = toml::from_str(include_str!("decisions.toml")).unwrap();
    let mut wrong = Vec::new();
    for case in cases.case {
        let (mut snapshot, token) = acme();
        snapshot.organization.seat_limit = case.seat_limit;
        snapshot.accounts.extend(case.account.map(known));
        let mut login = login(&token);
        snapshot.organization.entitled = case.entitled;
        login.connection = case.connection.map_or(login.connection, |name| ConnectionId::new(name).unwrap());
        login.issuer = case.issuer.map_or(login.issuer, |issuer| EntityId::new(issuer).unwrap());
        login.subject = case.subject.or(login.subject).filter(|name| name != "none");
        login.subject_format = case.subject_format;
        for (name, values) in case.attributes {
            let values = values.into_iter().map(|value| value.replace("$TOKEN", &token)).collect();
            login.attributes.insert(name, values);
        }
        let decided = Policy::from_toml(&case.policy).unwrap().plan(&login, &snapshot);
        let (code, explanation) = match decided {
            Ok(plan) => (None, Some(plan.explanation())),
            Err(refused) => {
                assert!(!refused.hint().is_empty() && !refused.to_string().contains(&token));
                (Some(refused.code().to_owned()), None)
            }
        };
        if code != case.code || explanation != case.explanation {
            wrong.push(format!("{}: {code:?} {explanation:#?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn both_tokens_work_during_a_rotation_and_the_old_one_not_after() {
    let provider = Provider::rustcrypto();
    let (mut snapshot, old) = acme();
    let new = snapshot
        .organization
        .rotate_token(&provider, now(), Duration::from_secs(7 * 86_400))
        .unwrap()
        .reveal();
    snapshot.accounts.push(known_ada());
    let code_at = |token: &str, at: DateTime<Utc>, snapshot: &Snapshot| {
        let mut login = login(token);
        login.at = at;
        Policy::default().plan(login, snapshot).err().map(|refused| refused.code())
    };
    assert_eq!(code_at(&old, now(), &snapshot), None);
    assert_eq!(code_at(&new, now(), &snapshot), None);
    let later = now() + TimeDelta::days(7);
    assert_eq!(code_at(&old, later, &snapshot), Some("provisioning.token_expired"));
    assert_eq!(code_at(&new, later, &snapshot), None);

    let id = snapshot.organization.tokens.last().unwrap().id.clone();
    assert!(snapshot.organization.revoke_token(&id, now()));
    assert!(!snapshot.organization.revoke_token("00000000", now()));
    assert_eq!(code_at(&new, later, &snapshot), Some("provisioning.token_revoked"));
}

/// A token that works is never forgotten, and one that was stolen can be replaced at once, however many there are.
#[test]
fn as_many_tokens_as_there_may_be_do_not_prevent_that_all_are_replaced() {
    let provider = Provider::rustcrypto();
    let (mut snapshot, first) = acme();
    snapshot.accounts.push(known_ada());
    let organization = &mut snapshot.organization;
    let day = Duration::from_secs(86_400);
    while organization.tokens.len() < Organization::MAX_TOKENS {
        organization.rotate_token(&provider, now(), day).unwrap();
    }
    let before = serde_json::to_value(&*organization).unwrap();
    let hash = || OrganizationToken::issue(&provider).unwrap().hash(&provider).unwrap();
    for refused in [
        organization.rotate_token(&provider, now(), day).map(|_| ()),
        organization.add_token(hash(), now()),
        organization.require_fewer_tokens(Organization::MAX_TOKENS, now()),
    ] {
        assert_eq!(refused.unwrap_err().code(), "provisioning.token_limit");
    }
    assert_eq!(serde_json::to_value(&*organization).unwrap(), before);
    let longest = &mut organization.clone();
    longest.tokens.truncate(1);
    longest.tokens[0].expires_at = None;
    longest.rotate_token(&provider, now(), Duration::MAX).unwrap();
    assert!(longest.tokens.iter().all(|record| record.works_at(now() + TimeDelta::days(36_500))));
    let new = organization.rotate_token(&provider, now(), Duration::ZERO).unwrap().reveal();
    assert_eq!(organization.tokens.iter().filter(|record| record.works_at(now())).count(), 1);
    assert_eq!(organization.tokens.len(), Organization::MAX_TOKENS);
    assert!(Policy::default().plan(login(&new), &snapshot).is_ok());
    assert!(Policy::default().plan(login(&first), &snapshot).is_err());
}

#[test]
fn tokens_are_long_different_and_hidden() {
    let (mut snapshot, first) = acme();
    let second = snapshot.organization.rotate_token(&Provider::rustcrypto(), now(), Duration::ZERO).unwrap();
    assert_eq!(format!("{second:?}"), "OrganizationToken(..)");
    let second = second.reveal();
    assert_ne!(first, second);
    assert_eq!(second.len(), 64);
    let stored = format!("{snapshot:?} {}", serde_json::to_string(&snapshot).unwrap());
    assert!(!stored.contains(&first) && !stored.contains(&second));
}

#[test]
fn conversion_needs_the_entitlement_and_happens_once() {
    let provider = Provider::rustcrypto();
    let mut organization = Organization::new(OrganizationId::new("2"), "b", "B");
    let code =
        |result: Result<_, vouchsafe_provisioning::PlanRefusal>| result.map(|_| ()).unwrap_err().code();
    assert_eq!(code(organization.convert(okta(), &provider, now())), "provisioning.not_entitled");
    assert_eq!(
        code(organization.rotate_token(&provider, now(), Duration::ZERO)),
        "provisioning.not_converted"
    );
    let unconverted = Snapshot::new(organization.clone());
    let refused = Policy::default().plan(login("x"), &unconverted).unwrap_err();
    assert_eq!(refused.code(), "provisioning.not_converted");
    organization.entitled = true;
    organization.convert(okta(), &provider, now()).unwrap();
    assert_eq!(code(organization.convert(okta(), &provider, now())), "provisioning.already_converted");
}

#[test]
fn an_owner_links_the_account_that_is_signed_in() {
    let (mut snapshot, token) = acme();
    let mut owner = Account::new(AccountId::new("1"), acme_id(), "ada@example.com");
    owner.role = Role::Owner;
    owner.has_password = true;
    owner.username = "ada".to_owned();
    let id = owner.id.clone();
    snapshot.accounts.push(owner);
    let policy = Policy::default();
    assert_eq!(policy.plan(login(&token), &snapshot).unwrap_err().code(), "provisioning.email_taken");
    let plan = policy.plan(Fact::link(login(&token), id.clone()), &snapshot).unwrap();
    assert_eq!(plan.steps().len(), 1);
    assert_eq!(plan.steps()[0].rule, RuleId::from("identity.signed_in"));
    let after = snapshot.after(&plan);
    assert!(policy.plan(login(&token), &after).unwrap().is_empty());

    let other = Account::new(AccountId::new("2"), acme_id(), "bob@example.com");
    let other_id = other.id.clone();
    let mut after = after;
    after.accounts.push(other);
    let refused = policy.plan(Fact::link(login(&token), other_id.clone()), &after).unwrap_err();
    assert_eq!(refused.code(), "provisioning.identity_taken");
    let refused = policy.plan(Fact::link(login(&token), AccountId::new("9")), &snapshot).unwrap_err();
    assert_eq!(refused.code(), "provisioning.account_unknown");
}

#[test]
fn unused_accounts_are_suspended_but_not_the_last_owner() {
    let (mut snapshot, token) = acme();
    let long_ago = now() - TimeDelta::days(100);
    let linked = |id: &str, role, last_sign_in| {
        let mut account = Account::new(AccountId::new(id), acme_id(), format!("{id}@example.com"));
        account.identities.push(Identity::new(connection(), id));
        account.role = role;
        account.last_sign_in = last_sign_in;
        account
    };
    snapshot.accounts.push(linked("unused", Role::Member, Some(long_ago)));
    snapshot.accounts.push(linked("used", Role::Member, Some(now())));
    snapshot.accounts.push(linked("never", Role::Member, None));
    snapshot.accounts.push(linked("owner", Role::Owner, Some(long_ago)));
    snapshot.accounts.push(linked("former-owner", Role::Owner, Some(long_ago - TimeDelta::days(1))));
    let sweeps = Policy::from_toml("[offboarding]\nsuspend_after = '90d'").unwrap();
    assert!(Policy::default().plan(Fact::sweep(now()), &snapshot).unwrap().is_empty());
    let plan = sweeps.plan(Fact::sweep(now()), &snapshot).unwrap();
    assert_eq!(
        plan.explanation(),
        ["unused", "former-owner"].map(|id| format!(
            "Account {id}: Suspends the account because it was not used: nobody has signed in to it for 90d \
             (rule offboarding.suspend_after)"
        ))
    );
    let after = snapshot.after(&plan);
    assert_eq!(after.account(&AccountId::new("unused")).unwrap().status, Status::Suspended);
    assert_eq!(after.seats(), snapshot.seats() - 2);
    assert_eq!(plan.assertion_hash(), None);
    assert!(sweeps.plan(Fact::sweep(now()), &after).unwrap().is_empty(), "they are suspended already");
    let mut again = login(&token);
    again.subject = Some("unused".to_owned());
    let refused = Policy::default().plan(again, &after).unwrap_err();
    assert_eq!(refused.code(), "provisioning.account_suspended");
}

fn yes() -> bool {
    true
}

fn now() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

fn connection() -> ConnectionId {
    ConnectionId::new("acme").unwrap()
}

fn okta() -> EntityId {
    EntityId::new("http://www.okta.com/exk1").unwrap()
}

fn acme_id() -> OrganizationId {
    OrganizationId::new("acme")
}

/// The organization of the cases, and its token.
fn acme() -> (Snapshot, String) {
    let mut acme = Organization::new(acme_id(), "acme", "Acme");
    acme.entitled = true;
    acme.verified_domains = vec!["example.com".to_owned()];
    let token = acme.convert(okta(), &Provider::rustcrypto(), now()).unwrap().reveal();
    let mut snapshot = Snapshot::new(acme);
    for (id, name) in [("t1", "All hands"), ("t2", "Research")] {
        snapshot.teams.push(Team::new(TeamId::new(id), acme_id(), name));
    }
    snapshot.projects.push(Project::new(ProjectId::new("p1"), acme_id(), "Sandbox"));
    (snapshot, token)
}

/// With a list of groups that is empty, so that only the cases about groups have a note on them.
fn login(token: &str) -> LoginFacts {
    LoginFacts::new(connection(), okta(), "00u1", now())
        .with_assertion_id("id1")
        .with_attribute("user.email", ["ada@example.com"])
        .with_attribute("user.username", ["ada"])
        .with_attribute("groups", [] as [&str; 0])
        .with_attribute("token", [token])
}

fn known_ada() -> Account {
    let mut ada = Account::new(AccountId::new("1"), acme_id(), "ada@example.com");
    ada.identities.push(Identity::new(connection(), "00u1"));
    ada
}

fn known(known: Known) -> Account {
    let mut account = Account::new(AccountId::new("1"), acme_id(), known.email);
    account.username = known.username.unwrap_or(account.username);
    account.identities.extend(known.identity.map(|subject| match known.attribute {
        Some(attribute) => Identity::of_attribute(connection(), attribute, subject),
        None => Identity::new(connection(), subject),
    }));
    account.first_name = known.first_name;
    account.last_name = known.last_name;
    account.has_password = known.has_password;
    account.role = known.role;
    account.status = known.status;
    account
}
