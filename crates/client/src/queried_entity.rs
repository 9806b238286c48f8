//! What is known about one entity that a metadata query server was asked for.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex as Turn, OnceCell};
use vouchsafe::metadata::{
    EntityName, FetchedMetadata, MetadataError, Refresh, RefreshError, RefreshSchedule, Refreshed, Restored,
    TrustedMetadata, TrustedSource, Validators,
};
use vouchsafe::{EntityId, IdentityProvider, Provider};

use crate::answer::Earlier;
use crate::copies::{Copy, LastCopy};
use crate::{ClientError, RefreshFailure, answer};

/// An entity that was requested.
#[derive(Debug)]
pub(crate) struct Entity {
    known: Mutex<Known>,
    /// Whether its copy was looked for.
    pub(crate) restored: OnceCell<()>,
    /// The lock of the task that asks the server and writes the copy.
    pub(crate) turn: Turn<LastCopy>,
}

/// The known state of an entity.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) refresh: Refresh,
    schedule: RefreshSchedule,
    /// The time for which it is used without a confirmation by the server, if it has no validUntil.
    unconfirmed: TimeDelta,
    /// The time for which the server's answer that it does not know the entity is used.
    unknown_for: TimeDelta,
    pub(crate) at_hand: Option<Arc<(TrustedMetadata, IdentityProvider)>>,
    /// The time until which the server's answer that there is no such entity is used.
    unknown_until: Option<DateTime<Utc>>,
    pub(crate) used_at: DateTime<Utc>,
}

/// The next step for an entity.
pub(crate) enum Next {
    /// The entity is known, and the metadata is fresh.
    Answer(Arc<(TrustedMetadata, IdentityProvider)>),
    /// The entity is known, and the server must be asked whether it has changed.
    AnswerAndAsk(Arc<(TrustedMetadata, IdentityProvider)>),
    Unknown,
    /// The last request failed, and it is too early for the next one.
    Wait(DateTime<Utc>),
    Ask,
}

/// The settings that all entities of a server share.
#[derive(Debug)]
pub(crate) struct EntitySettings {
    pub(crate) schedule: RefreshSchedule,
    pub(crate) unconfirmed: TimeDelta,
    pub(crate) unknown_for: TimeDelta,
}

impl Entity {
    /// Makes an entity of which nothing is known. Its answers must be what `source` may say.
    pub(crate) fn new(source: TrustedSource, settings: EntitySettings, now: DateTime<Utc>) -> Entity {
        let EntitySettings { schedule, unconfirmed, unknown_for } = settings;
        let refresh = Refresh::new(source, schedule, now);
        let known = Known {
            refresh,
            schedule,
            unconfirmed,
            unknown_for,
            at_hand: None,
            unknown_until: None,
            used_at: now,
        };
        Entity { known: Mutex::new(known), restored: OnceCell::new(), turn: Turn::new(LastCopy::default()) }
    }

    pub(crate) fn next(&self, now: DateTime<Utc>) -> Next {
        self.read(|known| known.next(now))
    }

    /// Returns whether it was found before. Its metadata may have ended since.
    pub(crate) fn is_known(&self) -> bool {
        self.read(|known| known.at_hand.is_some())
    }

    pub(crate) fn entity_id(&self) -> Option<EntityId> {
        self.read(|known| known.at_hand.as_deref().map(|(_, found)| found.entity_id().clone()))
    }

    /// Changes what is known on a thread for blocking work, because an answer of the server, or a copy, is parsed and verified.
    /// Whoever looks for the entity meanwhile finds what was known before. The caller makes sure that there is one change at
    /// a time.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Known) -> T + Send + 'static,
    ) -> Result<T, RefreshFailure> {
        let mut known = self.read(|known| known.clone());
        let changing = tokio::task::spawn_blocking(move || {
            let made = change(&mut known);
            (known, made)
        });
        let (mut changed, made) = changing.await.map_err(|_| RefreshFailure::Interrupted {})?;
        self.read(|known| {
            changed.used_at = changed.used_at.max(known.used_at);
            *known = changed;
        });
        Ok(made)
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
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

    /// Uses a copy, if it is what the server could answer now. A copy that has ended is not used, and newer documents are
    /// compared with it.
    pub(crate) fn restore(&mut self, copy: Copy, name: &EntityName, provider: &Provider, now: DateTime<Utc>) {
        let mut refresh = self.refresh.clone();
        let metadata = match answer::restored(&mut refresh, copy, provider, now) {
            // `usable` looks at the time, so what has ended may be at hand.
            Ok(Restored::Usable(metadata) | Restored::Ended { metadata, .. }) => metadata,
            _ => return,
        };
        let found = metadata.find(name).and_then(|found| found.identity_provider().ok()).cloned();
        if let Some(found) = found {
            self.at_hand = Some(Arc::new((metadata, found)));
            self.refresh = refresh;
        }
    }

    pub(crate) fn take(
        &mut self,
        fetched: Result<FetchedMetadata, ClientError>,
        name: &EntityName,
        provider: &Provider,
        now: DateTime<Utc>,
    ) -> Result<Option<IdentityProvider>, RefreshFailure> {
        let at_hand = self.at_hand.clone();
        let at_hand = at_hand.as_deref().map(|(metadata, _)| metadata);
        let before = self.refresh.clone();
        let refreshed =
            match answer::taken(&mut self.refresh, fetched, Earlier::Current(at_hand), provider, now) {
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

    pub(crate) fn validators(&self, now: DateTime<Utc>) -> Validators {
        let bytes = self.at_hand.as_deref().map(|(metadata, _)| metadata.bytes());
        self.refresh.validators(bytes, now)
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
