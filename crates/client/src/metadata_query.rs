//! Metadata of one entity at a time, from a server of the metadata query protocol.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex as Turn, Semaphore};
use vouchsafe::metadata::{
    EntityName, FetchedMetadata, MetadataError, Refresh, RefreshError, RefreshSchedule, Refreshed,
    TrustedMetadata, TrustedSource,
};
use vouchsafe::{EntityId, IdentityProvider, Provider};

use crate::{Client, ClientError, RefreshFailure, answer};

/// For how long a server's answer that it does not know an entity is believed.
const UNKNOWN_FOR: TimeDelta = TimeDelta::minutes(10);
/// How many entities are kept. Whoever posts a response chooses the name that is asked for.
const ENTITIES: usize = 10_000;
/// For how long an entity without validUntil is used after the server last confirmed it.
const UNCONFIRMED: TimeDelta = TimeDelta::days(7);
/// How many questions are on their way at a time.
const AT_ONCE: usize = 16;

/// A server of the metadata query protocol (draft-young-md-query), which federations run in the place of one large document.
///
/// * Each answer is held against the [`TrustedSource`], as a document of a federation is; the server may be a mirror. An answer for one name
///   about another entity is refused.
/// * What was found is kept, and asked for again, with its `ETag`, when its `cacheDuration` is over (1 minute to 24 hours). Until the
///   answer comes, and where none comes, what is known is used until its own `validUntil`. Where it says none, it is used for 7 days after the
///   server last gave it or said that nothing has changed ([`using_unconfirmed_for`](Self::using_unconfirmed_for)): an entity that the server
///   does not know any more is not trusted for ever.
/// * That an entity is unknown is believed for 10 minutes.
/// * Each entity is asked for once at a time, and 16 of them together; 10,000 are kept, of which the ones that were not asked for longest make
///   room.
///
/// ```no_run
/// # async fn example(federation: vouchsafe::signature::TrustedKey) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use vouchsafe::metadata::{SpeaksFor, TrustedSource};
/// use vouchsafe::{EntityId, Provider};
/// use vouchsafe_client::{Client, MetadataQuery};
///
/// let source = TrustedSource::signed_by([federation], SpeaksFor::Everybody);
/// let provider = Provider::rustcrypto();
/// let federation = Arc::new(MetadataQuery::new(Client::new()?, provider, "https://mdq.example.org/", source));
/// let university = EntityId::new("https://idp.university.example/shibboleth")?;
/// match federation.find(&university, chrono::Utc::now()).await? {
///     Some(identity_provider) => println!("{}", identity_provider.entity_id()),
///     None => println!("the federation does not know it"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MetadataQuery {
    client: Client,
    provider: Provider,
    base: String,
    source: TrustedSource,
    schedule: RefreshSchedule,
    by_sha1: bool,
    unconfirmed: TimeDelta,
    entities: Mutex<HashMap<EntityId, Arc<Entity>>>,
    questions: Semaphore,
}

/// An entity that was asked for.
#[derive(Debug)]
struct Entity {
    known: Mutex<Known>,
    /// Whoever asks the server has it.
    turn: Turn<()>,
}

/// What is known of it.
#[derive(Debug)]
struct Known {
    refresh: Refresh,
    /// For how long it is used without a word of the server, where it says no validUntil.
    unconfirmed: TimeDelta,
    at_hand: Option<Arc<(TrustedMetadata, IdentityProvider)>>,
    /// Until when the server's answer that there is no such entity is believed.
    unknown_until: Option<DateTime<Utc>>,
    used_at: DateTime<Utc>,
}

/// What is to be done for an entity.
enum Next {
    /// It is known, and fresh.
    Answer(Arc<(TrustedMetadata, IdentityProvider)>),
    /// It is known, and the server is to be asked whether that is all.
    AnswerAndAsk(Arc<(TrustedMetadata, IdentityProvider)>),
    Unknown,
    /// The last question failed, and it is too early for the next one.
    Wait(DateTime<Utc>),
    Ask,
}

