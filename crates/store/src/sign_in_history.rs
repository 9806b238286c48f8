//! The last sign-ins with their facts and explanations: to explain them, and to try a policy on them before it is set.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::Provider;
use vouchsafe::provisioning::{AccountId, LoginFacts, OrganizationId, Plan, Policy, RuleId};

use crate::{Answer, CompletedSignIn, StoreError};

/// The last sign-ins of each organization, with their facts and explanations.
///
/// They contain names, addresses and groups of people. [`HistoryLimits`] determine how many are kept and for how long.
/// The sign-ins of a person whom the identity provider deletes by SCIM are deleted in the same transaction. No secret
/// is kept: the organization's token is replaced by its hash.
pub trait SignInHistory: Send + Sync + fmt::Debug {
    /// Stores a sign-in, and deletes the organization's sign-ins that exceed the limits.
    fn keep_sign_in<'a>(&'a self, sign_in: &'a RecordedSignIn, limits: HistoryLimits) -> Answer<'a, ()>;

    /// The last sign-ins of an organization, at most `most`, oldest first.
    fn recorded_sign_ins<'a>(
        &'a self,
        organization: &'a OrganizationId,
        most: usize,
    ) -> Answer<'a, Vec<RecordedSignIn>>;

    /// Deletes the sign-ins of an account and answers how many there were.
    fn forget_sign_ins_of<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64>;

    /// Deletes all sign-ins from before that time, in every organization, and answers how many there were.
    /// [`keep_sign_in`](Self::keep_sign_in) does this for organizations where people sign in; this method is for the
    /// others.
    fn sweep_sign_ins(&self, before: DateTime<Utc>) -> Answer<'_, u64>;
}

/// How many sign-ins of an organization are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLimits {
    most: usize,
    keep: TimeDelta,
}

impl HistoryLimits {
    /// At most so many sign-ins of each organization, each for at most this time.
    #[must_use]
    pub fn new(most: usize, keep: std::time::Duration) -> Self {
        Self { most, keep: TimeDelta::from_std(keep).unwrap_or(TimeDelta::MAX) }
    }

    /// For stores: the number of sign-ins of an organization that are kept.
    #[must_use]
    pub fn most(self) -> usize {
        self.most
    }

    /// For stores: sign-ins from before this time are deleted when one of `now` is stored.
    #[must_use]
    pub fn oldest(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.checked_sub_signed(self.keep).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

impl Default for HistoryLimits {
    /// 1,000 sign-ins for 30 days.
    fn default() -> Self {
        Self { most: 1_000, keep: TimeDelta::days(30) }
    }
}

/// A stored sign-in. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedSignIn {
    /// The organization.
    pub organization: OrganizationId,
    /// The account.
    pub account: AccountId,
    /// When it was.
    pub at: DateTime<Utc>,
    /// The facts, [sealed](LoginFacts::sealed); `None` if they were longer than [`MAX_BYTES`](Self::MAX_BYTES) as JSON.
    pub facts: Option<LoginFacts>,
    /// The steps that were taken and not taken, each with the rule that decided.
    pub explanation: Vec<ExplainedLine>,
    /// The number of lines beyond [`MAX_LINES`](Self::MAX_LINES), which are not kept.
    #[serde(default)]
    pub lines_left_out: usize,
}

/// One line of the explanation of a sign-in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExplainedLine {
    /// Whether something changed. If not, the line says why.
    pub is_change: bool,
    /// What changed and why, or what was seen and changed nothing.
    pub text: String,
    /// The rule that decided.
    pub rule: RuleId,
}

/// A sign-in to an account, before it is [recorded](RecordedSignIn::new).
#[derive(Clone, Debug)]
pub struct PlannedSignIn<'p> {
    /// The organization.
    pub organization: OrganizationId,
    /// The account.
    pub account: AccountId,
    /// The facts as they came, which may contain the token.
    pub facts: LoginFacts,
    /// What was planned for them.
    pub plan: &'p Plan,
}

impl RecordedSignIn {
    /// The most bytes of a sign-in's facts, as JSON, that are kept.
    pub const MAX_BYTES: usize = 64 * 1_024;

    /// The most lines of an explanation that are kept.
    pub const MAX_LINES: usize = 100;

    /// The record of a sign-in that was just made. The policy is the organization's; it names the attribute that
    /// contains the token.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cryptography`] if the provider has no SHA-256.
    pub fn of(signed_in: &CompletedSignIn, policy: &Policy, provider: &Provider) -> Result<Self, StoreError> {
        let session = &signed_in.session;
        let planned = PlannedSignIn {
            organization: session.organization.clone(),
            account: session.account.clone(),
            facts: LoginFacts::from(&signed_in.login),
            plan: &signed_in.plan,
        };
        Self::new(planned, policy, provider)
    }

    /// The record of a sign-in that was planned by other means than a store's.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn new(planned: PlannedSignIn<'_>, policy: &Policy, provider: &Provider) -> Result<Self, StoreError> {
        let PlannedSignIn { organization, account, facts, plan } = planned;
        let facts = facts.sealed(&policy.attributes.token, provider).map_err(StoreError::cryptography)?;
        let at = facts.at;
        let is_short =
            |facts: &LoginFacts| serde_json::to_string(facts).is_ok_and(|json| json.len() <= Self::MAX_BYTES);
        let changes = plan.steps().iter().map(|step| ExplainedLine {
            is_change: true,
            text: format!("{}: {}", step.action, step.because),
            rule: step.rule.clone(),
        });
        let notes = plan.notes().iter().map(|note| ExplainedLine {
            is_change: false,
            text: note.text.clone(),
            rule: note.rule.clone(),
        });
        let count = plan.steps().len().saturating_add(plan.notes().len());
        Ok(Self {
            organization,
            account,
            at,
            facts: Some(facts).filter(is_short),
            explanation: changes.chain(notes).take(Self::MAX_LINES).collect(),
            lines_left_out: count.saturating_sub(Self::MAX_LINES),
        })
    }
}

impl fmt::Debug for RecordedSignIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RecordedSignIn")
            .field("organization", &self.organization)
            .field("account", &self.account)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ExplainedLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ExplainedLine").field("rule", &self.rule).finish_non_exhaustive()
    }
}

/// The facts of the sign-ins as JSON, one per line, as `vouchsafe policy replay --logins` reads them. They contain
/// names and addresses of people.
///
/// # Errors
/// The error of the store.
pub async fn export_sign_ins(
    store: &dyn SignInHistory,
    organization: &OrganizationId,
    most: usize,
) -> Result<String, StoreError> {
    let mut lines = String::new();
    for facts in store.recorded_sign_ins(organization, most).await?.into_iter().filter_map(|one| one.facts) {
        let line = serde_json::to_string(&facts);
        lines.push_str(&line.map_err(|_| StoreError::damaged("recorded sign-in", "it has no form"))?);
        lines.push('\n');
    }
    Ok(lines)
}
