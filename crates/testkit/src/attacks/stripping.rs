//! Attacks with messages that have no signature, a part of a signature, or the signature of something else.

use super::scene::{Made, Scene};
use super::signature::{self, Draft};
use super::surgery::{after, append, copy, fill, prepend, replace, root, set, text_of, without};
use super::wrapping::{extensions, status_detail};
use super::{Attack, Base, Kind, Needs};
use crate::{Signed, TestkitError};
use vouchsafe_xml::namespace::DSIG;

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Stripping, description, make).from(Base::Assertion)
}

const ASSERTION: [&str; 2] = ["Response", "Assertion"];
const SIGNATURE: [&str; 3] = ["Response", "Assertion", "Signature"];
const SIGNED_INFO: [&str; 4] = ["Response", "Assertion", "Signature", "SignedInfo"];
const REFERENCE: [&str; 5] = ["Response", "Assertion", "Signature", "SignedInfo", "Reference"];
const VALUE: [&str; 4] = ["Response", "Assertion", "Signature", "SignatureValue"];

pub(super) const ATTACKS: &[Attack] = &[
    row("stripping/never-signed", "forged message that never had a signature", |scene| {
        let response = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?;
        Ok(vec![scene.hostile(response.xml())])
    }),
    row("stripping/assertion", "the Assertion's signature taken away, the subject changed", |scene| {
        forge(scene, |xml| without(xml, &SIGNATURE))
    }),
    row("stripping/response", "the Response's signature taken away, the subject changed", |scene| {
        forge(scene, |xml| without(xml, &["Response", "Signature"]))
    })
    .from(Base::Response),
    row("stripping/both", "both signatures taken away, the subject changed", |scene| {
        forge(scene, |xml| without(&without(xml, &SIGNATURE)?, &["Response", "Signature"]))
    })
    .from(Base::Both),
    row(
        "stripping/response-of-both",
        "the Response's signature taken away, the Assertion's broken",
        |scene| forge(scene, |xml| without(xml, &["Response", "Signature"])),
    )
    .from(Base::Both),
    row(
        "stripping/assertion-of-both",
        "the Assertion's signature taken away, the Response's broken",
        |scene| forge(scene, |xml| without(xml, &SIGNATURE)),
    )
    .from(Base::Both),
    row("stripping/tampered", "the subject changed, everything else as it was", |scene| {
        forge(scene, |xml| Ok(xml.to_owned()))
    }),
    row("stripping/tampered-digest", "the subject changed and the digest computed again", redigested),
    row("stripping/empty-value", "SignatureValue is empty, the digest right", |scene| {
        let forged = redigested_text(scene)?;
        Ok(vec![scene.hostile(fill(&forged, &VALUE, "")?)])
    }),
    row("stripping/no-value", "no SignatureValue, the digest right", |scene| {
        let forged = redigested_text(scene)?;
        Ok(vec![scene.hostile(without(&forged, &VALUE)?)])
    }),
    row("stripping/empty-signature", "a ds:Signature with nothing in it", |scene| {
        forge(scene, |xml| fill(xml, &SIGNATURE, ""))
    }),
    row("stripping/no-reference", "SignedInfo without Reference, signed by the right key", no_reference),
    row("stripping/reference-removed", "the only Reference taken out of the genuine SignedInfo", |scene| {
        forge(scene, |xml| without(xml, &REFERENCE))
    }),
    row("stripping/two-signed-info", "a forged SignedInfo before the genuine one", |scene| {
        two_signed_info(scene, false)
    })
    .known_as("CVE-2025-29774 (xml-crypto)"),
    row("stripping/two-signed-info-last", "a forged SignedInfo after the genuine one", |scene| {
        two_signed_info(scene, true)
    })
    .known_as("CVE-2025-29774 (xml-crypto)"),
    row("stripping/digest-comment", "the forged digest in a comment before the genuine one", |scene| {
        digest_comment(scene, |forged, genuine| format!("<!--{forged}-->{genuine}"))
    })
    .known_as("CVE-2025-29775 (xml-crypto)"),
    row("stripping/digest-comment-last", "the forged digest in a comment after the genuine one", |scene| {
        digest_comment(scene, |forged, genuine| format!("{genuine}<!--{forged}-->"))
    }),
    row(
        "stripping/smuggled-digest",
        "the forged DigestValue in StatusDetail, where a search finds it first",
        |scene| smuggled(scene, |xml, digest| append(xml, &["Response", "Status"], &status_detail(digest))),
    )
    .known_as("CVE-2024-45409 (ruby-saml)"),
    row("stripping/smuggled-digest-extensions", "the forged DigestValue in Extensions", |scene| {
        smuggled(scene, |xml, digest| after(xml, &["Response", "Issuer"], &extensions(digest)))
    })
    .known_as("CVE-2024-45409 (ruby-saml)"),
    row("stripping/other-assertion", "the genuine signature of another message", |scene| {
        let other = scene.message().assertion_id(format!("{}.other", scene.assertion_id())).issue()?;
        let signature = copy(other.xml(), &SIGNATURE)?;
        forge(scene, |xml| replace(xml, &SIGNATURE, &signature))
    }),
    row("stripping/other-assertion-id", "the genuine signature of another message, and its ID", |scene| {
        let id = format!("{}.other", scene.assertion_id());
        let signature = copy(scene.message().assertion_id(&id).issue()?.xml(), &SIGNATURE)?;
        forge(scene, |xml| Ok(set(&replace(xml, &SIGNATURE, &signature)?, "ID", &scene.assertion_id(), &id)))
    }),
    row("stripping/response-signature-inside", "the Response's signature in the forged Assertion", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let signature = copy(&issued, &["Response", "Signature"])?;
        let moved = after(
            &without(&issued, &["Response", "Signature"])?,
            &["Response", "Assertion", "Issuer"],
            &signature,
        )?;
        Ok(vec![scene.hostile(scene.forged(&moved))])
    })
    .from(Base::Response),
    row(
        "stripping/elsewhere",
        "the identity provider signed another element, which is in Extensions",
        |scene| {
            signed_elsewhere(scene, |xml, element| after(xml, &["Response", "Issuer"], &extensions(element)))
        },
    )
    .known_as("CVE-2022-39299 (passport-saml)"),
    row(
        "stripping/elsewhere-last",
        "the identity provider signed another element, which is the last one",
        |scene| signed_elsewhere(scene, |xml, element| append(xml, &["Response"], element)),
    ),
    row("stripping/inner-element", "the signature covers the Issuer alone, by the right key", |scene| {
        let id = format!("{}.issuer", scene.assertion_id());
        inner_element(scene, &id)
    }),
    row("stripping/foreign-namespace", "the signature in an unknown namespace", |scene| {
        forge(scene, |xml| Ok(xml.replace(&format!("xmlns:ds=\"{DSIG}\""), "xmlns:ds=\"urn:example:x\"")))
    }),
    row("stripping/renamed", "the signature is called something else", |scene| {
        forge(scene, |xml| {
            Ok(xml.replace("ds:Signature>", "ds:Sign>").replace("<ds:Signature ", "<ds:Sign "))
        })
    }),
    row("stripping/commented-out", "the signature in a comment", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let signature = copy(&issued, &SIGNATURE)?;
        let comment = format!("<!--{signature}-->");
        Ok(vec![scene.hostile(scene.forged(&replace(&issued, &SIGNATURE, &comment)?))])
    }),
    row("stripping/encrypted", "forged message without signature, encrypted", |scene| {
        let response = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?;
        Ok(vec![scene.hostile(response.xml())])
    })
    .from(Base::EncryptedAssertion)
    .needs(&[Needs::Certificate]),
];

