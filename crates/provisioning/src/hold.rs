//! The reasons why an account may not be used.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;

use crate::{Account, Organization, Status};

/// One reason why an account may not be used. An account can be held for several reasons at once, and is active again when the last of them
/// ends: an identity provider that activates a person by SCIM does not undo what an administrator suspended by hand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Hold {
    /// Somebody suspended the account by hand.
    Hand,
    /// `[offboarding]`: nobody signed in to it for long.
    Unused,
    /// `[admission]`: nobody has approved the new account yet.
    Approval,
    /// The identity provider deactivated or deleted the person by SCIM.
    #[non_exhaustive]
    Scim {
        /// The connection.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))]
        connection: ConnectionId,
    },
}

impl Hold {
    /// The hold of a person whom the identity provider of this connection deactivated by SCIM.
    #[must_use]
    pub fn scim(connection: ConnectionId) -> Self {
        Self::Scim { connection }
    }

    /// Whether an administrator can end it by reactivating the account. A hold by SCIM is ended by SCIM, as long as the
    /// organization has that connection.
    pub(crate) fn ends_by_hand(&self, organization: &Organization) -> bool {
        match self {
            Self::Scim { connection } => !organization.signs_in_over(connection),
            Self::Hand | Self::Unused | Self::Approval => true,
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hand => formatter.write_str("by hand"),
            Self::Unused => formatter.write_str("because it was not used"),
            Self::Approval => formatter.write_str("until somebody approves it"),
            Self::Scim { connection } => write!(formatter, "by SCIM over the connection {connection}"),
        }
    }
}

impl Account {
    /// The reasons why the account may not be used; empty for an active one. An account that is suspended without a
    /// reason was suspended by hand.
    #[must_use]
    pub fn holds(&self) -> BTreeSet<Hold> {
        match (self.status, self.holds.is_empty()) {
            (Status::Suspended, true) => [Hold::Hand].into(),
            (Status::PendingApproval, true) => [Hold::Approval].into(),
            _ => self.holds.clone(),
        }
    }

    pub(crate) fn hold(&mut self, hold: Hold) {
        self.holds = self.holds();
        self.holds.insert(hold);
        self.status = status_under(&self.holds);
    }

    pub(crate) fn release(&mut self, hold: &Hold) {
        self.holds = self.holds();
        self.holds.remove(hold);
        self.status = status_under(&self.holds);
    }
}

/// The status of an account with these holds.
pub(crate) fn status_under(holds: &BTreeSet<Hold>) -> Status {
    if holds.is_empty() {
        Status::Active
    } else if holds.iter().all(|hold| *hold == Hold::Approval) {
        Status::PendingApproval
    } else {
        Status::Suspended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountId, OrganizationId};

    #[test]
    fn an_account_is_active_when_the_last_hold_ends() {
        let mut ada = Account::new(AccountId::new("1"), OrganizationId::new("acme"), "ada@example.com");
        assert!(ada.holds().is_empty());
        ada.status = Status::Suspended;
        assert_eq!(ada.holds(), [Hold::Hand].into());
        let scim = Hold::scim(ConnectionId::new("acme").unwrap());
        ada.hold(scim.clone());
        ada.hold(Hold::Approval);
        ada.release(&Hold::Hand);
        assert_eq!(ada.status, Status::Suspended);
        ada.release(&scim);
        assert_eq!(ada.status, Status::PendingApproval);
        ada.release(&Hold::Approval);
        assert!(ada.is_active() && ada.holds().is_empty());
    }
}
