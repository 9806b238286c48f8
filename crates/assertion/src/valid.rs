//! Checks an assertion against the expectations. A valid assertion may still be a replay.

use std::fmt;

use chrono::{DateTime, Utc};
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::Evidence;

use crate::authentic::{AuthenticAssertion, SignedFacts};
use crate::conditions::ProxyFacts;
use crate::connection_id::ConnectionId;
use crate::error::AssertionError;
use crate::expectations::Expectations;
use crate::facts::AuthnStatement;
use crate::instant::{Clock, Moment, delta};
use crate::ledger::{Check, Ledger, Outcome};
use crate::login::Login;
use crate::name_id::is_too_long;
use crate::refusal::Refusal;
use crate::replay::{FIRST_USE, FIRST_USE_CLAUSE, Recorded, ReplayKey};
use crate::rules::{Case, Examination, bearers, examine};
use crate::subject_id::{self, PAIRWISE_ID, SUBJECT_ID};
use crate::trial::Trial;

impl AuthenticAssertion {
    /// Runs every rule, even if one fails, and accepts the assertion if all passed.
    ///
    /// `now` is the time at which the response was received. A bound is met while `now - skew < NotOnOrAfter` and
    /// `now + skew >= NotBefore`.
    ///
    /// # Errors
    /// A [`Refusal`] with the first rule that failed, in the order of the specification, and the ledger of all of them.
    pub fn validate(
        self,
        expectations: &Expectations,
        now: DateTime<Utc>,
    ) -> Result<ValidAssertion, Refusal> {
        let AuthenticAssertion {
            provider,
            mut facts,
            connection,
            issuer,
            scopes,
            tolerates_confirmation_not_before,
            evidence,
            ledger,
            replay,
        } = self;
        let case = Case {
            facts: &facts,
            issuer: &issuer,
            tolerates_confirmation_not_before,
            expectations,
            clock: Clock::new(now, expectations.clock_skew()),
        };
        let mut examination = Examination::new(ledger);
        let accepted = examine(&case, &mut examination);
        let end = latest_acceptance(&facts, expectations);
        for kind in [&SUBJECT_ID, &PAIRWISE_ID] {
            examination.ledger.record(subject_id::check(kind, &facts.assertion.attributes, &scopes));
        }

        let Examination { ledger, error, decided_by } = examination;
        let session_indexes = session_indexes(&mut facts.assertion.authn_statements);
        let statement = accepted.and_then(|place| facts.assertion.authn_statements.into_iter().nth(place));
        let (statement, end) = match (error, statement, end) {
            (None, Some(statement), Some(end)) => (statement, end),
            // Without an error there is always a statement and the end of a confirmation. So this cannot be reached;
            // it refuses nevertheless.
            (error, _, _) => {
                let error = error.unwrap_or(AssertionError::NoAuthnStatement);
                let refusal = Refusal::decided_by(error, ledger, decided_by).over(&connection);
                return Err(refusal.compared_with(expectations));
            }
        };
        let name_id = facts.assertion.subject.as_mut().and_then(|subject| subject.name_id.take());
        let conditions = facts.assertion.conditions.take();
        let login = Login {
            provider,
            connection,
            issuer,
            audience: expectations.entity_id().clone(),
            scopes,
            name_id,
            one_time_use: conditions.as_ref().is_some_and(|conditions| conditions.one_time_use > 0),
            proxy_restriction: conditions
                .and_then(|conditions| conditions.proxy_restrictions.into_iter().next())
                .map(ProxyFacts::into_restriction),
            attributes: facts.assertion.attributes,
            session_indexes,
            session_not_on_or_after: statement.session_not_on_or_after.as_ref().and_then(Moment::at),
            issued_at: facts.assertion.issue_instant.at(),
            authn_instant: statement.authn_instant.at(),
            authn_context: statement.context_class,
            assertion_id: facts.assertion.id,
            in_response_to: expectations.request().map(str::to_owned),
            request_issued_at: expectations.request_issued_at(),
            accepted_at: now,
            expires_at: end,
            evidence,
            ledger,
        };
        Ok(ValidAssertion { login, replay: ReplayKey::new(replay, end) })
    }
}

