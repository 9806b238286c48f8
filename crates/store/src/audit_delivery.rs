//! The audit, delivered as it is written.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::sleep};

use crate::{AuditCursor, AuditEntry, AuditFeed, StoreError};

/// Delivers audit records to a receiver, such as a webhook, a log of security events or a queue, as they are written.
///
/// One line starts it in axum, actix or any other service that runs on tokio. The store keeps the position of each
/// receiver under the receiver's name, so a restarted process continues there. Every record is delivered **at least
/// once** and in order. A process that stops after a delivery and before it has stored the position delivers the same
/// records again, and so do several processes with one receiver. The receiver recognises duplicates by
/// [`AuditEntry::cursor`]. A failed delivery is tried again after one second, then two, four and so on, up to five
/// minutes.
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

/// The first and the longest wait after a failed delivery.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

impl AuditDelivery {
    /// Delivers to the receiver of this name. It looks for new records every five seconds and delivers at most 100 at a
    /// time.
    pub fn new(store: Arc<dyn AuditFeed>, receiver: impl Into<String>) -> Self {
        Self { store, receiver: receiver.into(), every: Duration::from_secs(5), most: 100 }
    }

    /// Sets how often it looks for new records.
    pub fn every(self, every: Duration) -> Self {
        Self { every, ..self }
    }

    /// Sets how many records are delivered at a time at most.
    pub fn at_most(self, most: usize) -> Self {
        Self { most: most.max(1), ..self }
    }

    /// Starts the delivery on the caller's runtime. `deliver` answers whether the records arrived.
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

/// A running delivery. Dropping it stops the delivery.
#[must_use = "the delivery ends when this is dropped"]
pub struct RunningAuditDelivery(JoinHandle<()>);

impl RunningAuditDelivery {
    /// Stops the delivery. Records whose delivery was under way are delivered again by the next one.
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
