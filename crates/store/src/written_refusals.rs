//! Remembers which refusals were written to the audit.

use std::sync::{Mutex, MutexGuard, PoisonError};

use vouchsafe::{RecentlyUsed, provisioning::OrganizationId};

use crate::AuditedRefusal;

/// The refusals that this process has written. A store writes each of them once an hour, but needs a transaction to find
/// that it did; a client that goes on with an ended token must not cause one for every request.
#[derive(Debug)]
pub struct WrittenRefusals(Mutex<RecentlyUsed<Key>>);

/// A refusal as stores compare them: the organization, the hour, the rule, and whom it is about.
type Key = (OrganizationId, i64, String, String);

/// The least number of refusals that are remembered.
const REMEMBERED: usize = 20_000;

impl Default for WrittenRefusals {
    fn default() -> Self {
        Self(Mutex::new(RecentlyUsed::at_least(REMEMBERED)))
    }
}

impl WrittenRefusals {
    /// Writes a refusal, unless this process wrote it in the same hour. What could not be written is written the next time,
    /// also if nobody waited until it was: a client may close its connection.
    ///
    /// # Errors
    /// The error of `write`.
    pub async fn once<W, E>(&self, refused: &AuditedRefusal, write: impl FnOnce() -> W) -> Result<(), E>
    where
        W: Future<Output = Result<(), E>>,
    {
        let (rule, who) = (refused.record().rule.as_str().to_owned(), refused.who().to_owned());
        let key = (refused.organization().clone(), refused.hour(), rule, who);
        if !self.is_first(&key) {
            return Ok(());
        }
        let mut unwritten = Unwritten { remembered: self, key: Some(key) };
        let written = write().await;
        if written.is_ok() {
            unwritten.key = None;
        }
        written
    }

    fn is_first(&self, key: &Key) -> bool {
        let mut keys = self.keys();
        let is_first = keys.get(key).is_none();
        if is_first {
            keys.insert(key.clone(), ());
        }
        is_first
    }

    fn keys(&self) -> MutexGuard<'_, RecentlyUsed<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A refusal that is being written. It is forgotten if the writing fails, and if this is dropped before its end.
struct Unwritten<'w> {
    remembered: &'w WrittenRefusals,
    key: Option<Key>,
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.remembered.keys().remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use chrono::{DateTime, TimeDelta, Utc};
    use vouchsafe::{ConnectionId, Provider, provisioning::OrganizationToken};

    use super::*;
    use crate::ScimToken;

    #[tokio::test]
    async fn an_ended_token_costs_one_write_an_hour() {
        let provider = Provider::rustcrypto();
        let start: DateTime<Utc> = "2026-01-15T09:00:00Z".parse().unwrap();
        let token = |connection: &str| {
            let hash = OrganizationToken::issue(&provider).unwrap().hash(&provider).unwrap();
            ScimToken::new(hash, "acme".into(), ConnectionId::new(connection).unwrap(), start)
        };
        let (written, writes) = (WrittenRefusals::default(), Cell::new(0_u32));
        let (one, other) = (token("acme-okta"), token("acme-entra"));
        let send = async |token: &ScimToken, at: DateTime<Utc>, result: Result<(), ()>| {
            let write = || {
                writes.set(writes.get().saturating_add(1));
                std::future::ready(result)
            };
            written.once(&AuditedRefusal::of_scim_token(token, at), write).await
        };
        assert_eq!(send(&one, start, Err(())).await, Err(()), "the store failed");
        for minute in 0..60 {
            assert_eq!(send(&one, start + TimeDelta::minutes(minute), Ok(())).await, Ok(()));
        }
        assert_eq!(writes.get(), 2);
        assert_eq!(send(&other, start, Ok(())).await, Ok(()));
        assert_eq!(send(&one, start + TimeDelta::hours(1), Ok(())).await, Ok(()));
        assert_eq!(writes.get(), 4);
        // Another rule is another refusal.
        let signal = |code| {
            AuditedRefusal::of_signal("acme".into(), &one.connection, (code, "it is not valid"), start)
        };
        for code in ["signal.audience", "signal.expired", "signal.audience"] {
            let write = || {
                writes.set(writes.get().saturating_add(1));
                std::future::ready(Ok::<(), ()>(()))
            };
            written.once(&signal(code), write).await.unwrap();
        }
        assert_eq!(writes.get(), 6);
    }

    /// The client closes its connection while the store is at work, so that the future is dropped.
    #[tokio::test]
    async fn a_write_that_nobody_waited_for_is_made_the_next_time() {
        let (written, writes) = (WrittenRefusals::default(), Cell::new(0_u32));
        let connection = ConnectionId::new("acme-okta").unwrap();
        let now: DateTime<Utc> = "2026-01-15T09:00:00Z".parse().unwrap();
        let refused =
            AuditedRefusal::of_signal("acme".into(), &connection, ("signal.expired", "it is old"), now);
        for _ in 0..2 {
            let write = async || {
                writes.set(writes.get().saturating_add(1));
                std::future::pending::<Result<(), ()>>().await
            };
            tokio::select! {
                biased;
                _ = written.once(&refused, write) => panic!("it was not written"),
                () = std::future::ready(()) => {}
            }
        }
        assert_eq!(writes.get(), 2);
        for _ in 0..2 {
            let write = || {
                writes.set(writes.get().saturating_add(1));
                std::future::ready(Ok::<(), ()>(()))
            };
            written.once(&refused, write).await.unwrap();
        }
        assert_eq!(writes.get(), 3);
    }
}
