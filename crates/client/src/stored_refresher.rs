//! The refresher of connections in a store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, timeout};
use vouchsafe::metadata::{Refresh, RefreshSchedule, SpeaksFor, TrustedSource};
use vouchsafe::provisioning::{Actor, OrganizationId};
use vouchsafe::{ConnectionId, Provider};
use vouchsafe_store::{ConnectionStore, MetadataTrust, StoreError, StoredConnection};

use crate::status::StoredState;
use crate::stored_answer::{Asked, RULE, is_asked, taken};
use crate::stored_requests::Requests;
use crate::task::Stop;
use crate::{Client, RefreshEvent, RefreshFailure, RefreshOutcome, RefreshStatus, RefreshTask, answer};

/// The number of connections that are read from the store at a time.
const PAGE: usize = 1_000;
/// The number of new connections whose metadata is read at a time, to find out whether it ends soon.
const READ_AT_ONCE: usize = 512;
/// The interval at which the store is searched for new connections.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// The interval at which it is determined which connections are due.
const TICK: Duration = Duration::from_secs(1);

/// Keeps the metadata of a store's active connections fresh, if it was fetched from an address. Each source is
/// requested when it is due, and newer metadata is written to the store, with an entry in the audit. All processes of
/// the service use it at the next sign-in.
///
/// For most identity providers, only the address authenticates the metadata. So the settings of a connection
/// ([`StoredSettings::metadata`](vouchsafe_store::StoredSettings::metadata)) state what newer metadata must prove,
/// and which trusted keys it may change. Metadata that changes more is [staged](RefreshOutcome::Staged) until
/// somebody [approves](vouchsafe_store::OrganizationConnections::approve_metadata) it, and the current metadata is
/// used further.
///
/// At most eight sources are requested at a time, of which at most two are sources of one organization: those that are due
/// first, as soon as there is a place. So slow addresses of one organization do not hold back the others.
///
/// Between requests, only the due time of a connection is kept in memory. The first requests of many connections are
/// spread over one hour. Metadata that has ended, or that ends within this hour, is requested at once. A new connection is found within a minute. Several processes may each run a refresher: the
/// second one finds that nothing has changed. If somebody changes a connection during its request, that change is
/// kept, and the source is requested again.
///
/// ```no_run
/// # async fn example(store: vouchsafe_store::Memory) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use vouchsafe::Provider;
/// use vouchsafe_client::{Client, RefreshEvent, StoredRefresher};
///
/// let refresher = StoredRefresher::new(Client::new()?, Provider::rustcrypto(), Arc::new(store));
/// let refreshing = refresher.start(|event: &RefreshEvent| eprintln!("{event}"));
/// # refreshing.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StoredRefresher {
    client: Client,
    provider: Provider,
    schedule: RefreshSchedule,
    store: Arc<dyn ConnectionStore>,
    known: BTreeMap<ConnectionId, Known>,
    status: RefreshStatus,
}

/// The known state of a connection.
#[derive(Debug)]
struct Known {
    /// The time when it is due.
    refresh: Refresh,
    /// The address of the last request, and the trust that its documents were checked against.
    origin: Option<Origin>,
    /// The organization that it belongs to, if it was read.
    organization: Option<OrganizationId>,
    /// Whether its first request is at a random moment, and it is not known yet whether its metadata ends before that.
    may_end_sooner: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    address: String,
    trust: MetadataTrust,
}

