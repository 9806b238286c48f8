//! Kinds of faults of responses.

use crate::support::response;
use vouchsafe::crypto::{KeyKind, SignatureAlgorithm, base64_decode, base64_encode};
use vouchsafe::redirect;
use vouchsafe_testkit::{
    ASSERTION_CONSUMER, Attribute, Encryption, IdentityProvider, KeyPair, Part, Place, ResponseBuilder,
    SERVICE_PROVIDER, Signed, keys,
};

use crate::{Bench, Told};

impl Bench<'_> {
    pub(super) fn statuses(&self, told: &mut Vec<Told>) {
        const KIND: &str = "a refusal with something beside it";
        let denied = || {
            response().status([
                "urn:oasis:names:tc:SAML:2.0:status:Responder",
                "urn:oasis:names:tc:SAML:2.0:status:RequestDenied",
            ])
        };
        let to_us = Encryption::to(keys::service_provider().certificate());
        told.push(self.issued(KIND, "an encrypted assertion", denied().encrypt(to_us)));
        told.push(self.issued(KIND, "an unknown issuer", denied().issuer("https://nobody.example")));
        told.push(self.issued(KIND, "a signature of nobody", denied().key(keys::attacker())));
        told.push(self.issued(
            KIND,
            "nothing signed",
            denied().sign(Signed::Neither).status_message("no licence"),
        ));
        told.push(self.issued(KIND, "no assertion", denied().omit(Part::Assertion)));
    }

    pub(super) fn correlation(&self, told: &mut Vec<Told>) {
        const KIND: &str = "an empty InResponseTo";
        let issue = |response: ResponseBuilder| response.issue().unwrap().into_xml();
        let unasked = || IdentityProvider::okta().response().name_id("ada@example.com");
        let unsolicited = ["--unsolicited"];
        told.push(self.checked(KIND, "of both", &issue(unasked().in_response_to("")), &unsolicited));
        told.push(self.checked(
            KIND,
            "of the Response",
            &issue(unasked().response_in_response_to("")),
            &unsolicited,
        ));
        told.push(self.checked(
            KIND,
            "of the confirmation",
            &issue(unasked().subject_in_response_to("")),
            &unsolicited,
        ));
        told.push(self.issued(KIND, "in an answer", response().response_in_response_to("")));
        told.push(self.checked(KIND, "of a blank", &issue(unasked().in_response_to(" ")), &unsolicited));
    }

    pub(super) fn fields(&self, told: &mut Vec<Told>) {
        let xml = response().issue().unwrap().into_xml();
        let deflated = redirect::encode("SAMLResponse", &xml, None)
            .trim_start_matches("SAMLResponse=")
            .replace("%2B", "+")
            .replace("%2F", "/")
            .replace("%3D", "=");
        let zlib = [&[0x78, 0x9C][..], &base64_decode(&deflated).unwrap(), &[0; 4]].concat();
        let utf16: Vec<u8> = xml.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let twice = base64_encode(base64_encode(xml.as_bytes()).as_bytes());
        for (member, field) in [
            ("deflated", deflated),
            ("with a zlib header", base64_encode(&zlib)),
            ("twice", twice),
            ("UTF-16", base64_encode(&utf16)),
            ("an artifact", base64_encode(&[&[0, 4, 0, 0][..], &[7; 40]].concat())),
        ] {
            told.push(self.checked(
                "a posted field that is not base64 of XML",
                member,
                &field,
                &["--base64"],
            ));
        }
        let base64 = base64_encode("<samlp:Response>???>>></samlp:Response>".as_bytes());
        let url = base64.replace('+', "-").replace('/', "_");
        const KIND: &str = "base64url";
        told.push(self.run(KIND, "in a query", &["redirect", "decode", &format!("SAMLRequest={url}")]));
        told.push(self.run(
            KIND,
            "in an address",
            &["redirect", "decode", &format!("https://idp.example.com/sso?SAMLResponse={url}&RelayState=x")],
        ));
        told.push(self.checked(KIND, "in a form", &url, &["--base64"]));
        told.push(self.doctor(KIND, "in a file", &url));
    }

    pub(super) fn by_redirect(&self, told: &mut Vec<Told>) {
        const KIND: &str = "a Response by HTTP-Redirect";
        let issued = response().issue().unwrap();
        let bare = response().sign(Signed::Neither).issue().unwrap();
        let query = |xml: &str| redirect::encode("SAMLResponse", xml, None);
        let signed = {
            let key = keys::identity_provider().private_key();
            let query = query(bare.xml());
            vouchsafe::signature::sign_query(&query, SignatureAlgorithm::RsaSha256, key, keys::provider())
                .unwrap()
        };
        told.push(self.doctor(KIND, "a query", &query(issued.xml())));
        told.push(self.doctor(
            KIND,
            "an address",
            &format!("{ASSERTION_CONSUMER}?{}&RelayState=x", query(issued.xml())),
        ));
        told.push(self.doctor(
            KIND,
            "with a signature in the query",
            &format!("{ASSERTION_CONSUMER}?{signed}"),
        ));
        told.push(self.doctor(
            KIND,
            "with another parameter",
            &format!("https://x.example/?a=1&{}#top", query(bare.xml())),
        ));
    }

    pub(super) fn white_space(&self, told: &mut Vec<Told>) {
        const KIND: &str = "white space round an identifier";
        for (member, response) in [
            ("a line break after the NameID", response().name_id("ada@example.com\n")),
            ("blanks before the NameID", response().name_id("  ada@example.com")),
            (
                "a no-break space after a group",
                response().attribute(Attribute::new("groups", ["staff\u{a0}"])),
            ),
            ("a tab in the name of an attribute", response().attribute(Attribute::new("role\t", ["x"]))),
        ] {
            told.push(self.doctor(KIND, member, response.issue().unwrap().xml()));
        }
    }

    pub(super) fn references(&self, told: &mut Vec<Told>) {
        const KIND: &str = "a reference that names no element by its ID";
        let uri = |signed, instead: &str| {
            let xml = response().sign(signed).issue().unwrap().into_xml();
            let start = xml.find("URI=\"#").unwrap() + "URI=\"".len();
            let end = start + xml[start..].find('"').unwrap();
            format!("{}{instead}{}", &xml[..start], &xml[end..])
        };
        told.push(self.checked(KIND, "empty, of the Response", &uri(Signed::Response, ""), &[]));
        told.push(self.checked(KIND, "empty, of the Assertion", &uri(Signed::Assertion, ""), &[]));
        told.push(self.checked(KIND, "an XPointer", &uri(Signed::Response, "#xpointer(/)"), &[]));
        told.push(self.checked(KIND, "a file", &uri(Signed::Response, "response.xml"), &[]));
        let without = response().sign(Signed::Response).issue().unwrap().into_xml();
        let start = without.find(" URI=\"#").unwrap();
        let end = start + 1 + without[start + 6..].find('"').unwrap() + 6;
        told.push(self.checked(KIND, "none", &format!("{}{}", &without[..start], &without[end..]), &[]));
    }

    pub(super) fn confirmations(&self, told: &mut Vec<Told>) {
        const KIND: &str = "a confirmation without an end";
        told.push(self.issued(KIND, "none", response().omit(Part::SubjectNotOnOrAfter)));
        let two = "<saml2:SubjectConfirmation xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" Method=\"urn:oasis:names:tc:SAML:2.0:cm:holder-of-key\"/>";
        told.push(self.issued(
            KIND,
            "none, and another method beside it",
            response().omit(Part::SubjectNotOnOrAfter).insert(Place::Subject, two),
        ));
        told.push(self.issued(
            KIND,
            "none, and a start",
            response().omit(Part::SubjectNotOnOrAfter).subject_not_before("2025-12-31T23:59:00Z"),
        ));
        told.push(
            self.checked(
                KIND,
                "none, encrypted",
                response()
                    .omit(Part::SubjectNotOnOrAfter)
                    .encrypt(Encryption::to(keys::service_provider().certificate()))
                    .issue()
                    .unwrap()
                    .xml(),
                &["--decryption-key", &self.0.path("sp.key")],
            ),
        );
    }

    pub(super) fn fingerprints(&self, told: &mut Vec<Told>) {
        const KIND: &str = "fingerprints of keys";
        let other = self.0.write("other.xml", IdentityProvider::other().metadata().unwrap());
        let by = |pair: &KeyPair| response().key(pair).issue().unwrap().into_xml();
        told.push(self.checked(KIND, "an unknown key", &by(keys::attacker()), &[]));
        told.push(self.checked(
            KIND,
            "another provider's key",
            &by(keys::other_identity_provider()),
            &["--idp-metadata", &other, "--asked", vouchsafe_testkit::OKTA_ENTITY_ID],
        ));
        told.push(self.checked(KIND, "a key of another kind", &by(keys::identity_provider_p256()), &[]));
        let without = response().key(keys::attacker()).omit(Part::KeyInfo).issue().unwrap().into_xml();
        told.push(self.checked(KIND, "no certificate sent along", &without, &[]));
        assert!(matches!(keys::attacker().private_key().kind(), KeyKind::Rsa { .. }));
        assert!(!SERVICE_PROVIDER.is_empty());
    }
}
