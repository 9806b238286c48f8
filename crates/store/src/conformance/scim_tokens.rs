//! The tokens with which identity providers push by SCIM.

use chrono::TimeDelta;
use tokio::task::JoinSet;
use vouchsafe::{
    ConnectionId, ConnectionState, Provider,
    provisioning::{AccountId, Actor, GroupId, OrganizationToken, ScimChange, ScimGroup, ScimMembers},
};

use super::{
    Store, acme, author,
    connecting::{convert, with_entitled_acme},
    connection,
    connections::{draft, id},
    globex, globex_idp, now, okta,
    scim::{create, create_with, decide, decide_with, form, remove, request_token, set, with_pushing_acme},
    with_acme, with_globex,
};
use crate::{Author, ConnectionDecision, ScimForm, ScimKey, ScimKind, ScimStore, ScimToken, ScimWrite};

/// A token is found by its hash, ends with a rotation or a revocation, and is audited without being told.
pub async fn tokens_are_rotated_and_revoked(store: impl Store + ScimStore) {
    with_acme(&store).await;
    let issue = |at| {
        let token = OrganizationToken::issue(&Provider::rustcrypto()).unwrap();
        ScimToken::new(token.hash(&Provider::rustcrypto()).unwrap(), acme(), connection(), at)
    };
    let (first, later) = (issue(now()), now() + TimeDelta::hours(1));
    store.add_scim_token(&first, None, &author()).await.unwrap();
    assert_eq!(store.scim_token(&first.record.hash).await.unwrap(), Some(first.clone()));
    assert_eq!(store.add_scim_token(&first, None, &author()).await.unwrap_err().code(), "store.taken");
    let second = issue(later);
    assert_eq!(store.scim_token(&second.record.hash).await.unwrap(), None);
    store.add_scim_token(&second, Some(later), &author()).await.unwrap();
    let known = store.scim_tokens(&connection()).await.unwrap();
    assert_eq!(known.iter().map(ScimToken::id).collect::<Vec<_>>(), [first.id(), second.id()]);
    assert_eq!((known[0].record.expires_at, known[1].record.expires_at), (Some(later), None));
    assert!(known[0].record.works_at(now()) && !known[0].record.works_at(later));
    store.scim_token_used(&second.record.hash, later).await.unwrap();
    store.scim_token_used(&second.record.hash, now()).await.unwrap();
    let used =
        async |token: &ScimToken| store.scim_token(&token.record.hash).await.unwrap().unwrap().last_used_at;
    assert_eq!((used(&first).await, used(&second).await), (None, Some(later)));
    let last = later + TimeDelta::minutes(1);
    store.scim_token_used(&second.record.hash, last).await.unwrap();
    assert_eq!(used(&second).await, Some(last));
    let other = ConnectionId::new("globex").unwrap();
    assert!(!store.revoke_scim_token(&other, second.id(), &author()).await.unwrap());
    assert!(store.revoke_scim_token(&connection(), second.id(), &author()).await.unwrap());
    assert!(!store.revoke_scim_token(&connection(), second.id(), &author()).await.unwrap());
    assert!(!store.scim_token(&second.record.hash).await.unwrap().unwrap().record.works_at(later));
    let audit = store.audit(&acme()).await.unwrap();
    let rules = |rule: &str| audit.iter().filter(|record| record.rule.as_str() == rule).count();
    assert_eq!((rules("scim.token_issued"), rules("scim.token_revoked")), (2, 1));
    let unknown = ScimToken::new(first.record.hash.clone(), "initech".into(), connection(), now());
    assert!(store.add_scim_token(&unknown, None, &author()).await.is_err());
}

/// A request is decided with the token as it is then, however long ago the request began.
pub async fn a_request_whose_token_has_ended_changes_nothing(store: impl Store + ScimStore) {
    with_pushing_acme(&store).await;
    with_globex(&store).await;
    let ada = create(&store, "ada@example.com").await.unwrap();
    let (unknown, revoked, expired) = (issued(), issued(), issued().expiring_at(now()));
    let theirs = ScimToken { organization: globex(), connection: id("globex"), ..issued() };
    for token in [&revoked, &expired, &theirs] {
        store.add_scim_token(token, None, &author()).await.unwrap();
    }
    // The clock of the machine that revokes it is ahead.
    let later = Author::new(Actor::Operator, now() + TimeDelta::hours(1));
    assert!(store.revoke_scim_token(&connection(), revoked.id(), &later).await.unwrap());
    let before = store.whole(&acme()).await.unwrap();
    for token in [&unknown, &revoked, &expired, &theirs] {
        let account = || AccountId::new(ada.id.as_str());
        let mut user = vouchsafe::provisioning::ScimUser::new(ada.name.as_str());
        user.active = Some(false);
        let deactivate = ScimChange::set_user(account(), user);
        let deleted = ScimChange::delete_user(account());
        let refused = [
            create_with(&store, token, "bob@example.com").await.map(Some),
            decide_with(&store, token, deactivate, (Some(&ada), ScimWrite::Put(form(&ada.name)))).await,
            decide_with(&store, token, deleted, (Some(&ada), ScimWrite::Remove)).await,
        ];
        assert_eq!(refused.map(|refused| refused.unwrap_err().code()), ["store.scim_token_invalid"; 3]);
    }
    assert_eq!(store.whole(&acme()).await.unwrap(), before);
    assert_eq!(store.count_scim(&connection(), ScimKind::User, &ScimKey::All).await.unwrap(), 1);
    // Whose token it was reads in the audit why nothing was changed. Of others nothing is said.
    let audit = store.audit(&acme()).await.unwrap();
    let refusals: Vec<_> = audit.iter().filter(|record| record.is_refusal()).collect();
    assert_eq!(refusals.len(), 2, "{refusals:?}");
    for (refusal, token) in refusals.into_iter().zip([&revoked, &expired]) {
        assert_eq!((refusal.rule.as_str(), refusal.at), ("scim.unauthorized", now()));
        assert_eq!(refusal.actor, Some(Actor::Scim(connection())));
        assert!(refusal.change.contains(token.id()), "{}", refusal.change);
    }
    assert!(!store.audit(&globex()).await.unwrap().iter().any(|record| record.is_refusal()));
    let rotated = issued().expiring_at(now() + TimeDelta::milliseconds(1));
    store.add_scim_token(&rotated, None, &author()).await.unwrap();
    create_with(&store, &rotated, "bob@example.com").await.unwrap();
}

