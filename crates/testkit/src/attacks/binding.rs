//! Attacks on the form around the message (SAML bindings, 3.5). To make these attacks, post
//! [`Form::to_body`](super::Form::to_body).

use vouchsafe_crypto::base64_encode;
use vouchsafe_xml::namespace::{SAML_ASSERTION, SAML_PROTOCOL};

use super::scene::{Made, Scene};
use super::signature::{Draft, x509};
use super::surgery::{after, copy, root};
use super::{Attack, Base, Kind};
use crate::deflate::deflated;
use crate::{Signed, TestkitError};

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Binding, description, make)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("binding/repeated-forged-last", "SAMLResponse twice: genuine, then forged", |scene| {
        let form = scene.bent(scene.message().issue()?.xml());
        Ok(vec![form.with_last("SAMLResponse", unsigned(scene)?)])
    }),
    row("binding/repeated-forged-first", "SAMLResponse twice: forged, then genuine", |scene| {
        let form = scene.bent(scene.message().issue()?.xml());
        Ok(vec![form.with_first("SAMLResponse", unsigned(scene)?)])
    }),
    row("binding/empty", "an empty SAMLResponse", |scene| Ok(vec![scene.hostile("")])),
    row("binding/absent", "no SAMLResponse at all", |scene| {
        Ok(vec![scene.hostile("").without("SAMLResponse")])
    }),
    row("binding/not-base64", "the forged message as it is, not in base64", |scene| {
        let forged = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?.into_xml();
        Ok(vec![scene.hostile("").without("SAMLResponse").with_first("SAMLResponse", forged)])
    }),
    row("binding/request-field", "a forged message in the field SAMLRequest", |scene| {
        Ok(vec![scene.hostile("").without("SAMLResponse").with_first("SAMLRequest", unsigned(scene)?)])
    }),
    row("binding/deflated", "a forged message, deflated as in a redirect", |scene| {
        let forged = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?.into_xml();
        Ok(vec![scene.hostile(deflated(&forged))])
    }),
    row("binding/deflate-bomb", "2 MiB of spaces and a genuine message, deflated to some KiB", |scene| {
        let issued = scene.message().issue()?.into_xml();
        Ok(vec![scene.bent(deflated(&[" ".repeat(2 << 20).as_str(), root(&issued)].concat()))])
    }),
    row("binding/assertion", "a signed Assertion without a Response around it", |scene| {
        let issued = scene.message().issue()?.into_xml();
        Ok(vec![scene.bent(copy(&issued, &["Response", "Assertion"])?)])
    })
    .from(Base::Assertion),
    row("binding/logout-response", "a signed LogoutResponse with a forged Assertion in it", |scene| {
        other_message(scene, "LogoutResponse")
    }),
    row("binding/artifact-response", "a signed ArtifactResponse around a forged Response", |scene| {
        other_message(scene, "ArtifactResponse")
    }),
    row("binding/authn-request", "a signed AuthnRequest with a forged Assertion in it", |scene| {
        other_message(scene, "AuthnRequest")
    }),
];

/// Returns a forged message without a signature, in base64.
fn unsigned(scene: &Scene<'_>) -> Result<String, TestkitError> {
    Ok(scene.message_about(scene.victim()).sign(Signed::Neither).issue()?.to_base64())
}

/// Returns another protocol message that the identity provider signed. It contains an Assertion that the identity
/// provider did not mean to issue, as if the attacker could choose a part of the message.
fn other_message(scene: &Scene<'_>, name: &str) -> Made {
    let forged = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?.into_xml();
    let inside = match name {
        "ArtifactResponse" => root(&forged).to_owned(),
        _ => copy(&forged, &["Response", "Assertion"])?,
    };
    let key = scene.target().identity_provider.key();
    let message = format!(
        "<saml2p:{name} xmlns:saml2p=\"{SAML_PROTOCOL}\" ID=\"{}.other\" Version=\"2.0\" IssueInstant=\"{}\" \
         Destination=\"{}\"><saml2:Issuer xmlns:saml2=\"{SAML_ASSERTION}\">{}</saml2:Issuer><saml2p:Status>\
         <saml2p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></saml2p:StatusCode></saml2p:Status>\
         {inside}</saml2p:{name}>",
        scene.response_id(),
        scene.now().format("%Y-%m-%dT%H:%M:%SZ"),
        scene.target().assertion_consumer,
        scene.target().identity_provider.entity_id(),
    );
    let signature =
        Draft::over(&message)?.key_info(&x509(&[key.certificate()])).signed_by(key.private_key())?;
    let signed = after(&message, &[name, "Issuer"], &signature)?;
    let form = scene.hostile("").without("SAMLResponse");
    Ok(vec![form.with_first("SAMLResponse", base64_encode(signed.as_bytes()))])
}
