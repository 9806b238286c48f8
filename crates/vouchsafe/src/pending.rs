//! A sign-in that was started and is not answered yet.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{
    Comparison, ConnectionId, Declined, Refusal, RequestedAuthnContext, RequestedName, SessionNameId,
};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;

use crate::browser_binding::BindingHash;
use crate::claimed_response::ClaimedResponse;
use crate::error::BindingError;
use crate::name_id_order::{NameIdOrder, StoredNameIdOrder};
use crate::relay_state::RelayState;
use crate::request::{LoginOptions, NameIdPolicy};
use crate::stored_time::seconds_rounded_up;

/// The data that must be stored between the request and the answer, under [`handle`](Self::handle).
///
/// It is deliberately neither `Clone` nor serializable: an answer is accepted once, so the store must remove the
/// request when it is used. Use [`to_stored`](Self::to_stored) and [`from_stored`](Self::from_stored) explicitly. A
/// response is accepted as its answer only after [`bind`](Self::bind) has checked the browser's cookie:
///
/// ```compile_fail,E0308
/// # use vouchsafe::{Expect, PendingRequest};
/// fn forget_the_browser(pending: &PendingRequest) -> Expect<'_> {
///     Expect::Reply(pending) // error: expected BoundRequest
/// }
/// ```
#[derive(Debug)]
pub struct PendingRequest {
    pub(crate) handle: RelayState,
    pub(crate) request_id: String,
    pub(crate) connection: ConnectionId,
    pub(crate) binding: BindingHash,
    pub(crate) is_trial: bool,
    pub(crate) issued_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) requested_context: RequestedAuthnContext,
    pub(crate) maximum_authentication_age: Option<Duration>,
    pub(crate) force_authn: bool,
    pub(crate) is_passive: bool,
    pub(crate) subject: Option<SessionNameId>,
    pub(crate) name_id_policy: Option<NameIdPolicy>,
    pub(crate) name_id_order: Option<NameIdOrder>,
    pub(crate) return_to: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) previous_session: Option<String>,
}

/// A pending request together with the proof that the browser that posts the response also started the sign-in.
///
/// Only [`PendingRequest::bind`] makes one, and [`Expect::Reply`](crate::Expect::Reply) accepts nothing else.
///
/// ```compile_fail,E0451
/// # fn forge(request: vouchsafe::PendingRequest) -> vouchsafe::BoundRequest {
/// vouchsafe::BoundRequest { request } // error: the field is private
/// # }
/// ```
#[derive(Debug)]
pub struct BoundRequest {
    request: PendingRequest,
}

impl BoundRequest {
    /// The pending request.
    #[must_use]
    pub fn request(&self) -> &PendingRequest {
        &self.request
    }

    /// Returns the reason if this response declines this request, that is, if the identity provider answered with an
    /// error status. The response is not verified: use the reason only to choose the next page for the person. Nobody
    /// is signed in either way. Returns `None` for a response of another identity provider or to another request.
    ///
    /// ```no_run
    /// # fn of(bound: &vouchsafe::BoundRequest, claimed: &vouchsafe::ClaimedResponse, issuer: &vouchsafe::EntityId) {
    /// use vouchsafe::Declined;
    ///
    /// if bound.declined_by(claimed, issuer) == Some(Declined::NoPassive) {
    ///     // Show the sign-in page: nobody is signed in at the identity provider.
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn declined_by(&self, claimed: &ClaimedResponse, identity_provider: &EntityId) -> Option<Declined> {
        let is_of_the_one_asked = claimed.issuer().is_none_or(|issuer| issuer == identity_provider);
        let answers = claimed.in_response_to() == Some(self.request.request_id());
        let refusal = claimed.require_success().err().filter(|_| is_of_the_one_asked && answers);
        refusal.and_then(|refusal| refusal.declined())
    }

    /// Takes the request out. The browser must prove itself again before an answer to it can be accepted.
    #[must_use]
    pub fn into_request(self) -> PendingRequest {
        self.request
    }
}

