//! Attacks with a message that was accepted before. The first form of each attack is genuine and must be accepted.

use super::scene::{Made, Scene};
use super::surgery::{copy, prepend, replace, set, without};
use super::{Attack, Base, Kind, Needs};

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Replay, description, make)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("replay/same-form", "the same form twice", |scene| {
        let issued = scene.message().issue()?.into_xml();
        Ok(vec![scene.genuine(scene.attacker(), &issued), scene.hostile(&issued)])
    }),
    row("replay/three-times", "the same form three times", |scene| {
        let issued = scene.message().issue()?.into_xml();
        Ok(vec![scene.genuine(scene.attacker(), &issued), scene.hostile(&issued), scene.hostile(&issued)])
    }),
    row("replay/another-answer", "a second genuine message that answers the same request", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let again = scene
            .message()
            .response_id(format!("{}.again", scene.response_id()))
            .assertion_id(format!("{}.again", scene.assertion_id()))
            .issue()?;
        Ok(vec![scene.genuine(scene.attacker(), &issued), scene.hostile(again.xml())])
    })
    .needs(&[Needs::Request]),
    row("replay/new-envelope", "the same Assertion in a Response with another ID and time", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let again = set(&issued, "ID", &scene.response_id(), &format!("{}.again", scene.response_id()));
        Ok(vec![scene.genuine(scene.attacker(), &issued), scene.hostile(again)])
    })
    .from(Base::Assertion),
    row(
        "replay/without-envelope-signature",
        "the signed Assertion alone, out of a Response that was signed too",
        |scene| {
            let issued = scene.message().issue()?.into_xml();
            let bare = without(&issued, &["Response", "Signature"])?;
            let again = set(&bare, "ID", &scene.response_id(), &format!("{}.again", scene.response_id()));
            Ok(vec![scene.genuine(scene.attacker(), &issued), scene.hostile(again)])
        },
    ),
    row("replay/with-comments", "the same message with comments in it", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let again = prepend(&issued, &["Response"], "<!-- again -->")?;
        let again = prepend(&again, &["Response", "Assertion"], "<!-- again -->")?;
        Ok(vec![scene.genuine(scene.attacker(), &issued), scene.hostile(again)])
    }),
    row("replay/encrypted", "the signed Assertion in clear, then encrypted by the attacker", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let assertion = copy(&issued, &["Response", "Assertion"])?;
        let again = replace(&issued, &["Response", "Assertion"], &scene.encrypted(&assertion)?)?;
        Ok(vec![scene.genuine(scene.attacker(), &issued), scene.hostile(again)])
    })
    .from(Base::Assertion)
    .needs(&[Needs::Certificate]),
    row("replay/encrypted-twice", "the same encrypted message twice", |scene| {
        let issued = scene.message().issue()?.into_xml();
        Ok(vec![scene.genuine(scene.attacker(), &issued), scene.hostile(&issued)])
    })
    .from(Base::Encrypted)
    .needs(&[Needs::Certificate]),
    row("replay/after-another", "one message, another one, and the first again", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let other = scene
            .message()
            .response_id(format!("{}.between", scene.response_id()))
            .assertion_id(format!("{}.between", scene.assertion_id()))
            .issue()?;
        Ok(vec![
            scene.genuine(scene.attacker(), &issued),
            scene.genuine(scene.attacker(), other.xml()),
            scene.hostile(&issued),
        ])
    })
    .needs(&[Needs::Unsolicited]),
];
