//! Connecting, replacing and disconnecting an organization: each is one decision over the organization and all of its
//! connections.

use std::fmt;

use chrono::{DateTime, Utc};
use vouchsafe::{
    ConnectionId, ConnectionState,
    provisioning::{Actor, Organization, OrganizationId, PlanRefusal, TokenHash},
};

use crate::{
    AuditRecord, Author, ConnectionTotals, ConnectionWrite, SetUpLink, SignInError, StoreError,
    StoredConnection,
};

/// A change of how an organization signs in: a pure function over its own record and its connections.
///
/// A store makes it on what is stored, and writes the result in one transaction if that has not changed meanwhile; otherwise
/// it makes the decision again. A fault in the middle therefore leaves nothing behind, and no two decisions overlap. What
/// differs afterwards is audited.
///
/// ```
/// use vouchsafe::provisioning::{Actor, OrganizationToken};
/// use vouchsafe_store::{ConnectionDecision, Directory, SignInError, StoredConnection};
///
/// /// Makes Acme a SAML organization, and answers the token that is shown once.
/// async fn convert(
///     store: &dyn Directory,
///     okta: StoredConnection,
///     token: OrganizationToken,
///     provider: &vouchsafe::Provider,
///     now: chrono::DateTime<chrono::Utc>,
/// ) -> Result<String, SignInError> {
///     let hash = token.hash(provider).map_err(vouchsafe_store::StoreError::backend)?;
///     let conversion = ConnectionDecision::new("acme".into(), Actor::Operator, now, move |acme, now| {
///         acme.convert(okta.clone(), Some(hash.clone()), now)
///     });
///     store.decide_connections(conversion).await?;
///     Ok(token.reveal())
/// }
/// ```
pub struct ConnectionDecision {
    organization: OrganizationId,
    author: Author,
    keeps_sessions: bool,
    left_by: Option<(String, DateTime<Utc>)>,
    decide: Box<Decide>,
}

type Decide = dyn Fn(&mut OrganizationConnections, DateTime<Utc>) -> Result<(), SignInError> + Send + Sync;

impl ConnectionDecision {
    /// A decision about this organization. The function receives the author's time. It is called again if somebody else
    /// changes the organization or one of its connections meanwhile.
    pub fn new(
        organization: OrganizationId,
        actor: Actor,
        at: DateTime<Utc>,
        decide: impl Fn(&mut OrganizationConnections, DateTime<Utc>) -> Result<(), SignInError>
        + Send
        + Sync
        + 'static,
    ) -> ConnectionDecision {
        ConnectionDecision {
            organization,
            author: Author::new(actor, at),
            keeps_sessions: false,
            left_by: None,
            decide: Box::new(decide),
        }
    }

    /// The same decision, except that sessions over a connection that it retires continue until they expire. By default
    /// they end with the connection.
    #[must_use]
    pub fn keeping_sessions(self) -> ConnectionDecision {
        ConnectionDecision { keeps_sessions: true, ..self }
    }

    /// The same decision about what a set-up link left. It is refused with [`StoreError::SetUpLinkConflict`] if the link
    /// did not expire before `before`, because somebody has renewed it meanwhile.
    #[must_use]
    pub fn left_by(self, link: &SetUpLink, before: DateTime<Utc>) -> ConnectionDecision {
        ConnectionDecision { left_by: Some((link.id.clone(), before)), ..self }
    }

    /// For stores: the id of the set-up link that left what is decided about, and the time before which it must have expired.
    /// The transaction that writes the decision checks it ([`SetUpLink::require_over`]).
    #[must_use]
    pub fn link_that_left_it(&self) -> Option<(&str, DateTime<Utc>)> {
        self.left_by.as_ref().map(|(id, before)| (id.as_str(), *before))
    }

    /// The organization.
    #[must_use]
    pub fn organization(&self) -> &OrganizationId {
        &self.organization
    }

    /// Who decides, and when.
    #[must_use]
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// For stores: decides on records that were read. Documents are read and compared, so this takes time. Write the result
    /// in a transaction in which the records are still the same, or decide again.
    ///
    /// # Errors
    /// The refusal, after which nothing is written. Whatever the function does, [`StoreError::RefusedByOwner`]
    /// if a set-up link would end the [refusal](OrganizationConnections::refuse_metadata) of somebody else.
    pub fn decide(&self, before: &OrganizationConnections) -> Result<DecidedConnections, SignInError> {
        let mut after = before.clone();
        (self.decide)(&mut after, self.author.at)?;
        let mut decided = DecidedConnections::of(before, after, &self.author)?;
        decided.require_kept_refusals(before, &self.author.actor)?;
        if self.keeps_sessions {
            decided.ends_sessions_over.clear();
        }
        Ok(decided)
    }
}

