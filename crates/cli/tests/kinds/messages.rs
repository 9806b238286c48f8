//! Kinds of faults of queries, requests and recordings.

use crate::support::response;
use serde_json::json;
use vouchsafe::crypto::{SignatureAlgorithm, base64_encode};
use vouchsafe::redirect;
use vouchsafe_testkit::{ASSERTION_CONSUMER, KeyPair, keys};

use crate::{Bench, Told};

impl Bench<'_> {
    pub(super) fn queries(&self, told: &mut Vec<Told>) {
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

    pub(super) fn requests(&self, told: &mut Vec<Told>) {
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
            told.push(self.doctor(
                "an ID that is not an NCName",
                member,
                &request(id, "2026-01-01T00:00:00Z"),
            ));
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

    pub(super) fn recordings(&self, told: &mut Vec<Told>) {
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
}
