//! The two doors, over the types of the `http` crate.

mod messages;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, WWW_AUTHENTICATE},
    request::Parts,
};
use serde_json::{Value, json};
use vouchsafe::{
    ConnectionId, ConnectionState, Explain as _, RequestRate,
    crypto::{Provider, hexadecimal},
    provisioning::{AccountId, Actor, Change, ChangeByHand, RuleId},
};
use vouchsafe_store::{
    AuditedRefusal, Claim, ClaimStore, ConnectionStore, Decision, Directory, WrittenRefusals,
};

use crate::{
    Expected, FetchKeys, SignalError, Subject, Transmitter, Transmitters, Verified,
    keys::KeyCache,
    look_ups::{Found, LookUps},
    strangers::{self, Strangers},
    subject::is_theirs,
    token::{self, SKEW, Signed, claimed_key},
};

use messages::{answer, bearer_token, log, read_json, retry_as_said, whole};

/// The event that ends sessions.
const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// How old a token of Global Token Revocation may be: it is made for the request.
const REVOCATION_AGE: Duration = Duration::from_secs(5 * 60);

/// How old a security event may be: a transmitter tries for a while.
const EVENT_AGE: Duration = Duration::from_secs(24 * 3_600);

/// The most bytes of a body beside a token.
const LONGEST_BODY: usize = 64 * 1024;

/// What signals need of a store.
pub trait SignalStore: Directory + ConnectionStore + ClaimStore {}
impl<S: Directory + ConnectionStore + ClaimStore + ?Sized> SignalStore for S {}

/// Answers signals of identity providers. Clones share their keys and limits.
#[derive(Clone)]
pub struct SignalService {
    store: Arc<dyn SignalStore>,
    transmitters: Arc<LookUps>,
    keys: Arc<KeyCache>,
    strangers: Arc<Strangers>,
    client_address: Option<Arc<FindAddress>>,
    written: Arc<WrittenRefusals>,
    provider: Provider,
}

type FindAddress = dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync;

impl fmt::Debug for SignalService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignalService")
            .field("transmitters", &self.transmitters)
            .finish_non_exhaustive()
    }
}

impl SignalService {
    /// A service over a store, whose transmitters' keys are fetched by a function of the caller's.
    pub fn new(
        store: Arc<dyn SignalStore>,
        transmitters: Arc<dyn Transmitters>,
        fetch: Arc<dyn FetchKeys>,
        provider: Provider,
    ) -> SignalService {
        SignalService {
            store,
            transmitters: Arc::new(LookUps::new(transmitters)),
            keys: Arc::new(KeyCache::new(fetch)),
            strangers: Arc::new(Strangers::new(
                strangers::PER_CLIENT,
                strangers::PER_CONNECTION,
                strangers::VALID,
            )),
            client_address: None,
            written: Arc::default(),
            provider,
        }
    }