/// Returns a genuine message about the attacker that is changed by `bend` and then made to name the victim.
fn forge(scene: &Scene<'_>, bend: impl FnOnce(&str) -> Result<String, TestkitError>) -> Made {
    let issued = scene.message().issue()?.into_xml();
    Ok(vec![scene.hostile(scene.forged(&bend(&issued)?))])
}

fn redigested(scene: &Scene<'_>) -> Made {
    Ok(vec![scene.hostile(redigested_text(scene)?)])
}

/// Returns the forged message with a right digest: only the value over SignedInfo is wrong.
fn redigested_text(scene: &Scene<'_>) -> Result<String, TestkitError> {
    let issued = scene.message().issue()?.into_xml();
    let forged = scene.forged(&issued);
    fill(&forged, &path(&REFERENCE, "DigestValue"), &digest_of(scene, &issued)?)
}

/// Returns the digest that the forged Assertion would need.
pub(super) fn digest_of(scene: &Scene<'_>, issued: &str) -> Result<String, TestkitError> {
    let bare = without(&copy(issued, &ASSERTION)?, &["Assertion", "Signature"])?;
    signature::digest(&with_prefix_list(&scene.forged(&bare))?)
}

/// Returns the canonical form in which the kit's messages are digested: exclusive, PrefixList="xs".
fn with_prefix_list(text: &str) -> Result<Vec<u8>, TestkitError> {
    use vouchsafe_xml::{Canonicalization, Document, Limits, canonicalize};
    let document = Document::parse(text.as_bytes(), &Limits::default())?;
    let mut bytes = Vec::new();
    canonicalize(document.root(), Canonicalization::EXCLUSIVE, &["xs"], None, &mut bytes)?;
    Ok(bytes)
}