/// The audit has the order of the writes.
pub async fn nothing_is_written_after_the_revocation_of_its_token(store: impl Store + ScimStore) {
    with_acme(&store).await;
    let token = issued();
    store.add_scim_token(&token, None, &author()).await.unwrap();
    let mut requests = JoinSet::new();
    for number in 0..12 {
        let (store, token) = (store.clone(), token.clone());
        requests.spawn(async move {
            create_with(&store, &token, &format!("p{number}@example.com")).await.map(drop)
        });
    }
    let (revoking, id) = (store.clone(), token.id().to_owned());
    let revocation =
        tokio::spawn(async move { revoking.revoke_scim_token(&connection(), &id, &author()).await.unwrap() });
    assert!(revocation.await.unwrap());
    let outcomes = requests.join_all().await;
    let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code(), "store.scim_token_invalid");
    }
    assert_eq!(store.whole(&acme()).await.unwrap().accounts.len(), made);
    let audit = store.audit(&acme()).await.unwrap();
    let revoked = audit.iter().position(|record| record.rule.as_str() == "scim.token_revoked").unwrap();
    let pushed = Some(Actor::Scim(connection()));
    let mut after = audit.iter().skip(revoked);
    assert!(after.all(|record| record.is_refusal() || record.actor != pushed));
}

/// An operator who makes a connection a draft again pauses it: what is pushed over it only ends access.
pub async fn over_a_paused_connection_access_only_ends(store: impl Store + ScimStore) {
    with_entitled_acme(&store).await;
    convert(&store, draft("acme", acme(), okta())).await.unwrap();
    store.add_scim_token(&request_token(), None, &author()).await.unwrap();
    let ada = create(&store, "ada@example.com").await.unwrap();
    let bob = create(&store, "bob@example.com").await.unwrap();
    let group = || ScimForm::new(ScimKind::Group, "All".to_owned(), None, serde_json::Map::new());
    let described = || ScimGroup::new("All");
    let change = ScimChange::create_group(GroupId::new("g1"), described(), [AccountId::new(ada.id.as_str())]);
    let all = decide(&store, change, None, ScimWrite::Put(group())).await.unwrap().unwrap();

    let mut stored = store.connection(&connection()).await.unwrap().unwrap();
    stored.state = ConnectionState::Draft;
    stored.revision = store.update_connection(&stored, &author()).await.unwrap();
    let before = store.whole(&acme()).await.unwrap();
    let members = ScimMembers::changed([AccountId::new(bob.id.as_str())], []);
    let joins = ScimChange::set_group(GroupId::new("g1"), described(), members);
    let refused = [
        create(&store, "eve@example.com").await.map(Some),
        set(&store, &ada, Some(true)).await,
        set(&store, &ada, None).await,
        decide(&store, joins, Some(&all), ScimWrite::Put(group())).await,
    ];
    assert_eq!(refused.map(|refused| refused.unwrap_err().code()), ["provisioning.connection_state"; 4]);
    assert_eq!(store.whole(&acme()).await.unwrap(), before);
    let audit = store.audit(&acme()).await.unwrap();
    assert!(
        audit.iter().any(|record| record.is_refusal() && record.rule.as_str().ends_with("connection_state"))
    );

    let suspended = set(&store, &ada, Some(false)).await.unwrap().unwrap();
    remove(&store, &bob).await.unwrap();
    decide(&store, ScimChange::delete_group(GroupId::new("g1")), Some(&all), ScimWrite::Remove)
        .await
        .unwrap();
    let whole = store.whole(&acme()).await.unwrap();
    assert!(whole.groups.is_empty() && whole.accounts.iter().all(|account| !account.is_active()));

    stored.state = ConnectionState::Active;
    store.update_connection(&stored, &author()).await.unwrap();
    set(&store, &suspended, Some(true)).await.unwrap();
    create(&store, "eve@example.com").await.unwrap();
}

