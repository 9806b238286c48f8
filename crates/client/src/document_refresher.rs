//! Keeps one document of many entities fresh: the aggregate of a federation.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use vouchsafe::metadata::{
    EndedMetadata, FetchedMetadata, MetadataChange, Refresh, RefreshSchedule, Refreshed, Restored,
    TrustedMetadata, TrustedSource, Validators,
};
use vouchsafe::{ConnectionId, Provider};

use crate::answer::Earlier;
use crate::copies::{Copies, Copy, LastCopy};
use crate::refresher::until;
use crate::task::Stop;
use crate::{
    Client, ClientError, RefreshEvent, RefreshFailure, RefreshOutcome, RefreshStatus, RefreshTask, answer,
};

/// Keeps one document of many entities fresh, such as the aggregate of a federation. It requests the document when it is
/// due, checks it against the source's trust, and keeps the last good document.
///
/// The document is in memory once, and several users share it: `vouchsafe_web::Federation` makes connections of it, and
/// `vouchsafe_web::IdentityProviderList::of_trusted` makes the list from which people choose. The check of a newer
/// document takes some time if it has tens of megabytes. It runs on a thread for blocking work, and the known document
/// is used meanwhile.
///
/// A [`Client`] reads at most 1 MiB by default. Use [`Client::for_federations`] for the documents of federations.
///
/// ```no_run
/// use vouchsafe::metadata::{SpeaksFor, TrustedSource};
/// use vouchsafe::{ConnectionId, Provider};
/// use vouchsafe_client::{Client, DocumentRefresher, RefreshEvent};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let fingerprint = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF";
/// let source = TrustedSource::signed_by_certificate(fingerprint, SpeaksFor::Everybody)?
///     .requiring_valid_until(std::time::Duration::from_secs(28 * 86_400));
/// let mut refresher = DocumentRefresher::new(
///     Client::new()?.for_federations(),
///     Provider::rustcrypto(),
///     ConnectionId::new("federation")?,
///     "https://metadata.federation.example/all.xml",
///     source,
/// )
/// .keeping_a_copy_in("/var/lib/service/metadata");
/// for event in refresher.load().await {
///     println!("{event}");
/// }
/// let metadata = refresher.metadata().ok_or("there is neither a document nor a copy of one")?;
/// println!("{} entities", metadata.entities().count());
/// // From now on, beside the service, until the task is stopped or dropped.
/// let refreshing = refresher.start(|event: &RefreshEvent| {
///     if let Some(newer) = event.metadata() {
///         println!("{} entities from now on", newer.entities().count());
///     }
/// });
/// # refreshing.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DocumentRefresher {
    client: Client,
    provider: Provider,
    name: ConnectionId,
    address: String,
    copies: Option<Copies>,
    refresh: Refresh,
    at_hand: Option<Arc<TrustedMetadata>>,
    /// A copy that has ended. It is not used, and newer documents are compared with its dates.
    ended: Option<EndedMetadata>,
    copy: LastCopy,
    /// Whether the copy was looked for.
    is_restored: bool,
    status: RefreshStatus,
}

/// # Setting up
impl DocumentRefresher {
    /// Makes a refresher for the document at this address. The name identifies its events, its status and its copy; the
    /// connections to the document's entities have their own names. The document's signature may use the algorithms of
    /// the provider.
    #[must_use]
    pub fn new(
        client: Client,
        provider: Provider,
        name: ConnectionId,
        address: impl Into<String>,
        source: TrustedSource,
    ) -> DocumentRefresher {
        let refresh = Refresh::new(source, RefreshSchedule::default(), Utc::now());
        DocumentRefresher {
            client,
            provider,
            name,
            address: address.into(),
            copies: None,
            refresh,
            at_hand: None,
            ended: None,
            copy: LastCopy::default(),
            is_restored: false,
            status: RefreshStatus::default(),
        }
    }

    /// Sets how often the document is requested.
    #[must_use]
    pub fn with_schedule(mut self, schedule: RefreshSchedule) -> DocumentRefresher {
        self.refresh = Refresh::new(self.refresh.source().clone(), schedule, Utc::now());
        self
    }

