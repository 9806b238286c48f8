//! What belongs to others decides nothing: to another organization, another connection, a suspended person, or an earlier
//! address.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::{
    ConnectionId, ConnectionState, EntityId,
    provisioning::{Account, AccountId, Actor, Change, EmailAddress, LoginFacts, OrganizationId, Role},
};

use super::{
    POLICY, Store, acme, author, change,
    connections::draft,
    globex, globex_idp, login,
    members::owners,
    now, okta, provision,
    scenarios::{sign_in, valid},
    with_acme, with_globex,
};
use crate::{AccountKey, AuditedRefusal};

/// A login whose token and connection belong to two organizations is one at that of the token, whichever that is.
pub async fn a_token_counts_before_the_connection(store: impl Store) {
    let (acmes, globexs) = (with_acme(&store).await, with_globex(&store).await);
    let over = |connection: &str, issuer: EntityId, token: &str| {
        let mut facts = login("ada", token, connection);
        (facts.connection, facts.issuer) = (ConnectionId::new(connection).unwrap(), issuer);
        facts
    };
    for (facts, organization) in
        [(over("acme", okta(), &globexs), globex()), (over("globex", globex_idp(), &acmes), acme())]
    {
        assert_eq!(store.snapshot(&facts).await.unwrap().organization.id, organization);
        let refused = provision(&store, facts).await.unwrap_err();
        assert_eq!(refused.code(), "provisioning.organization_mismatch");
    }
}

pub async fn another_connections_state_and_setting_do_not_count(store: impl Store) {
    let token = with_acme(&store).await;
    // Its row is before the other one.
    let mut first = draft("aaa", acme(), okta());
    first.state = ConnectionState::Active;
    first.settings.token_required = false;
    store.add_connection(&first, &author()).await.unwrap();
    let mut own = draft("acme", acme(), okta());
    own.state = ConnectionState::Active;
    own.revision = store.add_connection(&own, &author()).await.unwrap();
    let without = login("ada", &token, "id1").without_attribute("token");
    assert!(store.snapshot(&without).await.unwrap().token_not_required.is_empty());
    assert_eq!(provision(&store, without).await.unwrap_err().code(), "provisioning.token_missing");
    store.sign_in(sign_in(valid("ada", &token, "id2"))).await.unwrap();
    own.state = ConnectionState::Retired;
    store.update_connection(&own, &author()).await.unwrap();
    let refused = store.sign_in(sign_in(valid("ada", &token, "id3"))).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.connection_state");
}

pub async fn suspended_people_and_those_of_others_take_no_seat(store: impl Store) {
    let token = with_acme(&store).await;
    with_globex(&store).await;
    for number in 0..3 {
        let theirs = format!("g{number}@globex.example");
        store
            .add_account(&Account::new(AccountId::new(format!("g{number}")), globex(), theirs), &author())
            .await
            .unwrap();
    }
    let mut people = Vec::new();
    for person in ["ada", "bob"] {
        people.push(provision(&store, login(person, &token, person)).await.unwrap().account);
    }
    change(&store, &people[1], Change::Suspend, Actor::Operator).await.unwrap();
    let mut found = store.organization(&acme()).await.unwrap().unwrap();
    found.value.seat_limit = Some(2);
    store.update_organization(&found, &author()).await.unwrap();
    let eve = login("eve", &token, "eve");
    assert_eq!(store.snapshot(&eve).await.unwrap().seats(), 1);
    provision(&store, eve).await.unwrap();
    let refused = provision(&store, login("zoe", &token, "zoe")).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.seat_limit");
    // By hand too.
    change(&store, &people[0], Change::Suspend, Actor::Operator).await.unwrap();
    change(&store, &people[1], Change::Reactivate, Actor::Operator).await.unwrap();
}

