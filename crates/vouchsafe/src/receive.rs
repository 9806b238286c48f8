//! Receives a response that was posted to an assertion consumer: from the claimed response to a valid assertion.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{
    ConnectionId, Correlation, Expectations, MessageId, OutstandingRequest, Refusal, Trial, Trust,
    ValidAssertion, authenticate, choose, owners_of_response,
};

use crate::claimed_response::ClaimedResponse;
use crate::connection::{Connection, ConnectionState};
use crate::connection_settings::Unsolicited;
use crate::pending::{BoundRequest, PendingRequest};
use crate::service_provider::ServiceProvider;
use crate::signature_inquiry::SignatureInquiry;

/// The kind of response that is expected.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Expect<'p> {
    /// The answer to this request, over the connection that was asked, from the browser that started the sign-in.
    Reply(&'p BoundRequest),
    /// A response without a request: the person started at the identity provider's dashboard. It is refused if the
    /// connection does not accept such responses, or if the response names a request.
    Unsolicited,
}

impl<'p> Expect<'p> {
    pub(crate) fn request(self) -> Option<&'p PendingRequest> {
        match self {
            Expect::Reply(bound) => Some(bound.request()),
            Expect::Unsolicited => None,
        }
    }
}

/// The purpose of a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    SignIn,
    Trial,
}

impl ServiceProvider {
    /// Decides whether to accept a response: finds the connection, authenticates the response, reads what was signed,
    /// and checks it against what is expected.
    ///
    /// A response whose status is not Success is refused with that status before anything else is checked, whoever
    /// sent it.
    ///
    /// `candidates` are the connections that the response may belong to, as
    /// [`Connections::candidates`](crate::Connections::candidates) finds them; the key that verifies the signature
    /// decides. The result is valid but may be a replay: record its [`replay_key`](ValidAssertion::replay_key), then
    /// [`confirm`](ValidAssertion::confirm) it.
    ///
    /// # Where to call it
    /// This method only computes: it does no I/O and takes no locks. It takes about a tenth of a millisecond for a
    /// usual response, and up to a quarter of a second for the most expensive response within the limits. In an
    /// asynchronous service, call it where other requests do not wait for it, such as in
    /// `tokio::task::spawn_blocking`, and limit the number of calls at a time. The routes of `vouchsafe-axum` do
    /// both.
    ///
    /// If a signature fails, its cause is searched within
    /// [`Builder::autopsy_budget`](crate::Builder::autopsy_budget), and the refusal names it.
    ///
    /// # Errors
    /// A [`Refusal`], which carries the first error and the ledger of every rule that was checked.
    pub fn receive(
        &self,
        claimed: ClaimedResponse,
        candidates: &[Connection],
        expect: Expect<'_>,
        now: DateTime<Utc>,
    ) -> Result<ValidAssertion, Refusal> {
        self.judge(claimed, candidates, expect, Purpose::SignIn, now)
    }

    /// Checks a response in a trial of a connection: every rule is applied, and nobody is signed in.
    ///
    /// The request was made with [`LoginOptions::trial`](crate::LoginOptions::trial). An unsolicited response can
    /// also be tried, even if the connection does not accept those.
    ///
    /// # Errors
    /// The same as for [`receive`](Self::receive).
    pub fn try_out(
        &self,
        claimed: ClaimedResponse,
        connection: &Connection,
        expect: Expect<'_>,
        now: DateTime<Utc>,
    ) -> Result<Trial, Refusal> {
        let candidates = std::slice::from_ref(connection);
        Ok(self.judge(claimed, candidates, expect, Purpose::Trial, now)?.into_trial())
    }

