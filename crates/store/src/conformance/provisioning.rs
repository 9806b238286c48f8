//! What a policy asks of a store beyond accounts and teams: approval, limits of sessions, and what SCIM says.

use chrono::TimeDelta;
use vouchsafe::{
    ConnectionId,
    provisioning::{
        Account, AccountId, Change, EmailAddress, GroupId, Hold, Identity, ScimChange, ScimFact, ScimGroup,
        ScimMembers, ScimRecord, ScimUser, Source, Status,
    },
};
use vouchsafe_testkit::ISSUE_INSTANT;

use super::{
    Store, acme, author, change, connection, globex, login, now, provision,
    scenarios::{sign_in, valid},
    with_acme, with_globex,
};
use crate::{AccountKey, Decision, Session, SessionId};
use vouchsafe::{Provider, provisioning::Actor};

/// The account is there for an administrator to approve; nobody is signed in to it, and the response is used up.
pub async fn an_account_that_waits_for_approval_is_written_and_not_signed_in(store: impl Store) {
    let token = with_acme(&store).await;
    store.set_policy(&acme(), "[admission]\napproval = 'always'", &author()).await.unwrap();
    let refused = async |assertion: &str| {
        let signed_in = store.sign_in(sign_in(valid("ada", &token, assertion))).await;
        signed_in.map_or_else(|refused| refused.code(), |_| "signed in")
    };
    assert_eq!(refused("id1").await, "provisioning.approval_pending");
    assert_eq!(refused("id1").await, "assertion.replayed", "the response is used up");
    assert_eq!(refused("id2").await, "provisioning.approval_pending");
    let whole = store.whole(&acme()).await.unwrap();
    let ada = whole.account_with_email("ada@example.com").unwrap().clone();
    assert_eq!((ada.status, ada.last_sign_in, whole.seats()), (Status::PendingApproval, None, 0));
    change(&store, &ada.id, Change::Approve, Actor::Operator).await.unwrap();
    let signed_in = store.sign_in(sign_in(valid("ada", &token, "id3"))).await.unwrap();
    assert_eq!(*signed_in.account(), ada.id);
}

/// An account is found by its address and by what the identity provider of a connection names its person, in its organization alone.
pub async fn accounts_are_found_by_a_key(store: impl Store) {
    with_acme(&store).await;
    with_globex(&store).await;
    let long = "x".repeat(500);
    let entra = ConnectionId::new("entra").unwrap();
    let identities = [
        (
            "ada",
            vec![Identity::new(connection(), "00u1"), Identity::of_attribute(connection(), "uid", " 7 ")],
        ),
        (
            "bob",
            vec![Identity::new(connection(), &long), Identity::of_attribute(entra.clone(), "uid", "00u1")],
        ),
        ("eve", vec![Identity::new(connection(), format!("{long}y"))]),
    ];
    for (name, identities) in identities {
        let mut account = Account::new(AccountId::new(name), acme(), format!("{name}@example.com"));
        account.identities = identities;
        store.add_account(&account, &author()).await.unwrap();
    }
    let mut zoe = Account::new(AccountId::new("zoe"), acme(), "zoe@example.com");
    let mut record = ScimRecord::new(connection(), "zoe");
    record.external_id = Some("00u9".to_owned());
    zoe.scim.push(record);
    store.add_account(&zoe, &author()).await.unwrap();
    let email = |text: &str| AccountKey::Email(EmailAddress::parse(text).unwrap());
    let subject = |text: &str| AccountKey::subject(connection(), text);
    for (key, expected) in [
        (email("ADA@example.com"), vec!["ada"]),
        (email("nobody@example.com"), vec![]),
        (subject("00u1"), vec!["ada"]),
        (subject(" 7 "), vec!["ada"]),
        (subject("7"), vec![]),
        (subject("00U1"), vec![]),
        (AccountKey::subject(entra, "00u1"), vec!["bob"]),
        (subject(&long), vec!["bob"]),
        (subject(&format!("{long}y")), vec!["eve"]),
        (subject(&format!("{long}z")), vec![]),
        (subject("00u9"), vec!["zoe"]),
        (subject("zoe"), vec![]),
        (subject("\0"), vec![]),
        (subject(""), vec![]),
    ] {
        let found = store.accounts_with(&acme(), &key).await.unwrap();
        assert_eq!(found.iter().map(|account| account.id.as_str()).collect::<Vec<_>>(), expected, "{key:?}");
        assert!(store.accounts_with(&globex(), &key).await.unwrap().is_empty(), "{key:?}");
    }
}

/// The shorter of what the service and the policy allow.
pub async fn a_session_lasts_as_long_as_the_policy_says(store: impl Store) {
    let token = with_acme(&store).await;
    for (policy, hours) in [("", 8), ("[sessions]\nabsolute = '2h'", 2), ("[sessions]\nabsolute = '30d'", 8)]
    {
        store.set_policy(&acme(), policy, &author()).await.unwrap();
        let valid = valid("ada", &token, &format!("id{hours}{}", policy.len()));
        let signed_in = store.sign_in(sign_in(valid)).await.unwrap();
        let lasts = signed_in.session.expires_at - signed_in.login.accepted_at();
        assert_eq!(lasts, TimeDelta::hours(hours), "{policy}");
    }
}

