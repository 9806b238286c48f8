//! Newer metadata that somebody refused.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::provisioning::Actor;

use crate::{ConnectionMetadata, StoreError, StoredConnection};

/// The refusal of what a document states. No document that states it is used or staged, however often the source gives
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RefusedMetadata {
    /// The [digest](crate::ConnectionMetadata::digest) of what the document states.
    pub digest: String,
    /// The actor who refused it.
    pub by: Actor,
    /// The time of the refusal.
    pub at: DateTime<Utc>,
}

impl RefusedMetadata {
    /// Whether this actor may end the refusal: an account, the operator and a rule of the service may, and the holder of a
    /// set-up link may end what such a holder refused. An application lets only owners and admins decide about connections,
    /// so an account that comes here is one of them.
    #[must_use]
    pub fn may_be_ended_by(&self, actor: &Actor) -> bool {
        match actor {
            Actor::Account(_) | Actor::Operator | Actor::Rule(_) => true,
            Actor::SetUpLink(_) => is_link(&self.by),
            _ => false,
        }
    }
}

fn is_link(actor: &Actor) -> bool {
    matches!(actor, Actor::SetUpLink(_))
}

/// # Refused metadata
impl StoredConnection {
    /// The largest number of refusals of one connection. Each is a decision of a person, so there are few. One more drops
    /// the oldest that a set-up link made, or else the oldest: its document would be staged again.
    pub const MOST_REFUSED: usize = 64;

    /// Returns the refusal of the document with this [digest](crate::ConnectionMetadata::digest), if there is one.
    #[must_use]
    pub fn refusal_of(&self, digest: &str) -> Option<&RefusedMetadata> {
        self.refused.iter().find(|refused| refused.digest == digest)
    }

    /// Returns the refusal of what this metadata states, if there is one. Without refusals the document is not read.
    #[must_use]
    pub fn refusal_of_metadata(&self, metadata: &ConnectionMetadata) -> Option<&RefusedMetadata> {
        if self.refused.is_empty() { None } else { self.refusal_of(&self.digest(metadata)) }
    }

    /// Refuses the [staged](Self::staged) document, if it has this digest.
    pub(crate) fn refuse(&mut self, digest: &str, by: Actor, at: DateTime<Utc>) -> Result<(), StoreError> {
        let staged = self.staged.take_if(|staged| staged.digest(&self.identity_provider) == digest);
        staged.ok_or_else(|| StoreError::not_staged(self.id.clone()))?;
        self.refused.retain(|refused| refused.digest != digest);
        self.refused.push(RefusedMetadata { digest: digest.to_owned(), by, at });
        while self.refused.len() > Self::MOST_REFUSED {
            // A holder of a link cannot drop an owner's refusals by making many.
            let oldest = self.refused.iter().position(|refused| is_link(&refused.by)).unwrap_or_default();
            self.refused.remove(oldest);
        }
        Ok(())
    }

