//! What SCIM pushes: resources beside their accounts.

use chrono::TimeDelta;
use serde_json::json;
use vouchsafe::{
    ConnectionId, Provider,
    provisioning::{AccountId, GroupId, ScimChange, ScimFact, ScimGroup, ScimMembers, ScimUser, TokenHash},
};

use super::{Store, acme, author, connection, now, with_acme, with_globex};
use crate::{
    ScimDecision, ScimForm, ScimFrom, ScimKey, ScimKind, ScimPage, ScimResource, ScimStore, ScimToken,
    ScimWrite, Session, SessionId, SignInError, StoreError,
};

/// Resources are found by each of their names, at their own connection only.
pub async fn resources_are_found_at_their_connection(store: impl Store + ScimStore) {
    with_pushing_acme(&store).await;
    with_globex(&store).await;
    let ada = create(&store, "Ada@Example.com").await.unwrap();
    assert_eq!((ada.revision, ada.created_at, ada.modified_at), (1, now(), now()));
    let globex = ConnectionId::new("globex").unwrap();
    for key in [
        ScimKey::id(&ada.id),
        ScimKey::Name(" ADA@example.COM".to_owned()),
        ScimKey::ExternalId("id-of-Ada@Example.com".to_owned()),
    ] {
        let found = find(&store, &connection(), ScimKind::User, &key).await;
        assert_eq!(found.iter().map(|one| &one.id).collect::<Vec<_>>(), [&ada.id], "{key:?}");
        assert_eq!(found[0].attributes["title"], "of Ada@Example.com");
        assert!(find(&store, &globex, ScimKind::User, &key).await.is_empty());
        assert!(find(&store, &connection(), ScimKind::Group, &key).await.is_empty());
    }
    for nobody in ["\0", "x\0", "", "%"] {
        let key = ScimKey::ExternalId(nobody.to_owned());
        assert!(find(&store, &connection(), ScimKind::User, &key).await.is_empty());
        let key = ScimKey::Ids(vec![nobody.to_owned()]);
        assert!(find(&store, &connection(), ScimKind::User, &key).await.is_empty());
    }
    let accounts = [AccountId::new(ada.id.as_str()), AccountId::new("nobody")];
    assert_eq!(store.scim_accounts(&acme(), &accounts).await.unwrap().len(), 1);
    assert_eq!(store.scim_accounts(&super::globex(), &accounts).await.unwrap().len(), 0);
    // A name is taken whatever its case, and nothing of the second person is left.
    let again = create(&store, "ada@example.com").await.unwrap_err();
    assert!(
        ["store.taken", "store.scim_conflict", "provisioning.scim_user_exists"].contains(&again.code()),
        "{again}"
    );
    assert_eq!(store.whole(&acme()).await.unwrap().accounts.len(), 1);
}

/// A page has what stands at its place; what comes later stands behind, and what goes shifts no page that follows a resource.
pub async fn pages_follow_the_order_of_making(store: impl Store + ScimStore) {
    with_pushing_acme(&store).await;
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(create(&store, &format!("p{number}@example.com")).await.unwrap().id);
    }
    let page = |from, most| {
        let store = store.clone();
        async move {
            store
                .find_scim(&connection(), ScimKind::User, &ScimKey::All, ScimPage { from, most })
                .await
                .unwrap()
        }
    };
    let count = || async { store.count_scim(&connection(), ScimKind::User, &ScimKey::All).await.unwrap() };
    let first = page(ScimFrom::Index(0), 3).await;
    assert_eq!(count().await, 7);
    let ids = |resources: &[ScimResource]| resources.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&first), made[..3]);
    assert_eq!(ids(&page(ScimFrom::Index(3), 3).await), made[3..6]);
    assert_eq!(ids(&page(ScimFrom::Index(6), 3).await), made[6..]);
    assert!(page(ScimFrom::Index(usize::MAX), 3).await.is_empty());
    assert!(page(ScimFrom::Index(0), 0).await.is_empty());
    // One changes and one goes.
    set(&store, &first[1], Some(false)).await.unwrap();
    remove(&store, &first[0]).await.unwrap();
    let next = page(ScimFrom::After(first[2].number), 10).await;
    assert_eq!((ids(&next), count().await), (made[3..].to_vec(), 6));
}

