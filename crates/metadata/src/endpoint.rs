use std::fmt;

use url::Url;

/// How a message travels (saml-bindings-2.0-os 3).
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
    /// HTTP-Redirect: deflated in the query string (3.4).
    HttpRedirect,
    /// HTTP-POST: a form the browser posts (3.5).
    HttpPost,
    /// HTTP-Artifact: a reference, fetched over SOAP (3.6).
    HttpArtifact,
    /// SOAP: from server to server (3.2).
    Soap,
    /// PAOS: SOAP with the roles reversed, for enhanced clients (3.3).
    Paos,
    /// HTTP-POST-SimpleSign (saml-binding-simplesign).
    HttpPostSimpleSign,
    /// Any other, by its URI: SAML 1.1 and products' own.
    Other(String),
}

impl Binding {
    /// The binding of this URI; unknown ones are kept as [`Binding::Other`].
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

    /// Its URI, as in metadata and in `ProtocolBinding`.
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

/// Where a role takes messages: a binding and an address (saml-metadata-2.0-os 2.2.2, 2.2.3).
///
/// Addresses are absolute http or https URLs without white space round them, otherwise as written in the metadata: SAML compares them
/// octet by octet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    binding: Binding,
    location: String,
    response_location: Option<String>,
    index: Option<u16>,
    is_default: Option<bool>,
}

impl Endpoint {
    /// What binding it takes.
    #[must_use]
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// Where requests go (and responses, unless [`Endpoint::response_location`] says otherwise).
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// `ResponseLocation`, where responses go when it is not `Location`.
    #[must_use]
    pub fn response_location(&self) -> Option<&str> {
        self.response_location.as_deref()
    }

    /// Where responses go: `ResponseLocation`, or `Location` without one (2.2.2).
    #[must_use]
    pub fn location_of_responses(&self) -> &str {
        self.response_location().unwrap_or(&self.location)
    }

    /// `index` of an indexed endpoint (2.2.3).
    #[must_use]
    pub fn index(&self) -> Option<u16> {
        self.index
    }

    /// Whether `isDefault` is true. Among indexed endpoints of which none is, the first without `isDefault="false"` is the default
    /// (2.2.3); this getter says only what was written.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.is_default == Some(true)
    }

    pub(crate) fn new(binding: Binding, location: String) -> Endpoint {
        Endpoint { binding, location, response_location: None, index: None, is_default: None }
    }

    pub(crate) fn with_response_location(self, response_location: Option<String>) -> Endpoint {
        Endpoint { response_location, ..self }
    }

    pub(crate) fn with_index(self, index: Option<u16>, is_default: Option<bool>) -> Endpoint {
        Endpoint { index, is_default, ..self }
    }
}

/// Whether this is an address a browser or a client may be sent to. Anything but http and https (`javascript:` above all, which a form
/// would run) is no endpoint.
///
/// The text is what is compared and sent. So it must be written as it is meant: browsers, and [`Url`] after them, forgive a slash too few or
/// too many, take backslashes for slashes, and drop tabs and line breaks, and whoever forgives differently goes elsewhere.
pub(crate) fn is_web_address(location: &str) -> bool {
    let Some((scheme, rest)) = location.split_once("://") else { return false };
    let as_meant = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        && !rest.starts_with('/')
        && !location.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\');
    as_meant && Url::parse(location).is_ok_and(|url| url.has_host())
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

    #[test]
    fn only_web_addresses_are_endpoints() {
        let cases = [
            ("https://idp.example.com/sso", true),
            ("http://127.0.0.1:7080/sso?a=b", true),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("/sso", false),
            ("", false),
            ("idp.example.com", false),
            ("file:///etc/passwd", false),
            ("https:-/idp.example.com/sso", false),
            ("https:idp.example.com/sso", false),
            ("https:///idp.example.com/sso", false),
            ("https:\\\\idp.example.com/sso", false),
            ("https://idp.example.com\\@evil.example/sso", false),
            ("https://idp.example.com/\rsso", false),
            ("https://idp.example.com/\tsso", false),
            ("https://idp.example.com/s so", false),
            ("HTTPS://idp.example.com/sso?a=b&c=d", true),
        ];
        for (location, accepted) in cases {
            assert_eq!(is_web_address(location), accepted, "{location}");
        }
    }
}