    /// Returns the service with a function that finds the client's address of a request; of an IPv6 address the first 64 bits
    /// count. By default the address is not known, and tokens that are not valid are limited for each connection only: a
    /// stranger who sends more than a thousand a second then keeps the transmitter out for as long.
    ///
    /// Behind a proxy, the address of the TCP connection is the proxy's for every client. Read the header that the proxy writes,
    /// and only if the proxy removes what clients write there.
    #[must_use]
    pub fn with_client_address(
        mut self,
        find: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> SignalService {
        self.client_address = Some(Arc::new(find));
        self
    }

    /// Returns the service with these rates of tokens over one connection that are not valid: from one client address, by default
    /// 100 at once and one a second, and from all of them, by default 5,000 at once and 1,000 a second. Further ones are answered
    /// with 429. Valid tokens are counted [apart](Self::with_rate).
    #[must_use]
    pub fn with_invalid_token_rates(
        mut self,
        per_client: RequestRate,
        per_connection: RequestRate,
    ) -> SignalService {
        let [_, _, valid] = self.strangers.rates();
        self.strangers = Arc::new(Strangers::new(per_client, per_connection, valid));
        self
    }

    /// Returns the service with this rate of tokens over one connection from a client address that has sent a valid one, by
    /// default 500 at once and 50 a second. Further ones are answered with 429.
    #[must_use]
    pub fn with_rate(mut self, rate: RequestRate) -> SignalService {
        let [per_client, per_connection, _] = self.strangers.rates();
        self.strangers = Arc::new(Strangers::new(per_client, per_connection, rate));
        self
    }

    /// Okta's Universal Logout: a POST of `{"sub_id": {...}}` with a signed token as `Authorization: Bearer`. 204 when all sessions and API tokens
    /// of the person have ended.
    ///
    /// `body` reads the body. It is called with the most bytes that the body may have, when the token is one of the connection's transmitter;
    /// it answers `None` if the body has more bytes.
    pub async fn global_token_revocation<B: Future<Output = Option<Vec<u8>>>>(
        &self,
        connection: &str,
        request: &Parts,
        body: impl FnOnce(usize) -> B,
        now: DateTime<Utc>,
    ) -> Response<Vec<u8>> {
        match self.revoked(connection, request, body, now).await {
            Ok(()) => answer(StatusCode::NO_CONTENT, None),
            Err(error) => {
                log(&error, "global token revocation");
                let mut response = answer(error.status(), Some(json!({"error": error.code()})));
                retry_as_said(&mut response, &error);
                if error.status() == StatusCode::UNAUTHORIZED {
                    let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                }
                response
            }
        }
    }

    /// A security event that is pushed (RFC 8935): 202 when it was taken, whether or not it is one that ends sessions.
    ///
    /// `body` reads the body, as for [`global_token_revocation`](Self::global_token_revocation); but here it is the token, which has at most
    /// 16 KiB, and is read first.
    pub async fn security_event<B: Future<Output = Option<Vec<u8>>>>(
        &self,
        connection: &str,
        request: &Parts,
        body: impl FnOnce(usize) -> B,
        now: DateTime<Utc>,
    ) -> Response<Vec<u8>> {
        match self.event(connection, request, body, now).await {
            // Who is nobody here is not told to the transmitter.
            Ok(()) | Err(SignalError::UnknownSubject) => answer(StatusCode::ACCEPTED, None),
            Err(error) => {
                log(&error, "security event");
                match error.event_code() {
                    Some(code) => answer(
                        StatusCode::BAD_REQUEST,
                        Some(json!({"err": code, "description": error.code()})),
                    ),
                    None => {
                        let status = match &error {
                            SignalError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
                            _ => StatusCode::SERVICE_UNAVAILABLE,
                        };
                        let mut response = answer(status, None);
                        retry_as_said(&mut response, &error);
                        response
                    }
                }
            }
        }
    }

    async fn revoked<B: Future<Output = Option<Vec<u8>>>>(
        &self,
        connection: &str,
        request: &Parts,
        body: impl FnOnce(usize) -> B,
        now: DateTime<Utc>,
    ) -> Result<(), SignalError> {
        let token = bearer_token(&request.headers);
        let token = token.ok_or(SignalError::Malformed { reason: "no bearer token came" })?;
        let (transmitter, verified) =
            self.verified(connection, request, token, (global_token_revocation, now)).await?;
        let done = self.revoked_for(&transmitter, &verified, body, now).await;
        self.noting(&transmitter, done, now).await
    }

    async fn revoked_for<B: Future<Output = Option<Vec<u8>>>>(
        &self,
        transmitter: &Transmitter,
        verified: &Verified,
        body: impl FnOnce(usize) -> B,
        now: DateTime<Utc>,
    ) -> Result<(), SignalError> {
        let body: Value = read_json(&whole(body, LONGEST_BODY).await?)?;
        let subject = body.get("sub_id").or_else(|| body.get("subject"));
        let subject = subject.ok_or(SignalError::Malformed { reason: "the body has no sub_id" })?;
        let subject = Subject::from_json(subject)?;
        self.claim_for(transmitter, verified, &subject).await?;
        self.end_once(transmitter, verified, &subject, "signals.global_token_revocation", now).await
    }

    async fn event<B: Future<Output = Option<Vec<u8>>>>(
        &self,
        connection: &str,
        request: &Parts,
        body: impl FnOnce(usize) -> B,
        now: DateTime<Utc>,
    ) -> Result<(), SignalError> {
        let content_type =
            request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/secevent+jwt") {
            return Err(SignalError::Malformed {
                reason: "the content type is not application/secevent+jwt",
            });
        }
        let body = whole(body, token::LONGEST).await?;
        let token = std::str::from_utf8(&body)
            .map_err(|_| SignalError::Malformed { reason: "the body is not a signed token" })?
            .trim();
        let (transmitter, verified) =
            self.verified(connection, request, token, (security_event, now)).await?;
        let done = self.event_for(&transmitter, &verified, now).await;
        self.noting(&transmitter, done, now).await
    }

