//! This module signs and verifies HTTP-Redirect queries (SAML Bindings 3.4.4.1).
//!
//! The signature covers `SAMLRequest=value&RelayState=value&SigAlg=value` (or `SAMLResponse`), always in this order,
//! whatever the order in the URL is. It covers the exact bytes of the URL: two encoders percent-encode differently,
//! so values are never decoded and encoded again.
//!
//! [`Parameters`] is the only reader of queries, and all other functions use its result. So the verified, the signed
//! and the decoded parameters cannot differ. Parameters with other names are not signed, so no type here returns
//! them. A parameter is refused if other software could mistake its name for a parameter of the binding.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use vouchsafe_crypto::{PrivateKey, Provider, SignatureAlgorithm, base64_decode, base64_encode};
use vouchsafe_xml::Limits;

use crate::keys::{self, Signed, TrustedKey};
use crate::{Evidence, SignatureError, algorithms};

const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";
/// The characters that are not escaped in a query value (RFC 3986 unreserved).
pub(crate) const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parameter that carries the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MessageParameter {
    /// The parameter `SAMLRequest`.
    Request,
    /// The parameter `SAMLResponse`.
    Response,
}

impl MessageParameter {
    /// Returns the parameter's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// The content of a query that a trusted key signed, and nothing else. Only [`verify_query`] makes one.
///
/// ```compile_fail,E0451
/// # fn forge(query: &vouchsafe_signature::VerifiedQuery, evidence: vouchsafe_signature::Evidence) -> vouchsafe_signature::VerifiedQuery {
/// vouchsafe_signature::VerifiedQuery { evidence, ..todo!() }
/// # }
/// ```
pub struct VerifiedQuery {
    content: Content,
    evidence: Evidence,
}

impl VerifiedQuery {
    /// Returns whether the message is a request or a response.
    #[must_use]
    pub fn parameter(&self) -> MessageParameter {
        self.content.parameter
    }

    /// Returns the value of the message parameter, percent-decoded. It is base64 of a DEFLATE stream.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.content.message
    }

    /// Returns the value of `RelayState`, decoded. It is signed, but the party that started the exchange chose it.
    #[must_use]
    pub fn relay_state(&self) -> Option<&str> {
        self.content.relay_state.as_deref()
    }

    /// Returns who signed the query, and how.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

impl std::fmt::Debug for VerifiedQuery {
    /// Shows no content, because it is personal data.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("VerifiedQuery")
            .field("parameter", &self.content.parameter)
            .field("message", &format_args!("{} characters", self.content.message.len()))
            .field("evidence", &self.evidence)
            .finish_non_exhaustive()
    }
}

/// Signs a query: appends the parameters `SigAlg` and `Signature`.
///
/// `query` is `SAMLRequest=value` or `SAMLResponse=value`, then `&RelayState=value` if there is one. The values are
/// percent-encoded already.
///
/// ```
/// use vouchsafe_crypto::{KeyKind, Provider, SignatureAlgorithm};
/// use vouchsafe_signature::{TrustedKey, sign_query, verify_query};
///
/// let provider = Provider::rustcrypto();
/// let key = provider.generate_key(KeyKind::P256)?;
/// let query = sign_query("SAMLRequest=fZJ%2b&RelayState=%2fhome", SignatureAlgorithm::EcdsaSha256, &key, &provider)?;
///
/// let trusted = [TrustedKey::new(key.public_key().clone(), "peer")];
/// let verified = verify_query(&query, &trusted, &provider)?;
/// assert_eq!((verified.message(), verified.relay_state()), ("fZJ+", Some("/home")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `signature.query` when the query does not have this form; `signature.algorithm` when the provider does not accept
/// the algorithm; `crypto.*` when the key cannot sign with it.
pub fn sign_query(
    query: &str,
    algorithm: SignatureAlgorithm,
    key: &PrivateKey,
    provider: &Provider,
) -> Result<String, SignatureError> {
    let parameters = Parameters::read(query)?;
    if let Some(present) = parameters.algorithm.or(parameters.signature) {
        return Err(refused("SigAlg", "a query that is not signed yet", present));
    }
    let mut signed = String::with_capacity(query.len().saturating_add(1024));
    parameters.write_message(&mut signed);
    if signed != query {
        return Err(refused("SAMLRequest", "the message, then RelayState, and nothing else", query));
    }
    keys::accepted(algorithm, "SigAlg", provider)?;
    signed.push_str("&SigAlg=");
    signed.extend(utf8_percent_encode(algorithm.uri(), VALUE));
    let signature = provider.sign(algorithm, key, signed.as_bytes())?;
    signed.push_str("&Signature=");
    signed.extend(utf8_percent_encode(&base64_encode(&signature), VALUE));
    Ok(signed)
}

