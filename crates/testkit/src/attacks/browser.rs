//! In these attacks, another browser than the one that started the request brings the answer. This signs in a victim
//! as the attacker (login CSRF). Every message is genuine, is about the attacker, and answers the request; only the
//! browser is wrong.

use super::scene::{Played, Scene};
use super::step::{Start, Step};
use super::{Attack, Form, Kind, Needs};
use crate::{Part, TestkitError};

/// The attacker's browser starts a sign-in. The victim's browser has the number 1.
const ONE: &[Start] = &[Start::first(0)];
/// Both browsers start a sign-in.
const BOTH: &[Start] = &[Start::first(0), Start::first(1)];
const VICTIMS: u64 = 1;
/// The number of a browser that was never at the service.
const NEW: u64 = 2;

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Played) -> Attack {
    Attack::played(name, Kind::Browser, description, make).needs(&[Needs::Request]).starting(ONE)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("browser/without-cookies", "a browser without cookies brings the answer", |scene| {
        one(answer(scene)?.by(NEW))
    }),
    row("browser/another", "a browser that has started a sign-in of its own brings the answer", |scene| {
        one(answer(scene)?.by(VICTIMS))
    })
    .starting(BOTH),
    row("browser/own-relay-state", "it brings the answer with the RelayState of its own request", |scene| {
        one(answer(scene)?.relayed(scene.answering(1).relay_state()).by(VICTIMS))
    })
    .starting(BOTH),
    row(
        "browser/own-request",
        "it brings the answer to its own request with the other RelayState",
        |scene| one(answer(&scene.answering(1))?.relayed(scene.relay_state()).by(VICTIMS)),
    )
    .starting(BOTH),
    row("browser/both-relay-states", "it brings the answer with both RelayStates, its own first", |scene| {
        let own = scene.answering(1).relay_state().unwrap_or_default().to_owned();
        one(answer(scene)?.with_first("RelayState", own).by(VICTIMS))
    })
    .starting(BOTH),
    row(
        "browser/both-relay-states-own-last",
        "it brings the answer with both RelayStates, its own last",
        |scene| {
            let own = scene.answering(1).relay_state().unwrap_or_default().to_owned();
            one(answer(scene)?.with_last("RelayState", own).by(VICTIMS))
        },
    )
    .starting(BOTH),
    row(
        "browser/no-relay-state",
        "a browser without cookies brings the answer without RelayState",
        |scene| one(answer(scene)?.relayed(None).by(NEW)),
    ),
    row(
        "browser/no-relay-state-another",
        "one that has started a sign-in brings it without RelayState",
        |scene| one(answer(scene)?.relayed(None).by(VICTIMS)),
    )
    .starting(BOTH),
    row(
        "browser/empty-relay-state",
        "a browser without cookies brings it with an empty RelayState",
        |scene| one(answer(scene)?.relayed(Some("")).by(NEW)),
    ),
    row(
        "browser/other-relay-state",
        "a browser without cookies brings it with an unknown RelayState",
        |scene| one(answer(scene)?.relayed(Some("00000000000000000000000000000000")).by(NEW)),
    ),
    row(
        "browser/request-as-relay-state",
        "a browser without cookies brings it with the request's ID",
        |scene| one(answer(scene)?.relayed(scene.request()).by(NEW)),
    ),
    row("browser/unsolicited", "a browser without cookies brings a message that answers nothing", |scene| {
        one(scene.hostile(unsolicited(scene)?).relayed(None).by(NEW))
    }),
    row(
        "browser/unsolicited-relay-state",
        "the same with the RelayState of the attacker's request",
        |scene| one(scene.hostile(unsolicited(scene)?).by(NEW)),
    ),
    row("browser/after-the-first", "the attacker's browser brings the answer, then another does", |scene| {
        let form = answer(scene)?;
        let genuine = scene.genuine(scene.attacker(), scene.message().issue()?.xml());
        Ok(vec![genuine.into(), form.by(NEW).into()])
    }),
    row("browser/before-the-first", "another browser brings the answer, then the attacker's does", |scene| {
        let own = scene.bent(scene.message().issue()?.xml());
        Ok(vec![answer(scene)?.by(NEW).into(), own.into()])
    }),
    row("browser/signed-in", "somebody who is signed in brings the attacker's answer", |scene| {
        let victim = scene.answering(1);
        let genuine = victim.genuine(victim.victim(), victim.message_about(victim.victim()).issue()?.xml());
        Ok(vec![genuine.by(VICTIMS).into(), answer(scene)?.by(VICTIMS).into()])
    })
    .starting(BOTH),
];

/// Returns the identity provider's answer to the attacker's request.
fn answer(scene: &Scene<'_>) -> Result<Form, TestkitError> {
    Ok(scene.hostile(scene.message().issue()?.xml()))
}

fn unsolicited(scene: &Scene<'_>) -> Result<String, TestkitError> {
    let message = scene.message().omit(Part::ResponseInResponseTo).omit(Part::SubjectInResponseTo);
    Ok(message.issue()?.into_xml())
}

fn one(form: Form) -> Played {
    Ok(vec![Step::Post(form)])
}
