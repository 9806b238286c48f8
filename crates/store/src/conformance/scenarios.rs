//! Many at once, faults in the middle, and what must not be lost.

use std::time::Duration;

use crate::{About, Decision, SessionId, SignIn, StoredConnection};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;
use vouchsafe::{
    ConnectionId, ConnectionState, Expect, LoginOptions, PostedResponse, Provider, ValidAssertion,
    provisioning::{
        Account, AccountId, Action, Actor, Change, LoggedOut, Membership, Permission, Policy, Project,
        ProjectId, Role, Snapshot, Source, Team, TeamId,
    },
};
use vouchsafe_testkit::{Attribute, ISSUE_INSTANT, Part, ResponseBuilder};

use super::{
    Store, acme, audit_of_people, author, change,
    connections::draft,
    login,
    members::owners,
    memoranda::{service, service_over},
    now, okta, planned, provision, with_acme, with_globex,
};

/// What an identity provider says of somebody at Acme, in a response of its own.
pub fn valid(person: &str, token: &str, assertion: &str) -> ValidAssertion {
    valid_over("acme", person, token, assertion)
}

/// The same over a connection of this name: each is to the same identity provider.
pub fn valid_over(connection: &str, person: &str, token: &str, assertion: &str) -> ValidAssertion {
    received(connection, response(person, token, assertion))
}

/// The same of a session without an index.
pub fn valid_without_index(person: &str, token: &str, assertion: &str) -> ValidAssertion {
    received("acme", response(person, token, assertion).omit(Part::SessionIndex))
}

/// The same with one statement for each of these sessions at the identity provider.
pub fn valid_of_sessions(person: &str, token: &str, assertion: &str, indexes: [&str; 2]) -> ValidAssertion {
    let response = response(person, token, assertion).session_index(indexes[0]);
    received("acme", response.further_session_index(indexes[1]))
}

fn response(person: &str, token: &str, assertion: &str) -> ResponseBuilder {
    vouchsafe_testkit::IdentityProvider::okta()
        .response()
        .assertion_id(assertion)
        .name_id(person)
        .attribute(Attribute::new("user.email", [format!("{person}@example.com")]))
        .attribute(Attribute::new("department", ["Engineering"]))
        .attribute(Attribute::new("token", [token]))
}

fn received(connection: &str, response: ResponseBuilder) -> ValidAssertion {
    let (service, okta) = service_over(connection);
    let encoded = response.issue().unwrap().to_base64();
    let posted = PostedResponse::from_base64(&encoded, service.limits()).unwrap();
    let claimed = service.open(posted).unwrap();
    service.receive(claimed, std::slice::from_ref(&okta), Expect::Unsolicited, ISSUE_INSTANT).unwrap()
}

/// One that answers a request of that time.
pub fn valid_reply(person: &str, token: &str, assertion: &str, asked_at: DateTime<Utc>) -> ValidAssertion {
    let (service, okta) = service_over("acme");
    let started = service.start_login(&okta, LoginOptions::default(), asked_at).unwrap();
    let bound = started.pending.bind(Some(started.binding.reveal()), service.provider()).unwrap();
    let response = vouchsafe_testkit::IdentityProvider::okta()
        .response()
        .assertion_id(assertion)
        .in_response_to(bound.request().request_id())
        .session_index("s1")
        .name_id(person)
        .attribute(Attribute::new("user.email", [format!("{person}@example.com")]))
        .attribute(Attribute::new("token", [token]));
    let encoded = response.issue().unwrap().to_base64();
    let claimed = service.open(PostedResponse::from_base64(&encoded, service.limits()).unwrap()).unwrap();
    let now = ISSUE_INSTANT + TimeDelta::seconds(1);
    service.receive(claimed, std::slice::from_ref(&okta), Expect::Reply(&bound), now).unwrap()
}

