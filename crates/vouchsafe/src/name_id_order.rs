//! A change of a name that this service requests, and its stored form.

use std::fmt;

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{ConnectionId, NameIdChange, SessionNameId};

use crate::participant::Participant;

/// A change of a name that this service requests from an identity provider. `Debug` does not show the person.
///
/// The name belongs to the connection over which the person signed in, and only its identity provider can be asked.
/// So an order is made of a [`Participant`], and holds the connection together with the name.
///
/// After a new identifier, the identity provider sends it together with its own name for the person (`SPProvidedID`).
/// A terminated name is no longer used between the two parties.
///
/// ```
/// use vouchsafe::{ConnectionId, NameIdOrder, Participant, SessionNameId};
///
/// let ada = Participant::new(ConnectionId::new("acme")?, SessionNameId::new("ada"), []);
/// let order = NameIdOrder::terminate(ada);
/// assert_eq!(order.connection().as_str(), "acme");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameIdOrder {
    connection: ConnectionId,
    name_id: SessionNameId,
    change: NameIdChange,
}

impl NameIdOrder {
    /// Makes an order after which this service names the person by this identifier.
    pub fn new_identifier(person: Participant, identifier: impl Into<String>) -> NameIdOrder {
        NameIdOrder::of(person, NameIdChange::New(identifier.into()))
    }

    /// Makes an order after which the name is no longer used.
    #[must_use]
    pub fn terminate(person: Participant) -> NameIdOrder {
        NameIdOrder::of(person, NameIdChange::Terminate)
    }

    fn of(person: Participant, change: NameIdChange) -> NameIdOrder {
        NameIdOrder { connection: person.connection, name_id: person.name_id, change }
    }

    /// The connection whose identity provider uses the name.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// The person, byte for byte as the identity provider names them.
    #[must_use]
    pub fn name_id(&self) -> &SessionNameId {
        &self.name_id
    }

    /// The change of the name.
    #[must_use]
    pub fn change(&self) -> &NameIdChange {
        &self.change
    }

    /// Returns the stored form. The stored request that it belongs to holds the connection.
    pub(crate) fn to_stored(&self) -> StoredNameIdOrder {
        let new_id = match &self.change {
            NameIdChange::New(identifier) => Some(identifier.clone()),
            _ => None,
        };
        StoredNameIdOrder { name_id: self.name_id.clone(), new_id }
    }

    pub(crate) fn from_stored(connection: ConnectionId, stored: StoredNameIdOrder) -> NameIdOrder {
        let change = stored.new_id.map_or(NameIdChange::Terminate, NameIdChange::New);
        NameIdOrder { connection, name_id: stored.name_id, change }
    }
}

/// The stored form of a [`NameIdOrder`]. `Debug` does not show the person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredNameIdOrder {
    /// The person.
    pub name_id: SessionNameId,
    /// The new identifier; `None` if the name is terminated.
    #[serde(default)]
    pub new_id: Option<String>,
}

impl fmt::Debug for StoredNameIdOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredNameIdOrder").finish_non_exhaustive()
    }
}
