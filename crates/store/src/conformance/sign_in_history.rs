//! Recorded sign-ins: what is kept of them, and when it is forgotten.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::{
    Provider,
    provisioning::{AccountId, Fact, LoginFacts, OrganizationId, Policy, ScimChange, ScimFact, ScimUser},
};

use super::{Provisioned, Store, acme, connection, globex, login, now, provision, with_acme, with_globex};
use crate::{Decision, HistoryLimits, PlannedSignIn, RecordedSignIn, SignInHistory, export_sign_ins};

const DAY: Duration = Duration::from_secs(86_400);

/// What is kept of a sign-in at Acme.
fn record(facts: LoginFacts, made: &Provisioned) -> RecordedSignIn {
    let policy = Policy::from_toml(super::POLICY).unwrap();
    let planned =
        PlannedSignIn { organization: acme(), account: made.account.clone(), facts, plan: &made.plan };
    RecordedSignIn::new(planned, &policy, &Provider::rustcrypto()).unwrap()
}

/// Ada has signed in at Acme: her sign-in.
async fn ada(store: &(impl Store + SignInHistory)) -> (String, RecordedSignIn) {
    let token = with_acme(store).await;
    let facts = login("ada", &token, "1");
    let made = provision(store, facts.clone()).await.unwrap();
    (token, record(facts, &made))
}

/// The same sign-in at another time.
fn at(sign_in: &RecordedSignIn, at: DateTime<Utc>) -> RecordedSignIn {
    let mut sign_in = sign_in.clone();
    sign_in.at = at;
    sign_in
}

async fn times(store: &impl SignInHistory, organization: &OrganizationId) -> Vec<DateTime<Utc>> {
    let kept = store.recorded_sign_ins(organization, 1_000).await.unwrap();
    kept.into_iter().map(|sign_in| sign_in.at).collect()
}

pub async fn what_came_and_what_was_made_of_it_is_kept(store: impl Store + SignInHistory) {
    let (token, sign_in) = ada(&store).await;
    assert!(sign_in.explanation.iter().any(|line| line.is_change && line.rule.as_str() == "defaults.teams"));
    store.keep_sign_in(&sign_in, HistoryLimits::default()).await.unwrap();
    // The second one changes nothing.
    let facts = login("ada", &token, "2");
    let again = record(facts.clone(), &provision(&store, facts).await.unwrap());
    assert!(again.explanation.iter().all(|line| !line.is_change));
    store.keep_sign_in(&again, HistoryLimits::default()).await.unwrap();
    assert_eq!(store.recorded_sign_ins(&acme(), 10).await.unwrap(), [sign_in.clone(), again.clone()]);
    assert_eq!(store.recorded_sign_ins(&acme(), 1).await.unwrap(), [again]);
    assert_eq!(store.recorded_sign_ins(&globex(), 10).await.unwrap(), []);
    let lines = export_sign_ins(&store, &acme(), 10).await.unwrap();
    assert!(lines.contains("ada@example.com") && !lines.contains(&token));
    assert!(!format!("{sign_in:?}").contains("ada@"), "{sign_in:?}");
    // What is exported is what came: it means the same to a policy.
    let facts: Vec<LoginFacts> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let policy = Policy::from_toml(super::POLICY).unwrap();
    let whole = store.whole(&acme()).await.unwrap();
    let replay = policy.replay(facts.into_iter().map(Fact::from), &whole);
    assert_eq!((replay.planned, replay.refused), (2, Vec::new()));
}

pub async fn no_more_sign_ins_are_kept_than_the_limits_say(store: impl Store + SignInHistory) {
    let (_, sign_in) = ada(&store).await;
    let token = with_globex(&store).await;
    let mut facts = login("gus", &token, "1");
    (facts.connection, facts.issuer) = (vouchsafe::ConnectionId::new("globex").unwrap(), super::globex_idp());
    let facts = facts.without_attribute("user.email").with_attribute("user.email", ["gus@globex.example"]);
    let other = store.decide(Decision::login(facts)).await.unwrap().account.unwrap();
    let mut of_another = sign_in.clone();
    (of_another.organization, of_another.account) = (globex(), other);
    store.keep_sign_in(&of_another, HistoryLimits::default()).await.unwrap();
    let hour = |hours: i64| now() + TimeDelta::hours(hours);
    let limits = HistoryLimits::new(3, DAY);
    for hours in 0..5 {
        store.keep_sign_in(&at(&sign_in, hour(hours)), limits).await.unwrap();
    }
    assert_eq!(times(&store, &acme()).await, [hour(2), hour(3), hour(4)]);
    store.keep_sign_in(&at(&sign_in, hour(28)), limits).await.unwrap();
    assert_eq!(times(&store, &acme()).await, [hour(4), hour(28)], "a day ago to the hour is kept");
    store.keep_sign_in(&at(&sign_in, hour(29)), HistoryLimits::new(0, DAY)).await.unwrap();
    assert!(times(&store, &acme()).await.is_empty());
    // What one organization does forgets nothing of another.
    assert_eq!(times(&store, &globex()).await, [now()]);
    assert_eq!(store.sweep_sign_ins(now()).await.unwrap(), 0);
    assert_eq!(store.sweep_sign_ins(now() + TimeDelta::seconds(1)).await.unwrap(), 1);
    assert!(times(&store, &globex()).await.is_empty());
}

