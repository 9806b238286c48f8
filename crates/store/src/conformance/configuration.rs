//! Changes of how an organization is configured: who made them, and what ends with them.

use std::time::Duration;

use vouchsafe::{
    ConnectionState, Provider,
    provisioning::{
        Account, AccountId, Actor, Identity, Organization, OrganizationId, OrganizationToken, Policy, Role,
    },
};

use super::connecting::{convert, decide, with_entitled_acme};
use super::connections::{draft, id};
use super::{Store, acme, author, globex, globex_idp, now, okta};
use crate::{AuditRecord, Author, ConnectionDecision, Session, SessionId};

/// Slugs are typed by people.
pub async fn a_slug_is_found_and_unique_whatever_its_case(store: impl Store) {
    let organization = |id: &str, slug: &str| Organization::new(OrganizationId::new(id), slug, "An");
    store.add_organization(&organization("one", "Acme-EU"), &author()).await.unwrap();
    for typed in ["acme-eu", "Acme-EU", " ACME-EU\t"] {
        let found = store.organization_by_slug(typed).await.unwrap().unwrap().value;
        assert_eq!((found.id.as_str(), found.slug.as_str()), ("one", "Acme-EU"), "{typed}");
    }
    assert!(store.organization_by_slug("acme").await.unwrap().is_none());
    for slug in ["acme-eu", "ACME-eu "] {
        let taken = store.add_organization(&organization("two", slug), &author()).await.unwrap_err();
        assert_eq!(taken.code(), "store.taken", "{slug}");
    }
    store.add_organization(&organization("two", "Globex"), &author()).await.unwrap();
    let mut other = store.organization(&"two".into()).await.unwrap().unwrap();
    other.value.slug = "acme-EU".to_owned();
    assert_eq!(store.update_organization(&other, &author()).await.unwrap_err().code(), "store.taken");
    other.value.slug = "GLOBEX".to_owned();
    store.update_organization(&other, &author()).await.unwrap();
    assert_eq!(store.organization_by_slug("globex").await.unwrap().unwrap().value.slug, "GLOBEX");
}

/// Every write says who made it, and what it was before; what is refused leaves nothing, and what changes nothing neither.
pub async fn every_change_of_the_configuration_is_audited(store: impl Store) {
    with_entitled_acme(&store).await;
    let owner = Author::new(Actor::Account(AccountId::new("owner")), now());
    let mut found = store.organization(&acme()).await.unwrap().unwrap();
    let stale = found.clone();
    found.value.verified_domains = vec!["example.com".to_owned(), "acme.example".to_owned()];
    found.version = store.update_organization(&found, &owner).await.unwrap();
    (found.value.name, found.value.slug) = ("Acme Corporation".to_owned(), "acme-corporation".to_owned());
    (found.value.seat_limit, found.value.entitled) = (Some(3), false);
    found.version = store.update_organization(&found, &owner).await.unwrap();
    found.version = store.update_organization(&found, &owner).await.unwrap();
    found.value.entitled = true;
    found.value.convert(okta(), &Provider::rustcrypto(), now()).unwrap();
    found.value.connections = [id("by-hand")].into();
    store.update_organization(&found, &owner).await.unwrap();
    assert_eq!(store.update_organization(&stale, &owner).await.unwrap_err().code(), "store.conflict");
    let policies = ["[admission]\ncreate = 'never'", "[admission]\ncreate = 'never'", ""];
    for policy in policies {
        store.set_policy(&acme(), policy, &owner).await.unwrap();
    }
    assert_eq!(store.set_policy(&acme(), "[no]", &owner).await.unwrap_err().code(), "store.policy");
    let mut connection = draft("acme-okta", acme(), okta());
    connection.revision = store.add_connection(&connection, &owner).await.unwrap();
    assert_eq!(store.add_connection(&connection, &owner).await.unwrap_err().code(), "store.taken");
    let before = connection.clone();
    connection.state = ConnectionState::Active;
    connection.settings.token_required = false;
    connection.revision = store.update_connection(&connection, &owner).await.unwrap();
    connection.revision = store.update_connection(&connection, &owner).await.unwrap();
    let refused = store.update_connection(&before, &owner).await.unwrap_err();
    assert_eq!(refused.code(), "store.connection_conflict");

    let mut records = store.audit(&acme()).await.unwrap();
    assert_eq!(records.remove(0).rule.as_str(), "organization.added");
    for record in &records {
        assert_eq!((record.actor.as_ref(), record.at), (Some(&owner.actor), owner.at));
        assert_eq!((&record.account, &record.assertion_hash), (&None, &None));
    }
    let okta = okta();
    let shown: Vec<_> = records
        .iter()
        .map(|record| (record.rule.as_str(), record.before.as_deref(), record.after.as_deref()))
        .collect();
    let expected = [
        ("organization.domains", Some("example.com"), Some("example.com, acme.example")),
        ("organization.name", Some("Acme"), Some("Acme Corporation")),
        ("organization.slug", Some("acme"), Some("acme-corporation")),
        ("organization.entitlement", Some("entitled"), Some("not entitled")),
        ("organization.seats", None, Some("3")),
        ("organization.entitlement", Some("not entitled"), Some("entitled")),
        ("organization.converted", None, Some(okta.as_str())),
        ("token.issued", None, None),
        ("organization.connections", None, Some("by-hand")),
        ("policy.set", None, Some(policies[0])),
        ("policy.set", Some(policies[0]), Some("")),
        ("connection.added", None, Some("draft")),
        ("connection.state", Some("draft"), Some("active")),
    ];
    assert_eq!(shown[..expected.len()], expected);
    assert_eq!(records[expected.len()].rule.as_str(), "connection.settings");
    assert_eq!(records.len(), expected.len() + 1);
}

