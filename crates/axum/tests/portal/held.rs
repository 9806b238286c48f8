//! Connections whose look-up can be held, so that something else happens in between.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use vouchsafe::{ClaimedResponse, Connection, ConnectionId, EntityId};
use vouchsafe_axum::{CandidatePage, ConnectionSource};
use vouchsafe_store::Answer;

/// One look-up that waits after the connection was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    read: Arc<Notify>,
    may_go_on: Arc<Notify>,
}

impl Held {
    pub(crate) async fn was_read(&self) {
        self.read.notified().await;
    }

    pub(crate) fn go_on(&self) {
        self.may_go_on.notify_one();
    }
}

/// The look-up to hold, if there is one.
pub(crate) type Next = Arc<Mutex<Option<Held>>>;

#[derive(Debug)]
pub(crate) struct HeldConnections<S> {
    pub(crate) source: S,
    pub(crate) next: Next,
}

impl<S: ConnectionSource> ConnectionSource for HeldConnections<S> {
    fn find<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>> {
        Box::pin(async move {
            let found = self.source.find(id).await;
            let held = self.next.lock().unwrap().take();
            if let Some(held) = held {
                held.read.notify_one();
                held.may_go_on.notified().await;
            }
            found
        })
    }

    fn candidates<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<Connection>> {
        self.source.candidates(claimed)
    }

    fn candidates_by_issuer<'a>(
        &'a self,
        issuer: &'a EntityId,
        after: Option<&'a ConnectionId>,
    ) -> Answer<'a, CandidatePage> {
        self.source.candidates_by_issuer(issuer, after)
    }
}