/// Users are found by what they say of themselves, a page at a time, and so are groups by who is in them.
pub async fn resources_are_found_by_their_values(store: impl Store + ScimStore) {
    with_pushing_acme(&store).await;
    with_globex(&store).await;
    let mut made = Vec::new();
    for number in 0..5 {
        let name = format!("p{number}@example.com");
        let attributes = json!({
            "displayName": if number < 4 { " \u{c9}mile ".to_owned() } else { "x".repeat(5_000) },
            "emails": [{"value": "All@Example.com"}, {"value": name}, {"value": name}, {"value": "nul\0"}, {"type": "work"}, "text"],
        });
        let mut user = ScimUser::new(name.as_str());
        (user.email, user.active) = (Some(name.clone()), Some(number != 1));
        let attributes = attributes.as_object().cloned().unwrap();
        let form = ScimForm::new(ScimKind::User, name, None, attributes);
        let resource =
            decide(&store, ScimChange::CreateUser(user), None, ScimWrite::Put(form)).await.unwrap();
        made.push(resource.unwrap());
    }
    let group = GroupId::new("g1");
    let change =
        ScimChange::create_group(group, ScimGroup::new("All"), [AccountId::new(made[2].id.as_str())]);
    let form = ScimForm::new(ScimKind::Group, "All".to_owned(), None, serde_json::Map::new());
    decide(&store, change, None, ScimWrite::Put(form)).await.unwrap();
    let places = |found: Vec<ScimResource>| -> Vec<usize> {
        let place = |one: ScimResource| made.iter().position(|made| made.id == one.id);
        found.into_iter().map(|one| place(one).unwrap_or(100)).collect()
    };
    let first = find(&store, &connection(), ScimKind::User, &ScimKey::All).await.remove(0);
    for (key, expected) in [
        (ScimKey::All, vec![0, 1, 2, 3, 4]),
        (ScimKey::DisplayName("\u{e9}MILE".to_owned()), vec![0, 1, 2, 3]),
        (ScimKey::DisplayName("X".repeat(5_000)), vec![4]),
        (ScimKey::Email("ALL@example.COM ".to_owned()), vec![0, 1, 2, 3, 4]),
        (ScimKey::Email("p3@example.com".to_owned()), vec![3]),
        (ScimKey::Email("NUL\0".to_owned()), vec![0, 1, 2, 3, 4]),
        (ScimKey::Email("p%".to_owned()), vec![]),
        (ScimKey::Inactive, vec![1]),
        (ScimKey::Member(made[2].id.clone()), vec![]),
    ] {
        let found = find(&store, &connection(), ScimKind::User, &key).await;
        assert_eq!(places(found), expected, "{key:?}");
        assert_eq!(store.count_scim(&connection(), ScimKind::User, &key).await.unwrap(), expected.len());
        let second = ScimPage { from: ScimFrom::Index(1), most: 2 };
        let found = store.find_scim(&connection(), ScimKind::User, &key, second).await.unwrap();
        assert_eq!(places(found), expected.iter().skip(1).take(2).copied().collect::<Vec<_>>(), "{key:?}");
        let after = ScimPage { from: ScimFrom::After(first.number), most: 1 };
        let found = store.find_scim(&connection(), ScimKind::User, &key, after).await.unwrap();
        let expected: Vec<usize> = expected.into_iter().filter(|place| *place > 0).take(1).collect();
        assert_eq!(places(found), expected, "{key:?}");
        let globex = ConnectionId::new("globex").unwrap();
        assert!(find(&store, &globex, ScimKind::User, &key).await.is_empty(), "{key:?}");
    }
    for (member, expected) in [(&made[2].id, 1), (&made[1].id, 0), (&"x\0".to_owned(), 0)] {
        let key = ScimKey::Member(member.clone());
        assert_eq!(find(&store, &connection(), ScimKind::Group, &key).await.len(), expected);
        assert_eq!(store.count_scim(&connection(), ScimKind::Group, &key).await.unwrap(), expected);
    }
    assert!(find(&store, &connection(), ScimKind::Group, &ScimKey::Inactive).await.is_empty());
    let ids = [made[0].id.clone(), "nobody".to_owned(), "g1".to_owned()];
    let names = store.scim_names(&connection(), ScimKind::User, &ids).await.unwrap();
    assert_eq!(names, [(made[0].id.clone(), "p0@example.com".to_owned())].into());
    // What is said no more is not found by any more.
    set(&store, &made[3], Some(true)).await.unwrap();
    let key = ScimKey::Email("p3@example.com".to_owned());
    assert!(find(&store, &connection(), ScimKind::User, &key).await.is_empty());
    remove(&store, &made[0]).await.unwrap();
    let key = ScimKey::Email("all@example.com".to_owned());
    assert_eq!(places(find(&store, &connection(), ScimKind::User, &key).await), [1, 2, 4]);
}

