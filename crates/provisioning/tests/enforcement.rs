//! Who may use a password, who may get one, and who may be invited.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must stop")]

use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;
use vouchsafe_provisioning::{
    Account, AccountId, Identity, Organization, OrganizationId, Policy, Role, Snapshot, Status,
};

fn now() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

/// Acme, converted, with people of each kind. No owner has signed in over its connection.
fn acme() -> Snapshot {
    let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
    acme.entitled = true;
    acme.convert(EntityId::new("http://www.okta.com/exk1").unwrap(), &Provider::rustcrypto(), now()).unwrap();
    let mut state = Snapshot::new(acme);
    let people = [
        ("owner", Role::Owner, true),
        ("owner-without", Role::Owner, false),
        ("admin", Role::Admin, true),
        ("member", Role::Member, true),
        ("member-without", Role::Member, false),
    ];
    for (name, role, has_password) in people {
        let email = format!("{name}@example.com");
        let mut account = Account::new(AccountId::new(name), OrganizationId::new("acme"), email);
        (account.role, account.has_password) = (role, has_password);
        state.accounts.push(account);
    }
    state
}

/// The same, where an owner without password has signed in over the connection.
fn tested() -> Snapshot {
    let mut state = acme();
    let owner = state.accounts.iter_mut().find(|account| account.id.as_str() == "owner-without").unwrap();
    owner.identities.push(Identity::new(ConnectionId::new("acme").unwrap(), "owner"));
    owner.last_sign_in = Some(now());
    state
}

/// Who may use a password, and who may be given one, in the order of the accounts.
fn allowed(policy: &str, state: &Snapshot) -> [Vec<String>; 2] {
    let policy = Policy::from_toml(policy).unwrap();
    let names = |is_so: &dyn Fn(&Account) -> bool| {
        state.accounts().filter(|account| is_so(account)).map(|account| account.id.to_string()).collect()
    };
    let code = |outcome: Result<(), vouchsafe_provisioning::PlanRefusal>| match outcome {
        Ok(()) => true,
        Err(refused) => {
            assert_eq!(refused.code(), "provisioning.password_refused", "{refused}");
            false
        }
    };
    [
        names(&|account| code(policy.may_use_password(&account.id, state))),
        names(&|account| code(policy.may_set_password(&account.id, state))),
    ]
}

const ALL: [&str; 5] = ["owner", "owner-without", "admin", "member", "member-without"];
const MIXED: [&str; 4] = ["owner", "owner-without", "admin", "member"];
const WITH_ONE: [&str; 3] = ["owner", "admin", "member"];
const REQUIRED: &str = "[enforcement]\npasswords = 'required'";

#[test]
fn passwords_are_for_whom_the_policy_says() {
    let mixed = "[enforcement]\npasswords = 'mixed'";
    assert_eq!(allowed("", &tested()), [&ALL[..], &ALL[..]]);
    assert_eq!(allowed(mixed, &tested()), [&MIXED[..], &WITH_ONE[..]]);
    assert!(allowed(REQUIRED, &tested()).iter().all(Vec::is_empty), "nobody, not even the owner");
    // One that is no owner may be named too, and is no reason to refuse passwords.
    let glass = format!("{REQUIRED}\nbreak_glass = [' Member@EXAMPLE.com']");
    assert_eq!(allowed(&glass, &tested()), [["member"], ["member"]]);
    assert_eq!(allowed(&glass, &acme()), [&MIXED[..], &WITH_ONE[..]]);
}

#[test]
fn what_is_required_and_not_possible_is_mixed() {
    assert_eq!(allowed(REQUIRED, &acme()), [&MIXED[..], &WITH_ONE[..]], "no owner has signed in");
    let with = |change: &dyn Fn(&mut Account)| {
        let mut state = tested();
        change(state.accounts.iter_mut().find(|account| account.id.as_str() == "owner-without").unwrap());
        allowed(REQUIRED, &state)[0].len()
    };
    assert_eq!(with(&|_| {}), 0);
    assert_eq!(with(&|owner| owner.last_sign_in = None), 4, "linked, and never seen");
    assert_eq!(with(&|owner| owner.role = Role::Admin), 3, "an owner no more");
    let other = ConnectionId::new("other").unwrap();
    assert_eq!(with(&|owner| owner.identities = vec![Identity::new(other.clone(), "owner")]), 4);
    let glass = format!("{REQUIRED}\nbreak_glass = ['owner@example.com']");
    assert_eq!(allowed(&glass, &acme()), [["owner"], ["owner"]]);
    let without = format!("{REQUIRED}\nbreak_glass = ['owner-without@example.com']");
    assert_eq!(allowed(&without, &acme())[0], MIXED, "it has no password to use");
    for change in
        [(|state: &mut Snapshot| state.organization.conversion = None) as fn(&mut Snapshot), |state| {
            state.organization.entitled = false
        }]
    {
        let mut state = tested();
        change(&mut state);
        assert_eq!(allowed(REQUIRED, &state), [&ALL[..], &ALL[..]], "there is nothing else to sign in with");
    }
}

#[test]
fn whoever_may_not_be_used_has_no_password_either() {
    let policy = Policy::default();
    for (status, code) in [
        (Status::Suspended, "provisioning.account_suspended"),
        (Status::PendingApproval, "provisioning.approval_pending"),
    ] {
        let mut state = acme();
        state.accounts[0].status = status;
        let owner = AccountId::new("owner");
        assert_eq!(policy.may_use_password(&owner, &state).unwrap_err().code(), code);
        assert_eq!(policy.may_set_password(&owner, &state).unwrap_err().code(), code);
    }
    let nobody = AccountId::new("nobody");
    assert_eq!(policy.may_use_password(&nobody, &acme()).unwrap_err().code(), "provisioning.account_unknown");
    assert_eq!(policy.may_set_password(&nobody, &acme()).unwrap_err().code(), "provisioning.account_unknown");
}

#[test]
fn nobody_is_invited_into_a_saml_organization() {
    let mut state = acme();
    assert_eq!(state.may_invite().unwrap_err().code(), "provisioning.invitation_refused");
    state.organization.conversion = None;
    assert_eq!(state.may_invite(), Ok(()));
}

#[test]
fn a_session_lasts_for_the_shorter_of_two() {
    let policy = Policy::from_toml("[sessions]\nabsolute = '2h'\nidle = '90m'").unwrap();
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    for (longest, lasts) in [(1, 1), (2, 2), (3, 2)] {
        assert_eq!(policy.sessions.lifetime(hours(longest)), hours(lasts));
        assert_eq!(Policy::default().sessions.lifetime(hours(longest)), hours(longest));
    }
    assert_eq!(policy.sessions.idle.map(|idle| idle.get()), Some(Duration::from_secs(5_400)));
}
