//! This module verifies signatures, and makes the value that proves it.
//!
//! The order is fixed: first the structure ([`profile`](crate::profile)), then the value over `ds:SignedInfo` with
//! the trusted keys, and only then the digest. So a sender without a trusted key causes no more work than one pass
//! over the document.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use vouchsafe_crypto::{
    DigestAlgorithm, DigestValue, Provider, SignatureAlgorithm, base64_decode, base64_encode,
};
use vouchsafe_xml::{
    CanonicalOutline, Canonicalization, Document, Element, Limits, Outline, OutlineForm, OutlineWatch,
    canonicalize, canonicalize_document_without,
};

use crate::key_fingerprint::KeyFingerprint;
use crate::keys::{self, TrustedKey};
use crate::profile::{self, Parts, Profile};
use crate::signed_info::SignedInfo;
use crate::{SignatureError, signature_child};

/// Verifies the signature that `element` carries, under the SAML signature profile (SAML Core 5.4).
///
/// `keys` are those that the configuration trusts for the claimed signer; `ds:KeyInfo` is never read. The provider's
/// policy decides which algorithms are accepted.
///
/// ```
/// use vouchsafe_crypto::{KeyKind, Provider};
/// use vouchsafe_signature::{Signer, TrustedKey, sign, verify};
/// use vouchsafe_xml::{Document, Limits};
///
/// let (provider, limits) = (Provider::rustcrypto(), Limits::default());
/// let key = provider.generate_key(KeyKind::P256)?;
/// let xml = sign(r#"<Response ID="_1"><Status/></Response>"#, "_1", &Signer::new(&key), &provider, &limits)?;
///
/// let trusted = [TrustedKey::new(key.public_key().clone(), "the identity provider's key")];
/// let document = Document::parse(xml.as_bytes(), &limits)?;
/// let verified = verify(document.root(), &trusted, &provider, &limits)?;
/// assert_eq!(verified.bytes(), br#"<Response ID="_1"><Status></Status></Response>"#);
/// assert_eq!(verified.evidence().key_label(), "the identity provider's key");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Any `signature.*` code except those of signing and of queries: the structure does not follow the profile, the
/// algorithm is refused, no trusted key made the signature (`signature.no_keys`, `signature.no_fitting_key`,
/// `signature.not_verified`, `signature.too_many_keys` if there are more than `limits.public_key_operations`), or a
/// trusted key made it but the element changed afterwards (`signature.digest_mismatch`).
pub fn verify(
    element: Element<'_>,
    keys: &[TrustedKey],
    provider: &Provider,
    limits: &Limits,
) -> Result<Verified, SignatureError> {
    let parts = profile::read(element, Profile::Saml, limits)?;
    verified_tree(parts, keys, provider, limits)
}

/// Verifies any enveloped signature with one same-document reference. The identifier may be `ID`, `Id` or `xml:id`
/// (in SAML's own elements only `ID`), and an empty URI names the whole document if the signature is in its root.
///
/// Use it in tools for documents other than SAML messages, and for federation metadata whose root is referenced by
/// `URI=""`. `at` is the element that carries the signature; `None` selects the root.
///
/// # Errors
/// As for [`verify`].
pub fn verify_any(
    document: &Document,
    at: Option<Element<'_>>,
    keys: &[TrustedKey],
    provider: &Provider,
    limits: &Limits,
) -> Result<Verified, SignatureError> {
    let element = at.unwrap_or_else(|| document.root());
    let parts = profile::read(element, Profile::Any, limits)?;
    verified_tree(parts, keys, provider, limits)
}

/// The limits of [`verify_outline`].
#[derive(Clone, Copy, Debug)]
pub struct OutlineLimits<'l> {
    /// The limits of the document, of which only the outline is in memory.
    pub document: &'l Limits,
    /// The limits of each piece, which is parsed by itself.
    pub pieces: &'l Limits,
}

/// Verifies the signature of the root of a large document, of which only the outline is in memory. The result is that
/// of [`verify_any`] with a tree of the whole document.
///
/// `input` is the text that the outline was read from. Each of its pieces is parsed under `limits.pieces` after the
/// signature value has been verified, and is dropped again. The signed bytes are written over the bytes that were
/// read, so the memory is about the size of the input. The signature must stand outside of all pieces.
///
/// # Errors
/// As for [`verify`], and the error of a piece that cannot be parsed.
pub fn verify_outline(
    outline: Outline,
    input: Vec<u8>,
    keys: &[TrustedKey],
    provider: &Provider,
    limits: OutlineLimits<'_>,
) -> Result<(Verified, Outline), SignatureError> {
    let OutlineLimits { document: limits, pieces } = limits;
    let parts = profile::read(outline.frame().root(), Profile::Any, limits)?;
    let signed = |parts: &Parts<'_>| bytes_of_the_outline(&outline, input, parts, provider, pieces);
    let (form, evidence, operations) = check(parts, keys, provider, limits, signed)?;
    drop(outline);
    let (bytes, outline) = form.into_outline(limits)?;
    Ok((Verified { bytes, evidence, operations }, outline))
}

