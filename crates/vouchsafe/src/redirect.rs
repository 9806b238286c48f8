//! The HTTP-Redirect binding's encoding (SAML Bindings 3.4.4.1): raw DEFLATE, base64, percent-encoding.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use vouchsafe_crypto::{base64_decode, base64_encode};
use vouchsafe_xml::Limits;

use crate::error::BindingError;
use crate::form;
use crate::relay_state::RelayState;

/// What may stand in a query string as it is (RFC 3986, 2.3).
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where to send the browser: answer its request with status 302 or 303 and this as `Location`.
///
/// Send it with `Cache-Control: no-store`: the address holds a request that is good once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    url: String,
}

impl Redirect {
    /// The whole address, query string included.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Joins an encoded query to an endpoint, which may have a query of its own already.
    pub(crate) fn to(location: &str, query: &str) -> Redirect {
        let joint = if location.contains('?') { '&' } else { '?' };
        Redirect { url: format!("{location}{joint}{query}") }
    }
}

/// Encodes a message for a query string: `SAMLRequest=...` and, if there is one, `&RelayState=...`. Unsigned.
///
/// # Errors
/// [`BindingError::NotDeflated`] when compression fails, which memory alone can cause.
///
/// ```
/// use vouchsafe::{Limits, redirect};
///
/// let query = redirect::encode(redirect::SAML_REQUEST, "<Example/>", None)?;
/// let decoded = redirect::decode(&query, &Limits::default())?;
/// assert_eq!(decoded.octets(), b"<Example/>");
/// # Ok::<(), vouchsafe::BindingError>(())
/// ```
pub fn encode(
    field: &'static str,
    xml: &str,
    relay_state: Option<&RelayState>,
) -> Result<String, BindingError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    let deflated = encoder
        .write_all(xml.as_bytes())
        .and_then(|()| encoder.finish())
        .map_err(|_| BindingError::NotDeflated { name: field })?;
    let mut query = format!("{field}={}", percent_encode(&base64_encode(&deflated)));
    if let Some(relay_state) = relay_state {
        query.push_str("&RelayState=");
        query.push_str(&percent_encode(relay_state.as_str()));
    }
    Ok(query)
}

/// The query field of a request.
pub const SAML_REQUEST: &str = "SAMLRequest";
/// The query field of a response.
pub const SAML_RESPONSE: &str = "SAMLResponse";

/// A message taken out of a query string. Nobody vouches for it: its signature, if any, is a matter of `signature::verify_query`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    field: &'static str,
    octets: Vec<u8>,
    relay_state: Option<RelayState>,
}

impl Decoded {
    /// [`SAML_REQUEST`] or [`SAML_RESPONSE`].
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The message as it was before deflating.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The RelayState beside it.
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }
}

/// Decodes the message of a query string: exactly one SAMLRequest or SAMLResponse, inflated to at most `limits.inflated_bytes`.
///
/// # Errors
/// [`BindingError::FieldMissing`] and [`BindingError::FieldRepeated`] when there is not exactly one message or more than one
/// RelayState, [`BindingError::NotBase64`], [`BindingError::NotDeflated`], and [`BindingError::TooLarge`].
pub fn decode(query: &str, limits: &Limits) -> Result<Decoded, BindingError> {
    let form = query.trim_start_matches('?').as_bytes();
    require_at_most("query string", form.len(), encoded_limit(limits))?;
    let messages = form::with_plus_as_itself(form);
    let request = form::optional(&messages, SAML_REQUEST)?;
    let (field, value) = match (request, form::optional(&messages, SAML_RESPONSE)?) {
        (Some(value), None) => (SAML_REQUEST, value),
        (None, Some(value)) => (SAML_RESPONSE, value),
        (None, None) => return Err(BindingError::FieldMissing { name: SAML_REQUEST }),
        (Some(_), Some(_)) => {
            return Err(BindingError::FieldRepeated { name: "SAMLRequest or SAMLResponse", count: 2 });
        }
    };
    let relay_state = form::optional(form, "RelayState")?.map(RelayState::received);
    let deflated = base64_decode(&value).map_err(|_| BindingError::NotBase64 { name: field })?;
    Ok(Decoded { field, octets: inflate(&deflated, field, limits.inflated_bytes)?, relay_state })
}

/// Inflates, and stops one octet after the limit, so that a bomb costs no more than its limit.
pub(crate) fn inflate(deflated: &[u8], name: &'static str, limit: usize) -> Result<Vec<u8>, BindingError> {
    let ceiling = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut octets = Vec::new();
    DeflateDecoder::new(deflated)
        .take(ceiling)
        .read_to_end(&mut octets)
        .map_err(|_| BindingError::NotDeflated { name })?;
    require_at_most("inflated message", octets.len(), limit)?;
    Ok(octets)
}

pub(crate) fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// How long base64 of the largest message may be, with line breaks: half as much again.
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
        let query = encode(SAML_RESPONSE, &" ".repeat(40_000_000), None).unwrap();
        assert!(query.len() < 100_000);
        assert_eq!(decode(&query, &Limits::default()).unwrap_err().code(), "binding.too_large");
    }

    #[test]
    fn one_message_and_no_more() {
        let query = encode(SAML_REQUEST, "<a/>", Some(&RelayState::received("a b&c"))).unwrap();
        let decoded = decode(&query, &Limits::default()).unwrap();
        assert_eq!((decoded.field(), decoded.relay_state().unwrap().as_str()), (SAML_REQUEST, "a b&c"));
        for (bad, code) in [
            (String::new(), "binding.field_missing"),
            (format!("{query}&SAMLRequest=x"), "binding.field_repeated"),
            (format!("{query}&SAMLResponse=x"), "binding.field_repeated"),
            (format!("{query}&RelayState=x"), "binding.field_repeated"),
            ("SAMLRequest=!".to_owned(), "binding.base64"),
            ("SAMLRequest=AAAA".to_owned(), "binding.deflate"),
        ] {
            assert_eq!(decode(&bad, &Limits::default()).unwrap_err().code(), code, "{bad}");
        }
    }

    /// As `signature::verify_query` reads it: what was verified and what is decoded must be the same message.
    #[test]
    fn a_plus_that_was_not_escaped_is_itself_in_base64() {
        let relay_state = RelayState::received("a b");
        let queries = (0..100)
            .map(|id| encode(SAML_REQUEST, &format!("<{}é{id}/>", "a~".repeat(id)), Some(&relay_state)));
        let query = queries.map(Result::unwrap).find(|query| query.contains("%2B")).unwrap();
        let careless = query.replace("%2B", "+").replace("%20", "+");
        let limits = Limits::default();
        assert_eq!(decode(&careless, &limits).unwrap(), decode(&query, &limits).unwrap());
    }

    #[test]
    fn an_endpoint_may_have_a_query_of_its_own() {
        assert_eq!(Redirect::to("https://i.example/sso", "a=b").url(), "https://i.example/sso?a=b");
        assert_eq!(Redirect::to("https://i.example/sso?x=y", "a=b").url(), "https://i.example/sso?x=y&a=b");
    }
}
