//! From a login to an account.

use chrono::TimeDelta;
use tokio::task::JoinSet;
use vouchsafe::{
    Provider,
    provisioning::{Origin, Policy, RuleId, Snapshot, Status},
};
use vouchsafe_store::{Session, SessionId, SignIn};

use super::{POLICY, Store, acme, login, now, okta, with_acme, with_globex};

pub(crate) async fn a_first_sign_in_makes_an_account_and_the_second_nothing(store: impl Store) {
    let token = with_acme(&store).await;
    let (plan, applied) = store.sign_in(None, login("ada", &token, "id1")).await.unwrap();
    assert!(!plan.is_empty() && !applied.repeated);
    let whole = store.whole(&acme()).await.unwrap();
    let account = whole.account(&applied.account).unwrap();
    assert_eq!(account.email, "ada@example.com");
    assert_eq!(account.last_sign_in, Some(now()));
    let team = whole.team_named("engineering").unwrap();
    assert_eq!(team.origin, Origin::Rule(RuleId::from("groups.create_teams")));
    assert_eq!(team.projects[0].project, whole.project_named("Engineering").unwrap().id);
    assert!(account.membership(&team.id).is_some() && account.membership(&"t1".into()).is_some());
    assert_eq!(account.projects[0].project.as_str(), "p1");

    let mut second = login("ada", &token, "id2");
    second.at = now() + TimeDelta::days(1);
    let (plan, again) = store.sign_in(None, &second).await.unwrap();
    assert!(plan.is_empty());
    assert_eq!(again.account, applied.account);
    let after = store.whole(&acme()).await.unwrap();
    assert_eq!(after.version, whole.version);
    assert_eq!(after.account(&applied.account).unwrap().last_sign_in, Some(second.at));
}

pub(crate) async fn a_plan_on_an_old_version_is_a_conflict(store: impl Store) {
    let token = with_acme(&store).await;
    let policy = store.policy(&acme()).await.unwrap();
    let facts = login("ada", &token, "id1");
    let plan = policy.plan(&facts, &store.snapshot_for(&facts).await.unwrap()).unwrap();
    store.sign_in(None, login("bob", &token, "id2")).await.unwrap();
    let before = store.whole(&acme()).await.unwrap();
    let conflict = store.apply(&plan).await.unwrap_err();
    assert!(conflict.is_conflict());
    assert_eq!(conflict.code(), "store.conflict");
    assert_eq!(store.whole(&acme()).await.unwrap(), before, "nothing of it is left");
    store.sign_in(None, &facts).await.unwrap();
}

pub(crate) async fn the_same_assertion_is_applied_once(store: impl Store) {
    let token = with_acme(&store).await;
    let facts = login("ada", &token, "id1");
    let policy = Policy::from_toml(POLICY).unwrap();
    let plan = policy.plan(&facts, &store.snapshot_for(&facts).await.unwrap()).unwrap();
    let first = store.apply(&plan).await.unwrap();
    let whole = store.whole(&acme()).await.unwrap();
    let second = store.apply(&plan).await.unwrap();
    assert!(!first.repeated && second.repeated);
    assert_eq!(first.account, second.account);
    assert_eq!(store.whole(&acme()).await.unwrap(), whole);
}

