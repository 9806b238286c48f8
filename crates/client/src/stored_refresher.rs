//! Keeps the metadata of connections in a store fresh.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::task::JoinSet;
use vouchsafe::crypto::own_sha256;
use vouchsafe::metadata::{
    FetchedMetadata, Refresh, RefreshSchedule, Refreshed, SpeaksFor, TrustedMetadata, TrustedSource,
};
use vouchsafe::provisioning::Actor;
use vouchsafe::{ConnectionId, ConnectionState, EntityId, Provider};
use vouchsafe_store::{Author, ConnectionMetadata, ConnectionStore, MetadataSource, StoredConnection};

use crate::random::random;
use crate::{Client, ClientError, RefreshEvent, RefreshFailure, RefreshOutcome};

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
    /// SHA-256 over the address and the document that the validators came with. They are shown to that address, and while that document is
    /// the stored one: otherwise the answer that nothing has changed would be about another one.
    validators_of: Option<[u8; 32]>,
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
                let known =
                    known.unwrap_or_else(|| Known { refresh: self.first_refresh(), validators_of: None });
                found.insert(one.id, known);
            }
        }
        self.known = found;
        None
    }

    /// The source of a connection is not known before it is due.
    fn first_refresh(&self) -> Refresh {
        let nobody = TrustedSource::by_transport_alone(SpeaksFor::Entities(Default::default()));
        Refresh::new(nobody, self.schedule, Utc::now()).spread(Utc::now(), random(&self.provider))
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
        known.refresh.trust(source);
        let is_theirs = known.validators_of == Some(origin_of(&url, &stored.metadata.document));
        let validators = match at_hand {
            Some(_) if is_theirs => known.refresh.validators().clone(),
            _ => Default::default(),
        };
        let client = self.client.clone();
        running.spawn(async move {
            let fetched = client.fetch(&url, &validators).await;
            Asked { stored, at_hand, fetched }
        });
    }

    async fn answered(&mut self, asked: Asked) -> Option<RefreshEvent> {
        let Asked { mut stored, at_hand, fetched } = asked;
        let (now, random) = (Utc::now(), random(&self.provider));
        let connection = Some(stored.id.clone());
        let Known { refresh, validators_of } = self.known.get_mut(&stored.id)?;
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(error) => {
                refresh.failed(error.retry_after(), now, random);
                return Some(RefreshEvent { connection, outcome: kept(refresh, &stored, error.into()) });
            }
        };
        let document = match &fetched {
            FetchedMetadata::Document { bytes, .. } => Some(bytes.clone()),
            _ => None,
        };
        let url = stored.metadata.source.url().unwrap_or_default().to_owned();
        let outcome = match refresh.answered(fetched, at_hand.as_ref(), &self.provider, now, random) {
            Err(error) => kept(refresh, &stored, error.into()),
            Ok(Refreshed::First(metadata)) => loaded(&metadata, &stored.identity_provider, None)?,
            Ok(Refreshed::Changed { metadata, changes, .. }) => {
                loaded(&metadata, &stored.identity_provider, Some(changes))?
            }
            Ok(_) => RefreshOutcome::Unchanged,
        };
        let event = RefreshEvent { connection, outcome };
        let is_unchanged = matches!(event.outcome, RefreshOutcome::Unchanged);
        let Some(document) = document.filter(|_| event.identity_provider().is_some() || is_unchanged) else {
            return Some(event);
        };
        *validators_of = Some(origin_of(&url, &document));
        if is_unchanged {
            return Some(event);
        }
        stored.metadata = ConnectionMetadata::new(document, MetadataSource::Url(url), now);
        let author = Author::new(Actor::Rule(RULE.into()), now);
        match self.store.update_connection(&stored, &author).await {
            Ok(_) => Some(event),
            Err(reason) => {
                // It was not written: what comes next is compared with what is there then.
                refresh.failed(None, now, random);
                let outcome = RefreshOutcome::StoreFailed { reason: Box::new(reason) };
                Some(RefreshEvent { outcome, ..event })
            }
        }
    }
}

fn origin_of(url: &str, document: &[u8]) -> [u8; 32] {
    own_sha256(&[url.as_bytes(), b"\n", document].concat())
}

/// Its address is all that vouches for it.
fn source_of(identity_provider: &EntityId) -> TrustedSource {
    TrustedSource::by_transport_alone(SpeaksFor::entity(identity_provider.clone()))
}

fn loaded(
    metadata: &TrustedMetadata,
    identity_provider: &EntityId,
    changes: Option<Vec<vouchsafe::metadata::MetadataChange>>,
) -> Option<RefreshOutcome> {
    // A document that was accepted has it.
    let found = metadata.find(&identity_provider.clone().into())?;
    let identity_provider = found.identity_provider().ok()?.clone();
    Some(match changes {
        None => RefreshOutcome::Loaded { identity_provider, fetched_at: Utc::now() },
        Some(changes) => RefreshOutcome::Changed { identity_provider, changes },
    })
}

fn kept(refresh: &Refresh, stored: &StoredConnection, reason: RefreshFailure) -> RefreshOutcome {
    let fetched_at = (!stored.metadata.document.is_empty()).then_some(stored.metadata.fetched_at);
    RefreshOutcome::Kept {
        reason,
        confirmed_at: refresh.confirmed_at().or(fetched_at),
        failures: refresh.failures(),
        next: refresh.due(),
    }
}
