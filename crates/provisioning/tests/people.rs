//! Who a person is, and what an e-mail address may decide.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must stop")]

#[path = "people/addresses.rs"]
mod addresses;

use chrono::{DateTime, Utc};
use proptest::{collection::vec, option, prelude::*, sample::select};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::{EntityId, name_id_format};
use vouchsafe_provisioning::{
    Account, AccountId, Action, Domain, DomainChallenge, DomainProof, EmailAddress, Identity, LoginFacts,
    LookUp, Organization, OrganizationId, Plan, PlanRefusal, Policy, Role, ScimRecord, Snapshot, Status,
};

#[test]
fn three_persons_of_one_name_get_three_accounts() {
    let (mut snapshot, token) = acme();
    let persistent = |number: u32| {
        login(&token, "12345")
            .with_subject_format(name_id_format::PERSISTENT)
            .with_attribute("user.email", [format!("p{number}@example.com")])
    };
    let logins = [
        persistent(1).with_subject_qualifiers(Some("http://idp.example/a"), None),
        persistent(2).with_subject_qualifiers(Some("http://idp.example/b"), None),
        persistent(3).with_subject_qualifiers(None, Some("http://group.example")),
        persistent(4),
        login(&token, "12345").with_attribute("user.email", ["p5@example.com"]),
        login(&token, "12345")
            .with_subject_format(name_id_format::EMAIL_ADDRESS)
            .with_attribute("user.email", ["p6@example.com"]),
        login(&token, "12345")
            .with_subject_qualifiers(None, Some("http://group.example"))
            .with_attribute("user.email", ["p7@example.com"]),
    ];
    for (number, login) in logins.iter().enumerate() {
        let plan = Policy::default().plan(login, &snapshot).unwrap();
        assert!(matches!(plan.steps()[0].action, Action::CreateAccount { .. }), "{number}: {plan}");
        snapshot = snapshot.after(&plan);
    }
    assert_eq!(snapshot.accounts().count(), logins.len());
    for login in &logins {
        assert!(Policy::default().plan(login, &snapshot).unwrap().is_empty(), "each is known again");
    }
}

#[test]
fn people_sign_in_over_the_connections_of_their_organization_alone() {
    let (mut snapshot, token) = acme();
    let over = |name: &str| {
        let mut login = login(&token, "ada").with_attribute("user.email", ["ada@example.com"]);
        login.connection = ConnectionId::new(name).unwrap();
        login
    };
    let code = |snapshot: &Snapshot, name: &str| {
        Policy::default().plan(over(name), snapshot).map_or_else(|refused| refused.code(), |_| "")
    };
    let refused = "provisioning.other_connection";
    assert_eq!(
        (code(&snapshot, "acme"), code(&snapshot, "globex"), code(&snapshot, "ACME")),
        ("", refused, refused)
    );
    // An organization with connections of other names signs in over no other.
    snapshot.organization.connections = [ConnectionId::new("acme-okta").unwrap()].into();
    assert_eq!((code(&snapshot, "acme-okta"), code(&snapshot, "acme")), ("", refused));
    // The account is no more to be had over a foreign connection than a new one.
    let after = snapshot.after(&Policy::default().plan(over("acme-okta"), &snapshot).unwrap());
    assert_eq!((code(&after, "acme-okta"), code(&after, "globex")), ("", refused));
}

/// Two connections of one organization to one identity provider, as while it is replaced: each name is another person.
#[test]
fn a_person_of_one_connection_is_not_that_of_another() {
    let (mut snapshot, token) = acme();
    let connections = ["acme-old", "acme-new"].map(|name| ConnectionId::new(name).unwrap());
    snapshot.organization.connections = connections.clone().into();
    let [old, new] = connections.map(|connection| {
        let mut login = login(&token, "12345").with_attribute("number", ["7"]);
        login.connection = connection;
        login
    });
    for policy in ["", "[identity]\nsubject_attribute = 'number'"] {
        let policy = Policy::from_toml(policy).unwrap();
        let old = old.clone().with_attribute("user.email", ["ada@example.com"]);
        let known = snapshot.after(&policy.plan(&old, &snapshot).unwrap());
        assert!(policy.plan(&old, &known).unwrap().is_empty());
        let same_address = new.clone().with_attribute("user.email", ["ada@example.com"]);
        assert_eq!(code(policy.plan(&same_address, &known)), "provisioning.email_taken");
        let plan =
            policy.plan(new.clone().with_attribute("user.email", ["bob@example.com"]), &known).unwrap();
        assert!(matches!(plan.steps()[0].action, Action::CreateAccount { .. }), "{plan}");
    }
}

