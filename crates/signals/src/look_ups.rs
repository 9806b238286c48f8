//! Reads transmitters for tokens that anybody may have sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use vouchsafe::{ConnectionId, RecentlyUsed, RequestLimiter, RequestRate};

use crate::{SignalError, Transmitter, Transmitters};

/// How often the transmitter of one connection is read for tokens that were not verified yet: 500 times at once and 50
/// times a second.
const READS: RequestRate = RequestRate { per_second: 50, burst: 500 };

/// The least number of transmitters that are remembered.
const REMEMBERED: usize = 5_000;

/// Reads transmitters at a limited rate. Beyond it, they are those that were read last, so that whoever sends many tokens
/// neither causes reads nor keeps the transmitter's own token from being verified.
#[derive(Debug)]
pub(crate) struct LookUps {
    transmitters: Arc<dyn Transmitters>,
    reads: RequestLimiter<ConnectionId>,
    last: Mutex<RecentlyUsed<ConnectionId, Transmitter>>,
}

/// A transmitter that was found.
#[derive(Debug)]
pub(crate) enum Found {
    /// It was just read.
    Present(Transmitter),
    /// It was read before, and its settings may have changed since.
    Remembered(Transmitter),
}

impl LookUps {
    pub(crate) fn new(transmitters: Arc<dyn Transmitters>) -> LookUps {
        let last = Mutex::new(RecentlyUsed::at_least(REMEMBERED));
        LookUps { transmitters, reads: RequestLimiter::new(READS), last }
    }

    /// The transmitter of a connection, for a token that anybody may have sent.
    pub(crate) async fn find(
        &self,
        connection: &ConnectionId,
        now: DateTime<Utc>,
    ) -> Result<Found, SignalError> {
        match self.reads.take(connection, now) {
            Ok(()) => self.present(connection).await.map(Found::Present),
            Err(retry_after) => {
                let last = self.last().get(connection).cloned();
                last.map(Found::Remembered).ok_or(SignalError::TooMany { retry_after })
            }
        }
    }

    /// The transmitter of a connection as it is now.
    pub(crate) async fn present(&self, connection: &ConnectionId) -> Result<Transmitter, SignalError> {
        let found = self.transmitters.transmitter(connection).await?;
        let found = found.filter(|found| found.connection == *connection);
        match &found {
            Some(transmitter) => self.last().insert(connection.clone(), transmitter.clone()),
            None => drop(self.last().remove(connection)),
        }
        found.ok_or(SignalError::UnknownConnection)
    }

    fn last(&self) -> MutexGuard<'_, RecentlyUsed<ConnectionId, Transmitter>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use vouchsafe_store::Answer;

    use super::*;

    /// A transmitter that can be taken away, and how often it was read.
    #[derive(Debug, Default)]
    struct Counting {
        reads: AtomicUsize,
        is_gone: std::sync::atomic::AtomicBool,
    }

    impl Transmitters for Counting {
        fn transmitter<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Option<Transmitter>> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let is_known = connection.as_str() == "acme-okta" && !self.is_gone.load(Ordering::Relaxed);
            let okta = Transmitter::new(
                "acme".into(),
                connection.clone(),
                "https://okta.example",
                "https://okta.example/keys",
            );
            Box::pin(std::future::ready(Ok(is_known.then_some(okta))))
        }
    }

    #[tokio::test]
    async fn many_tokens_cause_few_reads_and_the_transmitter_is_known_all_the_same() {
        let counting = Arc::new(Counting::default());
        let look_ups = LookUps::new(Arc::clone(&counting) as Arc<dyn Transmitters>);
        let now = "2026-01-15T09:00:00Z".parse().unwrap();
        let [acme, nobody] = ["acme-okta", "nobody"].map(|name| ConnectionId::new(name).unwrap());
        for number in 0..5_000 {
            match look_ups.find(&acme, now).await.unwrap() {
                Found::Present(_) => assert!(number < 500, "{number}"),
                Found::Remembered(_) => assert!(number >= 500, "{number}"),
            }
        }
        assert_eq!(counting.reads.load(Ordering::Relaxed), 500);
        // The settings count once a token was verified, and a transmitter that is gone is forgotten.
        counting.is_gone.store(true, Ordering::Relaxed);
        assert!(matches!(look_ups.present(&acme).await, Err(SignalError::UnknownConnection)));
        assert!(matches!(look_ups.find(&acme, now).await, Err(SignalError::TooMany { .. })));
        // Names that mean nothing are not remembered.
        for _ in 0..600 {
            assert!(look_ups.find(&nobody, now).await.is_err());
        }
        assert!(look_ups.last().is_empty());
    }
}
