//! Writes that replicas must acknowledge.
//!
//! `WAIT` waits for the writes on its own connection, and everything after it on that connection waits too. These
//! writes therefore use connections of their own, each for one write at a time.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use redis::{AsyncConnectionConfig, Client, FromRedisValue, aio::MultiplexedConnection, cmd};
use tokio::sync::Semaphore;

use super::{RESPONSE_TIMEOUT, failed, scripts::Call};
use crate::StoreError;

/// The most connections that wait at the same time.
const CONNECTIONS: usize = 16;

/// The number of replicas that must have a write, and how long that may take.
#[derive(Clone)]
pub(super) struct Replicated {
    wanted: u32,
    at_most: Duration,
    pool: Arc<Pool>,
}

struct Pool {
    client: Client,
    places: Semaphore,
    idle: Mutex<Vec<MultiplexedConnection>>,
}

impl Replicated {
    pub(super) fn new(client: Client, wanted: u32, at_most: Duration) -> Self {
        let pool = Pool { client, places: Semaphore::new(CONNECTIONS), idle: Mutex::default() };
        Self { wanted, at_most, pool: Arc::new(pool) }
    }

    /// Writes, and waits until enough replicas have the write. If it is cancelled, its connection is dropped.
    pub(super) async fn invoke<T: FromRedisValue>(&self, write: &Call) -> Result<T, StoreError> {
        // A write that waits for a connection waits until the writes before it are answered.
        let waiting = tokio::time::timeout(self.longest(), self.pool.places.acquire()).await;
        let Ok(Ok(_place)) = waiting else {
            return Err(StoreError::unavailable(std::io::Error::from(std::io::ErrorKind::TimedOut)));
        };
        let mut connection = self.pool.connection(self.longest()).await?;
        let answered = write.invoke(&connection).await?;
        let milliseconds = u64::try_from(self.at_most.as_millis()).unwrap_or(u64::MAX).max(1);
        let have = cmd("WAIT").arg(self.wanted).arg(milliseconds).query_async(&mut connection).await;
        let have: u32 = have.map_err(failed)?;
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        match have >= self.wanted {
            true => Ok(answered),
            false => Err(StoreError::unavailable(NotReplicated { wanted: self.wanted, have })),
        }
    }

    fn longest(&self) -> Duration {
        self.at_most.saturating_add(RESPONSE_TIMEOUT)
    }
}

impl Pool {
    async fn connection(&self, longest: Duration) -> Result<MultiplexedConnection, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(connection) = idle {
            return Ok(connection);
        }
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(Some(longest))
            .set_connection_timeout(Some(RESPONSE_TIMEOUT));
        self.client.get_multiplexed_async_connection_with_config(&config).await.map_err(failed)
    }
}

/// `Debug` does not show the client, whose address contains the password.
impl fmt::Debug for Replicated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Replicated")
            .field("wanted", &self.wanted)
            .field("at_most", &self.at_most)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{wanted} replicas must have the record, and {have} have it")]
struct NotReplicated {
    wanted: u32,
    have: u32,
}
