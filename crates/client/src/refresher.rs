//! The refresher, which keeps the metadata of connections fresh.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;
use vouchsafe::metadata::{
    EndedMetadata, FetchedMetadata, MetadataChange, Refresh, RefreshSchedule, Refreshed, Restored, SpeaksFor,
    TrustedMetadata, TrustedSource, Validators,
};
use vouchsafe::{
    BindingError, Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider,
    Provider,
};

use crate::answer::Earlier;
use crate::copies::{Beside, Copies, Copy, LastCopy};
use crate::task::Stop;
use crate::{Client, ClientError, RefreshEvent, RefreshOutcome, RefreshStatus, RefreshTask, answer};

/// The number of sources that are requested at a time.
const AT_ONCE: usize = 8;
/// The longest sleep, so that a clock that was set back does no harm.
const LONGEST_SLEEP: Duration = Duration::from_secs(600);

/// Keeps the metadata of connections fresh: requests each source when it is due, checks the answer against its trust,
/// and keeps the last good document.
///
/// Each connection changes independently, and a reader of a connection never waits for the network. If a source fails
/// or sends an unusable document, nothing changes: the current metadata is used until its own `validUntil`.
///
/// ```no_run
/// use std::sync::Arc;
/// use vouchsafe::{Connection, ConnectionId, Connections, EntityId, Provider};
/// use vouchsafe_client::{Client, RefreshEvent, RefreshedConnection, Refresher};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let acme = RefreshedConnection::new(
///     ConnectionId::new("acme")?,
///     EntityId::new("http://www.okta.com/exk1")?,
///     "https://example.okta.com/app/exk1/sso/saml/metadata",
/// );
/// let mut refresher = Refresher::new(Client::new()?, Provider::rustcrypto())
///     .keeping_copies_in("/var/lib/example/metadata")
///     .with(acme);
///
/// let connections = Arc::new(Connections::new());
/// for event in refresher.load().await {
///     if let (Some(id), Some(okta)) = (event.connection(), event.identity_provider()) {
///         connections.put(Connection::new(id.clone(), okta.clone()));
///     }
/// }
/// // From now on, beside the service, until it is stopped.
/// let refreshing = refresher.start(Arc::clone(&connections), |event: &RefreshEvent| eprintln!("{event}"));
/// # refreshing.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Refresher {
    client: Client,
    provider: Provider,
    schedule: RefreshSchedule,
    copies: Option<Copies>,
    sources: Vec<Source>,
    status: RefreshStatus,
}

/// A connection whose metadata is kept fresh.
#[derive(Clone, Debug)]
pub struct RefreshedConnection {
    id: ConnectionId,
    identity_provider: EntityId,
    address: String,
    source: TrustedSource,
    /// The settings that it is added with if the service does not have it.
    adding: Option<ConnectionSettings>,
}

#[derive(Debug)]
struct Source {
    connection: RefreshedConnection,
    refresh: Refresh,
    at_hand: Option<TrustedMetadata>,
    /// A copy that had ended when it was read. It is not used, and newer documents are compared with its dates.
    ended: Option<EndedMetadata>,
    copy: LastCopy,
    /// Whether its copy was looked for.
    is_restored: bool,
}

/// The way in which a document was accepted.
enum Accepted {
    First,
    Renewed,
    Changed(Vec<MetadataChange>),
}

impl RefreshedConnection {
    /// Makes a connection whose identity provider publishes unsigned metadata at this address, as Okta, Entra ID and
    /// Google do. The party that controls the host decides which keys the connection trusts, for this entity and no
    /// other.
    pub fn new(
        id: ConnectionId,
        identity_provider: EntityId,
        address: impl Into<String>,
    ) -> RefreshedConnection {
        let source = TrustedSource::danger_by_transport_alone(SpeaksFor::entity(identity_provider.clone()));
        RefreshedConnection { id, identity_provider, address: address.into(), source, adding: None }
    }

