//! Whose request it is: the connection of its bearer token.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, TimeDelta, Utc};
use http::{header::AUTHORIZATION, request::Parts};
use vouchsafe::{
    ClientNetwork, ConnectionId,
    provisioning::{OrganizationId, ScimChange, ScimFact, TokenHash},
};
use vouchsafe_store::{AuditedRefusal, ScimDecision, ScimResource, ScimToken, ScimWrite, StoreError};

use super::ScimService;
use crate::{ScimError, costly::Running};

/// The connection that pushes, and when.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) organization: OrganizationId,
    pub(super) connection: ConnectionId,
    /// The hash of the token, which the store reads again when it writes.
    token: TokenHash,
    now: DateTime<Utc>,
    running: Arc<OnceLock<Running>>,
}

/// That a token was used is noted so often at most.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

impl Caller {
    /// The same work for every token: its hash is looked up, whether it is valid or not. After too many invalid ones from one client address,
    /// further ones are not looked up, unless they were valid a moment ago.
    pub(super) async fn of(
        service: &ScimService,
        request: &Parts,
        now: DateTime<Utc>,
    ) -> Result<Caller, ScimError> {
        let token = bearer_token(request).ok_or(ScimError::Unauthorized)?;
        let shared = &service.shared;
        let hash = TokenHash::of(token, &shared.provider).map_err(ScimError::Cryptography)?;
        let client = shared.client_address.of(request).map(ClientNetwork::of);
        let attempt = shared.guesses.begin(client.map(|client| (client, hash.to_hex())), now);
        let attempt = attempt.map_err(|retry_after| ScimError::TooManyGuesses { retry_after })?;
        let known = match Self::working(service, &hash, now).await {
            Ok(Some(known)) => {
                attempt.succeeded();
                known
            }
            Ok(None) => {
                if attempt.is_first_from_unknown_address() {
                    tracing::warn!(
                        "an invalid SCIM token came, and the number of such tokens is not limited: with_client_address was \
                         not called, or found no address"
                    );
                }
                attempt.failed();
                return Err(ScimError::Unauthorized);
            }
            Err(failure) => {
                attempt.given_up();
                return Err(failure.into());
            }
        };
        let retry_after = shared.limiter.take(&known.connection, now);
        retry_after.map_err(|retry_after| ScimError::TooManyRequests { retry_after })?;
        let is_noted = known.last_used_at.is_some_and(|used| now.signed_duration_since(used) < NOTED_EVERY);
        if !is_noted {
            shared.store.scim_token_used(&hash, now).await?;
        }
        let (organization, connection) = (known.organization, known.connection);
        Ok(Caller { organization, connection, token: hash, now, running: Arc::default() })
    }

    /// The same caller when the body is there. The client decides how long that takes, and the token may have ended
    /// meanwhile.
    pub(super) async fn after_body(
        &self,
        service: &ScimService,
        now: DateTime<Utc>,
    ) -> Result<Caller, ScimError> {
        match Self::working(service, &self.token, now).await? {
            Some(_) => Ok(Caller { now, ..self.clone() }),
            None => Err(ScimError::Unauthorized),
        }
    }

    /// What the request asks for, for the store to decide.
    pub(super) fn decision(
        &self,
        change: ScimChange,
        from: Option<&ScimResource>,
        write: ScimWrite,
    ) -> ScimDecision {
        let fact = ScimFact::new(self.connection.clone(), change, self.now);
        ScimDecision::new(self.organization.clone(), self.token.clone(), fact, from.map(Into::into), write)
    }

    /// What this request is answered with costs much. There is room for so many of them at a time.
    pub(super) fn takes_much(&self, service: &ScimService) -> Result<(), ScimError> {
        if self.running.get().is_none() {
            let running = service.shared.costly.begin(&self.connection);
            let _ = self.running.set(running.ok_or(ScimError::TooManySearches { retry_after: 1 })?);
        }
        Ok(())
    }

    /// The token with this hash, if it opens something. One whose connection signs nobody in any more opens nothing.
    async fn working(
        service: &ScimService,
        hash: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<ScimToken>, StoreError> {
        let store = &service.shared.store;
        let Some(token) = store.scim_token(hash).await? else { return Ok(None) };
        let organization = store.organization(&token.organization).await?;
        let signs_in = organization.is_some_and(|known| known.value.signs_in_over(&token.connection));
        if signs_in && token.record.works_at(now) {
            return Ok(Some(token));
        }
        // The customer's admin sees in the audit why nothing is pushed any more. The request is refused, whether that can be noted or not.
        let refused = AuditedRefusal::of_scim_token(&token, now);
        let shared = Arc::clone(&service.shared);
        // The client may close its connection meanwhile: the record is written all the same, and once.
        let noted = tokio::spawn(async move {
            let _ = shared.written.once(&refused, || shared.store.note_refusal(&refused)).await;
        });
        let _ = noted.await;
        Ok(None)
    }
}

/// The one bearer token of the request. One of another length than ours is none.
fn bearer_token(request: &Parts) -> Option<&str> {
    let mut headers = request.headers.get_all(AUTHORIZATION).iter();
    let (header, None) = (headers.next()?.to_str().ok()?, headers.next()) else { return None };
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && (32..=128).contains(&token.len())).then_some(token)
}
