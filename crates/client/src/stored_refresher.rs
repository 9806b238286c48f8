//! Keeps the metadata of connections in a store fresh.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::task::JoinSet;
use vouchsafe::metadata::{Refresh, RefreshSchedule, SpeaksFor, TrustedSource};
use vouchsafe::provisioning::Actor;
use vouchsafe::{ConnectionId, Provider};
use vouchsafe_store::{ConnectionStore, MetadataTrust, StoredConnection};

use crate::stored_answer::{Asked, RULE, at_hand, is_asked, taken};
use crate::task::Stop;
use crate::{Client, RefreshEvent, RefreshFailure, RefreshOutcome, RefreshStatus, RefreshTask, answer};

/// How many sources are asked at a time.
const AT_ONCE: usize = 8;
/// How many names of connections are read from the store at a time.
const PAGE: usize = 1_000;
/// How often the store is looked through for connections that are new.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Keeps the metadata of the active connections of a store fresh, those whose metadata was fetched from an address: each is asked in its time,
/// and what is new is written to the store, where the audit says what changed. All processes of the service take it over at the next sign-in.
///
/// Nothing but its address vouches for the metadata of most identity providers, so a connection says
/// ([`StoredSettings::metadata`](vouchsafe_store::StoredSettings::metadata)) what newer metadata has to prove, and how far it may change whom the
/// connection trusts. What goes beyond that is [staged](RefreshOutcome::Staged) until somebody
/// [approves](vouchsafe_store::OrganizationConnections::approve_metadata) it, and what is known goes on serving.
///
/// Between the questions nothing is held of a connection but when it is due. The questions of many connections are spread over an hour after the start. A connection that is added later is noticed within a minute. Several processes may run
/// one each: who comes second finds that nothing has changed. Whoever changes the connection while its source is asked wins, and it is asked again.
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

/// What is known of a connection.
#[derive(Debug)]
struct Known {
    /// When it is due.
    refresh: Refresh,
    /// Where it was asked last, and what its documents had to prove.
    origin: Option<Origin>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    address: String,
    trust: MetadataTrust,
}

