//! Attacks by a person who can write metadata, or who is between its publisher and us. Each attack is of a class that
//! was seen in public: a check that is skipped because a key is missing, a signature on a part that is read as that
//! of the whole, an older document, another customer's entity.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::sync::LazyLock;

use chrono::{DateTime, TimeZone, Utc};
use vouchsafe_crypto::{Certificate, KeyKind, PrivateKey, Provider};
use vouchsafe_metadata::{
    Aggregate, EntityId, FetchedMetadata, IdentityProvider, MetadataError, Refresh, RefreshSchedule,
    Refreshed, SpeaksFor, TrustedSource, Validators,
};
use vouchsafe_signature::{Signer, TrustedKey, sign};
use vouchsafe_xml::Limits;

static FEDERATION: LazyLock<(PrivateKey, TrustedKey)> = LazyLock::new(|| {
    let provider = Provider::rustcrypto();
    let key = provider.generate_key(KeyKind::P256).unwrap();
    let trusted = TrustedKey::new(key.public_key().clone(), "the federation");
    (key, trusted)
});

/// The keys of an identity provider and of the attacker.
static KEYS: LazyLock<[String; 2]> = LazyLock::new(|| {
    let provider = Provider::rustcrypto();
    ["idp.example", "evil.example"].map(|name| {
        let key = provider.generate_key(KeyKind::P256).unwrap();
        Certificate::self_signed(&provider, &key, name, 1_600_000_000, 2_000_000_000).unwrap().to_base64()
    })
});

const IDP: &str = "https://idp.example";
const EVIL: usize = 1;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 0, 0, 0).unwrap()
}

fn entity(attributes: &str, key: &str) -> String {
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" {attributes}><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{key}<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

fn key(usage: &str, of: usize) -> String {
    let certificate = &KEYS[of];
    format!(
        r#"<md:KeyDescriptor {usage}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#
    )
}

fn idp(of: usize) -> String {
    entity(&format!("entityID=\"{IDP}\""), &key("use=\"signing\"", of))
}

fn group(attributes: &str, content: &str) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" {attributes}>{content}</md:EntitiesDescriptor>"
    )
}

fn signed(xml: &str, id: &str) -> String {
    sign(xml, id, &Signer::new(&FEDERATION.0), &Provider::rustcrypto(), &Limits::metadata()).unwrap()
}

fn read_signed(document: impl Into<Vec<u8>>) -> Result<Aggregate, MetadataError> {
    let provider = Provider::rustcrypto();
    Aggregate::read_signed(document, std::slice::from_ref(&FEDERATION.1), &provider)
        .map(|(aggregate, _)| aggregate)
}

fn keys(aggregate: &Aggregate) -> Vec<String> {
    let found = aggregate.find(&IDP.parse().unwrap()).unwrap();
    found
        .identity_provider()
        .unwrap()
        .signing_keys()
        .iter()
        .map(|key| key.certificate().unwrap().to_base64())
        .collect()
}

/// Without a signing key there is no trust, whatever else is there: a key for encryption, an empty element, a name of
/// a key.
#[test]
fn without_a_key_nobody_is_trusted() {
    let named = r#"<md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:KeyName>k</ds:KeyName></ds:KeyInfo></md:KeyDescriptor>"#;
    for keys in ["", "<md:KeyDescriptor/>", named, &key("use=\"encryption\"", 0), &key("use=\"sign\"", 0)] {
        let refused =
            IdentityProvider::from_metadata(entity(&format!("entityID=\"{IDP}\""), keys).as_bytes());
        assert_eq!(refused.unwrap_err().code(), "metadata.no_signing_key", "{keys}");
    }
    // Without a use, the key verifies signatures, and the check is not skipped.
    let both =
        IdentityProvider::from_metadata(entity(&format!("entityID=\"{IDP}\""), &key("", 0)).as_bytes());
    assert_eq!(both.unwrap().signing_keys().len(), 1);
}

/// The federation signed one entity, or an older group; the rest is the attacker's.
#[test]
fn a_signature_is_over_the_whole_document() {
    let own = signed(&idp(0).replacen("entityID", "ID=\"_e\" entityID", 1), "_e");
    let whole = signed(&group("ID=\"_g\"", &idp(0)), "_g");
    assert_eq!(keys(&read_signed(whole.clone()).unwrap()), [KEYS[0].clone()]);
    let signature = {
        let begin = own.find("<ds:Signature").unwrap();
        let end = own.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
        own.get(begin..end).unwrap().to_owned()
    };
    let evil = idp(EVIL);
    for (what, document) in [
        ("a signature on a child alone", group("", &(evil.clone() + &own))),
        ("a signed group in a group", group("", &(evil.clone() + &whole))),
        ("the child's signature at the root", group("ID=\"_x\"", &(signature.clone() + &evil + &own))),
        ("the child's signature and its ID", group("ID=\"_e\"", &(signature.clone() + &evil))),
        ("the ID twice", group("ID=\"_e\"", &(signature.clone() + &evil + &own))),
        (
            "an entity more",
            whole.replacen("<md:EntityDescriptor", &(evil.clone() + "<md:EntityDescriptor"), 1),
        ),
        ("another key", whole.replace(KEYS[0].as_str(), &KEYS[EVIL])),
        ("no signature", group("", &evil)),
    ] {
        let refused = read_signed(document.clone()).unwrap_err();
        assert!(
            refused.code().starts_with("signature.") || refused.code().starts_with("xml."),
            "{what}: {refused}"
        );
        // The same holds in another encoding.
        let utf_16: Vec<u8> =
            format!("\u{feff}{document}").encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read_signed(utf_16).unwrap_err().code(), refused.code(), "{what}");
    }
}

