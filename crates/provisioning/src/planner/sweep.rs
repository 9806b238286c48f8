//! `[offboarding]`: accounts that are no longer used.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Context, draft::Draft};
use crate::{Action, Actor, Cause, Hold, Plan, RuleId, offboarding::unused_accounts};

/// Suspends them, except break-glass accounts, which must remain usable.
pub(super) fn plan(context: Context<'_>, at: DateTime<Utc>) -> Plan {
    let rule = || RuleId::from("offboarding.suspend_after");
    let mut draft = Draft::new(context, Cause::Change { actor: Actor::Rule(rule()) }, at);
    let Some(after) = context.policy.offboarding.suspend_after else { return draft.finish() };
    let span = TimeDelta::from_std(after.get()).unwrap_or(TimeDelta::MAX);
    for account in unused_accounts(context.snapshot.accounts(), at, span) {
        if context.policy.enforcement.is_break_glass(account) {
            draft.note(rule(), format!("The account {} stays: it is a break-glass account", account.id));
            continue;
        }
        draft.turn_to(account);
        let suspend = Action::Suspend { by: Hold::Unused, before: account.status };
        draft.step(rule(), suspend, format!("nobody has signed in to it for {after}"));
    }
    draft.finish()
}
