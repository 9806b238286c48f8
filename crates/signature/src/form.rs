//! This module signs and verifies HTTP-POST-SimpleSign forms (SAML V2.0 HTTP POST "SimpleSign" Binding, 3.2.3 and
//! 3.2.4).
//!
//! The signature covers `SAMLResponse=message&RelayState=value&SigAlg=value` (or `SAMLRequest`), always in this
//! order, whatever the order in the form is. The message is the XML itself, before base64, and no value is
//! percent-encoded. So these bytes do not show where a value ends. A message or a RelayState that contains the
//! beginning of the next field is therefore refused, which makes the bytes unambiguous.

use vouchsafe_crypto::{PrivateKey, Provider, SignatureAlgorithm, base64_decode, base64_encode};
use vouchsafe_xml::Limits;

use crate::keys::{self, Signed, TrustedKey};
use crate::{Evidence, MessageParameter, SignatureError, algorithms};

const RELAY_STATE: &str = "&RelayState=";
const ALGORITHM: &str = "&SigAlg=";

/// A message that is to be posted in a signed form.
#[derive(Clone, Copy)]
pub struct UnsignedForm<'m> {
    /// Whether it is a request or a response.
    pub parameter: MessageParameter,
    /// The XML of the message.
    pub message: &'m str,
    /// The RelayState, if there is one.
    pub relay_state: Option<&'m str>,
}

impl std::fmt::Debug for UnsignedForm<'_> {
    /// Shows no values, because they are personal data.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("UnsignedForm").field("parameter", &self.parameter).finish_non_exhaustive()
    }
}

/// The fields of a signed form that is to be posted. Only [`sign_form`] makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedForm {
    fields: Vec<(&'static str, String)>,
}

impl SignedForm {
    /// Returns the names and values of the fields. The message is in base64. The caller must still escape the values
    /// for HTML or percent-encode them.
    #[must_use]
    pub fn fields(&self) -> &[(&'static str, String)] {
        &self.fields
    }
}

impl std::fmt::Debug for SignedForm {
    /// Shows no values, because they are personal data.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.fields.iter().map(|(name, _)| name);
        formatter.debug_list().entries(names).finish()
    }
}

/// The content of a form that a trusted key signed. Only [`verify_form`] makes one.
///
/// ```compile_fail,E0451
/// # fn forge(evidence: vouchsafe_signature::Evidence) -> vouchsafe_signature::VerifiedForm {
/// use vouchsafe_signature::{MessageParameter, VerifiedForm};
/// VerifiedForm { parameter: MessageParameter::Request, message: Vec::new(), relay_state: None, evidence }
/// # }
/// ```
#[must_use = "reading anything but this reads what nobody signed"]
pub struct VerifiedForm {
    parameter: MessageParameter,
    message: Vec<u8>,
    relay_state: Option<String>,
    evidence: Evidence,
}

impl VerifiedForm {
    /// Returns whether the message is a request or a response.
    #[must_use]
    pub fn parameter(&self) -> MessageParameter {
        self.parameter
    }

    /// Returns the message: the bytes of an XML document.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Returns the value of `RelayState`. It is signed, but the party that started the exchange chose it.
    #[must_use]
    pub fn relay_state(&self) -> Option<&str> {
        self.relay_state.as_deref()
    }

    /// Returns who signed the form, and how.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

impl std::fmt::Debug for VerifiedForm {
    /// Shows no content, because it is personal data.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("VerifiedForm")
            .field("parameter", &self.parameter)
            .field("message", &format_args!("{} bytes", self.message.len()))
            .field("evidence", &self.evidence)
            .finish_non_exhaustive()
    }
}

/// Signs a message and its RelayState, and returns the fields of a form.
///
/// ```
/// use vouchsafe_crypto::{KeyKind, Provider, SignatureAlgorithm};
/// use vouchsafe_signature::{MessageParameter, TrustedKey, UnsignedForm, sign_form, verify_form};
///
/// let provider = Provider::rustcrypto();
/// let key = provider.generate_key(KeyKind::P256)?;
/// let unsigned = UnsignedForm {
///     parameter: MessageParameter::Response,
///     message: "<Response/>",
///     relay_state: Some("/home"),
/// };
/// let form = sign_form(&unsigned, SignatureAlgorithm::EcdsaSha256, &key, &provider)?;
///
/// let trusted = [TrustedKey::new(key.public_key().clone(), "peer")];
/// let verified = verify_form(form.fields(), &trusted, &provider)?;
/// assert_eq!((verified.message(), verified.relay_state()), (&b"<Response/>"[..], Some("/home")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `signature.form` when the message or the RelayState contains the beginning of another field; `signature.algorithm`
/// when the provider does not accept the algorithm; `crypto.*` when the key cannot sign with it.
pub fn sign_form(
    form: &UnsignedForm<'_>,
    algorithm: SignatureAlgorithm,
    key: &PrivateKey,
    provider: &Provider,
) -> Result<SignedForm, SignatureError> {
    let UnsignedForm { parameter, message, relay_state } = *form;
    keys::accepted(algorithm, "SigAlg", provider)?;
    let signed = bytes(parameter, message.as_bytes(), relay_state, algorithm.uri())?;
    let signature = provider.sign(algorithm, key, &signed)?;
    let mut fields = vec![(parameter.name(), base64_encode(message.as_bytes()))];
    fields.extend(relay_state.map(|state| ("RelayState", state.to_owned())));
    fields.push(("SigAlg", algorithm.uri().to_owned()));
    fields.push(("Signature", base64_encode(&signature)));
    Ok(SignedForm { fields })
}