    /// Stores the last good document in a folder, which is created if it does not exist. [`load`](Self::load) reads it.
    /// Other refreshers, and other processes, may use the same folder. Nobody but the service may write to it: a copy is
    /// checked like the document, so without a signature it is trusted as it is.
    #[must_use]
    pub fn keeping_a_copy_in(mut self, folder: impl Into<PathBuf>) -> DocumentRefresher {
        self.copies = Some(Copies::new(folder));
        self
    }

    /// Returns the current document.
    #[must_use]
    pub fn metadata(&self) -> Option<&Arc<TrustedMetadata>> {
        self.at_hand.as_ref()
    }

    /// Returns a handle that tells how fresh the document is, from now on.
    #[must_use]
    pub fn status(&self) -> RefreshStatus {
        self.status.clone()
    }
}

/// # Running
impl DocumentRefresher {
    /// Reads the stored copy, and loads the document if there is no copy. A process calls this when it starts. If there is
    /// neither, the refresher has no document yet, and tries again when it [runs](Self::run).
    pub async fn load(&mut self) -> Vec<RefreshEvent> {
        let mut events: Vec<RefreshEvent> = self.restore_copy().await.into_iter().collect();
        events.extend(self.refresh_due().await);
        events
    }

    /// Requests the document if it is due, and returns what happened. Returns nothing if it is not due.
    pub async fn refresh_due(&mut self) -> Vec<RefreshEvent> {
        let (_never, mut stop) = Stop::never();
        self.refresh_until(&mut stop).await
    }

    async fn refresh_until(&mut self, stop: &mut Stop) -> Vec<RefreshEvent> {
        let now = Utc::now();
        if !self.refresh.is_due(now) {
            return Vec::new();
        }
        let validators = match self.copy.is_behind() {
            true => Validators::default(),
            false => self.refresh.validators(self.at_hand.as_deref().map(TrustedMetadata::bytes), now),
        };
        let Some(fetched) = stop.or(self.client.fetch(&self.address, &validators)).await else {
            return Vec::new();
        };
        let (fetched, beside) = Copies::written_beside(self.copies.as_ref(), &self.name, fetched).await;
        let outcome = self.answered(fetched).await;
        let mut events = vec![self.noted(outcome)];
        let is_new = events.iter().any(|event| event.metadata().is_some());
        let is_unchanged = events.iter().any(|event| matches!(event.outcome, RefreshOutcome::Unchanged));
        let beside = beside.filter(|_| is_new || is_unchanged);
        if let Some(copies) = &self.copies {
            let fetched_at = self.refresh.confirmed_at().filter(|_| is_new || is_unchanged);
            if let Err(reason) = self.copy.keep(copies, &self.name, beside, is_new, fetched_at).await {
                events.push(self.event(RefreshOutcome::CopyFailed { reason }));
            }
            self.status.note_copy(&self.name, self.copy.is_behind());
        }
        events
    }

    /// Keeps the document fresh for as long as it runs. It begins like [`load`](Self::load), if that was not called. `tell` is called with each event, on a thread for blocking work.
    pub async fn run(self, tell: impl Fn(&RefreshEvent) + Send + Sync + 'static) {
        let (_never, stop) = Stop::never();
        self.run_until(tell, stop).await;
    }

    /// [Runs](Self::run) beside the service, on the Tokio runtime that this is called on, until it is [stopped](RefreshTask::stop).
    pub fn start(self, tell: impl Fn(&RefreshEvent) + Send + Sync + 'static) -> RefreshTask {
        RefreshTask::start(self.status(), |stop| self.run_until(tell, stop))
    }

    async fn run_until(mut self, tell: impl Fn(&RefreshEvent) + Send + Sync + 'static, mut stop: Stop) {
        let tell = Arc::new(tell);
        let mut restored = self.restore_copy().await;
        loop {
            for event in restored.take().into_iter().chain(self.refresh_until(&mut stop).await) {
                let tell = Arc::clone(&tell);
                // The next document is requested after this call has ended.
                let _ = tokio::task::spawn_blocking(move || tell(&event)).await;
            }
            if !stop.sleep(self.until_next()).await {
                return;
            }
        }
    }

