//! Attacks with answers that are sent instead of the identity provider's: envelopes that a service may not believe.
//! The artifact is genuine.

use vouchsafe_xml::namespace::{SAML_ASSERTION, SAML_PROTOCOL, SOAP_ENVELOPE};

use super::super::surgery;
use super::{Row, Scene, Setting, Text, enveloped};
use crate::logout::soap;
use crate::{Issued, Signed, TestkitError, keys};

const fn row(what: &'static str, description: &'static str, answer: fn(&Scene, &str) -> Text) -> Row {
    Row { what, description, reference: None, setting: Setting::Same, bring: Scene::fields, answer }
}

const fn known_as(reference: &'static str, row: Row) -> Row {
    Row { reference: Some(reference), ..row }
}

const CHANNEL: &str = "CVE-2026-49283 (SimpleSAMLphp)";
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

pub(super) static ROWS: &[Row] = &[
    known_as(
        CHANNEL,
        row(
            "unsigned",
            "the answer is not signed: the TLS channel is used instead of a signature",
            |s, q| enveloped(&s.answer(q, Some(&response(s)?)).xml()?),
        ),
    ),
    known_as(
        CHANNEL,
        row("nothing-signed", "neither the answer nor the Response is signed", |s, q| {
            enveloped(&s.answer(q, Some(&unsigned(s)?)).xml()?)
        }),
    ),
    row(
        "unsigned-response",
        "the answer is signed, and neither the Response inside nor its Assertion",
        |s, q| s.answer(q, Some(&unsigned(s)?)).to_soap(),
    ),
    row("attacker-key", "the answer is signed by a key of the attacker's", |s, q| {
        s.answer(q, Some(&response(s)?)).key(keys::attacker()).to_soap()
    }),
    row("service-provider-key", "the answer is signed by the key of the service itself", |s, q| {
        s.answer(q, Some(&response(s)?)).key(keys::service_provider()).to_soap()
    }),
    row(
        "other-key",
        "the answer is signed by the key of another identity provider that is trusted",
        |s, q| s.answer(q, Some(&response(s)?)).key(s.other().key()).to_soap(),
    ),
    known_as(
        CHANNEL,
        row("other-issuer", "the answer is another trusted identity provider's", |s, q| {
            s.answer_of(s.other(), q, Some(&response(s)?)).to_soap()
        }),
    ),
    known_as(
        CHANNEL,
        row("response-of-another", "the Response inside is another trusted identity provider's", |s, q| {
            let other = s.response().issuer(s.other().entity_id()).key(s.other().key()).issue()?;
            s.answer(q, Some(&other)).to_soap()
        }),
    ),
    row("all-of-another", "the answer and the Response are another trusted identity provider's", |s, q| {
        let other = s.response().issuer(s.other().entity_id()).key(s.other().key()).issue()?;
        s.answer_of(s.other(), q, Some(&other)).to_soap()
    }),
    row("response-by-attacker-key", "the Response inside is signed by a key of the attacker's", |s, q| {
        s.answer(q, Some(&s.response().key(keys::attacker()).issue()?)).to_soap()
    }),
    row("no-issuer", "the answer names no issuer", |s, q| {
        s.answer(q, Some(&response(s)?)).issuer(None).to_soap()
    }),
    row("unknown-issuer", "the answer has an unknown Issuer", |s, q| {
        s.answer(q, Some(&response(s)?)).issuer(Some("https://evil.example")).to_soap()
    }),
    row("issuer-format", "the Format of the answer's Issuer is not entity", |s, q| {
        s.answer(q, Some(&response(s)?)).issuer_format(crate::EMAIL_ADDRESS).to_soap()
    }),
    row("other-question", "a genuine answer to another question", |s, _| {
        s.answer("_another", Some(&response(s)?)).to_soap()
    }),
    row("no-question", "an answer to no question", |s, q| {
        s.answer(q, Some(&response(s)?)).in_response_to(None).to_soap()
    }),
    row("other-request", "the Response inside answers another sign-in", |s, q| {
        s.answer(q, Some(&s.response().in_response_to("_another").issue()?)).to_soap()
    }),
    row("other-audience", "the Response inside is for another service", |s, q| {
        s.answer(q, Some(&s.response().audience("https://other.example/metadata").issue()?)).to_soap()
    }),
    row("other-recipient", "the Response inside is for another assertion consumer", |s, q| {
        let elsewhere = "https://other.example/saml/acs";
        s.answer(q, Some(&s.response().recipient(elsewhere).destination(elsewhere).issue()?)).to_soap()
    }),
    row("expired", "the Response inside is an hour old", |s, q| {
        s.answer(q, Some(&s.response().at(s.in_minutes(-60)).issue()?)).to_soap()
    }),
    row("old", "the answer was issued an hour ago", |s, q| {
        s.answer(q, Some(&response(s)?)).at(s.in_minutes(-60)).to_soap()
    }),
    row("future", "the answer is issued an hour from now", |s, q| {
        s.answer(q, Some(&response(s)?)).at(s.in_minutes(60)).to_soap()
    }),
    row("no-time", "the answer's IssueInstant is not a time", |s, q| {
        s.answer(q, Some(&response(s)?)).issue_instant("now").to_soap()
    }),
    row("version", "the answer is of SAML 1.1", |s, q| {
        s.answer(q, Some(&response(s)?)).version("1.1").to_soap()
    }),
    row("failed", "the answer says that nothing came of it, and has a Response", |s, q| {
        s.answer(q, Some(&response(s)?)).status([format!("{STATUS}Responder")]).to_soap()
    }),
    row("no-status", "the answer has no Status", |s, q| {
        s.answer(q, Some(&response(s)?)).status(Vec::<String>::new()).to_soap()
    }),
    row("in-extensions", "a genuine empty answer with the Response in its Extensions", |s, q| {
        s.answer(q, None).extensions(response(s)?.element()).to_soap()
    }),
    row("wrapped", "a genuine empty answer in Extensions of a forged one", |s, q| {
        let genuine = s.answer(q, None).signed()?;
        enveloped(&s.answer(q, Some(&response(s)?)).id(s.id("forged")).extensions(genuine).xml()?)
    }),
    row("signature-moved", "the signature of a genuine empty answer in a forged one", |s, q| {
        let genuine = surgery::copy(&s.answer(q, None).signed()?, &["ArtifactResponse", "Signature"])?;
        let forged = s.answer(q, Some(&response(s)?)).xml()?;
        enveloped(&surgery::after(&forged, &["ArtifactResponse", "Issuer"], &genuine)?)
    }),
    row("response-added", "a Response put into a genuine empty answer", |s, q| {
        let genuine = s.answer(q, None).signed()?;
        enveloped(&surgery::after(&genuine, &["ArtifactResponse", "Status"], response(s)?.element())?)
    }),
    row("assertion-in-extensions", "a genuine signed Assertion in Extensions signs the answer", |s, q| {
        let assertion = surgery::copy(response(s)?.element(), &["Response", "Assertion"])?;
        let declared = match assertion.contains("xmlns:saml2=") {
            true => assertion,
            false => assertion.replacen(
                "<saml2:Assertion",
                &format!("<saml2:Assertion xmlns:saml2=\"{SAML_ASSERTION}\""),
                1,
            ),
        };
        enveloped(&s.answer(q, Some(&unsigned(s)?)).extensions(declared).xml()?)
    }),
    row("same-id", "an unsigned answer has the ID of the signed Response inside", |s, q| {
        enveloped(&s.answer(q, Some(&response(s)?)).id(s.id("response")).xml()?)
    }),
    row("other-kind", "a signed LogoutResponse with the Response in its Extensions", |s, q| {
        s.answer(q, None).element("LogoutResponse").extensions(response(s)?.element()).to_soap()
    }),
    row("bare-response", "the Response in the Body, without an answer around it", |s, _| {
        enveloped(response(s)?.element())
    }),
    row("no-envelope", "the answer without an envelope", |s, q| s.answer(q, Some(&response(s)?)).signed()),
    row("soap-1.2", "an envelope of SOAP 1.2", |s, q| {
        Ok(s.genuine(q)?.replacen(SOAP_ENVELOPE, "http://www.w3.org/2003/05/soap-envelope", 1))
    }),
    row("two-bodies", "a genuine empty answer, and a second Body with a genuine one", |s, q| {
        let (empty, full) =
            (s.answer(q, None).signed()?, s.answer(q, Some(&response(s)?)).id(s.id("full")).signed()?);
        Ok(soap(&empty).replacen("</S:Body>", &format!("</S:Body><S:Body>{full}</S:Body>"), 1))
    }),
    row("two-answers", "two answers in one Body", |s, q| {
        let (empty, full) =
            (s.answer(q, None).signed()?, s.answer(q, Some(&response(s)?)).id(s.id("full")).signed()?);
        enveloped(&[empty, full].concat())
    }),
    row("in-the-header", "the answer in the Header, beside a fault", |s, q| {
        let answer = s.answer(q, Some(&response(s)?)).signed()?;
        Ok(with_header(&fault(""), &answer))
    }),
    row("must-understand", "a genuine answer below a header that must be understood", |s, q| {
        let block = "<x xmlns=\"urn:example:x\" S:mustUnderstand=\"1\"/>";
        Ok(with_header(&s.genuine(q)?, block))
    }),
    row("in-a-fault", "the answer in the detail of a fault", |s, q| {
        Ok(fault(&s.answer(q, Some(&response(s)?)).signed()?))
    }),
    row("fault-beside", "a genuine answer beside a fault", |s, q| {
        let answer = s.answer(q, Some(&response(s)?)).signed()?;
        Ok(fault("").replacen("</S:Body>", &format!("{answer}</S:Body>"), 1))
    }),
    row("doctype", "a DOCTYPE before a genuine envelope", |s, q| {
        Ok(format!("<!DOCTYPE Envelope>{}", s.genuine(q)?))
    }),
    row("entity", "an entity that is used in a genuine envelope", |s, q| {
        let used = s.genuine(q)?.replacen("<S:Body>", "<S:Header>&e;</S:Header><S:Body>", 1);
        Ok(format!("<!DOCTYPE Envelope [<!ENTITY e \"x\">]>{used}"))
    }),
    row("entities-without-end", "entities that expand to some 30 MiB", |s, q| {
        let levels = ["a", "b", "c", "d", "e", "f", "g"];
        let declared: String = levels
            .iter()
            .zip(levels.iter().skip(1))
            .map(|(from, to)| format!("<!ENTITY {to} \"{}\">", format!("&{from};").repeat(18)))
            .collect();
        let used = s.genuine(q)?.replacen("<S:Body>", "<S:Header>&g;</S:Header><S:Body>", 1);
        Ok(format!("<!DOCTYPE Envelope [<!ENTITY a \"x\">{declared}]>{used}"))
    }),
    row("large", "a genuine answer behind two megabytes of white space", |s, q| {
        Ok(s.genuine(q)?.replacen("<S:Body>", &format!("<S:Body>{}", " ".repeat(2_000_000)), 1))
    }),
    row("comment", "the victim's name behind a comment in a name that somebody else owns", |s, q| {
        let response = response(s)?;
        let longer =
            response.element().replacen("</saml2:NameID>", "<!-- -->.evil.example</saml2:NameID>", 1);
        s.answer(q, None).raw(longer).to_soap()
    }),
    row("foreign-answer", "an answer in another vocabulary", |s, q| {
        let answer = s.answer(q, Some(&response(s)?)).xml()?;
        enveloped(&answer.replacen(
            &format!("xmlns:samlp=\"{SAML_PROTOCOL}\""),
            "xmlns:samlp=\"urn:example\"",
            1,
        ))
    }),
];

/// Returns a genuine Response about the victim.
fn response(scene: &Scene) -> Result<Issued, TestkitError> {
    scene.response().issue()
}

fn unsigned(scene: &Scene) -> Result<Issued, TestkitError> {
    scene.response().sign(Signed::Neither).issue()
}

fn with_header(envelope: &str, block: &str) -> String {
    envelope.replacen("<S:Body>", &format!("<S:Header>{block}</S:Header><S:Body>"), 1)
}

fn fault(detail: &str) -> String {
    soap(&format!(
        "<S:Fault><faultcode>S:Server</faultcode><faultstring>no</faultstring><detail>{detail}</detail></S:Fault>"
    ))
}
