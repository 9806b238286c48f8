//! This module finds out why a signature fails, when a person asks for the reason.
//!
//! [`verify`](crate::verify) says that a signature is not valid. [`autopsy`] looks for the reason afterwards: which
//! key made the signature value, whether `ds:SignedInfo` or the content changed, and which of the accidents that
//! happen to messages explains it. An explanation is never a guess: it is named only if the digest or the value fits
//! when the accident is undone.
//!
//! An autopsy costs many times what verifying costs, so do not run it for every message that you receive. The work is
//! bounded before it begins, see [`AutopsyBudget`].

use vouchsafe_crypto::{Certificate, DigestAlgorithm, Provider, SignatureAlgorithm, base64_decode};
use vouchsafe_xml::{Element, Limits, namespace};

use crate::SignatureError;
use crate::autopsy_bench::Bench;
use crate::autopsy_budget::{AutopsyBudget, Stopped};
use crate::autopsy_case::{DigestedContent, FailedSignature, Maker};
use crate::autopsy_explanation::Explanation;
use crate::autopsy_readings::{Covered, Readings};
use crate::profile::{self, Parts, Profile};

/// The largest number of certificates that are read from `ds:KeyInfo`.
const CERTIFICATES: usize = 4;

/// Finds out why the signature of `element` is not valid.
///
/// If a known key fits, this says where the message comes from, but it is no reason to believe the message. This is
/// the only function that reads the message's own `ds:KeyInfo`. The work ends when `budget` is spent;
/// [`Autopsy::stopped`] says so.
///
/// The result of [`verify`](crate::verify) does not change, and an autopsy proves nothing:
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
/// `signature.*` codes of the structure: a signature that does not have the form of the profile cannot be examined.
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

/// Returns whether the content of `element` has the digest that its signature names. Returns `None` if the signature
/// does not have the form of the profile, if the digest cannot be computed, or if the budget is too small for it.
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

/// The result of an autopsy. It proves nothing: it holds no content, and cannot be converted into
/// [`Verified`](crate::Verified).
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
    /// Returns the local name of the element that carries the signature.
    #[must_use]
    pub fn element(&self) -> &str {
        &self.element
    }

    /// Returns the signature algorithm that the signature names.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Returns the digest algorithm that the signature names.
    #[must_use]
    pub fn digest(&self) -> DigestAlgorithm {
        self.digest
    }

    /// Returns whose key made the value over `ds:SignedInfo`.
    #[must_use]
    pub fn maker(&self) -> &Maker {
        &self.maker
    }

    /// Returns whether the value does not fit the received `ds:SignedInfo`, whichever key made it. Also true if this
    /// was not found out.
    #[must_use]
    pub fn is_value_wrong(&self) -> bool {
        let is_found =
            !matches!(self.maker, Maker::Nobody | Maker::TrustedOverOther { .. } | Maker::Undecided);
        !is_found || self.value_explanation.is_some()
    }

    /// Returns the accident that must be undone in `ds:SignedInfo` for the value to fit. `None` if the value fits
    /// already, or if no accident explains it.
    #[must_use]
    pub fn value_explanation(&self) -> Option<&Explanation> {
        self.value_explanation.as_ref()
    }

    /// Returns what happened to the content.
    #[must_use]
    pub fn content(&self) -> &DigestedContent {
        &self.content
    }

    /// Returns whether the received content has another digest than the one in `ds:SignedInfo`.
    #[must_use]
    pub fn is_digest_wrong(&self) -> bool {
        self.content != DigestedContent::AsDigested
    }

    /// Returns the accident that must be undone in the content for the digest to fit. `None` if the digest fits
    /// already, or if no accident explains it.
    #[must_use]
    pub fn content_explanation(&self) -> Option<&Explanation> {
        match &self.content {
            DigestedContent::Explained(explanation) => Some(explanation),
            _ => None,
        }
    }

    /// Returns how many characters of the element are U+FFFD, which programs write for bytes that they could not
    /// decode. The original characters are lost, so no hypothesis can restore them.
    #[must_use]
    pub fn lost_characters(&self) -> usize {
        self.lost_characters
    }

    /// Returns the first four certificates in `ds:KeyInfo`. They are not trusted; their fingerprints are for
    /// comparing.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Returns how much was tried: the number of public-key operations (at most those of the [`AutopsyBudget`]) and
    /// the number of digests over the element (at most 200).
    #[must_use]
    pub fn work(&self) -> (usize, usize) {
        (self.verifications, self.digests)
    }

    /// Returns why the autopsy ended before everything was tried, if it did. In that case another hypothesis may
    /// explain the signature.
    #[must_use]
    pub fn stopped(&self) -> Option<Stopped> {
        self.stopped
    }
}

/// Returns the certificates in `ds:KeyInfo`.
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
