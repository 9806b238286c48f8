//! In these attacks, the other customer's identity provider, which the service trusts, answers a request that was
//! started for the first customer. InResponseTo and RelayState both select a request: each combination of the two is
//! tried, in the browser that started both.

use super::scene::{Made, Scene};
use super::step::Start;
use super::{Attack, Base, Form, Kind, Needs};
use crate::{ResponseBuilder, Signed, TestkitError};

/// One browser starts a sign-in for each customer: request 0 for the first customer, request 1 for the other.
const BOTH: &[Start] = &[Start::first(0), Start::other(0)];
const UNASKED: &str = "CVE-2026-49284 (SimpleSAMLphp)";
const ADDRESS: &str = "CVE-2026-109372 (Zitadel)";

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::CrossTenant, description, make)
        .from(Base::Other)
        .needs(&[Needs::Request])
        .starting(BOTH)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("pending/other-answers-first", "the other genuinely answers what the first was asked", |scene| {
        one(hostile(scene, others(scene))?)
    })
    .known_as(UNASKED),
    row("pending/other-with-first-request", "the same, with the RelayState of its own request", |scene| {
        one(hostile(scene, others(scene))?.relayed(scene.answering(1).relay_state()))
    })
    .known_as(UNASKED),
    row(
        "pending/other-with-first-relay-state",
        "the other answers its own request, under the first's RelayState",
        |scene| one(hostile(scene, others(&scene.answering(1)))?),
    )
    .known_as(ADDRESS),
    row("pending/first-answers-other", "the first genuinely answers what the other was asked", |scene| {
        let other = scene.answering(1);
        one(hostile(&other, firsts(&other))?)
    })
    .from(Base::Both)
    .known_as(UNASKED),
    row("pending/first-with-other-request", "the same, with the RelayState of its own request", |scene| {
        one(hostile(scene, firsts(&scene.answering(1)))?)
    })
    .from(Base::Both)
    .known_as(UNASKED),
    row(
        "pending/first-with-other-relay-state",
        "the first answers its own request, under the other's RelayState",
        |scene| one(hostile(scene, firsts(scene))?.relayed(scene.answering(1).relay_state())),
    )
    .from(Base::Both)
    .known_as(ADDRESS),
    row(
        "pending/response-other-subject-first",
        "the other's Response answers its own request, its Assertion the first's",
        |scene| {
            let message = others(&scene.answering(1)).subject_in_response_to(request(scene));
            one(hostile(scene, message)?)
        },
    ),
    row(
        "pending/response-first-subject-other",
        "the other's Response answers the first's request, its Assertion its own",
        |scene| {
            let message = others(&scene.answering(1)).response_in_response_to(request(scene));
            one(hostile(scene, message)?)
        },
    ),
    row("pending/unsigned-request", "the same, the Response not signed", |scene| {
        let message = others(&scene.answering(1)).sign(Signed::Assertion);
        one(hostile(scene, message.response_in_response_to(request(scene)))?)
    }),
    row(
        "pending/unsigned-issuer",
        "the other's signed Assertion in a Response that says it is the first's",
        |scene| {
            let first = scene.target().identity_provider.entity_id();
            one(hostile(scene, others(scene).sign(Signed::Assertion).response_issuer(first))?)
        },
    ),
    row(
        "pending/unsigned-issuer-and-request",
        "the same, and the Response says that it answers the first's request",
        |scene| {
            let first = scene.target().identity_provider.entity_id();
            let message = others(&scene.answering(1)).sign(Signed::Assertion).response_issuer(first);
            one(hostile(scene, message.response_in_response_to(request(scene)))?)
        },
    ),
    row(
        "pending/both-relay-states",
        "the other answers the first's request, with both RelayStates",
        |scene| {
            let own = scene.answering(1).relay_state().unwrap_or_default().to_owned();
            one(hostile(scene, others(scene))?.with_first("RelayState", own))
        },
    ),
    row("pending/both-relay-states-own-last", "the same, the RelayState of its own request last", |scene| {
        let own = scene.answering(1).relay_state().unwrap_or_default().to_owned();
        one(hostile(scene, others(scene))?.with_last("RelayState", own))
    }),
    row("pending/after-its-own", "the other answers its own request, then the first's", |scene| {
        let own = scene.answering(1);
        let genuine = own.genuine(own.own(), others(&own).issue()?.xml());
        Ok(vec![genuine, hostile(scene, others(scene))?])
    }),
    row("pending/no-relay-state", "the other answers the first's request, without RelayState", |scene| {
        one(hostile(scene, others(scene))?.relayed(None))
    }),
];

fn others(scene: &Scene<'_>) -> ResponseBuilder {
    scene.message_of(&scene.target().other, scene.other_attacker())
}

fn firsts(scene: &Scene<'_>) -> ResponseBuilder {
    scene.message_of(&scene.target().identity_provider, scene.attacker())
}

fn request<'s>(scene: &'s Scene<'_>) -> &'s str {
    scene.request().unwrap_or_default()
}

fn hostile(scene: &Scene<'_>, message: ResponseBuilder) -> Result<Form, TestkitError> {
    Ok(scene.hostile(message.issue()?.xml()))
}

fn one(form: Form) -> Made {
    Ok(vec![form])
}
