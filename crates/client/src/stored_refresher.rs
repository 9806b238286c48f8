//! Keeps the metadata of connections in a store fresh.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::task::JoinSet;
use vouchsafe::metadata::{
    FetchedMetadata, Refresh, RefreshSchedule, Refreshed, SpeaksFor, TrustedMetadata, TrustedSource,
};
use vouchsafe::provisioning::Actor;
use vouchsafe::{ConnectionId, ConnectionState, EntityId, Provider};
use vouchsafe_store::{Author, ConnectionMetadata, ConnectionStore, MetadataSource, StoredConnection};

use crate::{Client, ClientError, RefreshEvent, RefreshOutcome, answer};

/// How many sources are asked at a time.
const AT_ONCE: usize = 8;
/// How many names of connections are read from the store at a time.
const PAGE: usize = 1_000;
/// How often the store is looked through for connections that are new.
const LOOK_EVERY: Duration = Duration::from_secs(300);

/// The rule under which the audit has what it changed.
const RULE: &str = "metadata.refresh";

/// Keeps the metadata of the active connections of a store fresh, those whose metadata was fetched from an address: each is asked in its time,
/// and what is new is written to the store, where the audit says what changed. All processes of the service take it over at the next sign-in.
///
/// Between the questions nothing is held of a connection but when it is due. The questions of many connections are spread over an hour after the start. Several processes may run
/// one each: who comes second finds that nothing has changed.
///
/// ```no_run
/// # async fn example(store: vouchsafe_store::Memory) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use vouchsafe::Provider;
/// use vouchsafe_client::{Client, RefreshEvent, StoredRefresher};
///
/// let refresher = StoredRefresher::new(Client::new()?, Provider::rustcrypto(), Arc::new(store));
/// tokio::spawn(refresher.run(|event: &RefreshEvent| eprintln!("{event}")));
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
}

/// What is known of a connection.
#[derive(Debug)]
struct Known {
    /// When it is due.
    refresh: Refresh,
    /// Where it was asked last.
    address: Option<String>,
}

/// A connection, and what its source answered.
struct Asked {
    stored: StoredConnection,
    at_hand: Option<TrustedMetadata>,
    fetched: Result<FetchedMetadata, ClientError>,
}

impl StoredRefresher {
    /// One for the connections of this store.
    #[must_use]
    pub fn new(client: Client, provider: Provider, store: Arc<dyn ConnectionStore>) -> StoredRefresher {
        let schedule = RefreshSchedule::default();
        StoredRefresher { client, provider, schedule, store, known: BTreeMap::new() }
    }

    /// The same one that asks this often.
    #[must_use]
    pub fn with_schedule(mut self, schedule: RefreshSchedule) -> StoredRefresher {
        self.schedule = schedule;
        self
    }

