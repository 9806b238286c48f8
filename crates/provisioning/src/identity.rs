//! A person over a connection: the key by which an account is found.

use std::fmt;

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{ConnectionId, Login, ManageNameIdRequest, NameId, SessionNameId};
use vouchsafe_crypto::{hexadecimal, own_sha256};
use vouchsafe_metadata::{EntityId, name_id_format};

use crate::text::is_longer_than;

/// A person as the identity provider of one connection names them. Every part is compared byte by byte.
///
/// The connection is part of it, and the entity ID of the identity provider is not. Anybody can write any entity ID
/// into metadata, but only the key that verified an assertion determines the connection. A person is therefore never
/// found over another connection than the one over which they were linked, unless the organization [allows
/// it](crate::Takeover).
///
/// A NameID is distinguished by its value, its Format and both qualifiers: over one connection three people may be
/// named `12345` in three formats or for three service providers. Omitted parts are filled in as the specification
/// says: no Format is `unspecified` (SAML Core 2.2.2), and a persistent name without NameQualifier or SPNameQualifier
/// is qualified by the identity provider and by the service provider that it was made for (SAML Core 8.3.7). In other
/// formats an omitted qualifier stays absent. The value of an attribute differs from any NameID, and from values of
/// other attributes.
///
/// `Debug` shows the connection only.
///
/// ```
/// use vouchsafe_assertion::ConnectionId;
/// use vouchsafe_metadata::name_id_format;
/// use vouchsafe_provisioning::Identity;
///
/// let okta = ConnectionId::new("acme-okta")?;
/// let unspecified = Identity::new(okta.clone(), "12345");
/// let persistent = unspecified.clone().with_format(name_id_format::PERSISTENT);
/// let number = Identity::of_attribute(okta, "employeeNumber", "12345");
/// assert!(unspecified != persistent && persistent != number);
/// assert_ne!(unspecified.key(), persistent.key());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Identity {
    /// The connection that the person signs in over.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))]
    pub connection: ConnectionId,
    /// The kind of the subject.
    pub source: SubjectSource,
    /// The stable subject: the NameID's value, or that of the attribute that the policy chose.
    pub subject: String,
}

/// The kind of an [`Identity`]'s subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SubjectSource {
    /// The NameID.
    #[non_exhaustive]
    NameId {
        /// Its Format; `unspecified` if there was none.
        format: String,
        /// Its NameQualifier; for a persistent name without one, the identity provider.
        name_qualifier: Option<String>,
        /// Its SPNameQualifier; for a persistent name without one, the service provider, where it is known.
        sp_name_qualifier: Option<String>,
    },
    /// An attribute.
    #[non_exhaustive]
    Attribute {
        /// Its name.
        name: String,
    },
}

impl Identity {
    /// The most characters of the subject, a Format or a qualifier of a person who signs in. An identity is kept for
    /// good with the account and in its history. An entity ID, which may qualify a name, has at most as many (SAML Core
    /// 8.3.6).
    pub const LONGEST_PART: usize = 1_024;

    /// A NameID of the format `unspecified` without qualifiers.
    pub fn new(connection: ConnectionId, subject: impl Into<String>) -> Self {
        let format = name_id_format::UNSPECIFIED.to_owned();
        let source = SubjectSource::NameId { format, name_qualifier: None, sp_name_qualifier: None };
        Self { connection, source, subject: subject.into() }
    }

    /// A value of an attribute.
    pub fn of_attribute(connection: ConnectionId, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { connection, source: SubjectSource::Attribute { name: name.into() }, subject: value.into() }
    }

    /// A NameID that the identity provider of a connection gave to a service provider, in an assertion or in a logout
    /// request. The entity IDs of both qualify a persistent name without qualifiers.
    #[must_use]
    pub fn of_name_id(
        name_id: &NameId,
        connection: ConnectionId,
        issuer: &EntityId,
        service_provider: &EntityId,
    ) -> Self {
        let received = ReceivedNameId {
            value: name_id.value(),
            format: name_id.format(),
            name_qualifier: name_id.name_qualifier(),
            sp_name_qualifier: name_id.sp_name_qualifier(),
        };
        received.identity(connection, issuer, Some(service_provider))
    }