/// What is required must be possible: until an owner has signed in over the connection, or a break-glass account could be used, passwords
/// cannot be refused. What is refused leaves nothing.
pub async fn a_policy_that_locks_everybody_out_is_not_kept(store: impl Store) {
    const REQUIRED: &str = "[enforcement]\npasswords = 'required'";
    let set =
        async |toml: &str| store.set_policy(&acme(), toml, &author()).await.map_err(|error| error.code());
    let untested = Err("provisioning.enforcement_untested");
    let token = super::with_acme(&store).await;
    let owner = |id: &str, has_password| {
        let mut owner = Account::new(AccountId::new(id), acme(), format!("{id}@example.com"));
        (owner.role, owner.has_password) = (Role::Owner, has_password);
        owner
    };
    store.add_account(&owner("olga", true), &author()).await.unwrap();
    store.add_account(&owner("otto", false), &author()).await.unwrap();
    let before = store.audit(&acme()).await.unwrap().len();
    // A password is no sign-in over the connection, and a member's sign-in none of an owner.
    assert_eq!(set(REQUIRED).await, untested);
    super::provision(&store, super::login("ada", &token, "1")).await.unwrap();
    assert_eq!(set(REQUIRED).await, untested);
    let glass = |address: &str| format!("{REQUIRED}\nbreak_glass = ['{address}']");
    for (policy, code) in [
        (glass("nobody@example.com"), "provisioning.break_glass_unknown"),
        (
            "[enforcement]\nbreak_glass = ['olga@example.com', 'nobody@example.com']".to_owned(),
            "provisioning.break_glass_unknown",
        ),
        (glass("ada@example.com"), "provisioning.enforcement_untested"),
        (glass("otto@example.com"), "provisioning.enforcement_untested"),
        ("[defaults]\nteams = [{ name = 'Nobody' }]".to_owned(), "provisioning.default_team_missing"),
        ("[defaults]\nprojects = [{ name = 'Nothing' }]".to_owned(), "provisioning.default_project_missing"),
    ] {
        let refused = store.set_policy(&acme(), &policy, &author()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{policy}");
        assert!(!refused.hint().is_empty() && !refused.to_string().contains('@'), "{refused}");
    }
    let kept = store.policy(&acme()).await.unwrap();
    assert_eq!(kept, Policy::from_toml(super::POLICY).unwrap());
    let records = store.audit(&acme()).await.unwrap();
    assert!(records[before..].iter().all(|record| record.rule.as_str() != "policy.set"));

    assert_eq!(set(&glass(" Olga@EXAMPLE.com ")).await, Ok(()));
    assert_eq!(set("").await, Ok(()));
    let mut signed_in = owner("oda", false);
    signed_in.identities.push(Identity::new(super::connection(), "oda"));
    store.add_account(&signed_in, &author()).await.unwrap();
    assert_eq!(set(REQUIRED).await, untested, "linked, and never seen");
    super::provision(&store, super::login("oda", &token, "2")).await.unwrap();
    assert_eq!(set(REQUIRED).await, Ok(()));
    let nobody = OrganizationId::new("nobody");
    assert_eq!(
        store.set_policy(&nobody, REQUIRED, &author()).await.unwrap_err().code(),
        "store.organization_unknown"
    );
}

/// Sessions over each of these connections, and one of a password; who asks for those that are left.
async fn with_sessions(store: &impl Store, connections: &[&str]) -> Vec<(String, SessionId)> {
    let mut opened = Vec::new();
    for (number, name) in connections.iter().chain(&["password"]).enumerate() {
        let session = Session::of(acme(), AccountId::new(format!("{number}")), now());
        let mut session = session.lasting(Duration::from_secs(28_800), None);
        session.connection = (*name != "password").then(|| id(name));
        let session_id = SessionId::generate(&Provider::rustcrypto()).unwrap();
        store.create(&session_id, &session).await.unwrap();
        opened.push(((*name).to_owned(), session_id));
    }
    opened
}

async fn left(store: &impl Store, opened: &[(String, SessionId)]) -> Vec<String> {
    let mut left = Vec::new();
    for (name, session) in opened {
        left.extend(store.find(session, now()).await.unwrap().map(|_| name.clone()));
    }
    left
}

/// A person who signed in over a connection that is disconnected is signed out, in the transaction that does it.
pub async fn sessions_end_with_the_connection_they_began_over(store: impl Store) {
    with_entitled_acme(&store).await;
    convert(&store, draft("old", acme(), okta())).await.unwrap();
    let next = draft("new", acme(), globex_idp());
    decide(&store, move |acme| acme.add_draft(next.clone())).await.unwrap();
    let last = draft("last", acme(), okta());
    decide(&store, move |acme| acme.add_draft(last.clone())).await.unwrap();
    let opened = with_sessions(&store, &["old", "new", "last", "others"]).await;
    let all = ["old", "new", "last", "others", "password"];
    assert_eq!(left(&store, &opened).await, all);

    // What is refused, and what retires nothing, ends nothing.
    decide(&store, |acme| acme.retire(&id("old"))).await.unwrap_err();
    decide(&store, |acme| acme.mark_tested(&id("new"), 1)).await.unwrap();
    assert_eq!(left(&store, &opened).await, all);
    decide(&store, |acme| acme.replace(&id("old"), &id("new"), now())).await.unwrap();
    assert_eq!(left(&store, &opened).await, all[1..]);
    // The application asks to keep them.
    let keep = ConnectionDecision::new(acme(), Actor::Operator, now(), |acme, now| {
        acme.replace(&id("new"), &id("last"), now)
    });
    store.decide_connections(keep.keeping_sessions()).await.unwrap();
    assert_eq!(left(&store, &opened).await, all[1..]);
    decide(&store, |acme| {
        acme.disconnect(now());
        Ok(())
    })
    .await
    .unwrap();
    // That of the connection which was retired before has been kept on purpose.
    assert_eq!(left(&store, &opened).await, ["new", "others", "password"]);
}

/// The same where connections are kept without a directory.
pub async fn sessions_end_with_a_connection_that_is_retired_by_a_write(store: impl Store) {
    let mut connection = draft("theirs", globex(), globex_idp());
    connection.state = ConnectionState::Active;
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    let opened = with_sessions(&store, &["theirs", "others"]).await;
    connection.settings.token_required = false;
    connection.revision = store.update_connection(&connection, &author()).await.unwrap();
    assert_eq!(left(&store, &opened).await, ["theirs", "others", "password"]);
    connection.state = ConnectionState::Retired;
    connection.revision = store.update_connection(&connection, &author()).await.unwrap();
    assert_eq!(left(&store, &opened).await, ["others", "password"]);
}

/// Of two people who edit the policy at the same time, neither loses the change of the other without being told.
pub async fn a_policy_that_was_read_is_replaced_and_no_other(store: impl Store) {
    with_entitled_acme(&store).await;
    let (first, second) = ("[admission]\ncreate = 'never'", "[admission]\ndomains = 'any'");
    assert_eq!(store.policy_text(&acme()).await.unwrap(), None);
    let refused = async |before: Option<&str>, toml: &str| {
        let refused = store.replace_policy(&acme(), before, toml, &author()).await.unwrap_err();
        assert_eq!(refused.code(), "store.policy_conflict");
    };
    refused(Some(first), second).await;
    store.replace_policy(&acme(), None, first, &author()).await.unwrap();
    refused(None, second).await;
    refused(Some(second), second).await;
    assert_eq!(store.policy_text(&acme()).await.unwrap().as_deref(), Some(first));
    let records = store.audit(&acme()).await.unwrap().len();
    store.replace_policy(&acme(), Some(first), second, &author()).await.unwrap();
    assert_eq!(store.policy_text(&acme()).await.unwrap().as_deref(), Some(second));
    assert!(store.audit(&acme()).await.unwrap().len() > records);
    let wrong = store.replace_policy(&acme(), Some(second), "[admission", &author()).await.unwrap_err();
    assert_eq!(wrong.code(), "store.policy");
    assert!(store.policy_text(&"nobody".into()).await.is_err());
}

/// Tokens are in the audit by the names that people know them by, and not by what opens the door.
pub async fn no_token_is_in_the_audit(store: impl Store) {
    with_entitled_acme(&store).await;
    let provider = Provider::rustcrypto();
    let token = OrganizationToken::issue(&provider).unwrap();
    let mut found = store.organization(&acme()).await.unwrap().unwrap();
    found.value.add_token(token.hash(&provider).unwrap(), now()).unwrap();
    found.version = store.update_organization(&found, &author()).await.unwrap();
    let name = found.value.tokens[0].id.clone();
    found.value.revoke_token(&name, now());
    store.update_organization(&found, &author()).await.unwrap();
    let records: Vec<AuditRecord> = store.audit(&acme()).await.unwrap();
    let shown: Vec<&str> = records.iter().map(|record| record.rule.as_str()).collect();
    assert_eq!(shown, ["organization.added", "token.issued", "token.revoked"]);
    assert!(records.iter().skip(1).all(|record| record.change.contains(&name)));
    let (text, hash) = (serde_json::to_string(&records).unwrap(), token.hash(&provider).unwrap().to_hex());
    assert!(!text.contains(&token.reveal()) && !text.contains(&hash));
}
