//! Connections in memory.

use vouchsafe::{
    ConnectionId, ConnectionState, EntityId, assertion::SourceId, metadata::KeySighting,
    provisioning::OrganizationId,
};

use super::{Memory, State};
use crate::{
    Answer, Author, ConnectionDecision, ConnectionOutline, ConnectionRevision, ConnectionStore,
    ConnectionTotals, ConnectionWrite, DecidedConnections, OrganizationConnections, Session, SignInError,
    StoreError, StoredConnection,
    connection_write::{ATTEMPTS, changed_meanwhile},
    keys_in_metadata,
};

impl ConnectionStore for Memory {
    fn connection<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<StoredConnection>> {
        self.with(move |state| Ok(state.connections.get(id).cloned()))
    }

    fn connection_outline<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<ConnectionOutline>> {
        self.with(move |state| {
            let known = state.connections.get(id);
            Ok(known.map(|known| {
                let (id, organization) = (known.id.clone(), known.organization.clone());
                ConnectionOutline::new(id, organization, known.state, known.settings.clone())
            }))
        })
    }

    fn connection_revision<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<u64>> {
        self.with(move |state| Ok(state.connections.get(id).map(|connection| connection.revision)))
    }

    fn connections_to<'a>(
        &'a self,
        identity_provider: &'a EntityId,
        assertion_consumer: Option<&'a str>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        self.with(move |state| {
            let mut found: Vec<&StoredConnection> = state
                .connections
                .values()
                .filter(|connection| connection.identity_provider == *identity_provider)
                .filter(|connection| {
                    connection.settings.sign_in.own_assertion_consumer() == assertion_consumer
                })
                .collect();
            found.sort_by_key(|connection| connection.state != ConnectionState::Active);
            let found = found.into_iter().take(most);
            Ok(found
                .map(|connection| ConnectionRevision::new(connection.id.clone(), connection.revision))
                .collect())
        })
    }

    fn active_connections_to<'a>(
        &'a self,
        identity_provider: &'a EntityId,
        assertion_consumer: Option<&'a str>,
        after: Option<&'a ConnectionId>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        self.with(move |state| {
            Ok(active_after(state, after, most, |connection| {
                connection.identity_provider == *identity_provider
                    && connection.settings.sign_in.own_assertion_consumer() == assertion_consumer
            }))
        })
    }

    fn identity_provider_of_source(&self, source: SourceId) -> Answer<'_, Option<EntityId>> {
        self.with(move |state| Ok(state.sources.get(&source).cloned()))
    }

    fn active_connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        self.with(move |state| Ok(active_after(state, after, most, |_| true)))
    }

    fn connections_of<'a>(&'a self, organization: &'a OrganizationId) -> Answer<'a, Vec<StoredConnection>> {
        self.with(move |state| Ok(state.connections_of(organization)))
    }

    fn add_connection<'a>(&'a self, connection: &'a StoredConnection, author: &'a Author) -> Answer<'a, u64> {
        Box::pin(async move {
            let ConnectionWrite { connection: first, records } = connection.first(author);
            let keys = keys_in_metadata(&first);
            self.with(move |state| {
                state.require_open_link(author)?;
                state.require_unused(&first)?;
                state.others_of(&first).require_room(None, &first)?;
                state.audit.extend(records);
                Ok(state.keep(first, &keys))
            })
            .await
        })
    }

    fn update_connection<'a>(
        &'a self,
        connection: &'a StoredConnection,
        author: &'a Author,
    ) -> Answer<'a, u64> {
        Box::pin(self.replace(connection, Some(author)))
    }

    fn renew_connection<'a>(&'a self, connection: &'a StoredConnection) -> Answer<'a, ()> {
        Box::pin(async move { self.replace(connection, None).await.map(drop) })
    }
}

impl Memory {
    /// Makes a decision while the state is not locked, and again if it has changed meanwhile.
    pub(super) async fn decide_about_connections(
        &self,
        decision: ConnectionDecision,
    ) -> Result<OrganizationConnections, SignInError> {
        let (id, author) = (decision.organization(), decision.author());
        for _ in 0..ATTEMPTS {
            let before = self.with(|state| state.connections_with(id)).await?;
            let decided = decision.decide(&before)?;
            let keys: Vec<_> = decided.added.iter().chain(&decided.changed).map(keys_in_metadata).collect();
            let written = self.with(|state| {
                state.require_open_link(author)?;
                state.require_link_over(&decision)?;
                let is_same = state.connections_with(id)? == before;
                is_same.then(|| state.write_decided(&decided, &keys, author)).transpose()
            });
            if written.await?.is_some() {
                return Ok(decided.into_answer());
            }
        }
        Err(changed_meanwhile().into())
    }

