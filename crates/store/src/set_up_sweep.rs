//! Deletes set-up links that are over, and ends the drafts that they left.

use chrono::{DateTime, Utc};
use vouchsafe::{
    ConnectionId, ConnectionState,
    provisioning::{Actor, RuleId},
};

use crate::{ConnectionDecision, ConnectionStore, Directory, SetUpLink, SetUpStore, SignInError, StoreError};

/// The rule that the audit names as the actor.
const RULE: &str = "set_up_link.over";

/// Deletes the links that expired before `before`, and retires the drafts that they left. Answers the number of links.
///
/// Only a connection in the state [`Draft`](ConnectionState::Draft) that was never active is retired, and only if no other
/// link and no takeover of the organization's policy names it. One whose trial succeeded stays, since somebody may activate
/// it, and so does the draft of a link that is renewed at the same moment. The audit has each of them, with [`Actor::Rule`] `set_up_link.over`. If the store refuses to retire one, or is busy
/// with its organization, the draft stays, and its link is deleted all the same.
///
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use vouchsafe_store::{Memory, StoreError, sweep_set_up_links};
///
/// /// Until a month is over, a person who opens a link is told that it has expired.
/// async fn sweep(store: &Memory, now: DateTime<Utc>) -> Result<u64, StoreError> {
///     sweep_set_up_links(store, now - TimeDelta::days(30), now).await
/// }
/// ```
///
/// # Errors
/// Those of an outage. What was not swept is swept the next time.
pub async fn sweep_set_up_links<S>(
    store: &S,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<u64, StoreError>
where
    S: SetUpStore + ConnectionStore + Directory + ?Sized,
{
    let mut swept: u64 = 0;
    loop {
        let over = store.set_up_links_over(before).await?;
        for link in &over {
            match end_draft(store, link, before, now).await {
                // What is damaged stays so, and keeps no other link.
                Ok(()) | Err(SignInError::Store(StoreError::Damaged { .. })) => {}
                // An organization that keeps the store busy keeps no link of others either.
                Err(SignInError::Store(StoreError::Busy { .. })) => {}
                Err(SignInError::Store(failure)) if failure.is_outage() => return Err(failure),
                Err(_) => {}
            }
        }
        let ids: Vec<String> = over.into_iter().map(|link| link.id).collect();
        // None if they were renewed, or swept by another machine.
        match store.delete_set_up_links(&ids, before).await? {
            0 => return Ok(swept),
            deleted => swept = swept.saturating_add(deleted),
        }
    }
}

/// Ends the draft of a link that was found to be over, unless the link was renewed since.
pub(crate) async fn end_draft<S>(
    store: &S,
    link: &SetUpLink,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), SignInError>
where
    S: SetUpStore + ConnectionStore + Directory + ?Sized,
{
    let Some(id) = link.progress.connection.clone() else { return Ok(()) };
    let is_draft = |state: ConnectionState| state == ConnectionState::Draft;
    let stored = store.connection(&id).await?;
    if !stored.is_some_and(|stored| is_draft(stored.state)) || is_named(store, link, &id, before).await? {
        return Ok(());
    }
    let rule = Actor::Rule(RuleId::from(RULE));
    let decision = ConnectionDecision::new(link.organization.clone(), rule, now, move |it, _| {
        // One that an operator made a draft again stays in the organization's list, and people find it by their names.
        let was_active = it.organization.signs_in_over(&id);
        match !was_active && it.connection(&id).is_some_and(|connection| is_draft(connection.state)) {
            true => it.retire(&id),
            false => Ok(()),
        }
    });
    store.decide_connections(decision.left_by(link, before)).await.map(drop)
}

/// Whether another link or the policy of the organization names a connection.
async fn is_named<S>(
    store: &S,
    link: &SetUpLink,
    id: &ConnectionId,
    before: DateTime<Utc>,
) -> Result<bool, StoreError>
where
    S: SetUpStore + Directory + ?Sized,
{
    let links = store.set_up_links_of(&link.organization).await?;
    let names_it = |other: &SetUpLink| {
        other.id != link.id && other.expires_at > before && other.progress.connection.as_ref() == Some(id)
    };
    let policy = store.policy(&link.organization).await?;
    let takes_over = policy.identity.takeovers.iter().any(|takeover| takeover.to == *id);
    Ok(takes_over || links.iter().any(names_it))
}