/// Takes the different session indexes out of the statements. A logout request may contain any of them, also that of a
/// statement that does not meet the requested context. An index that is too long for a logout request is ignored.
fn session_indexes(statements: &mut [AuthnStatement]) -> Vec<String> {
    let mut indexes = Vec::new();
    for index in statements.iter_mut().filter_map(|statement| statement.session_index.take()) {
        if !is_too_long(&index) && !indexes.contains(&index) {
            indexes.push(index);
        }
    }
    indexes
}

/// Returns the time from which this assertion can no longer be accepted, by any of its bearer confirmations and under
/// the same skew.
///
/// Every confirmation counts, not only the one that was met, since a replay may meet another.
fn latest_acceptance(facts: &SignedFacts, expectations: &Expectations) -> Option<DateTime<Utc>> {
    let confirmed = bearers(&facts.assertion)
        .filter_map(|confirmation| confirmation.data.as_ref()?.not_on_or_after.as_ref()?.at())
        .max()?;
    let conditions =
        facts.assertion.conditions.as_ref().and_then(|conditions| conditions.not_on_or_after.as_ref()?.at());
    let end = conditions.map_or(confirmed, |conditions| conditions.min(confirmed));
    Some(end.checked_add_signed(delta(expectations.clock_skew())).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

/// An assertion that every rule accepts. It may still be a replay, so nothing about the person can be read yet:
///
/// ```compile_fail,E0599
/// # use vouchsafe_assertion::ValidAssertion;
/// fn who(valid: &ValidAssertion) -> String {
///     valid.name_id().unwrap().value().to_owned() // error: only a Login has it
/// }
/// ```
///
/// [`confirm`](ValidAssertion::confirm) is the only way to a [`Login`], and it can be called once:
///
/// ```compile_fail,E0382
/// # use vouchsafe_assertion::{Recorded, ValidAssertion};
/// fn twice(valid: ValidAssertion, first: Recorded, second: Recorded) {
///     let login = valid.confirm(first);
///     let again = valid.confirm(second); // error: use of moved value
/// }
/// ```
///
/// ```compile_fail,E0277
/// # use vouchsafe_assertion::{Login, ValidAssertion};
/// fn shortcut(valid: ValidAssertion) -> Login {
///     valid.into() // error: there is no such conversion
/// }
/// ```
pub struct ValidAssertion {
    login: Login,
    replay: ReplayKey,
}

impl ValidAssertion {
    /// The key that a store records, so that the assertion is accepted only once.
    #[must_use]
    pub fn replay_key(&self) -> ReplayKey {
        self.replay.clone()
    }

    /// The connection whose key made the signature.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        self.login.connection()
    }

    /// The entity ID of the identity provider.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        self.login.issuer()
    }

    /// The evidence for each signature: its key and what it covers, outermost first.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence] {
        self.login.evidence()
    }

    /// Every check that was made.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        self.login.ledger()
    }

    /// Turns it into a login, if `recorded` states that a store recorded it for the first time.
    ///
    /// # Errors
    /// `assertion.replayed` if it was recorded before, `assertion.other_assertion` if the record belongs to another
    /// assertion; both with the whole ledger.
    pub fn confirm(self, recorded: Recorded) -> Result<Login, Refusal> {
        let ValidAssertion { mut login, replay } = self;
        let failed = |expected: &'static str, actual: &'static str| {
            Check::new(FIRST_USE, FIRST_USE_CLAUSE, Outcome::Failed).expected(expected).actual(actual)
        };
        let (check, error) = if !recorded.is_of(&replay) {
            let check = failed("the record of this assertion", "that of another");
            (check, AssertionError::OtherAssertion)
        } else if !recorded.is_first() {
            (failed("not seen before", "seen before"), AssertionError::Replayed)
        } else {
            login.record_first_use();
            return Ok(login);
        };
        login.ledger.record(check);
        Err(Refusal::with_ledger(error, login.ledger).over(&login.connection))
    }

    /// Turns it into a trial result: what the person would have been signed in as. It cannot sign anybody in, and
    /// nothing is recorded.
    pub fn into_trial(self) -> Trial {
        Trial::new(self.login)
    }
}

impl fmt::Debug for ValidAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidAssertion")
            .field("issuer", self.issuer())
            .field("replay_key", &self.replay)
            .finish_non_exhaustive()
    }
}
