//! Attacks with a status of failure and an assertion. The identity provider signed all of them, but a failure must be
//! refused, whatever it contains.

use super::scene::{Made, Scene};
use super::{Attack, Base, Kind};
use crate::{Part, Place, ResponseBuilder, Signed};

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
const REQUESTER: &str = "urn:oasis:names:tc:SAML:2.0:status:Requester";
const FAILED: &str = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed";

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Status, description, make)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("status/responder", "status Responder, with an Assertion", |scene| {
        changed(scene, |response| response.status([RESPONDER]))
    }),
    row("status/authn-failed", "status Requester, AuthnFailed in it, with an Assertion", |scene| {
        changed(scene, |response| response.status([REQUESTER, FAILED]))
    }),
    row("status/success-inside", "status Responder, Success in it, with an Assertion", |scene| {
        changed(scene, |response| response.status([RESPONDER, SUCCESS]))
    }),
    row("status/absent", "no Status, with an Assertion", |scene| {
        changed(scene, |response| response.omit(Part::Status))
    }),
    row("status/empty", "a Status without a code, with an Assertion", |scene| {
        changed(scene, |response| response.status(Vec::<String>::new()))
    }),
    row("status/second-code", "a second StatusCode beside the failure", |scene| {
        changed(scene, |response| {
            let success = format!("<saml2p:StatusCode Value=\"{SUCCESS}\"></saml2p:StatusCode>");
            response.status([RESPONDER]).insert(Place::Status, success)
        })
    }),
    row("status/second-status", "a second Status after the failure", |scene| {
        changed(scene, |response| {
            let success = format!(
                "<saml2p:Status><saml2p:StatusCode Value=\"{SUCCESS}\"></saml2p:StatusCode></saml2p:Status>"
            );
            response.status([RESPONDER]).insert(Place::BeforeAssertion, success)
        })
    }),
    row("status/suffix", "a code that only ends like Success", |scene| {
        changed(scene, |response| response.status(["urn:example:status:Success"]))
    }),
    row("status/prefix", "a code that only begins like Success", |scene| {
        changed(scene, |response| response.status([format!("{SUCCESS}Not")]))
    }),
    row("status/assertion-signed", "status Responder around a signed Assertion", |scene| {
        changed(scene, |response| response.status([RESPONDER]).sign(Signed::Assertion))
    })
    .from(Base::Assertion),
];

fn changed(scene: &Scene<'_>, change: fn(ResponseBuilder) -> ResponseBuilder) -> Made {
    Ok(vec![scene.hostile(change(scene.message()).issue()?.xml())])
}
