//! The text that is written while a message is read is limited: canonical forms, and the XML of attribute values.

use std::fmt::Write as _;

use vouchsafe_assertion::{Login, Refusal};
use vouchsafe_crypto::ContentCipher;
use vouchsafe_encryption::{EncryptOptions, encrypt};
use vouchsafe_testkit::{Encryption, Place, ResponseBuilder, Signed, keys};
use vouchsafe_xml::Limits;

use crate::common::{Receiver, good, okta};

const NOW: &str = "2026-01-01T00:01:00Z";

/// 1,000 bytes in a declaration, 6,000 in a canonical form.
fn quotes() -> String {
    "\"".repeat(1000)
}

/// An Attribute that declares a long namespace, with many values that use it.
fn values(count: usize, value: &str) -> String {
    let values = format!("<saml2:AttributeValue>{value}</saml2:AttributeValue>").repeat(count);
    format!(
        "<saml2:Attribute xmlns:saml2='urn:oasis:names:tc:SAML:2.0:assertion' xmlns:q='{}' Name='x' q:a=''>{values}</saml2:Attribute>",
        quotes()
    )
}

fn received(
    receiver: &Receiver,
    change: impl Fn(ResponseBuilder) -> ResponseBuilder,
) -> Result<Login, Refusal> {
    receiver.receive(change(good(|r| r)).issue().unwrap().xml().as_bytes())
}

#[test]
fn values_of_xml_are_together_no_longer_than_a_canonical_form() {
    let receiver = okta(NOW);
    let with =
        |count: usize| received(&receiver, |r| r.insert(Place::AttributeStatement, values(count, "<q:b/>")));
    let login = with(8).unwrap();
    let xml = login.attributes().attribute("x").unwrap();
    assert_eq!(xml.values().len(), 8);
    for place in 0..8 {
        let markup = xml.markup(place).unwrap();
        assert!(markup.contains("<q:b xmlns:q=\"&quot;&quot;") && markup.len() > 6000, "{markup}");
    }
    assert_eq!(xml.markup(8), None);
    let refusal = with(30).unwrap_err();
    assert_eq!(refusal.code(), "xml.limit", "{refusal}");
    assert!(refusal.to_string().contains("canonical_bytes_factor"), "{refusal}");
    // A higher limit accepts them.
    let limits = Limits::default().with_canonical_bytes_extra(1 << 20);
    let wide = Receiver { limits, ..receiver.clone() };
    let many = received(&wide, |r| r.insert(Place::AttributeStatement, values(30, "<q:b/>"))).unwrap();
    assert_eq!(many.attributes().get("x").unwrap().len(), 30);
}

/// Decrypted parts share the budget of the assertion around them, instead of a smaller one of their own.
#[test]
fn values_of_xml_in_an_encrypted_attribute_belong_to_the_assertion() {
    let receiver = okta(NOW);
    let recipient = keys::service_provider().certificate().public_key(&receiver.provider).unwrap();
    let inner = values(1, "<q:b/>").replace(&quotes(), "urn:q").replace("Name='x'", "Name='y'");
    let options = EncryptOptions::default().cipher(ContentCipher::Aes256Gcm);
    let sealed = encrypt(&inner, &recipient, &options, &receiver.provider).unwrap();
    let encrypted = format!(
        "<saml2:EncryptedAttribute xmlns:saml2='urn:oasis:names:tc:SAML:2.0:assertion'>{sealed}</saml2:EncryptedAttribute>"
    );
    let login = received(&receiver, |r| {
        r.insert(Place::AttributeStatement, values(12, "<q:b/>"))
            .insert(Place::AttributeStatement, encrypted.clone())
    });
    let login = login.unwrap();
    assert!(
        login.attributes().attribute("y").unwrap().markup(0).unwrap().contains("<q:b xmlns:q=\"urn:q\">")
    );
}

#[test]
fn many_values_of_xml_are_read_where_they_declare_little() {
    let receiver = okta(NOW);
    let login = received(&receiver, |r| {
        r.insert(Place::AttributeStatement, values(700, "<saml2:NameID>a</saml2:NameID>"))
    });
    assert_eq!(login.unwrap().attributes().get("x").unwrap().len(), 700);
}

#[test]
fn values_of_xml_are_read_right_among_more_prefixes_than_they_have_nodes() {
    let receiver = okta(NOW);
    let mut crowd = String::new();
    for number in 0..200 {
        write!(crowd, "<p{number}:e xmlns:p{number}='u{number}'/>").unwrap();
    }
    let value = "<q:b xmlns:p7='u7' p7:c=''><p7:d xmlns:p7='other'/><q:e/></q:b>";
    let login = received(&receiver, |r| {
        r.insert(Place::BeforeStatus, format!("<saml2p:Extensions xmlns:saml2p='urn:oasis:names:tc:SAML:2.0:protocol'>{crowd}</saml2p:Extensions>"))
            .insert(Place::AttributeStatement, values(1, value))
    })
    .unwrap();
    let expected = format!(
        "<saml2:AttributeValue xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"><q:b xmlns:p7=\"u7\" xmlns:q=\"{}\" p7:c=\"\">\
         <p7:d xmlns:p7=\"other\"></p7:d><q:e></q:e></q:b></saml2:AttributeValue>",
        "&quot;".repeat(1000)
    );
    assert_eq!(login.attributes().attribute("x").unwrap().markup(0), Some(expected.as_str()));
}

#[test]
fn what_was_decrypted_is_not_written_anew() {
    let receiver = okta(NOW);
    let sealed = |signed: Signed, count: usize| {
        let recipient = keys::service_provider().certificate();
        let uses = "<q:b/>".repeat(count);
        received(&receiver, |r| {
            r.sign(signed)
                .encrypt(Encryption::to(recipient).cipher(ContentCipher::Aes256Gcm))
                .insert(
                    Place::AfterConditions,
                    format!(
                        "<saml2:Advice xmlns:saml2='urn:oasis:names:tc:SAML:2.0:assertion' xmlns:q='{}'>{uses}</saml2:Advice>",
                        quotes()
                    ),
                )
        })
    };
    // Without a signature of its own, the decrypted text is read directly, so nothing is written again.
    for (signed, count) in [(Signed::Response, 2), (Signed::Response, 30), (Signed::Both, 2)] {
        assert!(sealed(signed, count).is_ok());
    }
}
