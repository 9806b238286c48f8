//! The metadata of one entity at a time, from a server of the metadata query protocol.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::metadata::{EntityName, RefreshSchedule, TrustedSource, Validators};
use vouchsafe::{EntityId, IdentityProvider, Provider};

use crate::copies::LastCopy;
use crate::entity_copies::EntityCopies;
use crate::queried_entity::{Entity, EntitySettings, Next};
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
/// * With [`keeping_copies_in`](Self::keeping_copies_in) the last good answer about each entity is kept in a folder, and
///   is checked again when it is read. So a process that starts knows what was known before, also while the server is
///   down.
/// * A name that cannot be part of an address (one of dots only, or a very long one) is requested by `{sha1}` and its
///   digest.
/// * Each entity is requested once at a time. 10,000 entities are kept; if there are more, the ones that were not used
///   for longest are removed.
/// * Anybody can invent names, so names that are not known are limited: 60 at once, then 5 in a second, and 8
///   requests at a time. Known entities have 8 requests of their own. Nobody waits for more than 5 seconds before
///   the request is sent. Beyond these limits the answer is [`ClientError::Busy`]. [`QueryLimits`] has them all.
///   Names that the application [expects](Self::set_expected) count as known.
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
/// let federation = MetadataQuery::new(Client::new()?, provider, "https://mdq.example.org/", source);
/// let federation = Arc::new(federation.keeping_copies_in("/var/lib/example/federation"));
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
    copies: Option<EntityCopies>,
    /// The names that the application expects.
    expected: RwLock<HashSet<EntityName>>,
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
            copies: None,
            expected: RwLock::default(),
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
        self.copies = self.copies.map(|copies| copies.with_most(limits.entities));
        self.questions = Questions::new(limits);
        self
    }

    /// Keeps the last good answer about each entity in a folder, which is created if it does not exist. Nobody but the
    /// service may write to it. A copy is checked like an answer of the server: the signature, and its `validUntil`.
    ///
    /// A failure to write keeps nobody from signing in. [`copy_failure`](Self::copy_failure) tells it.
    #[must_use]
    pub fn keeping_copies_in(mut self, folder: impl Into<PathBuf>) -> MetadataQuery {
        self.copies = Some(EntityCopies::new(folder.into(), self.questions.limits().entities));
        self
    }

    /// Returns why the folder of the copies could not be read or written, unless a copy was written since. For a health
    /// check.
    #[must_use]
    pub fn copy_failure(&self) -> Option<String> {
        self.copies.as_ref().and_then(EntityCopies::failure)
    }

    /// Sets the entities that the application expects, in place of those that were set before: the identity providers of
    /// its customers, or those of the list that people choose from. Requests for them are not counted as invented names,
    /// so they are found also while somebody asks for these, and before they were ever found.
    ///
    /// Never pass names here that come from a request.
    pub fn set_expected(&self, entity_ids: impl IntoIterator<Item = EntityId>) {
        let both = |id: EntityId| [EntityName::source_id_of(&id), EntityName::EntityId(id)];
        let expected = entity_ids.into_iter().flat_map(both).collect();
        *self.expected.write().unwrap_or_else(PoisonError::into_inner) = expected;
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
        let (name, entity) = self.restored(name, now).await;
        match entity.next(now) {
            Next::Answer(found) => return Ok(Some(found.1.clone())),
            Next::Unknown => return Ok(None),
            Next::Wait(until) => return Err(self.waiting(&name, until)),
            Next::AnswerAndAsk(found) => {
                // The caller does not wait for this request. If another task is asking already, that is enough.
                let query = Arc::clone(self);
                tokio::spawn(async move {
                    if let Ok(mut turn) = entity.turn.try_lock()
                        && let Some(waiting) = query.questions.wait(true)
                        && let Some(_place) = waiting.place().await
                    {
                        // The failure is counted, and the known metadata is used further.
                        let _ = query.ask(&entity, &mut turn, &name, now).await;
                    }
                });
                return Ok(Some(found.1.clone()));
            }
            Next::Ask => {}
        }
        let is_known = entity.is_known() || self.is_expected(&name);
        let waiting = self.questions.wait(is_known).ok_or_else(|| self.busy(&name))?;
        let mut turn = waiting.for_turn(entity.turn.lock()).await.ok_or_else(|| self.busy(&name))?;
        match entity.next(now) {
            Next::Answer(found) | Next::AnswerAndAsk(found) => Ok(Some(found.1.clone())),
            Next::Unknown => Ok(None),
            Next::Wait(until) => Err(self.waiting(&name, until)),
            Next::Ask => {
                if !is_known && !self.questions.count_new_name(now) {
                    return Err(self.busy(&name));
                }
                let _place = waiting.place().await.ok_or_else(|| self.busy(&name))?;
                self.ask(&entity, &mut turn, &name, now).await
            }
        }
    }

    /// Returns the entity of this name, after its copy was read if there is one. A SHA-1 that belongs to a copy is replaced
    /// by the entityID, because not all servers know the SHA-1.
    async fn restored(&self, name: &EntityName, now: DateTime<Utc>) -> (EntityName, Arc<Entity>) {
        let (name, entity) = self.entity(name, now);
        self.restore(&name, &entity, now).await;
        let entity_id = match &name {
            EntityName::SourceId(_) if self.copies.is_some() => entity.entity_id(),
            _ => None,
        };
        if let Some(entity_id) = entity_id {
            let (by_id, of_id) = self.entity(&entity_id.into(), now);
            self.restore(&by_id, &of_id, now).await;
            if of_id.is_known() {
                return (by_id, of_id);
            }
        }
        (name, entity)
    }

    /// Reads the copy of an entity once. Others who look for the entity wait for it.
    async fn restore(&self, name: &EntityName, entity: &Entity, now: DateTime<Utc>) {
        let Some(copies) = &self.copies else { return };
        let read = async || {
            if let Some(copy) = copies.read(name).await {
                let (name, provider) = (name.clone(), self.provider.clone());
                // Without it, the server is asked.
                let _ = entity.change(move |known| known.restore(copy, &name, &provider, now)).await;
            }
        };
        entity.restored.get_or_init(read).await;
    }

    fn is_expected(&self, name: &EntityName) -> bool {
        self.expected.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// Returns the known state of an entity, which is empty if it was never requested, and the name by which the server
    /// is asked for it.
    fn entity(&self, name: &EntityName, now: DateTime<Utc>) -> (EntityName, Arc<Entity>) {
        let mut entities = self.entities.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entity_id) = entities.entity_ids.get(name)
            && let Some(entity) = entities.by_name.get(entity_id).filter(|entity| entity.is_known())
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
        let settings = EntitySettings {
            schedule: self.schedule,
            unconfirmed: self.unconfirmed,
            unknown_for: TimeDelta::from_std(self.questions.limits().unknown_for).unwrap_or(TimeDelta::MAX),
        };
        let entity = Arc::new(Entity::new(source, settings, now));
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
        last_copy: &mut LastCopy,
        name: &EntityName,
        now: DateTime<Utc>,
    ) -> Result<Option<IdentityProvider>, RefreshFailure> {
        let validators = match last_copy.is_behind() {
            true => Validators::default(),
            false => entity.read(|known| known.validators(now)),
        };
        let fetched = self.client.fetch(&self.address(name), &validators).await;
        let (fetched, beside) = match &self.copies {
            Some(copies) => copies.written_beside(name, fetched).await,
            None => (fetched, None),
        };
        let (asked, provider) = (name.clone(), self.provider.clone());
        let taken = entity.change(move |known| {
            let before = known.at_hand.clone();
            let answer = known.take(fetched, &asked, &provider, now);
            let is_same = match (&before, &known.at_hand) {
                (Some(before), Some(after)) => Arc::ptr_eq(before, after),
                (before, after) => before.is_none() && after.is_none(),
            };
            (answer, !is_same, known.refresh.confirmed_at())
        });
        let (answer, is_new, confirmed_at) = taken.await.inspect_err(|_| {
            entity.read(|known| known.refresh.failed(None, now, answer::random(&self.provider)));
        })?;
        if let (Some(copies), Ok(Some(_))) = (&self.copies, &answer) {
            copies.keep(name, last_copy, beside, is_new, confirmed_at).await;
        }
        answer
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
