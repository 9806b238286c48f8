//! From a login to an account.

use std::time::Duration;

use crate::{AuditedRefusal, AuditedState, Author, Decision, Session, SessionId};
use chrono::TimeDelta;
use tokio::task::JoinSet;
use vouchsafe::{
    ConnectionId, Provider,
    provisioning::{
        Account, AccountId, Actor, Change, GroupId, Identity, LoginFacts, Organization, Origin, Permission,
        Project, Role, RuleId, ScimChange, ScimFact, ScimGroup, ScimMembers, ScimUser, Snapshot, Status,
        Team, TeamId,
    },
};

use super::{
    POLICY, Store, acme, audit_of_people, author, change, connection, globex, globex_idp, login, now,
    provision,
    scenarios::{sign_in, valid},
    with_acme, with_globex,
};

pub async fn a_first_sign_in_makes_an_account_and_the_second_nothing(store: impl Store) {
    let token = with_acme(&store).await;
    let applied = provision(&store, login("ada", &token, "id1")).await.unwrap();
    assert!(!applied.plan.is_empty());
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
    let again = provision(&store, &second).await.unwrap();
    assert!(again.plan.is_empty());
    assert_eq!(again.account, applied.account);
    let after = store.whole(&acme()).await.unwrap();
    assert_eq!(after.version, whole.version);
    assert_eq!(after.account(&applied.account).unwrap().last_sign_in, Some(second.at));
}

pub async fn as_many_groups_as_a_login_may_bring_make_their_teams(store: impl Store) {
    let token = with_acme(&store).await;
    let grouped = |assertion: &str, count: usize| {
        login("ada", &token, assertion)
            .without_attribute("department")
            .with_attribute("department", (0..count).map(|number| format!("Group {number}")))
    };
    let most = LoginFacts::MAX_GROUPS;
    let applied = provision(&store, grouped("id1", most)).await.unwrap();
    let whole = store.whole(&acme()).await.unwrap();
    for number in 0..most {
        let name = format!("group {number}");
        let (team, project) = (whole.team_named(&name).unwrap(), whole.project_named(&name).unwrap());
        assert_eq!(team.projects[0].project, project.id);
    }
    let memberships = |whole: &Snapshot| whole.account(&applied.account).unwrap().memberships.len();
    assert!(memberships(&whole) >= most);
    assert!(provision(&store, grouped("id2", most)).await.unwrap().plan.is_empty());
    let too_many = provision(&store, grouped("id3", most + 1)).await.unwrap();
    assert!(too_many.plan.is_empty(), "{}", too_many.plan);
    let after = store.whole(&acme()).await.unwrap();
    assert_eq!((memberships(&after), &after.teams), (memberships(&whole), &whole.teams));
}

pub async fn three_persons_of_one_name_get_three_accounts(store: impl Store) {
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
        accounts.push(provision(&store, facts).await.unwrap().account);
    }
    let mut different = accounts.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 4);
    for (facts, account) in facts("second").into_iter().zip(&accounts) {
        let applied = provision(&store, facts).await.unwrap();
        assert!(applied.plan.is_empty(), "{}", applied.plan);
        assert_eq!(applied.account, *account);
    }
}

pub async fn nobody_gets_an_address_of_a_domain_of_another_organization(store: impl Store) {
    let token = with_acme(&store).await;
    with_globex(&store).await;
    let facts = |person: &str, address: &str, assertion: &str| {
        let facts = login(person, &token, assertion).without_attribute("user.email");
        facts.with_attribute("user.email", [address])
    };
    let ceo = facts("ceo", "CEO@Globex.example", "id1");
    let refused = provision(&store, &ceo).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.domain_of_another");
    assert!(!refused.to_string().to_lowercase().contains("ceo@"), "{refused}");
    store.set_policy(&acme(), "[admission]\ndomains = ['globex.example']", &author()).await.unwrap();
    assert_eq!(provision(&store, &ceo).await.unwrap_err().code(), "provisioning.domain_of_another");
    store.set_policy(&acme(), POLICY, &author()).await.unwrap();

    provision(&store, facts("ada", "ada@example.com", "id2")).await.unwrap();
    provision(&store, facts("ada", "ceo@globex.example", "id3")).await.unwrap();
    let whole = store.whole(&acme()).await.unwrap();
    assert_eq!(whole.accounts.len(), 1);
    assert_eq!(whole.accounts[0].email, "ada@example.com", "the address does not follow");
}

