//! Documents whose index and whose full parse might differ, or in which an entity is hidden, disguised or valid for longer than what is round it.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use chrono::{DateTime, TimeZone, Utc};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::{Aggregate, EntityId, EntityName, IdentityProvider, SpeaksFor, TrustedSource};
use vouchsafe_signature::{Signer, TrustedKey, sign};
use vouchsafe_testkit::{IdentityProvider as Kit, keys};
use vouchsafe_xml::Limits;

const IDP: &str = "https://idp.example/a";

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 0, 0, 0).unwrap()
}

/// An identity provider with attributes of its own and of its role.
fn entity(name: &str, of_entity: &str, of_role: &str) -> String {
    let kit = Kit::new("https://idp.example/kit", "https://idp.example/sso", keys::identity_provider());
    let xml = kit.metadata().unwrap();
    let xml = xml.get(xml.find("<md:EntityDescriptor").unwrap()..).unwrap();
    xml.replacen("entityID=\"https://idp.example/kit\"", &format!("entityID=\"{name}\" {of_entity}"), 1)
        .replacen("<md:IDPSSODescriptor", &format!("<md:IDPSSODescriptor {of_role}"), 1)
}

fn group(attributes: &str, content: &str) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" {attributes}>{content}</md:EntitiesDescriptor>"
    )
}

fn name(text: &str) -> EntityName {
    EntityId::new(text).unwrap().into()
}

/// The names of the entities that are found and can be read.
fn usable(document: &str) -> Vec<String> {
    let aggregate = Aggregate::read(document).unwrap();
    let readable = aggregate.entities().filter(|found| found.identity_provider().is_ok());
    readable.map(|found| found.entity_id().unwrap().to_owned()).collect()
}

/// What is no child of a group is no metadata, however it looks.
#[test]
fn hidden_entities_are_not_found() {
    let (good, evil) = (entity(IDP, "", ""), entity("https://evil.example", "", ""));
    let in_foreign = "xmlns:x=\"urn:x\"";
    for hidden in [
        format!("<!-- {} -->", evil.replace("--", "")),
        format!("<md:Extensions>{evil}</md:Extensions>"),
        format!("<x:EntitiesDescriptor {in_foreign}>{evil}</x:EntitiesDescriptor>"),
        format!("<x:x {in_foreign}>{evil}</x:x>"),
        format!(
            "<md:EntityDescriptor entityID=\"https://other.example\"><md:Extensions>{evil}</md:Extensions></md:EntityDescriptor>"
        ),
        format!("<?evil {}?>", evil.replace("?>", "")),
        evil.replacen("<md:EntityDescriptor", "<x:EntityDescriptor xmlns:x=\"urn:x\"", 1)
            .replace("</md:EntityDescriptor", "</x:EntityDescriptor"),
    ] {
        let document = group("", &(hidden + &good));
        assert_eq!(usable(&document), [IDP], "{document:.200}");
        let found = IdentityProvider::from_metadata_entity(
            document.as_bytes(),
            &EntityId::new("https://evil.example").unwrap(),
        );
        assert!(found.is_err());
    }
    // In a section of characters, which no group may have.
    let section = group("", &format!("<![CDATA[{evil}]]>{good}"));
    if let Ok(aggregate) = Aggregate::read(section) {
        assert!(aggregate.find(&name("https://evil.example")).is_none());
    }
}

