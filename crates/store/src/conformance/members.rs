//! What people are in an organization, and what may take it away.

use std::time::Duration;

use crate::{About, Decision, Session, SessionId};
use chrono::TimeDelta;
use vouchsafe::{
    ConnectionId, Provider,
    provisioning::{
        Account, AccountId, Actor, Change, Fact, Membership, Permission, Policy, Role, Source, Status,
    },
};
use vouchsafe_testkit::ISSUE_INSTANT;

use super::{
    Store, acme, author, change, globex, login, now, okta, planned, provision,
    scenarios::{sign_in, valid, valid_over},
    with_acme, with_globex,
};

/// People of another organization are not changed, and are no owners of this one; nor are suspended owners and members.
pub async fn another_organizations_people_have_no_part_in_a_change(store: impl Store) {
    with_acme(&store).await;
    with_globex(&store).await;
    for (name, organization, role, status) in [
        ("owner", acme(), Role::Owner, Status::Active),
        ("former", acme(), Role::Owner, Status::Suspended),
        ("member", acme(), Role::Member, Status::Active),
        ("theirs", globex(), Role::Owner, Status::Active),
        ("other", globex(), Role::Owner, Status::Active),
    ] {
        let mut account = Account::new(AccountId::new(name), organization, format!("{name}@example.com"));
        (account.role, account.status) = (role, status);
        store.add_account(&account, &author()).await.unwrap();
    }
    for (name, code) in [
        ("owner", "provisioning.last_owner"),
        ("theirs", "provisioning.account_unknown"),
        ("nobody", "provisioning.account_unknown"),
        ("member", ""),
    ] {
        let changed = change(&store, &AccountId::new(name), Change::Suspend, Actor::Operator).await;
        assert_eq!(changed.map_or_else(|refused| refused.code(), |_| ""), code, "{name}");
    }
    let globex = store.whole(&globex()).await.unwrap();
    assert!(globex.accounts.iter().all(|account| account.status == Status::Active));
}

