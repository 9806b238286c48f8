//! Attacks with two elements that have the same identifier: one is verified, and the other is read.

use super::scene::{Made, Scene};
use super::surgery::{after, set, with_attribute};
use super::wrapping::{object, within, wrap};
use super::{Attack, Base, Kind};

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::DuplicateId, description, make).from(Base::Assertion)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("duplicate-id/forged-first", "forged Assertion with the same ID before the signed one", |scene| {
        wrap(scene, |parts| Ok(parts.response(&[&parts.twin(), &parts.original])))
    }),
    row("duplicate-id/forged-last", "forged Assertion with the same ID after the signed one", |scene| {
        wrap(scene, |parts| Ok(parts.response(&[&parts.original, &parts.twin()])))
    }),
    row(
        "duplicate-id/signature-moved",
        "forged Assertion with ID and signature, then the original",
        |scene| {
            wrap(scene, |parts| {
                let forged = after(&parts.twin(), &["Assertion", "Issuer"], &parts.signature)?;
                Ok(parts.response(&[&forged, &parts.bare]))
            })
        },
    ),
    row(
        "duplicate-id/signature-moved-last",
        "the original, then a forged Assertion with its ID and signature",
        |scene| {
            wrap(scene, |parts| {
                let forged = after(&parts.twin(), &["Assertion", "Issuer"], &parts.signature)?;
                Ok(parts.response(&[&parts.bare, &forged]))
            })
        },
    ),
    row(
        "duplicate-id/signature-twice",
        "forged and original Assertion, each with ID and signature",
        |scene| {
            wrap(scene, |parts| {
                let forged = after(&parts.twin(), &["Assertion", "Issuer"], &parts.signature)?;
                Ok(parts.response(&[&forged, &parts.original]))
            })
        },
    ),
    row("duplicate-id/object", "the original in a ds:Object of the signature of its twin", |scene| {
        wrap(scene, |parts| {
            let signature = within(&parts.signature, &object(&parts.bare))?;
            Ok(parts.response(&[&after(&parts.twin(), &["Assertion", "Issuer"], &signature)?]))
        })
    }),
    row("duplicate-id/extensions", "the signed Assertion in Extensions, its twin in its place", |scene| {
        wrap(scene, |parts| parts.extended(&parts.response(&[&parts.twin()]), &parts.original))
    }),
    row("duplicate-id/extensions-forged", "the twin in Extensions before the signed Assertion", |scene| {
        wrap(scene, |parts| parts.extended(&parts.response(&[&parts.original]), &parts.twin()))
    }),
    row(
        "duplicate-id/extensions-both",
        "forged Assertion with ID and a copy of the signature, the original in Extensions",
        |scene| {
            wrap(scene, |parts| {
                let forged = after(&parts.twin(), &["Assertion", "Issuer"], &parts.signature)?;
                parts.extended(&parts.response(&[&forged]), &parts.original)
            })
        },
    )
    .known_as("OneUptime issue 2949 (2026)"),
    row("duplicate-id/response", "the Response has the ID of the Assertion, and its signature", |scene| {
        wrap(scene, |parts| {
            let response = parts.response(&[&parts.evil, &parts.bare]);
            let response = set(&response, "ID", parts.response_id(), parts.assertion_id());
            after(&response, &["Response", "Issuer"], &parts.signature)
        })
    }),
    row("duplicate-id/lower-case", "forged Assertion with the same value in an attribute Id", |scene| {
        spelled(scene, "Id")
    }),
    row("duplicate-id/saml-1", "forged Assertion with the same value in an attribute AssertionID", |scene| {
        spelled(scene, "AssertionID")
    }),
    row("duplicate-id/xml-id", "forged Assertion with the same value in xml:id", |scene| {
        spelled(scene, "xml:id")
    }),
    row(
        "duplicate-id/no-id",
        "forged Assertion without ID holds the signature, the original follows",
        |scene| {
            wrap(scene, |parts| {
                let forged = parts.evil_with(&parts.signature)?.replacen(
                    &format!(" ID=\"{}\"", parts.evil_id()),
                    "",
                    1,
                );
                Ok(parts.response(&[&forged, &parts.bare]))
            })
        },
    ),
    row("duplicate-id/attribute-twice", "an Assertion with two attributes ID, which is not XML", |scene| {
        wrap(scene, |parts| {
            let twice = parts.evil_with(&parts.signature)?.replacen(
                "<saml2:Assertion",
                &format!("<saml2:Assertion ID=\"{}\"", parts.assertion_id()),
                1,
            );
            Ok(parts.response(&[&twice, &parts.bare]))
        })
    }),
    row("duplicate-id/other-element", "StatusCode has the ID of a forged Assertion's signature", |scene| {
        wrap(scene, |parts| {
            let response = parts.response(&[&parts.evil_with(&parts.signature)?, &parts.bare]);
            let id = format!("ID=\"{}\"", parts.assertion_id());
            with_attribute(&response, &["Response", "Status", "StatusCode"], &id)
        })
    }),
];

/// Returns a message in which the forged Assertion has the ID in another attribute as well, and the signature. The
/// original follows.
fn spelled(scene: &Scene<'_>, attribute: &str) -> Made {
    wrap(scene, |parts| {
        let forged = parts.evil_with(&parts.signature)?;
        let id = format!("{attribute}=\"{}\"", parts.assertion_id());
        Ok(parts.response(&[&with_attribute(&forged, &["Assertion"], &id)?, &parts.bare]))
    })
}
