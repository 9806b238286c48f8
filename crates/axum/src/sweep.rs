//! Forgetting what is over.

use vouchsafe_store::StoreError;

use crate::service::Service;

/// How much a [`sweep`] forgot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Assertions that would be refused for their age anyway, since more than a day.
    pub replays: u64,
    /// Sign-ins that nobody answered in time.
    pub pending: u64,
    /// Sessions that are over.
    pub sessions: u64,
}

/// Forgets assertions, started sign-ins and sessions whose time is over. Nothing depends on it but the size of the store: call it every
/// few minutes.
///
/// # Errors
/// What the store raises.
pub async fn sweep<S: Service>(service: &S) -> Result<Swept, StoreError> {
    let (store, now) = (service.store(), service.now());
    Ok(Swept {
        replays: store.sweep_replays(now).await?,
        pending: store.sweep_pending(now).await?,
        sessions: store.sweep_sessions(now).await?,
    })
}
