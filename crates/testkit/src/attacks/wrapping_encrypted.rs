//! Wrapping attacks with an encrypted Assertion: the forged or the genuine part is inside the ciphertext. Anybody can
//! encrypt to a published certificate.

use super::scene::{Made, Scene};
use super::surgery::{after, append};
use super::wrapping::{advised, object, within, wrap};
use super::{Attack, Base, Kind, Needs};

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Wrapping, description, make).from(Base::Assertion).needs(&[Needs::Certificate])
}

pub(super) const ATTACKS: &[Attack] = &[
    row(
        "wrapping/encrypted-forged-first",
        "forged EncryptedAssertion before the signed Assertion",
        |scene| wrap(scene, |parts| Ok(parts.response(&[&scene.encrypted(&parts.evil)?, &parts.original]))),
    ),
    row("wrapping/encrypted-forged-last", "forged EncryptedAssertion after the signed Assertion", |scene| {
        wrap(scene, |parts| Ok(parts.response(&[&parts.original, &scene.encrypted(&parts.evil)?])))
    }),
    row("wrapping/encrypted-original", "the signed Assertion encrypted, a forged one in clear", |scene| {
        wrap(scene, |parts| Ok(parts.response(&[&scene.encrypted(&parts.original)?, &parts.evil])))
    }),
    row("wrapping/encrypted-xsw4", "encrypted: forged Assertion around the signed one", |scene| {
        wrap(scene, |parts| {
            let inside = append(&parts.evil, &["Assertion"], &parts.original)?;
            Ok(parts.response(&[&scene.encrypted(&inside)?]))
        })
    }),
    row(
        "wrapping/encrypted-xsw6",
        "encrypted: forged Assertion holds the signature, that the original",
        |scene| {
            wrap(scene, |parts| {
                let inside = parts.evil_with(&within(&parts.signature, &parts.bare)?)?;
                Ok(parts.response(&[&scene.encrypted(&inside)?]))
            })
        },
    ),
    row("wrapping/encrypted-xsw8", "encrypted: forged Assertion, the original in a ds:Object", |scene| {
        wrap(scene, |parts| {
            let inside = parts.evil_with(&within(&parts.signature, &object(&parts.bare))?)?;
            Ok(parts.response(&[&scene.encrypted(&inside)?]))
        })
    }),
    row(
        "wrapping/encrypted-advice",
        "encrypted: the signed Assertion in the Advice of a forged one",
        |scene| {
            wrap(scene, |parts| {
                Ok(parts.response(&[&scene.encrypted(&advised(&parts.evil, &parts.original)?)?]))
            })
        },
    ),
    row("wrapping/encrypted-two", "forged and signed Assertion in one ciphertext", |scene| {
        wrap(scene, |parts| {
            let inside = [parts.evil.as_str(), &parts.original].concat();
            Ok(parts.response(&[&scene.encrypted(&inside)?]))
        })
    }),
    row("wrapping/encrypted-two-signed-first", "signed and forged Assertion in one ciphertext", |scene| {
        wrap(scene, |parts| {
            let inside = [parts.original.as_str(), &parts.evil].concat();
            Ok(parts.response(&[&scene.encrypted(&inside)?]))
        })
    }),
    row(
        "wrapping/encrypted-response",
        "a whole Response in the ciphertext: forged Assertion, then the signed one",
        |scene| {
            wrap(scene, |parts| {
                let inside = parts.response(&[&parts.evil, &parts.original]);
                Ok(parts.response(&[&scene.encrypted(super::surgery::root(&inside))?]))
            })
        },
    ),
    row(
        "wrapping/encrypted-detached",
        "the signature outside, the original beside it, the forged one encrypted",
        |scene| {
            wrap(scene, |parts| {
                let forged = scene.encrypted(&parts.evil)?;
                let response = parts.response(&[&forged]);
                let hidden = super::wrapping::extensions(&parts.original);
                after(&response, &["Response", "Issuer"], &hidden)
            })
        },
    ),
    row(
        "wrapping/encrypted-in-extensions",
        "the signed Assertion encrypted in Extensions, a forged one in its place",
        |scene| {
            wrap(scene, |parts| {
                let hidden = super::wrapping::extensions(&scene.encrypted(&parts.original)?);
                after(&parts.response(&[&parts.evil]), &["Response", "Issuer"], &hidden)
            })
        },
    ),
];