impl fmt::Debug for ConnectionDecision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConnectionDecision")
            .field("organization", &self.organization)
            .field("actor", &self.author.actor)
            .finish_non_exhaustive()
    }
}

/// An organization and all of its connections, as they are in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrganizationConnections {
    /// The organization.
    pub organization: Organization,
    /// Its connections in any state. A connection that is added here is written; one that is removed from the list
    /// stays stored as it is.
    pub connections: Vec<StoredConnection>,
}

impl OrganizationConnections {
    /// For stores: the records that were read.
    #[must_use]
    pub fn new(organization: Organization, connections: Vec<StoredConnection>) -> Self {
        Self { organization, connections }
    }

    /// The connection with this id.
    #[must_use]
    pub fn connection(&self, id: &ConnectionId) -> Option<&StoredConnection> {
        self.connections.iter().find(|connection| connection.id == *id)
    }

    /// Makes this a SAML organization with this connection, which is new and active, and with the token of this hash.
    ///
    /// # Errors
    /// [`PlanRefusal::AlreadyConverted`], [`PlanRefusal::NotEntitled`], [`PlanRefusal::TokenLimit`], [`StoreError::Taken`].
    pub fn convert(
        &mut self,
        mut connection: StoredConnection,
        token: Option<TokenHash>,
        now: DateTime<Utc>,
    ) -> Result<(), SignInError> {
        let organization = &mut self.organization;
        organization.convert_over(connection.id.clone(), connection.identity_provider.clone(), now)?;
        if let Some(hash) = token {
            organization.add_token(hash, now)?;
        }
        connection.state = ConnectionState::Active;
        self.add(connection)
    }

    /// Adds a connection as a draft, to be tried out.
    ///
    /// A decision after which there are more than [`ConnectionTotals`] allows is refused with [`StoreError::ConnectionLimit`].
    ///
    /// # Errors
    /// [`PlanRefusal::NotEntitled`], [`StoreError::Taken`].
    pub fn add_draft(&mut self, mut connection: StoredConnection) -> Result<(), SignInError> {
        self.organization.require_entitlement()?;
        connection.state = ConnectionState::Draft;
        self.add(connection)
    }

    /// Records that a sign-in over a draft succeeded. `revision` is that of the connection which judged the sign-in
    /// ([`Connection::revision`](vouchsafe::Connection::revision)), so that nothing counts as tested that was not tried.
    ///
    /// # Errors
    /// [`StoreError::ConnectionUnknown`], [`StoreError::ConnectionConflict`] if the draft was changed since,
    /// [`PlanRefusal::ConnectionState`] if it is no longer a draft.
    pub fn mark_tested(&mut self, id: &ConnectionId, revision: u64) -> Result<(), SignInError> {
        let draft = self.in_state(id, &[ConnectionState::Draft, ConnectionState::Tested], "tested")?;
        if draft.revision != revision {
            return Err(StoreError::connection_conflict(id.clone(), revision, draft.revision).into());
        }
        draft.state = ConnectionState::Tested;
        Ok(())
    }

    /// Activates a draft, so that people can sign in over it. If it is the organization's first connection, this makes
    /// the organization a SAML organization.
    ///
    /// # Errors
    /// [`StoreError::ConnectionUnknown`], [`PlanRefusal::ConnectionState`] if it is active or retired already, [`PlanRefusal::NotEntitled`].
    pub fn activate(&mut self, id: &ConnectionId, now: DateTime<Utc>) -> Result<(), SignInError> {
        let connection =
            self.in_state(id, &[ConnectionState::Draft, ConnectionState::Tested], "activated")?;
        connection.state = ConnectionState::Active;
        let identity_provider = connection.identity_provider.clone();
        Ok(self.organization.connect(id.clone(), identity_provider, now)?)
    }

    /// Ends a connection for good, together with the sessions that began over it. At least one other connection that
    /// people can sign in over must remain. A draft loses its metadata.
    ///
    /// # Errors
    /// [`StoreError::ConnectionUnknown`], [`PlanRefusal::ConnectionState`] if it is retired already, [`PlanRefusal::LastConnection`].
    pub fn retire(&mut self, id: &ConnectionId) -> Result<(), SignInError> {
        let open = [ConnectionState::Draft, ConnectionState::Tested, ConnectionState::Active];
        self.in_state(id, &open, "retired")?.state = ConnectionState::Retired;
        Ok(self.organization.end_connection(id)?)
    }

