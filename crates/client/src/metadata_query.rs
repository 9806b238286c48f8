//! The metadata of one entity at a time, from a server of the metadata query protocol.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex as Turn;
use vouchsafe::metadata::{
    EntityName, FetchedMetadata, MetadataError, Refresh, RefreshError, RefreshSchedule, Refreshed,
    TrustedMetadata, TrustedSource,
};
use vouchsafe::{EntityId, IdentityProvider, Provider};

use crate::questions::Questions;
use crate::{Client, ClientError, QueryLimits, RefreshFailure, answer};

/// The largest length of an address that is requested.
const LONGEST_ADDRESS: usize = 2_048;
/// The time for which an entity without validUntil is used after the server last confirmed it.
const UNCONFIRMED: TimeDelta = TimeDelta::days(7);

/// A server of the metadata query protocol (draft-young-md-query), which federations offer instead of one large
/// document.
///
/// * Each answer is checked against the [`TrustedSource`], like a document of a federation; the server may be a
///   mirror. An answer about another entity than the requested one is refused.
/// * A found entity is kept, and requested again with its `ETag` after its `cacheDuration` (1 minute to 24 hours).
///   Until the answer comes, or if there is none, the known metadata is used until its own `validUntil`. If it has
///   none, it is used for 7 days after the server last sent it or stated that nothing has changed
///   ([`using_unconfirmed_for`](Self::using_unconfirmed_for)). So an entity that the server does not know any more is
///   not trusted for ever.
/// * The answer that an entity is unknown is used for 10 minutes.
/// * A name that cannot be part of an address (one of dots only, or a very long one) is requested by `{sha1}` and its
///   digest.
/// * Each entity is requested once at a time. 10,000 entities are kept; if there are more, the ones that were not used
///   for longest are removed.
/// * Anybody can invent names, so names that are not known are limited: 60 at once, then 5 in a second, and 8
///   requests at a time. Known entities have 8 requests of their own. Nobody waits for more than 5 seconds before
///   the request is sent. Beyond these limits the answer is [`ClientError::Busy`]. [`QueryLimits`] has them all.
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
    entities: Mutex<Entities>,
    questions: Questions,
}

/// The entities that were requested.
#[derive(Debug, Default)]
struct Entities {
    by_name: HashMap<EntityName, Arc<Entity>>,
    /// The entityIDs among these names, by their SHA-1.
    entity_ids: HashMap<EntityName, EntityName>,
}

/// An entity that was requested.
#[derive(Debug)]
struct Entity {
    known: Mutex<Known>,
    /// The lock of the task that asks the server.
    turn: Turn<()>,
}

/// The known state of an entity.
#[derive(Debug)]
struct Known {
    refresh: Refresh,
    schedule: RefreshSchedule,
    /// The time for which it is used without a confirmation by the server, if it has no validUntil.
    unconfirmed: TimeDelta,
    /// The time for which the server's answer that it does not know the entity is used.
    unknown_for: TimeDelta,
    at_hand: Option<Arc<(TrustedMetadata, IdentityProvider)>>,
    /// The time until which the server's answer that there is no such entity is used.
    unknown_until: Option<DateTime<Utc>>,
    used_at: DateTime<Utc>,
}

/// The next step for an entity.
enum Next {
    /// The entity is known, and the metadata is fresh.
    Answer(Arc<(TrustedMetadata, IdentityProvider)>),
    /// The entity is known, and the server must be asked whether it has changed.
    AnswerAndAsk(Arc<(TrustedMetadata, IdentityProvider)>),
    Unknown,
    /// The last request failed, and it is too early for the next one.
    Wait(DateTime<Utc>),
    Ask,
}

