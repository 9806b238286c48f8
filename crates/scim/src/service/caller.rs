//! Whose request it is: the connection of its bearer token.

use chrono::{DateTime, TimeDelta, Utc};
use http::{header::AUTHORIZATION, request::Parts};
use vouchsafe::{
    ConnectionId,
    provisioning::{OrganizationId, TokenHash},
};

use super::ScimService;
use crate::ScimError;

/// The connection that pushes, and when.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) organization: OrganizationId,
    pub(super) connection: ConnectionId,
    pub(super) now: DateTime<Utc>,
}

/// That a token was used is noted so often at most.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

impl Caller {
    /// The same work for every token: its hash is looked up, whatever it is worth.
    pub(super) async fn of(
        service: &ScimService,
        request: &Parts,
        now: DateTime<Utc>,
    ) -> Result<Caller, ScimError> {
        let token = bearer_token(request).ok_or(ScimError::Unauthorized)?;
        let shared = &service.shared;
        let hash = TokenHash::of(token, &shared.provider).map_err(ScimError::Cryptography)?;
        let found = shared.store.scim_token(&hash).await?;
        let token = found.filter(|token| token.record.works_at(now)).ok_or(ScimError::Unauthorized)?;
        // One whose connection signs nobody in any more opens nothing.
        let organization = shared.store.organization(&token.organization).await?;
        let signs_in = organization.is_some_and(|known| known.value.signs_in_over(&token.connection));
        if !signs_in {
            return Err(ScimError::Unauthorized);
        }
        let retry_after = shared.limiter.take(&token.connection, now);
        retry_after.map_err(|retry_after| ScimError::TooManyRequests { retry_after })?;
        let is_noted = token.last_used_at.is_some_and(|used| now.signed_duration_since(used) < NOTED_EVERY);
        if !is_noted {
            shared.store.scim_token_used(&hash, now).await?;
        }
        Ok(Caller { organization: token.organization, connection: token.connection, now })
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