/// A name is compared byte by byte, after what XML makes of it and nothing else.
#[test]
fn names_are_what_xml_reads() {
    let all = [
        IDP,
        "https://idp.example/A",
        "https://IDP.example/a",
        "https://idp.example/%61",
        "https://idp.example:443/a",
        "https://idp.example/a/",
        "https://idp.example//a",
        "https://idp.example/\u{430}",
    ];
    let document = group("", &all.map(|name| entity(name, "", "")).concat());
    assert_eq!(usable(&document), all);
    for same in [
        "&#104;ttps://idp.example/a",
        "https:&#x2f;/idp.example/a",
        " https://idp.example/a ",
        "\thttps://idp.example/a\n",
        "&#10;https://idp.example/a&#9;",
    ] {
        let twice = group("", &(entity(IDP, "", "") + &group("", &entity(same, "", ""))));
        let aggregate = Aggregate::read(twice.clone()).unwrap();
        let second = aggregate.entities().nth(1).unwrap();
        assert_eq!(second.identity_provider().unwrap_err().code(), "metadata.duplicate_entity", "{same}");
        assert_eq!(usable(&twice), [IDP]);
        // By itself it is that entity, by either name.
        let alone = Aggregate::read(group("", &entity(same, "", ""))).unwrap();
        let by_digest = EntityName::source_id_of(&EntityId::new(IDP).unwrap());
        assert!(alone.find(&name(IDP)).is_some() && alone.find(&by_digest).is_some());
    }
}

/// What is round an entity bounds it, and what is in it bounds it further: the earliest end counts.
#[test]
fn the_earliest_end_counts() {
    let (soon, late) = ("validUntil=\"2026-11-25T00:00:00Z\"", "validUntil=\"2027-11-25T00:00:00Z\"");
    let past = "validUntil=\"2026-11-23T24:00:00Z\"";
    let of = |levels: [&str; 4]| {
        let [root, inner, of_entity, of_role] = levels;
        group(root, &group(inner, &entity(IDP, of_entity, of_role)))
    };
    let read = |document: &str| {
        let id = EntityId::new(IDP).unwrap();
        IdentityProvider::from_metadata_entity(document.as_bytes(), &id)
    };
    for level in 0..4 {
        let mut levels = [late; 4];
        *levels.get_mut(level).unwrap() = soon;
        let found = read(&of(levels)).unwrap();
        assert_eq!(found.valid_until().unwrap().to_rfc3339(), "2026-11-25T00:00:00+00:00", "{level}");
        *levels.get_mut(level).unwrap() = past;
        let found = read(&of(levels)).unwrap();
        assert_eq!(found.check_validity(now()).unwrap_err().code(), "metadata.expired", "{level}");
        let source = TrustedSource::danger_by_transport_alone(SpeaksFor::entity(EntityId::new(IDP).unwrap()));
        let refused = source.accept(of(levels), now(), &Provider::rustcrypto()).unwrap_err();
        assert_eq!(refused.code(), "metadata.expired", "{level}");
        // A time that is none makes no longer one.
        *levels.get_mut(level).unwrap() = "validUntil=\"never\"";
        assert_eq!(read(&of(levels)).unwrap_err().code(), "metadata.attribute", "{level}");
    }
}

/// Durations that are negative, too long to count or nonsense are no advice, and what is too long to wait for is shortened elsewhere.
#[test]
fn durations_overflow_nothing() {
    for (duration, seconds) in [
        ("PT18446744073709551615S", Some(u64::MAX)),
        ("PT18446744073709551616S", None),
        ("P999999999999Y", None),
        ("P1DT18446744073709551615S", None),
        ("-PT1S", None),
        ("PT0S", Some(0)),
        ("P12M", Some(12 * 28 * 86_400)),
        ("", None),
    ] {
        let document = entity(IDP, &format!("cacheDuration=\"{duration}\""), "");
        let found = IdentityProvider::from_metadata(document.as_bytes()).unwrap();
        assert_eq!(found.cache_duration().map(|time| time.as_secs()), seconds, "{duration}");
    }
}