impl MetadataQuery {
    /// Uses the server at this base address, to which `entities/` and the name of an entity are appended. Its
    /// documents are signed as `source` requires, with algorithms that the provider accepts.
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
            questions: Questions::new(QueryLimits::default()),
        }
    }

    /// Requests entities by `{sha1}` and the digest of the name, which some servers of static files require.
    #[must_use]
    pub fn asking_by_sha1(mut self) -> MetadataQuery {
        self.by_sha1 = true;
        self
    }

    /// Sets the time for which an entity without validUntil is used after the server last confirmed it. The default
    /// is 7 days. The setting has no effect for a source that [requires
    /// validUntil](TrustedSource::requiring_valid_until).
    #[must_use]
    pub fn using_unconfirmed_for(mut self, duration: std::time::Duration) -> MetadataQuery {
        self.unconfirmed = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        self
    }

    /// Sets how many names are requested and kept.
    #[must_use]
    pub fn with_limits(mut self, limits: QueryLimits) -> MetadataQuery {
        self.questions = Questions::new(limits);
        self
    }

    /// Returns the identity provider of this name, or `None` if the server does not know it.
    ///
    /// # Errors
    /// The reason why there is no usable answer, if no valid metadata is known either.
    pub async fn find(
        self: &Arc<Self>,
        entity_id: &EntityId,
        now: DateTime<Utc>,
    ) -> Result<Option<IdentityProvider>, RefreshFailure> {
        self.find_named(&entity_id.clone().into(), now).await
    }

    /// Does the same with either name of an entity: its entityID, or the SHA-1 of it, which artifacts and the connections
    /// of `vouchsafe_web::QueriedFederation` contain. An entity that is known by its entityID is found by its SHA-1 too.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub async fn find_named(
        self: &Arc<Self>,
        name: &EntityName,
        now: DateTime<Utc>,
    ) -> Result<Option<IdentityProvider>, RefreshFailure> {
        let (name, entity) = self.entity(name, now);
        match entity.next(now) {
            Next::Answer(found) => return Ok(Some(found.1.clone())),
            Next::Unknown => return Ok(None),
            Next::Wait(until) => return Err(self.waiting(&name, until)),
            Next::AnswerAndAsk(found) => {
                // The caller does not wait for this request. If another task is asking already, that is enough.
                let query = Arc::clone(self);
                tokio::spawn(async move {
                    if let Ok(_turn) = entity.turn.try_lock()
                        && let Some(waiting) = query.questions.wait(true)
                        && let Some(_place) = waiting.place().await
                    {
                        // The failure is counted, and the known metadata is used further.
                        let _ = query.ask(&entity, &name, now).await;
                    }
                });
                return Ok(Some(found.1.clone()));
            }
            Next::Ask => {}
        }
        let is_known = entity.read(|known| known.at_hand.is_some());
        let waiting = self.questions.wait(is_known).ok_or_else(|| self.busy(&name))?;
        let _turn = waiting.for_turn(entity.turn.lock()).await.ok_or_else(|| self.busy(&name))?;
        match entity.next(now) {
            Next::Answer(found) | Next::AnswerAndAsk(found) => Ok(Some(found.1.clone())),
            Next::Unknown => Ok(None),
            Next::Wait(until) => Err(self.waiting(&name, until)),
            Next::Ask => {
                if !is_known && !self.questions.count_new_name() {
                    return Err(self.busy(&name));
                }
                let _place = waiting.place().await.ok_or_else(|| self.busy(&name))?;
                self.ask(&entity, &name, now).await
            }
        }
    }

    /// Returns the known state of an entity, which is empty if it was never requested, and the name by which the server
    /// is asked for it.
    fn entity(&self, name: &EntityName, now: DateTime<Utc>) -> (EntityName, Arc<Entity>) {
        let mut entities = self.entities.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = |entity: &Arc<Entity>| entity.read(|known| known.at_hand.is_some());
        if let Some(entity_id) = entities.entity_ids.get(name)
            && let Some(entity) = entities.by_name.get(entity_id).filter(|entity| is_known(entity))
        {
            return (entity_id.clone(), Arc::clone(entity));
        }
        if let Some(entity) = entities.by_name.get(name) {
            return (name.clone(), Arc::clone(entity));
        }
        let most = self.questions.limits().entities.max(1);
        if entities.by_name.len() >= most {
            entities.make_room(most);
        }
        let source = match name {
            EntityName::EntityId(id) => self.source.clone().for_entity(id),
            // The answer is compared with the name after it has come.
            _ => self.source.clone(),
        };
        let refresh = Refresh::new(source, self.schedule, now);
        let known = Known {
            refresh,
            schedule: self.schedule,
            unconfirmed: self.unconfirmed,
            unknown_for: TimeDelta::from_std(self.questions.limits().unknown_for).unwrap_or(TimeDelta::MAX),
            at_hand: None,
            unknown_until: None,
            used_at: now,
        };
        let entity = Arc::new(Entity { known: Mutex::new(known), turn: Turn::new(()) });
        entities.by_name.insert(name.clone(), Arc::clone(&entity));
        if let EntityName::EntityId(entity_id) = name {
            entities.entity_ids.insert(EntityName::source_id_of(entity_id), name.clone());
        }
        (name.clone(), entity)
    }

    /// Requests an entity, for a caller that has a place for it.
    async fn ask(
        &self,
        entity: &Entity,
        name: &EntityName,
        now: DateTime<Utc>,
    ) -> Result<Option<IdentityProvider>, RefreshFailure> {
        let validators =
            entity.read(|known| known.refresh.validators(known.metadata().map(TrustedMetadata::bytes), now));
        let fetched = self.client.fetch(&self.address(name), &validators).await;
        entity.read(|known| known.take(fetched, name, &self.provider, now))
    }

    fn waiting(&self, name: &EntityName, until: DateTime<Utc>) -> RefreshFailure {
        ClientError::Waiting { url: self.address(name), until }.into()
    }

    fn busy(&self, name: &EntityName) -> RefreshFailure {
        ClientError::Busy { url: self.address(name) }.into()
    }

    fn address(&self, name: &EntityName) -> String {
        let EntityName::EntityId(entity_id) = name else { return self.address_of(&name.to_string()) };
        let by_digest = || self.address_of(&EntityName::source_id_of(entity_id).to_string());
        // A URL parser removes these segments, and the sender of a response chooses the name.
        if self.by_sha1 || matches!(entity_id.as_str(), "." | "..") {
            return by_digest();
        }
        let address = self.address_of(entity_id.as_str());
        if address.len() > LONGEST_ADDRESS { by_digest() } else { address }
    }

    fn address_of(&self, name: &str) -> String {
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        // In a path, a space is not written as a plus.
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
            Some(found) if self.refresh.is_due(now) => Next::AnswerAndAsk(Arc::clone(found)),
            Some(found) => Next::Answer(Arc::clone(found)),
            None if self.is_unknown(now) => Next::Unknown,
            None if self.refresh.failures() > 0 && !self.refresh.is_due(now) => {
                Next::Wait(self.refresh.due())
            }
            None => Next::Ask,
        }
    }

    /// Returns whether the server said a short time ago that it does not know the entity. The time does not get longer if
    /// the clock is set back.
    fn is_unknown(&self, now: DateTime<Utc>) -> bool {
        let lasts = |until: DateTime<Utc>| until.signed_duration_since(now);
        self.unknown_until.map(lasts).is_some_and(|left| left > TimeDelta::zero() && left <= self.unknown_for)
    }

    fn take(
        &mut self,
        fetched: Result<FetchedMetadata, ClientError>,
        name: &EntityName,
        provider: &Provider,
        now: DateTime<Utc>,
    ) -> Result<Option<IdentityProvider>, RefreshFailure> {
        let at_hand = self.at_hand.clone();
        let at_hand = at_hand.as_deref().map(|(metadata, _)| metadata);
        let before = self.refresh.clone();
        let refreshed = match answer::taken(&mut self.refresh, fetched, at_hand, provider, now) {
            Ok(refreshed) => refreshed,
            // The known metadata is used until it expires.
            Err(error) if self.usable(now).is_none() && is_unknown(&error) => {
                self.unknown_until = now.checked_add_signed(self.unknown_for);
                // This is an answer. If it counted as a failure, each next request would wait longer.
                self.refresh = Refresh::new(self.refresh.source().clone(), self.schedule, now);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if let Refreshed::First(metadata)
        | Refreshed::Renewed(metadata)
        | Refreshed::Changed { metadata, .. } = refreshed
        {
            let found = metadata.find(name).and_then(|found| found.identity_provider().ok()).cloned();
            let Some(found) = found else {
                // The document is accepted, but describes other entities. It says nothing about the known metadata.
                self.refresh = before;
                self.refresh.failed(None, now, answer::random(provider));
                return Err(RefreshError::from(metadata.unknown(name)).into());
            };
            self.at_hand = Some(Arc::new((metadata, found)));
        }
        self.unknown_until = None;
        Ok(self.at_hand.as_deref().map(|(_, found)| found.clone()))
    }

    /// Returns the current metadata, unless it has expired. It is kept after that, so that no older document replaces
    /// it.
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

/// Returns whether the server states that it does not know the entity. Some servers send a document without entities
/// instead of status 404.
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

impl Entities {
    /// Removes one sixteenth of the entities: those that were not used for longest. Unknown entities are removed first,
    /// because anybody can invent names.
    fn make_room(&mut self, most: usize) {
        let rank = |entity: &Entity| entity.read(|known| (known.at_hand.is_some(), known.used_at));
        let mut ranked: Vec<_> =
            self.by_name.iter().map(|(name, entity)| (rank(entity), name.clone())).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        for (_, name) in ranked.into_iter().take((most / 16).max(1)) {
            self.by_name.remove(&name);
        }
        self.entity_ids.retain(|_, entity_id| self.by_name.contains_key(entity_id));
    }
}
