//! Why a signature fails: a post-mortem, on demand, for people.
//!
//! [`verify`](crate::verify) says that a signature does not hold. [`autopsy`] looks for the reason afterwards: whose key made the
//! value, whether `ds:SignedInfo` or the content is what changed, and which of the accidents that happen to messages explains it.
//! An explanation is never a guess: it is named only when, with the accident undone, the digest or the value fits.
//!
//! It costs many times what verifying costs, so it has no place where messages are received. The work is bounded, see [`Autopsy::work`].

use std::sync::Arc;

use vouchsafe_crypto::{
    Certificate, CryptoError, DigestAlgorithm, Provider, PublicKey, SignatureAlgorithm, base64_decode,
    base64_encode,
};
use vouchsafe_xml::{Element, Limits, namespace};

use crate::autopsy_explanation::Explanation;
use crate::autopsy_readings::Readings;
use crate::profile::{self, Parts, Profile};
use crate::{SignatureError, TrustedKey};

/// Public-key operations of one autopsy at most: some thousand tenants with a key or two each, then the hypotheses.
const VERIFICATIONS: usize = 8 * 1024;
/// Public-key operations kept for hypotheses about `ds:SignedInfo`.
const HYPOTHETICAL_VERIFICATIONS: usize = 512;
/// Keys tried against each hypothesis about `ds:SignedInfo`.
const SUSPECTS: usize = 6;
/// Certificates of `ds:KeyInfo` that are looked at.
const CERTIFICATES: usize = 4;

/// Finds out why the signature of `element` does not hold.
///
/// `source` is the text that the element's document was parsed from. `trusted` are the keys that verification used; `known` are other
/// keys that the caller can put a name to, such as those of other tenants' identity providers: one of them that fits is no reason to
/// believe the message, but says where it comes from. What the message's own `ds:KeyInfo` says is looked at here, and nowhere else.
///
/// The verdict stays what [`verify`](crate::verify) says. Nothing here is proof of anything:
///
/// ```compile_fail,E0277
/// # fn forge(autopsy: vouchsafe_signature::Autopsy) -> vouchsafe_signature::Verified {
/// autopsy.into() // error: an autopsy does not become a proof
/// # }
/// ```
///
/// ```
/// use vouchsafe_crypto::{KeyKind, Provider};
/// use vouchsafe_signature::{Explanation, Maker, Signer, TrustedKey, autopsy, sign, verify};
/// use vouchsafe_xml::{Document, Limits};
///
/// let (provider, limits) = (Provider::rustcrypto(), Limits::default());
/// let key = provider.generate_key(KeyKind::P256)?;
/// let trusted = [TrustedKey::new(key.public_key().clone(), "the identity provider's key")];
/// let signed = sign(r#"<Response ID="_1"><Status/></Response>"#, "_1", &Signer::new(&key), &provider, &limits)?;
/// let indented = signed.replace("<Status/>", "\n  <Status/>\n");
///
/// let document = Document::parse(indented.as_bytes(), &limits)?;
/// assert_eq!(verify(document.root(), &trusted, &provider, &limits).unwrap_err().code(), "signature.digest_mismatch");
/// let found = autopsy(document.root(), &indented, &trusted, &[], &provider, &limits)?;
/// assert!(matches!(found.maker(), Maker::Trusted { .. }));
/// assert_eq!(found.content_explanation(), Some(&Explanation::Indented));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `signature.*` codes of the structure: a signature that has not the shape of the profile has nothing that could be looked into.
pub fn autopsy(
    element: Element<'_>,
    source: &str,
    trusted: &[TrustedKey],
    known: &[TrustedKey],
    provider: &Provider,
    limits: &Limits,
) -> Result<Autopsy, SignatureError> {
    let parts = profile::read(element, Profile::Saml, limits)?;
    let mut bench = Bench { provider, certificates: embedded(&parts), verifications: 0, digests: 0 };
    let readings = Readings::of(&parts, source, limits);
    let (maker, value_explanation) = bench.maker(&parts, &readings, trusted, known);
    let content = bench.content(&parts, &readings);
    Ok(Autopsy {
        element: element.local_name().into(),
        algorithm: parts.algorithm,
        digest: parts.digest,
        maker,
        value_explanation,
        content,
        lost_characters: readings.lost_characters(),
        certificates: bench.certificates,
        verifications: bench.verifications,
        digests: bench.digests,
    })
}

