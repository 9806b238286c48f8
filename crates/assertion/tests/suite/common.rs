//! The path from bytes to a login, for the tests.

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{
    Claimed, ConnectionId, Correlation, Expectations, Login, MessageId, OutstandingRequest, Refusal,
    SignaturePolicy, Trust, ValidAssertion, authenticate,
};
use vouchsafe_crypto::{PrivateKey, Provider};
use vouchsafe_metadata::{EntityId, IdentityProvider};
use vouchsafe_testkit::{Attribute, ResponseBuilder};
use vouchsafe_xml::{Document, Limits};

/// The request that is outstanding.
pub(crate) const REQUEST: &str = "_request";

/// All parts of the receiver except the message.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) trust: Trust,
    pub(crate) keys: Vec<PrivateKey>,
    pub(crate) provider: Provider,
    pub(crate) limits: Limits,
    pub(crate) policy: SignaturePolicy,
    pub(crate) expectations: Expectations,
    pub(crate) now: DateTime<Utc>,
}

impl Receiver {
    /// Runs the whole path, with a store that has seen no assertion.
    pub(crate) fn receive(&self, bytes: &[u8]) -> Result<Login, Refusal> {
        self.path(Document::parse(bytes, &self.limits)?)
    }

    /// Runs the same path from a parsed document.
    pub(crate) fn path(&self, document: Document) -> Result<Login, Refusal> {
        let valid = self.validate_document(document)?;
        let recorded = valid.replay_key().recorded(true);
        valid.confirm(recorded)
    }

    /// Runs the same path without its last step.
    pub(crate) fn validate(&self, bytes: &[u8]) -> Result<ValidAssertion, Refusal> {
        self.validate_document(Document::parse(bytes, &self.limits)?)
    }

    /// Returns the trust with the other settings of a connection.
    pub(crate) fn whole_trust(&self) -> Trust {
        self.trust.clone().with_decryption_keys(self.keys.clone()).with_signature_policy(self.policy)
    }

    /// Runs the path from a claimed response.
    pub(crate) fn judge(&self, claimed: Claimed) -> Result<Login, Refusal> {
        let valid = self.validate_claimed(claimed)?;
        let recorded = valid.replay_key().recorded(true);
        valid.confirm(recorded)
    }

    fn validate_document(&self, document: Document) -> Result<ValidAssertion, Refusal> {
        self.validate_claimed(Claimed::of(document)?)
    }

    fn validate_claimed(&self, claimed: Claimed) -> Result<ValidAssertion, Refusal> {
        let trust = self.whole_trust();
        authenticate(claimed, &trust, &self.limits)?.read()?.validate(&self.expectations, self.now)
    }
}

/// The service provider of the testkit, which trusts its Okta and has one request outstanding.
pub(crate) fn okta(now: &str) -> Receiver {
    let provider = Provider::rustcrypto();
    let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata().unwrap();
    let identity_provider = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Receiver {
        trust: Trust::new(crate::common::connection(), &identity_provider, &provider).unwrap(),
        keys: vec![vouchsafe_testkit::keys::service_provider().private_key().clone()],
        provider,
        limits: Limits::default(),
        policy: SignaturePolicy::default(),
        expectations: Expectations::new(
            EntityId::new(vouchsafe_testkit::SERVICE_PROVIDER).unwrap(),
            vouchsafe_testkit::ASSERTION_CONSUMER,
            Correlation::Reply(OutstandingRequest::new(
                MessageId::new(REQUEST).unwrap(),
                vouchsafe_testkit::ISSUE_INSTANT,
            )),
        ),
        now: at(now),
    }
}

/// The connection of all tests that have one.
pub(crate) fn connection() -> ConnectionId {
    ConnectionId::new("acme").unwrap()
}

/// An instant of a test.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The method of confirmation that a browser can meet.
pub(crate) const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// The change that a test makes to a good response.
pub(crate) type Change = fn(ResponseBuilder) -> ResponseBuilder;

/// A response that [`okta`] accepts, changed.
pub(crate) fn good(change: impl FnOnce(ResponseBuilder) -> ResponseBuilder) -> ResponseBuilder {
    let response = vouchsafe_testkit::IdentityProvider::okta().response().in_response_to(REQUEST);
    change(response.attribute(Attribute::new("user.email", ["ada@example.com"])))
}

/// One more SubjectConfirmation.
pub(crate) fn confirmation(method: &str, recipient: &str) -> String {
    format!(
        "<saml2:SubjectConfirmation xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" Method=\"{method}\">\
         <saml2:SubjectConfirmationData InResponseTo=\"{REQUEST}\" NotOnOrAfter=\"2026-01-01T00:05:00Z\" \
         Recipient=\"{recipient}\"/></saml2:SubjectConfirmation>"
    )
}

/// An AuthnStatement that refers to a declaration of its context and names no class.
pub(crate) const AUTHN_BY_REFERENCE: &str = "<saml2:AuthnStatement xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" AuthnInstant=\"2026-01-01T00:00:00Z\">\
     <saml2:AuthnContext><saml2:AuthnContextDeclRef>urn:example:declaration</saml2:AuthnContextDeclRef>\
     </saml2:AuthnContext></saml2:AuthnStatement>";