impl MetadataQuery {
    /// A server at this base address, to which `entities/` and the name of an entity are added. Its documents are signed as `source` says, by
    /// algorithms of the provider.
    #[must_use]
    pub fn new(
        client: Client,
        provider: Provider,
        base: impl Into<String>,
        source: TrustedSource,
    ) -> MetadataQuery {
        MetadataQuery {
            client,
            provider,
            base: base.into(),
            source,
            schedule: RefreshSchedule::default(),
            by_sha1: false,
            unconfirmed: UNCONFIRMED,
            entities: Mutex::default(),
            questions: Semaphore::new(AT_ONCE),
        }
    }

    /// The same server that is asked by `{sha1}` and the digest of the name, as some are that serve files.
    #[must_use]
    pub fn asking_by_sha1(mut self) -> MetadataQuery {
        self.by_sha1 = true;
        self
    }

    /// For how long an entity that says no validUntil is used after the server last confirmed it: 7 days by default. A source that
    /// [requires validUntil](TrustedSource::requiring_valid_until) has no use for it.
    #[must_use]
    pub fn using_unconfirmed_for(mut self, duration: std::time::Duration) -> MetadataQuery {
        self.unconfirmed = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        self
    }

    /// The identity provider of this name; none where the server does not know it.
    ///
    /// # Errors
    /// Why there is no answer that can be used, and nothing is known that is valid still.
    pub async fn find(
        self: &Arc<Self>,
        entity_id: &EntityId,
        now: DateTime<Utc>,
    ) -> Result<Option<IdentityProvider>, RefreshFailure> {
        let entity = self.entity(entity_id, now);
        match entity.next(now) {
            Next::Answer(found) => return Ok(Some(found.1.clone())),
            Next::Unknown => return Ok(None),
            Next::Wait(until) => return Err(self.waiting(entity_id, until)),
            Next::AnswerAndAsk(found) => {
                // Nobody waits for it. If somebody asks already, that is enough.
                let (query, entity_id) = (Arc::clone(self), entity_id.clone());
                tokio::spawn(async move {
                    if let Ok(_turn) = entity.turn.try_lock() {
                        // A failure is counted, and what is known goes on serving.
                        let _ = query.ask(&entity, &entity_id, now).await;
                    }
                });
                return Ok(Some(found.1.clone()));
            }
            Next::Ask => {}
        }
        let _turn = entity.turn.lock().await;
        match entity.next(now) {
            Next::Answer(found) | Next::AnswerAndAsk(found) => Ok(Some(found.1.clone())),
            Next::Unknown => Ok(None),
            Next::Wait(until) => Err(self.waiting(entity_id, until)),
            Next::Ask => self.ask(&entity, entity_id, now).await,
        }
    }

    /// What is known of an entity, which is little when it was never asked for.
    fn entity(&self, entity_id: &EntityId, now: DateTime<Utc>) -> Arc<Entity> {
        let mut entities = self.entities.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entity) = entities.get(entity_id) {
            return Arc::clone(entity);
        }
        if entities.len() >= ENTITIES {
            make_room(&mut entities);
        }
        let refresh = Refresh::new(self.source.clone().for_entity(entity_id), self.schedule, now);
        let unconfirmed = self.unconfirmed;
        let known = Known { refresh, unconfirmed, at_hand: None, unknown_until: None, used_at: now };
        let entity = Arc::new(Entity { known: Mutex::new(known), turn: Turn::new(()) });
        entities.insert(entity_id.clone(), Arc::clone(&entity));
        entity
    }

    async fn ask(
        &self,
        entity: &Entity,
        entity_id: &EntityId,
        now: DateTime<Utc>,
    ) -> Result<Option<IdentityProvider>, RefreshFailure> {
        let validators = entity.read(|known| known.refresh.validators(known.metadata()));
        // Nobody closes it.
        let _place = self.questions.acquire().await.ok();
        let fetched = self.client.fetch(&self.address(entity_id), &validators).await;
        entity.read(|known| known.take(fetched, entity_id, &self.provider, now))
    }

    fn waiting(&self, entity_id: &EntityId, until: DateTime<Utc>) -> RefreshFailure {
        ClientError::Waiting { url: self.address(entity_id), until }.into()
    }

    fn address(&self, entity_id: &EntityId) -> String {
        let name = match self.by_sha1 {
            true => EntityName::source_id_of(entity_id).to_string(),
            false => entity_id.as_str().to_owned(),
        };
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        // In a path a space is no plus.
        format!("{}/entities/{}", self.base.trim_end_matches('/'), name.replace('+', "%20"))
    }
}