    /// Sets the trust that documents are checked against, such as the key of a federation. Here, the source may
    /// describe only the connection's identity provider.
    #[must_use]
    pub fn trusting(mut self, source: TrustedSource) -> RefreshedConnection {
        self.source = source.for_entity(&self.identity_provider);
        self
    }

    /// Adds the connection with these settings to the service's connections when its metadata is loaded for the first
    /// time, if the service does not have it then. It is added at most once, and not if the refresher has seen it before:
    /// then it was removed. Without this, a refresher adds no connection, and reports one that the service does not have as
    /// [not configured](RefreshOutcome::NotConfigured).
    #[must_use]
    pub fn adding(mut self, settings: ConnectionSettings) -> RefreshedConnection {
        self.adding = Some(settings);
        self
    }
}

/// # Setting up
impl Refresher {
    /// Makes a refresher without connections. Signatures of metadata may have the algorithms that the provider
    /// accepts.
    #[must_use]
    pub fn new(client: Client, provider: Provider) -> Refresher {
        let schedule = RefreshSchedule::default();
        Refresher {
            client,
            provider,
            schedule,
            copies: None,
            sources: Vec::new(),
            status: RefreshStatus::default(),
        }
    }

    /// Sets how often sources are requested, for the connections that are added afterwards.
    #[must_use]
    pub fn with_schedule(mut self, schedule: RefreshSchedule) -> Refresher {
        self.schedule = schedule;
        self
    }

    /// Keeps the last good document of each connection in a folder, which is created if it does not exist.
    /// [`load`](Self::load) reads these documents.
    #[must_use]
    pub fn keeping_copies_in(mut self, folder: impl Into<PathBuf>) -> Refresher {
        self.copies = Some(Copies::new(folder));
        self
    }

    /// Adds a connection.
    #[must_use]
    pub fn with(mut self, connection: RefreshedConnection) -> Refresher {
        let refresh = Refresh::new(connection.source.clone(), self.schedule, Utc::now());
        self.sources.push(Source {
            connection,
            refresh,
            at_hand: None,
            ended: None,
            copy: LastCopy::default(),
            is_restored: false,
        });
        self
    }
}

/// # Running
impl Refresher {
    /// Reads the copies, and fetches the metadata that has no copy. A process calls it at its start. A connection for
    /// which both fail is reported as [kept](RefreshOutcome::Kept) without metadata, and is tried again when the
    /// refresher [runs](Self::run).
    pub async fn load(&mut self) -> Vec<RefreshEvent> {
        let mut events = self.restore_copies().await;
        events.extend(self.refresh_due().await);
        events
    }

    /// Requests the sources that are due, eight at a time, and returns the event of each.
    pub async fn refresh_due(&mut self) -> Vec<RefreshEvent> {
        let mut events = Vec::new();
        let (_never, mut stop) = Stop::never();
        self.refresh_until(&mut stop, |event| events.push(event)).await;
        events
    }

