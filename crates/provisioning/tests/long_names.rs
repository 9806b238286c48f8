//! What an identity provider sends is kept for good: names of any length are not.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must stop")]

use chrono::{DateTime, Utc};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::{EntityId, name_id_format};
use vouchsafe_provisioning::{
    LoginFacts, Organization, OrganizationId, Plan, PlanRefusal, Policy, ProfileField, Snapshot,
};

fn now() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

fn acme() -> (Snapshot, LoginFacts) {
    let okta = EntityId::new("http://www.okta.com/exk1").unwrap();
    let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
    acme.entitled = true;
    acme.verified_domains = vec!["example.com".to_owned()];
    let token = acme.convert(okta.clone(), &Provider::rustcrypto(), now()).unwrap().reveal();
    let login = LoginFacts::new(ConnectionId::new("acme").unwrap(), okta, "ada", now())
        .with_attribute("user.email", ["ada@example.com"])
        .with_attribute("token", [token]);
    (Snapshot::new(acme), login)
}

fn notes(plan: &Plan) -> usize {
    plan.notes().iter().filter(|note| note.text.contains("more than 255 characters")).count()
}

#[test]
fn a_field_that_is_too_long_is_left_out_and_said() {
    let (snapshot, login) = acme();
    let named = |login: &LoginFacts, name: &str| {
        ["user.username", "user.first_name", "user.last_name"]
            .iter()
            .fold(login.clone(), |login, attribute| login.with_attribute(*attribute, [name]))
    };
    let (longest, too_long) = ("\u{e9}".repeat(255), "\u{e9}".repeat(256));
    // A new person.
    let policy = Policy::default();
    let plan = policy.plan(named(&login, &too_long), &snapshot).unwrap();
    let made = snapshot.after(&plan).accounts.remove(0);
    assert_eq!((made.username.as_str(), made.first_name, made.last_name), ("ada@example.com", None, None));
    assert_eq!(notes(&plan), 3, "{plan}");
    // A known one keeps what there is.
    let known = snapshot.after(&policy.plan(named(&login, &longest), &snapshot).unwrap());
    assert_eq!(known.accounts[0].last_name.as_ref(), Some(&longest));
    let plan = policy.plan(named(&login, &too_long), &known).unwrap();
    assert!(plan.is_empty() && notes(&plan) == 3, "{plan}");
    assert!(!plan.to_string().contains(&too_long));
    assert_eq!(ProfileField::LONGEST, 255);
}

#[test]
fn a_person_whose_name_has_a_part_that_is_too_long_is_refused() {
    let (snapshot, login) = acme();
    let code = |policy: &str, login: LoginFacts| {
        let plan = Policy::from_toml(policy).unwrap().plan(login, &snapshot);
        plan.map_or_else(|refused: PlanRefusal| refused.code(), |_| "")
    };
    let (longest, too_long) = ("\u{e9}".repeat(1_024), "\u{e9}".repeat(1_025));
    let with = |part: usize, text: &str| {
        let mut login = login.clone();
        match part {
            0 => login.subject = Some(text.to_owned()),
            1 => login.subject_format = Some(text.to_owned()),
            2 => login.subject_name_qualifier = Some(text.to_owned()),
            _ => login.subject_sp_name_qualifier = Some(text.to_owned()),
        }
        login
    };
    let refused = "provisioning.subject_too_long";
    for part in 0..4 {
        assert_eq!((code("", with(part, &longest)), code("", with(part, &too_long))), ("", refused));
    }
    let number = "[identity]\nsubject_attribute = 'number'";
    for (text, expected) in [(&longest, ""), (&too_long, refused)] {
        assert_eq!(code(number, login.clone().with_attribute("number", [text])), expected);
        // Of another attribute, and of a NameID beside it, nothing is kept.
        let beside = with(0, text).with_attribute("number", ["7"]).with_attribute("note", [text]);
        assert_eq!(code(number, beside), "");
    }
    let persistent = with(0, &too_long).with_subject_format(name_id_format::PERSISTENT);
    let refusal = Policy::default().plan(persistent, &snapshot).unwrap_err();
    assert!(refusal.to_string().len() < 200 && !refusal.hint().is_empty(), "{refusal}");
}
