//! The name of a connection.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vouchsafe_xml::Cut;

use crate::error::AssertionError;

/// The name of a connection: the configuration of one customer's identity provider for one application.
///
/// The service chooses it. It is unique in the service and never changes: accounts, sessions and pending requests
/// refer to it. It is safe in the path of an address: 1 to 64 of the characters `A-Z a-z 0-9 - _`. Cloning is cheap.
///
/// ```
/// use vouchsafe_assertion::ConnectionId;
///
/// assert_eq!(ConnectionId::new("acme")?.as_str(), "acme");
/// assert_eq!(ConnectionId::new("acme/../other").unwrap_err().code(), "assertion.connection_id");
/// # Ok::<(), vouchsafe_assertion::AssertionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectionId(Arc<str>);

impl ConnectionId {
    const LONGEST: usize = 64;

    /// Makes a name of a text.
    ///
    /// # Errors
    /// [`AssertionError::ConnectionId`] if it is empty, longer than 64 characters, or has characters other than ASCII
    /// letters and digits, `-` and `_`.
    pub fn new(name: impl AsRef<str>) -> Result<ConnectionId, AssertionError> {
        let name = name.as_ref();
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !name.is_empty() && name.len() <= Self::LONGEST && name.bytes().all(is_safe) {
            Ok(ConnectionId(name.into()))
        } else {
            Err(AssertionError::ConnectionId { value: Cut::new(name).to_string() })
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for ConnectionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ConnectionId {
    type Error = AssertionError;

    fn try_from(name: String) -> Result<ConnectionId, AssertionError> {
        ConnectionId::new(name)
    }
}

impl From<ConnectionId> for String {
    fn from(id: ConnectionId) -> String {
        id.as_str().to_owned()
    }
}
