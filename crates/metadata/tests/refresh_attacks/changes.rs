//! What a newer document changes is told, wherever it stands.

use vouchsafe_metadata::{Aggregate, EntityId};
use vouchsafe_testkit::keys;

use super::{genuine, stolen};

/// A name that no entity may have, or that reads as the digest of another's, is compared with itself.
#[test]
fn names_that_are_none_are_no_change() {
    let other = "https://other.example";
    let digest = vouchsafe_metadata::EntityName::source_id_of(&EntityId::new(other).unwrap()).to_string();
    let entity = |name: &str, more: &str| {
        format!("<md:EntityDescriptor entityID='{name}'><md:SPSSODescriptor {more}/></md:EntityDescriptor>")
    };
    let document = |more: &str| {
        let content = ["two words", &digest, &"x".repeat(1_025), other].map(|name| entity(name, more));
        let xml = format!(
            "<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'>{}</md:EntitiesDescriptor>",
            content.concat()
        );
        Aggregate::read(xml).unwrap()
    };
    assert_eq!(document("").changes_to(&document("")), []);
    assert_eq!(document("").changes_to(&document("ID='_1'")), []);
    // The digest's entity goes, and the other one is not told in its place.
    let without =
        Aggregate::read(std::str::from_utf8(document("").bytes()).unwrap().replace(&entity(&digest, ""), ""))
            .unwrap();
    let changes = document("").changes_to(&without);
    let names: Vec<_> = changes.iter().map(|change| change.entity_id()).collect();
    assert_eq!(names, [Some(digest.as_str())]);
}

/// Another address and another key stand behind more roles, and more endpoints that look the same, than are described.
#[test]
fn what_is_used_is_told_wherever_it_stands() {
    let (before, evil) = (genuine("", None), stolen("", None));
    let roles = r#"<md:SPSSODescriptor protocolSupportEnumeration="x"/>"#.repeat(64);
    let one = r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/slo"/>"#;
    for hidden in [
        evil.replacen("<md:IDPSSODescriptor", &format!("{roles}<md:IDPSSODescriptor"), 1),
        evil.replacen("<md:SingleSignOnService", &format!("{}<md:SingleSignOnService", one.repeat(1_024)), 1),
    ] {
        let [before, after] = [&before, &hidden].map(|xml| Aggregate::read(xml.as_str()).unwrap());
        let lines: Vec<String> = before.changes_to(&after).iter().map(ToString::to_string).collect();
        let added = |what: &str, value: &str| {
            lines.iter().any(|line| line.starts_with(&format!("{what} added")) && line.contains(value))
        };
        assert!(added("endpoint", "https://evil.example/sso"), "{lines:?}");
        assert!(added("key", &keys::attacker().certificate().fingerprint_sha256()), "{lines:?}");
    }
}

/// A role of other protocols has the attacker's key and addresses at first, and then the protocols change places.
#[test]
fn what_moves_into_the_used_role_is_told() {
    let role = |of: &str| {
        let begin = of.find("<md:IDPSSODescriptor").unwrap();
        let end = of.find("</md:IDPSSODescriptor>").unwrap() + "</md:IDPSSODescriptor>".len();
        of.get(begin..end).unwrap().to_owned()
    };
    let (plain, evil) = (genuine("", None), stolen("", None));
    let old_protocol = |role: &str| {
        role.replacen("urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:1.1:protocol", 1)
    };
    let both = |one: &str, other: &str| plain.replacen(&role(&plain), &[one, other].concat(), 1);
    let beside = both(&role(&plain), &old_protocol(&role(&evil)));
    let swapped = both(&old_protocol(&role(&plain)), &role(&evil));
    for (before, after) in [(&plain, &swapped), (&beside, &swapped)] {
        let [before, after] = [before, after].map(|xml| Aggregate::read(xml.as_str()).unwrap());
        let lines: Vec<String> = before.changes_to(&after).iter().map(ToString::to_string).collect();
        let attacker = keys::attacker().certificate().fingerprint_sha256();
        let told = |begin: &str, value: &str| {
            lines.iter().any(|line| line.starts_with(begin) && line.contains(value))
        };
        assert!(told("key added: IDPSSODescriptor signing", &attacker), "{lines:?}");
        assert!(told("endpoint added: SingleSignOnService", "https://evil.example/sso"), "{lines:?}");
    }
    // Of two addresses with one binding, the first is used.
    let more = r#"<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://second.example/sso"/>"#;
    let last = plain.replacen("</md:IDPSSODescriptor>", &format!("{more}</md:IDPSSODescriptor>"), 1);
    let first = plain.replacen("<md:SingleSignOnService", &format!("{more}<md:SingleSignOnService"), 1);
    let [before, after] = [last, first].map(|xml| Aggregate::read(xml).unwrap());
    let lines: Vec<String> = before.changes_to(&after).iter().map(ToString::to_string).collect();
    assert!(
        lines.iter().any(|line| line.contains("https://second.example/sso, the first with its binding")),
        "{lines:?}"
    );
}