/// Verifies a signed query. `raw_query` is the part of the URL after `?`, unchanged.
///
/// # Errors
/// `signature.query` when a parameter is missing, repeated, disguised or not decodable; `signature.algorithm`;
/// `signature.base64`; `signature.no_keys`, `signature.no_fitting_key`, `signature.not_verified`.
pub fn verify_query(
    raw_query: &str,
    keys: &[TrustedKey],
    provider: &Provider,
) -> Result<VerifiedQuery, SignatureError> {
    let parameters = Parameters::read(raw_query)?;
    let raw_algorithm = required(parameters.algorithm, "SigAlg")?;
    let raw_signature = required(parameters.signature, "Signature")?;
    let algorithm = algorithms::signature_by_uri(&form_value("SigAlg", raw_algorithm)?, "SigAlg")?;
    keys::accepted(algorithm, "SigAlg", provider)?;
    let signature = base64_decode(base64_value("Signature", raw_signature)?.as_bytes())
        .map_err(|source| SignatureError::Base64 { element: "Signature", source })?;

    let mut signed = String::with_capacity(raw_query.len());
    parameters.write_message(&mut signed);
    signed.push_str("&SigAlg=");
    signed.push_str(raw_algorithm);
    let name = parameters.parameter.name();
    let signed = Signed { algorithm, message: signed.as_bytes(), signature: &signature, element: name };
    let limit = Limits::default().public_key_operations;
    let (key, _) = keys::key_that_signed(keys, &signed, provider, limit)?;
    Ok(VerifiedQuery { content: parameters.content()?, evidence: Evidence::of_query(name, algorithm, key) })
}

/// The content of a query whose signature was not verified, for tools that show messages.
///
/// It is read by the same rules as in [`verify_query`]. It has another type than [`VerifiedQuery`], so it cannot be
/// used in place of one.
///
/// ```
/// use vouchsafe_signature::UnverifiedQuery;
///
/// let query = UnverifiedQuery::read("SAMLRequest=fZJ%2b&RelayState=%2fhome")?;
/// assert_eq!((query.message(), query.relay_state()), ("fZJ+", Some("/home")));
/// assert!(UnverifiedQuery::read("SAMLRequest=a&SAMLRe%71uest=b").is_err());
/// # Ok::<(), vouchsafe_signature::SignatureError>(())
/// ```
pub struct UnverifiedQuery(Content);

impl UnverifiedQuery {
    /// Reads a query: the part of the URL after `?`, unchanged. A signature in it is neither needed nor checked.
    ///
    /// # Errors
    /// `signature.query`, as for [`verify_query`].
    pub fn read(raw_query: &str) -> Result<UnverifiedQuery, SignatureError> {
        Ok(UnverifiedQuery(Parameters::read(raw_query)?.content()?))
    }

    /// Returns whether the message is a request or a response.
    #[must_use]
    pub fn parameter(&self) -> MessageParameter {
        self.0.parameter
    }

    /// Returns the value of the message parameter, percent-decoded. It is base64 of a DEFLATE stream.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the value of `RelayState`, decoded.
    #[must_use]
    pub fn relay_state(&self) -> Option<&str> {
        self.0.relay_state.as_deref()
    }

    /// Returns whether the query has a signature or names its algorithm. Whether it is a good one is not checked.
    #[must_use]
    pub fn claims_signature(&self) -> bool {
        self.0.claims_signature
    }
}

impl std::fmt::Debug for UnverifiedQuery {
    /// Shows no content, because it is personal data.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("UnverifiedQuery")
            .field("parameter", &self.0.parameter)
            .finish_non_exhaustive()
    }
}

/// The message and its RelayState, decoded.
struct Content {
    parameter: MessageParameter,
    message: String,
    relay_state: Option<String>,
    claims_signature: bool,
}

/// The names of the binding's parameters.
const NAMES: [&str; 6] = ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding"];

/// The parameters of the binding, not decoded.
pub(crate) struct Parameters<'q> {
    pub(crate) parameter: MessageParameter,
    pub(crate) message: &'q str,
    pub(crate) relay_state: Option<&'q str>,
    pub(crate) algorithm: Option<&'q str>,
    pub(crate) signature: Option<&'q str>,
}

