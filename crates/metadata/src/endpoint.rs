use std::fmt;

use crate::MetadataError;
use crate::web_address::WebAddress;

/// A SAML binding: the way in which a message is sent (saml-bindings-2.0-os 3).
///
/// ```
/// use vouchsafe_metadata::Binding;
///
/// let binding = Binding::from_uri("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST");
/// assert_eq!(binding, Binding::HttpPost);
/// assert_eq!(Binding::from_uri("urn:example").uri(), "urn:example");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Binding {
    /// HTTP-Redirect: the message is deflated in the query string (3.4).
    HttpRedirect,
    /// HTTP-POST: the browser posts a form (3.5).
    HttpPost,
    /// HTTP-Artifact: a reference, with which the message is fetched over SOAP (3.6).
    HttpArtifact,
    /// SOAP: from server to server (3.2).
    Soap,
    /// PAOS: SOAP with the roles reversed, for enhanced clients (3.3).
    Paos,
    /// HTTP-POST-SimpleSign (saml-binding-simplesign).
    HttpPostSimpleSign,
    /// Any other binding, by its URI: those of SAML 1.1 and of products.
    Other(String),
}

impl Binding {
    /// Returns the binding with this URI. Unknown ones are kept as [`Binding::Other`].
    #[must_use]
    pub fn from_uri(uri: &str) -> Binding {
        match uri {
            HTTP_REDIRECT => Binding::HttpRedirect,
            HTTP_POST => Binding::HttpPost,
            HTTP_ARTIFACT => Binding::HttpArtifact,
            SOAP => Binding::Soap,
            PAOS => Binding::Paos,
            HTTP_POST_SIMPLE_SIGN => Binding::HttpPostSimpleSign,
            other => Binding::Other(other.to_owned()),
        }
    }

    /// Returns its URI, as in metadata and in `ProtocolBinding`.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self {
            Binding::HttpRedirect => HTTP_REDIRECT,
            Binding::HttpPost => HTTP_POST,
            Binding::HttpArtifact => HTTP_ARTIFACT,
            Binding::Soap => SOAP,
            Binding::Paos => PAOS,
            Binding::HttpPostSimpleSign => HTTP_POST_SIMPLE_SIGN,
            Binding::Other(uri) => uri,
        }
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri())
    }
}

/// An endpoint where a role receives messages: a binding and an address (saml-metadata-2.0-os 2.2.2, 2.2.3).
///
/// Its addresses are [web addresses](WebAddress) as written in the metadata, because SAML compares them byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    binding: Binding,
    location: WebAddress,
    response_location: Option<WebAddress>,
    index: Option<u16>,
    is_default: Option<bool>,
}

impl Endpoint {
    /// Returns its binding.
    #[must_use]
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// Returns the address for requests (and for responses, unless there is an [`Endpoint::response_location`]).
    #[must_use]
    pub fn location(&self) -> &str {
        self.location.as_str()
    }

    /// Returns this address as a [`WebAddress`].
    #[must_use]
    pub fn address(&self) -> &WebAddress {
        &self.location
    }

    /// Returns `ResponseLocation`, the address for responses if it is not `Location`.
    #[must_use]
    pub fn response_location(&self) -> Option<&str> {
        self.response_location.as_ref().map(WebAddress::as_str)
    }

    /// Returns the address for responses: `ResponseLocation`, or `Location` without one (2.2.2).
    #[must_use]
    pub fn location_of_responses(&self) -> &str {
        self.response_location().unwrap_or_else(|| self.location())
    }

    /// Returns this address as a [`WebAddress`].
    #[must_use]
    pub fn address_of_responses(&self) -> &WebAddress {
        self.response_location.as_ref().unwrap_or(&self.location)
    }

    /// Returns whether both addresses are [secure](WebAddress::is_secure).
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.location.is_secure() && self.response_location.as_ref().is_none_or(WebAddress::is_secure)
    }

    /// Returns `index` of an indexed endpoint (2.2.3).
    #[must_use]
    pub fn index(&self) -> Option<u16> {
        self.index
    }

    /// Returns whether `isDefault` is true. If no indexed endpoint has `isDefault="true"`, the first without
    /// `isDefault="false"` is the default (2.2.3); this getter only returns the written value.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.is_default == Some(true)
    }

    pub(crate) fn written_default(&self) -> Option<bool> {
        self.is_default
    }

    pub(crate) fn new(binding: Binding, location: WebAddress) -> Endpoint {
        Endpoint { binding, location, response_location: None, index: None, is_default: None }
    }

    pub(crate) fn with_response_location(self, response_location: Option<WebAddress>) -> Endpoint {
        Endpoint { response_location, ..self }
    }

    pub(crate) fn with_index(self, index: Option<u16>, is_default: Option<bool>) -> Endpoint {
        Endpoint { index, is_default, ..self }
    }
}

/// Makes an endpoint with a valid address.
pub(crate) fn web_endpoint(
    element: &'static str,
    binding: Binding,
    location: &str,
) -> Result<Endpoint, MetadataError> {
    match WebAddress::new(location) {
        Ok(address) => Ok(Endpoint::new(binding, address)),
        Err(MetadataError::WebAddress { address, reason }) => {
            Err(MetadataError::Location { element, location: address, reason })
        }
        Err(other) => Err(other),
    }
}

const HTTP_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const HTTP_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const HTTP_ARTIFACT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact";
const SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
const PAOS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:PAOS";
const HTTP_POST_SIMPLE_SIGN: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST-SimpleSign";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_uri_comes_back() {
        for uri in [HTTP_REDIRECT, HTTP_POST, HTTP_ARTIFACT, SOAP, PAOS, HTTP_POST_SIMPLE_SIGN] {
            let binding = Binding::from_uri(uri);
            assert!(!matches!(binding, Binding::Other(_)), "{uri}");
            assert_eq!(binding.uri(), uri);
        }
    }
}