fn no_reference(scene: &Scene<'_>) -> Made {
    let key = scene.target().identity_provider.key();
    let signature =
        Draft::new().key_info(&signature::x509(&[key.certificate()])).signed_by(key.private_key())?;
    forge(scene, |xml| replace(xml, &SIGNATURE, &signature))
}

fn two_signed_info(scene: &Scene<'_>, last: bool) -> Made {
    let issued = scene.message().issue()?.into_xml();
    let forged = fill(&issued, &path(&REFERENCE, "DigestValue"), &digest_of(scene, &issued)?)?;
    let forged = copy(&forged, &SIGNED_INFO)?;
    let both = if last {
        after(&issued, &SIGNED_INFO, &forged)?
    } else {
        super::surgery::before(&issued, &SIGNED_INFO, &forged)?
    };
    Ok(vec![scene.hostile(scene.forged(&both))])
}

fn digest_comment(scene: &Scene<'_>, arrange: fn(&str, &str) -> String) -> Made {
    let issued = scene.message().issue()?.into_xml();
    let path = path(&REFERENCE, "DigestValue");
    let genuine = copy(&issued, &path)?;
    let bent = fill(&issued, &path, &arrange(&digest_of(scene, &issued)?, text_of(&genuine)))?;
    Ok(vec![scene.hostile(scene.forged(&bent))])
}

fn smuggled(scene: &Scene<'_>, place: fn(&str, &str) -> Result<String, TestkitError>) -> Made {
    let issued = scene.message().issue()?.into_xml();
    let digest =
        format!("<ds:DigestValue xmlns:ds=\"{DSIG}\">{}</ds:DigestValue>", digest_of(scene, &issued)?);
    Ok(vec![scene.hostile(scene.forged(&place(&issued, &digest)?))])
}

/// Puts a public element that the identity provider signed, such as its metadata, into an unsigned message.
fn signed_elsewhere(scene: &Scene<'_>, place: fn(&str, &str) -> Result<String, TestkitError>) -> Made {
    let key = scene.target().identity_provider.key();
    let id = format!("{}.metadata", scene.response_id());
    let element =
        format!("<x:Published xmlns:x=\"urn:example:x\" ID=\"{id}\"><x:Anything></x:Anything></x:Published>");
    let signature = Draft::over(&element)?
        .key_info(&signature::x509(&[key.certificate()]))
        .signed_by(key.private_key())?;
    let element = prepend(&element, &["Published"], &signature)?;
    let unsigned = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?.into_xml();
    Ok(vec![scene.hostile(place(&unsigned, &element)?)])
}

fn inner_element(scene: &Scene<'_>, id: &str) -> Made {
    let key = scene.target().identity_provider.key();
    let unsigned = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?.into_xml();
    let issuer = ["Response", "Assertion", "Issuer"];
    let unsigned = super::surgery::with_attribute(&unsigned, &issuer, &format!("ID=\"{id}\""))?;
    let assertion = copy(&unsigned, &ASSERTION)?;
    let digest = signature::digest(&signature::canonical_at(&assertion, "/*/*[1]")?)?;
    let transforms = signature::transforms(&[signature::ENVELOPED, signature::EXCLUSIVE]);
    let signature = Draft::new()
        .reference(Some(&format!("#{id}")), &transforms, signature::SHA256, &digest)
        .key_info(&signature::x509(&[key.certificate()]))
        .signed_by(key.private_key())?;
    Ok(vec![scene.hostile(root(&after(&unsigned, &issuer, &signature)?))])
}

fn path<'p>(to: &[&'p str], name: &'p str) -> Vec<&'p str> {
    to.iter().copied().chain([name]).collect()
}