/// The doors by which an account can lose its role or its place, each tried on the last owner.
pub async fn the_last_owner_is_safe_at_every_door(store: impl Store) {
    let token = with_acme(&store).await;
    let managed = format!("{}\nsync = 'managed'", super::POLICY);
    store.set_policy(&acme(), &managed, &author()).await.unwrap();
    let ada = provision(&store, login("ada", &token, "id1")).await.unwrap().account;
    let bob = provision(&store, login("bob", &token, "id2")).await.unwrap().account;
    for owner in [&ada, &bob] {
        change(&store, owner, Change::SetRole(Role::Owner), Actor::Operator).await.unwrap();
    }
    // Plans from the time when there were two.
    let two = store.whole(&acme()).await.unwrap();
    let stale = |wanted: Change| planned(&two, &ada, &wanted, "a test");
    let stale = [stale(Change::Suspend), stale(Change::SetRole(Role::Member))];
    change(&store, &bob, Change::Suspend, Actor::Account(ada.clone())).await.unwrap();

    let only = vec![ada.clone()];
    let engineering = store.whole(&acme()).await.unwrap().team_named("Engineering").unwrap().id.clone();
    let sweep = || Actor::Rule("offboarding.unused".into());
    for (door, wanted, actor, code) in [
        ("suspension", Change::Suspend, Actor::Operator, "provisioning.last_owner"),
        ("suspension of oneself", Change::Suspend, Actor::Account(ada.clone()), "provisioning.last_owner"),
        ("off-boarding", Change::Suspend, sweep(), "provisioning.last_owner"),
        ("role", Change::SetRole(Role::Admin), Actor::Operator, "provisioning.last_owner"),
        (
            "role of oneself",
            Change::SetRole(Role::Member),
            Actor::Account(ada.clone()),
            "provisioning.last_owner",
        ),
        ("removal from a team", Change::LeaveTeam(engineering), Actor::Operator, ""),
        ("end of a source", Change::EndGrant("t1".into(), Source::Defaults), Actor::Operator, ""),
        ("removal from the last team", Change::LeaveTeam("t1".into()), Actor::Operator, ""),
    ] {
        let outcome = change(&store, &ada, wanted, actor).await.map_or_else(|refused| refused.code(), |_| "");
        assert_eq!(outcome, code, "{door}");
        assert_eq!(owners(&store).await, only, "{door}");
    }
    let whole = store.whole(&acme()).await.unwrap();
    let sweeps = Policy::from_toml("[offboarding]\nsuspend_after = '90d'").unwrap();
    let swept = sweeps.plan(Fact::sweep(now() + TimeDelta::days(400)), &whole).unwrap();
    assert!(swept.is_empty(), "the sweep names the last owner no more");

    // A login that takes every group away, and one of a policy that gives new people less.
    let without_groups = login("ada", &token, "id3").without_attribute("department");
    provision(&store, without_groups.with_attribute("department", [""; 0])).await.unwrap();
    assert_eq!(owners(&store).await, only, "group mapping");
    store.set_policy(&acme(), "[defaults]\nrole = 'admin'", &author()).await.unwrap();
    provision(&store, login("ada", &token, "id4")).await.unwrap();
    assert_eq!(owners(&store).await, only, "defaults");

    for plan in stale {
        for about in [
            About::Account { organization: acme(), account: ada.clone() },
            About::Account { organization: acme(), account: bob.clone() },
            About::Organization(acme()),
        ] {
            let plan = plan.clone();
            let refused = store.decide(Decision::new(about, move |_, _| Ok(plan))).await.unwrap_err();
            assert_eq!(refused.code(), "provisioning.last_owner", "a plan that is out of date");
        }
    }

    // Conversion, its end, and the end of the entitlement are about the organization, and leave its people alone.
    let mut found = store.organization(&acme()).await.unwrap().unwrap();
    found.value.entitled = false;
    found.value.conversion = None;
    found.version = store.update_organization(&found, &author()).await.unwrap();
    found.value.entitled = true;
    found.value.convert(okta(), &Provider::rustcrypto(), now()).unwrap();
    store.update_organization(&found, &author()).await.unwrap();
    assert_eq!(owners(&store).await, only, "conversion");
}

/// Whoever is an owner by a group is none without it, as long as there is another; of two who lose it at once, one stays.
pub async fn an_owner_by_a_group_goes_with_it_while_there_is_another(store: impl Store) {
    let token = with_acme(&store).await;
    let by_group =
        "sync = 'managed'\nrole_ceiling = 'owner'\n[[groups.roles]]\ngroup = 'Bosses'\nrole = 'owner'";
    store.set_policy(&acme(), &format!("{}\n{by_group}", super::POLICY), &author()).await.unwrap();
    let with = |person: &str, assertion: String, groups: &[&str]| {
        let facts = login(person, &token, &assertion).without_attribute("department");
        facts.with_attribute("department", groups.iter().copied())
    };
    let mut ids = Vec::new();
    for person in ["ada", "bob"] {
        ids.push(provision(&store, with(person, format!("{person} 1"), &["Bosses"])).await.unwrap().account);
    }
    assert_eq!(owners(&store).await, ids);
    provision(&store, with("ada", "ada 2".to_owned(), &[])).await.unwrap();
    assert_eq!(owners(&store).await, ids[1..]);
    let last = provision(&store, with("bob", "bob 2".to_owned(), &[])).await.unwrap();
    assert!(last.plan.to_string().contains("Stays owner"), "{}", last.plan);
    assert_eq!(owners(&store).await, ids[1..]);
    for round in 0..10 {
        provision(&store, with("ada", format!("ada {round} in"), &["Bosses"])).await.unwrap();
        provision(&store, with("bob", format!("bob {round} in"), &["Bosses"])).await.unwrap();
        assert_eq!(owners(&store).await.len(), 2);
        let out = ["ada", "bob"].map(|person| {
            let (store, facts) = (store.clone(), with(person, format!("{person} {round} out"), &[]));
            tokio::spawn(async move { provision(&store, facts).await.map(drop) })
        });
        for out in out {
            out.await.unwrap().unwrap();
        }
        assert_eq!(owners(&store).await.len(), 1, "round {round}");
    }
}