    /// Requests the sources that are due, and passes each event on when it comes: a source that is slow does not hold back
    /// the keys of another.
    async fn refresh_until(&mut self, stop: &mut Stop, mut tell: impl FnMut(RefreshEvent)) {
        let now = Utc::now();
        let due = |(place, source): (usize, &Source)| source.refresh.is_due(now).then_some(place);
        let mut waiting = self.sources.iter().enumerate().filter_map(due).collect::<Vec<_>>().into_iter();
        let mut running = JoinSet::new();
        loop {
            while running.len() < AT_ONCE
                && !stop.is_due()
                && let Some(place) = waiting.next()
            {
                let Some(source) = self.sources.get(place) else { continue };
                let (client, address) = (self.client.clone(), source.connection.address.clone());
                let validators = match source.copy.is_behind() {
                    true => Validators::default(),
                    false => {
                        let at_hand = source.at_hand.as_ref().map(TrustedMetadata::bytes);
                        source.refresh.validators(at_hand, now)
                    }
                };
                running.spawn(async move { (place, client.fetch(&address, &validators).await) });
            }
            let Some(Some(joined)) = stop.or(running.join_next()).await else { return };
            // The task neither panics nor is cancelled.
            let Ok((place, fetched)) = joined else { continue };
            if let Some(source) = self.sources.get_mut(place) {
                let (fetched, beside) =
                    Copies::written_beside(self.copies.as_ref(), &source.connection.id, fetched).await;
                let event = source.answered(fetched, &self.provider);
                self.status.note(&source.connection.id, &source.refresh, None, &event.outcome);
                let is_new = event.identity_provider().is_some();
                let is_accepted = is_new || matches!(event.outcome, RefreshOutcome::Unchanged);
                tell(event);
                let beside = beside.filter(|_| is_accepted);
                let failed = source.keep_copy(self.copies.as_ref(), beside, is_new, is_accepted).await;
                failed.into_iter().for_each(&mut tell);
                self.status.note_copy(&source.connection.id, source.copy.is_behind());
            }
        }
    }

    /// Keeps the connections fresh as long as it runs: new keys take effect at the next sign-in. It begins like
    /// [`load`](Self::load), if that was not called. `tell` is called with each event.
    ///
    /// A connection that `connections` does not have is not added, because it may have been removed, and because its
    /// settings are not known, unless [`RefreshedConnection::adding`] says so. Where `tell` adds it when it is told that
    /// its metadata was loaded, it is there.
    ///
    /// Each answer that is accepted takes effect, also one that changes nothing. So a connection that is added later, or is
    /// put again with other metadata, gets the metadata of its source with the next answer.
    pub async fn run(self, connections: Arc<Connections>, tell: impl Fn(&RefreshEvent) + Send) {
        let (_never, stop) = Stop::never();
        self.run_until(connections, tell, stop).await;
    }

    /// [Runs](Self::run) in the background, on the current Tokio runtime, until it is [stopped](RefreshTask::stop).
    pub fn start(
        self,
        connections: Arc<Connections>,
        tell: impl Fn(&RefreshEvent) + Send + 'static,
    ) -> RefreshTask {
        RefreshTask::start(self.status(), |stop| self.run_until(connections, tell, stop))
    }

    /// Returns the state of each connection's metadata. It is updated while the refresher runs.
    #[must_use]
    pub fn status(&self) -> RefreshStatus {
        self.status.clone()
    }

    async fn run_until(
        mut self,
        connections: Arc<Connections>,
        tell: impl Fn(&RefreshEvent) + Send,
        mut stop: Stop,
    ) {
        let mut registered = Registered::new(connections, &self.sources);
        registered.add_loaded().iter().for_each(&tell);
        let mut tell = move |event: RefreshEvent| {
            let refused = registered.take_effect(&event);
            tell(&event);
            registered.missing(&event, refused).iter().for_each(&tell);
        };
        self.restore_copies().await.into_iter().for_each(&mut tell);
        loop {
            self.refresh_until(&mut stop, &mut tell).await;
            if !stop.sleep(self.until_next()).await {
                return;
            }
        }
    }

    fn until_next(&self) -> Duration {
        let next = self.sources.iter().map(|source| source.refresh.due()).min();
        next.map_or(LONGEST_SLEEP, until)
    }

    async fn restore_copies(&mut self) -> Vec<RefreshEvent> {
        let Some(copies) = &self.copies else { return Vec::new() };
        copies.remove_left_over().await;
        let mut events = Vec::new();
        for source in self.sources.iter_mut().filter(|source| !source.is_restored) {
            source.is_restored = true;
            let read = copies.read(&source.connection.id).await;
            let outcome = match read {
                Ok(Some(copy)) => source.restore(copy, &self.provider),
                Ok(None) => continue,
                Err(reason) => RefreshOutcome::CopyFailed { reason },
            };
            self.status.note(&source.connection.id, &source.refresh, None, &outcome);
            events.push(RefreshEvent { connection: Some(source.connection.id.clone()), outcome });
        }
        events
    }
}