/// An encoding that the index reads in one way and the parser in another would show two documents.
#[test]
fn an_encoding_is_read_in_one_way() {
    let text = group("", &entity(IDP, "", ""));
    let declared = |encoding: &str| format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{text}");
    let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let (head, rest) = text.split_once("><").unwrap();
    // After the beginning a mark is a character like others, and a second mark at the beginning is ignored.
    let good: [Vec<u8>; 7] = [
        little(&format!("\u{feff}\u{feff}{text}")),
        little(&format!("{head}>\u{feff}<{rest}")),
        format!("{head}>\u{feff}<{rest}").into_bytes(),
        text.clone().into_bytes(),
        ["\u{feff}".as_bytes(), text.as_bytes()].concat(),
        little(&format!("\u{feff}{text}")),
        little(&declared("UTF-16")),
    ];
    for bytes in good {
        assert!(Aggregate::read(bytes.clone()).unwrap().find(&name(IDP)).is_some());
        assert!(IdentityProvider::from_metadata(&bytes).is_ok());
    }
    let bad: [(&str, Vec<u8>); 4] = [
        ("UTF-16 is declared in UTF-8", declared("UTF-16").into_bytes()),
        ("an encoding of seven bits", declared("UTF-7").into_bytes()),
        ("one of eight", declared("ISO-8859-1").into_bytes()),
        ("the mark of UTF-8, then UTF-16", ["\u{feff}".as_bytes(), &little(&text)].concat()),
    ];
    for (what, bytes) in bad {
        let index = Aggregate::read(bytes.clone()).map_err(|error| error.code()).map(|_| ());
        let parser = IdentityProvider::from_metadata(&bytes).map_err(|error| error.code()).map(|_| ());
        assert_eq!(index, parser, "{what}");
        assert!(index.is_err(), "{what}");
    }
}

/// Whoever has one signed document disguises another as what the signature names.
#[test]
fn a_signature_names_the_root_and_nothing_else() {
    let key = keys::identity_provider_p256().private_key();
    let trusted = [TrustedKey::new(key.public_key().clone(), "the federation")];
    let provider = Provider::rustcrypto();
    let signed = sign(
        &group("ID=\"_g\"", &entity(IDP, "", "")),
        "_g",
        &Signer::new(key),
        &provider,
        &Limits::metadata(),
    )
    .unwrap();
    let read = |document: &str| Aggregate::read_signed(document, &trusted, &provider).map(|_| ());
    read(&signed).unwrap();
    let begin = signed.find("<ds:Signature").unwrap();
    let end = signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = signed.get(begin..end).unwrap();
    let evil = entity("https://evil.example", "", "");
    let within = |attributes: &str, content: String| group(attributes, &content);
    for (what, document) in [
        (
            "the genuine one in Extensions",
            within("ID=\"_x\"", format!("{signature}<md:Extensions>{signed}</md:Extensions>{evil}")),
        ),
        ("an ID in a namespace", within("md:ID=\"_g\"", format!("{signature}{evil}{signed}"))),
        ("an xml:id", within("xml:id=\"_g\"", format!("{signature}{evil}{signed}"))),
        ("an Id", within("Id=\"_g\"", format!("{signature}{evil}{signed}"))),
        ("no ID, the genuine one inside", within("", format!("{signature}{evil}{signed}"))),
        (
            "the genuine one round it",
            signed.replace("</md:EntitiesDescriptor>", &format!("{evil}</md:EntitiesDescriptor>")),
        ),
        (
            "a second signature first",
            signed.replacen("<ds:Signature", &format!("{}<ds:Signature", signature.replace("_g", "_x")), 1),
        ),
        (
            "in an object of the signature",
            within(
                "ID=\"_x\"",
                signature
                    .replace("</ds:Signature>", &format!("<ds:Object>{signed}</ds:Object></ds:Signature>"))
                    + &evil,
            ),
        ),
    ] {
        let refused = read(&document).unwrap_err();
        assert!(
            ["signature.", "xml."].iter().any(|kind| refused.code().starts_with(kind)),
            "{what}: {refused}"
        );
    }
    // A comment behind the root is no part of what is signed or read.
    read(&format!("{signed}<!-- after -->")).unwrap();
}
