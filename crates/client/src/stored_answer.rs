//! This module handles the answer of a stored connection's source.

use chrono::{DateTime, Utc};
use vouchsafe::metadata::{
    FetchedMetadata, MetadataChange, Refresh, RefreshSchedule, Refreshed, SpeaksFor, TrustedMetadata,
    TrustedSource, Validators,
};
use vouchsafe::provisioning::Actor;
use vouchsafe::{ConnectionId, ConnectionState, Provider};
use vouchsafe_store::{Author, ConnectionStore, OfferedMetadata, StoreError, StoredConnection};

use crate::answer::Earlier;
use crate::{Client, ClientError, RefreshEvent, RefreshFailure, RefreshOutcome, answer};

/// The name of the rule in the audit for changes by a refresher.
pub(crate) const RULE: &str = "metadata.refresh";

/// Requests the source of one connection now, whether it is due or not, and records the result under the name of the
/// person who requested it. It is for a button "load again now". Approval and refusal work as in
/// [`StoredRefresher`](crate::StoredRefresher).
///
/// Returns `None` if the connection is retired or does not exist, or if it has no address because its metadata was
/// uploaded.
///
/// ```no_run
/// # async fn example(client: vouchsafe_client::Client, store: vouchsafe_store::Memory) -> Result<(), Box<dyn std::error::Error>> {
/// use vouchsafe::provisioning::Actor;
/// use vouchsafe::{ConnectionId, Provider};
/// use vouchsafe_client::refresh_stored;
///
/// let (acme, owner) = (ConnectionId::new("acme")?, Actor::Account("ada".into()));
/// if let Some(event) = refresh_stored(&client, &Provider::rustcrypto(), &store, &acme, owner).await {
///     println!("{event}");
/// }
/// # Ok(())
/// # }
/// ```
pub async fn refresh_stored(
    client: &Client,
    provider: &Provider,
    store: &dyn ConnectionStore,
    connection: &ConnectionId,
    by: Actor,
) -> Option<RefreshEvent> {
    let told = |outcome| Some(RefreshEvent { connection: Some(connection.clone()), outcome });
    let stored = match store.connection(connection).await {
        Ok(stored) => stored.filter(|stored| stored.state != ConnectionState::Retired)?,
        Err(reason) => return told(RefreshOutcome::StoreFailed { reason: Box::new(reason) }),
    };
    let url = stored.metadata.source.url()?.to_owned();
    let (now, schedule) = (Utc::now(), RefreshSchedule::default());
    let mut refresh = match stored.metadata_source() {
        Ok(source) => Refresh::new(source, schedule, now),
        Err(reason) => {
            let nobody = TrustedSource::danger_by_transport_alone(SpeaksFor::Entities(Default::default()));
            let fetched_at = Some(stored.metadata.fetched_at);
            return told(RefreshOutcome::kept(
                &Refresh::new(nobody, schedule, now),
                fetched_at,
                reason.into(),
            ));
        }
    };
    let fetched = client.fetch(&url, &Validators::default()).await;
    let asked = Asked { stored, fetched };
    told(taken(&mut refresh, asked, store, provider, by).await?)
}

/// A connection, and the answer of its source.
pub(crate) struct Asked {
    pub(crate) stored: StoredConnection,
    pub(crate) fetched: Result<FetchedMetadata, ClientError>,
}

/// A connection as the answer of its source changes it, and the outcome.
struct Judged {
    stored: StoredConnection,
    outcome: RefreshOutcome,
    /// Whether nobody has to be told about the change.
    is_renewal: bool,
}

/// Handles an answer. Returns `None` if the connection must not be refreshed any more.
pub(crate) async fn taken(
    refresh: &mut Refresh,
    asked: Asked,
    store: &dyn ConnectionStore,
    provider: &Provider,
    by: Actor,
) -> Option<RefreshOutcome> {
    let (before, unanswered, now) = (asked.stored.clone(), refresh.clone(), Utc::now());
    let (mut judging, with) = (refresh.clone(), provider.clone());
    // Whoever controls the address decides how much there is to parse and to compare.
    let judged = tokio::task::spawn_blocking(move || {
        let judged = judge(&mut judging, asked, &with, now);
        (judging, judged)
    });
    let Judged { stored, outcome, is_renewal } = match judged.await {
        Ok((judging, judged)) => {
            *refresh = judging;
            judged
        }
        Err(_) => {
            refresh.failed(None, now, answer::random(provider));
            let fetched_at = Some(before.metadata.fetched_at);
            return Some(RefreshOutcome::kept(refresh, fetched_at, RefreshFailure::Interrupted {}));
        }
    };
    if stored == before {
        return Some(outcome);
    }
    let written = match is_renewal {
        true => store.renew_connection(&stored).await,
        false => store.update_connection(&stored, &Author::new(by, now)).await.map(drop),
    };
    match written {
        Ok(()) => Some(outcome),
        // What is remembered about a refused document is written with the next one.
        Err(_) if matches!(outcome, RefreshOutcome::Kept { .. }) => Some(outcome),
        Err(reason) => {
            let outcome = not_written(stored, outcome, store, reason).await;
            if let Some(RefreshOutcome::StoreFailed { .. }) = &outcome {
                // What is not stored confirms nothing, and each further attempt waits longer.
                *refresh = unanswered;
                refresh.failed(None, Utc::now(), answer::random(provider));
            }
            outcome
        }
    }
}

