//! The encoding of the HTTP-Redirect binding (SAML Bindings 3.4.4.1): raw DEFLATE, base64, percent-encoding.

use miniz_oxide::deflate::{CompressionLevel, compress_to_vec};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use vouchsafe_crypto::{base64_decode, base64_encode};
use vouchsafe_metadata::WebAddress;
use vouchsafe_signature::{MessageParameter, NotInflated, UnverifiedQuery, VerifiedQuery};
use vouchsafe_xml::Limits;

use crate::error::BindingError;
use crate::field_content::FieldContent;
use crate::relay_state::RelayState;

/// The characters that need no encoding in a query string (RFC 3986, 2.3).
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The address to which the browser is redirected: answer its request with status 302 or 303 and this address as
/// `Location`.
///
/// Send it with `Cache-Control: no-store`, since the address contains a request that can be used once. `Debug` does
/// not show the query: a message may name a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Redirect {
    url: String,
}

impl std::fmt::Debug for Redirect {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let location = self.url.split('?').next().unwrap_or_default();
        formatter.debug_struct("Redirect").field("location", &location).finish_non_exhaustive()
    }
}

impl Redirect {
    /// The whole address, including the query string.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Adds an encoded query to the address of an endpoint, which may already have a query. That query must not
    /// contain a parameter of the binding: the receiver could read it instead of ours.
    pub(crate) fn to(location: &WebAddress, query: &str) -> Result<Redirect, BindingError> {
        let url = location.with_query(query);
        match url.split_once('?').map(|(_, whole)| UnverifiedQuery::read(whole)) {
            Some(Ok(_)) => Ok(Redirect { url }),
            Some(Err(_)) | None => Err(BindingError::Url {
                url: location.as_str().to_owned(),
                reason: "its query holds a parameter of the HTTP-Redirect binding",
            }),
        }
    }
}

/// Encodes a message for a query string: `SAMLRequest=...` and, if there is one, `&RelayState=...`. The query is not
/// signed.
///
/// ```
/// use vouchsafe::{Limits, redirect};
///
/// let query = redirect::encode(redirect::SAML_REQUEST, "<Example/>", None);
/// let decoded = redirect::decode_unverified(&query, &Limits::default())?;
/// assert_eq!(decoded.bytes(), b"<Example/>");
/// # Ok::<(), vouchsafe::BindingError>(())
/// ```
#[must_use]
pub fn encode(field: &'static str, xml: &str, relay_state: Option<&RelayState>) -> String {
    let deflated = compress_to_vec(xml.as_bytes(), CompressionLevel::BestCompression as u8);
    let mut query = format!("{field}={}", percent_encode(&base64_encode(&deflated)));
    if let Some(relay_state) = relay_state {
        query.push_str("&RelayState=");
        query.push_str(&percent_encode(relay_state.as_str()));
    }
    query
}

/// The query field of a request.
pub const SAML_REQUEST: &str = "SAMLRequest";
/// The query field of a response.
pub const SAML_RESPONSE: &str = "SAMLResponse";

/// A message that a trusted key signed in a query string, and the RelayState that was signed with it.
///
/// Only [`decode`] makes one, from a [`VerifiedQuery`], so the decoded message is the verified one.
///
/// ```compile_fail,E0308
/// use vouchsafe::{Limits, redirect};
///
/// // A query string that nobody has verified is not decoded.
/// let _ = redirect::decode("SAMLRequest=q1ZKBAA%3D", &Limits::default());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded(Message);

/// A message from a query string that is not verified, for tools that show a message.
///
/// ```compile_fail,E0308
/// use vouchsafe::redirect::{Decoded, UnverifiedMessage};
///
/// fn act_on(_: Decoded) {}
/// fn careless(message: UnverifiedMessage) {
///     act_on(message);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedMessage(Message);

#[derive(Clone, PartialEq, Eq)]
struct Message {
    field: &'static str,
    bytes: Vec<u8>,
    relay_state: Option<RelayState>,
}