/// Returns whether `element` has a `ds:Signature` among its immediate children. The signature is not verified.
#[must_use]
pub fn has_signature(element: Element<'_>) -> bool {
    !matches!(signature_child(element), Ok(None))
}

/// The bytes that a trusted key signed, with the evidence.
///
/// Only [`verify`], [`verify_any`] and [`verify_outline`] make one. The bytes are the same buffer whose digest was
/// compared: the canonical form of the element without its signature.
///
/// ```compile_fail,E0451
/// # fn forge(evidence: vouchsafe_signature::Evidence) -> vouchsafe_signature::Verified {
/// vouchsafe_signature::Verified { bytes: b"<Response/>".to_vec(), evidence, operations: 1 }
/// # }
/// ```
///
/// ```compile_fail,E0599
/// # fn forge(evidence: vouchsafe_signature::Evidence) -> vouchsafe_signature::Verified {
/// vouchsafe_signature::Verified::new(b"<Response/>".to_vec(), evidence)
/// # }
/// ```
///
/// ```compile_fail,E0277
/// # fn needs_default<T: Default>() {}
/// needs_default::<vouchsafe_signature::Verified>();
/// ```
#[must_use = "anything else than these bytes was not signed by anybody"]
pub struct Verified {
    bytes: Vec<u8>,
    evidence: Evidence,
    operations: usize,
}

impl Verified {
    /// Returns the canonical bytes that were digested: one element in UTF-8, without its own signature.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the same bytes without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns who signed the element, and how.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Returns how many public-key operations were used, which is the number of keys that were tried. A message with
    /// several signatures has one budget for all of them (`public_key_operations` of [`Limits`]), so each signature
    /// leaves less for the next.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.operations
    }

    /// Returns the bytes and the evidence without a copy.
    #[must_use]
    pub fn into_parts(self) -> (Vec<u8>, Evidence) {
        (self.bytes, self.evidence)
    }
}

impl fmt::Debug for Verified {
    /// Shows no content, because it is personal data.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Verified")
            .field("bytes", &format_args!("{} bytes", self.bytes.len()))
            .field("evidence", &self.evidence)
            .finish()
    }
}

/// Who signed an element, a query or a form, and how: for logs, the ledger and audits. Cheap to clone.
///
/// ```compile_fail,E0451
/// # fn forge(evidence: vouchsafe_signature::Evidence) -> vouchsafe_signature::Evidence {
/// vouchsafe_signature::Evidence { key_label: "trust me".into(), ..evidence }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    element: Cow<'static, str>,
    reference_id: Option<Box<str>>,
    algorithm: SignatureAlgorithm,
    digest: Option<DigestAlgorithm>,
    canonicalization: Option<Canonicalization>,
    key_label: Arc<str>,
    key_fingerprint: KeyFingerprint,
}

impl Evidence {
    /// Returns the local name of the signed element, or the name of the signed parameter.
    #[must_use]
    pub fn element(&self) -> &str {
        &self.element
    }

    /// Returns the identifier that the reference names; `None` for a whole document, a query or a form.
    #[must_use]
    pub fn reference_id(&self) -> Option<&str> {
        self.reference_id.as_deref()
    }

    /// Returns the signature algorithm.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Returns the digest algorithm over the element; `None` for a query or a form.
    #[must_use]
    pub fn digest(&self) -> Option<DigestAlgorithm> {
        self.digest
    }

    /// Returns the canonicalization of the element; `None` for a query or a form.
    #[must_use]
    pub fn canonicalization(&self) -> Option<Canonicalization> {
        self.canonicalization
    }

    /// Returns the label of the trusted key that made the signature.
    #[must_use]
    pub fn key_label(&self) -> &str {
        &self.key_label
    }

    /// Returns the fingerprint by which messages name that key.
    #[must_use]
    pub fn key_fingerprint(&self) -> &KeyFingerprint {
        &self.key_fingerprint
    }

    pub(crate) fn of_query(parameter: &str, algorithm: SignatureAlgorithm, key: &TrustedKey) -> Evidence {
        Evidence {
            element: Cow::Owned(parameter.to_owned()),
            reference_id: None,
            algorithm,
            digest: None,
            canonicalization: None,
            key_label: key.shared_label(),
            key_fingerprint: key.fingerprint().clone(),
        }
    }
}

