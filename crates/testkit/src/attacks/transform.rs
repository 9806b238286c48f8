//! Attacks with references that cover other content than the content that is read. The identity provider's own key
//! signs: only the rules for the structure of the signature keep a forged message out (SAML core, 5.4.2 and 5.4.4).

use super::key_substitution::{signed_by_hand, with_signature};
use super::scene::{Made, Scene};
use super::signature::{Draft, ENVELOPED, EXCLUSIVE, SHA256, canonical, canonical_at, digest, transforms};
use super::surgery::{append, before, copy, with_attribute};
use super::wrapping::object;
use super::{Attack, Base, Kind};
use crate::{Signed, TestkitError};

const GOXMLDSIG: &str = "CVE-2026-33487 (goxmldsig)";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const XPATH: &str = "http://www.w3.org/TR/1999/REC-xpath-19991116";
const XPATH_FILTER: &str = "http://www.w3.org/2002/06/xmldsig-filter2";
const XSLT: &str = "http://www.w3.org/TR/1999/REC-xslt-19991116";
const BASE64: &str = "http://www.w3.org/2000/09/xmldsig#base64";

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Transform, description, make).from(Base::Assertion)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("transform/xpath", "an XPath transform selects the Issuer, nothing else is covered", |scene| {
        let selects = format!(
            "<ds:Transform Algorithm=\"{XPATH}\"><ds:XPath xmlns:saml2=\"{SAML}\">ancestor-or-self::saml2:Issuer\
             </ds:XPath></ds:Transform>"
        );
        covering_the_issuer(scene, &selects)
    }),
    row("transform/xpath-filter", "an XPath filter selects the Issuer, nothing else is covered", |scene| {
        let selects = format!(
            "<ds:Transform Algorithm=\"{XPATH_FILTER}\"><dsig-xpath:XPath \
             xmlns:dsig-xpath=\"{XPATH_FILTER}\" xmlns:saml2=\"{SAML}\" Filter=\"intersect\">//saml2:Issuer\
             </dsig-xpath:XPath></ds:Transform>"
        );
        covering_the_issuer(scene, &selects)
    }),
    row("transform/xslt", "a style sheet turns everything into the same bytes", |scene| {
        let sheet = format!(
            "<ds:Transform Algorithm=\"{XSLT}\"><xsl:stylesheet \
             xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"><xsl:output method=\"text\">\
             </xsl:output><xsl:template match=\"/\">same</xsl:template></xsl:stylesheet></ds:Transform>"
        );
        forged(scene, |_| {
            let all = format!("<ds:Transforms>{}{sheet}</ds:Transforms>", transform(ENVELOPED));
            Ok(Draft::new().reference(Some(&uri(scene)), &all, SHA256, &digest(b"same")?))
        })
    }),
    row("transform/base64", "a base64 transform covers text, not elements and attributes", |scene| {
        forged(scene, |assertion| {
            let text = text_between_tags(assertion);
            let decoded = lenient_base64(&text);
            Ok(Draft::new().reference(
                Some(&uri(scene)),
                &transforms(&[ENVELOPED, BASE64]),
                SHA256,
                &digest(&decoded)?,
            ))
        })
    }),
    row("transform/unknown", "an unknown transform, any digest", |scene| {
        forged(scene, |_| {
            let all = transforms(&[ENVELOPED, "urn:example:transform"]);
            Ok(Draft::new().reference(Some(&uri(scene)), &all, SHA256, &digest(b"")?))
        })
    }),
    row(
        "transform/digest-of-nothing",
        "a relative namespace name on which canonicalization fails, digest of nothing",
        |scene| {
            let unsigned = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?.into_xml();
            let unsigned = with_attribute(&unsigned, &["Response", "Assertion"], "xmlns:x=\"relative\"")?;
            let message = with_signature(&unsigned, |_| {
                let all = transforms(&[ENVELOPED, EXCLUSIVE]);
                by_the_right_key(
                    scene,
                    Draft::new().reference(Some(&uri(scene)), &all, SHA256, &digest(b"")?),
                )
            })?;
            Ok(vec![scene.hostile(message)])
        },
    )
    .known_as("CVE-2025-66568 (ruby-saml)"),
    row(
        "transform/three",
        "enveloped-signature and two canonicalizations over a genuine Assertion",
        |scene| {
            genuine(scene, |assertion| {
                let all = transforms(&[ENVELOPED, EXCLUSIVE, INCLUSIVE]);
                Ok(Draft::new().reference(Some(&uri(scene)), &all, SHA256, &digest(&canonical(assertion)?)?))
            })
        },
    ),
    row("transform/not-enveloped", "no enveloped-signature transform over a genuine Assertion", |scene| {
        genuine(scene, |assertion| {
            let all = transforms(&[EXCLUSIVE]);
            Ok(Draft::new().reference(Some(&uri(scene)), &all, SHA256, &digest(&canonical(assertion)?)?))
        })
    }),
    row("transform/detached", "the signature is beside the genuine Assertion", |scene| {
        let unsigned = scene.message().sign(Signed::Neither).issue()?.into_xml();
        let assertion = copy(&unsigned, &["Response", "Assertion"])?;
        let draft = Draft::new().reference(
            Some(&uri(scene)),
            &transforms(&[EXCLUSIVE]),
            SHA256,
            &digest(&canonical(&assertion)?)?,
        );
        let signature = by_the_right_key(scene, draft)?;
        Ok(vec![scene.bent(before(&unsigned, &["Response", "Assertion"], &signature)?)])
    }),
    row("reference/no-uri", "a Reference without URI, digest of nothing", |scene| {
        forged(scene, |_| Ok(Draft::new().reference(None, "", SHA256, &digest(b"")?)))
    }),
    row("reference/file", "a Reference to /dev/null, digest of nothing", |scene| {
        forged(scene, |_| Ok(Draft::new().reference(Some("file:///dev/null"), "", SHA256, &digest(b"")?)))
    }),
    row("reference/http", "a Reference to a web address (loopback, port 9), digest of nothing", |scene| {
        forged(scene, |_| Ok(Draft::new().reference(Some("http://127.0.0.1:9/"), "", SHA256, &digest(b"")?)))
    }),
    row("reference/xpointer", "a Reference by XPointer to a genuine Assertion", |scene| {
        genuine(scene, |assertion| {
            let uri = format!("#xpointer(id('{}'))", scene.assertion_id());
            let all = transforms(&[ENVELOPED, EXCLUSIVE]);
            Ok(Draft::new().reference(Some(&uri), &all, SHA256, &digest(&canonical(assertion)?)?))
        })
    }),
    row(
        "reference/empty",
        "a Reference to the whole document in a forged Assertion, with the Issuer's digest",
        |scene| {
            forged(scene, |assertion| {
                let all = transforms(&[ENVELOPED, EXCLUSIVE]);
                Ok(Draft::new().reference(
                    Some(""),
                    &all,
                    SHA256,
                    &digest(&canonical_at(assertion, "/*/*[1]")?)?,
                ))
            })
        },
    ),
    row(
        "reference/two-forged-last",
        "two References, the first right for something else, the second wrong",
        |scene| two_references(scene, false),
    ),
    row(
        "reference/two-forged-first",
        "two References, the first wrong, the second right for something else",
        |scene| two_references(scene, true),
    ),
    row(
        "reference/three",
        "three References, the one in the middle is for the Assertion and wrong",
        |scene| several(scene, &[false, true, false]),
    )
    .known_as(GOXMLDSIG),
    row("reference/other-last", "two References to two things, both right, none to the Assertion", |scene| {
        several(scene, &[false, false])
    })
    .known_as(GOXMLDSIG),
    row("reference/other-alone", "one Reference to something else, which is right", |scene| {
        several(scene, &[false])
    })
    .known_as(GOXMLDSIG),
    row("reference/same-twice", "two References to the genuine Assertion, the last one wrong", |scene| {
        twice(scene, false)
    })
    .known_as(GOXMLDSIG),
    row(
        "reference/same-twice-first",
        "two References to the genuine Assertion, the first one wrong",
        |scene| twice(scene, true),
    )
    .known_as(GOXMLDSIG),
    row(
        "reference/response-from-assertion",
        "a signature in a forged Assertion, whose Reference is the Response's Issuer",
        |scene| {
            let id = format!("{}.issuer", scene.response_id());
            let unsigned = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?.into_xml();
            let unsigned = with_attribute(&unsigned, &["Response", "Issuer"], &format!("ID=\"{id}\""))?;
            let issuer = canonical(&copy(&unsigned, &["Response", "Issuer"])?)?;
            let message = with_signature(&unsigned, |_| {
                let all = transforms(&[ENVELOPED, EXCLUSIVE]);
                let draft = Draft::new().reference(Some(&format!("#{id}")), &all, SHA256, &digest(&issuer)?);
                by_the_right_key(scene, draft)
            })?;
            Ok(vec![scene.hostile(message)])
        },
    )
    .known_as(GOXMLDSIG),
    row(
        "reference/manifest",
        "a Reference to a Manifest, whose digest of the Assertion is not checked",
        manifest,
    ),
];

