//! How an identity provider says no.

use crate::error::AssertionError;
use crate::refusal::Refusal;

/// Why an identity provider did not sign a person in, by the innermost status code that is known (saml-core-2.0-os 3.2.2.2).
///
/// An application decides by it what to do next: after [`NoPassive`](Self::NoPassive) it asks the person, after
/// [`NoAuthnContext`](Self::NoAuthnContext) it may ask for less. Nothing else follows from it, since the answer may be anybody's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Declined {
    /// The person has no session at the identity provider, and the request forbids to ask (IsPassive).
    NoPassive,
    /// The person did not authenticate, or cancelled.
    AuthnFailed,
    /// The identity provider refused this person or this request.
    RequestDenied,
    /// It cannot meet the RequestedAuthnContext.
    NoAuthnContext,
    /// It cannot give the name that the NameIDPolicy asks for.
    InvalidNameIdPolicy,
    /// It does not know the person who was asked for.
    UnknownPrincipal,
    /// It can reach none of the identity providers that were asked for.
    NoAvailableIdp,
    /// It knows none of the identity providers that were asked for.
    NoSupportedIdp,
    /// It would have to ask another identity provider, and may not.
    ProxyCountExceeded,
    /// It does not support the request.
    RequestUnsupported,
    /// Any other reason.
    Other,
}

impl Declined {
    /// By the codes from the outermost to the innermost.
    fn of(codes: &[String]) -> Declined {
        let known = codes.iter().rev().find_map(|code| {
            let code = code.strip_prefix("urn:oasis:names:tc:SAML:2.0:status:")?;
            Some(match code {
                "NoPassive" => Declined::NoPassive,
                "AuthnFailed" => Declined::AuthnFailed,
                "RequestDenied" => Declined::RequestDenied,
                "NoAuthnContext" => Declined::NoAuthnContext,
                "InvalidNameIDPolicy" => Declined::InvalidNameIdPolicy,
                "UnknownPrincipal" => Declined::UnknownPrincipal,
                "NoAvailableIDP" => Declined::NoAvailableIdp,
                "NoSupportedIDP" => Declined::NoSupportedIdp,
                "ProxyCountExceeded" => Declined::ProxyCountExceeded,
                "RequestUnsupported" => Declined::RequestUnsupported,
                _ => return None,
            })
        });
        known.unwrap_or(Declined::Other)
    }
}

impl Refusal {
    /// Why the identity provider did not sign the person in, if that caused the refusal (`assertion.status`).
    ///
    /// ```
    /// use vouchsafe_assertion::{Claimed, Declined};
    /// use vouchsafe_xml::Limits;
    ///
    /// let response = r#"<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="a" Version="2.0" IssueInstant="2026-01-01T00:00:00Z">
    ///   <p:Status><p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder">
    ///     <p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:NoPassive"/></p:StatusCode></p:Status></p:Response>"#;
    /// let claimed = Claimed::parse(response.as_bytes(), &Limits::default())?;
    /// assert_eq!(claimed.require_success().unwrap_err().declined(), Some(Declined::NoPassive));
    /// # Ok::<(), vouchsafe_assertion::Refusal>(())
    /// ```
    #[must_use]
    pub fn declined(&self) -> Option<Declined> {
        match self.error() {
            AssertionError::Status { codes, .. } => Some(Declined::of(codes)),
            _ => None,
        }
    }
}