    /// The NameID of a login; `None` if there is none.
    #[must_use]
    pub fn of_login(login: &Login) -> Option<Self> {
        let connection = login.connection().clone();
        Some(Self::of_name_id(login.name_id()?, connection, login.issuer(), login.audience()))
    }

    /// The NameID of a request that changes or ends a name: the person by their earlier name.
    #[must_use]
    pub fn of_name_id_request(request: &ManageNameIdRequest) -> Self {
        let connection = request.connection().clone();
        Self::of_name_id(request.name_id(), connection, request.issuer(), request.audience())
    }

    /// A NameID that was stored with a session.
    #[must_use]
    pub fn of_kept_name(
        name_id: &SessionNameId,
        connection: ConnectionId,
        issuer: &EntityId,
        service_provider: &EntityId,
    ) -> Self {
        let received = ReceivedNameId {
            value: &name_id.value,
            format: name_id.format.as_deref(),
            name_qualifier: name_id.name_qualifier.as_deref(),
            sp_name_qualifier: name_id.sp_name_qualifier.as_deref(),
        };
        received.identity(connection, issuer, Some(service_provider))
    }

    /// The same person with another value of the same kind.
    #[must_use]
    pub fn renamed(&self, subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..self.clone() }
    }

    /// The same NameID in another format, without qualifiers.
    #[must_use]
    pub fn with_format(mut self, format: impl Into<String>) -> Self {
        let format = format.into();
        self.source = SubjectSource::NameId { format, name_qualifier: None, sp_name_qualifier: None };
        self
    }

    /// The same NameID with these qualifiers. The value of an attribute has none.
    #[must_use]
    pub fn with_qualifiers(mut self, name_qualifier: Option<&str>, sp_name_qualifier: Option<&str>) -> Self {
        if let SubjectSource::NameId { name_qualifier: name, sp_name_qualifier: sp_name, .. } =
            &mut self.source
        {
            *name = name_qualifier.map(str::to_owned);
            *sp_name = sp_name_qualifier.map(str::to_owned);
        }
        self
    }

    /// The same subject over another connection. It is another person, unless the organization [says
    /// otherwise](crate::Takeover).
    #[must_use]
    pub fn over(&self, connection: ConnectionId) -> Self {
        Self { connection, ..self.clone() }
    }

    /// Whether a part that an identity provider sends is longer than [`LONGEST_PART`](Self::LONGEST_PART).
    pub(crate) fn is_too_long(&self) -> bool {
        let is_longer = |text: &String| is_longer_than(text, Self::LONGEST_PART);
        let is_source_longer = match &self.source {
            SubjectSource::NameId { format, name_qualifier, sp_name_qualifier } => {
                let qualifiers = name_qualifier.iter().chain(sp_name_qualifier);
                std::iter::once(format).chain(qualifiers).any(is_longer)
            }
            // The policy's name for it.
            SubjectSource::Attribute { .. } => false,
        };
        is_longer(&self.subject) || is_source_longer
    }

    /// A text that is equal for equal persons and different for different ones: the key of a person in a table of
    /// users or sessions. It contains the connection, and the name with its format and qualifiers, each preceded by its
    /// length, so nothing has to be stored beside it. A store keeps it unique in an organization.
    /// A text of more than 1,000 bytes is replaced by its hash, since databases limit the keys of an index.
    #[must_use]
    pub fn key(&self) -> String {
        short_key(self.whole_key(), &self.connection)
    }

    fn whole_key(&self) -> String {
        match &self.source {
            SubjectSource::NameId { format, name_qualifier, sp_name_qualifier } => {
                let qualifiers = [name_qualifier.as_deref(), sp_name_qualifier.as_deref()];
                let [name_qualifier, sp_name_qualifier] = qualifiers.map(optional);
                let connection = part(self.connection.as_str());
                let [format, subject] = [format, &self.subject].map(|text| part(text));
                format!("name-id {connection} {format} {name_qualifier} {sp_name_qualifier} {subject}")
            }
            SubjectSource::Attribute { name } => {
                let [connection, name, subject] = [self.connection.as_str(), name, &self.subject].map(part);
                format!("attribute {connection} {name} {subject}")
            }
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// The maximum length of a key in bytes, without the connection's name in the key of a long one.
const LONGEST_KEY: usize = 1_000;

/// Replaces a long key by its hash.
pub(crate) fn short_key(whole: String, connection: &ConnectionId) -> String {
    if whole.len() <= LONGEST_KEY {
        return whole;
    }
    let hash = hexadecimal(&own_sha256(whole.as_bytes()));
    format!("hash {} {hash}", part(connection.as_str()))
}

pub(crate) fn part(text: &str) -> String {
    format!("{}:{text}", text.len())
}

pub(crate) fn optional(text: Option<&str>) -> String {
    text.map_or_else(|| "-".to_owned(), part)
}

/// A NameID as it was received.
#[derive(Clone, Copy)]
pub(crate) struct ReceivedNameId<'n> {
    pub(crate) value: &'n str,
    pub(crate) format: Option<&'n str>,
    pub(crate) name_qualifier: Option<&'n str>,
    pub(crate) sp_name_qualifier: Option<&'n str>,
}

impl ReceivedNameId<'_> {
    /// The NameID with omitted parts filled in (SAML Core 2.2.2, 8.3.7).
    pub(crate) fn identity(
        self,
        connection: ConnectionId,
        issuer: &EntityId,
        service_provider: Option<&EntityId>,
    ) -> Identity {
        let format = self.format.unwrap_or(name_id_format::UNSPECIFIED);
        let is_persistent = format == name_id_format::PERSISTENT;
        let default = |qualifier: Option<&EntityId>| {
            qualifier.filter(|_| is_persistent).map(|qualifier| qualifier.as_str().to_owned())
        };
        let source = SubjectSource::NameId {
            format: format.to_owned(),
            name_qualifier: self.name_qualifier.map(str::to_owned).or_else(|| default(Some(issuer))),
            sp_name_qualifier: self
                .sp_name_qualifier
                .map(str::to_owned)
                .or_else(|| default(service_provider)),
        };
        Identity { connection, source, subject: self.value.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two people of one identity provider may differ only in a qualifier.
    #[test]
    fn every_part_of_a_name_is_in_its_key() {
        let connection = || ConnectionId::new("okta").unwrap();
        let qualified = |name, sp_name| Identity::new(connection(), "7").with_qualifiers(name, sp_name);
        let people = [
            Identity::new(connection(), "7"),
            Identity::new(connection(), "8"),
            Identity::new(ConnectionId::new("entra").unwrap(), "7"),
            Identity::new(connection(), "7").with_format(name_id_format::PERSISTENT),
            qualified(Some("a"), None),
            qualified(None, Some("a")),
            qualified(Some("a"), Some("a")),
            qualified(Some("b"), None),
            qualified(Some(""), None),
            Identity::of_attribute(connection(), "uid", "7"),
            Identity::of_attribute(connection(), "mail", "7"),
            Identity::new(connection(), "7".repeat(2_000)),
            Identity::new(connection(), "7".repeat(2_001)),
            Identity::new(ConnectionId::new("entra").unwrap(), "7".repeat(2_000)),
            qualified(Some(&"a".repeat(2_000)), None),
            qualified(None, Some(&"a".repeat(2_000))),
        ];
        assert!(people.iter().all(|one| one.key().len() <= LONGEST_KEY));
        for (place, one) in people.iter().enumerate() {
            for (other_place, other) in people.iter().enumerate() {
                assert_eq!(one.key() == other.key(), place == other_place, "{} {}", one.key(), other.key());
            }
        }
    }
}
