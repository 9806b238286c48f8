//! The order in which documents of one source were published.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{RefreshError, TrustedMetadata};

/// The longest validity of an unsigned document that counts. Metadata is valid for days or weeks, seldom for a year.
const LONGEST_PLAUSIBLE: TimeDelta = TimeDelta::days(400);

/// Rule: a document does not replace one that was published after it. The publication times decide. If they do not, the
/// ends of validity do. A publisher may shorten the validity of its documents.
///
/// Without a signature, somebody who controlled the address for a moment could have written times that no genuine
/// document reaches. A publication time in the future and a very late end of validity are then ignored. The times in a
/// signed document are the publisher's, whose clock may be ahead. An end that is past says nothing about a document
/// with an end, because one that is valid now ends later. A signed document without an end is older than one with an end,
/// also after that: its publisher stated no ends at first.
pub(crate) fn is_no_older(
    at_hand: &TrustedMetadata,
    newer: &TrustedMetadata,
    now: DateTime<Utc>,
) -> Result<(), RefreshError> {
    let is_signed = newer.evidence().is_some();
    let [old, new] = [at_hand, newer].map(TrustedMetadata::aggregate);
    let created =
        [old.creation_instant().filter(|created| is_signed || *created <= now), new.creation_instant()];
    if matches!(created, [Some(before), Some(after)] if before < after) {
        return Ok(());
    }
    let after = new.valid_until()?;
    let is_plausible = |end: &DateTime<Utc>| match is_signed {
        true => *end > now || after.is_none(),
        false => *end > now && end.signed_duration_since(now) <= LONGEST_PLAUSIBLE,
    };
    let valid = [old.valid_until()?.filter(is_plausible), after];
    for (what, [before, after]) in [("creationInstant", created), ("validUntil", valid)] {
        if let Some(at_hand) = before.filter(|before| after.is_none_or(|after| after < *before)) {
            return Err(RefreshError::RolledBack { what, offered: after, at_hand });
        }
    }
    Ok(())
}