/// What was read at one revision is not written over another.
pub async fn a_resource_is_changed_at_its_revision_only(store: impl Store + ScimStore) {
    with_pushing_acme(&store).await;
    let first = create(&store, "ada@example.com").await.unwrap();
    let second = set(&store, &first, Some(false)).await.unwrap().unwrap();
    assert_eq!((second.revision, second.created_at, second.id == first.id), (2, now(), true));
    let stale = set(&store, &first, Some(true)).await.unwrap_err();
    assert_eq!(stale.code(), "store.scim_conflict");
    assert_eq!(remove(&store, &first).await.unwrap_err().code(), "store.scim_conflict");
    assert!(!account(&store, &first.id).await.is_active(), "nothing of it was written");
    // The same once more changes nothing, and is no new revision.
    assert_eq!(set(&store, &second, Some(false)).await.unwrap().unwrap().revision, 2);
    remove(&store, &second).await.unwrap();
    assert!(found(&store, &first.id).await.is_none());
    let kept = account(&store, &first.id).await;
    assert!(!kept.is_active() && kept.scim_record(&connection()).is_some_and(|record| record.deleted));
    // Who comes back is the same account.
    let back = create(&store, "ada@example.com").await.unwrap();
    assert_eq!((back.id == first.id, back.revision), (true, 1));
    assert!(account(&store, &first.id).await.is_active());
}

/// Who is in a group is found by it; whoever is deactivated has no session.
pub async fn members_and_sessions_go_with_the_plan(store: impl Store + ScimStore) {
    with_pushing_acme(&store).await;
    let (ada, bob) =
        (create(&store, "ada@example.com").await.unwrap(), create(&store, "bob@example.com").await.unwrap());
    let group = GroupId::new("g1");
    let members = [&ada, &bob].map(|one| AccountId::new(one.id.as_str()));
    let change = ScimChange::create_group(group.clone(), ScimGroup::new("Engineering"), members.clone());
    let form = ScimForm::new(ScimKind::Group, "Engineering".to_owned(), None, serde_json::Map::new());
    let made = decide(&store, change, None, ScimWrite::Put(form.clone())).await.unwrap().unwrap();
    assert_eq!(made.id, "g1");
    let mut expected = members.clone();
    expected.sort();
    let in_group = || async { store.scim_members(std::slice::from_ref(&group)).await.unwrap() };
    let accounts = |pairs: Vec<(GroupId, AccountId)>| pairs.into_iter().map(|(_, id)| id).collect::<Vec<_>>();
    assert_eq!(accounts(in_group().await), expected);
    let count = || async { store.count_scim_members(std::slice::from_ref(&group)).await.unwrap() };
    assert_eq!(count().await, [(group.clone(), 2)].into());
    let nobody = AccountId::new("nobody");
    let groups_of = [members[0].clone(), nobody.clone()];
    let counts = store.count_scim_groups(&groups_of).await.unwrap();
    assert_eq!((counts.get(&members[0]), counts.get(&nobody)), (Some(&1), None));
    let change = ScimChange::set_group(
        group.clone(),
        ScimGroup::new("Engineering"),
        ScimMembers::changed([], [members[0].clone()]),
    );
    let left = decide(&store, change, Some(&made), ScimWrite::Put(form)).await.unwrap().unwrap();
    assert_eq!(left.revision, 2, "another member is another version");
    assert_eq!(accounts(in_group().await), [members[1].clone()]);

    let session = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let of_bob: Session = serde_json::from_value(json!({
        "organization": "acme", "account": bob.id, "name_id": null, "session_index": null,
        "created_at": now(), "expires_at": now() + TimeDelta::hours(8),
    }))
    .unwrap();
    store.create(&session, &of_bob).await.unwrap();
    set(&store, &bob, Some(false)).await.unwrap();
    assert!(store.find(&session, now()).await.unwrap().is_none());
    let change = ScimChange::delete_group(group.clone());
    assert!(decide(&store, change, Some(&left), ScimWrite::Remove).await.unwrap().is_none());
    assert!(count().await.values().all(|count| *count == 0));
    assert!(store.whole(&acme()).await.unwrap().groups.is_empty());
}