/// One assertion names one person: the same ID for another is a fault at the identity provider, or an attack.
pub(crate) async fn an_assertion_is_applied_for_one_person_only(store: impl Store) {
    let token = with_acme(&store).await;
    store.sign_in(None, login("ada", &token, "id1")).await.unwrap();
    let before = store.whole(&acme()).await.unwrap();
    let audit = store.audit(&acme()).await.unwrap();
    // A newcomer, a known person, and the same person in another format of name.
    store.sign_in(None, login("bob", &token, "id2")).await.unwrap();
    let persistent = login("ada", &token, "id1").with_subject_format("urn:x").without_attribute("user.email");
    for facts in [
        login("eve", &token, "id1"),
        login("bob", &token, "id1"),
        persistent.with_attribute("user.email", ["third@example.com"]),
    ] {
        let refused = store.sign_in(None, &facts).await.unwrap_err();
        assert_eq!(refused.code(), "store.assertion_reused");
        assert!(!refused.to_string().contains('@'));
    }
    let after = store.whole(&acme()).await.unwrap();
    assert_eq!(after.accounts.len(), before.accounts.len() + 1, "Bob alone came");
    assert!(store.audit(&acme()).await.unwrap().starts_with(&audit));
    // The person themselves is answered again.
    assert!(store.sign_in(None, login("ada", &token, "id1")).await.unwrap().1.repeated);

    // An account that the identity was moved to is not the one that was signed in to.
    let mut ada = after.account_with_email("ada@example.com").unwrap().clone();
    let mut bob = after.account_with_email("bob@example.com").unwrap().clone();
    bob.identities.append(&mut ada.identities);
    store.put_account(&ada).await.unwrap();
    store.put_account(&bob).await.unwrap();
    let refused = store.sign_in(None, login("ada", &token, "id1")).await.unwrap_err();
    assert_eq!(refused.code(), "store.assertion_reused");
}

pub(crate) async fn without_an_assertion_id_nothing_is_taken_for_a_repetition(store: impl Store) {
    let token = with_acme(&store).await;
    let mut accounts = Vec::new();
    for person in ["ada", "bob", "ada"] {
        let (_, applied) = store.sign_in(None, login(person, &token, "")).await.unwrap();
        assert!(!applied.repeated);
        accounts.push(applied.account);
    }
    assert_eq!(accounts[0], accounts[2]);
    assert_ne!(accounts[0], accounts[1]);
}

pub(crate) async fn what_was_applied_is_forgotten_with_the_replay_record(store: impl Store) {
    let token = with_acme(&store).await;
    let (end, margin) = (now() + TimeDelta::minutes(5), vouchsafe::ReplayKey::MARGIN);
    let mut facts = login("ada", &token, "id1");
    facts.assertion_expires_at = Some(end);
    let policy = Policy::from_toml(POLICY).unwrap();
    let plan = policy.plan(&facts, &store.snapshot_for(&facts).await.unwrap()).unwrap();
    let key = plan.idempotency_key().unwrap().to_owned();
    assert!(store.insert_once(&key, end).await.unwrap());
    store.apply(&plan).await.unwrap();
    assert!(store.insert_once("newest", end + TimeDelta::days(9)).await.unwrap());

    assert_eq!(store.sweep_replays(end + margin - TimeDelta::milliseconds(1)).await.unwrap(), 0);
    assert!(store.apply(&plan).await.unwrap().repeated);
    assert!(!store.insert_once(&key, end).await.unwrap());
    assert_eq!(store.sweep_replays(end + margin).await.unwrap(), 1);
    assert!(store.apply(&plan).await.unwrap_err().is_conflict(), "planned on an old version");
    assert!(store.insert_once(&key, end).await.unwrap());
}

pub(crate) async fn three_persons_of_one_name_get_three_accounts(store: impl Store) {
    let token = with_acme(&store).await;
    let persistent = vouchsafe::metadata::name_id_format::PERSISTENT;
    let named = |person: &str, assertion: &str| {
        let mut facts = login(person, &token, assertion);
        facts.subject = Some("12345".to_owned());
        facts
    };
    let facts = |round: &str| {
        [
            named("ada", &format!("1{round}")).with_subject_format(persistent),
            named("bob", &format!("2{round}"))
                .with_subject_format(persistent)
                .with_subject_qualifiers(Some("http://idp.example/b"), None),
            named("eve", &format!("3{round}"))
                .with_subject_format(persistent)
                .with_subject_qualifiers(None, Some("http://group.example")),
            named("joe", &format!("4{round}")),
        ]
    };
    let mut accounts = Vec::new();
    for facts in facts("first") {
        accounts.push(store.sign_in(None, facts).await.unwrap().1.account);
    }
    let mut different = accounts.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 4);
    for (facts, account) in facts("second").into_iter().zip(&accounts) {
        let (plan, applied) = store.sign_in(None, facts).await.unwrap();
        assert!(plan.is_empty(), "{plan}");
        assert_eq!(applied.account, *account);
    }
}

