//! Attacks with a message that is sent several times at once: a service that first looks it up and then records it
//! accepts it more than once. There are also messages that are refused at first, that are never recorded, or that are
//! sent in another way.

use super::scene::{Made, Played, Scene};
use super::step::{Start, Step};
use super::surgery::{prepend, set};
use super::{Attack, Base, Form, Kind, Needs};
use crate::{Place, TestkitError};

/// The number of posts at the same time.
const POSTS: u64 = 8;
const TWO_STEPS: &str = "CVE-2026-116201 (Snipe-IT), CVE-2026-122220 (WPO365)";
const NEVER_STORED: &str = "CVE-2026-53424 (samly)";
const TWO: &[Start] = &[Start::first(0), Start::first(1)];

const fn together(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Played) -> Attack {
    Attack::played(name, Kind::Replay, description, make).known_as(TWO_STEPS)
}

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Replay, description, make).known_as(NEVER_STORED)
}

pub(super) const ATTACKS: &[Attack] = &[
    together("replay/together", "the same form eight times at once, by one browser", |scene| {
        let form = scene.bent(scene.message().issue()?.xml());
        Ok(vec![Step::Together((0..POSTS).map(|_| form.clone()).collect())])
    }),
    together("replay/together-encrypted", "the same encrypted message eight times at once", |scene| {
        let form = scene.bent(scene.message().issue()?.xml());
        Ok(vec![Step::Together((0..POSTS).map(|_| form.clone()).collect())])
    })
    .from(Base::Encrypted)
    .needs(&[Needs::Certificate]),
    together("replay/together-by-browsers", "the same form at once, by eight browsers", |scene| {
        let form = scene.bent(scene.message().issue()?.xml());
        Ok(vec![Step::Together((0..POSTS).map(|browser| form.clone().by(browser)).collect())])
    })
    .needs(&[Needs::Unsolicited]),
    together("replay/together-in-envelopes", "the same Assertion at once, in eight Responses", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let id = scene.response_id();
        let copies = (0..POSTS).map(|copy| scene.bent(set(&issued, "ID", &id, &format!("{id}.{copy}"))));
        Ok(vec![Step::Together(copies.collect())])
    })
    .from(Base::Assertion),
    together("replay/together-then-again", "the same form eight times at once, and once more", |scene| {
        let message = scene.message().issue()?.into_xml();
        let posts = (0..POSTS).map(|_| scene.bent(&message)).collect();
        Ok(vec![Step::Together(posts), scene.hostile(&message).into()])
    }),
    row("replay/by-another-browser", "the same form, then by another browser", |scene| {
        let message = scene.message().issue()?.into_xml();
        Ok(vec![scene.genuine(scene.attacker(), &message), scene.hostile(&message).by(1)])
    }),
    row(
        "replay/for-another-request",
        "an accepted message, under the RelayState of a new request",
        |scene| {
            let message = scene.message().issue()?.into_xml();
            let state = scene.answering(1).relay_state().map(str::to_owned);
            let again = scene.hostile(&message).relayed(state.as_deref()).by(1);
            Ok(vec![scene.genuine(scene.attacker(), &message), again])
        },
    )
    .needs(&[Needs::Request])
    .starting(TWO),
    row("replay/without-relay-state", "an accepted message, without RelayState", |scene| {
        let message = scene.message().issue()?.into_xml();
        Ok(vec![scene.genuine(scene.attacker(), &message), scene.hostile(&message).relayed(None)])
    }),
    row("replay/after-a-refusal", "a broken copy, the message, and the message again", after_a_refusal)
        .needs(&[Needs::Unsolicited]),
    row("replay/one-time-use", "an Assertion with OneTimeUse twice", |scene| {
        let once = "<saml2:OneTimeUse></saml2:OneTimeUse>";
        let message = scene.message().insert(Place::Conditions, once).issue()?.into_xml();
        Ok(vec![scene.genuine(scene.attacker(), &message), scene.hostile(&message)])
    }),
];

fn after_a_refusal(scene: &Scene<'_>) -> Made {
    let message = scene.message().issue()?.into_xml();
    let broken: Result<String, TestkitError> =
        prepend(&message, &["Response", "Assertion", "Subject"], "<saml2:NameID>nobody</saml2:NameID>");
    let forms: [Form; 3] =
        [scene.hostile(broken?), scene.genuine(scene.attacker(), &message), scene.hostile(&message)];
    Ok(forms.into())
}
