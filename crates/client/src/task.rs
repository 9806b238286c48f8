//! A refresher that runs beside a service.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{RefreshStatus, SourceStatus};

/// A refresher that runs beside a service, on its Tokio runtime: that of axum, and that of actix, which is one too.
///
/// ```no_run
/// # async fn example(store: vouchsafe_store::Memory) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use vouchsafe::Provider;
/// use vouchsafe_client::{Client, StoredRefresher};
///
/// let refresher = StoredRefresher::new(Client::new()?, Provider::rustcrypto(), Arc::new(store));
/// let refreshing = refresher.start(|event| eprintln!("{event}"));
///
/// // Serve: `axum::serve(listener, router).with_graceful_shutdown(..).await`, `HttpServer::new(..).run().await`. Then:
/// refreshing.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// Where it is dropped, it ends as well, without anybody waiting for it.
#[derive(Debug)]
#[must_use = "the refresher ends when this is dropped"]
pub struct RefreshTask {
    running: JoinHandle<()>,
    stop: watch::Sender<bool>,
    status: RefreshStatus,
}

/// Whether a refresher is to end.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl RefreshTask {
    /// Starts what runs until it is told to stop.
    pub(crate) fn start<F: Future<Output = ()> + Send + 'static>(
        status: RefreshStatus,
        run: impl FnOnce(Stop) -> F,
    ) -> RefreshTask {
        let (stop, stopped) = watch::channel(false);
        RefreshTask { running: tokio::spawn(run(Stop(stopped))), stop, status }
    }

    /// How fresh the metadata is: a handle that can be given to a health check.
    #[must_use]
    pub fn status(&self) -> &RefreshStatus {
        &self.status
    }

    /// How fresh the metadata of each connection is.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceStatus> {
        self.status.all()
    }

    /// Whether it still runs. It does until it is stopped.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.running.is_finished()
    }

    /// Ends it: no source is asked any more, and what was asked already is written first.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.running.await;
    }
}

impl Stop {
    /// One that never comes, and who keeps it.
    pub(crate) fn never() -> (watch::Sender<bool>, Stop) {
        let (stop, stopped) = watch::channel(false);
        (stop, Stop(stopped))
    }

    /// Sleeps. Whether it is to go on afterwards.
    pub(crate) async fn sleep(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.0.wait_for(|stop| *stop)).await.is_err()
    }

    #[cfg(feature = "store")]
    pub(crate) fn is_due(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}