impl Entity {
    fn next(&self, now: DateTime<Utc>) -> Next {
        self.read(|known| known.next(now))
    }

    fn read<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    fn next(&mut self, now: DateTime<Utc>) -> Next {
        self.used_at = self.used_at.max(now);
        match self.usable(now) {
            Some(found) if self.refresh.due() > now => Next::Answer(Arc::clone(found)),
            Some(found) => Next::AnswerAndAsk(Arc::clone(found)),
            None if self.unknown_until.is_some_and(|until| now < until) => Next::Unknown,
            None if self.refresh.failures() > 0 && self.refresh.due() > now => Next::Wait(self.refresh.due()),
            None => Next::Ask,
        }
    }

    fn take(
        &mut self,
        fetched: Result<FetchedMetadata, ClientError>,
        entity_id: &EntityId,
        provider: &Provider,
        now: DateTime<Utc>,
    ) -> Result<Option<IdentityProvider>, RefreshFailure> {
        let at_hand = self.at_hand.clone();
        let at_hand = at_hand.as_deref().map(|(metadata, _)| metadata);
        let refreshed = match answer::taken(&mut self.refresh, fetched, at_hand, provider, now) {
            Ok(refreshed) => refreshed,
            // What is known is used to its end.
            Err(error) if self.usable(now).is_none() && is_unknown(&error) => {
                self.unknown_until = now.checked_add_signed(UNKNOWN_FOR);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if let Refreshed::First(metadata) | Refreshed::Changed { metadata, .. } = refreshed {
            let found = metadata.identity_provider(entity_id)?.clone();
            self.at_hand = Some(Arc::new((metadata, found)));
        }
        self.unknown_until = None;
        Ok(self.at_hand.as_deref().map(|(_, found)| found.clone()))
    }

    /// What is at hand, unless it is past its time. It stays at hand then: nothing older takes its place.
    fn usable(&self, now: DateTime<Utc>) -> Option<&Arc<(TrustedMetadata, IdentityProvider)>> {
        let found = self.at_hand.as_ref().filter(|found| found.1.check_validity(now).is_ok())?;
        if found.1.valid_until().is_some() {
            return Some(found);
        }
        let last = self.refresh.confirmed_at()?.checked_add_signed(self.unconfirmed);
        last.is_none_or(|last| now < last).then_some(found)
    }

    fn metadata(&self) -> Option<&TrustedMetadata> {
        self.at_hand.as_deref().map(|(metadata, _)| metadata)
    }
}

/// Whether the server says that it does not know the entity. In the place of 404 some answer with a document of nobody.
fn is_unknown(error: &RefreshFailure) -> bool {
    matches!(
        error,
        RefreshFailure::Client(ClientError::Status { status: 404, .. })
            | RefreshFailure::Refused(RefreshError::Metadata(MetadataError::UnknownEntity {
                entities: 0,
                ..
            }))
    )
}

/// A sixteenth goes: those that were not used for longest. Those that are unknown go first, since anybody can make up names.
fn make_room(entities: &mut HashMap<EntityId, Arc<Entity>>) {
    let rank = |entity: &Entity| entity.read(|known| (known.at_hand.is_some(), known.used_at));
    let mut ranked: Vec<_> = entities.iter().map(|(name, entity)| (rank(entity), name.clone())).collect();
    ranked.sort_unstable();
    for (_, name) in ranked.into_iter().take(ENTITIES / 16) {
        entities.remove(&name);
    }
}