    fn judge(
        &self,
        claimed: ClaimedResponse,
        candidates: &[Connection],
        expect: Expect<'_>,
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> Result<ValidAssertion, Refusal> {
        claimed.claimed.require_success()?;
        let (first, more) = self.possible(&claimed, candidates, expect, purpose, now)?;
        let (connection, trust) = if more.is_empty() {
            (first, first.trust(self)?)
        } else {
            self.signer(&claimed, std::iter::once(first).chain(more))?
        };
        // Only now: a connection that accepts no such response, or whose metadata has ended, has its key still, and a copy
        // of it is not the only one.
        is_welcome(connection, expect, purpose)?;
        is_current(connection, now)?;
        let expectations = self.expectations(&claimed, connection, expect, now)?;
        let authentic = match authenticate(claimed.claimed, &trust, self.limits()) {
            Ok(authentic) => authentic,
            Err(refusal) => {
                return Err(self.looked_into(refusal, claimed.bytes.as_deref(), (connection, &trust), &[]));
            }
        };
        authentic.read()?.validate(&expectations, now)
    }

    /// Adds the cause to a refusal about a signature, if a small budget finds it. Nothing is decrypted for this, so
    /// the time that it takes tells nothing about encrypted content.
    fn looked_into(
        &self,
        refusal: Refusal,
        message: Option<&[u8]>,
        (connection, trust): (&Connection, &Trust),
        others: &[&Trust],
    ) -> Refusal {
        let Some(message) = message else { return refusal };
        SignatureInquiry::new(self.provider(), self.limits())
            .of(connection.identity_provider(), trust)
            .with_known_keys(others.iter().flat_map(|other| other.keys().to_vec()))
            .with_budget(self.config.autopsy_budget.clone())
            .without_decryption()
            .explain(refusal, message)
    }

    /// Finds the connection that sent a response which answers no request of this browser, among several with the same
    /// identity provider: the active one at whose assertion consumer it was received and whose key signed it. It is for
    /// callers that start a new sign-in instead of using the response. The response is not checked further.
    ///
    /// # Errors
    /// `assertion.connection_ambiguous` if several have the key, `signature.not_verified` and similar codes if none has
    /// it, `assertion.unknown_issuer` if there is no such connection.
    pub fn sender<'c>(
        &self,
        claimed: &ClaimedResponse,
        candidates: &'c [Connection],
    ) -> Result<&'c Connection, Refusal> {
        self.signer(claimed, self.open_to(claimed, candidates)).map(|(connection, _)| connection)
    }

    /// Finds all connections that [`sender`](Self::sender) chooses among: those that have the key. It is for services
    /// in which more connections have the identity provider than [`receive`](Self::receive) tells apart
    /// ([`MOST_CANDIDATES`](vouchsafe_assertion::MOST_CANDIDATES)). Call it for each part of them, and pass what it
    /// finds to [`receive`](Self::receive), which refuses the response if several of them accept it.
    ///
    /// # Errors
    /// The same as for [`sender`](Self::sender), except that several connections with the key are no error.
    pub fn senders_among<'c>(
        &self,
        claimed: &ClaimedResponse,
        candidates: &'c [Connection],
    ) -> Result<Vec<&'c Connection>, Refusal> {
        let usable = self.trusted(self.open_to(claimed, candidates))?;
        let trusts: Vec<&Trust> = usable.iter().map(|(_, trust)| trust.as_ref()).collect();
        let owners = owners_of_response(&claimed.claimed, &trusts, self.limits())?;
        let owners: BTreeSet<ConnectionId> = owners.iter().map(|owner| owner.connection().clone()).collect();
        Ok(usable.into_iter().map(|(one, _)| one).filter(|one| owners.contains(one.id())).collect())
    }

    /// Returns the active connections of the claimed issuer at whose assertion consumer a response was received.
    fn open_to<'c>(
        &self,
        claimed: &ClaimedResponse,
        candidates: &'c [Connection],
    ) -> impl Iterator<Item = &'c Connection> {
        candidates.iter().filter(move |one| {
            one.state() == ConnectionState::Active
                && claimed.issuer() == Some(one.identity_provider().entity_id())
                && self.assertion_consumer_for(one) == claimed.received_at()
        })
    }

    /// Returns connections with their keys. One whose keys cannot be used is skipped if there are others.
    fn trusted<'c>(
        &self,
        candidates: impl Iterator<Item = &'c Connection>,
    ) -> Result<Vec<(&'c Connection, Arc<Trust>)>, Refusal> {
        let mut usable = Vec::new();
        let mut failure = None;
        for connection in candidates {
            match connection.trust(self) {
                Ok(trust) => usable.push((connection, trust)),
                Err(error) => failure = Some(error),
            }
        }
        match failure.filter(|_| usable.is_empty()) {
            Some(error) => Err(error.into()),
            None => Ok(usable),
        }
    }

    /// Finds the candidate whose key made the signature.
    fn signer<'c>(
        &self,
        claimed: &ClaimedResponse,
        candidates: impl Iterator<Item = &'c Connection>,
    ) -> Result<(&'c Connection, Arc<Trust>), Refusal> {
        let usable = self.trusted(candidates)?;
        let trusts: Vec<&Trust> = usable.iter().map(|(_, trust)| trust.as_ref()).collect();
        let id = match (choose(&claimed.claimed, &trusts, self.limits()), usable.first()) {
            (Ok(chosen), _) => chosen.connection().clone(),
            (Err(refusal), None) => return Err(refusal),
            (Err(refusal), Some((connection, trust))) => {
                let others = trusts.get(1..).unwrap_or_default();
                return Err(self.looked_into(refusal, claimed.bytes.as_deref(), (connection, trust), others));
            }
        };
        let chosen = usable.into_iter().find(|(connection, _)| *connection.id() == id);
        chosen.ok_or_else(|| Refusal::unknown_issuer("", []))
    }

    /// Returns the candidates that may have sent the response, the first and the others, by all checks that need no
    /// key. At least one of them accepts a response of this kind; the others count, since the key may be theirs. The
    /// refusal is the reason of the last candidate.
    fn possible<'c>(
        &self,
        claimed: &ClaimedResponse,
        candidates: &'c [Connection],
        expect: Expect<'_>,
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> Result<(&'c Connection, Vec<&'c Connection>), Refusal> {
        if let Some(pending) = expect.request() {
            answers(pending, purpose, now)?;
        }
        let (mut reason, mut is_any_welcome) = (None, false);
        let (mut first, mut more) = (None, Vec::new());
        for connection in candidates {
            match self.could_be(connection, claimed, expect, purpose) {
                Ok(true) => {
                    let welcome = is_welcome(connection, expect, purpose);
                    is_any_welcome |= welcome.is_ok();
                    reason = welcome.err().or(reason);
                    match first {
                        None => first = Some(connection),
                        Some(_) => more.push(connection),
                    }
                }
                Ok(false) => {}
                Err(refusal) => reason = Some(refusal),
            }
        }
        let trusted = candidates.iter().map(|one| one.identity_provider().entity_id().as_str());
        let name = || claimed.issuer().map(|issuer| issuer.as_str()).unwrap_or_default();
        match first.filter(|_| is_any_welcome) {
            Some(first) => Ok((first, more)),
            None => Err(reason.unwrap_or_else(|| Refusal::unknown_issuer(name(), trusted))),
        }
    }

    /// Returns `Ok(false)` if the response does not belong to the connection.
    fn could_be(
        &self,
        connection: &Connection,
        claimed: &ClaimedResponse,
        expect: Expect<'_>,
        purpose: Purpose,
    ) -> Result<bool, Refusal> {
        // A Response from the resolution service of one identity provider belongs only to the connection that was
        // asked.
        if claimed.resolved_over.as_ref().is_some_and(|asked| asked != connection.id()) {
            return Ok(false);
        }
        let entity_id = connection.identity_provider().entity_id();
        let is_of_issuer = claimed.issuer().is_none_or(|issuer| issuer == entity_id);
        match expect.request() {
            Some(pending) if pending.connection() != connection.id() => return Ok(false),
            Some(_) if !is_of_issuer => {
                let actual = claimed.issuer().map(|issuer| issuer.as_str()).unwrap_or_default();
                return Err(Refusal::unexpected_issuer(entity_id.as_str(), actual));
            }
            None if !is_of_issuer || claimed.issuer().is_none() => return Ok(false),
            _ => {}
        }
        if self.assertion_consumer_for(connection) != claimed.received_at() {
            return Ok(false);
        }
        is_open(connection, purpose)?;
        Ok(true)
    }

    /// Checks, before there is a response, whether one may be fetched over this connection.
    pub(crate) fn may_answer(
        &self,
        connection: &Connection,
        expect: Expect<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let is_trial = expect.request().is_some_and(PendingRequest::is_trial);
        let purpose = if is_trial { Purpose::Trial } else { Purpose::SignIn };
        if let Some(pending) = expect.request() {
            answers(pending, purpose, now)?;
        }
        is_welcome(connection, expect, purpose)?;
        is_current(connection, now)
    }

    /// Returns what the response must agree with. After a request with ForceAuthn the person must have authenticated
    /// since the request was issued. If there are several maximum ages of an authentication, the shortest counts.
    fn expectations(
        &self,
        claimed: &ClaimedResponse,
        connection: &Connection,
        expect: Expect<'_>,
        now: DateTime<Utc>,
    ) -> Result<Expectations, Refusal> {
        let settings = connection.settings();
        let correlation = match expect.request() {
            Some(pending) => Correlation::Reply(OutstandingRequest::new(
                MessageId::new(pending.request_id())?,
                pending.issued_at(),
            )),
            None => Correlation::Unsolicited,
        };
        let skew = self.clock_skew_for(connection);
        let mut expectations = Expectations::new(
            self.entity_id_for(connection).clone(),
            claimed.shared_received_at(),
            correlation,
        )
        .with_clock_skew(skew)?;
        let asked = match expect.request() {
            Some(pending) => {
                expectations = expectations
                    .with_requested_context(pending.requested_context().clone())
                    .with_requested_name(pending.requested_name());
                let since_asked =
                    || now.signed_duration_since(pending.issued_at()).to_std().unwrap_or_default();
                [pending.maximum_authentication_age(), pending.force_authn().then(since_asked)]
            }
            None => {
                if let Some(requested) = &settings.requested_context {
                    expectations = expectations.with_requested_context(requested.clone());
                }
                [None, None]
            }
        };
        let own = settings.maximum_authentication_age_seconds.map(Duration::from_secs);
        let general = [own, self.config.maximum_authentication_age];
        if let Some(age) = asked.into_iter().chain(general).flatten().min() {
            expectations = expectations.with_maximum_authentication_age(age);
        }
        if let Some(age) = self.maximum_message_age_for(connection) {
            expectations = expectations.with_maximum_message_age(age);
        }
        Ok(expectations)
    }
}

