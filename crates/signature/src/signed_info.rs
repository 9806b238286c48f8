//! The `ds:SignedInfo` of a signature, and the search for the key that made the value over it.

use std::fmt;

use vouchsafe_crypto::{Provider, base64_decode};
use vouchsafe_xml::{Element, Limits, XmlError, canonicalize};

use crate::SignatureError;
use crate::algorithms::Method;
use crate::keys::{self, Signed, TrustedKey};
use crate::profile::{self, Parts, Profile};

/// The `ds:SignedInfo` of the signature that an element carries. It is read and canonicalized once, so that the keys
/// of several signers can be tried on it.
///
/// Use it to choose among signers that are all trusted. It proves nothing about the element, because the digest is
/// not checked: [`verify`](crate::verify) the element with the keys of the chosen signer.
pub struct SignedInfo<'d> {
    parts: Parts<'d>,
    /// The canonical form.
    bytes: Vec<u8>,
    /// The value of `ds:SignatureValue`, decoded.
    value: Vec<u8>,
}

impl<'d> SignedInfo<'d> {
    /// Reads the signature that `element` carries, under the SAML signature profile (SAML Core 5.4).
    ///
    /// # Errors
    /// The structure does not follow the profile, the signature value is not base64, or a limit of the canonical form
    /// is reached.
    pub fn of(element: Element<'d>, limits: &Limits) -> Result<SignedInfo<'d>, SignatureError> {
        SignedInfo::new(profile::read(element, Profile::Saml, limits)?)
    }

    pub(crate) fn new(parts: Parts<'d>) -> Result<SignedInfo<'d>, SignatureError> {
        let bytes = canonical_signed_info(parts.signed_info, &parts.signed_info_method)?;
        let value = base64_decode(parts.signature_value.as_bytes())
            .map_err(|source| SignatureError::Base64 { element: "SignatureValue", source })?;
        Ok(SignedInfo { parts, bytes, value })
    }

    /// Returns which of these keys made the signature. Only the value over `ds:SignedInfo` is checked. At most `most`
    /// keys are tried.
    ///
    /// # Errors
    /// The algorithm is refused, or no key made the signature: `signature.no_keys`, `signature.no_fitting_key`, `signature.not_verified`,
    /// `signature.too_many_keys`.
    pub fn key_among<'k>(
        &self,
        keys: &'k [TrustedKey],
        provider: &Provider,
        most: usize,
    ) -> Result<&'k TrustedKey, SignatureError> {
        keys::accepted(self.parts.algorithm, "SignatureMethod", provider)?;
        self.key_and_operations(keys, provider, most).map(|(key, _)| key)
    }

    /// Returns the key that made the signature, and how many keys were tried.
    pub(crate) fn key_and_operations<'k>(
        &self,
        keys: &'k [TrustedKey],
        provider: &Provider,
        most: usize,
    ) -> Result<(&'k TrustedKey, usize), SignatureError> {
        let signed = Signed {
            algorithm: self.parts.algorithm,
            message: &self.bytes,
            signature: &self.value,
            element: self.parts.element.local_name(),
        };
        keys::key_that_signed(keys, &signed, provider, most)
    }

    /// Returns the structure that was read, after the key was found.
    pub(crate) fn into_parts(self) -> Parts<'d> {
        self.parts
    }
}

impl fmt::Debug for SignedInfo<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignedInfo")
            .field("element", &self.parts.element.local_name())
            .field("algorithm", &self.parts.algorithm)
            .finish_non_exhaustive()
    }
}

pub(crate) fn canonical_signed_info(
    signed_info: Element<'_>,
    method: &Method<'_>,
) -> Result<Vec<u8>, XmlError> {
    // Room for the source text and for one or two more declarations.
    let mut bytes = Vec::with_capacity(signed_info.source_range().len().saturating_add(128));
    canonicalize(signed_info, method.canonicalization, &method.prefixes(), None, &mut bytes)?;
    Ok(bytes)
}