    fn until_next(&self) -> Duration {
        until(self.refresh.due())
    }
}

impl DocumentRefresher {
    async fn restore_copy(&mut self) -> Option<RefreshEvent> {
        let copies = self.copies.clone().filter(|_| !self.is_restored)?;
        self.is_restored = true;
        copies.remove_left_over().await;
        let outcome = match copies.read(&self.name).await {
            Ok(Some(copy)) => self.restored(copy).await,
            Ok(None) => return None,
            Err(reason) => RefreshOutcome::CopyFailed { reason },
        };
        Some(self.noted(outcome))
    }

    async fn restored(&mut self, copy: Copy) -> RefreshOutcome {
        let provider = self.provider.clone();
        let restore = move |refresh: &mut Refresh, _: Earlier<'_>| {
            Ok(match answer::restored(refresh, copy, &provider, Utc::now())? {
                Restored::Usable(metadata) => Ok(metadata),
                Restored::Ended { metadata, reason, .. } => Err((EndedMetadata::of(&metadata), reason)),
                _ => return Err(RefreshFailure::Interrupted {}),
            })
        };
        let reason = match self.checked(restore).await {
            Ok(Ok(metadata)) => return self.take(metadata, Vec::new()),
            Ok(Err((ended, reason))) => {
                self.ended = Some(ended);
                reason.into()
            }
            Err(reason) => reason,
        };
        RefreshOutcome::kept(&self.refresh, None, reason)
    }

    async fn answered(&mut self, fetched: Result<FetchedMetadata, ClientError>) -> RefreshOutcome {
        let provider = self.provider.clone();
        let take = move |refresh: &mut Refresh, known: Earlier<'_>| {
            answer::taken(refresh, fetched, known, &provider, Utc::now())
        };
        match self.checked(take).await {
            Ok(Refreshed::First(metadata) | Refreshed::Renewed(metadata)) => self.take(metadata, Vec::new()),
            Ok(Refreshed::Changed { metadata, changes, .. }) => self.take(metadata, changes),
            Ok(_) => RefreshOutcome::Unchanged,
            Err(reason) => RefreshOutcome::kept(&self.refresh, None, reason),
        }
    }

    /// Checks a document on a thread for blocking work.
    async fn checked<T: Send + 'static>(
        &mut self,
        check: impl FnOnce(&mut Refresh, Earlier<'_>) -> Result<T, RefreshFailure> + Send + 'static,
    ) -> Result<T, RefreshFailure> {
        let (mut refresh, at_hand) = (self.refresh.clone(), self.at_hand.clone());
        let ended = self.ended.clone();
        let checking = tokio::task::spawn_blocking(move || {
            let checked = check(&mut refresh, Earlier::of(at_hand.as_deref(), ended.as_ref()));
            (refresh, checked)
        });
        match checking.await {
            Ok((refresh, checked)) => {
                self.refresh = refresh;
                checked
            }
            Err(_) => {
                self.refresh.failed(None, Utc::now(), answer::random(&self.provider));
                Err(RefreshFailure::Interrupted {})
            }
        }
    }

    fn take(&mut self, metadata: TrustedMetadata, changes: Vec<MetadataChange>) -> RefreshOutcome {
        let (metadata, fetched_at) = (Arc::new(metadata), self.refresh.confirmed_at().unwrap_or_default());
        self.ended = None;
        match self.at_hand.replace(Arc::clone(&metadata)) {
            Some(_) => RefreshOutcome::DocumentChanged { metadata, changes },
            None => RefreshOutcome::DocumentLoaded { metadata, fetched_at },
        }
    }

    fn noted(&self, outcome: RefreshOutcome) -> RefreshEvent {
        self.status.note(&self.name, &self.refresh, None, &outcome);
        self.event(outcome)
    }

    fn event(&self, outcome: RefreshOutcome) -> RefreshEvent {
        RefreshEvent { connection: Some(self.name.clone()), outcome }
    }
}
