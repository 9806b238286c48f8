//! Why a signature fails: a post-mortem, on demand, for people.
//!
//! [`verify`](crate::verify) says that a signature does not hold. [`autopsy`] looks for the reason afterwards: whose key made the
//! value, whether `ds:SignedInfo` or the content is what changed, and which of the accidents that happen to messages explains it.
//! An explanation is never a guess: it is named only when, with the accident undone, the digest or the value fits.
//!
//! It costs many times what verifying costs, so it has no place where messages are received. The work is bounded before anything is tried,
//! see [`AutopsyBudget`].

use std::sync::Arc;

use vouchsafe_crypto::{Certificate, DigestAlgorithm, Provider, SignatureAlgorithm, base64_decode};
use vouchsafe_xml::{Element, Limits, namespace};

use crate::autopsy_bench::Bench;
use crate::autopsy_budget::{AutopsyBudget, Stopped};
use crate::autopsy_explanation::Explanation;
use crate::autopsy_readings::{Covered, Readings};
use crate::profile::{self, Parts, Profile};
use crate::{KeyFingerprint, SignatureError, TrustedKey};

/// Certificates of `ds:KeyInfo` that are looked at.
const CERTIFICATES: usize = 4;

/// A signature that does not hold, and whose keys may have made it.
#[derive(Clone, Copy, Debug)]
pub struct FailedSignature<'a> {
    /// The element that carries the signature.
    pub element: Element<'a>,
    /// The text that the element's document was parsed from.
    pub source: &'a str,
    /// The keys that verification used.
    pub trusted: &'a [TrustedKey],
    /// Other keys that the caller can put a name to, such as those of other tenants' identity providers.
    pub known: &'a [TrustedKey],
}

/// Finds out why the signature of `element` does not hold.
///
/// A known key that fits is no reason to believe the message, but says where it comes from. What the message's own `ds:KeyInfo` says is
/// looked at here, and nowhere else. Nothing is tried that `budget` does not pay for; [`Autopsy::stopped`] says when it ended early.
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
/// use vouchsafe_signature::{AutopsyBudget, Explanation, FailedSignature, Maker, Signer, TrustedKey, autopsy, sign, verify};
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
/// let failed = FailedSignature { element: document.root(), source: &indented, trusted: &trusted, known: &[] };
/// let found = autopsy(&failed, &provider, &limits, &mut AutopsyBudget::default())?;
/// assert!(matches!(found.maker(), Maker::Trusted { .. }));
/// assert_eq!(found.content_explanation(), Some(&Explanation::Indented));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `signature.*` codes of the structure: a signature that has not the shape of the profile has nothing that could be looked into.
pub fn autopsy(
    failed: &FailedSignature<'_>,
    provider: &Provider,
    limits: &Limits,
    budget: &mut AutopsyBudget,
) -> Result<Autopsy, SignatureError> {
    let parts = profile::read(failed.element, Profile::Saml, limits)?;
    let readings = Readings::of(&parts, failed.source, limits);
    let mut bench = Bench { provider, budget, certificates: embedded(&parts), verifications: 0, digests: 0 };
    let (maker, value_explanation) = bench.maker(&parts, &readings, failed);
    let (content, lost_characters) = bench.content(&parts, &readings);
    Ok(Autopsy {
        element: failed.element.local_name().into(),
        algorithm: parts.algorithm,
        digest: parts.digest,
        maker,
        value_explanation,
        content,
        lost_characters,
        certificates: bench.certificates,
        verifications: bench.verifications,
        digests: bench.digests,
        stopped: bench.budget.stopped(),
    })
}

/// Whether the content of `element` has the digest that its signature names; `None` when the signature has not the shape of the profile,
/// when the digest cannot be computed, or when the budget does not pay for it.
#[must_use]
pub fn has_its_digest(
    element: Element<'_>,
    provider: &Provider,
    limits: &Limits,
    budget: &mut AutopsyBudget,
) -> Option<bool> {
    let parts = profile::read(element, Profile::Saml, limits).ok()?;
    let expected = base64_decode(parts.digest_value.as_bytes()).ok()?;
    let mut out = budget.meter().digested(provider.digest_context(parts.digest).ok()?);
    Readings::of(&parts, "", limits).write(Covered::Content, &mut out);
    Some(out.finish().ok()?.digest?.as_ref() == expected)
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
        /// How messages name it.
        fingerprint: KeyFingerprint,
    },
    /// A key that is trusted for this signer, over another `ds:SignedInfo` than the one that came; no accident explains it. It can be told of
    /// RSA PKCS#1 v1.5 only.
    #[non_exhaustive]
    TrustedOverOther {
        /// Where the key came from.
        label: Arc<str>,
        /// How messages name it.
        fingerprint: KeyFingerprint,
    },
    /// A key that is known, but not trusted for this signer.
    #[non_exhaustive]
    Known {
        /// Where the key came from.
        label: Arc<str>,
        /// How messages name it.
        fingerprint: KeyFingerprint,
    },
    /// The key of a certificate that came along in the message, and that nobody here knows. Anybody can make one.
    #[non_exhaustive]
    Embedded {
        /// Its place among [`Autopsy::certificates`].
        certificate: usize,
    },
    /// None of these keys: the key is unknown and was not sent along, or the value or `ds:SignedInfo` was altered.
    Nobody,
    /// Not all keys were tried, since the [`AutopsyBudget`] was spent.
    Undecided,
}

/// What became of the content since its digest was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DigestedContent {
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
    /// The digest was not computed: the policy refuses its algorithm, its value is not one, or the [`AutopsyBudget`] was spent.
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
    content: DigestedContent,
    lost_characters: usize,
    certificates: Vec<Certificate>,
    verifications: usize,
    digests: usize,
    stopped: Option<Stopped>,
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

    /// Whether the value does not fit `ds:SignedInfo` as it came, whichever of the keys made it; also when that was not found out.
    #[must_use]
    pub fn is_value_wrong(&self) -> bool {
        let is_found =
            !matches!(self.maker, Maker::Nobody | Maker::TrustedOverOther { .. } | Maker::Undecided);
        !is_found || self.value_explanation.is_some()
    }

    /// What has to be undone in `ds:SignedInfo` for the value to fit; `None` when nothing has to, and when nothing helps.
    #[must_use]
    pub fn value_explanation(&self) -> Option<&Explanation> {
        self.value_explanation.as_ref()
    }

    /// What became of the content.
    #[must_use]
    pub fn content(&self) -> &DigestedContent {
        &self.content
    }

    /// Whether the content as it came has another digest than the one in `ds:SignedInfo`.
    #[must_use]
    pub fn is_digest_wrong(&self) -> bool {
        self.content != DigestedContent::AsDigested
    }

    /// What has to be undone in the content for the digest to fit; `None` when nothing has to, and when nothing helps.
    #[must_use]
    pub fn content_explanation(&self) -> Option<&Explanation> {
        match &self.content {
            DigestedContent::Explained(explanation) => Some(explanation),
            _ => None,
        }
    }

    /// How many characters of the element are U+FFFD, which programs write for bytes that they could not decode. What stood there is
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

    /// How much was tried: public-key operations (no more than the [`AutopsyBudget`] had) and digests over the element (200 at most).
    #[must_use]
    pub fn work(&self) -> (usize, usize) {
        (self.verifications, self.digests)
    }

    /// Why it ended before everything was tried, if it did: another hypothesis may explain the signature.
    #[must_use]
    pub fn stopped(&self) -> Option<Stopped> {
        self.stopped
    }
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