/// Of several who change a resource at one revision, one succeeds.
pub async fn of_writers_of_one_resource_one_succeeds(store: impl Store + ScimStore) {
    with_pushing_acme(&store).await;
    let ada = create(&store, "ada@example.com").await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, ada) = (store.clone(), ada.clone());
        tasks.spawn(async move { set(&store, &ada, Some(false)).await.map(|_| ()) });
    }
    let outcomes = tasks.join_all().await;
    let conflicts = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(SignInError::Store(StoreError::ScimConflict { .. }))));
    assert_eq!((outcomes.iter().filter(|outcome| outcome.is_ok()).count(), conflicts.count()), (1, 7));
}

/// The token with which the requests of these tests come.
pub fn request_token() -> ScimToken {
    let hash = TokenHash::of(&"5c".repeat(32), &Provider::rustcrypto()).unwrap();
    ScimToken::new(hash, acme(), connection(), now())
}

/// Acme, whose identity provider has [that token](request_token).
pub async fn with_pushing_acme(store: &(impl Store + ScimStore)) {
    with_acme(store).await;
    store.add_scim_token(&request_token(), None, &author()).await.unwrap();
}

pub(super) async fn create(store: &impl ScimStore, name: &str) -> Result<ScimResource, SignInError> {
    create_with(store, &request_token(), name).await
}

/// A new person, of a request with this token.
pub(super) async fn create_with(
    store: &impl ScimStore,
    token: &ScimToken,
    name: &str,
) -> Result<ScimResource, SignInError> {
    let mut user = ScimUser::new(name);
    (user.email, user.active, user.external_id) =
        (Some(name.to_owned()), Some(true), Some(format!("id-of-{name}")));
    let change = ScimChange::CreateUser(user);
    let made = decide_with(store, token, change, (None, ScimWrite::Put(form(name)))).await?;
    Ok(made.unwrap())
}

pub(super) async fn set(
    store: &impl ScimStore,
    resource: &ScimResource,
    active: Option<bool>,
) -> Result<Option<ScimResource>, SignInError> {
    let mut user = ScimUser::new(resource.name.as_str());
    (user.active, user.external_id) = (active, resource.external_id.clone());
    let change = ScimChange::set_user(AccountId::new(resource.id.as_str()), user);
    decide(store, change, Some(resource), ScimWrite::Put(form(&resource.name))).await
}

pub(super) async fn remove(
    store: &impl ScimStore,
    resource: &ScimResource,
) -> Result<Option<ScimResource>, SignInError> {
    let change = ScimChange::delete_user(AccountId::new(resource.id.as_str()));
    decide(store, change, Some(resource), ScimWrite::Remove).await
}

pub(super) fn form(name: &str) -> ScimForm {
    let attributes = json!({"title": format!("of {name}")}).as_object().cloned().unwrap();
    ScimForm::new(ScimKind::User, name.to_owned(), Some(format!("id-of-{name}")), attributes)
}

pub(super) async fn decide(
    store: &impl ScimStore,
    change: ScimChange,
    from: Option<&ScimResource>,
    write: ScimWrite,
) -> Result<Option<ScimResource>, SignInError> {
    decide_with(store, &request_token(), change, (from, write)).await
}

/// The same of a request with this token.
pub(super) async fn decide_with(
    store: &impl ScimStore,
    token: &ScimToken,
    change: ScimChange,
    (from, write): (Option<&ScimResource>, ScimWrite),
) -> Result<Option<ScimResource>, SignInError> {
    let fact = ScimFact::new(connection(), change, now());
    let decision = ScimDecision::new(acme(), token.record.hash.clone(), fact, from.map(Into::into), write);
    Ok(store.decide_scim(decision).await?.resource)
}

async fn found(store: &impl ScimStore, id: &str) -> Option<ScimResource> {
    find(store, &connection(), ScimKind::User, &ScimKey::id(id)).await.pop()
}

async fn find(
    store: &impl ScimStore,
    connection: &ConnectionId,
    kind: ScimKind,
    key: &ScimKey,
) -> Vec<ScimResource> {
    store.find_scim(connection, kind, key, ScimPage::first(100)).await.unwrap()
}

async fn account(store: &impl ScimStore, id: &str) -> vouchsafe::provisioning::Account {
    store.scim_accounts(&acme(), &[AccountId::new(id)]).await.unwrap().pop().unwrap()
}
