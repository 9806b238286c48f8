//! The audit, delivered as it is written.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::sleep};

use crate::{AuditCursor, AuditEntry, AuditFeed, StoreError};

/// Delivers the audit to a receiver as it is written: to a webhook, a log of security events, a queue.
///
/// One line starts it, in a service of axum or actix as in any other that runs on tokio. How far it came is kept in the store under the name of the
/// receiver, so that it goes on there after a restart. Everything is delivered **at least once** and in order: a process that dies after a delivery,
/// before it has kept how far it came, delivers the same again, and so do several processes that deliver to one receiver. The receiver recognises
/// what it has by [`AuditEntry::cursor`]. While a delivery fails, it is tried again after a second, then two, four, and so on up to five minutes.
///
/// ```
/// use std::sync::Arc;
/// use vouchsafe_store::{AuditDelivery, AuditEntry, Memory};
///
/// # async fn post(_: String) -> bool { true }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let store = Arc::new(Memory::new());
/// let delivery = AuditDelivery::new(store, "siem").start(async |entries: Vec<AuditEntry>| {
///     post(serde_json::to_string(&entries).unwrap_or_default()).await
/// });
/// // Dropping it stops it; so keep it as long as the service runs.
/// delivery.stop().await;
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "it delivers nothing until it is started"]
pub struct AuditDelivery {
    store: Arc<dyn AuditFeed>,
    receiver: String,
    every: Duration,
    most: usize,
}

/// The first wait after a delivery that failed, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

impl AuditDelivery {
    /// To a receiver of this name, which looks every five seconds and delivers 100 records at a time.
    pub fn new(store: Arc<dyn AuditFeed>, receiver: impl Into<String>) -> Self {
        Self { store, receiver: receiver.into(), every: Duration::from_secs(5), most: 100 }
    }

    /// Looks so often whether there is anything new.
    pub fn every(self, every: Duration) -> Self {
        Self { every, ..self }
    }

    /// Delivers so many records at a time at most.
    pub fn at_most(self, most: usize) -> Self {
        Self { most: most.max(1), ..self }
    }

    /// Starts it on the runtime of the caller. `deliver` answers whether the records arrived.
    pub fn start<F, D>(self, deliver: D) -> RunningAuditDelivery
    where
        D: Fn(Vec<AuditEntry>) -> F + Send + Sync + 'static,
        F: Future<Output = bool> + Send + 'static,
    {
        RunningAuditDelivery(tokio::spawn(async move {
            let mut wait = WAITS.0;
            loop {
                match self.deliver_page(&deliver).await {
                    Ok(Delivered::Some) => wait = WAITS.0,
                    Ok(Delivered::Nothing) => {
                        wait = WAITS.0;
                        sleep(self.every).await;
                    }
                    Ok(Delivered::Failed) | Err(_) => {
                        sleep(wait).await;
                        wait = wait.saturating_mul(2).min(WAITS.1);
                    }
                }
            }
        }))
    }

    async fn deliver_page<F: Future<Output = bool>>(
        &self,
        deliver: &impl Fn(Vec<AuditEntry>) -> F,
    ) -> Result<Delivered, StoreError> {
        let after = self.store.audit_delivered(&self.receiver).await?;
        let entries = self.store.audit_after(None, after, self.most).await?;
        let Some(until) = entries.last().map(|entry| entry.cursor) else { return Ok(Delivered::Nothing) };
        if !deliver(entries).await {
            return Ok(Delivered::Failed);
        }
        self.kept(until).await?;
        Ok(Delivered::Some)
    }

    async fn kept(&self, until: AuditCursor) -> Result<(), StoreError> {
        self.store.keep_audit_delivered(&self.receiver, until).await
    }
}

enum Delivered {
    Some,
    Nothing,
    Failed,
}

/// A delivery that is under way, and ends when this is dropped.
#[must_use = "the delivery ends when this is dropped"]
pub struct RunningAuditDelivery(JoinHandle<()>);

impl RunningAuditDelivery {
    /// Ends it. What was being delivered is delivered again by the next one.
    pub async fn stop(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Drop for RunningAuditDelivery {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for RunningAuditDelivery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RunningAuditDelivery")
    }
}