/// Verifies a signed form. `fields` are all its fields, decoded. Other fields, such as `KeyInfo`, are not signed and
/// not read.
///
/// # Errors
/// `signature.form` when a field is missing or repeated, or contains the beginning of another one;
/// `signature.base64`; `signature.algorithm`; `signature.no_keys`, `signature.no_fitting_key`,
/// `signature.not_verified`.
pub fn verify_form<N: AsRef<str>, V: AsRef<str>>(
    fields: &[(N, V)],
    keys: &[TrustedKey],
    provider: &Provider,
) -> Result<VerifiedForm, SignatureError> {
    let (parameter, message) = match (field(fields, "SAMLRequest")?, field(fields, "SAMLResponse")?) {
        (Some(message), None) => (MessageParameter::Request, message),
        (None, Some(message)) => (MessageParameter::Response, message),
        (None, None) => return Err(refused("SAMLRequest", "SAMLRequest or SAMLResponse", "neither")),
        (Some(_), Some(_)) => return Err(refused("SAMLRequest", "SAMLRequest or SAMLResponse", "both")),
    };
    let relay_state = field(fields, "RelayState")?;
    let uri = required(fields, "SigAlg")?;
    let algorithm = algorithms::signature_by_uri(uri, "SigAlg")?;
    keys::accepted(algorithm, "SigAlg", provider)?;
    let signature = decode("Signature", required(fields, "Signature")?)?;
    let name = parameter.name();
    let message = decode(name, message)?;

    let signed = bytes(parameter, &message, relay_state, uri)?;
    let signed = Signed { algorithm, message: &signed, signature: &signature, element: name };
    let limit = Limits::default().public_key_operations;
    let (key, _) = keys::key_that_signed(keys, &signed, provider, limit)?;
    let relay_state = relay_state.map(str::to_owned);
    Ok(VerifiedForm { parameter, message, relay_state, evidence: Evidence::of_query(name, algorithm, key) })
}

/// Returns the bytes that are signed. If there is no RelayState, its name is left out as well (3.2.3).
fn bytes(
    parameter: MessageParameter,
    message: &[u8],
    relay_state: Option<&str>,
    algorithm: &str,
) -> Result<Vec<u8>, SignatureError> {
    let name = parameter.name();
    for next in [RELAY_STATE, ALGORITHM] {
        // XML can contain such a text only in a comment, a processing instruction or CDATA, so no honest message has
        // it.
        if message.windows(next.len()).any(|window| window == next.as_bytes()) {
            return Err(refused(name, "nothing that begins another field", next));
        }
        if relay_state.is_some_and(|state| state.contains(next)) {
            return Err(refused("RelayState", "nothing that begins another field", next));
        }
    }
    let relay_state = relay_state.map(|state| [RELAY_STATE, state].concat()).unwrap_or_default();
    let parts =
        [name.as_bytes(), b"=", message, relay_state.as_bytes(), ALGORITHM.as_bytes(), algorithm.as_bytes()];
    Ok(parts.concat())
}

/// Returns the value of a field. The field may occur only once.
fn field<'f, N: AsRef<str>, V: AsRef<str>>(
    fields: &'f [(N, V)],
    name: &'static str,
) -> Result<Option<&'f str>, SignatureError> {
    let mut found = fields.iter().filter(|(other, _)| other.as_ref() == name);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(refused(name, "it once", "it again")),
        (found, None) => Ok(found.map(|(_, value)| value.as_ref())),
    }
}

fn required<'f, N: AsRef<str>, V: AsRef<str>>(
    fields: &'f [(N, V)],
    name: &'static str,
) -> Result<&'f str, SignatureError> {
    field(fields, name)?.ok_or_else(|| refused(name, "the field", "nothing"))
}

fn decode(element: &'static str, value: &str) -> Result<Vec<u8>, SignatureError> {
    base64_decode(value).map_err(|source| SignatureError::Base64 { element, source })
}

fn refused(field: &'static str, expected: &'static str, actual: &str) -> SignatureError {
    SignatureError::Form { field, expected, actual: actual.to_owned() }
}
