//! Organizations, settings, and what a snapshot has.

use vouchsafe::{
    ConnectionId, EntityId, Provider,
    provisioning::{
        Account, AccountId, Domain, Identity, LoginFacts, Organization, OrganizationId, Policy, Project,
        ProjectId, Status, Team, TeamId,
    },
};

use super::{Store, acme, author, connection, globex, login, now, okta, provision, with_acme, with_globex};

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

pub async fn organizations_are_found_and_their_names_are_unique(store: impl Store) {
    with_acme(&store).await;
    let mut other = Organization::new(OrganizationId::new("other"), "other", "Other");
    store.add_organization(&other, &author()).await.unwrap();
    assert_eq!(store.organizations().await.unwrap(), [acme(), other.id.clone()]);
    assert_eq!(store.organization(&acme()).await.unwrap().unwrap().value.name, "Acme");
    assert_eq!(store.organization_by_slug("other").await.unwrap().unwrap().value, other);
    assert!(store.organization_by_slug("nobody").await.unwrap().is_none());

    let taken = store.add_organization(&other, &author()).await.unwrap_err();
    assert_eq!(taken.code(), "store.taken");
    other.id = OrganizationId::new("third");
    assert_eq!(store.add_organization(&other, &author()).await.unwrap_err().code(), "store.taken", "slug");
}

pub async fn an_organization_is_updated_at_its_version_only(store: impl Store) {
    with_acme(&store).await;
    let mut first = store.organization(&acme()).await.unwrap().unwrap();
    let mut second = first.clone();
    first.value.name = "Acme Corporation".to_owned();
    let next = store.update_organization(&first, &author()).await.unwrap();
    second.value.seat_limit = Some(1);
    assert_eq!(store.update_organization(&second, &author()).await.unwrap_err().code(), "store.conflict");
    let now_is = store.organization(&acme()).await.unwrap().unwrap();
    assert_eq!((now_is.version, now_is.value.name.as_str()), (next, "Acme Corporation"));

    let mut thief = Organization::new(OrganizationId::new("thief"), "thief", "Thief");
    thief.tokens = now_is.value.tokens.clone();
    assert_eq!(store.add_organization(&thief, &author()).await.unwrap_err().code(), "store.taken", "token");
    assert_eq!(store.organizations().await.unwrap(), [acme()], "nothing of it is left");
}

pub async fn policies_are_kept(store: impl Store) {
    with_acme(&store).await;
    let wrong = store.set_policy(&acme(), "[groups]\nsync = 'no'", &author()).await.unwrap_err();
    assert_eq!(wrong.code(), "store.policy");
    assert!(wrong.to_string().contains("line 2, column 8"), "{wrong}");
    let policy = store.policy(&acme()).await.unwrap();
    assert_eq!(policy.attributes.groups.as_deref(), Some("department"));
    let nobody = OrganizationId::new("nobody");
    for code in [
        store.policy(&nobody).await.unwrap_err().code(),
        store.set_policy(&nobody, "", &author()).await.unwrap_err().code(),
        store.whole(&nobody).await.unwrap_err().code(),
        store
            .add_team(&Team::new(TeamId::new("x"), nobody.clone(), "X"), &author())
            .await
            .unwrap_err()
            .code(),
    ] {
        assert_eq!(code, "store.organization_unknown");
    }
}

pub async fn names_are_unique_in_an_organization(store: impl Store) {
    with_acme(&store).await;
    let taken = [
        store.add_team(&Team::new(TeamId::new("t9"), acme(), " ALL hands"), &author()).await,
        store.add_project(&Project::new(ProjectId::new("p9"), acme(), "sandbox"), &author()).await,
    ];
    for result in taken {
        assert_eq!(result.unwrap_err().code(), "store.taken");
    }
    let mut ada = Account::new(AccountId::new("1"), acme(), "ada@example.com");
    ada.identities.push(Identity::new(connection(), "00u1"));
    store.add_account(&ada, &author()).await.unwrap();
    assert_eq!(store.add_account(&ada, &author()).await.unwrap_err().code(), "store.taken", "it is there");
    let mut second = ada.clone();
    second.id = AccountId::new("2");
    second.email = "ADA@example.com".to_owned();
    second.identities.clear();
    assert_eq!(store.add_account(&second, &author()).await.unwrap_err().code(), "store.taken", "e-mail");
    second.email = "bob@example.com".to_owned();
    second.identities = ada.identities.clone();
    assert_eq!(store.add_account(&second, &author()).await.unwrap_err().code(), "store.taken", "identity");
    assert_eq!(store.whole(&acme()).await.unwrap().accounts, [ada]);
}