/// What a group gives ends with the group, at Acme's second connection too, and what was given by hand and with the account stays.
pub async fn a_membership_goes_with_its_last_source(store: impl Store) {
    let token = with_acme(&store).await;
    let managed = format!("{}\nsync = 'managed'", super::POLICY);
    store.set_policy(&acme(), &managed, &author()).await.unwrap();
    let groups = |assertion: &str, groups: &[&str]| {
        let facts = login("ada", &token, assertion).without_attribute("department");
        facts.with_attribute("department", groups.iter().copied())
    };
    let ada = provision(&store, groups("id1", &["Engineering", "Sales"])).await.unwrap().account;
    let whole = store.whole(&acme()).await.unwrap();
    let team = |name: &str| whole.team_named(name).unwrap().id.clone();
    let (engineering, sales) = (team("Engineering"), team("Sales"));
    let by_hand = Change::JoinTeam(engineering.clone(), Permission::Admin);
    change(&store, &ada, by_hand, Actor::Operator).await.unwrap();
    let is_in = async || {
        let whole = store.whole(&acme()).await.unwrap();
        let account = whole.account(&ada).unwrap().clone();
        [&engineering, &sales, &"t1".into()].map(|team| account.membership(team).map(Membership::role))
    };
    let (admin, reader) = (Some(Permission::Admin), Some(Permission::ReadOnly));
    assert_eq!(is_in().await, [admin, reader, reader]);
    // A login that says nothing of groups, one that takes one away, and one that takes away all.
    provision(&store, login("ada", &token, "id2").without_attribute("department")).await.unwrap();
    assert_eq!(is_in().await, [admin, reader, reader]);
    let applied = provision(&store, groups("id3", &["Engineering"])).await.unwrap();
    assert_eq!(applied.plan.steps().len(), 1, "{}", applied.plan);
    assert_eq!(is_in().await, [admin, None, reader]);
    provision(&store, groups("id4", &[])).await.unwrap();
    assert_eq!(is_in().await, [admin, None, reader], "what is by hand and what came with the account");
    let last = store.audit(&acme()).await.unwrap().pop().unwrap();
    assert_eq!((last.rule.as_str(), last.after.as_deref()), ("groups.sync", Some("admin")));
    change(&store, &ada, Change::EndGrant(engineering.clone(), Source::Hand), Actor::Operator).await.unwrap();
    assert_eq!(is_in().await, [None, None, reader]);
}

pub async fn a_connection_takes_over_the_people_of_another(store: impl Store) {
    let token = with_acme(&store).await;
    let mut found = store.organization(&acme()).await.unwrap().unwrap();
    found.value.connections = ["acme", "acme-new"].map(|name| ConnectionId::new(name).unwrap()).into();
    store.update_organization(&found, &author()).await.unwrap();
    let ada = store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap();
    let takeover = "[[identity.takeovers]]\nfrom = 'acme'\nto = 'acme-new'\nby = 'subject'";
    store.set_policy(&acme(), takeover, &author()).await.unwrap();
    let over_the_new = |assertion: &str| sign_in(valid_over("acme-new", "ada", &token, assertion));
    let moved = store.sign_in(over_the_new("id2")).await.unwrap();
    assert_eq!(moved.account(), ada.account());
    let last = store.audit(&acme()).await.unwrap().pop().unwrap();
    assert_eq!(last.rule.as_str(), "identity.takeovers");
    assert!(store.sign_in(over_the_new("id3")).await.unwrap().plan.is_empty(), "once");
    assert_eq!(store.whole(&acme()).await.unwrap().accounts.len(), 1);
}