/// Returns how long a refresher sleeps before a request at that time.
pub(crate) fn until(next: DateTime<Utc>) -> Duration {
    let until = next.signed_duration_since(Utc::now()).to_std().unwrap_or_default();
    until.clamp(Duration::from_millis(100), LONGEST_SLEEP)
}

impl Source {
    fn answered(
        &mut self,
        fetched: Result<FetchedMetadata, ClientError>,
        provider: &Provider,
    ) -> RefreshEvent {
        let known = Earlier::of(self.at_hand.as_ref(), self.ended.as_ref());
        let taken = answer::taken(&mut self.refresh, fetched, known, provider, Utc::now());
        let outcome = match taken {
            Ok(Refreshed::Changed { metadata, changes, .. }) => {
                self.take(metadata, Accepted::Changed(changes))
            }
            Ok(Refreshed::First(metadata)) => self.take(metadata, Accepted::First),
            Ok(Refreshed::Renewed(metadata)) => self.take(metadata, Accepted::Renewed),
            Ok(_) => RefreshOutcome::Unchanged,
            Err(reason) => RefreshOutcome::kept(&self.refresh, None, reason),
        };
        RefreshEvent { connection: Some(self.connection.id.clone()), outcome }
    }

    fn restore(&mut self, copy: Copy, provider: &Provider) -> RefreshOutcome {
        let reason = match answer::restored(&mut self.refresh, copy, provider, Utc::now()) {
            Ok(Restored::Usable(metadata)) => return self.take(metadata, Accepted::First),
            Ok(Restored::Ended { metadata, reason, .. }) => {
                self.ended = Some(EndedMetadata::of(&metadata));
                reason
            }
            Ok(_) => return RefreshOutcome::Unchanged,
            Err(reason) => reason,
        };
        RefreshOutcome::kept(&self.refresh, None, reason.into())
    }

    fn take(&mut self, metadata: TrustedMetadata, accepted: Accepted) -> RefreshOutcome {
        let fetched_at = self.refresh.confirmed_at().unwrap_or_default();
        let identity_provider = match metadata.identity_provider(&self.connection.identity_provider) {
            Ok(identity_provider) => identity_provider.clone(),
            // An accepted document contains it, so this does not happen.
            Err(error) => return RefreshOutcome::kept(&self.refresh, None, error.into()),
        };
        (self.at_hand, self.ended) = (Some(metadata), None);
        match accepted {
            Accepted::Changed(changes) => RefreshOutcome::Changed { identity_provider, changes },
            Accepted::Renewed => RefreshOutcome::Renewed { identity_provider },
            Accepted::First => RefreshOutcome::Loaded { identity_provider, fetched_at },
        }
    }

    /// Stores a document in its file. Returns an event if this fails.
    async fn keep_copy(
        &mut self,
        copies: Option<&Copies>,
        beside: Option<std::io::Result<Beside>>,
        is_new: bool,
        is_accepted: bool,
    ) -> Option<RefreshEvent> {
        let (id, fetched_at) = (self.connection.id.clone(), self.refresh.confirmed_at());
        let confirmed = fetched_at.filter(|_| is_accepted);
        let reason = self.copy.keep(copies?, &id, beside, is_new, confirmed).await.err()?;
        Some(RefreshEvent { connection: Some(id), outcome: RefreshOutcome::CopyFailed { reason } })
    }
}

/// The connections of the service, which receive newer metadata.
struct Registered {
    connections: Arc<Connections>,
    /// Those that are added if they are missing. Whatever was seen once is not among them: it is missing because it was
    /// removed.
    adding: BTreeMap<ConnectionId, ConnectionSettings>,
    /// The current metadata of each source.
    current: BTreeMap<ConnectionId, IdentityProvider>,
    /// The connections as the last answers left them.
    left: BTreeMap<ConnectionId, Connection>,
}