/// A domain changes hands, and with it the mail of its addresses: they open no account any more, and keep nobody out who is known.
#[test]
fn an_address_of_a_domain_that_is_no_longer_proven_opens_no_account() {
    let (mut snapshot, token) = acme();
    let now: DateTime<Utc> = "2026-01-15T09:00:00Z".parse().unwrap();
    let domain = Domain::parse("example.com").unwrap();
    let organization = &mut snapshot.organization;
    let challenge = DomainChallenge::issue(domain.clone(), &Provider::rustcrypto(), now).unwrap();
    let records = [challenge.record_value()];
    organization.challenge_domain(challenge).unwrap();
    organization.verify_domain(&domain, &records, now).unwrap();
    organization.connections = ["acme-old", "acme-new"].map(|name| ConnectionId::new(name).unwrap()).into();
    let new = ConnectionId::new("acme-new").unwrap();
    let mut accounts = ["by-link", "by-takeover", "by-scim"].map(|name| {
        Account::new(AccountId::new(name), snapshot.organization.id.clone(), format!("{name}@example.com"))
    });
    accounts[1].identities.push(Identity::new(ConnectionId::new("acme-old").unwrap(), "old"));
    accounts[2].scim.push(ScimRecord::new(new.clone(), "another name"));
    snapshot.accounts.extend(accounts);
    let policy = "[identity]\nlink_by_email = true\n[[identity.takeovers]]\nfrom = 'acme-old'\nto = 'acme-new'\nby = 'email'";
    let policy = Policy::from_toml(policy).unwrap();
    let sign_in = |snapshot: &Snapshot, name: &str| {
        let mut login = login(&token, name).with_attribute("user.email", [format!("{name}@example.com")]);
        login.connection = new.clone();
        policy.plan(&login, snapshot)
    };
    let nothing: [&str; 0] = [];
    let mut lost = snapshot.clone();
    lost.organization.recheck_domain(&domain, &nothing, now);
    for name in ["by-link", "by-takeover", "by-scim"] {
        for known in [&snapshot, &lost] {
            assert_eq!(sign_in(known, name).unwrap().account(), Some(&AccountId::new(name)), "{name}");
        }
    }
    lost.organization.recheck_domain(&domain, &nothing, now + DomainProof::GRACE);
    for name in ["by-link", "by-takeover", "by-scim"] {
        let refused = sign_in(&lost, name).unwrap_err();
        assert_eq!(refused.code(), "provisioning.email_taken", "{name}");
        assert!(refused.to_string().contains("the DNS no longer shows"), "{refused}");
    }
    // Who is new is let in, and who is known signs in.
    let plan = sign_in(&lost, "newcomer").unwrap();
    assert!(matches!(plan.steps()[0].action, Action::CreateAccount { .. }), "{plan}");
    let linked = lost.after(&plan);
    assert!(sign_in(&linked, "newcomer").unwrap().is_empty());
    lost.organization.recheck_domain(&domain, &records, now + DomainProof::GRACE);
    assert!(sign_in(&lost, "by-link").is_ok());
}