pub async fn sign_ins_go_with_a_deleted_person(store: impl Store + SignInHistory) {
    let (token, sign_in) = ada(&store).await;
    let facts = login("bob", &token, "2");
    let bob = record(facts.clone(), &provision(&store, facts).await.unwrap());
    for kept in [&sign_in, &bob] {
        store.keep_sign_in(kept, HistoryLimits::default()).await.unwrap();
    }
    let scim = async |change| {
        store.decide(Decision::scim(acme(), ScimFact::new(connection(), change, now()))).await.unwrap()
    };
    let mut user = ScimUser::new("ada@example.com");
    user.active = Some(false);
    scim(ScimChange::set_user(sign_in.account.clone(), user)).await;
    assert_eq!(
        store.recorded_sign_ins(&acme(), 10).await.unwrap().len(),
        2,
        "whoever is suspended may come back"
    );
    scim(ScimChange::delete_user(sign_in.account.clone())).await;
    assert_eq!(store.recorded_sign_ins(&acme(), 10).await.unwrap(), std::slice::from_ref(&bob));
    assert_eq!(store.forget_sign_ins_of(&sign_in.account).await.unwrap(), 0);
    assert_eq!(store.forget_sign_ins_of(&bob.account).await.unwrap(), 1);
    assert_eq!(store.recorded_sign_ins(&acme(), 10).await.unwrap(), []);
}

pub async fn a_sign_in_is_of_an_account_of_its_organization(store: impl Store + SignInHistory) {
    let (_, sign_in) = ada(&store).await;
    with_globex(&store).await;
    let mut of_another = sign_in.clone();
    of_another.organization = globex();
    let mut of_nobody = sign_in.clone();
    of_nobody.account = AccountId::new("nobody");
    for wrong in [of_another, of_nobody] {
        assert!(store.keep_sign_in(&wrong, HistoryLimits::default()).await.is_err());
    }
    assert_eq!(store.recorded_sign_ins(&acme(), 10).await.unwrap(), []);
    assert_eq!(store.recorded_sign_ins(&globex(), 10).await.unwrap(), []);
}

pub async fn sign_ins_are_kept_at_the_same_time(store: impl Store + SignInHistory) {
    let (_, sign_in) = ada(&store).await;
    let keep = |number: i64| {
        let (store, sign_in) = (store.clone(), at(&sign_in, now() + TimeDelta::seconds(number)));
        tokio::spawn(async move { store.keep_sign_in(&sign_in, HistoryLimits::new(10, DAY)).await })
    };
    let kept: Vec<_> = (0..40).map(keep).collect();
    for kept in kept {
        kept.await.unwrap().unwrap();
    }
    keep(40).await.unwrap().unwrap();
    assert_eq!(times(&store, &acme()).await.len(), 10);
}

/// A sign-in with very much in it takes no more room than another.
pub async fn what_is_kept_of_a_sign_in_is_bounded(store: impl Store + SignInHistory) {
    let (token, _) = ada(&store).await;
    let groups =
        |count: usize| (0..count).map(|number| format!("{number}-{}", "x".repeat(100))).collect::<Vec<_>>();
    for (count, has_facts) in [(300, true), (900, false)] {
        let facts = login("ada", &token, &count.to_string());
        let facts = facts.without_attribute("department").with_attribute("department", groups(count));
        let kept = record(facts.clone(), &provision(&store, facts).await.unwrap());
        assert_eq!((kept.facts.is_some(), kept.explanation.len()), (has_facts, RecordedSignIn::MAX_LINES));
        assert!(kept.lines_left_out >= count, "{}", kept.lines_left_out);
        store.keep_sign_in(&kept, HistoryLimits::default()).await.unwrap();
    }
    assert_eq!(export_sign_ins(&store, &acme(), 10).await.unwrap().lines().count(), 1);
}
