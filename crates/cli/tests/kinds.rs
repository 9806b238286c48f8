//! The kinds of faults that users of SAML software report in public: of each kind several members, with the exact first line that is told.
//!
//! The first line is the code and the message: of `response check` what stands behind "refused", of the doctor the first complaint about the
//! first file, of `metadata show` what is said of the first entity. Fingerprints are those of the test kit's keys, by their names.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "tests fail by panicking, and use a part of what tests share"
)]

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::{Folder, check, response, vouchsafe};
use vouchsafe::crypto::{KeyKind, SignatureAlgorithm, base64_decode, base64_encode};
use vouchsafe::redirect;
use vouchsafe_testkit::{
    ASSERTION_CONSUMER, Attribute, Encryption, IdentityProvider, KeyPair, OKTA_ENTITY_ID, Part, Place,
    ResponseBuilder, SERVICE_PROVIDER, Signed, keys,
};

/// A kind, a member of it, and what is told.
type Told = (&'static str, &'static str, String);

#[test]
fn the_first_line_of_each_member_of_each_kind() {
    let folder = Folder::new("kinds");
    let bench = Bench(&folder);
    let mut told: Vec<Told> = Vec::new();
    bench.statuses(&mut told);
    bench.correlation(&mut told);
    bench.fields(&mut told);
    bench.by_redirect(&mut told);
    bench.white_space(&mut told);
    bench.references(&mut told);
    bench.queries(&mut told);
    bench.requests(&mut told);
    bench.keys_in_metadata(&mut told);
    bench.names_in_metadata(&mut told);
    bench.aggregates(&mut told);
    bench.files_of_keys(&mut told);
    bench.recordings(&mut told);
    bench.confirmations(&mut told);
    bench.fingerprints(&mut told);

    let expected: Vec<Vec<String>> = serde_json::from_str(include_str!("kinds.json")).unwrap();
    let found: Vec<Vec<String>> = told
        .into_iter()
        .map(|(kind, member, line)| vec![kind.to_owned(), member.to_owned(), bench.plain(&line)])
        .collect();
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(expected, found);
    }
    if expected.len() != found.len() {
        panic!("{}", serde_json::to_string_pretty(&found).unwrap());
    }
    let mut members: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &found {
        *members.entry(row[0].as_str()).or_default() += 1;
    }
    assert_eq!(members.len(), 22, "{members:?}");
    assert!(members.values().all(|count| *count >= 3), "{members:?}");
}

struct Bench<'f>(&'f Folder);

