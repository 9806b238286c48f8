//! In these attacks, the other customer's identity provider genuinely names a person of the first customer: every
//! signature is valid, and the message is for this service. A service that finds accounts only by an e-mail address
//! or a name opens the first customer's account to the other customer.
//!
//! The person signs in first, at their own identity provider. The account of this sign-in must stay separate.

use super::form::Landing;
use super::scene::{Played, Scene};
use super::step::{Start, Step};
use super::{Attack, Base, Kind};
use crate::{Attribute, ResponseBuilder, TestkitError};

const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// The browsers of the person and of the attacker.
const TWO: &[Start] = &[Start::first(0), Start::other(1)];
const WITHIN: &[Start] = &[Start::first(0), Start::first(1)];

const MERGED: &str = "CVE-2026-42354 (Sentry), CVE-2026-15611 (Logto)";
const CLAIMED: &str = "CVE-2026-59151 (Prowler), CVE-2026-56223 (Capgo)";

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Played) -> Attack {
    Attack::played(name, Kind::Accounts, description, make).from(Base::Other).starting(TWO)
}

pub(super) const ATTACKS: &[Attack] = &[
    row(
        "account/same-person",
        "the other names the person as the first does: NameID, address and all",
        |scene| after_the_victim(scene, |other| named(other, other.victim(), other.victim())),
    )
    .known_as(MERGED),
    row(
        "account/same-person-and-token",
        "the same, with all that the first says of the person, such as its organization's token",
        |scene| {
            after_the_victim(scene, |other| {
                let bare = other.bare_message_of(&other.target().other, other.victim());
                with(bare, (other.target().attributes)(other.victim()))
            })
        },
    ),
    row("account/same-name-id", "the other gives one of its own the NameID of the person", |scene| {
        after_the_victim(scene, |other| named(other, other.victim(), other.other_attacker()))
    }),
    row("account/same-address", "the other gives one of its own the e-mail address of the person", |scene| {
        after_the_victim(scene, |other| named(other, other.other_attacker(), other.victim()))
    })
    .known_as(MERGED),
    row("account/address-upper-case", "the same, the address in capitals", |scene| {
        after_the_victim(scene, |other| named(other, other.other_attacker(), &other.victim().to_uppercase()))
    }),
    row("account/address-padded", "the same, with spaces around the address", |scene| {
        after_the_victim(scene, |other| {
            named(other, other.other_attacker(), &format!(" {}\u{a0}", other.victim()))
        })
    }),
    row("account/address-list", "the same, after an address of the other's and a comma", |scene| {
        after_the_victim(scene, |other| {
            named(other, other.other_attacker(), &format!("{},{}", other.other_attacker(), other.victim()))
        })
    }),
    row("account/address-full-width", "the same, its first letter in full width", |scene| {
        after_the_victim(scene, |other| named(other, other.other_attacker(), &full_width(other.victim())))
    }),
    row("account/address-zero-width", "the same, with a zero width space in it", |scene| {
        after_the_victim(scene, |other| {
            named(other, other.other_attacker(), &other.victim().replace('@', "\u{200b}@"))
        })
    }),
    row("account/address-quoted", "the same, its local part in quotation marks", |scene| {
        after_the_victim(scene, |other| {
            let (local, domain) = other.victim().split_once('@').unwrap_or((other.victim(), ""));
            named(other, other.other_attacker(), &format!("\"{local}\"@{domain}"))
        })
    }),
    row("account/name-id-upper-case", "the NameID of the person in capitals", |scene| {
        after_the_victim(scene, |other| named(other, &other.victim().to_uppercase(), other.other_attacker()))
    }),
    row("account/persistent", "both call somebody 12345, persistently", |scene| persistent(scene, numbered)),
    row(
        "account/persistent-qualified",
        "the same, the other says that the first has given the name",
        |scene| {
            persistent(scene, |other| {
                let first = other.target().identity_provider.entity_id().to_owned();
                numbered(other).name_qualifier(first)
            })
        },
    ),
    row(
        "account/attacker-first",
        "the other names the person before they sign in for the first time",
        |scene| before_the_victim(scene, |other| named(other, other.victim(), other.victim())),
    )
    .known_as(CLAIMED),
    row("account/attacker-first-address", "the other gives one of its own the address before", |scene| {
        before_the_victim(scene, |other| named(other, other.other_attacker(), other.victim()))
    })
    .known_as(CLAIMED),
    row("account/victim-again", "the person, the other's, and the person again", |scene| {
        let mut steps = after_the_victim(scene, |other| named(other, other.victim(), other.victim()))?;
        let again = scene.answering(2);
        let form = again.genuine(again.victim(), first_names_the_victim(&again).issue()?.xml());
        steps.push(form.landing(Landing::Same).into());
        Ok(steps)
    })
    .starting(&[Start::first(0), Start::other(1), Start::first(0)]),
    row("account/qualified", "one identity provider calls two persons 12345, by NameQualifier", |scene| {
        within(scene, |second| numbered_within(second).name_qualifier("https://second.example/idp"))
    })
    .from(Base::Both)
    .starting(WITHIN),
    row(
        "account/qualified-for-us",
        "one identity provider calls two persons 12345, by SPNameQualifier",
        |scene| {
            within(scene, |second| numbered_within(second).sp_name_qualifier("https://affiliation.example"))
        },
    )
    .from(Base::Both)
    .starting(WITHIN),
    row("account/other-format", "one identity provider calls two persons 12345, by Format", |scene| {
        within(scene, |second| numbered_within(second).name_id_format(UNSPECIFIED))
    })
    .from(Base::Both)
    .starting(WITHIN),
    row(
        "account/claimed-address",
        "the other names the person, and everybody who enters the person's address is sent to the other",
        |scene| {
            let mut steps = before_the_victim(scene, |other| named(other, other.victim(), other.victim()))?;
            steps.insert(1, Step::Discover(scene.victim().to_owned()));
            Ok(steps)
        },
    )
    .known_as(CLAIMED),
    row(
        "account/claimed-address-later",
        "the same, after the person has signed in at their own identity provider",
        |scene| {
            let mut steps = after_the_victim(scene, |other| named(other, other.victim(), other.victim()))?;
            steps.push(Step::Discover(scene.victim().to_owned()));
            Ok(steps)
        },
    )
    .known_as(CLAIMED),
];

