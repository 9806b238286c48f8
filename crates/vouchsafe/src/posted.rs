//! What the browser posts to the assertion consumer (SAML Bindings 3.5).

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

/// A response as it came by POST: opaque bytes, size-capped, and nothing about them believed.
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
    /// The fields of a signed form.
    signed_fields: Option<SignedFields>,
}

/// Names and values of the fields of a signed form, decoded.
type SignedFields = Vec<(String, String)>;

impl PostedResponse {
    /// From the raw body of the request, `application/x-www-form-urlencoded`: exactly one SAMLResponse and at most one RelayState. Fields
    /// named `SigAlg` and `Signature` make it HTTP-POST-SimpleSign; other fields are left alone.
    ///
    /// # Errors
    /// [`BindingError::FieldMissing`], [`BindingError::FieldRepeated`], [`BindingError::TooLarge`], [`BindingError::NotBase64`], [`BindingError::NotXml`].
    pub fn from_form(body: &[u8], limits: &Limits) -> Result<PostedResponse, BindingError> {
        // Every byte of the field may be percent-encoded, three for one.
        require_at_most("form", body.len(), encoded_limit(limits).saturating_mul(3))?;
        let value = form::required(body, FIELD)?;
        let relay_state = form::optional(body, "RelayState")?;
        let mut posted = PostedResponse::from_base64(&value, limits)?;
        posted.signed_fields = form::signed(body, (FIELD, &value), relay_state.as_deref())?;
        posted.relay_state = relay_state.map(RelayState::received);
        Ok(posted)
    }

    /// From the body that an enhanced client posts, `application/vnd.paos+xml`.
    ///
    /// # Errors
    /// As [`PaosResponse::read`].
    pub fn from_paos(body: &[u8], limits: &Limits) -> Result<PostedResponse, Refusal> {
        let PaosResponse { bytes, relay_state, .. } = PaosResponse::read(body, limits)?;
        let relay_state = relay_state.map(RelayState::received);
        Ok(PostedResponse { bytes, relay_state, signed_fields: None })
    }

    /// From the value of the form field SAMLResponse, which a framework has decoded already. White space in the base64 is allowed.
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

    /// The same response with the RelayState that came beside it, when a framework has taken the form apart.
    #[must_use]
    pub fn with_relay_state(mut self, relay_state: Option<RelayState>) -> PostedResponse {
        self.relay_state = relay_state;
        self
    }

    /// The RelayState that came beside it; untrusted. The handle under which a pending request is found.
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

/// What a field holds whose base64 decodes to something else than XML. What begins like XML is left to its parser, unless it is broken by
/// spaces that were `+`.
pub(crate) fn not_xml(value: &str, bytes: &[u8]) -> Option<FieldContent> {
    let is_broken = value.contains(' ') && std::str::from_utf8(bytes).is_err();
    let spaces = is_broken && with_plus_signs(value).is_some();
    if spaces { Some(FieldContent::SpacesForPlus) } else { FieldContent::in_the_place_of_xml(bytes) }
}

impl std::fmt::Debug for PostedResponse {
    /// The message is a bearer token until it is used: only its size is shown.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PostedResponse")
            .field("bytes", &self.bytes.len())
            .field("relay_state", &self.relay_state)
            .finish()
    }
}