const SAML: &str = vouchsafe_xml::namespace::SAML_ASSERTION;

fn uri(scene: &Scene<'_>) -> String {
    format!("#{}", scene.assertion_id())
}

fn transform(uri: &str) -> String {
    format!("<ds:Transform Algorithm=\"{uri}\"></ds:Transform>")
}

fn by_the_right_key(scene: &Scene<'_>, draft: Draft) -> Result<String, TestkitError> {
    draft.signed_by(scene.target().identity_provider.key().private_key())
}

/// Returns a message about the victim.
fn forged(scene: &Scene<'_>, draft: impl FnOnce(&str) -> Result<Draft, TestkitError>) -> Made {
    let message = signed_by_hand(scene, |assertion| by_the_right_key(scene, draft(assertion)?))?;
    Ok(vec![scene.hostile(message)])
}

/// Returns a message about the attacker: all of it is covered, but not in the way that the profile requires.
fn genuine(scene: &Scene<'_>, draft: impl FnOnce(&str) -> Result<Draft, TestkitError>) -> Made {
    let unsigned = scene.message().sign(Signed::Neither).issue()?.into_xml();
    let message = with_signature(&unsigned, |assertion| by_the_right_key(scene, draft(assertion)?))?;
    Ok(vec![scene.bent(message)])
}

