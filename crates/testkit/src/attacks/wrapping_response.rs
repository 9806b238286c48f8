//! Wrapping attacks on a signed Response: the original is moved into a forged one.

use super::scene::{Made, Scene};
use super::surgery::{after, append, before, copy, root, set, without};
use super::wrapping::{ON_BREAKING_SAML, advised, extensions, object, status_detail, within};
use super::{Attack, Base, Kind};
use crate::TestkitError;

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Wrapping, description, make).from(Base::Response)
}

const ISSUER: [&str; 2] = ["Response", "Issuer"];

pub(super) const ATTACKS: &[Attack] = &[
    row("wrapping/xsw1", "forged Response holds the signature, that holds the original Response", |scene| {
        wrap(scene, |parts| after(&parts.evil, &ISSUER, &within(&parts.signature, &parts.bare)?))
    })
    .known_as(ON_BREAKING_SAML),
    row("wrapping/xsw2", "forged Response; the original before the detached signature in it", |scene| {
        wrap(scene, |parts| after(&parts.evil, &ISSUER, &[parts.bare.as_str(), &parts.signature].concat()))
    })
    .known_as(ON_BREAKING_SAML),
    row("wrapping/xsw2-after", "forged Response; the original after the detached signature in it", |scene| {
        wrap(scene, |parts| {
            let response = after(&parts.evil, &ISSUER, &parts.signature)?;
            append(&response, &["Response"], &parts.bare)
        })
    }),
    row(
        "wrapping/response-object",
        "forged Response holds the signature, its ds:Object the original",
        |scene| {
            wrap(scene, |parts| after(&parts.evil, &ISSUER, &within(&parts.signature, &object(&parts.bare))?))
        },
    ),
    row(
        "wrapping/response-key-info",
        "forged Response holds the signature, its KeyInfo the original",
        |scene| {
            wrap(scene, |parts| {
                let signature = append(&parts.signature, &["Signature", "KeyInfo"], &parts.bare)?;
                after(&parts.evil, &ISSUER, &signature)
            })
        },
    ),
    row("wrapping/response-extensions", "the signed Response in Extensions of a forged one", |scene| {
        wrap(scene, |parts| after(&parts.evil, &ISSUER, &extensions(&parts.original)))
    }),
    row(
        "wrapping/response-extensions-detached",
        "the original in Extensions, its signature in the forged one",
        |scene| {
            wrap(scene, |parts| {
                after(&parts.evil, &ISSUER, &[parts.signature.as_str(), &extensions(&parts.bare)].concat())
            })
        },
    ),
    row("wrapping/response-status-detail", "the signed Response in StatusDetail of a forged one", |scene| {
        wrap(scene, |parts| append(&parts.evil, &["Response", "Status"], &status_detail(&parts.original)))
    }),
    row("wrapping/response-advice", "the signed Response in the Advice of a forged Assertion", |scene| {
        wrap(scene, |parts| {
            let assertion = copy(&parts.evil, &["Response", "Assertion"])?;
            super::surgery::replace(
                &parts.evil,
                &["Response", "Assertion"],
                &advised(&assertion, &parts.original)?,
            )
        })
    }),
    row("wrapping/response-child-last", "the signed Response is the last child of a forged one", |scene| {
        wrap(scene, |parts| append(&parts.evil, &["Response"], &parts.original))
    }),
    row("wrapping/response-child-first", "the signed Response is the first child of a forged one", |scene| {
        wrap(scene, |parts| before(&parts.evil, &ISSUER, &parts.original))
    }),
    row("wrapping/envelope", "forged and signed Response side by side in an Envelope", |scene| {
        wrap(scene, |parts| Ok(enveloped(&[&parts.evil, &parts.original])))
    }),
    row(
        "wrapping/envelope-signed-first",
        "signed and forged Response side by side in an Envelope",
        |scene| wrap(scene, |parts| Ok(enveloped(&[&parts.original, &parts.evil]))),
    ),
    row(
        "wrapping/response-forged-in-key-info",
        "forged Assertion in the KeyInfo of the Response's signature",
        |scene| {
            wrap(scene, |parts| {
                append(&parts.original, &["Response", "Signature", "KeyInfo"], &parts.assertion()?)
            })
        },
    ),
    row(
        "wrapping/response-forged-in-object",
        "forged Assertion in a ds:Object of the Response's signature",
        |scene| {
            wrap(scene, |parts| {
                append(&parts.original, &["Response", "Signature"], &object(&parts.assertion()?))
            })
        },
    ),
    row(
        "wrapping/both-signed",
        "forged Response with both genuine signatures, the original in a ds:Object",
        |scene| {
            wrap(scene, |parts| {
                let inner = copy(&parts.original, &["Response", "Assertion", "Signature"])?;
                let evil = after(&parts.evil, &["Response", "Assertion", "Issuer"], &inner)?;
                after(&evil, &ISSUER, &within(&parts.signature, &object(&parts.bare))?)
            })
        },
    )
    .from(Base::Both),
    row(
        "wrapping/both-signed-sibling",
        "the original, both signed, is a child of a forged Response",
        |scene| {
            wrap(scene, |parts| {
                let inner = copy(&parts.original, &["Response", "Assertion", "Signature"])?;
                let evil = after(&parts.evil, &["Response", "Assertion", "Issuer"], &inner)?;
                after(&evil, &ISSUER, &[parts.signature.as_str(), &parts.bare].concat())
            })
        },
    )
    .from(Base::Both),
];

/// A genuine Response that is signed, and a forged one.
struct Parts {
    original: String,
    bare: String,
    signature: String,
    /// The forged Response about the victim, without any signature and with IDs of its own.
    evil: String,
}

impl Parts {
    fn of(scene: &Scene<'_>) -> Result<Self, TestkitError> {
        let issued = scene.message().issue()?.into_xml();
        let original = root(&issued).to_owned();
        let signature = copy(&original, &["Response", "Signature"])?;
        let bare = without(&original, &["Response", "Signature"])?;
        let unsigned =
            without(&bare, &["Response", "Assertion", "Signature"]).unwrap_or_else(|_| bare.clone());
        let mut evil = scene.forged(&unsigned);
        for id in [scene.response_id(), scene.assertion_id()] {
            evil = set(&evil, "ID", &id, &format!("{id}.forged"));
        }
        Ok(Self { original, bare, signature, evil })
    }

    /// Returns the forged Assertion.
    fn assertion(&self) -> Result<String, TestkitError> {
        copy(&self.evil, &["Response", "Assertion"])
    }
}

fn wrap(scene: &Scene<'_>, layout: impl FnOnce(&Parts) -> Result<String, TestkitError>) -> Made {
    Ok(vec![scene.bent(layout(&Parts::of(scene)?)?)])
}

fn enveloped(responses: &[&str]) -> String {
    format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>{}</soap:Body>\
         </soap:Envelope>",
        responses.concat()
    )
}