fn verified_tree(
    parts: Parts<'_>,
    keys: &[TrustedKey],
    provider: &Provider,
    limits: &Limits,
) -> Result<Verified, SignatureError> {
    let signed = |parts: &Parts<'_>| {
        let bytes = bytes_named_by_the_reference(parts)?;
        let digest = provider.digest(parts.digest, &bytes)?;
        Ok((bytes, digest))
    };
    let (bytes, evidence, operations) = check(parts, keys, provider, limits, signed)?;
    Ok(Verified { bytes, evidence, operations })
}

/// Checks a signature whose structure is valid: the policy, then the key, then the digest. `signed` makes the bytes
/// that the reference names and their digest. They are returned only if this digest is the signed one, together with
/// the evidence and the number of public-key operations.
fn check<T>(
    parts: Parts<'_>,
    keys: &[TrustedKey],
    provider: &Provider,
    limits: &Limits,
    signed: impl FnOnce(&Parts<'_>) -> Result<(T, DigestValue), SignatureError>,
) -> Result<(T, Evidence, usize), SignatureError> {
    keys::accepted(parts.algorithm, "SignatureMethod", provider)?;
    if !provider.accepts_digest(parts.digest) {
        return Err(SignatureError::Algorithm {
            role: "DigestMethod",
            uri: parts.digest.uri().to_owned(),
            reason: "the provider does not accept it",
        });
    }
    let signed_info = SignedInfo::new(parts)?;
    let (key, operations) = signed_info.key_and_operations(keys, provider, limits.public_key_operations)?;
    let parts = signed_info.into_parts();
    let (bytes, digest) = signed(&parts)?;
    the_digest_is(&digest, &parts)?;
    let evidence = Evidence {
        element: kept(parts.element.local_name()),
        reference_id: parts.id.map(Into::into),
        algorithm: parts.algorithm,
        digest: Some(parts.digest),
        canonicalization: Some(parts.reference_method.canonicalization),
        key_label: key.shared_label(),
        key_fingerprint: key.fingerprint().clone(),
    };
    Ok((bytes, evidence, operations))
}

/// Copies a local name, except for the usual ones.
fn kept(name: &str) -> Cow<'static, str> {
    let usual = ["Response", "Assertion"].into_iter().find(|usual| *usual == name);
    usual.map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed)
}

fn bytes_named_by_the_reference(parts: &Parts<'_>) -> Result<Vec<u8>, SignatureError> {
    let &Parts { element, signature, reference_method: method, .. } = parts;
    // An element without its signature is usually about as long as in the source.
    let mut bytes =
        Vec::with_capacity(element.source_range().len().saturating_sub(signature.source_range().len()));
    let prefixes = method.prefixes();
    let method = method.canonicalization;
    match parts.id {
        Some(_) => canonicalize(element, method, &prefixes, Some(signature), &mut bytes)?,
        None => {
            canonicalize_document_without(element.document(), method, &prefixes, signature, &mut bytes)?;
        }
    }
    Ok(bytes)
}

/// Makes the same bytes while the pieces are read one by one. No piece may have the identifier that the reference
/// names.
fn bytes_of_the_outline(
    outline: &Outline,
    input: Vec<u8>,
    parts: &Parts<'_>,
    provider: &Provider,
    piece_limits: &Limits,
) -> Result<(CanonicalOutline, DigestValue), SignatureError> {
    let prefixes = parts.reference_method.prefixes();
    let form = OutlineForm {
        method: parts.reference_method.canonicalization,
        inclusive_prefixes: &prefixes,
        whole: parts.id.is_none(),
        omit: Some(parts.signature),
    };
    let mut repeated = 0_usize;
    let mut see = |piece: &Document| {
        let found = parts.id.map_or(0, |id| profile::identified(piece, id));
        repeated = repeated.saturating_add(found);
    };
    let mut digest = provider.digest_context(parts.digest)?;
    let watch = OutlineWatch { sought: parts.id, piece: &mut see, bytes: &mut |bytes| digest.update(bytes) };
    let bytes = outline.canonicalize(input, form, piece_limits, watch)?;
    match parts.id {
        Some(id) if repeated > 0 => {
            Err(SignatureError::IdRepeated { id: id.to_owned(), actual: repeated.saturating_add(1) })
        }
        _ => Ok((bytes, digest.finish())),
    }
}

fn the_digest_is(actual: &DigestValue, parts: &Parts<'_>) -> Result<(), SignatureError> {
    let expected = base64_decode(parts.digest_value.as_bytes())
        .map_err(|source| SignatureError::Base64 { element: "DigestValue", source })?;
    if actual.as_ref() == expected.as_slice() {
        return Ok(());
    }
    Err(SignatureError::DigestMismatch {
        element: parts.element.local_name().to_owned(),
        expected: base64_encode(&expected),
        actual: base64_encode(actual.as_ref()),
    })
}