/// The stored form of a [`PendingRequest`]: plain data for a store. Do not build it yourself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredPendingRequest {
    /// The RelayState that was sent. It is the key in the store.
    pub handle: String,
    /// The ID of the AuthnRequest.
    pub request_id: String,
    /// The name of the connection whose identity provider was asked.
    pub connection: String,
    /// SHA-256 of the binding cookie's value, in hexadecimal.
    pub binding_hash: String,
    /// Whether the sign-in is a trial of the connection.
    #[serde(default)]
    pub trial: bool,
    /// When the request was issued, in seconds of Unix time, rounded down.
    pub issued_at: i64,
    /// The milliseconds within that second.
    #[serde(default)]
    pub issued_at_milliseconds: u32,
    /// The time from which no answer is accepted, in seconds of Unix time, rounded up.
    pub expires_at: i64,
    /// The requested authentication context classes.
    #[serde(default)]
    pub requested_contexts: Vec<String>,
    /// The comparison with the requested classes: `exact` (also if absent), `minimum`, `maximum` or `better`.
    #[serde(default)]
    pub requested_comparison: Option<String>,
    /// The order of strength for the comparison, the weakest class first.
    #[serde(default)]
    pub context_order: Vec<String>,
    /// The maximum age of the authentication, in seconds.
    #[serde(default)]
    pub maximum_authentication_age: Option<i64>,
    /// Whether a fresh authentication was requested.
    #[serde(default)]
    pub force_authn: bool,
    /// Whether the identity provider was asked not to interact with the person (IsPassive).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_passive: bool,
    /// The requested person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<SessionNameId>,
    /// The requested kind of name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_id_policy: Option<NameIdPolicy>,
    /// The requested change of a name, if the request is not a sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_id_order: Option<StoredNameIdOrder>,
    /// Where the application goes afterwards.
    #[serde(default)]
    pub return_to: Option<String>,
    /// A value that the application stored with the request.
    #[serde(default)]
    pub context: Option<String>,
    /// SHA-256 of the identifier of the session that the browser held, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_session: Option<String>,
}

impl PendingRequest {
    /// The RelayState that was sent. It is the key in the store.
    pub fn handle(&self) -> &str {
        self.handle.as_str()
    }

    /// The ID of the AuthnRequest, which the response must name in InResponseTo.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The connection whose identity provider was asked. No other connection can answer, even with the same identity
    /// provider.
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// Returns whether the sign-in is a trial of the connection: its answer signs nobody in.
    pub fn is_trial(&self) -> bool {
        self.is_trial
    }

    /// The value that the application stored with the request:
    /// [`LoginOptions::context`](crate::LoginOptions::context). It was never sent anywhere.
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The hash of the session that the browser held when it started the sign-in:
    /// [`LoginOptions::previous_session`](crate::LoginOptions::previous_session). End that session when the answer has
    /// opened another one.
    #[must_use]
    pub fn previous_session(&self) -> Option<&str> {
        self.previous_session.as_deref()
    }

    /// Compares the value of the binding cookie that the browser sent with the stored hash, in constant time.
    ///
    /// Look the request up only for a browser that sent a cookie. Otherwise anybody could remove the request of
    /// somebody else from the store.
    ///
    /// # Errors
    /// A [`Refusal`] with `assertion.other_browser` if no cookie came, or its value differs.
    pub fn bind(self, presented: Option<&str>, provider: &Provider) -> Result<BoundRequest, Refusal> {
        let Some(presented) = presented else {
            return Err(Refusal::other_browser("no binding cookie came"));
        };
        match self.binding.is_of(presented, provider) {
            Ok(true) => Ok(BoundRequest { request: self }),
            Ok(false) | Err(_) => Err(Refusal::other_browser("the binding cookie is another sign-in's")),
        }
    }

    /// When the request was issued.
    pub fn issued_at(&self) -> DateTime<Utc> {
        self.issued_at
    }

