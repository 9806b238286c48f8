//! Customers that are added whole, in one transaction.

use vouchsafe::{
    ConnectionState, Provider,
    provisioning::{
        Account, AccountId, Organization, OrganizationToken, Project, ProjectId, Role, Snapshot, Team, TeamId,
    },
};

use super::connecting::login_over;
use super::connections::{draft, id};
use super::{POLICY, Store, acme, author, globex, globex_idp, okta, provision};
use crate::{AuditedState, NewCustomer, SignInError};

/// Acme with everything that a customer begins with, over the connection acme-okta; and its token.
pub fn whole_customer() -> (NewCustomer, String) {
    let provider = Provider::rustcrypto();
    let token = OrganizationToken::issue(&provider).unwrap();
    let hash = token.hash(&provider).unwrap();
    let mut organization = Organization::new(acme(), "acme", "Acme");
    organization.entitled = true;
    organization.verified_domains = vec!["example.com".to_owned()];
    let customer = NewCustomer::new(organization)
        .with_project(Project::new(ProjectId::new("p1"), acme(), "Sandbox"))
        .with_team(Team::new(TeamId::new("t1"), acme(), "All hands"))
        .with_account(owner("owner", "owner@example.com"))
        .with_policy(POLICY)
        .signing_in_over(draft("acme-okta", acme(), okta()), Some(hash));
    (customer, token.reveal())
}

fn owner(id: &str, email: &str) -> Account {
    let mut owner = Account::new(AccountId::new(id), acme(), email);
    owner.role = Role::Owner;
    owner
}

/// Nothing of Acme is there.
pub async fn is_not_there(store: &impl Store, why: &str) {
    assert_eq!(store.organization(&acme()).await.unwrap(), None, "{why}");
    assert_eq!(store.organization_by_slug("acme").await.unwrap(), None, "{why}");
    assert_eq!(store.connection(&id("acme-okta")).await.unwrap(), None, "{why}");
    assert_eq!(store.audit(&acme()).await.unwrap(), [], "{why}");
}

pub async fn a_customer_is_added_whole(store: impl Store) {
    let (customer, token) = whole_customer();
    let added = store.add_customer(&customer, &author()).await.unwrap();
    let whole = store.whole(&acme()).await.unwrap();
    assert_eq!(added.organization, whole.organization);
    assert_eq!(whole.organization.identity_provider(), Some(&okta()));
    assert_eq!((whole.teams.len(), whole.projects.len(), whole.accounts.len()), (1, 1, 1));
    let connection = store.connection(&id("acme-okta")).await.unwrap().unwrap();
    assert_eq!((connection.state, connection.revision), (ConnectionState::Active, 1));
    assert_eq!(added.connections, [connection]);
    assert_eq!(store.policy(&acme()).await.unwrap().defaults.teams.len(), 1);
    // It is as if each part had been added by itself, in the audit too.
    let records = store.audit(&acme()).await.unwrap();
    let rules: Vec<&str> = records.iter().map(|record| record.rule.as_str()).collect();
    let first = ["organization.added", "project.added", "team.added", "account.added", "policy.set"];
    assert_eq!(rules[..5], first);
    assert!(rules.contains(&"organization.converted") && rules.contains(&"token.issued"), "{rules:?}");
    let mut state = AuditedState::default();
    records.iter().for_each(|record| state.apply(record));
    assert_eq!(state, AuditedState::of(&whole));
    assert!(!serde_json::to_string(&records).unwrap().contains(&token));
    let ada = provision(&store, login_over("acme-okta", okta(), &token, "id1")).await.unwrap();
    let whole = store.whole(&acme()).await.unwrap();
    assert!(whole.account(&ada.account).unwrap().membership(&TeamId::new("t1")).is_some());
    // It is changed from then on as every other.
    let organization = store.organization(&acme()).await.unwrap().unwrap();
    store.update_organization(&organization, &author()).await.unwrap();
}

/// Whichever part cannot be: nothing of the others is there, and the same without the mistake succeeds.
pub async fn a_customer_that_is_refused_leaves_nothing(store: impl Store) {
    let mut other = Organization::new(globex(), "globex", "Globex");
    other.verified_domains = vec!["globex.example".to_owned()];
    other.connections = [id("reserved")].into();
    store.add_organization(&other, &author()).await.unwrap();
    store.add_connection(&draft("taken", globex(), globex_idp()), &author()).await.unwrap();
    let theirs = Account::new(AccountId::new("theirs"), globex(), "eve@globex.example");
    store.add_account(&theirs, &author()).await.unwrap();
    let of_acme = |slug: &str, domain: &str, entitled: bool| {
        let mut organization = Organization::new(acme(), slug, "Acme");
        organization.entitled = entitled;
        organization.verified_domains = vec![domain.to_owned()];
        NewCustomer::new(organization)
    };
    let plain = || of_acme("acme", "example.com", true);
    let over = |name: &str| draft(name, acme(), okta());
    let foreign = Team::new(TeamId::new("t1"), globex(), "All hands");
    let team = |id: &str, name: &str| Team::new(TeamId::new(id), acme(), name);
    let refused = [
        ("store.taken", of_acme(" GLOBEX", "example.com", true)),
        ("store.taken", of_acme("acme", "globex.example", true)),
        ("store.taken", plain().signing_in_over(over("taken"), None)),
        ("store.taken", plain().signing_in_over(over("reserved"), None)),
        ("store.taken", plain().with_account(owner("theirs", "a@example.com"))),
        (
            "store.taken",
            plain().with_account(owner("a", "a@example.com")).with_account(owner("b", "A@example.com")),
        ),
        ("store.taken", plain().with_team(team("t1", "Red")).with_team(team("t2", "RED"))),
        ("store.damaged", plain().with_team(foreign)),
        ("store.connection_fixed", plain().signing_in_over(draft("free", globex(), okta()), None)),
        (
            "provisioning.not_entitled",
            of_acme("acme", "example.com", false).signing_in_over(over("free"), None),
        ),
        ("store.policy", plain().with_policy("[admission")),
    ];
    for (number, (code, customer)) in refused.into_iter().enumerate() {
        let why = format!("case {number}, {code}");
        let error = store.add_customer(&customer, &author()).await.unwrap_err();
        assert_eq!(error.code(), code, "{why}: {error}");
        is_not_there(&store, &why).await;
        assert_eq!(store.connection(&id("free")).await.unwrap(), None, "{why}");
    }
    // The policy gives a team that is not there.
    let unknown = plain().with_policy("[defaults]\nteams = [{ name = 'All hands' }]");
    let error = store.add_customer(&unknown, &author()).await.unwrap_err();
    assert!(matches!(error, SignInError::Store(_)), "{error}");
    is_not_there(&store, "an unknown team").await;
    let (customer, _) = whole_customer();
    store.add_customer(&customer, &author()).await.unwrap();
    let again = store.add_customer(&customer, &author()).await.unwrap_err();
    assert_eq!(again.code(), "store.taken");
    let untouched: Snapshot = store.whole(&globex()).await.unwrap();
    assert_eq!(untouched.accounts, [theirs]);
}

/// Of many who add one customer at the same time, one does.
pub async fn of_many_who_add_a_customer_one_does(store: impl Store) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        tasks.spawn(async move { store.add_customer(&whole_customer().0, &author()).await.is_ok() });
    }
    let added = tasks.join_all().await.into_iter().filter(|added| *added).count();
    assert_eq!(added, 1);
    assert_eq!(store.whole(&acme()).await.unwrap().accounts.len(), 1);
    assert_eq!(store.connections_of(&acme()).await.unwrap().len(), 1);
}
