//! In these attacks, another customer's identity provider, which the service trusts for that customer's people, makes
//! statements about a person of the first customer.

use super::scene::{Made, Scene};
use super::surgery::{after, copy, replace, set};
use super::wrapping::extensions;
use super::{Attack, Base, Kind, Needs};
use crate::{Part, ResponseBuilder, Signed, TestkitError};

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::CrossTenant, description, make).from(Base::Other)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("cross-tenant/issuer", "the other's key, both Issuers are the first's", |scene| {
        spoken(scene, |response, first| response.issuer(first))
    }),
    row("cross-tenant/issuer-response-signed", "the same, the Response signed", |scene| {
        spoken(scene, |response, first| response.issuer(first).sign(Signed::Response))
    }),
    row("cross-tenant/issuer-assertion-signed", "the same, the Assertion signed", |scene| {
        spoken(scene, |response, first| response.issuer(first).sign(Signed::Assertion))
    }),
    row(
        "cross-tenant/assertion-issuer",
        "the other's Response, the Issuer of its Assertion is the first",
        |scene| spoken(scene, |response, first| response.assertion_issuer(first)),
    ),
    row("cross-tenant/assertion-issuer-response-signed", "the same, only the Response signed", |scene| {
        spoken(scene, |response, first| response.assertion_issuer(first).sign(Signed::Response))
    }),
    row(
        "cross-tenant/response-issuer",
        "the other's Assertion, the Issuer of the Response is the first",
        |scene| spoken(scene, |response, first| response.response_issuer(first)),
    ),
    row("cross-tenant/response-issuer-unsigned", "the same, only the Assertion signed", |scene| {
        spoken(scene, |response, first| response.response_issuer(first).sign(Signed::Assertion))
    }),
    row(
        "cross-tenant/no-response-issuer",
        "the other's key, no Issuer of the Response, the Assertion's is the first",
        |scene| spoken(scene, |response, first| response.assertion_issuer(first).omit(Part::ResponseIssuer)),
    ),
    row("cross-tenant/certificate", "the other's key, with the first's certificate and Issuers", |scene| {
        let first = &scene.target().identity_provider;
        let message = scene.message_about(scene.victim()).issuer(first.entity_id()).issue()?.into_xml();
        let (own, foreign) = (scene.target().other.key().certificate(), first.key().certificate());
        let [own, foreign] = [own, foreign].map(crate::identity_provider::in_lines);
        Ok(vec![scene.hostile(message.replace(&own, &foreign))])
    }),
    row(
        "cross-tenant/relayed",
        "the first's signed Assertion in a Response that the other issued and signed",
        |scene| {
            let first = scene.message_of(&scene.target().identity_provider, scene.attacker()).issue()?;
            let assertion = copy(first.xml(), &["Response", "Assertion"])?;
            let shell = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?.into_xml();
            let response = replace(&shell, &["Response", "Assertion"], &assertion)?;
            let key = scene.target().other.key();
            let bare = super::surgery::root(&response).to_owned();
            let signature = super::signature::Draft::over(&bare)?.signed_by(key.private_key())?;
            Ok(vec![scene.hostile(after(&bare, &["Response", "Issuer"], &signature)?)])
        },
    ),
    row(
        "cross-tenant/wrapped",
        "the other's signed Assertion in Extensions, a forged one of the first in its place",
        |scene| {
            let other = scene.message_about(scene.attacker()).sign(Signed::Assertion).issue()?.into_xml();
            let original = copy(&other, &["Response", "Assertion"])?;
            let first =
                scene.message_of(&scene.target().identity_provider, scene.victim()).sign(Signed::Neither);
            let forged = set(
                first.issue()?.xml(),
                "ID",
                &scene.assertion_id(),
                &format!("{}.forged", scene.assertion_id()),
            );
            Ok(vec![scene.hostile(after(&forged, &["Response", "Issuer"], &extensions(&original))?)])
        },
    ),
    row("cross-tenant/unasked", "the other answers a request that was sent to the first", |scene| {
        Ok(vec![scene.hostile(scene.message_about(scene.victim()).issue()?.xml())])
    })
    .needs(&[Needs::Request]),
    row(
        "cross-tenant/attributes",
        "the first's genuine message with the other's attributes, such as its token",
        |scene| {
            let response = scene.bare_message_of(&scene.target().identity_provider, scene.attacker());
            with_attributes(scene, response, scene.other_attributes(scene.other_attacker()))
        },
    )
    .from(Base::Both)
    .needs(&[Needs::OtherAttributes]),
    row(
        "cross-tenant/attributes-other",
        "the other's genuine message with the first's attributes, such as its token",
        |scene| {
            let response = scene.bare_message_of(&scene.target().other, scene.other_attacker());
            with_attributes(scene, response, (scene.target().attributes)(scene.attacker()))
        },
    )
    .needs(&[Needs::OtherAttributes]),
];

/// Returns the other identity provider's message about the victim, changed. `change` gets the entity ID of the first
/// one.
fn spoken(scene: &Scene<'_>, change: fn(ResponseBuilder, &str) -> ResponseBuilder) -> Made {
    let first = scene.target().identity_provider.entity_id();
    let issued: Result<_, TestkitError> = change(scene.message_about(scene.victim()), first).issue();
    Ok(vec![scene.hostile(issued?.xml())])
}

fn with_attributes(scene: &Scene<'_>, response: ResponseBuilder, attributes: Vec<crate::Attribute>) -> Made {
    let response = attributes.into_iter().fold(response, ResponseBuilder::attribute);
    Ok(vec![scene.hostile(response.issue()?.xml())])
}