fn judge(refresh: &mut Refresh, asked: Asked, provider: &Provider, now: DateTime<Utc>) -> Judged {
    let Asked { mut stored, fetched } = asked;
    // If it cannot be read, there is nothing that newer metadata could be compared with.
    let at_hand = stored.recalled_metadata(provider).ok();
    let (before, known) = (refresh.clone(), stored.clone());
    refresh.set_older_since(stored.older_since);
    let answered = answer::taken(refresh, fetched, Earlier::Current(at_hand.as_ref()), provider, now);
    stored.older_since = refresh.older_since();
    let outcome = match answered {
        Ok(Refreshed::First(metadata) | Refreshed::Renewed(metadata)) => {
            offered(refresh, &mut stored, &metadata, None, now)
        }
        Ok(Refreshed::Changed { metadata, changes, .. }) => {
            offered(refresh, &mut stored, &metadata, Some(changes), now)
        }
        // The source states what is known, so staged metadata is removed.
        Ok(_) => {
            stored.staged = None;
            RefreshOutcome::Unchanged
        }
        Err(reason) => {
            let fetched_at = (!stored.metadata.document.is_empty()).then_some(stored.metadata.fetched_at);
            RefreshOutcome::kept(refresh, fetched_at, reason)
        }
    };
    if matches!(outcome, RefreshOutcome::Staged { .. } | RefreshOutcome::RefusedBefore { .. }) {
        refresh.set_aside(&before, now, answer::random(provider));
    }
    let is_renewal = stored != known && stored.is_renewal_of(&known);
    Judged { stored, outcome, is_renewal }
}

/// Offers an accepted document to the connection.
fn offered(
    refresh: &Refresh,
    stored: &mut StoredConnection,
    metadata: &TrustedMetadata,
    changes: Option<Vec<MetadataChange>>,
    now: DateTime<Utc>,
) -> RefreshOutcome {
    let present = stored.metadata.clone();
    let offered = stored.offer_metadata(metadata, now);
    // An accepted document describes it.
    let newer = metadata.identity_provider(&stored.identity_provider);
    let (offered, newer) = match offered.and_then(|offered| Ok((offered, newer?))) {
        Ok(both) => both,
        Err(reason) => return RefreshOutcome::kept(refresh, None, reason.into()),
    };
    match offered {
        OfferedMetadata::Taken => RefreshOutcome::taken(newer, changes, now),
        OfferedMetadata::Renewed => RefreshOutcome::Renewed { identity_provider: newer.clone() },
        OfferedMetadata::Staged { reason, .. } => {
            // If there is nothing that it could be compared with, everything in it is new.
            let compared =
                || present.comparison_with(stored.staged.as_ref()?, &stored.identity_provider).ok();
            let changes = changes.or_else(|| Some(compared()?.changes)).unwrap_or_default();
            RefreshOutcome::Staged { reason, changes }
        }
        OfferedMetadata::RefusedBefore(refusal) => RefreshOutcome::RefusedBefore { refusal },
        _ => RefreshOutcome::Unchanged,
    }
}

/// Returns the outcome if the connection was not written, or `None` if it must not be refreshed any more.
async fn not_written(
    stored: StoredConnection,
    outcome: RefreshOutcome,
    store: &dyn ConnectionStore,
    reason: StoreError,
) -> Option<RefreshOutcome> {
    if let StoreError::ConnectionConflict { .. } = &reason
        && let Ok(current) = store.connection(&stored.id).await
    {
        match current {
            // Another process has written the same change first.
            Some(current) if says_the_same(&current, &stored) => {
                let is_true_still =
                    matches!(outcome, RefreshOutcome::Staged { .. } | RefreshOutcome::RefusedBefore { .. });
                return Some(if is_true_still { outcome } else { RefreshOutcome::Unchanged });
            }
            // Its organization has another connection now, or uploads its metadata.
            Some(current)
                if current.state == ConnectionState::Retired || current.metadata.source.url().is_none() =>
            {
                return None;
            }
            None => return None,
            Some(_) => {}
        }
    }
    Some(RefreshOutcome::StoreFailed { reason: Box::new(reason) })
}

fn says_the_same(current: &StoredConnection, stored: &StoredConnection) -> bool {
    let digests =
        |of: &StoredConnection| (of.digest(&of.metadata), of.staged.as_ref().map(|staged| of.digest(staged)));
    digests(current) == digests(stored)
}

/// Returns whether the source of a connection is requested: the connection is active, and it has an address.
pub(crate) fn is_asked(stored: &StoredConnection) -> bool {
    stored.state == ConnectionState::Active && stored.metadata.source.url().is_some()
}
