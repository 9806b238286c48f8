//! Attacks with valid signatures by a key that is trusted nowhere except in the message itself.

use vouchsafe_crypto::base64_encode;
use vouchsafe_xml::namespace::DSIG11;

use super::scene::{Made, Scene};
use super::signature::{Draft, rsa_key_value, x509};
use super::surgery::{after, append, copy};
use super::wrapping::object;
use super::{Attack, Base, Kind};
use crate::{KeyPair, Part, Signed, TestkitError, keys};

/// CVE-2021-21239: PySAML2 let xmlsec1 use the key from the message.
const PYSAML2: &str = "CVE-2021-21239 (PySAML2)";

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::KeySubstitution, description, make)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("key/own-certificate", "both signed by the attacker's key, with its certificate", |scene| {
        let response = scene.message_about(scene.victim()).key(keys::attacker()).issue()?;
        Ok(vec![scene.hostile(response.xml())])
    })
    .known_as(PYSAML2),
    row("key/own-certificate-response", "the Response signed by the attacker's key, with its certificate", |scene| {
        let response = scene.message_about(scene.victim()).key(keys::attacker()).issue()?;
        Ok(vec![scene.hostile(response.xml())])
    })
    .from(Base::Response),
    row("key/own-certificate-assertion", "the Assertion signed by the attacker's key, with its certificate", |scene| {
        let response = scene.message_about(scene.victim()).key(keys::attacker()).issue()?;
        Ok(vec![scene.hostile(response.xml())])
    })
    .from(Base::Assertion),
    row("key/p256", "both signed by the attacker's key on P-256, with its certificate", |scene| {
        let response = scene.message_about(scene.victim()).key(keys::attacker_p256()).issue()?;
        Ok(vec![scene.hostile(response.xml())])
    }),
    row("key/no-key-info", "both signed by the attacker's key, no KeyInfo", |scene| {
        let response = scene.message_about(scene.victim()).key(keys::attacker()).omit(Part::KeyInfo).issue()?;
        Ok(vec![scene.hostile(response.xml())])
    }),
    row("key/genuine-certificate", "signed by the attacker's key, with the identity provider's certificate", |scene| {
        substituted(scene, &x509(&[genuine(scene).certificate()]))
    })
    .from(Base::Assertion),
    row("key/both-certificates", "signed by the attacker's key, with both certificates, the genuine one first", |scene| {
        substituted(scene, &x509(&[genuine(scene).certificate(), keys::attacker().certificate()]))
    })
    .from(Base::Assertion),
    row("key/both-certificates-own-first", "the same, the attacker's certificate first", |scene| {
        substituted(scene, &x509(&[keys::attacker().certificate(), genuine(scene).certificate()]))
    })
    .from(Base::Assertion),
    row("key/key-value", "signed by the attacker's key, which is in a KeyValue", |scene| {
        substituted(scene, &rsa_key_value(keys::attacker())?)
    })
    .from(Base::Assertion)
    .known_as(PYSAML2),
    row("key/key-value-and-certificate", "the attacker's KeyValue beside the genuine certificate", |scene| {
        let certificate = x509(&[genuine(scene).certificate()]);
        substituted(scene, &[rsa_key_value(keys::attacker())?, certificate].concat())
    })
    .from(Base::Assertion),
    row("key/der-encoded", "signed by the attacker's key, which is in a DEREncodedKeyValue", |scene| {
        let spki = base64_encode(keys::attacker().certificate().spki_der());
        substituted(
            scene,
            &format!("<dsig11:DEREncodedKeyValue xmlns:dsig11=\"{DSIG11}\">{spki}</dsig11:DEREncodedKeyValue>"),
        )
    })
    .from(Base::Assertion),
    row("key/key-name", "signed by the attacker's key, KeyName names the genuine one", |scene| {
        let name = genuine(scene).certificate().subject().to_owned();
        substituted(scene, &format!("<ds:KeyName>{name}</ds:KeyName>"))
    })
    .from(Base::Assertion),
    row("key/retrieval-method", "the attacker's certificate is retrieved from the Response", |scene| {
        let id = format!("{}.certificate", scene.response_id());
        let method = format!(
            "<ds:RetrievalMethod Type=\"http://www.w3.org/2000/09/xmldsig#X509Data\" URI=\"#{id}\"></ds:RetrievalMethod>"
        );
        let data = x509(&[keys::attacker().certificate()])
            .replacen("<ds:X509Data>", &format!("<ds:X509Data Id=\"{id}\">"), 1);
        let message = signed_by_hand(scene, |assertion| {
            Draft::over(assertion)?.key_info(&method).signed_by(keys::attacker().private_key())
        })?;
        Ok(vec![scene.hostile(append(&message, &["Response"], &object(&data))?)])
    })
    .from(Base::Assertion),
    row("key/security-token", "the attacker's certificate in a WS-Security BinarySecurityToken", |scene| {
        let certificate = keys::attacker().certificate().to_base64();
        let wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
        substituted(
            scene,
            &format!(
                "<wsse:SecurityTokenReference xmlns:wsse=\"{wsse}\"><wsse:BinarySecurityToken>{certificate}\
                 </wsse:BinarySecurityToken></wsse:SecurityTokenReference>"
            ),
        )
    })
    .from(Base::Assertion),
];

fn genuine<'s>(scene: &'s Scene<'_>) -> &'s KeyPair {
    scene.target().identity_provider.key()
}

/// Returns a message about the victim, with the Assertion signed by the attacker's key, and with this KeyInfo.
fn substituted(scene: &Scene<'_>, key_info: &str) -> Made {
    let message = signed_by_hand(scene, |assertion| {
        Draft::over(assertion)?.key_info(key_info).signed_by(keys::attacker().private_key())
    })?;
    Ok(vec![scene.hostile(message)])
}

/// Returns a message about the victim, with a signature that is made for its Assertion.
pub(super) fn signed_by_hand(
    scene: &Scene<'_>,
    sign: impl FnOnce(&str) -> Result<String, TestkitError>,
) -> Result<String, TestkitError> {
    let unsigned = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?.into_xml();
    with_signature(&unsigned, sign)
}

/// Adds a signature, which is made for it, to the Assertion of an unsigned message.
pub(super) fn with_signature(
    unsigned: &str,
    sign: impl FnOnce(&str) -> Result<String, TestkitError>,
) -> Result<String, TestkitError> {
    let signature = sign(&copy(unsigned, &["Response", "Assertion"])?)?;
    after(unsigned, &["Response", "Assertion", "Issuer"], &signature)
}