impl Bench<'_> {
    /// Without what differs from run to run.
    fn plain(&self, line: &str) -> String {
        let folder = self.0.path("");
        let mut line = line.replace(&folder, "");
        let pairs = [
            ("idp", keys::identity_provider()),
            ("attacker", keys::attacker()),
            ("other", keys::other_identity_provider()),
            ("p256", keys::identity_provider_p256()),
            ("sp", keys::service_provider()),
        ];
        for (name, pair) in pairs {
            line = line.replace(&pair.certificate().fingerprint_sha256(), &format!("{{{name}}}"));
            line = line.replace(pair.private_key().public_key().fingerprint(), &format!("{{key of {name}}}"));
        }
        let mut plain = String::new();
        let mut rest = line.as_str();
        // Identifiers of the test kit and digests.
        while let Some((before, after)) = rest.split_once("“#id") {
            plain.push_str(before);
            plain.push_str("“#id…”");
            rest = after.split_once('”').map_or("", |(_, rest)| rest);
        }
        plain.push_str(rest);
        if let (Some(start), Some(end)) = (plain.find(": digest expected"), plain.find("=; ")) {
            plain.replace_range(start..=end, ": digests");
        }
        plain
    }

    fn checked(&self, kind: &'static str, member: &'static str, xml: &str, more: &[&str]) -> Told {
        let file = self.0.write("response", xml);
        let mut arguments = more.to_vec();
        arguments.extend(["--format", "json"]);
        let run = check(self.0, &file, &arguments);
        let human = check(self.0, &file, more);
        if run.status == 2 {
            let error: Value = serde_json::from_str(&run.stderr).unwrap();
            return (kind, member, line(&error));
        }
        let found = run.json();
        if found["verdict"] == "refused" {
            // What is no XML at all is told without a ledger, as a diagnostic.
            let (first, expected) = match human.stdout.lines().next() {
                Some(first) => (Some(first), format!("refused {}", line(&found))),
                None => (human.stderr.lines().next(), format!("error{}", line(&found))),
            };
            assert_eq!(first, Some(expected.as_str()));
        }
        (kind, member, if found["verdict"] == "accepted" { "accepted".to_owned() } else { line(&found) })
    }

    fn issued(&self, kind: &'static str, member: &'static str, response: ResponseBuilder) -> Told {
        self.checked(kind, member, response.issue().unwrap().xml(), &[])
    }

    fn run(&self, kind: &'static str, member: &'static str, arguments: &[&str]) -> Told {
        let run = vouchsafe(["--format", "json"].iter().chain(arguments));
        let answer = if run.stdout.is_empty() { &run.stderr } else { &run.stdout };
        let found: Value = serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        let told = match (found.get("exhibits"), found.get("entities")) {
            (Some(exhibits), _) => match exhibits[0]["complaints"].get(0) {
                Some(complaint) => format!("[{}]: {}", text(&complaint["code"]), text(&complaint["message"])),
                None => "nothing".to_owned(),
            },
            (_, Some(_)) => of_metadata(&found),
            _ if found.get("code").is_some() => line(&found),
            _ => "accepted".to_owned(),
        };
        (kind, member, told)
    }

    /// The doctor about one text.
    fn doctor(&self, kind: &'static str, member: &'static str, content: &str) -> Told {
        let file = self.0.write("file", content);
        self.run(kind, member, &["doctor", &file])
    }

    fn show(&self, kind: &'static str, member: &'static str, metadata: &str) -> Told {
        let file = self.0.write("metadata.xml", metadata);
        self.run(kind, member, &["metadata", "show", &file])
    }

    fn statuses(&self, told: &mut Vec<Told>) {
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

    fn correlation(&self, told: &mut Vec<Told>) {
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

    fn fields(&self, told: &mut Vec<Told>) {
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

    fn by_redirect(&self, told: &mut Vec<Told>) {
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

    fn white_space(&self, told: &mut Vec<Told>) {
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

    fn references(&self, told: &mut Vec<Told>) {
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

    fn queries(&self, told: &mut Vec<Told>) {
        const KIND: &str = "the signature of a query";
        let algorithm = SignatureAlgorithm::RsaSha256;
        let plain = redirect::encode("SAMLRequest", "<a/>", None);
        let state = format!("{plain}&RelayState=%2Fhome");
        let name = "SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256";
        let signature = |pair: &KeyPair, text: &str| {
            let value = keys::provider().sign(algorithm, pair.private_key(), text.as_bytes()).unwrap();
            base64_encode(&value).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
        };
        let idp = keys::identity_provider();
        for (member, sent, pair, over) in [
            ("over an empty RelayState", &plain, idp, format!("{plain}&RelayState=&{name}")),
            ("without its RelayState", &state, idp, format!("{plain}&{name}")),
            ("in another order", &state, idp, format!("RelayState=%2Fhome&{plain}&{name}")),
            (
                "in the other letter case",
                &state,
                idp,
                format!("{state}&{name}").replace("%2F", "%2f").replace("%3A", "%3a"),
            ),
            ("with another RelayState encoding", &state, idp, format!("{plain}&RelayState=/home&{name}")),
            ("by another key", &state, keys::attacker(), format!("{state}&{name}")),
            ("over another text", &state, idp, format!("{state}2&{name}")),
        ] {
            let query = format!("{sent}&{name}&Signature={}", signature(pair, &over));
            let certificate = self.0.path("idp.crt");
            told.push(self.run(KIND, member, &["redirect", "verify", &query, "--certificate", &certificate]));
        }
    }

    fn requests(&self, told: &mut Vec<Told>) {
        let request = |id: &str, instant: &str| {
            format!(
                "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Version=\"2.0\" ID=\"{id}\" IssueInstant=\"{instant}\"/>"
            )
        };
        for (member, id) in [
            ("a digit", "4f1c"),
            ("a minus", "-a"),
            ("a GUID", "0a1b2c3d-0000-4000-8000-000000000000"),
            ("a blank inside", "a b"),
        ] {
            told.push(self.doctor("an ID that is no NCName", member, &request(id, "2026-01-01T00:00:00Z")));
        }
        for (member, instant) in [
            ("without a zone", "2026-01-01T00:00:00"),
            ("with an offset", "2026-01-01T01:00:00+01:00"),
            ("a date", "2026-01-01"),
            ("seconds since 1970", "1767225600"),
        ] {
            told.push(self.doctor("an IssueInstant that is not UTC", member, &request("_1", instant)));
        }
    }

    fn keys_in_metadata(&self, told: &mut Vec<Told>) {
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

    fn names_in_metadata(&self, told: &mut Vec<Told>) {
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

    fn aggregates(&self, told: &mut Vec<Told>) {
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

    fn files_of_keys(&self, told: &mut Vec<Told>) {
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
        for (member, octets) in [
            ("DER", base64_decode(certificate.to_base64()).unwrap()),
            ("base64 without lines around it", certificate.to_base64().into_bytes()),
            ("with carriage returns", certificate.to_pem().replace('\n', "\r\n").into_bytes()),
            ("a private key", key.to_pkcs8_pem().as_str().as_bytes().to_vec()),
            ("metadata", IdentityProvider::okta().metadata().unwrap().into_bytes()),
        ] {
            let file = self.0.write("certificate", octets);
            told.push(self.run(CERTIFICATE, member, &["redirect", "verify", &query, "--certificate", &file]));
        }
    }

    fn recordings(&self, told: &mut Vec<Told>) {
        const KIND: &str = "an export of SAML-tracer";
        let post = |issued: &str| json!({"method": "POST", "url": ASSERTION_CONSUMER, "post": [["SAMLResponse", issued]]});
        let page = json!({"method": "GET", "url": "https://app.example.com/"});
        let good = response().issue().unwrap().to_base64();
        let denied =
            response().status(["urn:oasis:names:tc:SAML:2.0:status:Requester"]).issue().unwrap().to_base64();
        for (member, requests) in [
            ("without a message", json!([page])),
            ("with a Response", json!([page, post(&good)])),
            ("with a refusal", json!([page, post(&denied)])),
            ("of nothing", json!([])),
        ] {
            told.push(self.doctor(
                KIND,
                member,
                &json!({"requests": requests, "timestamp": "x"}).to_string(),
            ));
        }
    }

    fn confirmations(&self, told: &mut Vec<Told>) {
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

    fn fingerprints(&self, told: &mut Vec<Told>) {
        const KIND: &str = "fingerprints of keys";
        let other = self.0.write("other.xml", IdentityProvider::other().metadata().unwrap());
        let by = |pair: &KeyPair| response().key(pair).issue().unwrap().into_xml();
        told.push(self.checked(KIND, "an unknown key", &by(keys::attacker()), &[]));
        told.push(self.checked(
            KIND,
            "another provider's key",
            &by(keys::other_identity_provider()),
            &["--idp-metadata", &other],
        ));
        told.push(self.checked(KIND, "a key of another kind", &by(keys::identity_provider_p256()), &[]));
        let without = response().key(keys::attacker()).omit(Part::KeyInfo).issue().unwrap().into_xml();
        told.push(self.checked(KIND, "no certificate sent along", &without, &[]));
        assert!(matches!(keys::attacker().private_key().kind(), KeyKind::Rsa { .. }));
        assert!(!SERVICE_PROVIDER.is_empty());
    }
}

/// What is said of the first entity, or how many keys it has.
fn of_metadata(found: &Value) -> String {
    if let Some(left_out) = found["left_out"].get(0) {
        return line(left_out);
    }
    let trust = &found["identity_provider"];
    if trust.get("code").is_some() {
        return line(trust);
    }
    let entities = || found["entities"].as_array().into_iter().flatten();
    if let Some(refused) = entities().find_map(|entity| entity.get("refused")) {
        return line(refused);
    }
    let roles = || entities().flat_map(|entity| entity["roles"].as_array().into_iter().flatten());
    let endpoints = roles().flat_map(|role| role["endpoints"].as_array().into_iter().flatten());
    if let Some(unusable) = endpoints.into_iter().find_map(|endpoint| endpoint.get("unusable")) {
        return format!("an endpoint: {}", text(unusable));
    }
    let of_roles = roles().flat_map(|role| role["warnings"].as_array().into_iter().flatten());
    let of_entities = entities().flat_map(|entity| entity["warnings"].as_array().into_iter().flatten());
    let mut warnings = trust["warnings"].as_array().into_iter().flatten().chain(of_entities).chain(of_roles);
    let count: usize = roles().map(|role| role["keys"].as_array().map_or(0, Vec::len)).sum();
    match warnings.next() {
        Some(warning) => format!("{}; keys: {count}", line(warning)),
        None => format!("keys: {count}"),
    }
}

fn line(found: &Value) -> String {
    format!("[{}]: {}", text(&found["code"]), text(&found["message"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}
