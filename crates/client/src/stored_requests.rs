//! The requests of a refresher of stored connections that run, and the connections that wait for one.

use std::collections::{HashMap, HashSet, VecDeque};

use tokio::task::{Id, JoinSet};
use vouchsafe::ConnectionId;
use vouchsafe::provisioning::OrganizationId;

use crate::stored_answer::Asked;

/// The number of sources that are requested at a time.
const AT_ONCE: usize = 8;
/// How many of them may be sources of one organization, so that its slow addresses do not hold back those of the others.
const OF_AN_ORGANIZATION: usize = 2;

/// The running requests, and the waiting connections in the order in which they are due.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    running: JoinSet<Asked>,
    asked: HashMap<Id, (ConnectionId, OrganizationId)>,
    waiting: VecDeque<ConnectionId>,
}

impl Requests {
    /// Replaces the waiting connections by those that are due now, without those whose request is running.
    pub(crate) fn wait(&mut self, due: impl Iterator<Item = ConnectionId>) {
        let running: HashSet<&ConnectionId> = self.asked.values().map(|(id, _)| id).collect();
        self.waiting = due.filter(|id| !running.contains(id)).collect();
    }

    /// Forgets the waiting connections.
    pub(crate) fn wait_for_none(&mut self) {
        self.waiting.clear();
    }

    /// Removes the first waiting connection for which there is a place, and returns it. `organization_of` tells the
    /// organization of a connection, if it is known.
    pub(crate) fn next_waiting<'a>(
        &mut self,
        organization_of: impl Fn(&ConnectionId) -> Option<&'a OrganizationId>,
    ) -> Option<ConnectionId> {
        if self.running.len() >= AT_ONCE {
            return None;
        }
        let has_place = |id: &ConnectionId| organization_of(id).is_none_or(|one| self.has_place_for(one));
        let place = self.waiting.iter().position(has_place)?;
        self.waiting.remove(place)
    }

    /// Makes a connection wait again, as the first one.
    pub(crate) fn wait_again(&mut self, id: ConnectionId) {
        self.waiting.push_front(id);
    }

    pub(crate) fn has_place_for(&self, organization: &OrganizationId) -> bool {
        let own = self.asked.values().filter(|(_, other)| other == organization).count();
        own < OF_AN_ORGANIZATION && self.running.len() < AT_ONCE
    }

    /// Starts the request of a connection.
    pub(crate) fn start(
        &mut self,
        id: ConnectionId,
        organization: OrganizationId,
        request: impl Future<Output = Asked> + Send + 'static,
    ) {
        let task = self.running.spawn(request);
        self.asked.insert(task.id(), (id, organization));
    }

    /// Returns whether no request is running.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits for the next answer. Returns nothing if no request is running. It can be dropped before it has ended.
    pub(crate) async fn answer(&mut self) -> Option<Asked> {
        loop {
            let joined = self.running.join_next_with_id().await?;
            let id = joined.as_ref().map_or_else(tokio::task::JoinError::id, |(id, _)| *id);
            self.asked.remove(&id);
            // The task neither panics nor is cancelled.
            if let Ok((_, asked)) = joined {
                return Some(asked);
            }
        }
    }
}