    /// Activates one connection and retires another, in one step: nobody is locked out in between. The new one takes the
    /// place of the old one in [the order](Organization::connections) of the organization's connections, so that an e-mail
    /// address that led to the old one leads to it.
    ///
    /// # Errors
    /// As [`activate`](Self::activate) and [`retire`](Self::retire).
    pub fn replace(
        &mut self,
        old: &ConnectionId,
        new: &ConnectionId,
        now: DateTime<Utc>,
    ) -> Result<(), SignInError> {
        self.activate(new, now)?;
        self.organization.connections.move_before(new, old);
        self.retire(old)
    }

    /// Makes this an organization without SAML again. Every connection is retired and every token revoked. The sessions
    /// that began over the connections end, unless the decision [keeps them](ConnectionDecision::keeping_sessions).
    pub fn disconnect(&mut self, now: DateTime<Utc>) {
        self.organization.disconnect(now);
        for connection in &mut self.connections {
            connection.state = ConnectionState::Retired;
        }
    }

    /// Accepts metadata that waits for approval. The [staged](StoredConnection::staged) document must have this
    /// [digest](crate::ConnectionMetadata::digest), so that nobody approves a document that arrived after they looked.
    /// The document must still be usable.
    ///
    /// # Errors
    /// [`StoreError::ConnectionUnknown`], [`StoreError::NotStaged`], and [`StoreError::ConnectionUnusable`] with the
    /// reason why the document cannot be used, for example because it has expired while it waited.
    pub fn approve_metadata(
        &mut self,
        id: &ConnectionId,
        digest: &str,
        now: DateTime<Utc>,
    ) -> Result<(), SignInError> {
        let connection = self.connection_mut(id)?;
        let identity_provider = &connection.identity_provider;
        let staged = connection.staged.take_if(|staged| staged.digest(identity_provider) == digest);
        let staged = staged.ok_or_else(|| StoreError::not_staged(id.clone()))?;
        staged
            .described(identity_provider)
            .and_then(|described| described.check_validity(now))
            .map_err(|reason| StoreError::connection_unusable(id.clone(), &reason))?;
        connection.metadata = staged;
        Ok(())
    }