    async fn event_for(
        &self,
        transmitter: &Transmitter,
        verified: &Verified,
        now: DateTime<Utc>,
    ) -> Result<(), SignalError> {
        let events = verified.claim("events").and_then(Value::as_object);
        let events = events.ok_or(SignalError::Malformed { reason: "it has no events" })?;
        // Others, such as the verification of the stream, are taken and mean nothing here.
        let Some(event) = events.get(SESSION_REVOKED) else { return Ok(()) };
        let subject = verified.claim("sub_id").or_else(|| event.get("subject"));
        let subject = subject.ok_or(SignalError::Malformed { reason: "the event has no subject" })?;
        let subject = Subject::from_json(subject)?;
        // Whom it is about is signed with the rest.
        self.end_once(transmitter, verified, &subject, "signals.session_revoked", now).await
    }

    /// What came of a signal that the transmitter signed. That it was refused, and by which rule, stands in the audit of the customer, whose admin
    /// has to mend it. What a plan refuses the store has noted. What nobody known signed is in the log alone: anybody can send it.
    async fn noting(
        &self,
        transmitter: &Transmitter,
        done: Result<(), SignalError>,
        now: DateTime<Utc>,
    ) -> Result<(), SignalError> {
        if let Err(error) = &done {
            self.note(transmitter, error, now).await;
        }
        done
    }

    /// Writes into the audit which rule refused a signal: by one process once an hour, whoever sends it again.
    async fn note(&self, transmitter: &Transmitter, error: &SignalError, now: DateTime<Utc>) {
        if !error.is_of_a_rule() {
            return;
        }
        let (organization, words) = (transmitter.organization.clone(), error.to_string());
        let refused =
            AuditedRefusal::of_signal(organization, &transmitter.connection, (error.code(), &words), now);
        let write = || async {
            self.signs_somebody_in(transmitter).await?;
            Ok::<(), SignalError>(self.store.note_refusal(&refused).await?)
        };
        // It is refused, whether that can be noted or not.
        let _ = self.written.once(&refused, write).await;
    }

    /// The claims of the token, if the transmitter of the connection signed it, for this purpose and now. Anybody can post one: its form is
    /// checked before anything is read, and until its signature is verified, the transmitter is all that is read. A token that was signed and
    /// is not valid, such as an old one, counts like one that nobody signed: whoever has found it can send it for ever.
    async fn verified(
        &self,
        connection: &str,
        request: &Parts,
        token: &str,
        (purpose, now): (Purpose, DateTime<Utc>),
    ) -> Result<(Transmitter, Verified), SignalError> {
        let connection = ConnectionId::new(connection).map_err(|_| SignalError::UnknownConnection)?;
        let kid = claimed_key(token)?;
        let from = self.client_address.as_ref().and_then(|find| find(request));
        let too_many = |retry_after| SignalError::TooMany { retry_after };
        let unverified = self.strangers.begin(&connection, from, now).map_err(too_many)?;
        match self.verified_over(&connection, (token, &kid), (purpose, now)).await {
            Ok(found) => {
                unverified.valid(now).map_err(too_many)?;
                Ok(found)
            }
            Err(SignalError::Store(failure)) => {
                unverified.given_up();
                Err(SignalError::Store(failure))
            }
            Err(error) => Err(error),
        }
    }

    async fn verified_over(
        &self,
        connection: &ConnectionId,
        token: (&str, &str),
        (purpose, now): (Purpose, DateTime<Utc>),
    ) -> Result<(Transmitter, Verified), SignalError> {
        let (transmitter, signed) = match self.transmitters.find(connection, now).await? {
            Found::Present(transmitter) => self.signed_by(transmitter, token, now).await?,
            Found::Remembered(remembered) => {
                let (remembered, signed) = self.signed_by(remembered, token, now).await?;
                match self.transmitters.present(connection).await? {
                    present if present == remembered => (present, signed),
                    present => self.signed_by(present, token, now).await?,
                }
            }
        };
        match signed.judged(&purpose(&transmitter), now) {
            Ok(verified) => {
                self.signs_somebody_in(&transmitter).await?;
                Ok((transmitter, verified))
            }
            Err(error) => {
                self.note(&transmitter, &error, now).await;
                Err(error)
            }
        }
    }

    async fn signed_by(
        &self,
        transmitter: Transmitter,
        (token, kid): (&str, &str),
        now: DateTime<Utc>,
    ) -> Result<(Transmitter, Signed), SignalError> {
        let key = self.keys.key(&transmitter.keys_url, kid, &self.provider, now).await?;
        let signed = Signed::by(token, &key, &self.provider)?;
        Ok((transmitter, signed))
    }