pub(crate) async fn nobody_gets_an_address_of_a_domain_of_another_organization(store: impl Store) {
    let token = with_acme(&store).await;
    with_globex(&store).await;
    let facts = |person: &str, address: &str, assertion: &str| {
        let facts = login(person, &token, assertion).without_attribute("user.email");
        facts.with_attribute("user.email", [address])
    };
    let ceo = facts("ceo", "CEO@Globex.example", "id1");
    let refused = store.sign_in(None, &ceo).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.domain_of_another");
    assert!(!refused.to_string().to_lowercase().contains("ceo@"), "{refused}");
    store.set_policy(&acme(), "[admission]\ndomains = ['globex.example']").await.unwrap();
    assert_eq!(store.sign_in(None, &ceo).await.unwrap_err().code(), "provisioning.domain_of_another");
    store.set_policy(&acme(), POLICY).await.unwrap();

    store.sign_in(None, facts("ada", "ada@example.com", "id2")).await.unwrap();
    store.sign_in(None, facts("ada", "ceo@globex.example", "id3")).await.unwrap();
    let whole = store.whole(&acme()).await.unwrap();
    assert_eq!(whole.accounts.len(), 1);
    assert_eq!(whole.accounts[0].email, "ada@example.com", "the address does not follow");
}

/// The other organization verifies the domain after the snapshot was taken; its version is not the planned one's.
pub(crate) async fn a_domain_that_is_verified_meanwhile_is_a_conflict(store: impl Store) {
    let token = with_acme(&store).await;
    let policy = store.policy(&acme()).await.unwrap();
    let facts = login("ceo", &token, "id1").without_attribute("user.email");
    let facts = facts.with_attribute("user.email", ["ceo@globex.example"]);
    let early = policy.plan(&facts, &store.snapshot_for(&facts).await.unwrap()).unwrap();
    let whole = policy.plan(&facts, &store.whole(&acme()).await.unwrap()).unwrap();
    with_globex(&store).await;
    let before = store.whole(&acme()).await.unwrap();
    for plan in [early, whole] {
        assert!(store.apply(&plan).await.unwrap_err().is_conflict());
    }
    assert_eq!(store.whole(&acme()).await.unwrap(), before);
    assert_eq!(store.sign_in(None, &facts).await.unwrap_err().code(), "provisioning.domain_of_another");
}

pub(crate) async fn two_first_sign_ins_of_one_person_make_one_account(store: impl Store) {
    let token = with_acme(&store).await;
    for round in 0..10 {
        let person = format!("person{round}");
        let mut tasks = JoinSet::new();
        for number in 0..2 {
            let (store, facts) = (store.clone(), login(&person, &token, &format!("id{round}.{number}")));
            tasks.spawn(async move { store.sign_in(None, facts).await.unwrap().1.account });
        }
        let accounts = tasks.join_all().await;
        assert_eq!(accounts[0], accounts[1]);
        assert_eq!(store.whole(&acme()).await.unwrap().accounts.len(), round + 1);
    }
}

pub(crate) async fn many_people_sign_in_at_the_same_time(store: impl Store) {
    let token = with_acme(&store).await;
    let mut tasks = JoinSet::new();
    for number in 0..24 {
        let (store, facts) =
            (store.clone(), login(&format!("p{}", number % 12), &token, &format!("id{number}")));
        tasks.spawn(async move { store.sign_in(None, facts).await.unwrap().1.account });
    }
    let mut accounts = tasks.join_all().await;
    accounts.sort();
    accounts.dedup();
    assert_eq!(accounts.len(), 12);
    let whole = store.whole(&acme()).await.unwrap();
    assert_eq!(whole.accounts.len(), 12);
    assert_eq!(whole.teams.len(), 2, "the team was made once");
}