pub fn sign_in(valid: ValidAssertion) -> SignIn {
    SignIn::new(valid, SessionId::generate(&Provider::rustcrypto()).unwrap(), Duration::from_secs(28_800))
}

pub async fn two_hundred_first_sign_ins_at_once_succeed(store: impl Store) {
    let token = with_acme(&store).await;
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        let (store, token) = (store.clone(), token.clone());
        let valid = valid(&format!("p{number}"), &token, &format!("id{number}"));
        tasks.spawn(async move { store.sign_in(sign_in(valid)).await.map_err(|failure| failure.code()) });
    }
    let signed_in = tasks.join_all().await;
    for one in signed_in {
        let one = one.unwrap();
        let found = store.find(&one.id, ISSUE_INSTANT).await.unwrap().unwrap();
        assert_eq!((&found.account, &found.organization), (one.account(), one.organization()));
    }
    let whole = store.whole(&acme()).await.unwrap();
    assert_eq!(whole.accounts.len(), 200);
    assert_eq!(whole.teams.len(), 2, "the team was made once");
    assert!(whole.accounts.iter().all(|account| account.memberships.len() == 2));
}

/// They are one person, and what each read says that nobody is there yet.
pub async fn first_sign_ins_of_one_person_at_once_make_one_account(store: impl Store) {
    let token = with_acme(&store).await;
    for round in 0..10 {
        let mut tasks = JoinSet::new();
        for number in 0..4 {
            let valid = valid(&format!("person{round}"), &token, &format!("id{round}.{number}"));
            let store = store.clone();
            tasks.spawn(async move { store.sign_in(sign_in(valid)).await.unwrap() });
        }
        let signed_in = tasks.join_all().await;
        let whole = store.whole(&acme()).await.unwrap();
        assert_eq!(whole.accounts.len(), round + 1);
        for one in signed_in {
            let session = store.find(&one.id, ISSUE_INSTANT).await.unwrap().unwrap();
            assert_eq!(Some(&session.account), whole.accounts.last().map(|account| &account.id));
        }
    }
    let mut created: Vec<_> = audit_of_people(&store)
        .await
        .into_iter()
        .filter(|record| record.rule.as_str() == "admission.create")
        .map(|record| (record.account, record.assertion_hash))
        .collect();
    created.sort();
    created.dedup();
    assert_eq!(created.len(), 10, "each account was made by one of the sign-ins");
}

pub async fn of_first_sign_ins_at_once_no_more_succeed_than_there_are_seats(store: impl Store) {
    let token = with_acme(&store).await;
    let mut read = store.organization(&acme()).await.unwrap().unwrap();
    read.value.seat_limit = Some(3);
    store.update_organization(&read, &author()).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..12 {
        let valid = valid(&format!("p{number}"), &token, &format!("id{number}"));
        let store = store.clone();
        tasks.spawn(async move {
            store.sign_in(sign_in(valid)).await.map(drop).map_err(|failure| failure.code())
        });
    }
    let ended = tasks.join_all().await;
    assert_eq!(ended.iter().filter(|one| one.is_ok()).count(), 3, "{ended:?}");
    assert_eq!(store.whole(&acme()).await.unwrap().accounts.len(), 3);
}

/// The somebody is an owner too, so that both the decision and the rule about owners are held while others write.
pub async fn an_owner_suspends_somebody_while_forty_people_sign_in(store: impl Store) {
    let token = with_acme(&store).await;
    let eve = provision(&store, login("eve", &token, "id0")).await.unwrap().account;
    let mut owner = Account::new(AccountId::new("owner"), acme(), "owner@example.com");
    owner.role = Role::Owner;
    store.add_account(&owner, &author()).await.unwrap();
    let by_the_owner = || Actor::Account(AccountId::new("owner"));
    change(&store, &eve, Change::SetRole(Role::Owner), by_the_owner()).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let (store, facts) = (store.clone(), login(&format!("p{number}"), &token, &format!("id{number}")));
        tasks.spawn(async move { provision(&store, facts).await.map(|applied| applied.account) });
    }
    tokio::task::yield_now().await;
    change(&store, &eve, Change::Suspend, by_the_owner()).await.unwrap();
    for one in tasks.join_all().await {
        one.unwrap();
    }
    let whole = store.whole(&acme()).await.unwrap();
    assert_eq!(whole.accounts.len(), 42);
    assert_eq!(owners(&store).await, [owner.id]);
    assert!(!whole.account(&eve).unwrap().is_active());
}

