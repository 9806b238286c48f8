//! Attacks with artifacts that a service may not resolve. The answer would be genuine.

use vouchsafe_crypto::{base64_decode, base64_encode};

use super::{Row, Scene, Setting, escaped};
use crate::artifact_of;

const fn row(what: &'static str, description: &'static str, bring: fn(&Scene) -> String) -> Row {
    Row { what, description, reference: None, setting: Setting::Same, bring, answer: Scene::genuine }
}

const fn in_setting(setting: Setting, row: Row) -> Row {
    Row { setting, ..row }
}

pub(super) static ROWS: &[Row] = &[
    row("other-source", "the SourceID of another identity provider that is trusted", |s| {
        s.fields_with(&s.other().artifact(crate::ARTIFACT_INDEX, s.handle()))
    }),
    row("unknown-source", "the SourceID of an identity provider that is not trusted", |s| {
        s.fields_with(&artifact_of("https://evil.example/metadata", crate::ARTIFACT_INDEX, s.handle()))
    }),
    row("source-case", "the SourceID of the entity ID in another case", |s| {
        let name = s.identity_provider().entity_id().to_uppercase();
        s.fields_with(&artifact_of(&name, crate::ARTIFACT_INDEX, s.handle()))
    }),
    row("source-slash", "the SourceID of the entity ID with a slash at its end", |s| {
        let name = format!("{}/", s.identity_provider().entity_id());
        s.fields_with(&artifact_of(&name, crate::ARTIFACT_INDEX, s.handle()))
    }),
    row("other-index", "an index that the metadata does not have", |s| {
        s.fields_with(&s.identity_provider().artifact(1, s.handle()))
    }),
    row("largest-index", "the largest index", |s| {
        s.fields_with(&s.identity_provider().artifact(u16::MAX, s.handle()))
    }),
    row("type-1", "an artifact of SAML 1.1", |s| s.fields_with(&bent(s, |bytes| set(bytes, 1, 1)))),
    row("type-3", "an artifact of Liberty's type", |s| s.fields_with(&bent(s, |bytes| set(bytes, 1, 3)))),
    row("other-type", "an artifact of no type at all", |s| {
        s.fields_with(&bent(s, |bytes| set(bytes, 0, 0xff)))
    }),
    row("short", "an artifact without its last byte", |s| {
        s.fields_with(&bent(s, |bytes| bytes.truncate(43)))
    }),
    row("long", "an artifact with one byte more", |s| s.fields_with(&bent(s, |bytes| bytes.push(0)))),
    row("twice", "two artifacts, of which the second is genuine", |s| {
        let first = s.identity_provider().artifact(crate::ARTIFACT_INDEX, [0xee; 20]);
        format!("SAMLart={}&{}", escaped(&first), s.fields())
    }),
    row("twice-in-disguise", "two artifacts, of which one has an escaped name", |s| {
        format!("SAML%61rt={}&{}", escaped(&s.artifact()), s.fields())
    }),
    row("beside-a-response", "a forged Response beside the artifact", |s| {
        let forged = s.response().sign(crate::Signed::Neither).issue();
        let forged = forged.map(|issued| issued.to_base64()).unwrap_or_default();
        format!("{}&SAMLResponse={}", s.fields(), escaped(&forged))
    }),
    row("beside-a-request", "a SAMLRequest beside the artifact", |s| {
        format!("{}&SAMLRequest=PGE%2FPg", s.fields())
    }),
    row("two-relay-states", "two RelayStates beside the artifact", |s| {
        format!("{}&RelayState=x", s.fields())
    }),
    row(
        "no-relay-state",
        "no RelayState beside the artifact, at a service that accepts nothing unasked",
        |s| format!("SAMLart={}", escaped(&s.artifact())),
    ),
    in_setting(
        Setting::Elsewhere,
        row("other-browser", "brought by a browser that did not start the sign-in", Scene::fields),
    ),
    in_setting(
        Setting::Elsewhere,
        row("other-browser-without-relay-state", "the same without RelayState", |s| {
            format!("SAMLart={}", escaped(&s.artifact()))
        }),
    ),
    in_setting(
        Setting::OtherState,
        row(
            "other-relay-state",
            "with the RelayState of a sign-in that another browser started",
            Scene::fields,
        ),
    ),
    in_setting(
        Setting::UsedBefore,
        row("used-before", "an artifact that signed somebody in before", Scene::fields),
    ),
    in_setting(
        Setting::UsedBefore,
        row("used-before-in-disguise", "the same with white space in its base64", |s| {
            s.fields_with(&s.artifact().replacen("AAQ", "AA\r\nQ", 1))
        }),
    ),
];

/// Returns the artifact with changed bytes.
fn bent(scene: &Scene, change: fn(&mut Vec<u8>)) -> String {
    let mut bytes = base64_decode(scene.artifact()).unwrap_or_default();
    change(&mut bytes);
    base64_encode(&bytes)
}

fn set(bytes: &mut [u8], place: usize, value: u8) {
    if let Some(byte) = bytes.get_mut(place) {
        *byte = value;
    }
}
