//! What came with the last sign-ins, and what the policy made of it: to explain them, and to try a policy on them before it is set.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::Provider;
use vouchsafe::provisioning::{AccountId, LoginFacts, OrganizationId, Plan, Policy, RuleId};

use crate::{Answer, CompletedSignIn, StoreError};

/// The last sign-ins of each organization: what came with them, and what was made of it.
///
/// It has names, addresses and groups of people in it: [`HistoryLimits`] say how many are kept, and for how long. Those of a person whom the
/// identity provider deletes by SCIM are forgotten in the same transaction. No secret is kept: the organization's token is replaced by its hash.
pub trait SignInHistory: Send + Sync + fmt::Debug {
    /// Keeps a sign-in, and forgets those of the organization that are beyond the limits.
    fn keep_sign_in<'a>(&'a self, sign_in: &'a RecordedSignIn, limits: HistoryLimits) -> Answer<'a, ()>;

    /// The last sign-ins of an organization, `most` at most, the oldest first.
    fn recorded_sign_ins<'a>(
        &'a self,
        organization: &'a OrganizationId,
        most: usize,
    ) -> Answer<'a, Vec<RecordedSignIn>>;

    /// Forgets the sign-ins of an account; how many.
    fn forget_sign_ins_of<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64>;

    /// Forgets every sign-in from before that time, in every organization; how many. Where people sign in, [`keep_sign_in`](Self::keep_sign_in)
    /// does it: this is for organizations where nobody does.
    fn sweep_sign_ins(&self, before: DateTime<Utc>) -> Answer<'_, u64>;
}

/// How many sign-ins of an organization are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLimits {
    most: usize,
    keep: TimeDelta,
}

impl HistoryLimits {
    /// So many sign-ins of each organization at most, and none for longer than this.
    #[must_use]
    pub fn new(most: usize, keep: std::time::Duration) -> Self {
        Self { most, keep: TimeDelta::from_std(keep).unwrap_or(TimeDelta::MAX) }
    }

    /// For stores: how many sign-ins of an organization are kept.
    #[must_use]
    pub fn most(self) -> usize {
        self.most
    }

    /// For stores: the time from before which none is kept, when one of this time is.
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

/// A sign-in as it is kept. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedSignIn {
    /// The organization.
    pub organization: OrganizationId,
    /// The account.
    pub account: AccountId,
    /// When it was.
    pub at: DateTime<Utc>,
    /// What came, [sealed](LoginFacts::sealed); `None` where it was more than [`MAX_BYTES`](Self::MAX_BYTES) as JSON.
    pub facts: Option<LoginFacts>,
    /// What was done, and what was not, each with the rule that decided.
    pub explanation: Vec<ExplainedLine>,
    /// How many lines there were beyond [`MAX_LINES`](Self::MAX_LINES).
    #[serde(default)]
    pub lines_left_out: usize,
}

/// One line of the explanation of a sign-in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExplainedLine {
    /// Whether something changed. A line for which nothing did says why not.
    pub is_change: bool,
    /// What changed and why, or what was seen and changed nothing.
    pub text: String,
    /// The rule that decided.
    pub rule: RuleId,
}

impl RecordedSignIn {
    /// How long the facts of a sign-in may be as JSON to be kept.
    pub const MAX_BYTES: usize = 64 * 1_024;

    /// How many lines of its explanation are kept.
    pub const MAX_LINES: usize = 100;

    /// What is kept of a sign-in that was just made. The policy is that of the organization: it names the attribute with the token.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cryptography`] where the provider does not do SHA-256.
    pub fn of(signed_in: &CompletedSignIn, policy: &Policy, provider: &Provider) -> Result<Self, StoreError> {
        let facts = LoginFacts::from(&signed_in.login);
        let session = &signed_in.session;
        Self::new(
            session.organization.clone(),
            session.account.clone(),
            facts,
            &signed_in.plan,
            policy,
            provider,
        )
    }

    /// What is kept of a sign-in to this account by these facts, of which this plan was made.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn new(
        organization: OrganizationId,
        account: AccountId,
        facts: LoginFacts,
        plan: &Plan,
        policy: &Policy,
        provider: &Provider,
    ) -> Result<Self, StoreError> {
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

/// What came with the sign-ins as JSON, one a line: what `vouchsafe policy replay --logins` reads. It has names and addresses of people in it.
///
/// # Errors
/// Those of the store.
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
