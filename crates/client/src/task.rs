//! A refresher that runs in the background of a service.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{RefreshStatus, SourceStatus};

/// A refresher that runs in the background of a service, on its Tokio runtime. The runtimes of axum and actix are
/// Tokio runtimes.
///
/// ```no_run
/// # async fn example(refresher: vouchsafe_client::Refresher) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use vouchsafe::Connections;
///
/// let connections = Arc::new(Connections::new());
/// let refreshing = refresher.start(Arc::clone(&connections), |event| eprintln!("{event}"));
///
/// // Serve: `axum::serve(listener, router).with_graceful_shutdown(..).await`, `HttpServer::new(..).run().await`. Then:
/// refreshing.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// If this value is dropped, the refresher ends too, but nobody waits for its end.
#[derive(Debug)]
#[must_use = "the refresher ends when this is dropped"]
pub struct RefreshTask {
    running: JoinHandle<()>,
    stop: watch::Sender<bool>,
    status: RefreshStatus,
}

/// The signal that tells a refresher to end.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl RefreshTask {
    /// Starts a task that runs until it is told to stop.
    pub(crate) fn start<F: Future<Output = ()> + Send + 'static>(
        status: RefreshStatus,
        run: impl FnOnce(Stop) -> F,
    ) -> RefreshTask {
        let (stop, stopped) = watch::channel(false);
        RefreshTask { running: tokio::spawn(run(Stop(stopped))), stop, status }
    }

    /// Returns the state of the metadata, a handle that can be passed to a health check.
    #[must_use]
    pub fn status(&self) -> &RefreshStatus {
        &self.status
    }

    /// Returns the state of each connection's metadata.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceStatus> {
        self.status.all()
    }

    /// Returns whether it is still running. It runs until it is stopped.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.running.is_finished()
    }

    /// Stops the refresher: no source is requested any more, nobody waits for a source that has not answered yet, and
    /// answers that were received already are written first.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.running.await;
    }
}

impl Stop {
    /// Returns a signal that is never sent, and its sender, which must be kept.
    pub(crate) fn never() -> (watch::Sender<bool>, Stop) {
        let (stop, stopped) = watch::channel(false);
        (stop, Stop(stopped))
    }

    /// Sleeps. Returns whether to continue afterwards.
    pub(crate) async fn sleep(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.0.wait_for(|stop| *stop)).await.is_err()
    }

    /// Waits for a future, but no longer than until the refresher is to end. A future that is ready counts also after that.
    pub(crate) async fn or<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let (mut future, mut stopped) = (pin!(future), pin!(self.0.wait_for(|stop| *stop)));
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => stopped.as_mut().poll(context).map(|_| None),
        })
        .await
    }

    pub(crate) fn is_due(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}