impl<'q> Parameters<'q> {
    /// Reads each parameter once. A parameter that is repeated is refused, also if the second one has a name that
    /// other software may read as the same, because that software may use the other value.
    pub(crate) fn read(query: &'q str) -> Result<Parameters<'q>, SignatureError> {
        if let Some(foreign) = query.bytes().find(|byte| !byte.is_ascii_graphic() || *byte == b'#') {
            return Err(refused(
                "query",
                "ASCII characters that a query may hold",
                &char::from(foreign).to_string(),
            ));
        }
        let mut values = [None; NAMES.len()];
        for pair in query.split('&') {
            let (raw_name, value) =
                pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value)));
            let Some((name, slot)) =
                NAMES.iter().zip(&mut values).find(|(name, _)| looks_like(raw_name, name))
            else {
                continue;
            };
            let value = value.filter(|_| raw_name == *name);
            let Some(value) = value else { return Err(refused(name, "its plain name and a value", pair)) };
            if slot.replace(value).is_some() {
                return Err(refused(name, "it once", "it again"));
            }
        }
        let [request, response, relay_state, algorithm, signature, encoding] = values;
        let (parameter, message) = match (request, response) {
            (Some(message), None) => (MessageParameter::Request, message),
            (None, Some(message)) => (MessageParameter::Response, message),
            (None, None) => return Err(refused("SAMLRequest", "SAMLRequest or SAMLResponse", "neither")),
            (Some(_), Some(_)) => return Err(refused("SAMLRequest", "SAMLRequest or SAMLResponse", "both")),
        };
        if let Some(encoding) = encoding {
            // SAMLEncoding selects how the message is read, and it is not signed. So only the one known encoding is
            // accepted.
            let encoding = form_value("SAMLEncoding", encoding)?;
            if encoding != DEFLATE {
                return Err(refused("SAMLEncoding", DEFLATE, &encoding));
            }
        }
        Ok(Parameters { parameter, message, relay_state, algorithm, signature })
    }

    /// Decodes the same parameters that are signed.
    fn content(&self) -> Result<Content, SignatureError> {
        Ok(Content {
            parameter: self.parameter,
            message: base64_value(self.parameter.name(), self.message)?.into_owned(),
            relay_state: match self.relay_state {
                Some(raw) => Some(form_value("RelayState", raw)?.into_owned()),
                None => None,
            },
            claims_signature: self.algorithm.is_some() || self.signature.is_some(),
        })
    }

    /// Writes the message and the RelayState in the order in which they are signed.
    fn write_message(&self, signed: &mut String) {
        signed.push_str(self.parameter.name());
        signed.push('=');
        signed.push_str(self.message);
        if let Some(relay_state) = self.relay_state {
            signed.push_str("&RelayState=");
            signed.push_str(relay_state);
        }
    }
}

fn required<'q>(value: Option<&'q str>, name: &'static str) -> Result<&'q str, SignatureError> {
    value.ok_or_else(|| refused(name, "the parameter", "nothing"))
}

/// Decodes a form value, in which `+` is a space.
pub(crate) fn form_value<'q>(name: &'static str, raw: &'q str) -> Result<Cow<'q, str>, SignatureError> {
    if !raw.contains('+') {
        return base64_value(name, raw);
    }
    let spaced = raw.replace('+', " ");
    Ok(Cow::Owned(base64_value(name, &spaced)?.into_owned()))
}

/// Decodes a value of base64, in which `+` stays `+`: base64 has no spaces, and some senders do not escape it.
pub(crate) fn base64_value<'q>(name: &'static str, raw: &'q str) -> Result<Cow<'q, str>, SignatureError> {
    let whole = raw.split('%').skip(1).all(|rest| {
        rest.as_bytes().first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    // Decoders disagree about a percent sign without two digits: some keep it, some drop it, some fail. So it is
    // refused.
    let decoded = percent_decode_str(raw).decode_utf8().ok().filter(|_| whole);
    decoded.ok_or_else(|| refused(name, "percent-encoded UTF-8", raw))
}

/// Returns whether other software could read this name as the known one: escaped once or several times, in another
/// letter case, as an element of a list (`SAMLRequest[]`), or with characters before or after it that some software
/// drops.
fn looks_like(raw: &str, known: &str) -> bool {
    if raw == known {
        return true;
    }
    // Nearly all names return here.
    if raw.len() < known.len() {
        return false;
    }
    let mut name = Cow::Borrowed(raw);
    for _ in 0..3 {
        if !name.contains('%') {
            break;
        }
        name = Cow::Owned(percent_decode_str(&name).decode_utf8_lossy().into_owned());
    }
    let end = name.find(['[', '\0']).unwrap_or(name.len());
    let letters = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
    };
    letters(name.get(..end).unwrap_or_default()) == letters(known)
}

fn refused(parameter: &'static str, expected: &'static str, actual: &str) -> SignatureError {
    SignatureError::Query { parameter, expected, actual: actual.to_owned() }
}