/// The version that an owner's page was read at is that of the settings, which sign-ins do not touch.
pub async fn settings_are_changed_while_people_sign_in(store: impl Store) {
    let token = with_acme(&store).await;
    let mut read = store.organization(&acme()).await.unwrap().unwrap();
    provision(&store, login("ada", &token, "id1")).await.unwrap();
    read.value.rotate_token(&Provider::rustcrypto(), now(), Duration::from_secs(86_400)).unwrap();
    store.update_organization(&read, &author()).await.unwrap();
    assert_eq!(store.organization(&acme()).await.unwrap().unwrap().value.tokens.len(), 2);
}

pub async fn a_refused_sign_in_leaves_nothing_behind(store: impl Store) {
    let token = with_acme(&store).await;
    store.set_policy(&acme(), "[admission]\ncreate = 'never'", &author()).await.unwrap();
    let before = store.whole(&acme()).await.unwrap();
    let refused = store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.creation_off");
    assert_eq!(store.whole(&acme()).await.unwrap(), before);
    assert!(audit_of_people(&store).await.is_empty());
    // Not even the replay record: once the admin has changed the policy, the same response is good.
    store.set_policy(&acme(), super::POLICY, &author()).await.unwrap();
    store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap();
}

pub async fn one_response_is_accepted_once(store: impl Store) {
    let token = with_acme(&store).await;
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (store, valid) = (store.clone(), valid("ada", &token, "id1"));
        tasks.spawn(async move { store.sign_in(sign_in(valid)).await.map(|_| ()) });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code(), "assertion.replayed");
        let crate::SignInError::NotBelieved(refusal) = refused else { panic!("{refused}") };
        assert!(refusal.ledger().checks().len() > 5, "the whole ledger");
    }
    // The same ID for another person is a replay too.
    let refused = store.sign_in(sign_in(valid("eve", &token, "id1"))).await.unwrap_err();
    assert_eq!(refused.code(), "assertion.replayed");
    assert_eq!(store.whole(&acme()).await.unwrap().accounts.len(), 1);
}

/// The replay record is of the issuer and the assertion's ID, not of the connection: an identity provider that is being replaced has two
/// connections with one entity ID and one key, and what was accepted over one is not good over the other.
pub async fn an_assertion_is_accepted_once_over_all_connections(store: impl Store) {
    let token = with_acme(&store).await;
    let mut found = store.organization(&acme()).await.unwrap().unwrap();
    let names = ["acme", "acme-new"].map(|name| ConnectionId::new(name).unwrap());
    found.value.connections = names.into();
    store.update_organization(&found, &author()).await.unwrap();
    let first = store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap();
    let again = || sign_in(valid_over("acme-new", "ada", &token, "id1"));
    assert_eq!(store.sign_in(again()).await.unwrap_err().code(), "assertion.replayed");

    // Nor does another assertion over the other connection sign in to the account, or end its sessions.
    let other = sign_in(valid_over("acme-new", "ada", &token, "id2"));
    assert_eq!(store.sign_in(other).await.unwrap_err().code(), "provisioning.email_taken");
    let mut identity = first.session.identity.clone().unwrap();
    identity.connection = ConnectionId::new("acme-new").unwrap();
    assert_eq!(store.revoke_logged_out(&LoggedOut::all_of(identity.clone())).await.unwrap(), 0);
    identity.connection = ConnectionId::new("acme").unwrap();
    assert_eq!(store.revoke_logged_out(&LoggedOut::all_of(identity.clone())).await.unwrap(), 1);
}