/// The first of two entities with the same name is used, and both are reported.
#[test]
fn an_entity_twice() {
    let aggregate = Aggregate::read(group("", &(idp(0) + &idp(EVIL)))).unwrap();
    assert_eq!(keys(&aggregate), [KEYS[0].clone()]);
    let second = aggregate.entities().nth(1).unwrap();
    assert_eq!(second.identity_provider().unwrap_err().code(), "metadata.duplicate_entity");
    let first = aggregate.entities().next().unwrap().identity_provider().unwrap();
    assert!(first.warnings(now()).iter().any(|warning| warning.code() == "metadata.duplicate_entity"));
    // White space around a name does not make another name of it, and neither does a group.
    let disguised = idp(EVIL).replace(IDP, &format!(" {IDP}\n"));
    let aggregate = Aggregate::read(group("", &(idp(0) + &group("", &disguised)))).unwrap();
    assert_eq!(keys(&aggregate), [KEYS[0].clone()]);
}

/// One customer's source tries to replace another customer's key.
#[test]
fn a_source_speaks_for_its_own_entities() {
    let provider = Provider::rustcrypto();
    let own = EntityId::new("https://customer.example").unwrap();
    let source = TrustedSource::danger_by_transport_alone(SpeaksFor::entity(own.clone()));
    let customer = idp(0).replace(IDP, own.as_str());
    let accepted = source.accept(group("", &(customer + &idp(EVIL))), now(), &provider).unwrap();
    assert!(accepted.identity_provider(&own).is_ok());
    let other = EntityId::new(IDP).unwrap();
    assert_eq!(accepted.identity_provider(&other).unwrap_err().code(), "refresh.nobody");
    assert!(source.accept(idp(EVIL), now(), &provider).is_err());
}

/// Somebody holds newer documents back, or sends an older signed one.
#[test]
fn an_older_document_takes_nothings_place() {
    let provider = Provider::rustcrypto();
    let of = |valid_until: &str, created: &str, key: usize| {
        let publication = format!(
            r#"<md:Extensions><r:PublicationInfo xmlns:r="urn:oasis:names:tc:SAML:metadata:rpi" publisher="f" creationInstant="{created}"/></md:Extensions>"#
        );
        signed(&group(&format!("ID=\"_g\" validUntil=\"{valid_until}\""), &(publication + &idp(key))), "_g")
    };
    let source = TrustedSource::signed_by([FEDERATION.1.clone()], SpeaksFor::Everybody);
    let mut refresh = Refresh::new(source, RefreshSchedule::default(), now());
    let fetched = |document: String| FetchedMetadata::Document {
        bytes: document.into_bytes(),
        validators: Validators::default(),
    };
    let newest = of("2026-12-01T00:00:00Z", "2026-11-23T00:00:00Z", 0);
    let Refreshed::First(at_hand) = refresh.answered(fetched(newest), None, &provider, now(), 0).unwrap()
    else {
        panic!("it is the first")
    };
    for older in [
        of("2026-11-30T00:00:00Z", "2026-11-23T00:00:00Z", EVIL),
        of("2026-12-01T00:00:00Z", "2026-11-22T00:00:00Z", EVIL),
        signed(&group("ID=\"_g\"", &idp(EVIL)), "_g"),
    ] {
        let refused = refresh.answered(fetched(older), Some(&at_hand), &provider, now(), 0).unwrap_err();
        assert_eq!(refused.code(), "refresh.rolled_back");
    }
    let past = of("2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", EVIL);
    assert!(refresh.answered(fetched(past), Some(&at_hand), &provider, now(), 0).is_err());
}

/// Nothing is declared, expanded or fetched, in any encoding.
#[test]
fn a_document_type_is_refused() {
    let bomb = r#"<!DOCTYPE md:EntityDescriptor [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>"#;
    let external = r#"<!DOCTYPE md:EntityDescriptor SYSTEM "http://127.0.0.1:1/evil.dtd">"#;
    for declaration in [bomb, external, "<!DOCTYPE a>"] {
        let document = format!("{declaration}{}", idp(0));
        let utf_16: Vec<u8> =
            format!("\u{feff}{document}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [document.into_bytes(), utf_16] {
            assert_eq!(IdentityProvider::from_metadata(&bytes).unwrap_err().code(), "xml.doctype");
        }
    }
}

/// The work grows linearly with the length of the document, whatever it contains.
#[test]
fn expressions_that_others_evaluate_for_ever() {
    let patterns = ["(a+)+$", "(a|aa)+$", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$"];
    let scopes: String = patterns
        .map(|pattern| {
            format!(
                r#"<s:Scope xmlns:s="urn:mace:shibboleth:metadata:1.0" regexp="true">{pattern}</s:Scope>"#
            )
        })
        .concat();
    let xml = idp(0).replacen(
        "<md:KeyDescriptor",
        &format!("<md:Extensions>{scopes}</md:Extensions><md:KeyDescriptor"),
        1,
    );
    let read = IdentityProvider::from_metadata(xml.as_bytes()).unwrap();
    assert_eq!(read.scopes().len(), patterns.len());
    let domain = "a".repeat(1_000) + "!";
    let start = std::time::Instant::now();
    assert!(!read.scopes().iter().any(|scope| scope.matches(&domain)));
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}