fn first_names_the_victim(scene: &Scene<'_>) -> ResponseBuilder {
    scene.message_of(&scene.target().identity_provider, scene.victim())
}

/// Returns the other customer's message with a NameID, and the attributes that it sends about an address.
fn named(other: &Scene<'_>, name_id: &str, address: &str) -> ResponseBuilder {
    with(other.bare_message_of(&other.target().other, name_id), other.other_attributes(address))
}

/// Returns a name that several people have: a number, and a part that differs for each run and attack.
fn number(scene: &Scene<'_>) -> String {
    format!("12345-{}", scene.attack())
}

/// Returns a new address in the domain of a person.
fn new_address(scene: &Scene<'_>, like: &str) -> String {
    like.split_once('@').map_or_else(|| scene.fresh(), |(_, domain)| format!("{}@{domain}", scene.fresh()))
}

fn numbered(other: &Scene<'_>) -> ResponseBuilder {
    let address = new_address(other, other.other_attacker());
    named(other, &number(other), &address).name_id_format(PERSISTENT)
}

fn numbered_within(scene: &Scene<'_>) -> ResponseBuilder {
    let bare = scene.bare_message_of(&scene.target().identity_provider, &number(scene));
    let address = new_address(scene, scene.victim());
    with(bare, (scene.target().attributes)(&address)).name_id_format(PERSISTENT)
}

fn with(response: ResponseBuilder, attributes: Vec<Attribute>) -> ResponseBuilder {
    attributes.into_iter().fold(response, ResponseBuilder::attribute)
}

/// Returns two steps: the person signs in, then the other customer's message, which must be refused or lead to
/// another account.
fn after_the_victim(scene: &Scene<'_>, make: fn(&Scene<'_>) -> ResponseBuilder) -> Played {
    let genuine = scene.genuine(scene.victim(), first_names_the_victim(scene).issue()?.xml());
    Ok(vec![genuine.landing(Landing::Told).into(), others(scene, make)?.landing(Landing::Apart).into()])
}

/// Returns two steps: the other customer's message, then the person signs in, which must be accepted and lead to
/// another account.
fn before_the_victim(scene: &Scene<'_>, make: fn(&Scene<'_>) -> ResponseBuilder) -> Played {
    let genuine = scene.genuine(scene.victim(), first_names_the_victim(scene).issue()?.xml());
    Ok(vec![others(scene, make)?.landing(Landing::Told).into(), genuine.landing(Landing::Apart).into()])
}

fn others(scene: &Scene<'_>, make: fn(&Scene<'_>) -> ResponseBuilder) -> Result<super::Form, TestkitError> {
    let other = scene.answering(1);
    let message = make(&other);
    let subject = message.name_id.clone();
    Ok(other.bent_about(subject, message.issue()?.xml()).by(1))
}

fn persistent(scene: &Scene<'_>, make: fn(&Scene<'_>) -> ResponseBuilder) -> Played {
    let genuine = scene.genuine(&number(scene), numbered_within(scene).issue()?.xml());
    Ok(vec![genuine.landing(Landing::Told).into(), others(scene, make)?.landing(Landing::Apart).into()])
}

/// Returns the sign-ins of two people of one identity provider, whose names differ only in their qualifiers.
fn within(scene: &Scene<'_>, make: fn(&Scene<'_>) -> ResponseBuilder) -> Played {
    let first = numbered_within(scene).name_qualifier("https://first.example/idp");
    let genuine = scene.genuine(&number(scene), first.issue()?.xml());
    Ok(vec![genuine.landing(Landing::Told).into(), others(scene, make)?.landing(Landing::Distinct).into()])
}

fn full_width(text: &str) -> String {
    let wide = |letter: char| {
        let number = u32::from(letter).saturating_add(0xfee0);
        char::from_u32(number).filter(|_| letter.is_ascii_graphic()).unwrap_or(letter)
    };
    let mut letters = text.chars();
    letters.next().map(wide).into_iter().chain(letters).collect()
}