    /// A transmitter whose connection signs nobody in any more is believed nothing.
    async fn signs_somebody_in(&self, transmitter: &Transmitter) -> Result<(), SignalError> {
        let connection = &transmitter.connection;
        let organization = self.store.organization(&transmitter.organization).await?;
        let signs_in = organization.is_some_and(|known| known.value.signs_in_over(connection));
        // Its organization may still name one that was retired by a write.
        let stored = self.store.connection_outline(connection).await?;
        let is_retired = stored.is_some_and(|stored| stored.state == ConnectionState::Retired);
        if signs_in && !is_retired { Ok(()) } else { Err(SignalError::UnknownConnection) }
    }

    /// Takes a token that does not say whom it is about, and is good for the one subject that it came with first.
    async fn claim_for(
        &self,
        transmitter: &Transmitter,
        verified: &Verified,
        subject: &Subject,
    ) -> Result<(), SignalError> {
        let (id, end) = self.record_of(transmitter, verified)?;
        let holder = self.key(&subject.text())?;
        match self.store.claim(&id, &holder, end).await? {
            Claim::First | Claim::Again => Ok(()),
            _ => Err(SignalError::OtherSubject),
        }
    }

    /// The name of the record of whom a token is about, and when it may be forgotten.
    fn record_of(
        &self,
        transmitter: &Transmitter,
        verified: &Verified,
    ) -> Result<(String, DateTime<Utc>), SignalError> {
        let age = TimeDelta::from_std(EVENT_AGE).unwrap_or(TimeDelta::MAX);
        let end = verified.issued_at().checked_add_signed(age).unwrap_or(verified.issued_at());
        let end = end.checked_add_signed(SKEW).unwrap_or(end);
        let id = [transmitter.connection.as_str(), &transmitter.issuer, verified.id()].join("\u{0}");
        Ok((self.key(&id)?, end))
    }

    /// The name of what came, in records.
    fn key(&self, text: &str) -> Result<String, SignalError> {
        let hash = self.provider.sha256(text.as_bytes()).map_err(SignalError::Cryptography)?;
        Ok(format!("signal {}", hexadecimal(&hash)))
    }

    /// Carries out a token that was not carried out before. It is recorded afterwards: if the store fails in between, the transmitter sends the
    /// token again, and it is carried out then, also for sessions that began meanwhile. Of two at the same time both may be carried out.
    async fn end_once(
        &self,
        transmitter: &Transmitter,
        verified: &Verified,
        subject: &Subject,
        rule: &'static str,
        now: DateTime<Utc>,
    ) -> Result<(), SignalError> {
        let (id, end) = self.record_of(transmitter, verified)?;
        let done = format!("{id} done");
        if !self.store.is_recorded(&done).await? {
            self.end(transmitter, subject, rule, now).await?;
            self.store.insert_once(&done, end).await?;
        }
        Ok(())
    }

    /// Ends all sessions and API tokens of the person.
    async fn end(
        &self,
        transmitter: &Transmitter,
        subject: &Subject,
        rule: &'static str,
        now: DateTime<Utc>,
    ) -> Result<(), SignalError> {
        for account in self.meant(transmitter, subject).await? {
            let end = ChangeByHand {
                account,
                change: Change::EndSessions,
                actor: Actor::Rule(RuleId::from(rule)),
                because: format!("the transmitter of the connection {} asked for it", transmitter.connection),
                at: now,
            };
            self.store.decide(Decision::change(transmitter.organization.clone(), end)).await?;
        }
        Ok(())
    }

    /// The accounts that are meant.
    async fn meant(
        &self,
        transmitter: &Transmitter,
        subject: &Subject,
    ) -> Result<Vec<AccountId>, SignalError> {
        if let Subject::IssuerAndSubject { issuer, .. } = subject
            && *issuer != transmitter.issuer
        {
            return Err(SignalError::UnknownSubject);
        }
        let Some(key) = subject.key(&transmitter.connection) else { return Err(SignalError::UnknownSubject) };
        let found = self.store.accounts_with(&transmitter.organization, &key).await?;
        let meant = found.iter().filter(|account| is_theirs(account, &transmitter.connection));
        let meant: Vec<_> = meant.map(|account| account.id.clone()).collect();
        if meant.is_empty() { Err(SignalError::UnknownSubject) } else { Ok(meant) }
    }
}

/// What a token of the transmitter must be.
type Purpose = fn(&Transmitter) -> Expected<'_>;

fn global_token_revocation(transmitter: &Transmitter) -> Expected<'_> {
    let Transmitter { issuer, audiences, .. } = transmitter;
    let mut expected = Expected::new("global-token-revocation+jwt", issuer, audiences, REVOCATION_AGE);
    expected.ends = true;
    expected
}

fn security_event(transmitter: &Transmitter) -> Expected<'_> {
    Expected::new("secevent+jwt", &transmitter.issuer, &transmitter.audiences, EVENT_AGE)
}
