//! Attacks on the signed form around the message (HTTP-POST-SimpleSign). Its signature covers the fields, and the
//! message itself need not be signed. A service without this binding sees messages without a signature.

use vouchsafe_crypto::base64_encode;
use vouchsafe_signature::{MessageParameter, Signer, UnsignedForm, sign_form};

use super::form::Form;
use super::scene::{Made, Scene};
use super::{Attack, Kind};
use crate::{KeyPair, Signed, TestkitError, keys};

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Binding, description, make)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("simple-sign/attacker-key", "a form that the attacker signed", |scene| {
        Ok(vec![signed(scene, &forged(scene)?, keys::attacker())?])
    }),
    row(
        "simple-sign/other-identity-provider",
        "a form that another trusted identity provider signed",
        |scene| Ok(vec![signed(scene, &forged(scene)?, scene.target().other.key())?]),
    ),
    row("simple-sign/service-provider-key", "a form that the service's own key signed", |scene| {
        Ok(vec![signed(scene, &forged(scene)?, keys::service_provider())?])
    }),
    row("simple-sign/exchanged", "a signed form in which the message was exchanged", |scene| {
        let genuine = signed(scene, &own(scene)?, scene.target().identity_provider.key())?;
        let forged = base64_encode(forged(scene)?.as_bytes());
        Ok(vec![genuine.without("SAMLResponse").with_first("SAMLResponse", forged)])
    }),
    row("simple-sign/relay-state", "a signed form with another RelayState", |scene| {
        let genuine = signed(scene, &own(scene)?, scene.target().identity_provider.key())?;
        Ok(vec![genuine.without("RelayState").with_last("RelayState", "https://evil.example/")])
    }),
    row("simple-sign/no-signature", "a form that names an algorithm and has no signature", |scene| {
        let form = signed(scene, &forged(scene)?, keys::attacker())?;
        Ok(vec![form.without("Signature")])
    }),
    row("simple-sign/empty-signature", "a form with an empty signature", |scene| {
        let form = signed(scene, &forged(scene)?, keys::attacker())?;
        Ok(vec![form.without("Signature").with_last("Signature", "")])
    }),
    row("simple-sign/no-algorithm", "a form with a signature and no algorithm", |scene| {
        Ok(vec![signed(scene, &forged(scene)?, keys::attacker())?.without("SigAlg")])
    }),
    row("simple-sign/unknown-algorithm", "a form signed by an unknown algorithm", |scene| {
        let form = signed(scene, &forged(scene)?, keys::attacker())?;
        Ok(vec![form.without("SigAlg").with_last("SigAlg", "urn:example:none")])
    }),
    row("simple-sign/repeated", "a forged message beside the genuine fields of a signed form", |scene| {
        let genuine = signed(scene, &own(scene)?, scene.target().identity_provider.key())?;
        let forged = base64_encode(forged(scene)?.as_bytes());
        let (first, last) = (genuine.clone().with_first("SAMLResponse", &*forged), genuine);
        Ok(vec![first, last.with_last("SAMLResponse", forged)])
    }),
    row("simple-sign/two-signatures", "a second signature, of another form", |scene| {
        let genuine = signed(scene, &own(scene)?, scene.target().identity_provider.key())?;
        let value = |name: &str| {
            let mut fields = genuine.fields().iter().filter(|(found, _)| found == name);
            fields.next().map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let form = signed(scene, &forged(scene)?, keys::attacker())?;
        Ok(vec![form.with_last("SigAlg", value("SigAlg")).with_last("Signature", value("Signature"))])
    }),
    row(
        "simple-sign/shifted-relay-state",
        "the end of the message pushed into the RelayState that is signed behind it",
        |scene| {
            let own = own(scene)?;
            let genuine = signed(scene, &own, scene.target().identity_provider.key())?;
            let state = scene.relay_state().unwrap_or_default();
            let (head, tail) = own.split_at_checked(own.len().saturating_sub(9)).unwrap_or((&own, ""));
            let message = base64_encode(head.as_bytes());
            let form = genuine.without("SAMLResponse").without("RelayState");
            Ok(vec![
                form.with_first("SAMLResponse", message)
                    .with_last("RelayState", format!("{tail}&RelayState={state}")),
            ])
        },
    ),
    row("simple-sign/request", "the signature of a form that carried a request", |scene| {
        let forged = forged(scene)?;
        let key = scene.target().identity_provider.key();
        let fields = fields(MessageParameter::Request, &forged, scene.relay_state(), key)?;
        let mut form = scene.hostile(&forged);
        for (name, value) in fields.into_iter().filter(|(name, _)| name.starts_with("Sig")) {
            form = form.with_last(name, value);
        }
        Ok(vec![form])
    }),
    row(
        "simple-sign/genuine-inside",
        "a message the identity provider signed about the attacker, in a form they altered",
        |scene| {
            let inside = scene.message().issue()?.into_xml();
            let altered = scene.forged(&inside);
            let form = signed(scene, &inside, scene.target().identity_provider.key())?;
            let altered = base64_encode(altered.as_bytes());
            Ok(vec![form.without("SAMLResponse").with_first("SAMLResponse", altered)])
        },
    ),
];

/// Returns a message about the victim that nobody signed.
fn forged(scene: &Scene<'_>) -> Result<String, TestkitError> {
    Ok(scene.message_about(scene.victim()).sign(Signed::Neither).issue()?.into_xml())
}

/// Returns a message about the attacker without a signature of its own.
fn own(scene: &Scene<'_>) -> Result<String, TestkitError> {
    Ok(scene.message().sign(Signed::Neither).issue()?.into_xml())
}

/// Returns a form that must be refused. This key signed its fields.
fn signed(scene: &Scene<'_>, xml: &str, key: &KeyPair) -> Result<Form, TestkitError> {
    let mut form = scene.hostile(xml);
    let fields = fields(MessageParameter::Response, xml, scene.relay_state(), key)?;
    for (name, value) in fields.into_iter().filter(|(name, _)| name.starts_with("Sig")) {
        form = form.with_last(name, value);
    }
    Ok(form)
}

fn fields(
    parameter: MessageParameter,
    xml: &str,
    relay_state: Option<&str>,
    key: &KeyPair,
) -> Result<Vec<(&'static str, String)>, TestkitError> {
    let key = key.private_key();
    let algorithm = Signer::algorithm_for(key);
    let form = UnsignedForm { parameter, message: xml, relay_state };
    let form = sign_form(&form, algorithm, key, keys::provider())?;
    Ok(form.fields().to_vec())
}