pub async fn a_sign_in_answers_its_request_and_replaces_a_session(store: impl Store) {
    let token = with_acme(&store).await;
    let (service, okta) = service();
    let pending = service.start_login(&okta, LoginOptions::default(), ISSUE_INSTANT).unwrap().pending;
    store.put(&pending).await.unwrap();
    let first = store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap();

    // One that is refused leaves the request and the session where they are.
    let again =
        sign_in(valid("ada", &token, "id1")).answering(Some(&pending)).replacing(Some(first.id.hash()));
    assert_eq!(store.sign_in(again).await.unwrap_err().code(), "assertion.replayed");
    assert!(store.find(&first.id, ISSUE_INSTANT).await.unwrap().is_some());
    assert!(store.find_pending(pending.handle(), ISSUE_INSTANT).await.unwrap().is_some());

    let second =
        sign_in(valid("ada", &token, "id2")).answering(Some(&pending)).replacing(Some(first.id.hash()));
    let second = store.sign_in(second).await.unwrap();
    assert!(store.find(&first.id, ISSUE_INSTANT).await.unwrap().is_none());
    assert!(store.find(&second.id, ISSUE_INSTANT).await.unwrap().is_some());
    assert!(store.find_pending(pending.handle(), ISSUE_INSTANT).await.unwrap().is_none());
    assert_eq!(second.account(), first.account());
}

/// An owner's page was read, somebody joined a team meanwhile, and then the owner's click arrives.
pub async fn a_stale_write_loses_no_membership(store: impl Store) {
    let token = with_acme(&store).await;
    let ada = provision(&store, login("ada", &token, "id1")).await.unwrap().account;
    change(&store, &ada, Change::Suspend, Actor::Operator).await.unwrap();
    let stale = store.whole(&acme()).await.unwrap();
    change(&store, &ada, Change::Reactivate, Actor::Operator).await.unwrap();
    store.add_team(&Team::new(TeamId::new("t9"), acme(), "Late"), &author()).await.unwrap();
    change(&store, &ada, Change::JoinTeam("t9".into(), Permission::Admin), Actor::Operator).await.unwrap();

    let stale = stale.account(&ada).unwrap().clone();
    assert_eq!(store.add_account(&stale, &author()).await.unwrap_err().code(), "store.taken");
    change(&store, &stale.id, Change::SetRole(Role::Admin), Actor::Operator).await.unwrap();
    let whole = store.whole(&acme()).await.unwrap();
    let now_is = whole.account(&ada).unwrap();
    assert_eq!(
        now_is.membership(&"t9".into()),
        Some(&Membership::new("t9".into(), Permission::Admin, Source::Hand))
    );
    assert_eq!((now_is.role, now_is.memberships.len()), (Role::Admin, 3));

    // Nor does a plan that was made on what is old: it takes its own steps, and puts nothing else back.
    let mut old = whole.clone();
    old.accounts = vec![stale.clone()];
    let join = Change::JoinTeam("t1".into(), Permission::Admin);
    let plan = planned(&old, &ada, &join, "a test");
    let about = About::Account { organization: acme(), account: ada.clone() };
    store.decide(Decision::new(about, move |_, _| Ok(plan))).await.unwrap();
    let after = store.whole(&acme()).await.unwrap();
    let now_is = after.account(&ada).unwrap();
    assert_eq!((now_is.role, now_is.memberships.len()), (Role::Admin, 3));
    let all_hands = now_is.membership(&"t1".into()).unwrap();
    assert_eq!(all_hands.granted_by(&Source::Hand), Some(Permission::Admin));
    assert_eq!(all_hands.granted_by(&Source::Defaults), Some(Permission::ReadOnly));
}