/// Who made the value over `ds:SignedInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Maker {
    /// A key that is trusted for this signer.
    #[non_exhaustive]
    Trusted {
        /// Where the key came from.
        label: Arc<str>,
        /// SHA-256 over its SubjectPublicKeyInfo.
        fingerprint: Arc<str>,
    },
    /// A key that is known, but not trusted for this signer.
    #[non_exhaustive]
    Known {
        /// Where the key came from.
        label: Arc<str>,
        /// SHA-256 over its SubjectPublicKeyInfo.
        fingerprint: Arc<str>,
    },
    /// The key of a certificate that came along in the message, and that nobody here knows. Anybody can make one.
    #[non_exhaustive]
    Embedded {
        /// Its place among [`Autopsy::certificates`].
        certificate: usize,
        /// SHA-256 over its SubjectPublicKeyInfo.
        fingerprint: Arc<str>,
    },
    /// None of these keys: the key is unknown and was not sent along, or the value or `ds:SignedInfo` was altered.
    Nobody,
}

/// What became of the content since its digest was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// It has the digest that `ds:SignedInfo` names.
    AsDigested,
    /// It has that digest once this is undone.
    Explained(Explanation),
    /// It has another digest, and no hypothesis explains it.
    #[non_exhaustive]
    Changed {
        /// The digest in `ds:SignedInfo`, base64.
        expected: String,
        /// The digest of what came, base64.
        actual: String,
    },
    /// The digest cannot be computed: the policy refuses its algorithm, or its value is not one.
    #[non_exhaustive]
    Undecided {
        /// Why.
        reason: String,
    },
}

/// What an autopsy found. Not proof of anything: it holds no content and turns into nothing.
#[derive(Clone, Debug)]
pub struct Autopsy {
    element: Box<str>,
    algorithm: SignatureAlgorithm,
    digest: DigestAlgorithm,
    maker: Maker,
    value_explanation: Option<Explanation>,
    content: Content,
    lost_characters: usize,
    certificates: Vec<Certificate>,
    verifications: usize,
    digests: usize,
}

impl Autopsy {
    /// Local name of the element that carries the signature.
    #[must_use]
    pub fn element(&self) -> &str {
        &self.element
    }

    /// The signature algorithm that the signature names.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The digest that the signature names.
    #[must_use]
    pub fn digest(&self) -> DigestAlgorithm {
        self.digest
    }

    /// Whose key made the value over `ds:SignedInfo`.
    #[must_use]
    pub fn maker(&self) -> &Maker {
        &self.maker
    }

    /// Whether the value does not fit `ds:SignedInfo` as it came, whichever of the keys made it.
    #[must_use]
    pub fn is_value_wrong(&self) -> bool {
        self.maker == Maker::Nobody || self.value_explanation.is_some()
    }

    /// What has to be undone in `ds:SignedInfo` for the value to fit; `None` when nothing has to, and when nothing helps.
    #[must_use]
    pub fn value_explanation(&self) -> Option<&Explanation> {
        self.value_explanation.as_ref()
    }

    /// What became of the content.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Whether the content as it came has another digest than the one in `ds:SignedInfo`.
    #[must_use]
    pub fn is_digest_wrong(&self) -> bool {
        self.content != Content::AsDigested
    }

    /// What has to be undone in the content for the digest to fit; `None` when nothing has to, and when nothing helps.
    #[must_use]
    pub fn content_explanation(&self) -> Option<&Explanation> {
        match &self.content {
            Content::Explained(explanation) => Some(explanation),
            _ => None,
        }
    }

    /// How many characters of the element are U+FFFD, which programs write for octets that they could not decode. What stood there is
    /// lost, so no hypothesis can restore it.
    #[must_use]
    pub fn lost_characters(&self) -> usize {
        self.lost_characters
    }

    /// The certificates that came along in `ds:KeyInfo`, the first few. Nobody vouches for them; their fingerprints are for comparing.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// How much was tried: public-key operations (8,704 at most) and digests over the element (200 at most).
    #[must_use]
    pub fn work(&self) -> (usize, usize) {
        (self.verifications, self.digests)
    }
}

/// What the work is done with, and how much of it was done.
struct Bench<'a> {
    provider: &'a Provider,
    certificates: Vec<Certificate>,
    verifications: usize,
    digests: usize,
}

/// A key with what to say when it fits.
struct Suspect<'k> {
    key: &'k PublicKey,
    maker: Maker,
}

