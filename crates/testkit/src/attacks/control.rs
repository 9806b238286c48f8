//! The controls: genuine messages, one of each form that attacks are made from.

use super::{Attack, Base, Kind, Needs, Scene};
use crate::attacks::scene::Made;
use crate::attacks::step::Start;

pub(super) const CONTROLS: &[Attack] = &[
    Attack::new(
        "control/both-signed",
        Kind::Control,
        "Response and Assertion signed: Okta's default",
        genuine,
    ),
    Attack::new("control/response-signed", Kind::Control, "the Response signed", genuine)
        .from(Base::Response),
    Attack::new("control/assertion-signed", Kind::Control, "the Assertion signed", genuine)
        .from(Base::Assertion),
    Attack::new("control/encrypted", Kind::Control, "Assertion encrypted with AES-CBC, both signed", genuine)
        .from(Base::Encrypted)
        .needs(&[Needs::Certificate]),
    Attack::new(
        "control/encrypted-assertion",
        Kind::Control,
        "Assertion signed, encrypted with AES-GCM",
        genuine,
    )
    .from(Base::EncryptedAssertion)
    .needs(&[Needs::Certificate]),
    Attack::new(
        "control/other-tenant",
        Kind::Control,
        "the other tenant's identity provider about its own",
        genuine,
    )
    .from(Base::Other)
    .starting(&[Start::other(0)]),
    Attack::new(
        "control/encrypted-inside",
        Kind::Control,
        "Assertion encrypted with AES-GCM and not signed, the Response signed",
        genuine,
    )
    .from(Base::EncryptedInside)
    .needs(&[Needs::Certificate]),
    Attack::played(
        "control/configured",
        Kind::Control,
        "a service that trusts the identity provider's metadata alone",
        super::configuration::genuine,
    )
    .from(Base::Configured)
    .starting(&[]),
    Attack::played(
        "control/redirect",
        Kind::Control,
        "a message that the identity provider signed in the query of a redirect",
        super::redirect::genuine,
    )
    .from(Base::Redirect)
    .starting(&[]),
    Attack::new(
        "control/return",
        Kind::Control,
        "a sign-in that begins with an address to return to, and ends there",
        super::return_to::genuine,
    )
    .from(Base::Return)
    .needs(&[Needs::ReturnPath, Needs::Request, Needs::Location])
    .starting(super::return_to::CONTROL_STARTS),
];

fn genuine(scene: &Scene<'_>) -> Made {
    let issued = scene.message().issue()?;
    Ok(vec![scene.genuine(scene.own(), issued.xml())])
}

/// Returns the control that shows whether an attack made from this base proves anything.
pub(super) fn of(base: Base) -> &'static str {
    match base {
        Base::Both => "control/both-signed",
        Base::Response => "control/response-signed",
        Base::Assertion => "control/assertion-signed",
        Base::Encrypted => "control/encrypted",
        Base::EncryptedAssertion => "control/encrypted-assertion",
        Base::Other => "control/other-tenant",
        Base::EncryptedInside => "control/encrypted-inside",
        Base::Configured => "control/configured",
        Base::Redirect => "control/redirect",
        Base::Return => "control/return",
    }
}
