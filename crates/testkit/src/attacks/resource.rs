//! Attacks with messages of at most about 300 KiB that cause much work if work is not limited. In most of them the
//! Assertion is genuine: both accepting it and refusing the message are right if it does not take long.

use vouchsafe_crypto::{base64_decode, base64_encode};

use super::key_substitution::signed_by_hand;
use super::scene::{Made, Scene};
use super::signature::{Draft, EXCLUSIVE, SHA256, canonical, digest, transforms};
use super::surgery::{after, append, copy, fill, text_of, without};
use super::wrapping::extensions;
use super::{Attack, Base, Kind, Needs};
use crate::keys;

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Resource, description, make).from(Base::Assertion)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("resource/deep", "10,000 elements inside each other", |scene| {
        extended(scene, &["<a>".repeat(10_000), "</a>".repeat(10_000)].concat())
    }),
    row("resource/elements", "30,000 elements", |scene| extended(scene, &"<a/>".repeat(30_000))),
    row("resource/attributes", "10,000 attributes of one element", |scene| {
        let attributes: String = (0..10_000).map(|number| format!(" a{number}=\"\"")).collect();
        extended(scene, &format!("<a{attributes}/>"))
    }),
    row("resource/namespaces", "5,000 namespaces on one element", |scene| {
        let declarations: String =
            (0..5_000).map(|number| format!(" xmlns:n{number}=\"urn:{number}\"")).collect();
        extended(scene, &format!("<a{declarations}><b/></a>"))
    }),
    row(
        "resource/nested-namespaces",
        "a new namespace on each of 1,000 elements inside each other",
        |scene| {
            let start: String =
                (0..1_000).map(|number| format!("<a xmlns:n{number}=\"urn:{number}\">")).collect();
            extended(scene, &[start, "</a>".repeat(1_000)].concat())
        },
    ),
    row("resource/text", "a text of 200 KiB", |scene| extended(scene, &"text ".repeat(40_000))),
    row("resource/references-to-characters", "40,000 character references", |scene| {
        extended(scene, &"&#65;".repeat(40_000))
    }),
    row("resource/comments", "20,000 comments", |scene| extended(scene, &"<!---->x".repeat(20_000))),
    row("resource/name", "an element whose name has 100,000 characters", |scene| {
        extended(scene, &format!("<{}/>", "a".repeat(100_000)))
    }),
    row("resource/identifiers", "5,000 elements with an ID", |scene| {
        let elements: String = (0..5_000).map(|number| format!("<a ID=\"_kit{number}\"/>")).collect();
        extended(scene, &elements)
    }),
    row("resource/signatures", "200 Signatures in Extensions", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let signature = copy(&issued, &["Response", "Assertion", "Signature"])?;
        let signature = without(&signature, &["Signature", "KeyInfo"])?;
        Ok(vec![scene.bent(after(&issued, &["Response", "Issuer"], &extensions(&signature.repeat(200)))?)])
    }),
    row("resource/certificates", "100 certificates in the KeyInfo of the genuine signature", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let path = ["Response", "Assertion", "Signature", "KeyInfo"];
        let data = copy(&issued, &["Response", "Assertion", "Signature", "KeyInfo", "X509Data"])?;
        Ok(vec![scene.bent(append(&issued, &path, &data.repeat(100))?)])
    }),
    row("resource/references", "500 References to the Assertion, signed by the attacker's key", |scene| {
        by_the_attacker(scene, |assertion| {
            let digest = digest(&canonical(assertion)?)?;
            let (uri, all) = (format!("#{}", scene.assertion_id()), transforms(&[EXCLUSIVE]));
            let one = |draft: Draft, _| draft.reference(Some(&uri), &all, SHA256, &digest);
            Ok((0..500).fold(Draft::new(), one))
        })
    }),
    row(
        "resource/transforms",
        "1,000 canonicalizations of the Assertion, signed by the attacker's key",
        |scene| {
            by_the_attacker(scene, |assertion| {
                let digest = digest(&canonical(assertion)?)?;
                let uri = format!("#{}", scene.assertion_id());
                Ok(Draft::new().reference(Some(&uri), &transforms(&[EXCLUSIVE; 1_000]), SHA256, &digest))
            })
        },
    ),
    row("resource/prefix-list", "a PrefixList of 20,000 prefixes, signed by the attacker's key", |scene| {
        by_the_attacker(scene, |assertion| {
            let prefixes: String = (0..20_000).map(|number| format!("n{number} ")).collect();
            let list = format!(
                "<ds:Transforms><ds:Transform Algorithm=\"{EXCLUSIVE}\"><ec:InclusiveNamespaces \
                 xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{}\"></ec:InclusiveNamespaces></ds:Transform></ds:Transforms>",
                prefixes.trim_end()
            );
            let uri = format!("#{}", scene.assertion_id());
            Ok(Draft::new().reference(Some(&uri), &list, SHA256, &digest(&canonical(assertion)?)?))
        })
    }),
    row("resource/encrypted-keys", "60 EncryptedKeys, the right one last", encrypted_keys)
        .from(Base::EncryptedAssertion)
        .needs(&[Needs::Certificate]),
    row("resource/encrypted-assertions", "40 EncryptedAssertions", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let sealed = copy(&issued, &["Response", "EncryptedAssertion"])?;
        Ok(vec![scene.bent(append(&issued, &["Response"], &sealed.repeat(39))?)])
    })
    .from(Base::EncryptedAssertion)
    .needs(&[Needs::Certificate]),
];

/// Returns the genuine Response with this content in Extensions.
fn extended(scene: &Scene<'_>, inside: &str) -> Made {
    let issued = scene.message().issue()?.into_xml();
    Ok(vec![scene.bent(after(&issued, &["Response", "Issuer"], &extensions(inside))?)])
}

fn by_the_attacker(
    scene: &Scene<'_>,
    draft: impl FnOnce(&str) -> Result<Draft, crate::TestkitError>,
) -> Made {
    let message =
        signed_by_hand(scene, |assertion| draft(assertion)?.signed_by(keys::attacker().private_key()))?;
    Ok(vec![scene.hostile(message)])
}

fn encrypted_keys(scene: &Scene<'_>) -> Made {
    let issued = scene.message().issue()?.into_xml();
    let key = copy(&issued, &["Response", "EncryptedAssertion", "EncryptedKey"])?;
    let id =
        key.split(" Id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned();
    let value = ["EncryptedKey", "CipherData", "CipherValue"];
    let bytes = base64_decode(text_of(&copy(&key, &value)?))?;
    let mut wrong = String::new();
    for number in 1_u8..60 {
        let bytes: Vec<u8> = bytes.iter().map(|byte| byte ^ number).collect();
        wrong.push_str(&fill(&key, &value, &base64_encode(&bytes))?.replace(&id, &format!("{id}.{number}")));
    }
    let path = ["Response", "EncryptedAssertion", "EncryptedKey"];
    Ok(vec![scene.bent(super::surgery::before(&issued, &path, &wrong)?)])
}
