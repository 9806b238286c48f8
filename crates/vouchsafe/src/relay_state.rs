//! RelayState: a value that is sent with a message and returned with the answer.

use std::fmt;

use crate::error::BindingError;

/// The longest RelayState a service provider may send, in bytes (SAML Bindings 3.4.3 and 3.5.3).
const SENT_BYTES: usize = 80;

/// An opaque string that the identity provider returns with its response.
///
/// Put no meaning into it: it passes through the browser, and anybody who can post a form can send one. Send a random
/// handle (which [`start_login`](crate::ServiceProvider::start_login) makes by default) and store the data under that
/// handle. Never redirect to a received value.
///
/// ```
/// use vouchsafe::RelayState;
///
/// assert_eq!(RelayState::new("9f2c")?.as_str(), "9f2c");
/// assert_eq!(RelayState::new(&"x".repeat(81)).unwrap_err().code(), "binding.relay_state_length");
/// assert_eq!(RelayState::received("x".repeat(81)).as_str().len(), 81);
/// # Ok::<(), vouchsafe::BindingError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RelayState(String);

impl RelayState {
    /// Makes a RelayState to send: 1 to 80 bytes.
    ///
    /// # Errors
    /// [`BindingError::RelayStateLength`] if it is empty or longer (SAML Bindings 3.4.3).
    pub fn new(value: &str) -> Result<RelayState, BindingError> {
        if value.is_empty() || value.len() > SENT_BYTES {
            return Err(BindingError::RelayStateLength { actual: value.len(), limit: SENT_BYTES });
        }
        Ok(RelayState(value.to_owned()))
    }

    /// Makes a RelayState from a received value. Identity providers send longer values than the specification allows,
    /// so any length is accepted unchanged.
    pub fn received(value: impl Into<String>) -> RelayState {
        RelayState(value.into())
    }

    /// The string. Treat it as untrusted.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RelayState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