impl StoredRefresher {
    /// Makes a refresher for the connections of this store.
    #[must_use]
    pub fn new<S: ConnectionStore + 'static>(
        client: Client,
        provider: Provider,
        store: Arc<S>,
    ) -> StoredRefresher {
        let schedule = RefreshSchedule::default();
        StoredRefresher {
            client,
            provider,
            schedule,
            store,
            known: BTreeMap::new(),
            status: RefreshStatus::default(),
        }
    }

    /// Sets how often sources are requested.
    #[must_use]
    pub fn with_schedule(mut self, schedule: RefreshSchedule) -> StoredRefresher {
        self.schedule = schedule;
        self
    }

    /// Keeps the connections fresh as long as it runs. `tell` is called with each event.
    pub async fn run(self, tell: impl Fn(&RefreshEvent) + Send) {
        let (_never, stop) = Stop::never();
        self.run_until(tell, stop).await;
    }

    /// [Runs](Self::run) in the background, on the current Tokio runtime, until it is [stopped](RefreshTask::stop).
    pub fn start(self, tell: impl Fn(&RefreshEvent) + Send + 'static) -> RefreshTask {
        RefreshTask::start(self.status(), |stop| self.run_until(tell, stop))
    }

    /// Returns the state of each connection's metadata. It is updated while the refresher runs.
    #[must_use]
    pub fn status(&self) -> RefreshStatus {
        self.status.clone()
    }

    async fn run_until(mut self, tell: impl Fn(&RefreshEvent) + Send, mut stop: Stop) {
        let mut requests = Requests::default();
        let (mut looked, mut ticked) = (None::<Instant>, None::<Instant>);
        while !stop.is_due() {
            if looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
                self.look_for_connections().await.iter().for_each(&tell);
                looked = Some(Instant::now());
            }
            if ticked.is_none_or(|at| at.elapsed() >= TICK) {
                self.find_due(&mut requests, &stop).await;
                ticked = Some(Instant::now());
            }
            self.ask_waiting(&mut requests, &stop).await.iter().for_each(&tell);
            if requests.is_idle() {
                stop.sleep(TICK).await;
            } else if let Some(Ok(Some(asked))) = stop.or(timeout(TICK, requests.answer())).await {
                self.answered(asked).await.iter().for_each(&tell);
            }
        }
        while let Some(Some(asked)) = stop.or(requests.answer()).await {
            self.answered(asked).await.iter().for_each(&tell);
        }
    }

    /// Searches the store for new connections, and removes those that are not active any more. Returns an event if
    /// this fails.
    pub async fn look_for_connections(&mut self) -> Option<RefreshEvent> {
        let mut found = BTreeMap::new();
        let mut after: Option<ConnectionId> = None;
        loop {
            let page = match self.store.active_connections(after.as_ref(), PAGE).await {
                Ok(page) => page,
                Err(reason) => {
                    self.status.note_search(Some(&reason));
                    // The known connections are refreshed further.
                    self.known.append(&mut found);
                    let outcome = RefreshOutcome::StoreFailed { reason: Box::new(reason) };
                    return Some(RefreshEvent { connection: None, outcome });
                }
            };
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            for one in page {
                let known = self.known.remove(&one.id);
                let known = known.unwrap_or_else(|| self.first_known());
                found.insert(one.id, known);
            }
        }
        self.known = found;
        self.status.note_search(None);
        self.status.keep_only(|id| self.known.contains_key(id));
        None
    }

    /// Returns the first state of a connection. Its source is read only when it is due, so it trusts nobody until then.
    fn first_known(&self) -> Known {
        let nobody = TrustedSource::danger_by_transport_alone(SpeaksFor::Entities(Default::default()));
        let refresh = Refresh::new(nobody, self.schedule, Utc::now());
        let refresh = refresh.spread(Utc::now(), answer::random(&self.provider));
        Known { refresh, origin: None, organization: None, may_end_sooner: true }
    }

    /// Reads the metadata of some new connections, and makes those due whose metadata has ended, or ends before the spread
    /// first requests are over: nobody can sign in over them then.
    async fn find_ending(&mut self, stop: &Stop) {
        let new = self.known.iter().filter(|(_, known)| known.may_end_sooner);
        let new: Vec<ConnectionId> = new.map(|(id, _)| id.clone()).take(READ_AT_ONCE).collect();
        let latest =
            Utc::now().checked_add_signed(TimeDelta::from_std(self.schedule.usual).unwrap_or(TimeDelta::MAX));
        for id in new {
            if stop.is_due() {
                return;
            }
            let stored = match self.store.connection(&id).await {
                Ok(stored) => stored,
                // A damaged row is told when it is due. In an outage the others are read later.
                Err(StoreError::Damaged { .. }) => None,
                Err(_) => return,
            };
            let organization = stored.as_ref().map(|stored| stored.organization.clone());
            let ends = match stored {
                Some(stored) => tokio::task::spawn_blocking(move || ends_before(&stored, latest)).await,
                None => Ok(false),
            };
            if let Some(known) = self.known.get_mut(&id) {
                (known.may_end_sooner, known.organization) = (false, organization);
                if ends.unwrap_or_default() {
                    known.refresh.hasten(Utc::now());
                }
            }
        }
    }

    /// Requests the sources of the connections that are due, and returns the event of each.
    pub async fn refresh_due(&mut self) -> Vec<RefreshEvent> {
        let (_never, stop) = Stop::never();
        let (mut requests, mut events) = (Requests::default(), Vec::new());
        self.find_due(&mut requests, &stop).await;
        loop {
            events.extend(self.ask_waiting(&mut requests, &stop).await);
            let Some(asked) = requests.answer().await else { return events };
            events.extend(self.answered(asked).await);
        }
    }

    /// Determines which connections are due.
    async fn find_due(&mut self, requests: &mut Requests, stop: &Stop) {
        self.find_ending(stop).await;
        let now = Utc::now();
        let due = self.known.iter().filter(|(_, known)| known.refresh.is_due(now));
        let mut due: Vec<_> = due.map(|(id, known)| (known.refresh.due(), id)).collect();
        due.sort_unstable();
        requests.wait(due.into_iter().map(|(_, id)| id.clone()));
    }

    /// Starts the requests for which there is a place. Returns the events of connections that cannot be asked.
    async fn ask_waiting(&mut self, requests: &mut Requests, stop: &Stop) -> Vec<RefreshEvent> {
        let mut events = Vec::new();
        while !stop.is_due()
            && let Some(id) =
                requests.next_waiting(|id| self.known.get(id).and_then(|known| known.organization.as_ref()))
        {
            match self.store.connection(&id).await {
                Ok(Some(stored)) => events.extend(self.ask(stored, requests)),
                Ok(None) => drop(self.known.remove(&id)),
                Err(reason) => {
                    // A damaged row concerns one connection. In an outage the other connections are read later.
                    if !matches!(reason, StoreError::Damaged { .. }) {
                        requests.wait_for_none();
                    }
                    events.extend(self.not_read(id, reason));
                }
            }
        }
        events
    }

    /// Schedules a connection that the store could not read for later, so that it does not delay the others.
    fn not_read(&mut self, id: ConnectionId, reason: StoreError) -> Option<RefreshEvent> {
        let known = self.known.get_mut(&id)?;
        known.refresh.failed(None, Utc::now(), answer::random(&self.provider));
        let outcome = RefreshOutcome::StoreFailed { reason: Box::new(reason) };
        self.status.note(&id, &known.refresh, None, &outcome);
        Some(RefreshEvent { connection: Some(id), outcome })
    }

    /// Requests the source of a connection. If it has no source or is not active, it is removed until the next search
    /// finds it again.
    fn ask(&mut self, stored: StoredConnection, requests: &mut Requests) -> Option<RefreshEvent> {
        let now = Utc::now();
        let url = stored.metadata.source.url().filter(|_| is_asked(&stored)).map(str::to_owned);
        let Some(url) = url else {
            self.known.remove(&stored.id);
            return None;
        };
        let known = self.known.get_mut(&stored.id)?;
        known.organization = Some(stored.organization.clone());
        if !requests.has_place_for(&stored.organization) {
            requests.wait_again(stored.id);
            return None;
        }
        let origin = Origin { address: url.clone(), trust: stored.settings.metadata.clone() };
        if known.origin.as_ref() != Some(&origin) {
            let source = match stored.metadata_source() {
                Ok(source) => source,
                Err(reason) => {
                    // A fingerprint that is not valid trusts nobody.
                    let reason = RefreshFailure::Refused(reason);
                    known.refresh.failed(None, now, answer::random(&self.provider));
                    let fetched_at = Some(stored.metadata.fetched_at);
                    let outcome = RefreshOutcome::kept(&known.refresh, fetched_at, reason);
                    self.status.note(&stored.id, &known.refresh, Some(state_of(&stored)), &outcome);
                    return Some(RefreshEvent { connection: Some(stored.id), outcome });
                }
            };
            // The validators of another address must not be used.
            let refresh = Refresh::new(source, self.schedule, now);
            let organization = known.organization.take();
            *known = Known { refresh, origin: Some(origin), organization, may_end_sooner: false };
        }
        known.refresh.set_older_since(stored.older_since);
        let validators = known.refresh.validators(Some(&stored.metadata.document), now);
        let client = self.client.clone();
        requests.start(stored.id.clone(), stored.organization.clone(), async move {
            let fetched = client.fetch(&url, &validators).await;
            Asked { stored, fetched }
        });
        None
    }

    async fn answered(&mut self, asked: Asked) -> Option<RefreshEvent> {
        let (id, state) = (asked.stored.id.clone(), state_of(&asked.stored));
        let known = self.known.get_mut(&id)?;
        let by = Actor::Rule(RULE.into());
        let taken = taken(&mut known.refresh, asked, &*self.store, &self.provider, by).await;
        let Some(outcome) = taken else {
            self.known.remove(&id);
            return None;
        };
        self.status.note(&id, &known.refresh, Some(state), &outcome);
        Some(RefreshEvent { connection: Some(id), outcome })
    }
}

fn state_of(stored: &StoredConnection) -> StoredState {
    StoredState { fetched_at: stored.metadata.fetched_at, waits_for_approval: stored.staged.is_some() }
}

/// Returns whether the metadata of a connection has ended by this time. Metadata that cannot be read counts as ended.
fn ends_before(stored: &StoredConnection, latest: Option<DateTime<Utc>>) -> bool {
    // Without an address there is nobody to ask.
    if stored.metadata.source.url().is_none() || !is_asked(stored) {
        return false;
    }
    let Ok(connection) = stored.to_connection() else { return true };
    connection.identity_provider().valid_until().is_some_and(|end| latest.is_none_or(|latest| end <= latest))
}
