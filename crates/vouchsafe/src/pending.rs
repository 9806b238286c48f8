//! A sign-in that was started and not yet answered.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{Comparison, RequestedAuthnContext};
use vouchsafe_metadata::EntityId;

use crate::error::BindingError;
use crate::relay_state::RelayState;

/// What must be remembered between the redirect and the reply, under [`handle`](Self::handle).
///
/// It is neither `Clone` nor serialisable by accident: a reply is accepted once, so whoever stores it takes it out again when it is
/// used. [`to_stored`](Self::to_stored) and [`from_stored`](Self::from_stored) are the explicit way.
#[derive(Debug)]
pub struct PendingRequest {
    pub(crate) handle: RelayState,
    pub(crate) request_id: String,
    pub(crate) identity_provider: EntityId,
    pub(crate) issued_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) requested_context: RequestedAuthnContext,
    pub(crate) maximum_authentication_age: Option<TimeDelta>,
    pub(crate) force_authn: bool,
    pub(crate) return_to: Option<String>,
}

/// The stored form of a [`PendingRequest`]: plain data, for a store to keep and for nobody to build by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredPendingRequest {
    /// The RelayState that was sent; the key under which this is kept.
    pub handle: String,
    /// The ID of the AuthnRequest.
    pub request_id: String,
    /// The entity ID of the identity provider that was asked.
    pub identity_provider: String,
    /// When it was issued, in seconds of Unix time.
    pub issued_at: i64,
    /// From when on no reply is accepted, in seconds of Unix time.
    pub expires_at: i64,
    /// The authentication context classes that were asked for.
    #[serde(default)]
    pub requested_contexts: Vec<String>,
    /// How the answer is compared with them: `exact` (also when absent), `minimum`, `maximum` or `better`.
    #[serde(default)]
    pub requested_comparison: Option<String>,
    /// The order of strength by which, the weakest first.
    #[serde(default)]
    pub context_order: Vec<String>,
    /// How long ago the person may have signed in, in seconds.
    #[serde(default)]
    pub maximum_authentication_age: Option<i64>,
    /// Whether a fresh authentication was asked for.
    #[serde(default)]
    pub force_authn: bool,
    /// Where the application wants to go afterwards.
    #[serde(default)]
    pub return_to: Option<String>,
}

impl PendingRequest {
    /// The RelayState that was sent, and the key of the store.
    pub fn handle(&self) -> &str {
        self.handle.as_str()
    }

    /// The ID of the AuthnRequest, which the reply must name in InResponseTo.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Who was asked. Nobody else can answer.
    pub fn identity_provider(&self) -> &EntityId {
        &self.identity_provider
    }

    /// When it was issued.
    pub fn issued_at(&self) -> DateTime<Utc> {
        self.issued_at
    }

    /// From when on no reply is accepted.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Whether it is too late for a reply.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        now >= self.expires_at
    }

    /// The authentication context classes that were asked for; empty: any.
    pub fn requested_contexts(&self) -> &[String] {
        self.requested_context.classes()
    }

    /// The authentication context that was asked for, with its comparison and order.
    pub fn requested_context(&self) -> &RequestedAuthnContext {
        &self.requested_context
    }

    /// How long ago the person may have signed in, if that was limited.
    pub fn maximum_authentication_age(&self) -> Option<TimeDelta> {
        self.maximum_authentication_age
    }

    /// Whether a fresh authentication was asked for.
    pub fn force_authn(&self) -> bool {
        self.force_authn
    }

    /// Where the application wants to go afterwards. It was never sent anywhere; it is what
    /// [`LoginOptions::return_to`](crate::LoginOptions::return_to) was given.
    pub fn return_to(&self) -> Option<&str> {
        self.return_to.as_deref()
    }

    /// As plain data, for a store.
    pub fn to_stored(&self) -> StoredPendingRequest {
        StoredPendingRequest {
            handle: self.handle.as_str().to_owned(),
            request_id: self.request_id.clone(),
            identity_provider: self.identity_provider.as_str().to_owned(),
            issued_at: self.issued_at.timestamp(),
            expires_at: self.expires_at.timestamp(),
            requested_contexts: self.requested_context.classes().to_vec(),
            requested_comparison: Some(self.requested_context.comparison().as_str().to_owned()),
            context_order: self.requested_context.order().to_vec(),
            maximum_authentication_age: self.maximum_authentication_age.map(|age| age.num_seconds()),
            force_authn: self.force_authn,
            return_to: self.return_to.clone(),
        }
    }

    /// Out of the stored form. Whoever can write to the store can make one: it belongs on the server, never into a cookie or a form.
    ///
    /// # Errors
    /// [`BindingError::StoredRequest`] when a field makes no sense.
    pub fn from_stored(stored: StoredPendingRequest) -> Result<PendingRequest, BindingError> {
        let damaged = |field| BindingError::StoredRequest { field };
        let time = |seconds, field| DateTime::from_timestamp(seconds, 0).ok_or(damaged(field));
        if stored.request_id.is_empty() {
            return Err(damaged("request_id"));
        }
        let comparison = match stored.requested_comparison {
            None => Comparison::Exact,
            Some(name) => Comparison::from_name(&name).ok_or_else(|| damaged("requested_comparison"))?,
        };
        let requested_context =
            RequestedAuthnContext::compared(comparison, stored.requested_contexts, stored.context_order)
                .map_err(|_| damaged("context_order"))?;
        let age = |seconds| {
            TimeDelta::try_seconds(seconds)
                .filter(|age| *age >= TimeDelta::zero())
                .ok_or_else(|| damaged("maximum_authentication_age"))
        };
        Ok(PendingRequest {
            handle: RelayState::new(&stored.handle).map_err(|_| damaged("handle"))?,
            identity_provider: EntityId::new(&stored.identity_provider)
                .map_err(|_| damaged("identity_provider"))?,
            issued_at: time(stored.issued_at, "issued_at")?,
            expires_at: time(stored.expires_at, "expires_at")?,
            request_id: stored.request_id,
            requested_context,
            maximum_authentication_age: stored.maximum_authentication_age.map(age).transpose()?,
            force_authn: stored.force_authn,
            return_to: stored.return_to,
        })
    }
}