pub async fn the_last_owner_survives_every_change(store: impl Store) {
    with_acme(&store).await;
    let owner = |id: &str| {
        let mut owner = Account::new(AccountId::new(id), acme(), format!("{id}@example.com"));
        owner.role = Role::Owner;
        owner
    };
    store.add_account(&owner("a"), &author()).await.unwrap();
    store.add_account(&owner("b"), &author()).await.unwrap();
    // Both at once: one of the two stays.
    let mut tasks = JoinSet::new();
    for (id, wanted) in [("a", Change::Suspend), ("b", Change::SetRole(Role::Member))] {
        let store = store.clone();
        tasks.spawn(async move { change(&store, &id.into(), wanted, Actor::Operator).await.map(|_| ()) });
    }
    let outcomes = tasks.join_all().await;
    let refused: Vec<_> =
        outcomes.into_iter().filter_map(Result::err).map(|refused| refused.code()).collect();
    assert_eq!(refused, ["provisioning.last_owner"]);
    let whole = store.whole(&acme()).await.unwrap();
    let is_owner = |account: &&Account| account.is_active() && account.role == Role::Owner;
    let last = whole.accounts().find(is_owner).unwrap().id.clone();
    for wanted in [Change::Suspend, Change::SetRole(Role::Member), Change::SetRole(Role::Admin)] {
        for actor in [Actor::Operator, Actor::Account(last.clone()), Actor::Rule("offboarding.unused".into())]
        {
            let refused = change(&store, &last, wanted.clone(), actor).await.unwrap_err();
            assert_eq!(refused.code(), "provisioning.last_owner");
        }
    }
    assert_eq!(store.whole(&acme()).await.unwrap(), whole);
}

pub async fn changes_by_hand_name_their_actor(store: impl Store) {
    let token = with_acme(&store).await;
    let ada = provision(&store, login("ada", &token, "id1")).await.unwrap().account;
    let by = Actor::Account(AccountId::new("the owner"));
    let made = change(&store, &ada, Change::SetRole(Role::Admin), by.clone()).await.unwrap();
    assert!(matches!(made.plan.steps()[0].action, Action::SetRole { after: Role::Admin, .. }));
    let last = store.audit(&acme()).await.unwrap().pop().unwrap();
    assert_eq!(
        (last.actor, last.before.as_deref(), last.after.as_deref()),
        (Some(by), Some("member"), Some("admin"))
    );
    assert!(
        change(&store, &ada, Change::SetRole(Role::Admin), Actor::Operator).await.unwrap().plan.is_empty()
    );
    let first = audit_of_people(&store).await.remove(0);
    assert_eq!(first.actor, None, "the person themselves");
    for (account, wanted, code) in [
        ("nobody", Change::Suspend, "provisioning.account_unknown"),
        (ada.as_str(), Change::JoinTeam("nothing".into(), Permission::Admin), "provisioning.team_unknown"),
    ] {
        let refused = change(&store, &account.into(), wanted, Actor::Operator).await.unwrap_err();
        assert_eq!(refused.code(), code);
    }
}

