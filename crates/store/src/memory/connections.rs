//! Connections in memory.

use vouchsafe::{ConnectionId, ConnectionState, EntityId, assertion::SourceId, provisioning::OrganizationId};

use super::{Memory, State};
use crate::{
    Answer, AuditRecord, Author, ConnectionDecision, ConnectionOutline, ConnectionRevision, ConnectionStore,
    ConnectionTotals, OrganizationConnections, Session, SignInError, StoreError, StoredConnection,
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
        self.with(move |state| {
            let first = state.unused(connection)?;
            state.others_of(connection).require_room(None, &first)?;
            state.audit.extend(AuditRecord::of_connection(None, &first, author)?);
            Ok(state.keep(first))
        })
    }

    fn update_connection<'a>(
        &'a self,
        connection: &'a StoredConnection,
        author: &'a Author,
    ) -> Answer<'a, u64> {
        self.with(move |state| {
            let before = state.connections.get(&connection.id);
            let before = before.ok_or_else(|| StoreError::connection_unknown(&connection.id))?;
            let next = connection.in_place_of(before)?;
            state.others_of(&next).require_room(Some(before), &next)?;
            let is_retired = next.is_retired_since(before);
            state.audit.extend(AuditRecord::of_connection(Some(before), &next, author)?);
            if is_retired {
                state.end_sessions_over(std::slice::from_ref(&next.id));
                state.end_scim_tokens(std::slice::from_ref(&next.id), author);
            }
            Ok(state.keep(next))
        })
    }

    fn renew_connection<'a>(&'a self, connection: &'a StoredConnection) -> Answer<'a, ()> {
        self.with(move |state| {
            let before = state.connections.get(&connection.id);
            let before = before.ok_or_else(|| StoreError::connection_unknown(&connection.id))?;
            let next = connection.renewed_in_place_of(before)?;
            state.others_of(&next).require_room(Some(before), &next)?;
            state.keep(next);
            Ok(())
        })
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
    /// Every step that can fail comes before the first write.
    pub(super) fn decide_connections(
        &mut self,
        decision: ConnectionDecision,
    ) -> Result<OrganizationConnections, SignInError> {
        let (id, author) = (decision.organization(), decision.author().clone());
        let before =
            OrganizationConnections::new(self.held(id)?.whole.organization.clone(), self.connections_of(id));
        let decided = decision.decide(&before)?;
        for added in &decided.added {
            self.unused(added)?;
        }
        self.replace_organization(decided.organization().clone())?;
        self.audit.extend(decided.audit.iter().cloned());
        self.end_sessions_over(&decided.ends_sessions_over);
        self.end_scim_tokens(&decided.retired, &author);
        for connection in decided.added.iter().chain(&decided.changed) {
            self.keep(connection.clone());
        }
        Ok(decided.into_answer())
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

    /// A connection at its first revision, if its id was not used before.
    pub(super) fn unused(&self, connection: &StoredConnection) -> Result<StoredConnection, StoreError> {
        match self.connections.contains_key(&connection.id) {
            true => Err(StoreError::taken("the connection's id")),
            false => Ok(connection.first()),
        }
    }

    pub(super) fn keep(&mut self, connection: StoredConnection) -> u64 {
        let revision = connection.revision;
        let identity_provider = &connection.identity_provider;
        self.sources.entry(SourceId::of(identity_provider)).or_insert_with(|| identity_provider.clone());
        self.see_keys_of(&connection);
        self.connections.insert(connection.id.clone(), connection);
        revision
    }
}