impl std::fmt::Debug for Message {
    /// Shows no content: it is personal data.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Message")
            .field("field", &self.field)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Message {
    fn inflated(
        parameter: MessageParameter,
        base64: &str,
        relay_state: Option<&str>,
        limits: &Limits,
    ) -> Result<Message, BindingError> {
        let field = parameter.name();
        require_at_most("query string", base64.len(), encoded_limit(limits))?;
        let deflated = base64_decode(base64).map_err(|_| BindingError::NotBase64 {
            name: field,
            content: FieldContent::of(base64.as_bytes()),
        })?;
        let bytes = inflate(&deflated, field, limits.inflated_bytes)?;
        Ok(Message { field, bytes, relay_state: relay_state.map(RelayState::received) })
    }
}

macro_rules! what_a_message_says {
    ($message:ty) => {
        impl $message {
            /// The name of the parameter: [`SAML_REQUEST`] or [`SAML_RESPONSE`].
            pub fn field(&self) -> &'static str {
                self.0.field
            }

            /// The inflated message.
            pub fn bytes(&self) -> &[u8] {
                &self.0.bytes
            }

            /// The RelayState of the query.
            pub fn relay_state(&self) -> Option<&RelayState> {
                self.0.relay_state.as_ref()
            }
        }
    };
}

what_a_message_says!(Decoded);
what_a_message_says!(UnverifiedMessage);

/// Decodes the message of a verified query. It is inflated to at most `limits.inflated_bytes`.
///
/// ```
/// use vouchsafe::crypto::{KeyKind, SignatureAlgorithm};
/// use vouchsafe::signature::{TrustedKey, sign_query, verify_query};
/// use vouchsafe::{Limits, Provider, redirect};
///
/// let provider = Provider::rustcrypto();
/// let key = provider.generate_key(KeyKind::P256)?;
/// let query = redirect::encode(redirect::SAML_REQUEST, "<Example/>", None);
/// let signed = sign_query(&query, SignatureAlgorithm::EcdsaSha256, &key, &provider)?;
///
/// let trusted = [TrustedKey::new(key.public_key().clone(), "peer")];
/// let verified = verify_query(&signed, &trusted, &provider)?;
/// assert_eq!(redirect::decode(&verified, &Limits::default())?.bytes(), b"<Example/>");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`BindingError::NotBase64`], [`BindingError::NotDeflated`], and [`BindingError::TooLarge`].
pub fn decode(verified: &VerifiedQuery, limits: &Limits) -> Result<Decoded, BindingError> {
    Message::inflated(verified.parameter(), verified.message(), verified.relay_state(), limits).map(Decoded)
}

/// Decodes the message of a query string that is not verified. It is for tools that show a message. Never act on such
/// a message, since anybody can make a browser send it. The query is read by the rules of
/// [`verify_query`](vouchsafe_signature::verify_query).
///
/// # Errors
/// [`BindingError::Signature`] if the query does not contain exactly one message and at most one RelayState, each
/// under its plain name; otherwise the errors of [`decode`].
pub fn decode_unverified(query: &str, limits: &Limits) -> Result<UnverifiedMessage, BindingError> {
    require_at_most("query string", query.len(), encoded_limit(limits))?;
    let read = UnverifiedQuery::read(query)?;
    Message::inflated(read.parameter(), read.message(), read.relay_state(), limits).map(UnverifiedMessage)
}

/// Inflates bytes, up to the limit.
pub(crate) fn inflate(deflated: &[u8], name: &'static str, limit: usize) -> Result<Vec<u8>, BindingError> {
    vouchsafe_signature::inflate(deflated, limit).map_err(|error| match error {
        NotInflated::TooLarge => {
            BindingError::TooLarge { what: "inflated message", actual: limit.saturating_add(1), limit }
        }
        _ => BindingError::NotDeflated { name, content: FieldContent::of(deflated) },
    })
}

pub(crate) fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// The maximum length of the base64 of the largest message, with line breaks: one and a half times the limit.
pub(crate) fn encoded_limit(limits: &Limits) -> usize {
    let input = limits.input_bytes;
    input.saturating_add(input / 2).saturating_add(1024)
}