pub async fn a_domain_belongs_to_one_organization(store: impl Store) {
    with_acme(&store).await;
    with_globex(&store).await;
    let mut thief = Organization::new(OrganizationId::new("thief"), "thief", "Thief");
    for spelling in ["example.com", "EXAMPLE.COM", " example.com "] {
        thief.verified_domains = vec!["thief.example".to_owned(), spelling.to_owned()];
        assert_eq!(
            store.add_organization(&thief, &author()).await.unwrap_err().code(),
            "store.taken",
            "{spelling}"
        );
    }
    for wrong in ["example.com.", "*.example.com", "exampl\u{435}.com", "com", ""] {
        thief.verified_domains = vec![wrong.to_owned()];
        let refused = store.add_organization(&thief, &author()).await.unwrap_err();
        assert_eq!(refused.code(), "provisioning.domain_invalid", "{wrong}");
    }
    assert_eq!(store.organizations().await.unwrap(), [acme(), globex()], "nothing of it is left");

    let mut found = store.organization(&globex()).await.unwrap().unwrap();
    found.value.verified_domains.push("Example.com".to_owned());
    let taken = store.update_organization(&found, &author()).await.unwrap_err();
    assert_eq!(taken.code(), "store.taken");
    assert!(!taken.to_string().contains("acme"), "it does not say whose it is");
    let unchanged = store.organization(&globex()).await.unwrap().unwrap();
    assert_eq!((unchanged.version, unchanged.value.verified_domains.len()), (found.version, 1));

    // Once Acme gives it up, it is free.
    let mut acme = store.organization(&acme()).await.unwrap().unwrap();
    acme.value.verified_domains.clear();
    store.update_organization(&acme, &author()).await.unwrap();
    found.version = unchanged.version;
    found.value.verified_domains.push("EXAMPLE.com".to_owned());
    store.update_organization(&found, &author()).await.unwrap();
    let owner = store.organization_by_domain(&domain("example.com")).await.unwrap().unwrap();
    assert_eq!(owner.value.id, globex());
}

/// Whoever names another's connection, by a list or by an id, is not added, so that no sign-in over it is led astray.
pub async fn a_connection_belongs_to_one_organization(store: impl Store) {
    let token = with_acme(&store).await;
    with_globex(&store).await;
    let named = |names: &[&str]| names.iter().map(|name| ConnectionId::new(name).unwrap()).collect();
    let mut thief = Organization::new(OrganizationId::new("thief"), "thief", "Thief");
    thief.connections = named(&["thief", "acme"]);
    assert_eq!(store.add_organization(&thief, &author()).await.unwrap_err().code(), "store.taken");
    let mut found = store.organization(&globex()).await.unwrap().unwrap();
    found.value.connections = named(&["globex", "acme"]);
    assert_eq!(store.update_organization(&found, &author()).await.unwrap_err().code(), "store.taken");
    assert_eq!(store.organizations().await.unwrap(), [acme(), globex()], "nothing of it is left");

    // A second connection of its own, beside the first; and one that was given up is free.
    let mut own = store.organization(&acme()).await.unwrap().unwrap();
    own.value.connections = named(&["acme-old", "acme-new"]);
    store.update_organization(&own, &author()).await.unwrap();
    for (name, code) in [("acme-old", ""), ("acme-new", ""), ("acme", "provisioning.other_connection")] {
        let mut facts = login(name, &token, name);
        facts.connection = ConnectionId::new(name).unwrap();
        let outcome = provision(&store, &facts).await.map_or_else(|refused| refused.code(), |_| "");
        assert_eq!(outcome, code, "{name}");
    }
    store.update_organization(&found, &author()).await.unwrap();
}