/// An identity provider is replaced: people keep their accounts where the organization says by what they are known again, and once.
#[test]
fn a_connection_takes_over_the_people_of_another_once() {
    let (mut snapshot, token) = acme();
    let connections = ["acme-old", "acme-new"].map(|name| ConnectionId::new(name).unwrap());
    snapshot.organization.connections = connections.clone().into();
    let [old, new] = connections;
    let over = |connection: &ConnectionId, subject: &str, email: &str| {
        let mut login = login(&token, subject).with_attribute("user.email", [email]);
        login.connection = connection.clone();
        login
    };
    let policy = |by: &str| {
        let takeover = format!("[[identity.takeovers]]\nfrom = 'acme-old'\nto = 'acme-new'\nby = '{by}'");
        Policy::from_toml(&takeover).unwrap()
    };
    let ada = over(&old, "ada", "ada@example.com");
    snapshot = snapshot.after(&Policy::default().plan(&ada, &snapshot).unwrap());
    let id = snapshot.accounts[0].id.clone();
    for (by, subject, email) in [("email", "7f3a", "ADA@example.com"), ("subject", "ada", "ada@example.org")]
    {
        let policy = policy(by);
        let first = over(&new, subject, email);
        let plan = policy.plan(&first, &snapshot).unwrap();
        assert_eq!(
            (plan.account(), plan.steps()[0].rule.as_str()),
            (Some(&id), "identity.takeovers"),
            "{plan}"
        );
        let restricted = snapshot
            .restricted_to(&LookUp::of(&first).unwrap().with_takeovers(&policy), &policy.names_for(&first));
        assert_eq!(policy.plan(&first, &restricted).unwrap(), plan, "a store gives enough");
        let after = snapshot.after(&plan);
        assert!(policy.plan(&first, &after).unwrap().is_empty());
        assert_eq!(
            policy.plan(&ada, &after).unwrap().account(),
            Some(&id),
            "the old identity stays beside it"
        );
        // Once: a second person of that address or name gets another account, or none.
        let second = over(&new, "second", "ada@example.com");
        assert_ne!(
            policy.plan(&second, &after).ok().and_then(|plan| plan.account().cloned()),
            Some(id.clone())
        );
    }
    // Not without being told, not in the other direction, not over a third connection, not by an address of nobody's domain.
    let moved = over(&new, "7f3a", "ada@example.com");
    assert_eq!(code(Policy::default().plan(&moved, &snapshot)), "provisioning.email_taken");
    let third = ConnectionId::new("acme-third").unwrap();
    snapshot.organization.connections.insert(third.clone());
    let elsewhere = over(&third, "ada", "ada@example.com");
    assert_eq!(code(policy("email").plan(&elsewhere, &snapshot)), "provisioning.email_taken");
    assert_eq!(code(policy("subject").plan(&elsewhere, &snapshot)), "provisioning.email_taken");
    let mut unverified = snapshot.clone();
    unverified.organization.verified_domains.clear();
    assert_eq!(code(policy("email").plan(&moved, &unverified)), "provisioning.email_taken");
    // By e-mail, never an account that may do more than a member's, or that has a password; a suspended one stays suspended.
    let mut owned = snapshot.clone();
    owned.accounts[0].role = Role::Owner;
    assert_eq!(code(policy("email").plan(&moved, &owned)), "provisioning.email_taken");
    let mut with_password = snapshot.clone();
    with_password.accounts[0].has_password = true;
    assert_eq!(code(policy("email").plan(&moved, &with_password)), "provisioning.email_taken");
    let same_subject = over(&new, "ada", "ada@example.org");
    assert!(policy("subject").plan(&same_subject, &with_password).is_ok(), "the subject is no address");
    let mut suspended = snapshot.clone();
    suspended.accounts[0].status = Status::Suspended;
    for by in ["email", "subject"] {
        let login = over(&new, "ada", "ada@example.com");
        assert_eq!(code(policy(by).plan(&login, &suspended)), "provisioning.account_suspended");
    }
}

#[test]
fn an_omitted_qualifier_is_its_default() {
    let (snapshot, token) = acme();
    let bare = login(&token, "12345")
        .with_subject_format(name_id_format::PERSISTENT)
        .with_audience(service())
        .with_attribute("user.email", ["ada@example.com"]);
    let after = snapshot.after(&Policy::default().plan(&bare, &snapshot).unwrap());
    let spelled = bare.clone().with_subject_qualifiers(Some(okta().as_str()), Some(service().as_str()));
    assert!(Policy::default().plan(&spelled, &after).unwrap().is_empty());
    let no_format = login(&token, "1").with_attribute("user.email", ["bob@example.com"]);
    let after = after.after(&Policy::default().plan(&no_format, &after).unwrap());
    let unspecified = no_format.with_subject_format(name_id_format::UNSPECIFIED);
    assert!(Policy::default().plan(&unspecified, &after).unwrap().is_empty());
    // Another service provider's name of that value is another person.
    let other = bare.with_audience(EntityId::new("https://other.example/saml").unwrap());
    assert_eq!(code(Policy::default().plan(&other, &after)), "provisioning.email_taken");
}

#[test]
fn an_attribute_and_a_name_of_one_value_are_two_persons() {
    let (mut snapshot, token) = acme();
    let named = login(&token, "12345").with_attribute("user.email", ["ada@example.com"]);
    snapshot = snapshot.after(&Policy::default().plan(&named, &snapshot).unwrap());
    for attribute in ["employeeNumber", "customerNumber"] {
        let policy = Policy::from_toml(&format!("[identity]\nsubject_attribute = '{attribute}'")).unwrap();
        let login = login(&token, "x")
            .with_attribute(attribute, ["12345"])
            .with_attribute("user.email", [format!("{attribute}@example.com")]);
        let plan = policy.plan(&login, &snapshot).unwrap();
        assert!(matches!(plan.steps()[0].action, Action::CreateAccount { .. }), "{plan}");
        snapshot = snapshot.after(&plan);
        assert!(policy.plan(&login, &snapshot).unwrap().is_empty());
    }
}

#[test]
fn names_and_attributes_are_not_trimmed_or_folded_into_one_person() {
    let (snapshot, token) = acme();
    let ada = login(&token, "Ada").with_attribute("user.email", ["ada@example.com"]);
    let after = snapshot.after(&Policy::default().plan(&ada, &snapshot).unwrap());
    for other in ["ada", "Ada ", " Ada", "Ad\u{e1}"] {
        let other = login(&token, other).with_attribute("user.email", ["other@example.com"]);
        assert!(!Policy::default().plan(&other, &after).unwrap().is_empty());
    }
}