    /// Refuses [staged](StoredConnection::staged) metadata until the refusal is
    /// [ended](Self::end_metadata_refusal), if it is the document with this
    /// [digest](crate::ConnectionMetadata::digest). However often the source gives a document that states the same, it is
    /// neither used nor staged again. One that states something else is staged. The last [64](StoredConnection::MOST_REFUSED) refusals of a connection are
    /// kept; one more drops the oldest that a set-up link made, or else the oldest. The audit says who refused the document, and what it would have changed.
    ///
    /// ```
    /// use vouchsafe::{ConnectionId, provisioning::Actor};
    /// use vouchsafe_store::{ConnectionDecision, Directory, SignInError};
    ///
    /// async fn refuse(
    ///     store: &dyn Directory,
    ///     okta: ConnectionId,
    ///     digest: String,
    ///     owner: Actor,
    ///     now: chrono::DateTime<chrono::Utc>,
    /// ) -> Result<(), SignInError> {
    ///     let by = owner.clone();
    ///     let refusal = ConnectionDecision::new("acme".into(), owner, now, move |acme, now| {
    ///         acme.refuse_metadata(&okta, &digest, by.clone(), now)
    ///     });
    ///     store.decide_connections(refusal).await.map(drop)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::ConnectionUnknown`], [`StoreError::NotStaged`].
    pub fn refuse_metadata(
        &mut self,
        id: &ConnectionId,
        digest: &str,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<(), SignInError> {
        Ok(self.connection_mut(id)?.refuse(digest, by, now)?)
    }

    /// Ends the refusal of the document with this [digest](crate::ConnectionMetadata::digest), for example after a
    /// mistake. The next time that the source gives the document, it is handled like any other. A set-up link ends only
    /// refusals that set-up links made.
    ///
    /// # Errors
    /// [`StoreError::ConnectionUnknown`], [`StoreError::NotRefused`], and [`StoreError::RefusedByOwner`] for a set-up link.
    pub fn end_metadata_refusal(
        &mut self,
        id: &ConnectionId,
        digest: &str,
        by: &Actor,
    ) -> Result<(), SignInError> {
        Ok(self.connection_mut(id)?.end_refusal(digest, by)?)
    }

    fn add(&mut self, connection: StoredConnection) -> Result<(), SignInError> {
        if self.connection(&connection.id).is_some() {
            return Err(StoreError::taken("the connection's id").into());
        }
        self.connections.push(connection);
        Ok(())
    }

    /// The connection with this id, to change its metadata or settings.
    ///
    /// # Errors
    /// [`StoreError::ConnectionUnknown`].
    pub fn connection_mut(&mut self, id: &ConnectionId) -> Result<&mut StoredConnection, SignInError> {
        let found = self.connections.iter_mut().find(|connection| connection.id == *id);
        Ok(found.ok_or_else(|| StoreError::connection_unknown(id))?)
    }

    fn in_state(
        &mut self,
        id: &ConnectionId,
        possible: &[ConnectionState],
        wanted: &'static str,
    ) -> Result<&mut StoredConnection, SignInError> {
        let connection = self.connection_mut(id)?;
        if possible.contains(&connection.state) {
            return Ok(connection);
        }
        let state = connection.state.name();
        Err(PlanRefusal::connection_state(id.clone(), state, wanted).into())
    }
}

/// What was decided, for a store to write, all of it or nothing.
#[derive(Debug)]
#[non_exhaustive]
pub struct DecidedConnections {
    /// The connections to add, at their first revision. If an id was used before, by any organization, the answer is
    /// [`StoreError::Taken`] and nothing is written.
    pub added: Vec<StoredConnection>,
    /// The connections to write in place of those that were read, at their next revision.
    pub changed: Vec<StoredConnection>,
    /// The connections that were retired: their SCIM tokens end.
    pub retired: Vec<ConnectionId>,
    /// The connections whose sessions end: the retired ones, unless sessions are kept.
    pub ends_sessions_over: Vec<ConnectionId>,
    /// The audit records to add.
    pub audit: Vec<AuditRecord>,
    after: OrganizationConnections,
}

impl DecidedConnections {
    fn of(
        before: &OrganizationConnections,
        wanted: OrganizationConnections,
        author: &Author,
    ) -> Result<Self, SignInError> {
        if wanted.organization.id != before.organization.id {
            return Err(StoreError::damaged("decision", "it is about another organization").into());
        }
        let after = OrganizationConnections::new(wanted.organization, before.connections.clone());
        let mut decided = Self {
            added: Vec::new(),
            changed: Vec::new(),
            retired: Vec::new(),
            ends_sessions_over: Vec::new(),
            audit: AuditRecord::of_decided_organization(&before.organization, &after.organization, author),
            after,
        };
        for connection in wanted.connections {
            decided.take(connection, author)?;
        }
        let (was, is) = (ConnectionTotals::of(&before.connections), &decided.after.connections);
        ConnectionTotals::of(is).require_room_since(was, &before.organization.id, Some(&author.actor))?;
        Ok(decided)
    }

    fn take(&mut self, connection: StoredConnection, author: &Author) -> Result<(), StoreError> {
        if connection.organization != self.after.organization.id {
            return Err(StoreError::connection_fixed(connection.id, "organization"));
        }
        let connections = &mut self.after.connections;
        match connections.iter_mut().find(|known| known.id == connection.id) {
            Some(known) if *known == connection => {}
            Some(known) => {
                let ConnectionWrite { connection: next, records } = connection.in_place_of(known, author)?;
                self.audit.extend(records);
                if next.is_retired_since(known) {
                    self.retired.push(next.id.clone());
                    self.ends_sessions_over.push(next.id.clone());
                }
                *known = next;
                self.changed.push(known.clone());
            }
            None => {
                let first = connection.first(author);
                self.audit.extend(first.records);
                self.added.push(first.connection.clone());
                connections.push(first.connection);
            }
        }
        Ok(())
    }

    /// A refusal of metadata ends when it is [ended](OrganizationConnections::end_metadata_refusal), and when the
    /// connection gets the document by other means. Both are allowed only to whoever may end it.
    fn require_kept_refusals(
        &self,
        before: &OrganizationConnections,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let changed = self.changed.iter().filter_map(|after| Some((before.connection(&after.id)?, after)));
        for (before, after) in changed {
            let mut ended = before.refused.iter().filter(|one| after.refusal_of(&one.digest).is_none());
            if !ended.all(|refused| refused.may_be_ended_by(actor)) {
                return Err(StoreError::refused_by_owner(after.id.clone()));
            }
        }
        Ok(())
    }

    /// The organization, to write in place of the one that was read.
    #[must_use]
    pub fn organization(&self) -> &Organization {
        &self.after.organization
    }

    /// For stores: the answer once everything is written.
    #[must_use]
    pub fn into_answer(self) -> OrganizationConnections {
        self.after
    }
}