/// Members, suspended owners and those of another organization are no reason to take the role from the last owner.
pub async fn the_last_owner_by_a_group_stays_whoever_else_there_is(store: impl Store) {
    let token = with_acme(&store).await;
    with_globex(&store).await;
    let by_group =
        "sync = 'managed'\nrole_ceiling = 'owner'\n[[groups.roles]]\ngroup = 'Bosses'\nrole = 'owner'";
    store.set_policy(&acme(), &format!("{POLICY}\n{by_group}"), &author()).await.unwrap();
    let mut theirs = Account::new("theirs".into(), globex(), "owner@globex.example");
    theirs.role = Role::Owner;
    store.add_account(&theirs, &author()).await.unwrap();
    let with = |person: &str, assertion: &str, groups: &[&str]| {
        let facts = login(person, &token, assertion).without_attribute("department");
        facts.with_attribute("department", groups.iter().copied())
    };
    let ada = provision(&store, with("ada", "id1", &["Bosses"])).await.unwrap().account;
    let bob = provision(&store, with("bob", "id2", &["Bosses"])).await.unwrap().account;
    provision(&store, with("carl", "id3", &["Staff"])).await.unwrap();
    change(&store, &bob, Change::Suspend, Actor::Operator).await.unwrap();
    let last = provision(&store, with("ada", "id4", &["Staff"])).await.unwrap();
    assert!(last.plan.to_string().contains("Stays owner"), "{}", last.plan);
    assert_eq!(owners(&store).await, [ada]);
}

/// However many refusals one organization has in an hour, those of another are recorded, each once an hour.
pub async fn refusals_of_one_organization_leave_room_for_those_of_another(store: impl Store) {
    with_acme(&store).await;
    with_globex(&store).await;
    let note = async |of: OrganizationId, number: usize, at: DateTime<Utc>| {
        let connection = ConnectionId::new(format!("c{number}")).unwrap();
        let refused = AuditedRefusal::of_signal(of, &connection, ("signal.expired", "it is old"), at);
        store.note_refusal(&refused).await.unwrap();
    };
    let noted = async |of: OrganizationId| {
        let audit = store.audit(&of).await.unwrap();
        audit.iter().filter(|record| record.rule.as_str() == "signal.expired").count()
    };
    let most = AuditedRefusal::MOST_AN_HOUR;
    for number in 0..most + 5 {
        note(acme(), number, now()).await;
    }
    assert_eq!((noted(acme()).await, noted(globex()).await), (most, 0));
    for _ in 0..2 {
        note(globex(), 1, now()).await;
        assert_eq!(noted(globex()).await, 1, "once an hour");
    }
    // The next hour of one organization is no reason to forget what another one had.
    let next = now() + TimeDelta::hours(1);
    for _ in 0..2 {
        note(acme(), 1, next).await;
        assert_eq!(noted(acme()).await, most + 1);
    }
    note(globex(), 1, now()).await;
    assert_eq!(noted(globex()).await, 1);
    note(globex(), 2, now()).await;
    assert_eq!(noted(globex()).await, 2, "about somebody else");
}

/// An account whose address was changed is found by the new one, and by the old one no more.
pub async fn the_earlier_address_of_an_account_is_free(store: impl Store) {
    let token = with_acme(&store).await;
    let with = |person: &str, assertion: &str, address: &str| -> LoginFacts {
        let facts = login(person, &token, assertion).without_attribute("user.email");
        facts.with_attribute("user.email", [address])
    };
    let ada = provision(&store, with("ada", "id1", "ada@example.com")).await.unwrap().account;
    provision(&store, with("ada", "id2", "lovelace@example.com")).await.unwrap();
    let by = async |address: &str| {
        let key = AccountKey::Email(EmailAddress::parse(address).unwrap());
        let found = store.accounts_with(&acme(), &key).await.unwrap();
        found.into_iter().map(|account| account.id).collect::<Vec<_>>()
    };
    assert_eq!(by("lovelace@example.com").await, std::slice::from_ref(&ada));
    assert!(by("ada@example.com").await.is_empty());
    let another = provision(&store, with("another", "id3", "ada@example.com")).await.unwrap().account;
    assert_ne!(another, ada);
    let taken = Account::new("third".into(), acme(), "lovelace@example.com");
    assert_eq!(store.add_account(&taken, &author()).await.unwrap_err().code(), "store.taken");
}
