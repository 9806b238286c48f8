//! Attacks with an identity provider that is no longer trusted, and with one customer's message at the address of
//! another.

use super::scene::{Made, Played, Scene};
use super::step::{Start, Step};
use super::{Attack, Base, Customer, Kind, Needs};
use crate::{ResponseBuilder, Signed};

const DISABLED: &str = "CVE-2026-2603, CVE-2026-3047 (Keycloak)";
const ADDRESS: &str = "CVE-2026-109372 (Zitadel)";
const TWICE: &[Start] = &[Start::first(0), Start::first(1)];

const fn trust(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Played) -> Attack {
    Attack::played(name, Kind::Tenancy, description, make).starting(TWICE).known_as(DISABLED)
}

const fn address(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Tenancy, description, make).needs(&[Needs::OwnAddresses]).known_as(ADDRESS)
}

pub(super) const ATTACKS: &[Attack] = &[
    trust(
        "tenancy/disabled",
        "a message of an identity provider that is no longer trusted, both signed",
        |scene| while_disabled(scene, scene.message()),
    ),
    trust("tenancy/disabled-response", "the same, the Response signed", |scene| {
        while_disabled(scene, scene.message())
    })
    .from(Base::Response),
    trust("tenancy/disabled-assertion", "the same, the Assertion signed", |scene| {
        while_disabled(scene, scene.message())
    })
    .from(Base::Assertion),
    trust("tenancy/disabled-encrypted", "the same, the Assertion encrypted", |scene| {
        while_disabled(scene, scene.message())
    })
    .from(Base::EncryptedAssertion)
    .needs(&[Needs::Certificate]),
    trust("tenancy/disabled-again", "a message that was accepted before the trust was taken away", |scene| {
        let message = scene.message().issue()?.into_xml();
        Ok(vec![
            scene.genuine(scene.attacker(), &message).into(),
            Step::Trust(Customer::First, false),
            scene.hostile(&message).into(),
            Step::Trust(Customer::First, true),
        ])
    }),
    trust("tenancy/disabled-other-key", "its name, by the other's key, while it is not trusted", |scene| {
        let other = scene.target().other.key().clone();
        while_disabled(scene, scene.message_about(scene.victim()).key(&other))
    }),
    trust(
        "tenancy/disabled-other-issuer",
        "its key, under the other's name, while it is not trusted",
        |scene| {
            let other = scene.target().other.entity_id().to_owned();
            while_disabled(scene, scene.message_about(scene.victim()).issuer(other))
        },
    ),
    trust("tenancy/disabled-relayed", "its signed Assertion in a Response of the other's", |scene| {
        let other = scene.target().other.entity_id().to_owned();
        while_disabled(scene, scene.message().sign(Signed::Assertion).response_issuer(other))
    }),
    address("tenancy/address-of-other", "the first's message, for its address, at the other's", |scene| {
        Ok(vec![scene.hostile(scene.message().issue()?.xml()).at_the_other()])
    }),
    address(
        "tenancy/address-of-other-named",
        "the first's message, for the other's address, there",
        |scene| {
            let address = others_address(scene);
            let message = scene.message().destination(address).recipient(address);
            Ok(vec![scene.hostile(message.issue()?.xml()).at_the_other()])
        },
    ),
    address(
        "tenancy/address-recipient",
        "the first's message, its Recipient the other's address, there",
        |scene| {
            let message = scene.message().recipient(others_address(scene));
            Ok(vec![scene.hostile(message.issue()?.xml()).at_the_other()])
        },
    ),
    address(
        "tenancy/address-of-first",
        "the other's message, for its own address, at the first's",
        |scene| Ok(vec![scene.hostile(scene.message().issue()?.xml()).at_the_first()]),
    )
    .from(Base::Other),
    address(
        "tenancy/address-of-first-named",
        "the other's message, for the first's address, there",
        |scene| {
            let address = scene.target().assertion_consumer.as_str();
            let message = scene.message().destination(address).recipient(address);
            Ok(vec![scene.hostile(message.issue()?.xml()).at_the_first()])
        },
    )
    .from(Base::Other),
];

fn others_address<'s>(scene: &'s Scene<'_>) -> &'s str {
    scene.target().other_assertion_consumer.as_deref().unwrap_or_default()
}

/// Sends the message while the first customer's identity provider is not trusted. Then a genuine message follows when
/// it is trusted again, so that the refusal proves something.
fn while_disabled(scene: &Scene<'_>, message: ResponseBuilder) -> Played {
    let hostile = scene.hostile(message.issue()?.xml());
    let after = scene.answering(1);
    let genuine = after.genuine(after.attacker(), after.message().issue()?.xml()).by(1);
    Ok(vec![
        Step::Trust(Customer::First, false),
        hostile.into(),
        Step::Trust(Customer::First, true),
        genuine.into(),
    ])
}