    /// Keeps the connections fresh for as long as it runs. Each event is told.
    pub async fn run(mut self, tell: impl Fn(&RefreshEvent) + Send) {
        loop {
            self.look_for_connections().await.iter().for_each(&tell);
            let looked = tokio::time::Instant::now();
            while looked.elapsed() < LOOK_EVERY {
                self.refresh_due().await.iter().for_each(&tell);
                tokio::time::sleep(Duration::from_secs(1)).await;
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
                    let outcome = RefreshOutcome::StoreFailed { reason: Box::new(reason) };
                    return Some(RefreshEvent { connection: after, outcome });
                }
            };
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            for one in page {
                let known = self.known.remove(&one.id);
                let known = known.unwrap_or_else(|| Known { refresh: self.first_refresh(), address: None });
                found.insert(one.id, known);
            }
        }
        self.known = found;
        None
    }

    /// The source of a connection is not looked up before it is due.
    fn first_refresh(&self) -> Refresh {
        let nobody = TrustedSource::danger_by_transport_alone(SpeaksFor::Entities(Default::default()));
        Refresh::new(nobody, self.schedule, Utc::now()).spread(Utc::now(), answer::random(&self.provider))
    }

    /// Asks the sources of the connections that are due, eight at a time, and answers what came of each.
    pub async fn refresh_due(&mut self) -> Vec<RefreshEvent> {
        let now = Utc::now();
        let due = self.known.iter().filter(|(_, known)| known.refresh.due() <= now);
        let mut waiting = due.map(|(id, _)| id.clone()).collect::<Vec<_>>().into_iter();
        let (mut running, mut events) = (JoinSet::new(), Vec::new());
        loop {
            while running.len() < AT_ONCE
                && let Some(id) = waiting.next()
            {
                match self.store.connection(&id).await {
                    Ok(Some(stored)) => self.ask(stored, &mut running),
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
            events.extend(self.answered(asked).await);
        }
    }

    /// Asks the source of a connection. One that has none, or signs nobody in, is not asked until it is looked for again.
    fn ask(&mut self, stored: StoredConnection, running: &mut JoinSet<Asked>) {
        let now = Utc::now();
        let url = stored.metadata.source.url().filter(|_| stored.state == ConnectionState::Active);
        let Some(url) = url.map(str::to_owned) else {
            self.known.remove(&stored.id);
            return;
        };
        let Some(known) = self.known.get_mut(&stored.id) else { return };
        let source = source_of(&stored.identity_provider);
        // Metadata that cannot be used any more is taken the place of by any that can.
        let at_hand = source.accept(&*stored.metadata.document, now, &self.provider).ok();
        if known.address.as_ref() != Some(&url) {
            // Another address knows nothing of what the one before gave.
            *known = Known { refresh: Refresh::new(source, self.schedule, now), address: Some(url.clone()) };
        }
        let validators = known.refresh.validators(at_hand.as_ref());
        let client = self.client.clone();
        running.spawn(async move {
            let fetched = client.fetch(&url, &validators).await;
            Asked { stored, at_hand, fetched }
        });
    }

    async fn answered(&mut self, asked: Asked) -> Option<RefreshEvent> {
        let Asked { mut stored, at_hand, fetched } = asked;
        let now = Utc::now();
        let connection = Some(stored.id.clone());
        let Known { refresh, .. } = self.known.get_mut(&stored.id)?;
        let (metadata, changes) = match answer::taken(refresh, fetched, at_hand.as_ref(), &self.provider, now)
        {
            Ok(Refreshed::First(metadata)) => (metadata, None),
            Ok(Refreshed::Changed { metadata, changes, .. }) => (metadata, Some(changes)),
            Ok(_) => return Some(RefreshEvent { connection, outcome: RefreshOutcome::Unchanged }),
            Err(reason) => {
                let fetched_at = (!stored.metadata.document.is_empty()).then_some(stored.metadata.fetched_at);
                let outcome = RefreshOutcome::kept(refresh, fetched_at, reason);
                return Some(RefreshEvent { connection, outcome });
            }
        };
        // A document that was accepted has it.
        let identity_provider = metadata.identity_provider(&stored.identity_provider).ok()?;
        let outcome = RefreshOutcome::taken(identity_provider, changes, now);
        let url = stored.metadata.source.url().unwrap_or_default().to_owned();
        // Nobody signed it, so what is read of it is the document as it came.
        stored.metadata = ConnectionMetadata::new(metadata.bytes(), MetadataSource::Url(url), now);
        let author = Author::new(Actor::Rule(RULE.into()), now);
        let outcome = match self.store.update_connection(&stored, &author).await {
            Ok(_) => outcome,
            Err(reason) => {
                // It was not written: what comes next is compared with what is there then.
                refresh.failed(None, now, answer::random(&self.provider));
                RefreshOutcome::StoreFailed { reason: Box::new(reason) }
            }
        };
        Some(RefreshEvent { connection, outcome })
    }
}

/// Its address is all that vouches for it.
fn source_of(identity_provider: &EntityId) -> TrustedSource {
    TrustedSource::danger_by_transport_alone(SpeaksFor::entity(identity_provider.clone()))
}