    /// Ends the refusal of the document with this digest.
    pub(crate) fn end_refusal(&mut self, digest: &str, by: &Actor) -> Result<(), StoreError> {
        match self.refusal_of(digest) {
            None => return Err(StoreError::not_refused(self.id.clone())),
            Some(refused) if !refused.may_be_ended_by(by) => {
                return Err(StoreError::refused_by_owner(self.id.clone()));
            }
            Some(_) => {}
        }
        self.refused.retain(|refused| refused.digest != digest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use vouchsafe::{ConnectionId, EntityId, provisioning::Organization};

    use super::*;
    use crate::{ConnectionDecision, MetadataSource, OrganizationConnections};

    fn connection() -> StoredConnection {
        let metadata = ConnectionMetadata::new("<x/>", MetadataSource::Uploaded, DateTime::UNIX_EPOCH);
        let identity_provider = EntityId::new("https://idp.example").unwrap();
        let id = ConnectionId::new("acme").unwrap();
        StoredConnection::new(id, "acme".into(), identity_provider, metadata)
    }

    fn refuse(connection: &mut StoredConnection, text: String, by: &Actor) -> String {
        let at = DateTime::UNIX_EPOCH;
        let staged = ConnectionMetadata::new(text, MetadataSource::Uploaded, at);
        let digest = connection.digest(&staged);
        connection.staged = Some(staged);
        connection.refuse(&digest, by.clone(), at).unwrap();
        digest
    }

    #[test]
    fn a_link_neither_ends_nor_drops_the_refusal_of_an_owner() {
        let (owner, link) = (Actor::Account("ada".into()), Actor::SetUpLink("1".to_owned()));
        let mut connection = connection();
        let by_owner = refuse(&mut connection, "owner".to_owned(), &owner);
        let by_operator = refuse(&mut connection, "operator".to_owned(), &Actor::Operator);
        let by_links: Vec<String> =
            (0..100).map(|number| refuse(&mut connection, format!("{number}"), &link)).collect();
        assert_eq!(connection.refused.len(), StoredConnection::MOST_REFUSED);
        for digest in [&by_owner, &by_operator] {
            assert!(connection.refusal_of(digest).is_some());
            assert_eq!(connection.end_refusal(digest, &link).unwrap_err().code(), "store.refused_by_owner");
        }
        assert!(connection.refusal_of(&by_links[0]).is_none());
        assert_eq!(connection.end_refusal(&by_links[0], &link).unwrap_err().code(), "store.not_refused");
        let other_link = Actor::SetUpLink("2".to_owned());
        connection.end_refusal(&by_links[99], &other_link).unwrap();
        connection.end_refusal(&by_links[98], &owner).unwrap();
        connection.end_refusal(&by_owner, &Actor::Operator).unwrap();
        connection.end_refusal(&by_operator, &owner).unwrap();
    }

    #[test]
    fn an_identity_provider_ends_no_refusal() {
        let mut connection = connection();
        refuse(&mut connection, "<other/>".to_owned(), &Actor::Operator);
        let over = || ConnectionId::new("acme").unwrap();
        for actor in [Actor::Scim(over()), Actor::IdentityProvider(over()), Actor::SetUpLink("1".to_owned())]
        {
            assert!(!connection.refused[0].may_be_ended_by(&actor), "{actor:?}");
        }
        assert!(connection.refused[0].may_be_ended_by(&Actor::Operator));
    }

    /// Neither by giving the document itself, nor in any other decision.
    #[test]
    fn a_decision_of_a_link_ends_no_refusal_of_an_owner() {
        let owner = Actor::Account("olga".into());
        for (refuses, decides, is_allowed) in [
            (owner.clone(), Actor::SetUpLink("l1".to_owned()), false),
            (Actor::Operator, Actor::SetUpLink("l1".to_owned()), false),
            (Actor::SetUpLink("l2".to_owned()), Actor::SetUpLink("l1".to_owned()), true),
            (owner.clone(), owner.clone(), true),
            (owner, Actor::Operator, true),
        ] {
            let mut connection = connection();
            refuse(&mut connection, "<other/>".to_owned(), &refuses);
            let (id, organization) = (connection.id.clone(), connection.organization.clone());
            let before = OrganizationConnections::new(
                Organization::new(organization.clone(), "acme", "Acme"),
                vec![connection],
            );
            let given = ConnectionMetadata::new("<other/>", MetadataSource::Uploaded, DateTime::UNIX_EPOCH);
            let decision =
                ConnectionDecision::new(organization, decides, DateTime::UNIX_EPOCH, move |it, _| {
                    it.connection_mut(&id)?.metadata = given.clone();
                    Ok(())
                });
            let decided = decision.decide(&before);
            assert_eq!(decided.is_ok(), is_allowed, "refused by {refuses:?}");
            match decided {
                Ok(decided) => {
                    let rules: Vec<&str> = decided.audit.iter().map(|one| one.rule.as_str()).collect();
                    assert!(rules.contains(&"connection.metadata_refusal_ended"), "{rules:?}");
                }
                Err(error) => assert_eq!(error.code(), "store.refused_by_owner"),
            }
        }
    }

    #[test]
    fn the_oldest_refusal_of_owners_is_dropped_by_another() {
        let owner = Actor::Account("ada".into());
        let mut connection = connection();
        let digests: Vec<String> = (0..=StoredConnection::MOST_REFUSED)
            .map(|number| refuse(&mut connection, format!("{number}"), &owner))
            .collect();
        assert!(connection.refusal_of(&digests[0]).is_none() && connection.refusal_of(&digests[1]).is_some());
    }
}
