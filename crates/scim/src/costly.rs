//! The number of costly requests that are answered at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vouchsafe::ConnectionId;

/// The costly requests that are being answered, by connection.
#[derive(Clone, Debug)]
pub(crate) struct Costly {
    each: usize,
    all: usize,
    running: Arc<Mutex<HashMap<ConnectionId, usize>>>,
}

/// A costly request that is being answered, until this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    costly: Costly,
    connection: ConnectionId,
}

impl Costly {
    pub(crate) fn new(each: usize, all: usize) -> Costly {
        Costly { each, all, running: Arc::default() }
    }

    /// Starts a costly request, if there is room.
    pub(crate) fn begin(&self, connection: &ConnectionId) -> Option<Running> {
        let mut running = self.running();
        let all: usize = running.values().sum();
        let own = running.get(connection).copied().unwrap_or_default();
        if own >= self.each || all >= self.all {
            return None;
        }
        running.insert(connection.clone(), own.saturating_add(1));
        Some(Running { costly: self.clone(), connection: connection.clone() })
    }

    fn running(&self) -> MutexGuard<'_, HashMap<ConnectionId, usize>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.costly.running();
        match running.get_mut(&self.connection) {
            Some(own) if *own > 1 => *own = own.saturating_sub(1),
            _ => drop(running.remove(&self.connection)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_so_many_of_one_and_of_all() {
        let costly = Costly::new(2, 3);
        let [acme, globex] = ["acme", "globex"].map(|id| ConnectionId::new(id).unwrap());
        let first = costly.begin(&acme);
        let second = costly.begin(&acme);
        assert!(first.is_some() && second.is_some() && costly.begin(&acme).is_none());
        let third = costly.begin(&globex);
        assert!(third.is_some() && costly.begin(&globex).is_none());
        drop(first);
        assert!(costly.begin(&globex).is_some());
        drop((second, third));
        assert!(costly.running().is_empty());
    }
}
