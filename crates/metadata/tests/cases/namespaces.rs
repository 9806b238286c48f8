//! Elements in another namespace or in none, and content that is not metadata at all.

use crate::{SAML2, SSO, certificate, good, group, refuses, signing_key, x509_data};

const LOST: &str = "whose declaration (xmlns) was lost or altered";
const DOWNLOAD: &str = "Give the file behind the \"Identity Provider metadata\" link, as downloaded";
const PAGE: &str = "A sign-in page or an error page was saved in the place of the metadata.";

#[test]
fn elements_in_another_namespace() {
    let lost = |xml: &str| xml.replace("<md:", "<").replace("</md:", "</");
    let good = good("https://idp.example.com");
    let expected = "expected an md:EntityDescriptor or md:EntitiesDescriptor, found";
    let none = "the entity in this metadata is not an identity provider: it has no md:IDPSSODescriptor, and no other role either";
    let role = good.replace("md:IDPSSODescriptor", "IDPSSODescriptor");
    let role_of_another =
        role.replace("<IDPSSODescriptor", "<IDPSSODescriptor xmlns='urn:oasis:names:tc:SAML:2.0:assertion'");
    let alone = format!(
        "<md:IDPSSODescriptor {} {SAML2}>{}{SSO}</md:IDPSSODescriptor>",
        crate::NAMES,
        signing_key(&x509_data(&[&certificate("idp.example.com")]))
    );
    for (name, xml, code, words, hint) in [
        ("none", lost(&good), "metadata.root", format!("{expected} “EntityDescriptor” in no namespace"), LOST),
        ("none round a group", lost(&group("", &good)), "metadata.root", format!("{expected} “EntitiesDescriptor” in no namespace"), LOST),
        (
            "another version",
            good.replace("SAML:2.0:metadata", "SAML:1.1:metadata"),
            "metadata.root",
            format!("{expected} “EntityDescriptor” in namespace “urn:oasis:names:tc:SAML:1.1:metadata”"),
            LOST,
        ),
        (
            "a slash behind it",
            good.replace("SAML:2.0:metadata", "SAML:2.0:metadata/"),
            "metadata.root",
            format!("{expected} “EntityDescriptor” in namespace “urn:oasis:names:tc:SAML:2.0:metadata/”"),
            LOST,
        ),
        (
            "a role in none",
            role,
            "metadata.no_identity_provider",
            format!("{none}; an element IDPSSODescriptor is in no namespace, not in urn:oasis:names:tc:SAML:2.0:metadata"),
            LOST,
        ),
        (
            "a role in another",
            role_of_another,
            "metadata.no_identity_provider",
            format!("{none}; an element IDPSSODescriptor is in namespace “urn:oasis:names:tc:SAML:2.0:assertion”, not in urn:oasis:names:tc:SAML:2.0:metadata"),
            LOST,
        ),
        (
            "entities of a group in none",
            group("", &lost(&good)),
            "metadata.namespace",
            "expected md:EntityDescriptor in namespace urn:oasis:names:tc:SAML:2.0:metadata, found “EntityDescriptor” in no namespace".to_owned(),
            LOST,
        ),
        (
            "a role alone",
            alone,
            "metadata.root",
            format!("{expected} “IDPSSODescriptor” in namespace “urn:oasis:names:tc:SAML:2.0:metadata”"),
            "This is a part of metadata. Give the whole document",
        ),
        (
            "a message",
            "<samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'/>".to_owned(),
            "metadata.root",
            format!("{expected} “Response” in namespace “urn:oasis:names:tc:SAML:2.0:protocol”"),
            "This is a message.",
        ),
        ("something else", "<a/>".to_owned(), "metadata.root", format!("{expected} “a” in no namespace"), DOWNLOAD),
        ("nobody", group("", ""), "metadata.no_identity_provider", "this metadata holds no entity at all".to_owned(), "metadata of a service provider"),
    ] {
        println!("{name}");
        refuses(xml.as_bytes(), code, &words, hint);
    }
}

/// The hint about a page that was saved by mistake is only given for HTML.
#[test]
fn what_is_no_metadata() {
    for (bytes, code, words, hint) in [
        (
            &b"<html><body>Sign in</body></html>"[..],
            "metadata.root",
            "this is not metadata: it is an HTML page",
            PAGE,
        ),
        (
            b"<html xmlns='http://www.w3.org/1999/xhtml'/>",
            "metadata.root",
            "this is not metadata: it is an HTML page",
            PAGE,
        ),
        (b"<HTML></HTML>", "metadata.root", "this is not metadata: it is an HTML page", PAGE),
        (
            b"<!DOCTYPE html><html><br></html>",
            "xml.doctype",
            "this is not metadata: it is an HTML page (",
            PAGE,
        ),
        (
            b"\xef\xbb\xbf\n<!doctype HTML>\n<html>",
            "xml.",
            "this is not metadata: it is an HTML page (",
            PAGE,
        ),
        (
            b"<!-- saved from url --><html><p>a & b</html>",
            "xml.",
            "this is not metadata: it is an HTML page (",
            PAGE,
        ),
        (
            b"{\"issuer\": \"https://idp.example.com\"}",
            "xml.",
            "this is not metadata: it is JSON (",
            "OpenID Connect",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            "xml.",
            "this is not metadata: it is PEM, a certificate or a key (",
            "which has the certificate in it",
        ),
        (b"PD94bWwgdmVyc2lvbj0iMS4wIj8+", "xml.", "this is not metadata: it is base64 (", "base64 -d"),
        (
            b"\x1f\x8b\x08\x00\x00",
            "xml.",
            "this is not metadata: it is a compressed file (",
            "Unpack it first",
        ),
        (
            b"https://idp.example.com/metadata",
            "xml.",
            "this is not metadata: it is an address (",
            "the document behind the address",
        ),
        (b" \r\n", "xml.", "this is not metadata: it is empty (", "Fetch the metadata again"),
        (b"", "xml.", "this is not metadata: it is empty (", "Fetch the metadata again"),
        (b"<md:EntityDescriptor", "xml.", "the metadata cannot be read as XML: ", DOWNLOAD),
        (b"junk", "xml.", "the metadata cannot be read as XML: ", DOWNLOAD),
    ] {
        let error = vouchsafe_metadata::IdentityProvider::from_metadata(bytes).unwrap_err();
        let shown = error.to_string();
        println!("{shown}");
        assert!(error.code().starts_with(code), "{shown}: {}", error.code());
        assert!(
            if words.ends_with('(') || words.ends_with(' ') {
                shown.starts_with(words)
            } else {
                shown == words
            },
            "{shown}"
        );
        assert!(error.hint().contains(hint), "{shown}: {}", error.hint());
        assert_eq!(error.hint().contains("sign-in page"), hint == PAGE, "{shown}");
    }
}