/// What is neither a key nor an address is told too, and nothing differs without a line.
#[test]
fn other_statements_are_told() {
    let before = genuine("", None);
    let wants = |value: &str| {
        before.replacen("<md:IDPSSODescriptor", &format!(r#"<md:IDPSSODescriptor errorURL="{value}""#), 1)
    };
    let named = |name: &str| {
        let shown = format!(
            r#"<md:Extensions><ui:UIInfo xmlns:ui="urn:oasis:names:tc:SAML:metadata:ui"><ui:DisplayName xml:lang="en">{name}</ui:DisplayName></ui:UIInfo></md:Extensions>"#
        );
        before.replacen("<md:KeyDescriptor", &format!("{shown}<md:KeyDescriptor"), 1)
    };
    let two = |one: &str, other: &str| {
        let format = |name: &str| format!("<md:NameIDFormat>{name}</md:NameIDFormat>");
        let formats = format(one) + &format(other);
        before.replacen("<md:SingleSignOnService", &format!("{formats}<md:SingleSignOnService"), 1)
    };
    let cut = "x".repeat(300);
    for (old, new, expected) in [
        (
            wants("false"),
            wants("true"),
            vec!["removed: IDPSSODescriptor errorURL: “false”", "added: IDPSSODescriptor errorURL: “true”"],
        ),
        (
            named("Okta"),
            named("Bank"),
            vec![
                "removed: IDPSSODescriptor: UIInfo/DisplayName in “en”: “Okta”",
                "added: IDPSSODescriptor: UIInfo/DisplayName in “en”: “Bank”",
            ],
        ),
        (before.clone(), named("Bank"), vec!["added: IDPSSODescriptor: UIInfo/DisplayName in “en”: “Bank”"]),
        (
            two("a", "b"),
            two("a", "c"),
            vec![
                "removed: IDPSSODescriptor: IDPSSODescriptor/NameIDFormat: “b”",
                "added: IDPSSODescriptor: IDPSSODescriptor/NameIDFormat: “c”",
            ],
        ),
        (
            two("a", "b"),
            two("b", "a"),
            vec!["added: the order of what it states, or a detail that is not listed"],
        ),
        (two("a", "b"), two("a", "b").replace("><", ">\n<"), vec![]),
    ] {
        let [before, after] = [old, new].map(|xml| Aggregate::read(xml).unwrap());
        let lines: Vec<String> = before.changes_to(&after).iter().map(ToString::to_string).collect();
        assert_eq!(lines, expected.iter().map(|line| format!("statement {line}")).collect::<Vec<_>>());
    }
    let [one, other] = ["1", "2"].map(|end| Aggregate::read(named(&format!("{cut}{end}"))).unwrap());
    assert_eq!(one.changes_to(&other).len(), 2, "a long name that differs at its end");
}

/// A binding can be any text, and a line of a log says what has changed.
#[test]
fn a_change_is_told_in_one_short_line() {
    let forged =
        format!("urn:x&#10;2026-11-24 metadata of acme: approved&#x9b;31m\u{202e}{}", "x".repeat(100_000));
    let more =
        format!(r#"<md:SingleLogoutService Binding="{forged}" Location="https://idp.example.com/slo"/>"#);
    let plain = genuine("", None);
    let changed = plain.replacen("<md:SingleSignOnService", &format!("{more}<md:SingleSignOnService"), 1);
    let [before, after] = [plain, changed].map(|xml| Aggregate::read(xml).unwrap());
    let changes = before.changes_to(&after);
    assert_eq!(changes.len(), 1);
    for change in changes {
        let line = change.to_string();
        assert!(line.contains("endpoint added: SingleLogoutService “urn:x\\n2026"), "{line}");
        assert!(line.chars().all(vouchsafe_xml::is_plain) && line.len() < 1_000, "{line}");
    }
}