pub async fn discovery_asks_domains_and_never_accounts(store: impl Store) {
    with_acme(&store).await;
    with_globex(&store).await;
    let mut plain = Organization::new(OrganizationId::new("plain"), "plain", "Not converted");
    plain.verified_domains = vec!["plain.example".to_owned()];
    store.add_organization(&plain, &author()).await.unwrap();
    // Globex has accounts with addresses of everybody.
    for (number, address) in
        ["ceo@example.com", "ceo@plain.example", "guest@nobody.example"].into_iter().enumerate()
    {
        let account = Account::new(AccountId::new(format!("g{number}")), globex(), address);
        store.add_account(&account, &author()).await.unwrap();
    }
    let found = async |text: &str| {
        store.organization_by_domain(&domain(text)).await.unwrap().map(|found| found.value)
    };
    assert_eq!(found("Example.COM").await.unwrap().id, acme());
    assert_eq!(found("globex.example").await.unwrap().id, globex());
    let owner = found("plain.example").await.unwrap();
    assert_eq!((owner.id.as_str(), owner.identity_provider()), ("plain", None));
    assert!(found("nobody.example").await.is_none(), "accounts do not attract");
    assert!(found("mail.example.com").await.is_none(), "a subdomain is another domain");
}

pub async fn addresses_are_compared_by_one_grammar(store: impl Store) {
    let token = with_acme(&store).await;
    let put = async |id: &str, address: &str| {
        store
            .add_account(&Account::new(AccountId::new(id), acme(), address), &author())
            .await
            .map_err(|e| e.code())
    };
    put("1", "kim@example.com").await.unwrap();
    assert_eq!(put("2", "KIM@Example.com").await, Err("store.taken"));
    put("3", "\u{212a}im@example.com").await.unwrap();
    assert_eq!(put("4", "\u{212a}im@example.com").await, Err("store.taken"), "as it is written");
    let of = async |address: &str| {
        let facts = login("00u9", &token, "id1").without_attribute("user.email");
        let facts = facts.with_attribute("user.email", [address]);
        let snapshot = store.snapshot(&facts).await.unwrap();
        snapshot.accounts.iter().map(|account| account.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of("Kim@EXAMPLE.com").await, ["1"]);
    assert!(of("\u{212a}im@example.com").await.is_empty());
    assert!(of("eve@evil.example,kim@example.com").await.is_empty());
}

pub async fn what_another_organization_verified_is_in_the_snapshot(store: impl Store) {
    let token = with_acme(&store).await;
    with_globex(&store).await;
    let facts = login("ada", &token, "id1")
        .with_attribute("other", ["Eve@Globex.example"])
        .with_attribute("third", ["eve@nobody.example"]);
    let snapshot = store.snapshot(&facts).await.unwrap();
    let domains: Vec<&str> = snapshot.domains_of_others.iter().map(Domain::as_str).collect();
    assert_eq!(domains, ["globex.example"], "of those that the login could mean, and not its own");
    assert!(store.whole(&acme()).await.unwrap().domains_of_others.is_empty(), "nothing of another");
}

pub async fn a_snapshot_has_what_the_login_needs(store: impl Store) {
    let token = with_acme(&store).await;
    for number in 0..20 {
        let mut account =
            Account::new(AccountId::new(format!("{number}")), acme(), format!("p{number}@example.com"));
        account.identities.push(Identity::new(connection(), format!("00u{number}")));
        account.status = if number == 19 { Status::Suspended } else { Status::Active };
        store.add_account(&account, &author()).await.unwrap();
    }
    let mut facts = login("00u3", &token, "id1");
    facts.attributes.insert("user.email".to_owned(), vec!["P7@Example.com".to_owned()]);
    let snapshot = store.snapshot(&facts).await.unwrap();
    let mut ids: Vec<&str> = snapshot.accounts.iter().map(|account| account.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["3", "7"]);
    let whole = store.whole(&acme()).await.unwrap();
    assert_eq!(whole.accounts.len(), 20);
    assert_eq!(whole.version, snapshot.version);
    let mut limited = store.organization(&acme()).await.unwrap().unwrap();
    limited.value.seat_limit = Some(19);
    store.update_organization(&limited, &author()).await.unwrap();
    assert_eq!(store.snapshot(&facts).await.unwrap().seats(), 19);
    let refused = provision(&store, login("21", &token, "id1")).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.seat_limit");
    let by_issuer = store.snapshot(&login("00u3", "no token of anybody", "id1")).await.unwrap();
    assert_eq!(by_issuer.organization.id, acme());
}

pub async fn a_trial_reads_what_its_login_means_over_a_draft(store: impl Store) {
    let token = with_acme(&store).await;
    with_globex(&store).await;
    for number in 0..5 {
        let mut account =
            Account::new(AccountId::new(format!("{number}")), acme(), format!("p{number}@example.com"));
        account.identities.push(Identity::new(connection(), format!("00u{number}")));
        store.add_account(&account, &author()).await.unwrap();
    }
    let mut facts = login("00u3", &token, "id1").with_attribute("other", ["Eve@Globex.example"]);
    facts.attributes.insert("user.email".to_owned(), vec!["P1@Example.com".to_owned()]);
    facts.connection = ConnectionId::new("a-draft").unwrap();
    let tried = async |id: OrganizationId, facts: &LoginFacts, policy: &Policy| {
        let snapshot = store.snapshot_of_trial(&id, policy, facts).await.unwrap();
        let mut ids: Vec<String> = snapshot.accounts.iter().map(|account| account.id.to_string()).collect();
        ids.sort_unstable();
        (snapshot.organization.id.clone(), ids, snapshot.domains_of_others.len())
    };
    let policy = Policy::default();
    let found = |organization, ids: &[&str], others| {
        (organization, ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>(), others)
    };
    assert_eq!(tried(acme(), &facts, &policy).await, found(acme(), &["1"], 1), "by the address alone");
    // The policy that is passed counts, and not the stored one.
    let takes_over = "[[identity.takeovers]]\nfrom = \"FROM\"\nto = \"a-draft\"\nby = \"subject\"\n";
    let takes_over = Policy::from_toml(&takes_over.replace("FROM", connection().as_str())).unwrap();
    assert_eq!(tried(acme(), &facts, &takes_over).await, found(acme(), &["1", "3"], 1));
    // A token of another organization leads nowhere else.
    facts.connection = connection();
    assert_eq!(tried(globex(), &facts, &policy).await.0, globex());
    assert_eq!(tried(acme(), &facts, &policy).await, found(acme(), &["1", "3"], 1));
    let nobody = OrganizationId::new("nobody");
    let unknown = store.snapshot_of_trial(&nobody, &policy, &facts).await.unwrap_err();
    assert_eq!(unknown.code(), "store.organization_unknown");
}

pub async fn a_foreign_token_leads_to_its_own_organization(store: impl Store) {
    with_acme(&store).await;
    let theirs = EntityId::new("http://www.okta.com/exk2").unwrap();
    let mut other = Organization::new(OrganizationId::new("other"), "other", "Other");
    other.entitled = true;
    let token = other.convert(theirs, &Provider::rustcrypto(), now()).unwrap().reveal();
    store.add_organization(&other, &author()).await.unwrap();
    let refused = provision(&store, login("ada", &token, "id1")).await.unwrap_err();
    assert_eq!(refused.code(), "provisioning.organization_mismatch");
    let mut stranger = login("ada", "0000", "id1");
    stranger.connection = ConnectionId::new("stranger").unwrap();
    assert_eq!(stranger.issuer, okta(), "a claimed entity ID leads nowhere");
    assert_eq!(provision(&store, &stranger).await.unwrap_err().code(), "store.no_organization");
    assert_eq!(
        provision(&store, login("ada", "0000", "id1")).await.unwrap_err().code(),
        "provisioning.token_unknown"
    );
    assert!(store.whole(&acme()).await.unwrap().accounts.is_empty());
}
