//! The reasons for which an identity provider declines a sign-in.

use crate::error::AssertionError;
use crate::refusal::Refusal;

/// The reason why an identity provider did not sign a person in: the innermost known status code (saml-core-2.0-os
/// 3.2.2.2).
///
/// An application uses it to choose the next step: after [`NoPassive`](Self::NoPassive) it asks the person, after
/// [`NoAuthnContext`](Self::NoAuthnContext) it may request less. Use it for nothing else, since anybody may have sent
/// the answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Declined {
    /// The person has no session at the identity provider, and the request forbids interaction (IsPassive).
    NoPassive,
    /// The person did not authenticate, or cancelled.
    AuthnFailed,
    /// The identity provider refused this person or this request.
    RequestDenied,
    /// The identity provider cannot meet the RequestedAuthnContext.
    NoAuthnContext,
    /// The identity provider cannot give the name that the NameIDPolicy requests.
    InvalidNameIdPolicy,
    /// The identity provider does not know the requested person.
    UnknownPrincipal,
    /// The identity provider can reach none of the requested identity providers.
    NoAvailableIdp,
    /// The identity provider knows none of the requested identity providers.
    NoSupportedIdp,
    /// The identity provider would have to ask another one, and the request does not allow it.
    ProxyCountExceeded,
    /// The identity provider does not support the request.
    RequestUnsupported,
    /// Any other reason.
    Other,
}

impl Declined {
    /// Returns the reason of the codes, which are ordered from the outermost to the innermost.
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
    /// Returns why the identity provider did not sign the person in, if that caused the refusal (`assertion.status`).
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