impl StoredRefresher {
    /// One for the connections of this store.
    #[must_use]
    pub fn new(client: Client, provider: Provider, store: Arc<dyn ConnectionStore>) -> StoredRefresher {
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

    /// The same one that asks this often.
    #[must_use]
    pub fn with_schedule(mut self, schedule: RefreshSchedule) -> StoredRefresher {
        self.schedule = schedule;
        self
    }

    /// Keeps the connections fresh for as long as it runs. Each event is told.
    pub async fn run(self, tell: impl Fn(&RefreshEvent) + Send) {
        let (_never, stop) = Stop::never();
        self.run_until(tell, stop).await;
    }

    /// [Runs](Self::run) beside the service, on the Tokio runtime that this is called on, until it is [stopped](RefreshTask::stop).
    pub fn start(self, tell: impl Fn(&RefreshEvent) + Send + 'static) -> RefreshTask {
        RefreshTask::start(self.status(), |stop| self.run_until(tell, stop))
    }

    /// How fresh the metadata of each connection is, from now on.
    #[must_use]
    pub fn status(&self) -> RefreshStatus {
        self.status.clone()
    }

    async fn run_until(mut self, tell: impl Fn(&RefreshEvent) + Send, mut stop: Stop) {
        loop {
            self.look_for_connections().await.iter().for_each(&tell);
            let looked = tokio::time::Instant::now();
            while looked.elapsed() < LOOK_EVERY {
                self.refresh_until(&stop).await.iter().for_each(&tell);
                if !stop.sleep(Duration::from_secs(1)).await {
                    return;
                }
            }
        }
    }

    /// Looks through the store for connections that are new, and forgets those that are not active any more. It answers what went wrong.
    pub async fn look_for_connections(&mut self) -> Option<RefreshEvent> {
        let mut found = BTreeMap::new();
        let mut after: Option<ConnectionId> = None;
        loop {
            let page = match self.store.active_connections(after.as_ref(), PAGE).await {
                Ok(page) => page,
                Err(reason) => {
                    // Those that were found already are looked after as before.
                    self.known.append(&mut found);
                    let outcome = RefreshOutcome::StoreFailed { reason: Box::new(reason) };
                    return Some(RefreshEvent { connection: after, outcome });
                }
            };
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            for one in page {
                let known = self.known.remove(&one.id);
                let known = known.unwrap_or_else(|| Known { refresh: self.first_refresh(), origin: None });
                found.insert(one.id, known);
            }
        }
        self.known = found;
        self.status.keep_only(|id| self.known.contains_key(id));
        None
    }

    /// The source of a connection is not looked up before it is due.
    fn first_refresh(&self) -> Refresh {
        let nobody = TrustedSource::danger_by_transport_alone(SpeaksFor::Entities(Default::default()));
        Refresh::new(nobody, self.schedule, Utc::now()).spread(Utc::now(), answer::random(&self.provider))
    }

    /// Asks the sources of the connections that are due, eight at a time, and answers what came of each.
    pub async fn refresh_due(&mut self) -> Vec<RefreshEvent> {
        let (_never, stop) = Stop::never();
        self.refresh_until(&stop).await
    }

    async fn refresh_until(&mut self, stop: &Stop) -> Vec<RefreshEvent> {
        let now = Utc::now();
        let due = self.known.iter().filter(|(_, known)| known.refresh.due() <= now);
        let mut waiting = due.map(|(id, _)| id.clone()).collect::<Vec<_>>().into_iter();
        let (mut running, mut events) = (JoinSet::new(), Vec::new());
        loop {
            while running.len() < AT_ONCE
                && !stop.is_due()
                && let Some(id) = waiting.next()
            {
                match self.store.connection(&id).await {
                    Ok(Some(stored)) => events.extend(self.ask(stored, &mut running)),
                    Ok(None) => drop(self.known.remove(&id)),
                    Err(reason) => {
                        let outcome = RefreshOutcome::StoreFailed { reason: Box::new(reason) };
                        events.push(RefreshEvent { connection: Some(id), outcome });
                        return events;
                    }
                }
            }
            let Some(joined) = running.join_next().await else { return events };
            // A task neither panics nor is cancelled.
            let Ok(asked) = joined else { continue };
            let Some(event) = self.answered(asked).await else { continue };
            events.push(event);
        }
    }

    /// Asks the source of a connection. One that has none, or signs nobody in, is not asked until it is looked for again.
    fn ask(&mut self, stored: StoredConnection, running: &mut JoinSet<Asked>) -> Option<RefreshEvent> {
        let now = Utc::now();
        let url = stored.metadata.source.url().filter(|_| is_asked(&stored)).map(str::to_owned);
        let Some(url) = url else {
            self.known.remove(&stored.id);
            return None;
        };
        let known = self.known.get_mut(&stored.id)?;
        let at_hand = at_hand(&stored, &self.provider, now);
        let origin = Origin { address: url.clone(), trust: stored.settings.metadata.clone() };
        if known.origin.as_ref() != Some(&origin) {
            let source = match stored.metadata_source() {
                Ok(source) => source,
                Err(reason) => {
                    // A fingerprint that is none trusts nobody.
                    let reason = RefreshFailure::Refused(reason);
                    known.refresh.failed(None, now, answer::random(&self.provider));
                    let fetched_at = Some(stored.metadata.fetched_at);
                    let outcome = RefreshOutcome::kept(&known.refresh, fetched_at, reason);
                    self.status.note(&stored.id, &known.refresh, fetched_at, &outcome);
                    return Some(RefreshEvent { connection: Some(stored.id), outcome });
                }
            };
            // Another address knows nothing of what the one before gave.
            *known = Known { refresh: Refresh::new(source, self.schedule, now), origin: Some(origin) };
        }
        let validators = known.refresh.validators(at_hand.as_ref());
        let client = self.client.clone();
        running.spawn(async move {
            let fetched = client.fetch(&url, &validators).await;
            Asked { stored, at_hand, fetched }
        });
        None
    }

    async fn answered(&mut self, asked: Asked) -> Option<RefreshEvent> {
        let (id, fetched_at) = (asked.stored.id.clone(), asked.stored.metadata.fetched_at);
        let known = self.known.get_mut(&id)?;
        let by = Actor::Rule(RULE.into());
        let taken = taken(&mut known.refresh, asked, &*self.store, &self.provider, by).await;
        let Some(outcome) = taken else {
            self.known.remove(&id);
            return None;
        };
        self.status.note(&id, &known.refresh, Some(fetched_at), &outcome);
        Some(RefreshEvent { connection: Some(id), outcome })
    }
}
