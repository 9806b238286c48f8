//! Kinds of faults of metadata, and of files of keys.

use crate::support::response;
use vouchsafe::crypto::{SignatureAlgorithm, base64_decode};
use vouchsafe::redirect;
use vouchsafe_testkit::{Encryption, IdentityProvider, OKTA_ENTITY_ID, keys};

use crate::{Bench, Told};

impl Bench<'_> {
    pub(super) fn keys_in_metadata(&self, told: &mut Vec<Told>) {
        let okta = IdentityProvider::okta().metadata().unwrap();
        let certificate = keys::identity_provider().certificate().to_base64();
        let other = keys::other_identity_provider().certificate().to_base64();
        let with = |text: &str| {
            let start = okta.find("<ds:X509Certificate>").unwrap() + "<ds:X509Certificate>".len();
            let end = okta.find("</ds:X509Certificate>").unwrap();
            format!("{}{text}{}", &okta[..start], &okta[end..])
        };
        const TWO: &str = "two certificates in one element";
        for (member, text) in [
            ("one after the other", format!("{certificate}{other}")),
            ("in two lines", format!("{certificate}\n{other}")),
            (
                "as PEM",
                format!(
                    "{}{}",
                    keys::identity_provider().certificate().to_pem(),
                    keys::other_identity_provider().certificate().to_pem()
                ),
            ),
        ] {
            told.push(self.show(TWO, member, &with(&text)));
        }
        const BOTH: &str = "two elements for certificates";
        let element = |inside: &str| format!("</ds:X509Certificate>{inside}<ds:X509Certificate>");
        for (member, text) in [
            ("in one X509Data", format!("{certificate}{}{other}", element(""))),
            ("in two X509Data", format!("{certificate}{}{other}", element("</ds:X509Data><ds:X509Data>"))),
            ("one of them unreadable", format!("{certificate}{}AAAA", element(""))),
        ] {
            told.push(self.show(BOTH, member, &with(&text)));
        }
        const BARE: &str = "keys without a certificate";
        let key_info = |inside: &str| {
            let start = okta.find("<ds:X509Data>").unwrap();
            let end = okta.find("</ds:X509Data>").unwrap() + "</ds:X509Data>".len();
            format!("{}{inside}{}", &okta[..start], &okta[end..])
        };
        for (member, inside) in [
            ("a key's name alone", "<ds:KeyName>key 1</ds:KeyName>"),
            (
                "an issuer and serial number alone",
                "<ds:X509Data><ds:X509SubjectName>CN=x</ds:X509SubjectName></ds:X509Data>",
            ),
            (
                "numbers that are none",
                "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>!</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>",
            ),
        ] {
            told.push(self.show(BARE, member, &key_info(inside)));
        }
    }

    pub(super) fn names_in_metadata(&self, told: &mut Vec<Told>) {
        let okta = IdentityProvider::okta().metadata().unwrap();
        let named = |attribute: &str| okta.replace(&format!(" entityID=\"{OKTA_ENTITY_ID}\""), attribute);
        for (member, attribute) in [
            ("missing", ""),
            ("empty", " entityID=\"\""),
            ("in another spelling", " EntityID=\"https://idp.example.com\""),
            ("with a blank", " entityID=\"https://idp.example.com/a b\""),
        ] {
            told.push(self.show("an entityID that is none", member, &named(attribute)));
        }
        for (member, name) in [
            ("Entra ID", "https://sts.windows.net/{tenantid}/"),
            ("percent-encoded", "https://sts.windows.net/%7Btenantid%7D/"),
            ("of a guide", "https://&lt;your-domain>/saml"),
            ("of a script", "https://idp.example.com/${realm}"),
        ] {
            told.push(self.doctor(
                "a placeholder in the entityID",
                member,
                &named(&format!(" entityID=\"{name}\"")),
            ));
        }
        let bare = okta
            .replace("md:", "")
            .replace("ds:", "")
            .replace("xmlns:md", "xmlns:x")
            .replace(" xmlns=", " xmlns:y=");
        let declared = |namespace: &str| {
            format!(
                "<EntityDescriptor xmlns=\"{namespace}\" entityID=\"https://idp.example.com\"><IDPSSODescriptor/></EntityDescriptor>"
            )
        };
        const KIND: &str = "elements in no namespace or another";
        let _ = bare;
        told.push(self.show(KIND, "none", &declared("")));
        told.push(self.show(KIND, "that of SAML 1.1", &declared("urn:oasis:names:tc:SAML:1.1:metadata")));
        told.push(self.show(KIND, "that of the protocol", &declared("urn:oasis:names:tc:SAML:2.0:protocol")));
        told.push(self.show(KIND, "with a typing error", &declared("urn:oasis:names:tc:SAML:2.0:Metadata")));
    }

    pub(super) fn aggregates(&self, told: &mut Vec<Told>) {
        let strip = |text: String| text.split_once("?>").map_or(text.clone(), |(_, rest)| rest.to_owned());
        let okta = strip(IdentityProvider::okta().metadata().unwrap());
        let other = strip(IdentityProvider::other().metadata().unwrap());
        for (member, broken) in [
            ("a time that is none", other.replace("entityID=", "validUntil=\"tomorrow\" entityID=")),
            ("a duration that is none", other.replace("entityID=", "cacheDuration=\"a day\" entityID=")),
            ("no entityID", other.replace("entityID=", "name=")),
            ("an address that is none", other.replace("Location=\"https", "Location=\"htt p")),
        ] {
            let aggregate = format!(
                "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{okta}{broken}</md:EntitiesDescriptor>"
            );
            told.push(self.show("one entity of several is broken", member, &aggregate));
        }
    }

    pub(super) fn files_of_keys(&self, told: &mut Vec<Told>) {
        let sealed =
            response().encrypt(Encryption::to(keys::service_provider().certificate())).issue().unwrap();
        let sealed = self.0.write("sealed.xml", sealed.xml());
        let pem = keys::service_provider().private_key().to_pkcs8_pem().as_str().to_owned();
        const KEY: &str = "a private key from an environment variable";
        for (member, text) in [
            ("line breaks as two characters", pem.trim_end().replace('\n', "\\n")),
            ("as two characters, in quotation marks", format!("\"{}\"", pem.replace('\n', "\\n"))),
            ("carriage returns as characters", pem.trim_end().replace('\n', "\\r\\n")),
            ("in one line", pem.trim_end().replace('\n', " ")),
            ("a certificate in its place", keys::service_provider().certificate().to_pem()),
        ] {
            let file = self.0.write("key.pem", &text);
            told.push(self.run(KEY, member, &["decrypt", "--key", &file, &sealed]));
        }
        let certificate = keys::identity_provider().certificate();
        let plain = redirect::encode("SAMLRequest", "<a/>", None);
        let key = keys::identity_provider().private_key();
        let query =
            vouchsafe::signature::sign_query(&plain, SignatureAlgorithm::RsaSha256, key, keys::provider())
                .unwrap();
        const CERTIFICATE: &str = "a certificate that is not PEM";
        for (member, bytes) in [
            ("DER", base64_decode(certificate.to_base64()).unwrap()),
            ("base64 without lines around it", certificate.to_base64().into_bytes()),
            ("with carriage returns", certificate.to_pem().replace('\n', "\r\n").into_bytes()),
            ("a private key", key.to_pkcs8_pem().as_str().as_bytes().to_vec()),
            ("metadata", IdentityProvider::okta().metadata().unwrap().into_bytes()),
        ] {
            let file = self.0.write("certificate", bytes);
            told.push(self.run(CERTIFICATE, member, &["redirect", "verify", &query, "--certificate", &file]));
        }
    }
}
