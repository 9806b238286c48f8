//! Aggregates: finding entities by name, reading each once, and the signature of the root.
#![allow(clippy::unwrap_used, clippy::string_slice, clippy::panic, reason = "tests fail by panicking")]

use std::sync::LazyLock;

use chrono::{DateTime, TimeZone, Utc};
use vouchsafe_crypto::{Certificate, KeyKind, PrivateKey, Provider};
use vouchsafe_metadata::{Aggregate, EntityId, EntityName, MetadataDescription};
use vouchsafe_signature::{Signer, TrustedKey, sign, verify_any};
use vouchsafe_testkit::shared;
use vouchsafe_xml::namespace::DSIG;
use vouchsafe_xml::{Canonicalization, Document, Limits};

static KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| Provider::rustcrypto().generate_key(KeyKind::P256).unwrap());

static CERTIFICATE: LazyLock<String> = LazyLock::new(|| {
    let provider = Provider::rustcrypto();
    Certificate::self_signed(&provider, &KEY, "idp.example.com", 1_600_000_000, 2_000_000_000)
        .unwrap()
        .to_base64()
});

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 0, 1, 0).unwrap()
}

fn entity(id: &str, content: &str) -> String {
    let certificate = &*CERTIFICATE;
    format!(
        r#"<md:EntityDescriptor entityID="{id}"><md:Extensions>{content}</md:Extensions><md:IDPSSODescriptor
             protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor></md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

fn group(attributes: &str, content: &str) -> String {
    format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" {attributes}>{content}</md:EntitiesDescriptor>"#
    )
}

fn name(text: &str) -> EntityName {
    text.parse().unwrap()
}

/// An error inside one entity, and its report.
#[test]
fn a_bad_entity_takes_nobody_with_it() {
    let deep = "<a>".repeat(150) + &"</a>".repeat(150);
    let cases = [
        ("a logo of a megabyte", format!("<logo>{}</logo>", "A".repeat(1_400_000)), "xml.limit"),
        ("an extension too deep", deep, "xml.limit"),
        ("four mebibytes", format!("<a>{}</a>", "<b x='0123456789'/>".repeat(240_000)), "xml.limit"),
        ("an entity that nobody declares", "&nothing;".to_owned(), "xml.reference"),
        ("an attribute twice", "<a b='1' b='2'/>".to_owned(), "xml.duplicate_attribute"),
        ("a prefix that nobody declares", "<p:a/>".to_owned(), "xml.prefix"),
    ];
    for (what, content, code) in cases {
        let bad = entity("https://bad.example", &content);
        let xml = group("", &(entity("https://a.example", "") + &bad + &entity("https://b.example", "")));
        let aggregate = Aggregate::read(xml.as_bytes()).unwrap();
        assert_eq!(aggregate.len(), 3, "{what}");
        for id in ["https://a.example", "https://b.example"] {
            assert!(aggregate.find(&name(id)).unwrap().identity_provider().is_ok(), "{what}");
        }
        let found = aggregate.find(&name("https://bad.example")).unwrap();
        assert_eq!(found.place(), 2);
        assert_eq!(found.identity_provider().unwrap_err().code(), code, "{what}");
        assert_eq!(found.description().unwrap_err().code(), code, "{what}");
        let described = MetadataDescription::read(xml.as_bytes()).unwrap();
        assert_eq!((described.entities().len(), described.left_out().len()), (2, 1), "{what}");
    }
}

/// An error outside of the entities is an error of the document.
#[test]
fn a_document_that_does_not_end_well_is_refused() {
    let good = entity("https://a.example", "");
    for (xml, code) in [
        (group("", &good).replace("</md:EntitiesDescriptor>", ""), "xml.unclosed"),
        (group("", &good.replace("</md:EntityDescriptor>", "")), "xml.end_tag"),
        (group("", &(good.clone() + "&nothing;")), "xml.reference"),
        (group("", &good) + "<more/>", "xml.outside_root"),
        (format!("<!DOCTYPE a>{}", group("", &good)), "xml.doctype"),
        (group("", &entity("https://a.example", "<!DOCTYPE a>")), "xml.doctype"),
        (group("", "").replace("SAML:2.0", "SAML:1.0"), "metadata.root"),
        (String::new(), "xml.no_root"),
    ] {
        assert_eq!(Aggregate::read(xml.as_bytes()).unwrap_err().code(), code, "{xml:.60}");
    }
}

#[test]
fn names_and_source_ids() {
    let inner = group("", &(entity(" https://b.example ", "") + &entity("https://a.example", "<later/>")));
    let xml = group("", &(entity("https://a.example", "") + &inner + &entity("", "")));
    let aggregate = Aggregate::read(xml.clone()).unwrap();
    assert_eq!(aggregate.len(), 4);
    assert!(aggregate.find(&name("https://c.example")).is_none());
    for (id, place) in [("https://a.example", 1), ("https://b.example", 2)] {
        let by_id = aggregate.find(&name(id)).unwrap();
        let source = EntityName::source_id_of(&EntityId::new(id).unwrap());
        let by_source = aggregate.find(&source).unwrap();
        assert_eq!((by_id.place(), by_source.place()), (place, place));
        assert_eq!(
            aggregate
                .find(&source.to_string().to_uppercase().replace("SHA1", "sha1").parse().unwrap())
                .unwrap()
                .place(),
            place
        );
        // The entity is read once.
        let (first, second) = (by_id.identity_provider().unwrap(), by_source.identity_provider().unwrap());
        assert!(std::ptr::eq(first, second));
        assert_eq!(first.entity_id().as_str(), id);
    }
    let third = aggregate.entities().nth(2).unwrap();
    assert_eq!(third.first_of_name().unwrap().place(), 1);
    assert_eq!(third.identity_provider().unwrap_err().code(), "metadata.duplicate_entity");
    assert!(xml[third.range().unwrap()].contains("<later/>"));
    let nameless = aggregate.entities().nth(3).unwrap();
    assert_eq!((nameless.entity_id(), nameless.place()), (None, 4));
    assert_eq!(nameless.identity_provider().unwrap_err().code(), "metadata.entity_id");
    for wrong in ["{sha1}", "{sha1}zz", "{sha1}0123456789012345678901234567890123456789a", "two words"] {
        assert_eq!(wrong.parse::<EntityName>().unwrap_err().code(), "metadata.entity_id", "{wrong}");
    }
}

#[test]
fn how_long_the_document_is_valid() {
    for (attributes, expected) in [
        ("", Ok(())),
        ("validUntil='2027-01-01T00:00:00Z'", Ok(())),
        ("validUntil='2026-11-24T00:01:00Z'", Err("metadata.expired")),
        ("validUntil='soon'", Err("metadata.attribute")),
    ] {
        let aggregate = Aggregate::read(group(attributes, "")).unwrap();
        assert_eq!(aggregate.check_validity(now()).map_err(|error| error.code()), expected, "{attributes}");
    }
    let one = entity("https://a.example", "").replace(
        "<md:EntityDescriptor",
        "<md:EntityDescriptor validUntil='2026-01-01T00:00:00Z' xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' xmlns:ds='http://www.w3.org/2000/09/xmldsig#'",
    );
    let one = Aggregate::read(one).unwrap();
    assert!(one.is_one_entity());
    assert_eq!(one.check_validity(now()).unwrap_err().code(), "metadata.expired");
}

/// Only the root's own signature counts, and only what it covers is read.
#[test]
fn the_signature_of_the_root() {
    let (provider, limits) = (Provider::rustcrypto(), Limits::metadata());
    let entities = entity("https://a.example", "") + &entity("https://b.example", "");
    let unsigned = group("ID='_root'", &entities);
    let signed = sign(&unsigned, "_root", &Signer::new(&KEY), &provider, &limits).unwrap();
    let trusted = [TrustedKey::new(KEY.public_key().clone(), "the federation")];
    let other = provider.generate_key(KeyKind::P256).unwrap();
    let others = [TrustedKey::new(other.public_key().clone(), "somebody else")];

    let (aggregate, evidence) = Aggregate::read_signed(signed.as_bytes(), &trusted, &provider).unwrap();
    assert_eq!((aggregate.len(), evidence.key_label()), (2, "the federation"));
    assert!(aggregate.find(&name("https://b.example")).unwrap().identity_provider().is_ok());

    let child = group("ID='_outer'", &signed);
    let cases = [
        ("no signature", unsigned, &trusted, "signature.missing"),
        ("of a child", child, &trusted, "signature.missing"),
        ("another key", signed.clone(), &others, "signature.not_verified"),
        (
            "changed",
            signed.replace("https://b.example", "https://c.example"),
            &trusted,
            "signature.digest_mismatch",
        ),
        (
            "an entity more",
            signed.replacen(
                "<md:EntityDescriptor",
                &(entity("https://c.example", "") + "<md:EntityDescriptor"),
                1,
            ),
            &trusted,
            "signature.digest_mismatch",
        ),
        (
            "the identifier of the root in an entity",
            signed.replacen("<md:Extensions>", "<md:Extensions ID='_root'>", 1),
            &trusted,
            "signature.id_repeated",
        ),
        (
            "an entity that is not well-formed",
            signed.replacen("<md:Extensions>", "<md:Extensions>&nothing;", 1),
            &trusted,
            "xml.reference",
        ),
        ("no metadata", "<html/>".to_owned(), &trusted, "metadata.root"),
    ];
    for (what, xml, keys, code) in cases {
        let error = Aggregate::read_signed(xml.as_bytes(), keys, &provider).unwrap_err();
        assert_eq!(error.code(), code, "{what}: {error}");
        assert!(!error.hint().is_empty() && !error.to_string().is_empty());
    }
    assert_eq!(
        Aggregate::read_signed(signed.as_bytes(), &[], &provider).unwrap_err().code(),
        "signature.no_keys"
    );
}

/// The entity is digested like all others, and is refused when it is read.
#[test]
fn an_entity_that_is_too_large_takes_nobody_with_it_where_all_are_signed() {
    let (provider, limits) = (Provider::rustcrypto(), Limits::metadata().with_value_bytes(4_000_000));
    let trusted = [TrustedKey::new(KEY.public_key().clone(), "the federation")];
    let logo = format!("<logo>{}</logo>", "A".repeat(1_400_000));
    for (what, content) in [("large", logo), ("deep", "<a>".repeat(150) + &"</a>".repeat(150))] {
        let entities = entity("https://bad.example", &content) + &entity("https://b.example", "");
        let limits = limits.clone().with_depth(200);
        let signed =
            sign(&group("ID='_root'", &entities), "_root", &Signer::new(&KEY), &provider, &limits).unwrap();
        let (aggregate, _) = Aggregate::read_signed(signed.as_bytes(), &trusted, &provider).unwrap();
        assert!(aggregate.find(&name("https://b.example")).unwrap().identity_provider().is_ok(), "{what}");
        let bad = aggregate.find(&name("https://bad.example")).unwrap().identity_provider();
        assert_eq!(bad.unwrap_err().code(), "xml.limit", "{what}");
    }
}

/// The entities equal those of a tree of the whole, whatever is around them and whichever canonicalization the
/// signature uses.
#[test]
fn signed_by_any_method_and_read_in_pieces() {
    let (provider, limits) = (Provider::rustcrypto(), Limits::metadata());
    let trusted = [TrustedKey::new(KEY.public_key().clone(), "the federation")];
    let inner = "<md:EntitiesDescriptor xmlns:x='urn:x' x:y='1'><!-- c -->".to_owned()
        + &entity("https://a.example", "<x:a z='&quot;' b='2'/>")
        + "</md:EntitiesDescriptor>"
        + &entity("https://b.example", "<a xmlns=''/>");
    let unsigned = "<?xml version='1.0'?>\n<!-- before -->".to_owned()
        + &group("xmlns='urn:default' ID='_root'", &inner)
        + "<!-- behind -->";
    for method in ["EXCLUSIVE", "INCLUSIVE"] {
        let signer = Signer::new(&KEY);
        let signer = match method {
            "INCLUSIVE" => signer.canonicalization(Canonicalization::INCLUSIVE),
            _ => signer,
        };
        let signed = sign(&unsigned, "_root", &signer, &provider, &limits).unwrap();
        let document = Document::parse(signed.as_bytes(), &limits).unwrap();
        let whole = verify_any(&document, None, &trusted, &provider, &limits).unwrap();
        let (aggregate, evidence) = Aggregate::read_signed(signed.as_bytes(), &trusted, &provider).unwrap();
        assert_eq!(aggregate.bytes(), whole.bytes(), "{method}");
        assert_eq!(evidence, *whole.evidence());
        assert_eq!(aggregate.len(), 2);
    }
}

/// Signed metadata of federations and products: the file, and the result with the key of the certificate in the
/// signature, or in a file next to it if there is none. The result is the number of signed entities, or the code.
const SIGNED: &[(&str, Option<&str>, Result<usize, &str>)] = &[
    ("java-saml/metadata/signed_metadata_settings256.xml", None, Ok(1)),
    ("lightsaml/idp-ed.xml", None, Err("signature.not_verified")),
    ("opensaml/saml2/metadata/InCommon-metadata.xml", None, Err("signature.digest_mismatch")),
    ("opensaml/saml2/metadata/adfs-metadata.xml", None, Err("signature.not_verified")),
    ("opensaml/saml2/metadata/metadata.switchaai_signed.xml", None, Ok(113)),
    ("opensaml/saml2/metadata/provider/metadata.aaitest_signed.xml", None, Ok(89)),
    (
        "opensaml/saml2/metadata/provider/metadata.aaitest_signed.invalid.xml",
        Some("20c3a4d18fe8fc7e.pem"),
        Err("signature.digest_mismatch"),
    ),
    ("opensaml/saml2/metadata/provider/openid-metadata.xml", None, Ok(1)),
    ("opensaml/saml2/metadata/ukfederation-metadata.xml", None, Ok(111)),
    ("pyff/metadata/wayf-edugain-metadata.xml", None, Ok(77)),
    ("pysaml2/extended.xml", None, Err("signature.not_verified")),
    ("pysaml2/metadata.aaitest.xml", None, Err("signature.not_verified")),
    ("ssp-saml2/xml/metadata/valid-metadata-ca-signed.xml", None, Ok(1)),
    (
        "sustainsys/Sustainsys.Saml2.Tests/Serialization/SamlXmlReaderTests/ReadEntityDescriptor_ADFS.xml",
        None,
        Err("signature.not_verified"),
    ),
    (
        "sustainsys/Sustainsys.Saml2.Tests/Serialization/SamlXmlReaderTests/ReadEntityDescriptor_ValidateSignature.xml",
        None,
        Err("signature.not_verified"),
    ),
];

#[test]
fn signed_metadata_of_others() {
    let Some(folder) = shared::folder() else { return };
    let folder = folder.join("vectors/saml");
    let sha1 = ["http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1"];
    let lenient = sha1
        .iter()
        .chain(&["rsa-1024"])
        .fold(Provider::rustcrypto(), |provider, uri| provider.danger_allow(uri).unwrap());
    let mut wrong = Vec::new();
    for (file, beside, expected) in SIGNED {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let certificate = match beside {
            Some(beside) => {
                let pem = std::fs::read(folder.join("_certs").join(beside)).unwrap();
                Certificate::from_file_contents(&pem).unwrap()
            }
            None => embedded(&bytes),
        };
        let keys = [TrustedKey::of_certificate(&certificate, "its publisher", &lenient).unwrap()];
        let found = Aggregate::read_signed(bytes.clone(), &keys, &lenient);
        let found = found.as_ref().map(|(aggregate, _)| aggregate.len()).map_err(|error| error.code());
        if found != *expected {
            wrong.push(format!("{file}: {found:?}, expected {expected:?}"));
        }
        // SHA-1 is refused unless it is allowed by name.
        if String::from_utf8_lossy(&bytes)
            .contains("SignatureMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#rsa-sha1")
        {
            let strict = Aggregate::read_signed(bytes, &keys, &Provider::rustcrypto());
            assert_eq!(strict.unwrap_err().code(), "signature.algorithm", "{file}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the certificate in the signature of the root.
fn embedded(bytes: &[u8]) -> Certificate {
    let document = Document::parse(bytes, &Limits::metadata()).unwrap();
    let signature = document.root().elements().find(|child| child.is(DSIG, "Signature")).unwrap();
    let certificate = signature.descendants().find(|one| one.is(DSIG, "X509Certificate")).unwrap();
    Certificate::from_base64(&certificate.text()).unwrap()
}
