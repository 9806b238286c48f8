//! The last refusals, which the customer's administrator can look up.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use vouchsafe::{ConnectionId, Ledger};

use crate::reference::Reference;

/// A refusal, as it is logged. It contains no secrets and no personal values: the ledger shows personal values only
/// on request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RefusalRecord {
    /// The reference that the person saw.
    pub reference: Reference,
    /// The time of the refusal.
    pub at: DateTime<Utc>,
    /// The connection that was asked, or the only possible one, or among several the one whose key signed. It is
    /// `None` if several are possible and none of their keys signed; then no customer may look the refusal up. Unless
    /// the code begins with `provisioning.`, nothing proves that the customer's identity provider sent the response.
    pub connection: Option<ConnectionId>,
    /// The issuer that the response claims.
    pub issuer: Option<String>,
    /// The stable code.
    pub code: &'static str,
    /// The error message, with its operands.
    pub message: String,
    /// What to change.
    pub hint: &'static str,
    /// Every check that was made, if a response was received.
    pub ledger: Option<Ledger>,
}

/// The last refusals, with a limit for all and a limit for one connection. Clones share it.
///
/// A flood of refusals over one connection removes only refusals of that connection. The oldest of all are removed
/// only if many connections are flooded at the same time.
///
/// ```
/// use vouchsafe_web::RefusalLog;
///
/// let log = RefusalLog::new(1000, 50);
/// assert!(log.find("1a2b3c4d-5e6f7081").is_none());
/// ```
#[derive(Clone, Debug)]
pub struct RefusalLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    most_of_one: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The refusals by number, the oldest first.
    records: BTreeMap<u64, RefusalRecord>,
    of_connection: HashMap<Option<ConnectionId>, VecDeque<u64>>,
    next: u64,
}

impl Default for RefusalLog {
    /// Keeps 1000 altogether, and 50 of one connection.
    fn default() -> RefusalLog {
        RefusalLog::new(1000, 50)
    }
}

impl RefusalLog {
    /// Sets the maximum number of all refusals, and of those of one connection. Refusals without a known connection
    /// count as those of one. 0 counts as 1.
    #[must_use]
    pub fn new(most: usize, most_of_one: usize) -> RefusalLog {
        let (most, most_of_one) = (most.max(1), most_of_one.max(1));
        RefusalLog(Arc::new(Shared { most, most_of_one, kept: Mutex::default() }))
    }

    /// Returns the refusal with this reference. Show it only to an administrator of [its
    /// connection](RefusalRecord::connection).
    #[must_use]
    pub fn find(&self, reference: &str) -> Option<RefusalRecord> {
        self.kept().records.values().find(|record| record.reference.as_str() == reference).cloned()
    }

    /// Returns the refusals over this connection, the newest first.
    #[must_use]
    pub fn of(&self, connection: &ConnectionId) -> Vec<RefusalRecord> {
        let kept = self.kept();
        let numbers = kept.of_connection.get(&Some(connection.clone())).into_iter().flatten().rev();
        numbers.filter_map(|number| kept.records.get(number)).cloned().collect()
    }

    pub(crate) fn keep(&self, record: RefusalRecord) {
        let mut kept = self.kept();
        let number = kept.next;
        kept.next = kept.next.wrapping_add(1);
        let connection = record.connection.clone();
        kept.records.insert(number, record);
        let own = kept.of_connection.entry(connection).or_default();
        own.push_back(number);
        let too_many = own.len() > self.0.most_of_one;
        let oldest = if too_many { own.front().copied() } else { None };
        if let Some(oldest) = oldest {
            kept.forget(oldest);
        }
        if kept.records.len() > self.0.most
            && let Some(oldest) = kept.records.keys().next().copied()
        {
            kept.forget(oldest);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget(&mut self, number: u64) {
        let Some(record) = self.records.remove(&number) else { return };
        let Some(own) = self.of_connection.get_mut(&record.connection) else { return };
        own.retain(|kept| *kept != number);
        if own.is_empty() {
            self.of_connection.remove(&record.connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vouchsafe::Provider;

    fn record(connection: Option<&str>) -> RefusalRecord {
        RefusalRecord {
            reference: Reference::new(&Provider::rustcrypto()),
            at: DateTime::UNIX_EPOCH,
            connection: connection.map(|id| ConnectionId::new(id).unwrap()),
            issuer: None,
            code: "http.cross_site",
            message: String::new(),
            hint: "",
            ledger: None,
        }
    }

    #[test]
    fn a_flood_over_one_connection_leaves_the_others() {
        let log = RefusalLog::new(20, 5);
        let quiet = record(Some("quiet"));
        log.keep(quiet.clone());
        let references: Vec<_> = (0..1000)
            .map(|_| {
                let loud = record(Some("loud"));
                log.keep(loud.clone());
                log.keep(record(None));
                loud.reference
            })
            .collect();
        assert!(log.find(quiet.reference.as_str()).is_some(), "pushed out by another customer's");
        let of_loud: Vec<_> =
            log.of(&ConnectionId::new("loud").unwrap()).into_iter().map(|one| one.reference).collect();
        let newest: Vec<_> = references.iter().rev().take(5).cloned().collect();
        assert_eq!(of_loud, newest, "the newest first");
        assert!(log.find(references[0].as_str()).is_none());
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let log = RefusalLog::new(20, 5);
        for number in 0..5000 {
            log.keep(record(Some(&format!("c{}", number % 300))));
            log.keep(record(Some("loud")));
        }
        let kept = log.kept();
        assert_eq!(kept.records.len(), 20);
        assert!(kept.of_connection.len() <= 20);
        assert_eq!(kept.of_connection.values().map(VecDeque::len).sum::<usize>(), kept.records.len());
    }
}