    /// The time from which no answer is accepted.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Returns whether it is too late for an answer.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        now >= self.expires_at
    }

    /// The requested authentication context classes. If there are none, any class is accepted.
    pub fn requested_contexts(&self) -> &[String] {
        self.requested_context.classes()
    }

    /// The requested authentication context, with its comparison and order.
    pub fn requested_context(&self) -> &RequestedAuthnContext {
        &self.requested_context
    }

    /// The maximum age of the authentication, if there is one.
    pub fn maximum_authentication_age(&self) -> Option<Duration> {
        self.maximum_authentication_age
    }

    /// Returns whether a fresh authentication was requested.
    pub fn force_authn(&self) -> bool {
        self.force_authn
    }

    /// Returns whether the identity provider was asked not to interact with the person (IsPassive).
    pub fn is_passive(&self) -> bool {
        self.is_passive
    }

    /// Returns the options with what the request demands of the authentication: its context, its maximum age, whether it
    /// is fresh, and the person. A second request that stands for this one is made
    /// [`at_least`](LoginOptions::at_least) with them.
    #[must_use]
    pub fn demands(&self) -> LoginOptions {
        LoginOptions {
            force_authn: self.force_authn,
            requested_context: Some(self.requested_context.clone()).filter(|requested| !requested.is_any()),
            maximum_authentication_age: self.maximum_authentication_age,
            subject: self.subject.clone(),
            ..LoginOptions::default()
        }
    }

    /// The requested change of a name. If there is one, the request is not a sign-in, and no response can answer it.
    #[must_use]
    pub fn name_id_order(&self) -> Option<&NameIdOrder> {
        self.name_id_order.as_ref()
    }

    /// Makes the pending request of a change of a name, with its ID, its issue time and its expiry.
    pub(crate) fn of_order(
        handle: RelayState,
        binding: BindingHash,
        (request_id, issued_at, expires_at): (String, DateTime<Utc>, DateTime<Utc>),
        order: NameIdOrder,
        return_to: Option<String>,
    ) -> PendingRequest {
        PendingRequest {
            handle,
            request_id,
            connection: order.connection().clone(),
            binding,
            is_trial: false,
            issued_at,
            expires_at,
            requested_context: RequestedAuthnContext::default(),
            maximum_authentication_age: None,
            force_authn: false,
            is_passive: false,
            subject: None,
            name_id_policy: None,
            name_id_order: Some(order),
            return_to,
            context: None,
            previous_session: None,
        }
    }

    /// Returns the person and the kind of name that the request asked for.
    pub(crate) fn requested_name(&self) -> RequestedName {
        let asked = RequestedName::default();
        let asked = match &self.subject {
            Some(subject) => asked.with_subject(subject.clone()),
            None => asked,
        };
        match &self.name_id_policy {
            Some(policy) => policy.asked(asked),
            None => asked,
        }
    }

    /// Where the application goes afterwards: the value that
    /// [`LoginOptions::return_to`](crate::LoginOptions::return_to) was given. It was never sent anywhere.
    pub fn return_to(&self) -> Option<&str> {
        self.return_to.as_deref()
    }

    /// Returns the plain data for a store.
    pub fn to_stored(&self) -> StoredPendingRequest {
        StoredPendingRequest {
            handle: self.handle.as_str().to_owned(),
            request_id: self.request_id.clone(),
            connection: self.connection.as_str().to_owned(),
            binding_hash: self.binding.as_str().to_owned(),
            trial: self.is_trial,
            issued_at: self.issued_at.timestamp(),
            issued_at_milliseconds: self.issued_at.timestamp_subsec_millis().min(999),
            expires_at: seconds_rounded_up(self.expires_at),
            requested_contexts: self.requested_context.classes().to_vec(),
            requested_comparison: Some(self.requested_context.comparison().as_str().to_owned()),
            context_order: self.requested_context.order().to_vec(),
            maximum_authentication_age: self
                .maximum_authentication_age
                .map(|age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX)),
            force_authn: self.force_authn,
            is_passive: self.is_passive,
            subject: self.subject.clone(),
            name_id_policy: self.name_id_policy.clone(),
            name_id_order: self.name_id_order.as_ref().map(NameIdOrder::to_stored),
            return_to: self.return_to.clone(),
            context: self.context.clone(),
            previous_session: self.previous_session.clone(),
        }
    }

    /// Reads the stored form. Anybody who can write to the store can make one, so keep it on the server, never in a
    /// cookie or a form.
    ///
    /// # Errors
    /// [`BindingError::StoredRequest`] if a field is not valid.
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
            u64::try_from(seconds).map(Duration::from_secs).map_err(|_| damaged("maximum_authentication_age"))
        };
        let connection = ConnectionId::new(&stored.connection).map_err(|_| damaged("connection"))?;
        let order_over = |order| NameIdOrder::from_stored(connection.clone(), order);
        let name_id_order = stored.name_id_order.map(order_over);
        Ok(PendingRequest {
            handle: RelayState::new(&stored.handle).map_err(|_| damaged("handle"))?,
            connection,
            binding: BindingHash::stored(stored.binding_hash).ok_or_else(|| damaged("binding_hash"))?,
            is_trial: stored.trial,
            issued_at: stored
                .issued_at_milliseconds
                .checked_mul(1_000_000)
                .and_then(|nanoseconds| DateTime::from_timestamp(stored.issued_at, nanoseconds))
                .ok_or(damaged("issued_at"))?,
            expires_at: time(stored.expires_at, "expires_at")?,
            request_id: stored.request_id,
            requested_context,
            maximum_authentication_age: stored.maximum_authentication_age.map(age).transpose()?,
            force_authn: stored.force_authn,
            is_passive: stored.is_passive,
            subject: stored.subject,
            name_id_policy: stored.name_id_policy,
            name_id_order,
            return_to: stored.return_to,
            context: stored.context,
            previous_session: stored.previous_session,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_milliseconds_of_the_beginning_are_kept() {
        let stored = |milliseconds: u32| {
            let stored = serde_json::json!({
                "handle": "h", "request_id": "_1", "connection": "acme", "binding_hash": "0".repeat(64),
                "issued_at": 1_768_467_600, "issued_at_milliseconds": milliseconds, "expires_at": 1_768_468_200,
            });
            serde_json::from_value::<StoredPendingRequest>(stored).unwrap()
        };
        let pending = PendingRequest::from_stored(stored(250)).unwrap();
        assert_eq!(pending.issued_at(), "2026-01-15T09:00:00.25Z".parse::<DateTime<Utc>>().unwrap());
        let again = PendingRequest::from_stored(pending.to_stored()).unwrap();
        assert_eq!(again.issued_at(), pending.issued_at());
        for damaged in [2_000, u32::MAX] {
            let refused = PendingRequest::from_stored(stored(damaged)).unwrap_err();
            assert!(matches!(refused, BindingError::StoredRequest { field: "issued_at" }), "{refused}");
        }
    }
}