impl Bench<'_> {
    /// Whose key made the value: over `ds:SignedInfo` as it came, else with an accident undone, else by another algorithm.
    fn maker(
        &mut self,
        parts: &Parts<'_>,
        readings: &Readings<'_>,
        trusted: &[TrustedKey],
        known: &[TrustedKey],
    ) -> (Maker, Option<Explanation>) {
        let Ok(value) = base64_decode(parts.signature_value.as_bytes()) else { return (Maker::Nobody, None) };
        let embedded = self.embedded_keys();
        let suspects = suspects(trusted, known, &embedded);
        let as_it_came = readings.signed_info();
        let enough = VERIFICATIONS;
        for suspect in &suspects {
            if self.fits(parts.algorithm, suspect, &as_it_came, &value, enough) {
                return (suspect.maker.clone(), None);
            }
        }
        let likely = || suspects.iter().filter(|suspect| parts.algorithm.fits(suspect.key.kind()));
        let enough = self.verifications.saturating_add(HYPOTHETICAL_VERIFICATIONS);
        for (explanation, octets) in readings.signed_info_otherwise() {
            for suspect in likely().take(SUSPECTS) {
                if self.fits(parts.algorithm, suspect, &octets, &value, enough) {
                    return (suspect.maker.clone(), Some(explanation));
                }
            }
        }
        for algorithm in SignatureAlgorithm::ALL.into_iter().filter(|other| *other != parts.algorithm) {
            for suspect in suspects.iter().filter(|suspect| algorithm.fits(suspect.key.kind())).take(SUSPECTS)
            {
                if self.fits(algorithm, suspect, &as_it_came, &value, enough) {
                    let explanation = Explanation::OtherAlgorithm { uri: algorithm.uri() };
                    return (suspect.maker.clone(), Some(explanation));
                }
            }
        }
        (Maker::Nobody, None)
    }

    fn fits(
        &mut self,
        algorithm: SignatureAlgorithm,
        suspect: &Suspect<'_>,
        octets: &[u8],
        value: &[u8],
        enough: usize,
    ) -> bool {
        if self.verifications >= enough || !algorithm.fits(suspect.key.kind()) {
            return false;
        }
        self.verifications = self.verifications.saturating_add(1);
        self.provider.verify(algorithm, suspect.key, octets, value).is_ok()
    }

    /// What became of the content: as it came, else with an accident undone.
    fn content(&mut self, parts: &Parts<'_>, readings: &Readings<'_>) -> Content {
        let as_it_came = readings.content();
        let (expected, actual) =
            match (base64_decode(parts.digest_value.as_bytes()), self.digest_of(parts, &as_it_came)) {
                (Ok(expected), Ok(actual)) => (expected, actual),
                (Err(error), _) | (_, Err(error)) => return Content::Undecided { reason: error.to_string() },
            };
        if expected.len() != actual.len() {
            let (is, should) = (expected.len(), actual.len());
            let reason =
                format!("the DigestValue has {is} octets, and {} makes {should}", parts.digest.uri());
            return Content::Undecided { reason };
        }
        if actual == expected {
            return Content::AsDigested;
        }
        for (explanation, octets) in readings.content_otherwise() {
            if self.digest_of(parts, &octets).is_ok_and(|digest| digest == expected) {
                return Content::Explained(explanation);
            }
        }
        Content::Changed { expected: base64_encode(&expected), actual: base64_encode(&actual) }
    }

    fn digest_of(&mut self, parts: &Parts<'_>, octets: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.digests = self.digests.saturating_add(1);
        Ok(self.provider.digest(parts.digest, octets)?.as_ref().to_vec())
    }

    /// The keys of the certificates that came along, as far as they can be used at all.
    fn embedded_keys(&self) -> Vec<(usize, PublicKey)> {
        let keys = self.certificates.iter().map(|certificate| certificate.public_key(self.provider));
        keys.enumerate().filter_map(|(place, key)| Some((place, key.ok()?))).collect()
    }
}

/// Trusted keys first; then the known key that the message's own certificate names, which is usually right; then that certificate when
/// nobody knows it; then the other known keys.
fn suspects<'k>(
    trusted: &'k [TrustedKey],
    known: &'k [TrustedKey],
    embedded: &'k [(usize, PublicKey)],
) -> Vec<Suspect<'k>> {
    let named = |key: &TrustedKey| embedded.iter().any(|(_, other)| other.fingerprint() == key.fingerprint());
    let of_known = |key: &'k TrustedKey| Suspect {
        key: key.public_key(),
        maker: Maker::Known { label: key.shared_label(), fingerprint: key.shared_fingerprint() },
    };
    let mut suspects: Vec<Suspect<'k>> = trusted
        .iter()
        .map(|key| Suspect {
            key: key.public_key(),
            maker: Maker::Trusted { label: key.shared_label(), fingerprint: key.shared_fingerprint() },
        })
        .collect();
    suspects.extend(known.iter().filter(|key| named(key)).map(of_known));
    suspects.extend(embedded.iter().map(|(certificate, key)| Suspect {
        key,
        maker: Maker::Embedded { certificate: *certificate, fingerprint: key.fingerprint().into() },
    }));
    suspects.extend(known.iter().filter(|key| !named(key)).map(of_known));
    suspects
}

/// The certificates in `ds:KeyInfo`.
fn embedded(parts: &Parts<'_>) -> Vec<Certificate> {
    let key_info = parts.signature.elements().find(|child| child.is(namespace::DSIG, "KeyInfo"));
    key_info
        .into_iter()
        .flat_map(|key_info| key_info.descendants())
        .filter(|element| element.is(namespace::DSIG, "X509Certificate"))
        .take(CERTIFICATES)
        .filter_map(|element| Certificate::from_base64(&element.text()).ok())
        .collect()
}