#[test]
fn the_kelvin_sign_links_nothing() {
    let (mut snapshot, token) = acme();
    snapshot.accounts.push(account("1", "kim@example.com"));
    let link = Policy::from_toml("[identity]\nlink_by_email = true").unwrap();
    for address in ["\u{212a}im@example.com", "kim@e\u{200b}xample.com", "kim@example.com\u{2060}"] {
        let login = login(&token, "00u9").with_attribute("user.email", [address]);
        assert_eq!(code(link.plan(&login, &snapshot)), "provisioning.email_invalid", "{address:?}");
    }
    let login = login(&token, "00u9").with_attribute("user.email", ["KIM@example.com"]);
    assert_eq!(link.plan(&login, &snapshot).unwrap().account(), Some(&AccountId::new("1")));
    // And an account whose address was entered by hand with that sign is nobody's.
    snapshot.accounts = vec![account("1", "\u{212a}im@example.com")];
    let plan = link.plan(&login, &snapshot).unwrap();
    assert!(matches!(plan.steps()[0].action, Action::CreateAccount { .. }), "{plan}");
}

prop_compose! {
    fn identities()(
        connection in select(["a", "b"].as_slice()),
        format in option::of(select([name_id_format::PERSISTENT, name_id_format::UNSPECIFIED, "", "3:a"].as_slice())),
        qualifiers in (option::of(parts()), option::of(parts())),
        attribute in option::weighted(0.3, parts()),
        subject in parts(),
    ) -> Identity {
        let connection = ConnectionId::new(connection).unwrap();
        match attribute {
            Some(name) => Identity::of_attribute(connection, name, subject),
            None => {
                let identity = Identity::new(connection, subject);
                let identity = match format {
                    Some(format) => identity.with_format(format),
                    None => identity,
                };
                identity.with_qualifiers(qualifiers.0.as_deref(), qualifiers.1.as_deref())
            }
        }
    }
}

#[test]
fn an_assertion_without_an_id_has_no_hash() {
    let (snapshot, token) = acme();
    let login = LoginFacts::new(connection(), okta(), "00u1", now())
        .with_attribute("user.email", ["ada@example.com"])
        .with_attribute("token", [token]);
    let plan = Policy::default().plan(login, &snapshot).unwrap();
    assert_eq!(plan.assertion_hash(), None);
}

/// Texts that try to look like several parts.
fn parts() -> impl Strategy<Value = String> {
    vec(select(["", "1:a", " ", "-", "a", "0:", "12345", "\u{e9}"].as_slice()), 0..4)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_key_is_as_good_as_the_identity(one in identities(), other in identities()) {
        prop_assert_eq!(one == other, one.key() == other.key());
        prop_assert_eq!(&serde_json::from_str::<Identity>(&serde_json::to_string(&one).unwrap()).unwrap(), &one);
    }

    #[test]
    fn whatever_is_read_as_an_address_is_plain(text in "[ -~\u{212a}\u{200b}]{0,40}|[a-z.\"@,-]{1,12}@[a-zA-Z.-]{1,12}") {
        if let Ok(address) = EmailAddress::parse(&text) {
            prop_assert_eq!(text.matches('@').count(), 1);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",()<>[]:;\\".contains(&byte)));
            prop_assert_eq!(address.compared(), text.to_ascii_lowercase());
            prop_assert_eq!(&EmailAddress::parse(address.compared()).unwrap(), &address);
            prop_assert_eq!(EmailAddress::key_of(&text), address.compared());
        } else {
            prop_assert_eq!(EmailAddress::key_of(&text), text);
        }
    }
}

fn code(result: Result<Plan, PlanRefusal>) -> &'static str {
    result.map_or_else(|refused| refused.code(), |_| "planned")
}

fn now() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

fn connection() -> ConnectionId {
    ConnectionId::new("acme").unwrap()
}

fn okta() -> EntityId {
    EntityId::new("http://www.okta.com/exk1").unwrap()
}

fn service() -> EntityId {
    EntityId::new("https://app.example.com/saml/metadata").unwrap()
}

fn acme() -> (Snapshot, String) {
    let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
    acme.entitled = true;
    acme.verified_domains = vec!["Example.com".to_owned()];
    let token = acme.convert(okta(), &Provider::rustcrypto(), now()).unwrap().reveal();
    (Snapshot::new(acme), token)
}

fn login(token: &str, subject: &str) -> LoginFacts {
    LoginFacts::new(connection(), okta(), subject, now())
        .with_assertion_id("id1")
        .with_attribute("token", [token])
}

fn account(id: &str, email: &str) -> Account {
    Account::new(AccountId::new(id), OrganizationId::new("acme"), email)
}