/// Of 502 teams and 1,001 projects a login means three and one: what is read is counted, so that their number does not matter.
pub async fn a_large_organization_costs_what_the_person_means(store: impl Store) {
    let token = with_acme(&store).await;
    let mut tasks = JoinSet::new();
    for number in 0..500 {
        let store = store.clone();
        tasks.spawn(async move {
            let team = Team::new(TeamId::new(format!("team{number}")), acme(), format!("Team {number}"));
            store.add_team(&team, &author()).await.unwrap();
            for part in 0..2 {
                let id = format!("project{number}.{part}");
                store.add_project(&Project::new(ProjectId::new(&id), acme(), &id), &author()).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let facts = login("ada", &token, "id1").without_attribute("department");
    let facts = facts.with_attribute("department", ["Team 7", "team 8 ", "Nothing"]);
    let seen = |snapshot: &Snapshot| (snapshot.teams.len(), snapshot.projects.len(), snapshot.accounts.len());
    assert_eq!(seen(&store.snapshot(&facts).await.unwrap()), (3, 1, 0));
    let decide = Decision::new(About::Login(Box::new(facts.clone())), move |snapshot, policy| {
        assert_eq!((snapshot.teams.len(), snapshot.projects.len()), (3, 1), "in the transaction too");
        policy.plan(&facts, snapshot)
    });
    let applied = store.decide(decide).await.unwrap();
    let whole = store.whole(&acme()).await.unwrap();
    assert_eq!(whole.account(&applied.account.unwrap()).unwrap().memberships.len(), 4);
    assert_eq!(whole.teams.len(), 502);
    assert_eq!(okta(), whole.organization.identity_provider().unwrap().clone());
}

/// Also for a decision about the whole organization, whose snapshot does not say what others have verified.
pub async fn a_domain_that_is_verified_meanwhile_counts(store: impl Store) {
    let token = with_acme(&store).await;
    let facts = login("ceo", &token, "id1").without_attribute("user.email");
    let facts = facts.with_attribute("user.email", ["ceo@globex.example"]);
    assert!(store.snapshot(&facts).await.unwrap().domains_of_others.is_empty());
    with_globex(&store).await;
    let before = store.whole(&acme()).await.unwrap();
    let refused = provision(&store, &facts).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.domain_of_another");
    let planned = facts.clone();
    let any = Policy::from_toml("[admission]\ndomains = 'any'").unwrap();
    let careless = move |snapshot: &Snapshot, _: &Policy| any.plan(&planned, snapshot);
    let refused = store.decide(Decision::new(About::Organization(acme()), careless)).await.unwrap_err();
    assert_eq!(refused.code(), "store.taken");
    assert_eq!(store.whole(&acme()).await.unwrap(), before);
}

/// Acme with a stored connection of the name that its people sign in over.
async fn with_stored_connection(store: &impl Store) -> (String, StoredConnection) {
    let token = with_acme(store).await;
    let mut connection = draft("acme", acme(), okta());
    connection.state = ConnectionState::Active;
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    (token, connection)
}

/// Between the check of an assertion and its sign-in a connection may be retired. The organization's own record still names it.
pub async fn a_sign_in_over_a_connection_that_was_retired_leaves_nothing(store: impl Store) {
    let (token, mut connection) = with_stored_connection(&store).await;
    store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap();
    let checked = valid("eve", &token, "id2");
    connection.state = ConnectionState::Retired;
    store.update_connection(&connection, &author()).await.unwrap();
    let (before, audit) = (store.whole(&acme()).await.unwrap(), audit_of_people(&store).await);
    let key = checked.replay_key();
    let refused = store.sign_in(sign_in(checked)).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.connection_state", "{refused}");
    assert_eq!(store.whole(&acme()).await.unwrap(), before);
    assert_eq!(audit_of_people(&store).await, audit);
    assert!(!store.is_recorded(key.hash()).await.unwrap());
}

/// Of the people who sign in while it is retired, each is refused, or their session ends with it.
pub async fn a_connection_that_is_retired_meanwhile_keeps_no_session(store: impl Store) {
    let (token, mut connection) = with_stored_connection(&store).await;
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let (store, token) = (store.clone(), token.clone());
        tasks.spawn(async move {
            let valid = valid(&format!("p{number}"), &token, &format!("id{number}"));
            tokio::time::sleep(std::time::Duration::from_millis(number / 2)).await;
            store.sign_in(sign_in(valid)).await
        });
    }
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    connection.state = ConnectionState::Retired;
    store.update_connection(&connection, &author()).await.unwrap();
    for outcome in tasks.join_all().await {
        match outcome {
            Ok(signed_in) => {
                assert!(store.find(&signed_in.id, ISSUE_INSTANT).await.unwrap().is_none());
            }
            Err(refused) => assert_eq!(refused.code(), "provisioning.connection_state"),
        }
    }
}