impl Registered {
    fn new(connections: Arc<Connections>, sources: &[Source]) -> Registered {
        let current = sources.iter().filter_map(|source| {
            let RefreshedConnection { id, identity_provider, .. } = &source.connection;
            let found = source.at_hand.as_ref()?.identity_provider(identity_provider).ok()?;
            Some((id.clone(), found.clone()))
        });
        let current = current.collect();
        let adding = sources.iter().filter_map(|source| {
            let RefreshedConnection { id, adding, .. } = &source.connection;
            let is_there = connections.get(id.as_str()).is_some();
            adding.clone().filter(|_| !is_there).map(|settings| (id.clone(), settings))
        });
        Registered { adding: adding.collect(), current, left: BTreeMap::new(), connections }
    }

    /// Gives the metadata of an accepted answer to its connection, also if the answer has changed nothing: the application
    /// may have put the connection back with other metadata, or added it later. Returns why the metadata does not take
    /// effect, if the connection is there or was to be added.
    fn take_effect(&mut self, event: &RefreshEvent) -> Option<BindingError> {
        let id = event.connection()?;
        let present = self.connections.get(id.as_str());
        if present.is_some() {
            self.adding.remove(id);
        }
        if let Some(newer) = event.identity_provider() {
            self.current.insert(id.clone(), newer.clone());
        } else if !matches!(event.outcome, RefreshOutcome::Unchanged) || self.is_as_left(id, present.as_ref())
        {
            return None;
        }
        let current = self.current.get(id)?.clone();
        match (self.connections.refresh(id.as_str(), current.clone()), &event.outcome) {
            (Ok(None), RefreshOutcome::Loaded { .. }) => self.add(id, &current).err(),
            (Ok(refreshed), _) => {
                self.left.extend(refreshed.map(|refreshed| (id.clone(), refreshed)));
                None
            }
            // The connection is to another entity.
            (Err(reason), _) => {
                self.left.extend(present.map(|present| (id.clone(), present)));
                Some(reason)
            }
        }
    }

    /// Returns whether a connection is the one that the last answer left. Its keys are parsed once, and whatever is wrong
    /// with it is told once.
    fn is_as_left(&self, id: &ConnectionId, present: Option<&Connection>) -> bool {
        let left = self.left.get(id).map(Connection::identity_provider);
        present.zip(left).is_some_and(|(present, left)| std::ptr::eq(present.identity_provider(), left))
    }

    /// Adds the connections whose metadata was loaded before the refresher was started. Returns an event for each that
    /// cannot be added.
    fn add_loaded(&mut self) -> Vec<RefreshEvent> {
        let loaded = self.current.clone().into_iter();
        loaded
            .filter_map(|(id, found)| {
                let reason = Some(self.add(&id, &found).err()?);
                let outcome = RefreshOutcome::NotConfigured { reason };
                Some(RefreshEvent { connection: Some(id), outcome })
            })
            .collect()
    }

    fn add(&mut self, id: &ConnectionId, found: &IdentityProvider) -> Result<(), BindingError> {
        if let Some(settings) = self.adding.remove(id) {
            self.connections.put(Connection::new(id.clone(), found.clone()).with_settings(settings)?);
        }
        Ok(())
    }

    /// Returns the event that metadata was loaded for a connection that nobody has added, or to which it does not belong.
    fn missing(&self, event: &RefreshEvent, reason: Option<BindingError>) -> Option<RefreshEvent> {
        let id = event.connection()?;
        let is_loaded = matches!(event.outcome, RefreshOutcome::Loaded { .. });
        let is_missing = is_loaded && self.connections.get(id.as_str()).is_none();
        (is_missing || reason.is_some()).then(|| RefreshEvent {
            connection: Some(id.clone()),
            outcome: RefreshOutcome::NotConfigured { reason },
        })
    }
}