pub async fn two_first_sign_ins_of_one_person_make_one_account(store: impl Store) {
    let token = with_acme(&store).await;
    for round in 0..10 {
        let person = format!("person{round}");
        let mut tasks = JoinSet::new();
        for number in 0..2 {
            let (store, facts) = (store.clone(), login(&person, &token, &format!("id{round}.{number}")));
            tasks.spawn(async move { provision(&store, facts).await.unwrap().account });
        }
        let accounts = tasks.join_all().await;
        assert_eq!(accounts[0], accounts[1]);
        assert_eq!(store.whole(&acme()).await.unwrap().accounts.len(), round + 1);
    }
}

pub async fn many_people_sign_in_at_the_same_time(store: impl Store) {
    let token = with_acme(&store).await;
    let mut tasks = JoinSet::new();
    for number in 0..24 {
        let (store, facts) =
            (store.clone(), login(&format!("p{}", number % 12), &token, &format!("id{number}")));
        tasks.spawn(async move { provision(&store, facts).await.unwrap().account });
    }
    let mut accounts = tasks.join_all().await;
    accounts.sort();
    accounts.dedup();
    assert_eq!(accounts.len(), 12);
    let whole = store.whole(&acme()).await.unwrap();
    assert_eq!(whole.accounts.len(), 12);
    assert_eq!(whole.teams.len(), 2, "the team was made once");
}

pub async fn suspension_ends_sessions_and_is_recorded(store: impl Store) {
    let token = with_acme(&store).await;
    let applied = provision(&store, login("ada", &token, "id1")).await.unwrap();
    let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let session = Session::of(acme(), applied.account.clone(), now());
    store.create(&id, &session.lasting(Duration::from_secs(28_800), None)).await.unwrap();
    assert_eq!(store.epoch(&applied.account).await.unwrap(), 0);
    let sweep = Actor::Rule(RuleId::from("offboarding.unused"));
    change(&store, &applied.account, Change::Suspend, sweep).await.unwrap();
    assert_eq!(store.find(&id, now()).await.unwrap(), None);
    assert_eq!(store.epoch(&applied.account).await.unwrap(), 1);
    let after = store.whole(&acme()).await.unwrap();
    assert_eq!(after.account(&applied.account).unwrap().status, Status::Suspended);
    let refused = provision(&store, login("ada", &token, "id2")).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.account_suspended");
    let audit = store.audit(&acme()).await.unwrap();
    let last = audit.iter().rfind(|record| !record.is_refusal()).unwrap();
    assert_eq!(last.actor, Some(Actor::Rule(RuleId::from("offboarding.unused"))));
    assert_eq!((last.before.as_deref(), last.after.as_deref()), (Some("active"), Some("suspended")));
    assert_eq!(last.assertion_hash, None);
}

pub async fn the_audit_says_what_and_why_and_no_secret(store: impl Store) {
    let token = with_acme(&store).await;
    let applied = provision(&store, login("ada", &token, "the-assertion")).await.unwrap();
    let records = audit_of_people(&store).await;
    assert_eq!(records.len(), applied.plan.steps().len());
    for (record, step) in records.iter().zip(applied.plan.steps()) {
        assert_eq!(record.rule, step.rule);
        assert_eq!(record.change, step.action.to_string());
        assert_eq!((record.account.as_ref(), record.at), (Some(&applied.account), now()));
        assert_eq!(record.assertion_hash.as_ref().map(String::len), Some(64));
    }
    let shown = format!("{records:?} {store:?} {:?}", store.whole(&acme()).await.unwrap());
    assert!(!shown.contains(&token) && !shown.contains("the-assertion"));
    assert!(!shown.contains("ada@"), "nor does Debug show an address: {shown}");
    assert_eq!(records[0].after.as_deref(), Some("ada@example.com"), "the record itself has it");
    assert!(store.audit(&"other".into()).await.unwrap().is_empty());
}

