//! The errors that refuse a response.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::CryptoError;
use vouchsafe_encryption::EncryptionError;
use vouchsafe_metadata::MetadataError;
use vouchsafe_signature::SignatureError;
use vouchsafe_xml::{Quoted, SchemaViolation, XmlError};

use crate::comparison::Comparison;
use crate::error_words::{
    ahead, end, list, missed, near, nearest, or_none, status_codes, status_message, unknown_issuer, was,
};
use crate::instant::Shown;
use crate::message::MessageError;
use crate::near_miss::Missed;
use crate::requested_name::NameMismatch;

/// The reason why a response was refused.
///
/// It is part of a [`Refusal`](crate::Refusal), which adds the ledger. [`code`](AssertionError::code) is stable. The
/// text is for people; values of the message in it are escaped and shortened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionError {
    /// The bytes are not XML that the parser accepts.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// A signature is not valid.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// An encrypted part cannot be decrypted.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// A cryptographic operation failed, or an algorithm was refused.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The identity provider's metadata cannot be used at this time.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A message other than a Response is not accepted.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The name in the answer does not match the request.
    #[error(transparent)]
    Name(#[from] NameMismatch),
    /// None of the identity provider's keys can be used, so none of its messages can be verified.
    #[error("none of the {count} signing keys of {} can be used", Quoted::new(entity_id))]
    #[non_exhaustive]
    NoUsableKey {
        /// The entity ID of the identity provider.
        entity_id: String,
        /// The number of certificates in its metadata.
        count: usize,
        /// Why the last of them cannot be used.
        source: Option<CryptoError>,
    },
    /// The configured clock skew is too large: it also lengthens the time in which a stolen response can be used.
    #[error("a clock skew of {} s is configured; at most {} s are allowed", skew.as_secs(), limit.as_secs())]
    #[non_exhaustive]
    ClockSkew {
        /// The configured skew.
        skew: Duration,
        /// The largest allowed skew.
        limit: Duration,
    },
    /// Authentication contexts cannot be compared by strength with the configured order.
    #[error("the authentication context class {} {reason}", Quoted::new(class))]
    #[non_exhaustive]
    ContextOrder {
        /// The class.
        class: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The text is not a valid name of a connection.
    #[error("{} is not a valid name of a connection", Quoted::new(value))]
    #[non_exhaustive]
    ConnectionId {
        /// The given text.
        value: String,
    },
    /// Several connections have the same identity provider and the same key.
    #[error("the message could belong to {count} connections: {reason}")]
    #[non_exhaustive]
    ConnectionAmbiguous {
        /// The number of connections.
        count: usize,
        /// Why they cannot be distinguished.
        reason: &'static str,
    },
    /// The connection does not sign people in at present.
    #[error("the connection {connection} is {state}")]
    #[non_exhaustive]
    ConnectionState {
        /// The connection.
        connection: String,
        /// Its state, such as `draft` or `retired`.
        state: &'static str,
    },
    /// The response is unsolicited, and the connection does not accept unsolicited responses.
    #[error("the response answers no request, and the connection {connection} accepts answers only")]
    #[non_exhaustive]
    UnsolicitedRefused {
        /// The connection.
        connection: String,
    },
    /// There is no proof that the browser that posted the response started the sign-in.
    #[error("the sign-in was started in another browser: {reason}")]
    #[non_exhaustive]
    OtherBrowser {
        /// What is missing or wrong.
        reason: &'static str,
    },
    /// The answer to a trial came to a sign-in, or the other way round.
    #[error("the request {} to try the connection out, and its answer {}", was(*asked_as_trial), was(!*asked_as_trial))]
    #[non_exhaustive]
    TrialMismatch {
        /// Whether the request was a trial of the connection.
        asked_as_trial: bool,
    },
    /// The value is not a valid identifier of a message.
    #[error("{} cannot be the identifier of a message", Quoted::new(value))]
    #[non_exhaustive]
    MessageId {
        /// The given value.
        value: String,
    },
    /// No trusted identity provider that the response may come from has the issuer that it claims.
    #[error("{}", unknown_issuer(issuer, closest))]
    #[non_exhaustive]
    UnknownIssuer {
        /// The claimed issuer.
        issuer: String,
        /// The trusted entity IDs that are most similar to it, the most similar first. If the first is equal, the connection
        /// that the message is for takes it at another address.
        closest: Vec<String>,
    },
    /// The response comes from an identity provider other than the one that was asked.
    #[error(
        "{} was asked, and {} answers{}",
        Quoted::new(expected),
        Quoted::new(actual),
        near(expected, Some(actual))
    )]
    #[non_exhaustive]
    UnexpectedIssuer {
        /// The entity ID of the identity provider that was asked.
        expected: String,
        /// The issuer that the response claims.
        actual: String,
    },
    /// The request was answered too late.
    #[error("the request could be answered until {}", Shown(*expired_at))]
    #[non_exhaustive]
    RequestExpired {
        /// The time from which no answer is accepted.
        expired_at: DateTime<Utc>,
    },
    /// The document is another SAML message, or not a SAML message.
    #[error("expected a samlp:Response, found {} in namespace {}", Quoted::new(name), Quoted::new(namespace))]
    #[non_exhaustive]
    NotAResponse {
        /// Namespace of the document element.
        namespace: String,
        /// Its local name.
        name: String,
    },
    /// The version of SAML is not 2.0.
    #[error("{element}: expected Version \"2.0\", found {}", Quoted::new(actual))]
    #[non_exhaustive]
    Version {
        /// `Response` or `Assertion`.
        element: &'static str,
        /// The version in the message.
        actual: String,
    },
    /// Two elements have the same identifier.
    #[error("the ID {} occurs more than once", Quoted::new(id))]
    #[non_exhaustive]
    DuplicateId {
        /// The identifier.
        id: String,
    },
    /// The response does not have exactly one assertion.
    #[error("expected exactly one assertion in the response, found {count}")]
    #[non_exhaustive]
    AssertionCount {
        /// The number of assertions, plain and encrypted, that are children of the Response.
        count: usize,
    },
    /// Neither the Response nor the Assertion is signed.
    #[error("neither the response nor its assertion is signed")]
    Unsigned,
    /// The configuration requires a signed response.
    #[error("the response is not signed; the configuration asks for it")]
    ResponseUnsigned,
    /// The configuration requires a signed assertion.
    #[error("the assertion is not signed; the configuration asks for it")]
    AssertionUnsigned,
    /// The signature of a decrypted assertion is not valid. The content of the assertion is not shown, since it may
    /// belong to another customer.
    #[error(
        "the signature of the decrypted assertion is not valid ({code}); what was decrypted is not shown"
    )]
    #[non_exhaustive]
    DecryptedSignature {
        /// The code of the signature error.
        code: &'static str,
        /// The hint of that error.
        hint: &'static str,
    },
    /// A decrypted assertion that only the signature of the Response covers has another issuer, or none. The issuer
    /// is not shown.
    #[error("the decrypted Assertion/Issuer: expected {}, found another or none", Quoted::new(expected))]
    #[non_exhaustive]
    DecryptedIssuer {
        /// The entity ID of the identity provider.
        expected: String,
    },
    /// The ciphertext has no authentication, so anybody may have altered it.
    #[error(
        "the assertion is encrypted with {cipher}, which authenticates nothing, and the response is not signed"
    )]
    #[non_exhaustive]
    UnauthenticatedCbc {
        /// The identifier of the cipher.
        cipher: &'static str,
    },
    /// An identifier in a message has a cipher without authentication. Anybody could send it again and again,
    /// altered, to learn from the answers.
    #[error(
        "the name in the message is encrypted with {cipher}, which authenticates nothing, for keys that other connections have too"
    )]
    #[non_exhaustive]
    CbcInMessage {
        /// The identifier of the cipher.
        cipher: &'static str,
    },
    /// The message does not follow the SAML schema: a child, an attribute or a text is not allowed at its place, or is missing.
    #[error("{0}")]
    Schema(SchemaViolation),
    /// A value has an invalid form, or there are more encrypted parts than the limit.
    #[error("{place}: expected {expected}, found {}", Quoted::new(actual))]
    #[non_exhaustive]
    Malformed {
        /// The place, such as `Conditions/@NotBefore`.
        place: &'static str,
        /// What the schema requires.
        expected: &'static str,
        /// What was found.
        actual: String,
    },
    /// The identity provider answered with a status other than Success.
    #[error("the identity provider answered {}{}", status_codes(codes), status_message(message.as_deref()))]
    #[non_exhaustive]
    Status {
        /// The status code and the codes nested in it, outermost first.
        codes: Vec<String>,
        /// The status message.
        message: Option<String>,
    },
    /// The message was sent to another address.
    #[error("Response/@Destination: expected {}, found {}{}", Quoted::new(expected), or_none(actual.as_deref()), near(expected, actual.as_deref()))]
    #[non_exhaustive]
    Destination {
        /// The address at which it was received.
        expected: String,
        /// The address in the message.
        actual: Option<String>,
    },
    /// The message does not answer the pending request.
    #[error("{element}/@InResponseTo: expected {}, found {}{}", or_none(expected.as_deref()), or_none(actual.as_deref()), near(expected.as_deref().unwrap_or_default(), actual.as_deref()))]
    #[non_exhaustive]
    InResponseTo {
        /// `Response` or `SubjectConfirmationData`.
        element: &'static str,
        /// The ID of the request; `None` for an unsolicited response.
        expected: Option<String>,
        /// The value in the message.
        actual: Option<String>,
    },
    /// The issuer is not the expected one.
    #[error("{element}/Issuer: expected {}, found {}{}", Quoted::new(expected), or_none(actual.as_deref()), near(expected, actual.as_deref()))]
    #[non_exhaustive]
    Issuer {
        /// `Response` or `Assertion`.
        element: &'static str,
        /// The entity ID of the trusted identity provider.
        expected: String,
        /// The value in the message.
        actual: Option<String>,
    },
    /// The Issuer's Format is not that of an entity.
    #[error("{element}/Issuer/@Format: expected none or that of an entity, found {}", Quoted::new(actual))]
    #[non_exhaustive]
    IssuerFormat {
        /// `Response` or `Assertion`.
        element: &'static str,
        /// The Format in the message.
        actual: String,
    },
    /// The element was issued in the future, or longer ago than the configuration allows.
    #[error("{element}/@IssueInstant: {} does not fit the time here, {}, with {} s of skew{}", Shown(*instant), Shown(*now), skew.num_seconds(), ahead(*instant, *now))]
    #[non_exhaustive]
    IssueInstant {
        /// `Response` or `Assertion`.
        element: &'static str,
        /// The value in the message.
        instant: DateTime<Utc>,
        /// The time at the receiver.
        now: DateTime<Utc>,
        /// The allowed difference of the clocks.
        skew: TimeDelta,
    },
    /// The element was issued before the request that it claims to answer.
    #[error("{element}/@IssueInstant: {} is earlier than the request, {}, with {} s of skew", Shown(*instant), Shown(*issued_at), skew.num_seconds())]
    #[non_exhaustive]
    IssuedBeforeRequest {
        /// `Response` or `Assertion`.
        element: &'static str,
        /// The value in the message.
        instant: DateTime<Utc>,
        /// When the request was issued.
        issued_at: DateTime<Utc>,
        /// The allowed difference of the clocks.
        skew: TimeDelta,
    },
    /// The identifier of the subject is not valid.
    #[error("Subject/NameID: {reason}")]
    #[non_exhaustive]
    NameId {
        /// What is wrong; never the value.
        reason: &'static str,
    },
    /// The assertion has no bearer confirmation.
    #[error("expected a SubjectConfirmation by the bearer method, found {}", Quoted::new(actual))]
    #[non_exhaustive]
    NoBearer {
        /// The methods that came.
        actual: String,
    },
    /// The assertion is for another address.
    #[error("SubjectConfirmationData/@Recipient: expected {}, found {}{}", Quoted::new(expected), or_none(actual.as_deref()), near(expected, actual.as_deref()))]
    #[non_exhaustive]
    Recipient {
        /// The address at which it was received.
        expected: String,
        /// The value in the message.
        actual: Option<String>,
    },
    /// A bearer confirmation has a NotBefore, which the profile forbids.
    #[error("SubjectConfirmationData/@NotBefore: expected none, found {}", Quoted::new(actual))]
    #[non_exhaustive]
    ConfirmationNotBefore {
        /// The value in the message.
        actual: String,
    },
    /// The confirmation has no end, or has expired.
    #[error("SubjectConfirmationData/@NotOnOrAfter: {}; the time here is {}, with {} s of skew{}", end(*not_on_or_after), Shown(*now), skew.num_seconds(), missed(*not_on_or_after, *now))]
    #[non_exhaustive]
    ConfirmationExpired {
        /// The value in the message.
        not_on_or_after: Option<DateTime<Utc>>,
        /// The time at the receiver.
        now: DateTime<Utc>,
        /// The allowed difference of the clocks.
        skew: TimeDelta,
    },
    /// The assertion is not valid yet.
    #[error("{element}/@NotBefore: {}; the time here is {}, with {} s of skew{}", Shown(*not_before), Shown(*now), skew.num_seconds(), Missed { bound: *not_before, now: *now })]
    #[non_exhaustive]
    NotYetValid {
        /// `Conditions`, or `SubjectConfirmationData` if a NotBefore is tolerated there.
        element: &'static str,
        /// The value in the message.
        not_before: DateTime<Utc>,
        /// The time at the receiver.
        now: DateTime<Utc>,
        /// The allowed difference of the clocks.
        skew: TimeDelta,
    },
    /// The assertion is no longer valid.
    #[error("Conditions/@NotOnOrAfter: {}; the time here is {}, with {} s of skew{}", Shown(*not_on_or_after), Shown(*now), skew.num_seconds(), Missed { bound: *not_on_or_after, now: *now })]
    #[non_exhaustive]
    Expired {
        /// The value in the message.
        not_on_or_after: DateTime<Utc>,
        /// The time at the receiver.
        now: DateTime<Utc>,
        /// The allowed difference of the clocks.
        skew: TimeDelta,
    },
    /// The time of validity ends before it begins, so only the clock skew could make it valid.
    #[error("{element}: the end, {}, is not later than the start, {}", Shown(*not_on_or_after), Shown(*not_before))]
    #[non_exhaustive]
    InvertedWindow {
        /// `Conditions`, or `SubjectConfirmationData` if a NotBefore is tolerated there.
        element: &'static str,
        /// `NotBefore`.
        not_before: DateTime<Utc>,
        /// `NotOnOrAfter`.
        not_on_or_after: DateTime<Utc>,
    },
    /// The assertion is for another service provider, or has no audience.
    #[error(
        "AudienceRestriction: expected {}, found {}{}",
        Quoted::new(expected),
        list(actual),
        nearest(expected, actual)
    )]
    #[non_exhaustive]
    Audience {
        /// The entity ID of the service provider.
        expected: String,
        /// The audiences of the restriction that does not match; empty if there is no restriction.
        actual: Vec<String>,
    },
    /// A condition is unknown, so it is not known whether it is met.
    #[error("a condition is not understood: {}", Quoted::new(name))]
    #[non_exhaustive]
    UnknownCondition {
        /// The local name of the element.
        name: String,
    },
    /// A condition that may occur only once occurs more often.
    #[error("the condition {name} occurs {count} times")]
    #[non_exhaustive]
    RepeatedCondition {
        /// The local name of the element.
        name: &'static str,
        /// The number of occurrences.
        count: usize,
    },
    /// The assertion contains no AuthnStatement, so it does not state that anybody signed in.
    #[error("the assertion has no AuthnStatement")]
    NoAuthnStatement,
    /// The person signed in longer ago than the configuration allows, or in the future.
    #[error("AuthnStatement/@AuthnInstant: {} is not within the last {} s; the time here is {}, with {} s of skew", Shown(*instant), maximum_age.num_seconds(), Shown(*now), skew.num_seconds())]
    #[non_exhaustive]
    AuthnInstant {
        /// The value in the message.
        instant: DateTime<Utc>,
        /// The time at the receiver.
        now: DateTime<Utc>,
        /// The allowed difference of the clocks.
        skew: TimeDelta,
        /// The maximum age.
        maximum_age: TimeDelta,
    },
    /// The session at the identity provider ended before it could begin at the service.
    #[error("AuthnStatement/@SessionNotOnOrAfter: {}; the time here is {}, with {} s of skew", Shown(*not_on_or_after), Shown(*now), skew.num_seconds())]
    #[non_exhaustive]
    SessionExpired {
        /// The value in the message.
        not_on_or_after: DateTime<Utc>,
        /// The time at the receiver.
        now: DateTime<Utc>,
        /// The allowed difference of the clocks.
        skew: TimeDelta,
    },
    /// The person signed in with a method other than the requested one.
    #[error("AuthnContextClassRef: expected {} {}, found {}", comparison.in_words(), list(expected), or_none(actual.as_deref()))]
    #[non_exhaustive]
    AuthnContext {
        /// The comparison with the requested classes.
        comparison: Comparison,
        /// The requested classes.
        expected: Vec<String>,
        /// The class in the message.
        actual: Option<String>,
    },
    /// The assertion was already accepted once.
    #[error("this assertion has been used already")]
    Replayed,
    /// The record of first use belongs to another assertion.
    #[error("the record of first use is that of another assertion")]
    OtherAssertion,
}
