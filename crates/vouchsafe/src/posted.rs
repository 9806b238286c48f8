//! The response that a browser posts to the assertion consumer (SAML Bindings 3.5).

use vouchsafe_assertion::{PaosResponse, Refusal};
use vouchsafe_crypto::base64_decode;
use vouchsafe_xml::Limits;

use crate::error::BindingError;
use crate::field_content::FieldContent;
use crate::field_encoding::with_plus_signs;
use crate::form;
use crate::redirect::{encoded_limit, require_at_most};
use crate::relay_state::RelayState;

const FIELD: &str = "SAMLResponse";

/// A response as it was posted: bytes of limited size, of which nothing is verified yet.
///
/// ```
/// use vouchsafe::{Limits, PostedResponse};
///
/// let posted = PostedResponse::from_form(b"SAMLResponse=PGEvPg%3D%3D&RelayState=9f2c", &Limits::default())?;
/// assert_eq!(posted.relay_state().map(|state| state.as_str()), Some("9f2c"));
///
/// let twice = PostedResponse::from_form(b"SAMLResponse=PGEvPg&SAMLResponse=PGEvPg", &Limits::default());
/// assert_eq!(twice.unwrap_err().code(), "binding.field_repeated");
/// # Ok::<(), vouchsafe::BindingError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PostedResponse {
    bytes: Vec<u8>,
    relay_state: Option<RelayState>,
    /// The fields of a signed form (HTTP-POST-SimpleSign).
    signed_fields: Option<SignedFields>,
}

/// Names and values of the fields of a signed form, decoded.
type SignedFields = Vec<(String, String)>;

impl PostedResponse {
    /// Reads the raw body of the request, `application/x-www-form-urlencoded`: exactly one SAMLResponse and at most
    /// one RelayState. If it has fields named `SigAlg` and `Signature`, the binding is HTTP-POST-SimpleSign. Other
    /// fields are ignored.
    ///
    /// # Errors
    /// [`BindingError::FieldMissing`], [`BindingError::FieldRepeated`], [`BindingError::TooLarge`], [`BindingError::NotBase64`], [`BindingError::NotXml`].
    pub fn from_form(body: &[u8], limits: &Limits) -> Result<PostedResponse, BindingError> {
        // Every byte of the field may be percent-encoded, which makes three bytes of one.
        require_at_most("form", body.len(), encoded_limit(limits).saturating_mul(3))?;
        let value = form::required(body, FIELD)?;
        let relay_state = form::optional(body, "RelayState")?;
        let mut posted = PostedResponse::from_base64(&value, limits)?;
        posted.signed_fields = form::signed(body, (FIELD, &value), relay_state.as_deref())?;
        posted.relay_state = relay_state.map(RelayState::received);
        Ok(posted)
    }

    /// Reads the body that an enhanced client posts, `application/vnd.paos+xml`.
    ///
    /// # Errors
    /// The same as for [`PaosResponse::read`].
    pub fn from_paos(body: &[u8], limits: &Limits) -> Result<PostedResponse, Refusal> {
        let PaosResponse { bytes, relay_state, .. } = PaosResponse::read(body, limits)?;
        let relay_state = relay_state.map(RelayState::received);
        Ok(PostedResponse { bytes, relay_state, signed_fields: None })
    }

    /// Reads the value of the form field SAMLResponse, which a framework has already decoded. White space in the
    /// base64 is allowed.
    ///
    /// # Errors
    /// [`BindingError::TooLarge`], [`BindingError::NotBase64`] and [`BindingError::NotXml`].
    pub fn from_base64(value: &str, limits: &Limits) -> Result<PostedResponse, BindingError> {
        require_at_most(FIELD, value.len(), encoded_limit(limits))?;
        let content = || FieldContent::of(value.as_bytes());
        let bytes =
            base64_decode(value).map_err(|_| BindingError::NotBase64 { name: FIELD, content: content() })?;
        require_at_most("message", bytes.len(), limits.input_bytes)?;
        match not_xml(value, &bytes) {
            Some(content) => Err(BindingError::NotXml { name: FIELD, content }),
            None => Ok(PostedResponse { bytes, relay_state: None, signed_fields: None }),
        }
    }

    /// Returns the same response with the RelayState of its form, for callers whose framework parses the form.
    #[must_use]
    pub fn with_relay_state(mut self, relay_state: Option<RelayState>) -> PostedResponse {
        self.relay_state = relay_state;
        self
    }

    /// The RelayState that came with the response. It is untrusted; use it only as the handle to look up a pending
    /// request.
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_parts(self) -> (Vec<u8>, Option<RelayState>, Option<SignedFields>) {
        (self.bytes, self.relay_state, self.signed_fields)
    }
}

/// Recognises the content of a field whose base64 does not decode to XML. Bytes that begin like XML are left to the
/// XML parser, unless they are damaged because each `+` became a space.
pub(crate) fn not_xml(value: &str, bytes: &[u8]) -> Option<FieldContent> {
    let is_broken = value.contains(' ') && std::str::from_utf8(bytes).is_err();
    let spaces = is_broken && with_plus_signs(value).is_some();
    if spaces { Some(FieldContent::SpacesForPlus) } else { FieldContent::in_the_place_of_xml(bytes) }
}

impl std::fmt::Debug for PostedResponse {
    /// Shows only the size, because the message is a bearer token until it is used.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PostedResponse")
            .field("bytes", &self.bytes.len())
            .field("relay_state", &self.relay_state)
            .finish()
    }
}