/// Suspended people take no seat, and need one to come back.
pub async fn a_seat_is_needed_to_be_active_again(store: impl Store) {
    let token = with_acme(&store).await;
    let mut people = Vec::new();
    for person in ["ada", "bob", "eve"] {
        people.push(provision(&store, login(person, &token, person)).await.unwrap().account);
    }
    change(&store, &people[0], Change::Suspend, Actor::Operator).await.unwrap();
    let mut found = store.organization(&acme()).await.unwrap().unwrap();
    found.value.seat_limit = Some(2);
    store.update_organization(&found, &author()).await.unwrap();
    let back = async || {
        let decided = change(&store, &people[0], Change::Reactivate, Actor::Operator).await;
        decided.map_or_else(|refused| refused.code(), |_| "active")
    };
    assert_eq!(back().await, "provisioning.seat_limit");
    let refused = provision(&store, login("new", &token, "new")).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.seat_limit");
    // A decision of the application's own is held against it by the store.
    let whole = store.whole(&acme()).await.unwrap();
    let mut unlimited = whole.clone();
    unlimited.organization.seat_limit = None;
    let plan = planned(&unlimited, &people[0], &Change::Reactivate, "");
    for about in
        [About::Account { organization: acme(), account: people[0].clone() }, About::Organization(acme())]
    {
        let plan = plan.clone();
        let refused = store.decide(Decision::new(about, move |_, _| Ok(plan))).await.unwrap_err();
        assert_eq!(refused.code(), "provisioning.seat_limit");
    }
    change(&store, &people[1], Change::Suspend, Actor::Operator).await.unwrap();
    assert_eq!(back().await, "active");
    let last = store.audit(&acme()).await.unwrap().pop().unwrap();
    assert_eq!((last.before.as_deref(), last.after.as_deref()), (Some("suspended"), Some("active")));
}

/// Whoever asks for a link and is signed out, or suspended, before it is there gets none.
pub async fn an_account_is_linked_while_the_session_lasts_that_asked(store: impl Store) {
    let token = with_acme(&store).await;
    let mut owner = Account::new(AccountId::new("owner"), acme(), "owner@example.com");
    (owner.role, owner.has_password) = (Role::Owner, true);
    store.add_account(&owner, &author()).await.unwrap();
    let mut bob = Account::new(AccountId::new("bob"), acme(), "bob@example.com");
    bob.role = Role::Owner;
    store.add_account(&bob, &author()).await.unwrap();
    let open = async |account: &Account, lifetime| {
        let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
        let begin = ISSUE_INSTANT - TimeDelta::minutes(10);
        let session = Session::of(acme(), account.id.clone(), begin).lasting(lifetime, None);
        store.create(&id, &session).await.unwrap();
        id
    };
    let link = async |session: &str, assertion: &str| {
        // Of another address than the account has: it is found as the one to link, and by nothing else.
        let sign_in = sign_in(valid("boss", &token, assertion)).linking(owner.id.clone(), session);
        store.sign_in(sign_in).await.map_or_else(|refused| refused.code(), |_| "linked")
    };
    let ended = "provisioning.link_session_ended";
    let hours = Duration::from_secs(3_600);
    let (revoked, over) = (open(&owner, hours).await, open(&owner, Duration::from_secs(540)).await);
    let (of_another, good) = (open(&bob, hours).await, open(&owner, hours).await);
    store.revoke(&revoked).await.unwrap();
    for session in [revoked.hash(), over.hash(), of_another.hash(), "", good.reveal()] {
        assert_eq!(link(session, "id1").await, ended, "{session}");
    }
    assert_eq!(link(good.hash(), "id1").await, "linked", "what was refused left nothing behind");
    // Suspension, and whatever ends all sessions of the account, end the link too.
    store.revoke_account(&owner.id).await.unwrap();
    assert_eq!(link(good.hash(), "id2").await, ended);
    let again = open(&owner, hours).await;
    change(&store, &owner.id, Change::Suspend, Actor::Operator).await.unwrap();
    assert_eq!(link(again.hash(), "id2").await, ended);
    let whole = store.whole(&acme()).await.unwrap();
    assert_eq!(whole.account(&owner.id).unwrap().identities.len(), 1);
    assert!(whole.account(&bob.id).unwrap().identities.is_empty());
}

pub(super) async fn owners(store: &impl Store) -> Vec<AccountId> {
    store.whole(&acme()).await.unwrap().active_owners().map(|owner| owner.id.clone()).collect()
}
