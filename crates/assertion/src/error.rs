//! Why a response is not believed.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::CryptoError;
use vouchsafe_encryption::EncryptionError;
use vouchsafe_metadata::MetadataError;
use vouchsafe_signature::SignatureError;
use vouchsafe_xml::{Quoted, SchemaViolation, XmlError};

use crate::authn_context::Comparison;
use crate::error_words::{
    ahead, closest_trusted, end, list, missed, near, nearest, or_none, status_codes, status_message, was,
};
use crate::instant::Shown;
use crate::message::MessageError;
use crate::near_miss::Missed;
use crate::requested_name::NameMismatch;

/// Why a response was refused.
///
/// It is found in a [`Refusal`](crate::Refusal), which adds the ledger. [`code`](AssertionError::code) is stable; the text is for
/// people and quotes what came in the message escaped and cut.
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
    /// Cryptography failed or refused.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The identity provider's metadata cannot be used at this time.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A message other than a Response is not accepted.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The name in the answer is not as the request asked.
    #[error(transparent)]
    Name(#[from] NameMismatch),
    /// None of the identity provider's keys can be used, so none of its messages can be verified.
    #[error("none of the {count} signing keys of {} can be used", Quoted::new(entity_id))]
    #[non_exhaustive]
    NoUsableKey {
        /// The identity provider.
        entity_id: String,
        /// How many certificates its metadata has.
        count: usize,
        /// Why the last of them cannot be used.
        source: Option<CryptoError>,
    },
    /// The configured clock skew is too large: it also lengthens the time in which a stolen response can be used.
    #[error("a clock skew of {} s is configured; at most {} s can be granted", skew.num_seconds(), limit.num_seconds())]
    #[non_exhaustive]
    ClockSkew {
        /// What was configured.
        skew: TimeDelta,
        /// The most that can be.
        limit: TimeDelta,
    },
    /// Authentication contexts cannot be compared by strength with the order that was configured.
    #[error("the authentication context class {} {reason}", Quoted::new(class))]
    #[non_exhaustive]
    ContextOrder {
        /// The class.
        class: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A text that cannot be the name of a connection.
    #[error("{} is not a valid name of a connection", Quoted::new(value))]
    #[non_exhaustive]
    ConnectionId {
        /// What was given.
        value: String,
    },
    /// Several connections have the same identity provider and the same key.
    #[error("{count} connections could have received the response: {reason}")]
    #[non_exhaustive]
    ConnectionAmbiguous {
        /// How many connections.
        count: usize,
        /// Why they cannot be told apart.
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
    /// An unsolicited response, and the connection does not accept them.
    #[error("the response answers no request, and the connection {connection} accepts answers only")]
    #[non_exhaustive]
    UnsolicitedRefused {
        /// The connection.
        connection: String,
    },
    /// It is not proved that the browser that posted the response is the one that started the sign-in.
    #[error("the sign-in was started in another browser: {reason}")]
    #[non_exhaustive]
    OtherBrowser {
        /// What is missing or wrong.
        reason: &'static str,
    },
    /// The answer to a trial came where people are signed in, or the other way round.
    #[error("the request {} to try the connection out, and its answer {}", was(*asked_as_trial), was(!*asked_as_trial))]
    #[non_exhaustive]
    TrialMismatch {
        /// Whether the request was made to try the connection out.
        asked_as_trial: bool,
    },
    /// A value that is not the identifier of a message.
    #[error("{} cannot be the identifier of a message", Quoted::new(value))]
    #[non_exhaustive]
    MessageId {
        /// What was given.
        value: String,
    },
    /// No trusted identity provider has the name that the response claims.
    #[error(
        "no trusted identity provider is named {}{}",
        Quoted::new(issuer),
        closest_trusted(issuer, closest)
    )]
    #[non_exhaustive]
    UnknownIssuer {
        /// The claimed issuer.
        issuer: String,
        /// The trusted names that are closest to it, the closest first. The same name: it is trusted at another assertion consumer.
        closest: Vec<String>,
    },
    /// Another identity provider answers than the one that was asked.
    #[error(
        "{} was asked, and {} answers{}",
        Quoted::new(expected),
        Quoted::new(actual),
        near(expected, Some(actual))
    )]
    #[non_exhaustive]
    UnexpectedIssuer {
        /// Who was asked.
        expected: String,
        /// Who the response claims to come from.
        actual: String,
    },
    /// The request was answered too late.
    #[error("the request could be answered until {}", Shown(*expired_at))]
    #[non_exhaustive]
    RequestExpired {
        /// From when on no answer is accepted.
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
    /// Another version of SAML.
    #[error("{element}: expected Version \"2.0\", found {}", Quoted::new(actual))]
    #[non_exhaustive]
    Version {
        /// `Response` or `Assertion`.
        element: &'static str,
        /// What came.
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
        /// Assertions, plain and encrypted, that are children of the Response.
        count: usize,
    },
    /// Neither the Response nor the Assertion is signed.
    #[error("neither the response nor its assertion is signed")]
    Unsigned,
    /// The configuration asks for a signed response.
    #[error("the response is not signed; the configuration asks for it")]
    ResponseUnsigned,
    /// The configuration asks for a signed assertion.
    #[error("the assertion is not signed; the configuration asks for it")]
    AssertionUnsigned,
    /// The signature of an assertion that was decrypted does not hold. What the assertion says is not told, since it may be another
    /// customer's.
    #[error(
        "the signature of the decrypted assertion does not hold ({code}); what was decrypted is not shown"
    )]
    #[non_exhaustive]
    DecryptedSignature {
        /// The code of what is wrong with it.
        code: &'static str,
        /// The hint of that error.
        hint: &'static str,
    },
    /// A decrypted assertion that only the signature of the Response covers has another issuer, which is not shown, or none.
    #[error("the decrypted Assertion/Issuer: expected {}, found another or none", Quoted::new(expected))]
    #[non_exhaustive]
    DecryptedIssuer {
        /// The identity provider.
        expected: String,
    },
    /// Ciphertext that anybody may have altered.
    #[error(
        "the assertion is encrypted with {cipher}, which authenticates nothing, and the response is not signed"
    )]
    #[non_exhaustive]
    UnauthenticatedCbc {
        /// The identifier of the cipher.
        cipher: &'static str,
    },
    /// An identifier in a message that anybody may send again and again, altered, to learn from the answers.
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
        /// Where, such as `Conditions/@NotBefore`.
        place: &'static str,
        /// What the schema asks for.
        expected: &'static str,
        /// What was found.
        actual: String,
    },
    /// The identity provider answers with a failure.
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
        /// Where it was received.
        expected: String,
        /// Where it was sent.
        actual: Option<String>,
    },
    /// The message does not answer the pending request.
    #[error("{element}/@InResponseTo: expected {}, found {}{}", or_none(expected.as_deref()), or_none(actual.as_deref()), near(expected.as_deref().unwrap_or_default(), actual.as_deref()))]
    #[non_exhaustive]
    InResponseTo {
        /// `Response` or `SubjectConfirmationData`.
        element: &'static str,
        /// The request; none for an unsolicited response.
        expected: Option<String>,
        /// What came.
        actual: Option<String>,
    },
    /// The issuer is not the expected one.
    #[error("{element}/Issuer: expected {}, found {}{}", Quoted::new(expected), or_none(actual.as_deref()), near(expected, actual.as_deref()))]
    #[non_exhaustive]
    Issuer {
        /// `Response` or `Assertion`.
        element: &'static str,
        /// The trusted identity provider.
        expected: String,
        /// What came.
        actual: Option<String>,
    },
    /// The Issuer's Format is not that of an entity.
    #[error("{element}/Issuer/@Format: expected none or that of an entity, found {}", Quoted::new(actual))]
    #[non_exhaustive]
    IssuerFormat {
        /// `Response` or `Assertion`.
        element: &'static str,
        /// What came.
        actual: String,
    },
    /// Issued in the future, or longer ago than the configuration allows.
    #[error("{element}/@IssueInstant: {} does not fit the time here, {}, with {} s of skew{}", Shown(*instant), Shown(*now), skew.num_seconds(), ahead(*instant, *now))]
    #[non_exhaustive]
    IssueInstant {
        /// `Response` or `Assertion`.
        element: &'static str,
        /// What came.
        instant: DateTime<Utc>,
        /// The time here.
        now: DateTime<Utc>,
        /// The difference of clocks that is granted.
        skew: TimeDelta,
    },
    /// Issued before the request that it claims to answer.
    #[error("{element}/@IssueInstant: {} is earlier than the request, {}, with {} s of skew", Shown(*instant), Shown(*issued_at), skew.num_seconds())]
    #[non_exhaustive]
    IssuedBeforeRequest {
        /// `Response` or `Assertion`.
        element: &'static str,
        /// What came.
        instant: DateTime<Utc>,
        /// When the request was issued.
        issued_at: DateTime<Utc>,
        /// The difference of clocks that is granted.
        skew: TimeDelta,
    },
    /// An invalid identifier of the subject.
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
    /// The assertion is meant for another address.
    #[error("SubjectConfirmationData/@Recipient: expected {}, found {}{}", Quoted::new(expected), or_none(actual.as_deref()), near(expected, actual.as_deref()))]
    #[non_exhaustive]
    Recipient {
        /// Where it was received.
        expected: String,
        /// What came.
        actual: Option<String>,
    },
    /// A bearer confirmation with a NotBefore, which the profile forbids.
    #[error("SubjectConfirmationData/@NotBefore: expected none, found {}", Quoted::new(actual))]
    #[non_exhaustive]
    ConfirmationNotBefore {
        /// What came.
        actual: String,
    },
    /// The confirmation has no end, or has expired.
    #[error("SubjectConfirmationData/@NotOnOrAfter: {}; the time here is {}, with {} s of skew{}", end(*not_on_or_after), Shown(*now), skew.num_seconds(), missed(*not_on_or_after, *now))]
    #[non_exhaustive]
    ConfirmationExpired {
        /// What came.
        not_on_or_after: Option<DateTime<Utc>>,
        /// The time here.
        now: DateTime<Utc>,
        /// The difference of clocks that is granted.
        skew: TimeDelta,
    },
    /// The assertion is not valid yet.
    #[error("{element}/@NotBefore: {}; the time here is {}, with {} s of skew{}", Shown(*not_before), Shown(*now), skew.num_seconds(), Missed { bound: *not_before, now: *now })]
    #[non_exhaustive]
    NotYetValid {
        /// `Conditions`, or `SubjectConfirmationData` where a NotBefore is tolerated there.
        element: &'static str,
        /// What came.
        not_before: DateTime<Utc>,
        /// The time here.
        now: DateTime<Utc>,
        /// The difference of clocks that is granted.
        skew: TimeDelta,
    },
    /// The assertion is no longer valid.
    #[error("Conditions/@NotOnOrAfter: {}; the time here is {}, with {} s of skew{}", Shown(*not_on_or_after), Shown(*now), skew.num_seconds(), Missed { bound: *not_on_or_after, now: *now })]
    #[non_exhaustive]
    Expired {
        /// What came.
        not_on_or_after: DateTime<Utc>,
        /// The time here.
        now: DateTime<Utc>,
        /// The difference of clocks that is granted.
        skew: TimeDelta,
    },
    /// The window of validity ends before it begins, so that only the clock skew could make it valid.
    #[error("{element}: the end, {}, is not later than the start, {}", Shown(*not_on_or_after), Shown(*not_before))]
    #[non_exhaustive]
    InvertedWindow {
        /// `Conditions`, or `SubjectConfirmationData` where a NotBefore is tolerated there.
        element: &'static str,
        /// `NotBefore`.
        not_before: DateTime<Utc>,
        /// `NotOnOrAfter`.
        not_on_or_after: DateTime<Utc>,
    },
    /// The assertion is for another service provider, or for none in particular.
    #[error(
        "AudienceRestriction: expected {}, found {}{}",
        Quoted::new(expected),
        list(actual),
        nearest(expected, actual)
    )]
    #[non_exhaustive]
    Audience {
        /// The service provider.
        expected: String,
        /// The audiences of the restriction that does not match; empty if there is no restriction.
        actual: Vec<String>,
    },
    /// An unknown condition, so it is not known whether it is met.
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
        /// How often it occurs.
        count: usize,
    },
    /// The assertion does not say that anybody signed in.
    #[error("the assertion has no AuthnStatement")]
    NoAuthnStatement,
    /// The person signed in longer ago than the configuration allows, or in the future.
    #[error("AuthnStatement/@AuthnInstant: {} is not within the last {} s; the time here is {}, with {} s of skew", Shown(*instant), maximum_age.num_seconds(), Shown(*now), skew.num_seconds())]
    #[non_exhaustive]
    AuthnInstant {
        /// What came.
        instant: DateTime<Utc>,
        /// The time here.
        now: DateTime<Utc>,
        /// The difference of clocks that is granted.
        skew: TimeDelta,
        /// The greatest age that is accepted.
        maximum_age: TimeDelta,
    },
    /// The session at the identity provider ended before it could begin here.
    #[error("AuthnStatement/@SessionNotOnOrAfter: {}; the time here is {}, with {} s of skew", Shown(*not_on_or_after), Shown(*now), skew.num_seconds())]
    #[non_exhaustive]
    SessionExpired {
        /// What came.
        not_on_or_after: DateTime<Utc>,
        /// The time here.
        now: DateTime<Utc>,
        /// The difference of clocks that is granted.
        skew: TimeDelta,
    },
    /// The person signed in with another method than the request asked for.
    #[error("AuthnContextClassRef: expected {} {}, found {}", comparison.in_words(), list(expected), or_none(actual.as_deref()))]
    #[non_exhaustive]
    AuthnContext {
        /// How the answer is compared.
        comparison: Comparison,
        /// The classes that were asked for.
        expected: Vec<String>,
        /// What came.
        actual: Option<String>,
    },
    /// An invalid subject-id or pairwise-id.
    #[error("the attribute {name}: {reason}")]
    #[non_exhaustive]
    SubjectId {
        /// `subject-id` or `pairwise-id`.
        name: &'static str,
        /// What is wrong; never the value.
        reason: &'static str,
    },
    /// A subject-id or pairwise-id of a scope for which the identity provider does not speak.
    #[error(
        "the attribute {name}: expected a scope of the identity provider, {}, found {}",
        list(expected),
        Quoted::new(actual)
    )]
    #[non_exhaustive]
    ForeignScope {
        /// `subject-id` or `pairwise-id`.
        name: &'static str,
        /// The scopes in the identity provider's metadata.
        expected: Vec<String>,
        /// The scope that came.
        actual: String,
    },
    /// The assertion was accepted once before.
    #[error("this assertion has been used already")]
    Replayed,
    /// The record of first use belongs to another assertion.
    #[error("the record of first use is that of another assertion")]
    OtherAssertion,
}