/// The planner and the store fold names alike: two that are one for the store alone would be a commit that fails.
pub async fn groups_whose_names_fold_to_one_are_one_team(store: impl Store) {
    let token = with_acme(&store).await;
    let policy = "[attributes]\ngroups = \"groups\"\n[groups]\ncreate_teams = true";
    store.set_policy(&acme(), policy, &author()).await.unwrap();
    let groups = [
        "ΟΔΟΣ",
        "οδος",
        "οδοσ",
        " ΟΔΟΣ\u{a0}",
        "İzmir",
        "i̇zmir",
        "izmir",
        "Straße",
        "STRASSE",
        "STRAẞE",
        "\u{212a}elvin",
        "kelvin",
        "{\"a\":[1]}",
        "7",
        "null",
    ];
    for (person, assertion) in [("ada", "1"), ("bob", "2"), ("ada", "3")] {
        let facts = login(person, &token, assertion).with_attribute("groups", groups);
        provision(&store, facts).await.unwrap();
        let whole = store.whole(&acme()).await.unwrap();
        // With "All hands", in which nobody is.
        assert_eq!(whole.teams.len(), 12);
        for account in &whole.accounts {
            assert_eq!(account.memberships.len(), 11);
        }
    }
}

/// Except for ids, which the store gives.
pub async fn the_store_and_the_planner_agree_on_what_a_plan_makes(store: impl Store) {
    let token = with_acme(&store).await;
    let mut expected = store.whole(&acme()).await.unwrap();
    let policy = store.policy(&acme()).await.unwrap();
    for (person, assertion) in [("ada", "1"), ("bob", "2"), ("ada", "3")] {
        let facts = login(person, &token, assertion).with_attribute("department", [person]);
        let plan = policy.plan(&facts, &expected).unwrap();
        expected = expected.after(&plan);
        provision(&store, facts).await.unwrap();
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

/// Accounts with their roles, states and memberships, teams and projects: whoever keeps the audit has them.
pub async fn the_audit_from_its_beginning_gives_the_state(store: impl Store) {
    let token = with_acme(&store).await;
    let mut owner = Account::new("owner".into(), acme(), "owner@example.com");
    owner.role = Role::Owner;
    store.add_account(&owner, &author()).await.unwrap();
    let replayed = async || {
        let mut state = AuditedState::default();
        for record in store.audit(&acme()).await.unwrap() {
            // What is exported is enough.
            let line = serde_json::to_string(&record).unwrap();
            state.apply(&serde_json::from_str(&line).unwrap());
        }
        state
    };
    let is_the_same = async |step: &str| {
        let whole = store.whole(&acme()).await.unwrap();
        assert_eq!(replayed().await, AuditedState::of(&whole), "{step}");
    };
    is_the_same("added").await;
    let grouped = |person: &str, assertion: &str, groups: &[&str]| {
        login(person, &token, assertion)
            .without_attribute("department")
            .with_attribute("department", groups.iter().copied())
    };
    let ada = provision(&store, grouped("ada", "1", &["Sales", "Support"])).await.unwrap().account;
    provision(&store, grouped("bob", "2", &["support", "Ops"])).await.unwrap();
    is_the_same("signed in").await;
    let sync = "
        [attributes]
        groups = 'department'
        [groups]
        create_teams = true
        sync = 'managed'
        [[groups.roles]]
        group = 'Ops'
        role = 'admin'";
    store.set_policy(&acme(), sync, &author()).await.unwrap();
    provision(&store, grouped("ada", "3", &["Ops"])).await.unwrap();
    provision(&store, grouped("bob", "4", &["Support"])).await.unwrap();
    is_the_same("synchronized").await;
    let roles: Vec<Role> = replayed().await.accounts.values().map(|account| account.role).collect();
    assert!(roles.contains(&Role::Admin) && roles.contains(&Role::Member), "{roles:?}");
    let team = TeamId::new("t1");
    let by_hand = [
        Change::JoinTeam(team.clone(), Permission::Admin),
        Change::SetRole(Role::Admin),
        Change::LeaveTeam(team),
        Change::Suspend,
        Change::Reactivate,
        Change::EndSessions,
    ];
    for by in by_hand {
        let step = format!("{by:?}");
        change(&store, &ada, by, Actor::Operator).await.unwrap();
        is_the_same(&step).await;
    }
    store.set_policy(&acme(), "[admission]\napproval = 'always'", &author()).await.unwrap();
    let eve = provision(&store, login("eve", &token, "5")).await.unwrap().account;
    is_the_same("waits").await;
    change(&store, &eve, Change::Approve, Actor::Operator).await.unwrap();
    is_the_same("approved").await;
    let names = |subject: &str| Identity::new(connection(), subject);
    for by in
        [Change::RenameIdentity(names("ada"), names("lovelace")), Change::UnlinkIdentity(names("lovelace"))]
    {
        let step = format!("{by:?}");
        change(&store, &ada, by, Actor::Operator).await.unwrap();
        is_the_same(&step).await;
    }
    store.set_policy(&acme(), POLICY, &author()).await.unwrap();
    let scim = async |step: &str, change| {
        let decision = Decision::scim(acme(), ScimFact::new(connection(), change, now()));
        let applied = store.decide(decision).await.unwrap();
        is_the_same(step).await;
        applied.account
    };
    let mut kim = ScimUser::new("kim");
    (kim.email, kim.external_id) = (Some("kim@example.com".to_owned()), Some("k1".to_owned()));
    let id = scim("a pushed person", ScimChange::CreateUser(kim.clone())).await.unwrap();
    (kim.user_name, kim.first_name, kim.active) =
        ("kimberly".to_owned(), Some("Kim".to_owned()), Some(false));
    scim("a changed person", ScimChange::set_user(id.clone(), kim)).await;
    let crew = GroupId::new("g1");
    let group = |name: &str| ScimGroup::new(name);
    scim("a group", ScimChange::create_group(crew.clone(), group("Crew"), [id.clone()])).await;
    let unchanged = ScimMembers::unchanged();
    scim("its name", ScimChange::set_group(crew.clone(), group("Staff"), unchanged)).await;
    assert!(replayed().await.accounts[&id].scim_groups.contains(&crew));
    scim("its end", ScimChange::delete_group(crew)).await;
    scim("a deleted person", ScimChange::delete_user(id)).await;
}

/// Whom an administrator asks about: who could not sign in, and why. Once an hour, however often they try.
pub async fn who_is_refused_is_audited_by_which_rule(store: impl Store) {
    let token = with_acme(&store).await;
    let eve = store.sign_in(sign_in(valid("eve", &token, "0"))).await.unwrap().account().clone();
    change(&store, &eve, Change::Suspend, Actor::Operator).await.unwrap();
    store.set_policy(&acme(), "[admission]\ncreate = 'never'", &author()).await.unwrap();
    for round in 0..3 {
        for person in ["ada", "bob", "eve"] {
            let refused = valid(person, &token, &format!("{person}{round}"));
            store.sign_in(sign_in(refused)).await.unwrap_err();
        }
    }
    // What is not believed says nothing of a person.
    store.set_policy(&acme(), POLICY, &author()).await.unwrap();
    for _ in 0..2 {
        let _ = store.sign_in(sign_in(valid("joe", &token, "joe"))).await;
    }
    let records = store.audit(&acme()).await.unwrap();
    let refusals: Vec<_> = records
        .iter()
        .filter(|record| record.change.starts_with("Refuses the sign-in"))
        .map(|record| (record.rule.as_str(), record.account.as_ref(), record.after.as_deref()))
        .collect();
    let expected = [
        ("provisioning.creation_off", None, Some("ada")),
        ("provisioning.creation_off", None, Some("bob")),
        ("provisioning.account_suspended", Some(&eve), Some("eve")),
    ];
    assert_eq!(refusals, expected);
    assert!(!serde_json::to_string(&records).unwrap().contains(&token));
}

/// Whoever knows the token of an organization, and has an identity provider of another one, fills no audit with it, and hides nobody in it.
pub async fn a_stranger_leaves_one_record_in_the_audit_of_another_organization(store: impl Store) {
    let token = with_acme(&store).await;
    with_globex(&store).await;
    let before = store.audit(&acme()).await.unwrap().len();
    for number in 0..AuditedRefusal::MOST_AN_HOUR + 10 {
        let mut stranger = login(&format!("stranger{number}"), &token, &format!("id{number}"));
        stranger.connection = ConnectionId::new("globex").unwrap();
        stranger.issuer = globex_idp();
        provision(&store, stranger).await.unwrap_err();
    }
    store.set_policy(&acme(), "[admission]\ncreate = 'never'", &author()).await.unwrap();
    provision(&store, login("ada", &token, "own")).await.unwrap_err();
    let records = store.audit(&acme()).await.unwrap().split_off(before);
    let refusals: Vec<_> = records
        .iter()
        .filter(|record| record.is_refusal())
        .map(|record| (record.rule.as_str(), record.after.as_deref()))
        .collect();
    let expected = [("provisioning.organization_mismatch", None), ("provisioning.creation_off", Some("ada"))];
    assert_eq!(refusals, expected);
    let text = serde_json::to_string(&records).unwrap();
    assert!(!text.contains("stranger0") && !text.contains("globex") && !text.contains(globex_idp().as_str()));
    assert!(store.audit(&globex()).await.unwrap().iter().all(|record| !record.is_refusal()));
}

/// By hand and by SCIM: who asked, about whom, and the rule. The same of the same is noted once an hour, and what the store refuses not at all.
pub async fn a_change_that_is_refused_is_audited_with_its_actor(store: impl Store) {
    let token = with_acme(&store).await;
    let ada = provision(&store, login("ada", &token, "id1")).await.unwrap().account;
    change(&store, &ada, Change::SetRole(Role::Owner), Actor::Operator).await.unwrap();
    let before = store.audit(&acme()).await.unwrap().len();
    let by_herself = || Actor::Account(ada.clone());
    let scim = |change| Decision::scim(acme(), ScimFact::new(connection(), change, now()));
    let mut stranger = ScimUser::new("joe@elsewhere.example");
    stranger.active = Some(true);
    for _ in 0..3 {
        change(&store, &ada, Change::Suspend, by_herself()).await.unwrap_err();
        change(&store, &ada, Change::SetRole(Role::Member), by_herself()).await.unwrap_err();
        change(&store, &ada, Change::Suspend, Actor::Operator).await.unwrap_err();
        store.decide(scim(ScimChange::CreateUser(stranger.clone()))).await.unwrap_err();
        store.decide(scim(ScimChange::delete_user(ada.clone()))).await.unwrap_err();
    }
    change(&store, &"nobody".into(), Change::Suspend, Actor::Operator).await.unwrap_err();
    let records = store.audit(&acme()).await.unwrap().split_off(before);
    assert!(
        records.iter().all(|record| record.is_refusal() && record.change.starts_with("Refuses the change: "))
    );
    let shown: Vec<_> = records
        .iter()
        .map(|record| {
            let account = record.account.as_ref().map(AccountId::as_str);
            (record.rule.as_str(), account, record.after.as_deref(), record.actor.clone().unwrap())
        })
        .collect();
    let (last_owner, over) = ("provisioning.last_owner", Actor::Scim(connection()));
    let expected = [
        (last_owner, Some(ada.as_str()), None, by_herself()),
        (last_owner, Some(ada.as_str()), None, Actor::Operator),
        ("provisioning.domain_not_verified", None, Some("joe@elsewhere.example"), over.clone()),
        (last_owner, Some(ada.as_str()), None, over),
        ("provisioning.account_unknown", Some("nobody"), None, Actor::Operator),
    ];
    assert_eq!(shown, expected);
    // What a service refuses is noted in the same way, and only of an organization that is there.
    let refused =
        AuditedRefusal::of_signal(acme(), &connection(), ("signal.audience", "for somebody else"), now());
    for _ in 0..2 {
        store.note_refusal(&refused).await.unwrap();
    }
    let noted = store.audit(&acme()).await.unwrap().split_off(before + expected.len());
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].actor, Some(Actor::IdentityProvider(connection())));
}

pub async fn what_is_added_is_audited_with_its_actor(store: impl Store) {
    let by = |name: &str| Author::new(Actor::Account(name.into()), now());
    store.add_organization(&Organization::new(acme(), "acme", "Acme"), &by("one")).await.unwrap();
    store.add_account(&Account::new("1".into(), acme(), "ada@example.com"), &by("two")).await.unwrap();
    store.add_team(&Team::new("1".into(), acme(), "Hands"), &by("three")).await.unwrap();
    store.add_project(&Project::new("1".into(), acme(), "Sandbox"), &by("four")).await.unwrap();
    store.add_team(&Team::new("1".into(), acme(), "Hands"), &by("five")).await.unwrap_err();
    let records = store.audit(&acme()).await.unwrap();
    let shown: Vec<_> = records
        .iter()
        .map(|record| (record.rule.as_str(), record.after.as_deref().unwrap(), record.actor.clone().unwrap()))
        .collect();
    let actor = |name: &str| by(name).actor;
    let expected = [
        ("organization.added", "acme", actor("one")),
        ("account.added", "ada@example.com", actor("two")),
        ("team.added", "Hands", actor("three")),
        ("project.added", "Sandbox", actor("four")),
    ];
    assert_eq!(shown, expected);
}
