//! The identifier of a message that this service sent.

use std::fmt;

use crate::error::AssertionError;

/// The `ID` of a request, which a reply repeats as `InResponseTo` (saml-core-2.0-os 1.3.4).
///
/// ```
/// use vouchsafe_assertion::MessageId;
///
/// assert_eq!(MessageId::new("id-request-1")?.as_str(), "id-request-1");
/// assert!(MessageId::new("").is_err());
/// # Ok::<(), vouchsafe_assertion::AssertionError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct MessageId(String);

impl MessageId {
    /// Makes an identifier of a request: 1 to 1024 characters without white space or control characters.
    ///
    /// # Errors
    /// [`AssertionError::MessageId`] for any other text, in particular for the empty string, which an attribute can
    /// also contain.
    pub fn new(id: impl Into<String>) -> Result<MessageId, AssertionError> {
        let id = id.into();
        let sound = !id.is_empty()
            && id.chars().count() <= 1024
            && !id.chars().any(|character| character.is_whitespace() || character.is_control());
        if sound { Ok(MessageId(id)) } else { Err(AssertionError::MessageId { value: id }) }
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