pub(crate) fn require_at_most(what: &'static str, actual: usize, limit: usize) -> Result<(), BindingError> {
    if actual > limit { Err(BindingError::TooLarge { what, actual, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_stops_at_its_limit() {
        let query = encode(SAML_RESPONSE, &" ".repeat(40_000_000), None);
        assert!(query.len() < 100_000);
        assert_eq!(decode_unverified(&query, &Limits::default()).unwrap_err().code(), "binding.too_large");
    }

    /// A stream that is cut off may lack an important part, and bytes after the end of the stream do not belong to
    /// the message.
    #[test]
    fn a_stream_has_an_end() {
        let whole = compress_to_vec("<a>".repeat(500).as_bytes(), 9);
        for missing in 1..whole.len() {
            let cut = whole.get(..missing).unwrap();
            assert_eq!(
                inflate(cut, SAML_REQUEST, 10_000).unwrap_err().code(),
                "binding.deflate",
                "{missing}"
            );
        }
        assert_eq!(
            inflate(&whole, SAML_REQUEST, 1_500).unwrap().len(),
            1_500,
            "the limit itself is accepted"
        );
        assert_eq!(inflate(&whole, SAML_REQUEST, 1_499).unwrap_err().code(), "binding.too_large");
        assert_eq!(inflate(&[&whole[..], b"behind"].concat(), SAML_REQUEST, 1_500).unwrap().len(), 1_500);
    }

    #[test]
    fn one_message_and_no_more() {
        let query = encode(SAML_REQUEST, "<a/>", Some(&RelayState::received("a b&c")));
        let decoded = decode_unverified(&query, &Limits::default()).unwrap();
        assert_eq!((decoded.field(), decoded.relay_state().unwrap().as_str()), (SAML_REQUEST, "a b&c"));
        for (bad, code) in [
            (String::new(), "signature.query"),
            (format!("{query}&SAMLRequest=x"), "signature.query"),
            (format!("{query}&SAMLResponse=x"), "signature.query"),
            (format!("{query}&RelayState=x"), "signature.query"),
            (format!("?{query}"), "signature.query"),
            (format!("??RelayState=x&{query}"), "signature.query"),
            ("SAMLRequest=!".to_owned(), "binding.base64"),
            ("SAMLRequest=AAAA".to_owned(), "binding.deflate"),
        ] {
            assert_eq!(decode_unverified(&bad, &Limits::default()).unwrap_err().code(), code, "{bad}");
        }
    }

    /// A `+` is read as `signature::verify_query` reads it: the verified and the decoded message must be the same.
    #[test]
    fn a_plus_that_was_not_escaped_is_itself_in_base64() {
        let relay_state = RelayState::received("a b");
        let queries = (0..100)
            .map(|id| encode(SAML_REQUEST, &format!("<{}é{id}/>", "a~".repeat(id)), Some(&relay_state)));
        let query = queries.into_iter().find(|query| query.contains("%2B")).unwrap();
        let careless = query.replace("%2B", "+").replace("%20", "+");
        let limits = Limits::default();
        assert_eq!(
            decode_unverified(&careless, &limits).unwrap(),
            decode_unverified(&query, &limits).unwrap()
        );
    }

    #[test]
    fn an_endpoint_may_have_a_query_of_its_own() {
        let to = |location: &str| Redirect::to(&WebAddress::new(location).unwrap(), "SAMLRequest=b");
        for (location, url) in [
            ("https://i.example/sso", "https://i.example/sso?SAMLRequest=b"),
            ("https://i.example/sso?", "https://i.example/sso?SAMLRequest=b"),
            ("https://i.example/sso?x=y", "https://i.example/sso?x=y&SAMLRequest=b"),
            ("https://i.example/sso?x=y&", "https://i.example/sso?x=y&SAMLRequest=b"),
        ] {
            assert_eq!(to(location).unwrap().url(), url);
        }
        for own in [
            "SAMLRequest=a",
            "x=y&SAMLResponse=a",
            "RelayState",
            "RelayState=a&SAMLRequest=c",
            "%53AMLRequest=a",
            "?SAMLRequest=a",
        ] {
            assert_eq!(
                to(&format!("https://i.example/sso?{own}")).unwrap_err().code(),
                "binding.url",
                "{own}"
            );
        }
    }

    #[test]
    fn a_message_is_not_shown_by_accident() {
        let query = encode(SAML_REQUEST, "<secret/>", Some(&RelayState::received("state")));
        let shown = format!("{:?}", decode_unverified(&query, &Limits::default()).unwrap());
        assert!(shown.contains("SAMLRequest") && !shown.contains("state"), "{shown}");
    }
}
