//! A sign-in that was started and not yet answered.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{
    Comparison, ConnectionId, Declined, Refusal, RequestedAuthnContext, RequestedName, SessionNameId,
};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;

use crate::browser_binding::BindingHash;
use crate::claimed_response::ClaimedResponse;
use crate::error::BindingError;
use crate::name_id_management::{NameIdOrder, StoredNameIdOrder};
use crate::relay_state::RelayState;
use crate::request::NameIdPolicy;

/// What must be remembered between the request and the reply, under [`handle`](Self::handle).
///
/// It is neither `Clone` nor serialisable by accident: a reply is accepted once, so whoever stores it takes it out again when it is
/// used. [`to_stored`](Self::to_stored) and [`from_stored`](Self::from_stored) are the explicit way. A reply is expected with it only
/// after [`bind`](Self::bind) has seen the browser's proof:
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
    pub(crate) maximum_authentication_age: Option<TimeDelta>,
    pub(crate) force_authn: bool,
    pub(crate) is_passive: bool,
    pub(crate) subject: Option<SessionNameId>,
    pub(crate) name_id_policy: Option<NameIdPolicy>,
    pub(crate) name_id_order: Option<NameIdOrder>,
    pub(crate) return_to: Option<String>,
    pub(crate) context: Option<String>,
}

/// A pending request together with the proof that the browser which posts the reply is the one that started the sign-in.
///
/// Only [`PendingRequest::bind`] makes one, and [`Expect::Reply`](crate::Expect::Reply) takes nothing else.
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
    /// The request.
    #[must_use]
    pub fn request(&self) -> &PendingRequest {
        &self.request
    }

    /// Whether this response is the identity provider's no to this request, and why. It is nobody's word but the one who answers the
    /// browser, so that nothing follows from it but how the person goes on: nobody is signed in either way. A response of another
    /// identity provider, or to another request, is none.
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

    /// The request, taken out. To expect a reply to it again, the browser has to prove itself again.
    #[must_use]
    pub fn into_request(self) -> PendingRequest {
        self.request
    }
}

/// The stored form of a [`PendingRequest`]: plain data, for a store to keep and for nobody to build by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredPendingRequest {
    /// The RelayState that was sent; the key under which this is kept.
    pub handle: String,
    /// The ID of the AuthnRequest.
    pub request_id: String,
    /// The name of the connection that was asked.
    pub connection: String,
    /// SHA-256 of what the browser was given, in hexadecimal.
    pub binding_hash: String,
    /// Whether the connection is only tried out.
    #[serde(default)]
    pub trial: bool,
    /// When it was issued, in seconds of Unix time, rounded down.
    pub issued_at: i64,
    /// The milliseconds of that second.
    #[serde(default)]
    pub issued_at_milliseconds: u32,
    /// From when on no reply is accepted, in seconds of Unix time, rounded up.
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
    /// Whether the identity provider was not to disturb the person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_passive: bool,
    /// The person who was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<SessionNameId>,
    /// The kind of name that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_id_policy: Option<NameIdPolicy>,
    /// What was asked about a name, if it is no sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_id_order: Option<StoredNameIdOrder>,
    /// Where the application wants to go afterwards.
    #[serde(default)]
    pub return_to: Option<String>,
    /// What the application gave to be kept.
    #[serde(default)]
    pub context: Option<String>,
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

    /// The connection that was asked. No other can answer, whatever identity provider it has.
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// Whether the connection is only tried out: the answer signs nobody in.
    pub fn is_trial(&self) -> bool {
        self.is_trial
    }

    /// What the application gave to be kept: [`LoginOptions::context`](crate::LoginOptions::context). It was never sent anywhere.
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// Holds the request against what the browser sent back: the value of the binding cookie, if one came. It is compared in constant
    /// time.
    ///
    /// Look the request up only for a browser that sent a cookie: taking it out of a store for somebody else would let anybody spoil it.
    ///
    /// # Errors
    /// A [`Refusal`] with `assertion.other_browser` if nothing came, or another value.
    pub fn bind(self, presented: Option<&str>, provider: &Provider) -> Result<BoundRequest, Refusal> {
        let Some(presented) = presented else {
            return Err(Refusal::other_browser("no binding cookie came"));
        };
        match self.binding.is_of(presented, provider) {
            Ok(true) => Ok(BoundRequest { request: self }),
            Ok(false) | Err(_) => Err(Refusal::other_browser("the binding cookie is another sign-in's")),
        }
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

    /// Whether the identity provider was not to disturb the person.
    pub fn is_passive(&self) -> bool {
        self.is_passive
    }

    /// What was asked about a name: then it is no sign-in, and no response answers it.
    #[must_use]
    pub fn name_id_order(&self) -> Option<&NameIdOrder> {
        self.name_id_order.as_ref()
    }

    /// A request about a name, which was sent under that ID at that time and is answered before that.
    pub(crate) fn of_order(
        handle: RelayState,
        connection: ConnectionId,
        binding: BindingHash,
        (request_id, issued_at, expires_at): (String, DateTime<Utc>, DateTime<Utc>),
        order: NameIdOrder,
        return_to: Option<String>,
    ) -> PendingRequest {
        PendingRequest {
            handle,
            request_id,
            connection,
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
        }
    }

    /// Whom the request asked for, and by which kind of name.
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
            connection: self.connection.as_str().to_owned(),
            binding_hash: self.binding.as_str().to_owned(),
            trial: self.is_trial,
            issued_at: self.issued_at.timestamp(),
            issued_at_milliseconds: self.issued_at.timestamp_subsec_millis().min(999),
            expires_at: seconds_rounded_up(self.expires_at),
            requested_contexts: self.requested_context.classes().to_vec(),
            requested_comparison: Some(self.requested_context.comparison().as_str().to_owned()),
            context_order: self.requested_context.order().to_vec(),
            maximum_authentication_age: self.maximum_authentication_age.map(|age| age.num_seconds()),
            force_authn: self.force_authn,
            is_passive: self.is_passive,
            subject: self.subject.clone(),
            name_id_policy: self.name_id_policy.clone(),
            name_id_order: self.name_id_order.as_ref().map(NameIdOrder::to_stored),
            return_to: self.return_to.clone(),
            context: self.context.clone(),
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
            connection: ConnectionId::new(&stored.connection).map_err(|_| damaged("connection"))?,
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
            name_id_order: stored.name_id_order.map(NameIdOrder::from_stored),
            return_to: stored.return_to,
            context: stored.context,
        })
    }
}

/// What ends at that time is not over a moment earlier. Not beyond the last time that can be read back.
pub(crate) fn seconds_rounded_up(time: DateTime<Utc>) -> i64 {
    let rounded = time.timestamp().saturating_add(i64::from(time.timestamp_subsec_nanos() != 0));
    rounded.min(DateTime::<Utc>::MAX_UTC.timestamp())
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

    #[test]
    fn an_end_is_rounded_up() {
        for (time, seconds) in [
            ("1970-01-01T00:00:10Z", 10),
            ("1970-01-01T00:00:10.000000001Z", 11),
            ("1970-01-01T00:00:10.999Z", 11),
            ("1969-12-31T23:59:58.5Z", -1),
        ] {
            assert_eq!(seconds_rounded_up(time.parse().unwrap()), seconds, "{time}");
        }
        let last = seconds_rounded_up(DateTime::<Utc>::MAX_UTC);
        assert!(DateTime::from_timestamp(last, 0).is_some(), "it can be read back");
    }
}