fn covering_the_issuer(scene: &Scene<'_>, selects: &str) -> Made {
    forged(scene, |assertion| {
        let all = format!(
            "<ds:Transforms>{}{selects}{}</ds:Transforms>",
            transform(ENVELOPED),
            transform(EXCLUSIVE)
        );
        let digest = digest(&canonical_at(assertion, "/*/*[1]")?)?;
        Ok(Draft::new().reference(Some(&uri(scene)), &all, SHA256, &digest))
    })
}

fn two_references(scene: &Scene<'_>, wrong_first: bool) -> Made {
    let id = format!("{}.something", scene.response_id());
    let something = format!("<x:Something xmlns:x=\"urn:example:x\" ID=\"{id}\"></x:Something>");
    let message = signed_by_hand(scene, |_| {
        let (wrong, right) = (digest(b"")?, digest(&canonical(&something)?)?);
        let assertion = |draft: Draft| {
            draft.reference(Some(&uri(scene)), &transforms(&[ENVELOPED, EXCLUSIVE]), SHA256, &wrong)
        };
        let other = |draft: Draft| {
            draft.reference(Some(&format!("#{id}")), &transforms(&[EXCLUSIVE]), SHA256, &right)
        };
        let draft = if wrong_first { other(assertion(Draft::new())) } else { assertion(other(Draft::new())) };
        by_the_right_key(scene, draft)
    })?;
    Ok(vec![scene.hostile(append(&message, &["Response"], &something)?)])
}

/// Returns a message with references to meaningless elements with right digests, and to the forged Assertion with a
/// wrong digest.
fn several(scene: &Scene<'_>, to_the_assertion: &[bool]) -> Made {
    let mut all = String::new();
    let message = signed_by_hand(scene, |_| {
        let mut draft = Draft::new();
        for (number, to_the_assertion) in to_the_assertion.iter().enumerate() {
            if *to_the_assertion {
                let all = transforms(&[ENVELOPED, EXCLUSIVE]);
                draft = draft.reference(Some(&uri(scene)), &all, SHA256, &digest(b"")?);
                continue;
            }
            let id = format!("{}.something{number}", scene.response_id());
            let something = format!("<x:Something xmlns:x=\"urn:example:x\" ID=\"{id}\"></x:Something>");
            let right = digest(&canonical(&something)?)?;
            draft = draft.reference(Some(&format!("#{id}")), &transforms(&[EXCLUSIVE]), SHA256, &right);
            all.push_str(&something);
        }
        by_the_right_key(scene, draft)
    })?;
    Ok(vec![scene.hostile(append(&message, &["Response"], &all)?)])
}

/// Returns a message with two References to the genuine Assertion, of which one is wrong.
fn twice(scene: &Scene<'_>, wrong_first: bool) -> Made {
    genuine(scene, |assertion| {
        let (right, wrong) = (digest(&canonical(assertion)?)?, digest(b"")?);
        let all = transforms(&[ENVELOPED, EXCLUSIVE]);
        let [first, second] = if wrong_first { [wrong, right] } else { [right, wrong] };
        let draft = Draft::new().reference(Some(&uri(scene)), &all, SHA256, &first);
        Ok(draft.reference(Some(&uri(scene)), &all, SHA256, &second))
    })
}

fn manifest(scene: &Scene<'_>) -> Made {
    let id = format!("{}.manifest", scene.assertion_id());
    let wrong = Draft::new().reference(
        Some(&uri(scene)),
        &transforms(&[ENVELOPED, EXCLUSIVE]),
        SHA256,
        &digest(b"")?,
    );
    let reference = copy(&wrong.with_value(""), &["Signature", "SignedInfo", "Reference"])?;
    let dsig = vouchsafe_xml::namespace::DSIG;
    let manifest = format!("<ds:Manifest xmlns:ds=\"{dsig}\" Id=\"{id}\">{reference}</ds:Manifest>");
    let message = signed_by_hand(scene, |_| {
        let draft = Draft::new().reference(
            Some(&format!("#{id}")),
            &transforms(&[EXCLUSIVE]),
            SHA256,
            &digest(&canonical(&manifest)?)?,
        );
        append(&by_the_right_key(scene, draft)?, &["Signature"], &object(&manifest))
    })?;
    Ok(vec![scene.hostile(message)])
}

/// Returns the text of an element that has no comments and no CDATA.
fn text_between_tags(element: &str) -> String {
    element.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect()
}

/// Decodes as lenient decoders do: characters outside the alphabet are skipped, and an incomplete group at the end is
/// dropped.
fn lenient_base64(text: &str) -> Vec<u8> {
    let mut kept: Vec<u8> =
        text.bytes().filter(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte)).collect();
    kept.truncate(kept.len().saturating_sub(kept.len() % 4));
    vouchsafe_crypto::base64_decode(kept).unwrap_or_default()
}