pub(crate) async fn suspension_ends_sessions_and_is_recorded(store: impl Store) {
    let token = with_acme(&store).await;
    let (_, applied) = store.sign_in(None, login("ada", &token, "id1")).await.unwrap();
    let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let session = Session::of(okta(), acme(), applied.account.clone(), now());
    store.create(&id, &session.lasting(TimeDelta::hours(8), None)).await.unwrap();
    let whole = store.whole(&acme()).await.unwrap();
    let plan = whole.suspend(&applied.account, RuleId::from("offboarding.unused"), "unused", now()).unwrap();
    store.apply(&plan).await.unwrap();
    assert_eq!(store.find(&id, now()).await.unwrap(), None);
    let after = store.whole(&acme()).await.unwrap();
    assert_eq!(after.account(&applied.account).unwrap().status, Status::Suspended);
    let refused = store.sign_in(None, login("ada", &token, "id2")).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.account_suspended");
    let last = store.audit(&acme()).await.unwrap().pop().unwrap();
    assert_eq!((last.before.as_deref(), last.after.as_deref()), (Some("active"), Some("suspended")));
    assert_eq!(last.assertion_hash, None);
}

pub(crate) async fn the_audit_says_what_and_why_and_no_secret(store: impl Store) {
    let token = with_acme(&store).await;
    let (plan, applied) = store.sign_in(None, login("ada", &token, "the-assertion")).await.unwrap();
    let records = store.audit(&acme()).await.unwrap();
    assert_eq!(records.len(), plan.steps().len());
    for (record, step) in records.iter().zip(plan.steps()) {
        assert_eq!(record.rule, step.rule);
        assert_eq!(record.change, step.action.to_string());
        assert_eq!((&record.account, record.at), (&applied.account, now()));
        assert_eq!(record.assertion_hash.as_ref().map(String::len), Some(64));
    }
    let shown = format!("{records:?} {store:?} {:?}", store.whole(&acme()).await.unwrap());
    assert!(!shown.contains(&token) && !shown.contains("the-assertion"));
    assert!(!shown.contains("ada@"), "nor does Debug show an address: {shown}");
    assert_eq!(records[0].after.as_deref(), Some("ada@example.com"), "the record itself has it");
    assert!(store.audit(&"other".into()).await.unwrap().is_empty());
}

/// Except for ids, which the store gives.
pub(crate) async fn the_store_and_the_planner_agree_on_what_a_plan_makes(store: impl Store) {
    let token = with_acme(&store).await;
    let mut expected = store.whole(&acme()).await.unwrap();
    let policy = store.policy(&acme()).await.unwrap();
    for (person, assertion) in [("ada", "1"), ("bob", "2"), ("ada", "3")] {
        let facts = login(person, &token, assertion).with_attribute("department", [person]);
        let plan = policy.plan(&facts, &expected).unwrap();
        expected = expected.after(&plan);
        store.sign_in(None, facts).await.unwrap();
    }
    let made = store.whole(&acme()).await.unwrap();
    assert_eq!(shape(&made), shape(&expected));
}

fn shape(snapshot: &Snapshot) -> String {
    let mut text = serde_json::to_string_pretty(snapshot).unwrap();
    let accounts = snapshot.accounts.iter().map(|account| (account.id.to_string(), &account.email));
    let teams = snapshot.teams.iter().map(|team| (team.id.to_string(), &team.name));
    let projects = snapshot.projects.iter().map(|project| (project.id.to_string(), &project.name));
    for (id, name) in accounts.chain(teams).chain(projects) {
        text = text.replace(&format!("\"{id}\""), &format!("\"id of {name}\""));
    }
    text
}

pub(crate) async fn the_stored_policy_is_the_one_that_counts(store: impl Store) {
    let token = with_acme(&store).await;
    store.set_policy(&acme(), "[admission]\ncreate = false").await.unwrap();
    let refused = store.sign_in(None, login("ada", &token, "id1")).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.creation_off");
    let (_, applied) = store.sign_in(Some(&Policy::default()), login("ada", &token, "id1")).await.unwrap();
    assert!(!applied.repeated);
}
