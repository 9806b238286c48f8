//! A SCIM filter has one reading, and is never both true and false.

use serde_json::{Map, Value, json};
use vouchsafe_scim::{Filter, Limits, ScimKind};

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(filter) = Filter::parse(text, &Limits::default()) else { return };
    let written = filter.to_string();
    // What is written may be longer than what was read: escapes, parentheses.
    let mut limits = Limits::default();
    (limits.filter_bytes, limits.filter_depth) = (usize::MAX, 64);
    let again = Filter::parse(&written, &limits).expect("what was written is a filter");
    assert_eq!(again, filter, "{written} is another filter");
    let opposite = Filter::Not(Box::new(filter.clone()));
    for (resource, kind) in resources() {
        let matched = filter.matches(&resource, kind);
        assert_eq!(again.matches(&resource, kind), matched);
        assert_ne!(opposite.matches(&resource, kind), matched);
    }
}

/// What large clients send, and every operator.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let seeds = [
        r#"userName eq "ada@acme.example""#,
        r#"externalId eq "00u1" and active eq true"#,
        r#"emails[type eq "work" and value co "@acme"]"#,
        r#"emails[type eq "work"].value eq "ada@acme.example""#,
        r#"not (displayName sw "A") or (title pr and meta.created ge "2026-01-15T09:00:00Z")"#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department ne "\u0041\"\\""#,
        r#"id eq "1" and members eq "2""#,
        "active eq null or name.familyName lt \"m\" and userType ew \"x\" or roles gt 1.5e3",
    ];
    seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect()
}

fn resources() -> [(Map<String, Value>, ScimKind); 3] {
    let ada = json!({
        "id": "1", "userName": "ada@acme.example", "externalId": "00u1", "active": true, "title": "Countess",
        "name": {"givenName": "Ada", "familyName": "Lovelace"}, "displayName": "Ada Lovelace",
        "emails": [{"value": "ada@acme.example", "type": "work", "primary": true}, {"value": "a@home.example"}],
        "meta": {"created": "2026-01-15T09:00:00Z"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Research"},
    });
    let group = json!({"id": "1", "displayName": "Engineering", "members": [{"value": "2", "type": "User"}]});
    let object = |value: Value| value.as_object().cloned().unwrap_or_default();
    [(object(ada), ScimKind::User), (object(group), ScimKind::Group), (Map::new(), ScimKind::User)]
}