    /// Replaces a connection, or renews it if there is no author. Documents are read and compared while the state is not
    /// locked.
    async fn replace(
        &self,
        connection: &StoredConnection,
        author: Option<&Author>,
    ) -> Result<u64, StoreError> {
        let id = &connection.id;
        for _ in 0..ATTEMPTS {
            let before = self.connection(id).await?.ok_or_else(|| StoreError::connection_unknown(id))?;
            let ConnectionWrite { connection: next, records } = connection.replacing(&before, author)?;
            let keys = keys_in_metadata(&next);
            let written = self.with(move |state| {
                if let Some(author) = author {
                    state.require_open_link(author)?;
                }
                if state.connections.get(&next.id) != Some(&before) {
                    return Ok(None);
                }
                state.others_of(&next).require_room(Some(&before), &next)?;
                state.audit.extend(records);
                if let Some(author) = author.filter(|_| next.is_retired_since(&before)) {
                    state.end_sessions_over(std::slice::from_ref(&next.id));
                    state.end_scim_tokens(std::slice::from_ref(&next.id), author);
                }
                Ok(Some(state.keep(next, &keys)))
            });
            if let Some(revision) = written.await? {
                return Ok(revision);
            }
        }
        Err(changed_meanwhile())
    }
}

/// Returns the active connections for which this holds and whose ids come after this one, sorted by id.
fn active_after(
    state: &State,
    after: Option<&ConnectionId>,
    most: usize,
    is_meant: impl Fn(&StoredConnection) -> bool,
) -> Vec<ConnectionRevision> {
    let active = state.connections.values().filter(|one| one.state == ConnectionState::Active);
    let mut found: Vec<&StoredConnection> =
        active.filter(|one| after.is_none_or(|after| one.id > *after) && is_meant(one)).collect();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found.into_iter().take(most).map(|one| ConnectionRevision::new(one.id.clone(), one.revision)).collect()
}

impl State {
    fn connections_with(&self, id: &OrganizationId) -> Result<OrganizationConnections, StoreError> {
        let held = self.organizations.get(id).ok_or_else(|| StoreError::organization_unknown(id))?;
        let organization = held.whole.organization.clone();
        Ok(OrganizationConnections::new(organization, self.connections_of(id)))
    }

    /// Every step that can fail comes before the first write.
    fn write_decided(
        &mut self,
        decided: &DecidedConnections,
        keys: &[Vec<KeySighting>],
        author: &Author,
    ) -> Result<(), SignInError> {
        for added in &decided.added {
            self.require_unused(added)?;
        }
        self.replace_organization(decided.organization().clone())?;
        self.audit.extend(decided.audit.iter().cloned());
        self.end_sessions_over(&decided.ends_sessions_over);
        self.end_scim_tokens(&decided.retired, author);
        for (connection, keys) in decided.added.iter().chain(&decided.changed).zip(keys) {
            self.keep(connection.clone(), keys);
        }
        Ok(())
    }

    /// Ends the sessions that began over these connections.
    fn end_sessions_over(&mut self, connections: &[ConnectionId]) {
        let is_over =
            |session: &Session| session.connection.as_ref().is_some_and(|id| connections.contains(id));
        self.sessions.retain(|_, session| !is_over(session));
    }

    pub(super) fn connections_of(&self, organization: &OrganizationId) -> Vec<StoredConnection> {
        let all = self.connections.values();
        all.filter(|connection| connection.organization == *organization).cloned().collect()
    }

    /// The other connections of its organization.
    fn others_of(&self, connection: &StoredConnection) -> ConnectionTotals {
        let all = self.connections.values().filter(|one| one.organization == connection.organization);
        ConnectionTotals::of(all.filter(|one| one.id != connection.id))
    }

    /// A connection is new if its id was not used before.
    pub(super) fn require_unused(&self, connection: &StoredConnection) -> Result<(), StoreError> {
        match self.connections.contains_key(&connection.id) {
            true => Err(StoreError::taken("the connection's id")),
            false => Ok(()),
        }
    }

    /// Keeps a connection with the keys of its metadata.
    pub(super) fn keep(&mut self, connection: StoredConnection, keys: &[KeySighting]) -> u64 {
        let revision = connection.revision;
        let identity_provider = &connection.identity_provider;
        self.sources.entry(SourceId::of(identity_provider)).or_insert_with(|| identity_provider.clone());
        self.see_keys_of(&connection, keys);
        self.connections.insert(connection.id.clone(), connection);
        revision
    }
}
