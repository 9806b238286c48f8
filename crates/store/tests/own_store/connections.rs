//! Its connections.

use vouchsafe::{ConnectionId, ConnectionState, EntityId, assertion::SourceId, provisioning::OrganizationId};
use vouchsafe_store::{
    Answer, Author, ConnectionDecision, ConnectionRevision, ConnectionStore, ConnectionTotals,
    ConnectionWrite, OrganizationConnections, SignInError, StoreError, StoredConnection,
};

use super::{Own, State};

impl ConnectionStore for Own {
    fn connection<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<StoredConnection>> {
        self.with(move |state| Ok(state.connections.get(id).cloned()))
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
            let is_meant = |one: &&StoredConnection| {
                one.identity_provider == *identity_provider
                    && one.settings.sign_in.own_assertion_consumer() == assertion_consumer
            };
            let mut found: Vec<_> = state.connections.values().filter(is_meant).collect();
            found.sort_by_key(|one| one.state != ConnectionState::Active);
            let found = found.into_iter().take(most);
            Ok(found.map(|one| ConnectionRevision::new(one.id.clone(), one.revision)).collect())
        })
    }

    fn identity_provider_of_source(&self, source: SourceId) -> Answer<'_, Option<EntityId>> {
        self.with(move |state| {
            let mut all = state.connections.values().map(|one| &one.identity_provider);
            Ok(all.find(|identity_provider| SourceId::of(identity_provider) == source).cloned())
        })
    }

    fn active_connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        self.with(move |state| {
            let is_meant = |one: &&StoredConnection| {
                one.state == ConnectionState::Active && after.is_none_or(|after| one.id > *after)
            };
            let mut found: Vec<_> = state.connections.values().filter(is_meant).collect();
            found.sort_by_key(|one| one.id.clone());
            let found = found.into_iter().take(most);
            Ok(found.map(|one| ConnectionRevision::new(one.id.clone(), one.revision)).collect())
        })
    }

    fn connections_of<'a>(&'a self, organization: &'a OrganizationId) -> Answer<'a, Vec<StoredConnection>> {
        self.with(move |state| Ok(state.connections_of(organization)))
    }

    fn add_connection<'a>(&'a self, connection: &'a StoredConnection, author: &'a Author) -> Answer<'a, u64> {
        self.with(move |state| {
            if state.connections.contains_key(&connection.id) {
                return Err(StoreError::taken("the connection's id"));
            }
            state.others_of(connection).require_room(None, connection)?;
            let first = connection.first(author);
            state.audit.extend(first.records);
            state.connections.insert(connection.id.clone(), first.connection);
            Ok(1)
        })
    }

    fn update_connection<'a>(
        &'a self,
        connection: &'a StoredConnection,
        author: &'a Author,
    ) -> Answer<'a, u64> {
        self.with(move |state| {
            let others = state.others_of(connection);
            let before = state.connections.get_mut(&connection.id);
            let before = before.ok_or_else(|| StoreError::connection_unknown(&connection.id))?;
            let ConnectionWrite { connection: next, records, .. } = connection.in_place_of(before, author)?;
            others.require_room(Some(before), &next)?;
            state.audit.extend(records);
            let is_retired = next.is_retired_since(before);
            *before = next;
            if is_retired {
                state.end_sessions_over(std::slice::from_ref(&connection.id));
            }
            Ok(connection.revision.saturating_add(1))
        })
    }

    fn renew_connection<'a>(&'a self, connection: &'a StoredConnection) -> Answer<'a, ()> {
        self.with(move |state| {
            let others = state.others_of(connection);
            let before = state.connections.get_mut(&connection.id);
            let before = before.ok_or_else(|| StoreError::connection_unknown(&connection.id))?;
            let next = connection.renewed_in_place_of(before)?.connection;
            others.require_room(Some(before), &next)?;
            *before = next;
            Ok(())
        })
    }
}

impl State {
    fn end_sessions_over(&mut self, ids: &[ConnectionId]) {
        self.sessions.retain(|_, session| session.connection.as_ref().is_none_or(|id| !ids.contains(id)));
    }

    fn connections_of(&self, organization: &OrganizationId) -> Vec<StoredConnection> {
        let all = self.connections.values();
        all.filter(|one| one.organization == *organization).cloned().collect()
    }

    fn others_of(&self, connection: &StoredConnection) -> ConnectionTotals {
        let all = self.connections.values().filter(|one| one.organization == connection.organization);
        ConnectionTotals::of(all.filter(|one| one.id != connection.id))
    }

    pub(crate) fn decide_connections(
        &mut self,
        decision: ConnectionDecision,
    ) -> Result<OrganizationConnections, SignInError> {
        let id = decision.organization().clone();
        let connections = self.connections_of(&id);
        let organization = self.held(&id)?.whole.organization.clone();
        let decided = decision.decide(&OrganizationConnections::new(organization, connections))?;
        if decided.added.iter().any(|one| self.connections.contains_key(&one.id)) {
            return Err(StoreError::taken("the connection's id").into());
        }
        self.replace_organization(decided.organization().clone())?;
        self.audit.extend(decided.audit.iter().cloned());
        self.end_sessions_over(&decided.ends_sessions_over);
        for one in decided.added.iter().chain(&decided.changed) {
            self.connections.insert(one.id.clone(), one.clone());
        }
        Ok(decided.into_answer())
    }
}