/// The account that SCIM made is the one that its person signs in to; a deactivation ends the session at once.
pub async fn people_and_groups_of_scim_are_kept(store: impl Store) {
    let token = with_acme(&store).await;
    let scim = async |change: ScimChange| {
        let fact = ScimFact::new(connection(), change, now());
        store.decide(Decision::scim(acme(), fact)).await
    };
    let mut user = ScimUser::new("Ada");
    (user.email, user.external_id) = (Some("ada@example.com".to_owned()), Some("00u1".to_owned()));
    let ada = scim(ScimChange::CreateUser(user.clone())).await.unwrap().account.unwrap();
    assert_eq!(
        scim(ScimChange::CreateUser(user.clone())).await.unwrap_err().code(),
        "provisioning.scim_user_exists"
    );
    let group = |name: &str| ScimGroup::new(name);
    let id = GroupId::new("group-1");
    scim(ScimChange::create_group(id.clone(), group("Engineering"), [ada.clone()])).await.unwrap();
    let renamed = ScimChange::set_group(id.clone(), group("Sales"), ScimMembers::unchanged());
    let plan = scim(renamed).await.unwrap().plan;
    assert!(!plan.is_empty());
    let whole = store.whole(&acme()).await.unwrap();
    assert_eq!(whole.group(&id).map(|group| group.name.as_str()), Some("Sales"));
    let source = Source::scim_group(connection(), id.clone());
    let known = whole.account(&ada).unwrap();
    assert!(known.scim_groups.contains(&id));
    let sales = whole.team_named("Sales").unwrap();
    assert!(known.membership(&sales.id).unwrap().granted_by(&source).is_some());

    // By the userName, whatever its case: the NameID is the same.
    let applied = provision(&store, login("ada", &token, "id1")).await.unwrap();
    assert_eq!(applied.account, ada);
    let session = Session::of(acme(), ada.clone(), now() + TimeDelta::hours(1));
    let session_id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    store.create(&session_id, &session).await.unwrap();
    user.active = Some(false);
    scim(ScimChange::set_user(ada.clone(), user.clone())).await.unwrap();
    assert_eq!(store.find(&session_id, now()).await.unwrap(), None);
    let held = store.whole(&acme()).await.unwrap().account(&ada).unwrap().holds();
    assert_eq!(held, [Hold::scim(connection())].into());
    user.active = Some(true);
    scim(ScimChange::set_user(ada.clone(), user)).await.unwrap();
    scim(ScimChange::delete_group(id.clone())).await.unwrap();
    scim(ScimChange::delete_user(ada.clone())).await.unwrap();
    let whole = store.whole(&acme()).await.unwrap();
    assert!(whole.groups.is_empty());
    let known = whole.account(&ada).unwrap();
    assert!(
        !known.is_active()
            && known.scim_groups.is_empty()
            && known.scim_record(&connection()).unwrap().deleted
    );
    assert!(known.membership(&sales.id).is_none());
}

pub async fn a_session_is_idle_as_long_as_the_policy_says(store: impl Store) {
    let token = with_acme(&store).await;
    let first = store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap();
    assert_eq!(first.session.idle, None);
    store.set_policy(&acme(), "[sessions]\nidle = '30m'", &author()).await.unwrap();
    let second = store.sign_in(sign_in(valid("ada", &token, "id2"))).await.unwrap();
    assert_eq!(second.session.idle, Some(std::time::Duration::from_secs(1_800)));
    let later = |minutes| ISSUE_INSTANT + TimeDelta::minutes(minutes);
    assert!(store.find(&second.id, later(29)).await.unwrap().is_some());
    assert!(store.find(&second.id, later(58)).await.unwrap().is_some());
    assert!(store.find(&second.id, later(88)).await.unwrap().is_none());
    assert!(store.find(&first.id, later(88)).await.unwrap().is_some());
}

/// Where the names of one account change or end, everybody else is known by theirs.
pub async fn a_change_of_one_persons_names_leaves_those_of_others(store: impl Store) {
    let token = with_acme(&store).await;
    let sign_in = async |person: &str, assertion: &str| {
        provision(&store, login(person, &token, assertion)).await.unwrap().account
    };
    let (ada, bob) = (sign_in("ada", "id1").await, sign_in("bob", "id2").await);
    let names = |subject: &str| Identity::new(connection(), subject);
    for (wanted, assertion) in [
        (Change::RenameIdentity(names("ada"), names("lovelace")), "id3"),
        (Change::UnlinkIdentity(names("lovelace")), "id4"),
    ] {
        let step = format!("{wanted:?}");
        change(&store, &ada, wanted, Actor::Operator).await.unwrap();
        let key = AccountKey::subject(connection(), "bob");
        let found = store.accounts_with(&acme(), &key).await.unwrap();
        assert_eq!(found.iter().map(|account| &account.id).collect::<Vec<_>>(), [&bob], "{step}");
        // With another address, so that only the name tells who it is.
        let known = login("bob", &token, assertion).without_attribute("user.email");
        let known = known.with_attribute("user.email", [format!("{assertion}@example.com")]);
        assert_eq!(provision(&store, known).await.unwrap().account, bob, "{step}");
    }
}
