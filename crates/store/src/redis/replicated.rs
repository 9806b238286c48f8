//! Writes that replicas must have.
//!
//! `WAIT` waits for what was written on its own connection, and everything behind it on that connection waits too. So these writes have connections
//! of their own, on each of which one at a time is under way.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use redis::{AsyncConnectionConfig, Client, FromRedisValue, aio::MultiplexedConnection, cmd};
use tokio::sync::Semaphore;

use super::{RESPONSE_TIMEOUT, failed, scripts::Call};
use crate::StoreError;

/// How many connections wait at the same time at most.
const CONNECTIONS: usize = 16;

/// How many replicas must have what is written, and how long that may take.
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

    /// Writes, and waits until enough replicas have it. What is cut off in the middle takes its connection with it.
    pub(super) async fn invoke<T: FromRedisValue>(&self, write: &Call) -> Result<T, StoreError> {
        // Whoever waits for a place waits for those before to be answered.
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

/// Without the client, whose address has the password.
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