/// A token of a connection of another organization would push the people of one into the other.
pub async fn a_token_is_of_a_connection_of_its_organization(store: impl Store + ScimStore) {
    with_acme(&store).await;
    with_globex(&store).await;
    store.add_connection(&draft("own", acme(), okta()), &author()).await.unwrap();
    store.add_connection(&draft("theirs", globex(), globex_idp()), &author()).await.unwrap();
    let of_globex = ScimToken { organization: globex(), connection: id("theirs"), ..issued() };
    store.add_scim_token(&of_globex, None, &author()).await.unwrap();
    let token = |name: &str| ScimToken { connection: id(name), ..issued() };
    for name in ["acme", "own"] {
        store.add_scim_token(&token(name), None, &author()).await.unwrap();
    }
    for name in ["theirs", "globex", "nowhere"] {
        let token = token(name);
        let refused = store.add_scim_token(&token, Some(now()), &author()).await.unwrap_err();
        assert_eq!(refused.code(), "store.connection_unknown", "{name}");
        assert_eq!(store.scim_token(&token.record.hash).await.unwrap(), None, "{name}");
    }
    assert_eq!(store.scim_tokens(&id("theirs")).await.unwrap(), [of_globex]);
    let nobodys = ScimToken { organization: "initech".into(), ..issued() };
    let refused = store.add_scim_token(&nobodys, None, &author()).await.unwrap_err();
    assert_eq!(refused.code(), "store.organization_unknown");
    let audit = store.audit(&acme()).await.unwrap();
    assert_eq!(audit.iter().filter(|record| record.rule.as_str() == "scim.token_issued").count(), 2);
}

fn issued() -> ScimToken {
    let token = OrganizationToken::issue(&Provider::rustcrypto()).unwrap();
    ScimToken::new(token.hash(&Provider::rustcrypto()).unwrap(), acme(), connection(), now())
}

/// Whatever retires a connection, a write or a decision, ends its tokens, and it gets no other.
pub async fn tokens_end_with_their_connection(store: impl Store + ScimStore) {
    with_entitled_acme(&store).await;
    convert(&store, draft("first", acme(), okta())).await.unwrap();
    let token = |name: &str| {
        let mut token = issued();
        token.connection = ConnectionId::new(name).unwrap();
        token
    };
    let mut written = draft("written", acme(), okta());
    written.revision = store.add_connection(&written, &author()).await.unwrap();
    let next = draft("next", acme(), okta());
    super::connecting::decide(&store, move |acme| acme.add_draft(next.clone())).await.unwrap();
    let tokens = ["first", "written", "next"].map(token);
    for token in &tokens {
        store.add_scim_token(token, None, &author()).await.unwrap();
    }
    let works = || async {
        let mut works = Vec::new();
        for token in &tokens {
            works.push(store.scim_token(&token.record.hash).await.unwrap().unwrap().record.works_at(now()));
        }
        works
    };
    written.state = ConnectionState::Retired;
    store.update_connection(&written, &author()).await.unwrap();
    assert_eq!(works().await, [true, false, true]);
    let replace = ConnectionDecision::new(acme(), author().actor, now(), |acme, now| {
        acme.replace(&ConnectionId::new("first").unwrap(), &ConnectionId::new("next").unwrap(), now)
    });
    // Sessions may be kept; what is pushed over it is another thing.
    store.decide_connections(replace.keeping_sessions()).await.unwrap();
    assert_eq!(works().await, [false, false, true]);
    for name in ["first", "written"] {
        let refused = store.add_scim_token(&token(name), None, &author()).await.unwrap_err();
        assert_eq!(refused.code(), "store.connection_retired");
    }
    store.add_scim_token(&token("next"), None, &author()).await.unwrap();
    super::connecting::decide(&store, |acme| {
        acme.disconnect(now());
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(works().await, [false; 3]);
    let audit = store.audit(&acme()).await.unwrap();
    let revoked = audit.iter().filter(|record| record.rule.as_str() == "scim.token_revoked");
    assert_eq!(revoked.count(), 4);
}

/// A rotation, which lets a token go on for a while, and its revocation write the same record.
pub async fn a_token_that_is_revoked_during_a_rotation_stays_revoked(store: impl Store + ScimStore) {
    with_acme(&store).await;
    for round in 0..20 {
        let old = issued();
        store.add_scim_token(&old, None, &author()).await.unwrap();
        let (rotating, revoking, id) = (store.clone(), store.clone(), old.id().to_owned());
        let rotation = tokio::spawn(async move {
            let end = now() + TimeDelta::hours(1);
            rotating.add_scim_token(&issued(), Some(end), &author()).await.unwrap();
        });
        let revocation =
            tokio::spawn(
                async move { revoking.revoke_scim_token(&connection(), &id, &author()).await.unwrap() },
            );
        rotation.await.unwrap();
        assert!(revocation.await.unwrap());
        let found = store.scim_token(&old.record.hash).await.unwrap().unwrap();
        assert!(!found.record.works_at(now()), "round {round}");
    }
}
