//! This module handles the answer of a stored connection's source.

use chrono::{DateTime, Utc};
use vouchsafe::metadata::{
    FetchedMetadata, Refresh, RefreshSchedule, Refreshed, SpeaksFor, TrustedMetadata, TrustedSource,
    Validators,
};
use vouchsafe::provisioning::Actor;
use vouchsafe::{ConnectionId, ConnectionState, Provider};
use vouchsafe_store::{Author, ConnectionStore, OfferedMetadata, StoreError, StoredConnection};

use crate::{Client, ClientError, RefreshEvent, RefreshOutcome, answer};

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
    let at_hand = at_hand(&stored, provider, now);
    let fetched = client.fetch(&url, &Validators::default()).await;
    let asked = Asked { stored, at_hand, fetched };
    told(taken(&mut refresh, asked, store, provider, by).await?)
}

/// A connection, and the answer of its source.
pub(crate) struct Asked {
    pub(crate) stored: StoredConnection,
    pub(crate) at_hand: Option<TrustedMetadata>,
    pub(crate) fetched: Result<FetchedMetadata, ClientError>,
}

/// Returns the current metadata of a connection, if it is usable, so that newer metadata can be compared with it. The
/// store is trusted for its content.
pub(crate) fn at_hand(
    stored: &StoredConnection,
    provider: &Provider,
    now: DateTime<Utc>,
) -> Option<TrustedMetadata> {
    let in_the_store =
        TrustedSource::danger_by_transport_alone(SpeaksFor::entity(stored.identity_provider.clone()));
    in_the_store.accept(&*stored.metadata.document, now, provider).ok()
}

/// Handles an answer. Returns `None` if the connection must not be refreshed any more.
pub(crate) async fn taken(
    refresh: &mut Refresh,
    asked: Asked,
    store: &dyn ConnectionStore,
    provider: &Provider,
    by: Actor,
) -> Option<RefreshOutcome> {
    let Asked { mut stored, at_hand, fetched } = asked;
    let now = Utc::now();
    let (metadata, changes) = match answer::taken(refresh, fetched, at_hand.as_ref(), provider, now) {
        Ok(Refreshed::First(metadata)) => (metadata, None),
        Ok(Refreshed::Changed { metadata, changes, .. }) => (metadata, Some(changes)),
        // The source sends the known document again, so staged metadata is removed.
        Ok(_) => {
            let outcome = RefreshOutcome::Unchanged;
            return match stored.staged.take() {
                Some(_) => written(refresh, stored, outcome, store, provider, by).await,
                None => Some(outcome),
            };
        }
        Err(reason) => {
            let fetched_at = (!stored.metadata.document.is_empty()).then_some(stored.metadata.fetched_at);
            return Some(RefreshOutcome::kept(refresh, fetched_at, reason));
        }
    };
    let waited = stored.staged.clone();
    let offered = stored.offer_metadata(&metadata, now);
    // An accepted document describes it.
    let newer = metadata.identity_provider(&stored.identity_provider);
    let (offered, newer) = match offered.and_then(|offered| Ok((offered, newer?))) {
        Ok(both) => both,
        Err(reason) => return Some(RefreshOutcome::kept(refresh, None, reason.into())),
    };
    let outcome = match offered {
        OfferedMetadata::Taken => RefreshOutcome::taken(newer, changes, now),
        OfferedMetadata::Staged { reason, .. } => {
            let outcome = RefreshOutcome::Staged { reason, changes: changes.unwrap_or_default() };
            if stored.staged == waited {
                return Some(outcome);
            }
            outcome
        }
        OfferedMetadata::RefusedBefore(refusal) => {
            let outcome = RefreshOutcome::RefusedBefore { refusal };
            if waited.is_none() {
                return Some(outcome);
            }
            outcome
        }
        _ => RefreshOutcome::Unchanged,
    };
    written(refresh, stored, outcome, store, provider, by).await
}

/// Writes the connection. Returns the outcome, or `None` if the connection must not be refreshed any more.
async fn written(
    refresh: &mut Refresh,
    stored: StoredConnection,
    outcome: RefreshOutcome,
    store: &dyn ConnectionStore,
    provider: &Provider,
    by: Actor,
) -> Option<RefreshOutcome> {
    let now = Utc::now();
    let author = Author::new(by, now);
    let Err(reason) = store.update_connection(&stored, &author).await else { return Some(outcome) };
    if let StoreError::ConnectionConflict { .. } = &reason
        && let Ok(current) = store.connection(&stored.id).await
    {
        match current {
            // Another process has written the same change first.
            Some(current)
                if current.metadata.document == stored.metadata.document
                    && current.staged.as_ref().map(|staged| &staged.document)
                        == stored.staged.as_ref().map(|staged| &staged.document) =>
            {
                let is_true_still =
                    matches!(outcome, RefreshOutcome::Staged { .. } | RefreshOutcome::RefusedBefore { .. });
                return Some(if is_true_still { outcome } else { RefreshOutcome::Unchanged });
            }
            // Its organization has another connection now, or uploads its metadata.
            Some(current) if !is_asked(&current) => return None,
            None => return None,
            Some(_) => {}
        }
    }
    // The connection was not written: the next answer is compared with the metadata of that time.
    refresh.failed(None, now, answer::random(provider));
    Some(RefreshOutcome::StoreFailed { reason: Box::new(reason) })
}

/// Returns whether the source of a connection is requested: the connection is active, and it has an address.
pub(crate) fn is_asked(stored: &StoredConnection) -> bool {
    stored.state == ConnectionState::Active && stored.metadata.source.url().is_some()
}
