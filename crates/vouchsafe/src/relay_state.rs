//! RelayState: what travels beside a message and comes back with the answer.

use std::fmt;

use crate::error::BindingError;

/// The longest RelayState a service provider may send, in bytes (SAML Bindings 3.4.3 and 3.5.3).
const SENT_BYTES: usize = 80;

/// An opaque string that the identity provider gives back with its response.
///
/// Nothing of meaning belongs into it: it passes through the browser and comes back from anyone who can post a form. Send a random
/// handle (what [`start_login`](crate::ServiceProvider::start_login) makes by itself) and keep the meaning under that handle.
/// A received value is never a URL to redirect to.
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
    /// A RelayState to send: 1 to 80 bytes.
    ///
    /// # Errors
    /// [`BindingError::RelayStateLength`] when it is empty or longer (SAML Bindings 3.4.3).
    pub fn new(value: &str) -> Result<RelayState, BindingError> {
        if value.is_empty() || value.len() > SENT_BYTES {
            return Err(BindingError::RelayStateLength { actual: value.len(), limit: SENT_BYTES });
        }
        Ok(RelayState(value.to_owned()))
    }

    /// A RelayState that arrived: identity providers send longer ones than the specification allows, so any length is taken, as it is.
    pub fn received(value: impl Into<String>) -> RelayState {
        RelayState(value.into())
    }

    /// The string itself. Treat it as untrusted.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RelayState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