/// Checks that the request can still be answered, and for this purpose.
fn answers(pending: &PendingRequest, purpose: Purpose, now: DateTime<Utc>) -> Result<(), Refusal> {
    if pending.name_id_order().is_some() {
        return Err(Refusal::other_browser("the pending request is not a sign-in"));
    }
    if pending.is_trial() != (purpose == Purpose::Trial) {
        return Err(Refusal::trial(pending.is_trial()));
    }
    if pending.is_expired(now) {
        return Err(Refusal::request_expired(pending.expires_at()));
    }
    Ok(())
}

/// Checks that the connection accepts a response of this kind.
fn is_welcome(connection: &Connection, expect: Expect<'_>, purpose: Purpose) -> Result<(), Refusal> {
    is_open(connection, purpose)?;
    let is_welcome = purpose == Purpose::Trial
        || expect.request().is_some()
        || connection.settings().unsolicited == Unsolicited::Accept;
    if !is_welcome {
        return Err(Refusal::unsolicited(connection.id()));
    }
    Ok(())
}

/// Checks that the metadata of the connection has not ended.
fn is_current(connection: &Connection, now: DateTime<Utc>) -> Result<(), Refusal> {
    connection.identity_provider().check_validity(now).map_err(Refusal::metadata)
}

/// Checks that the connection signs people in, or can be tried.
fn is_open(connection: &Connection, purpose: Purpose) -> Result<(), Refusal> {
    match (connection.state(), purpose) {
        (ConnectionState::Active, _) => Ok(()),
        (ConnectionState::Draft | ConnectionState::Tested, Purpose::Trial) => Ok(()),
        (state, _) => Err(Refusal::connection_state(connection.id(), state.name())),
    }
}
