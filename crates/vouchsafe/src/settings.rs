//! What the settings of the service and those of a connection have in common: when requests are signed, and the checks
//! of an address, a clock skew, and a certificate.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::Expectations;
use vouchsafe_crypto::{Certificate, PrivateKey};
use vouchsafe_metadata::{MetadataError, WebAddress};

use crate::error::BindingError;

/// States when AuthnRequests are signed. Signing needs a signing key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignRequests {
    /// Requests are signed if the identity provider's metadata has WantAuthnRequestsSigned.
    #[default]
    WhenWanted,
    /// Requests are always signed, and our metadata has AuthnRequestsSigned. Without a signing key
    /// [`build`](crate::Builder::build) fails.
    Always,
}

/// Parses an address of this service and requires that it is secure.
pub(crate) fn own_address(text: &str) -> Result<WebAddress, BindingError> {
    let refuse = |reason| BindingError::Url { url: text.to_owned(), reason };
    match WebAddress::new(text) {
        Ok(address) if address.is_secure() => Ok(address),
        Ok(_) => Err(refuse("http is only for loopback hosts; use https")),
        Err(MetadataError::WebAddress { reason, .. }) => Err(refuse(reason)),
        Err(other) => Err(other.into()),
    }
}

/// Requires a clock skew by which two maintained clocks can differ.
pub(crate) fn require_small_skew(skew: Duration) -> Result<(), BindingError> {
    let limit = Expectations::GREATEST_CLOCK_SKEW;
    if skew > limit { Err(BindingError::ClockSkew { skew, limit }) } else { Ok(()) }
}

/// Requires a certificate of this key.
pub(crate) fn require_pair(
    key: &PrivateKey,
    certificate: &Certificate,
    purpose: &'static str,
) -> Result<(), BindingError> {
    if certificate.certifies(key.public_key()) {
        Ok(())
    } else {
        Err(BindingError::CertificateMismatch { purpose })
    }
}
