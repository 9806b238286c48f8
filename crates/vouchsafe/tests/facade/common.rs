//! A service provider and the identity provider it is connected to.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::{
    BindingError, BoundRequest, Builder, Complete, Connection, ConnectionId, ConnectionSettings, Connections,
    EntityId, Expect, IdentityProvider, LoginOptions, PostedResponse, Refusal, ServiceProvider, StartedLogin,
    Unsolicited, ValidAssertion,
};
use vouchsafe_testkit as testkit;

pub(crate) fn now() -> DateTime<Utc> {
    testkit::ISSUE_INSTANT + TimeDelta::seconds(10)
}

pub(crate) fn trusted(identity_provider: &testkit::IdentityProvider) -> IdentityProvider {
    IdentityProvider::from_metadata(identity_provider.metadata().unwrap().as_bytes()).unwrap()
}

/// Metadata that is valid until this time.
pub(crate) fn valid_until(metadata: &str, end: DateTime<Utc>) -> IdentityProvider {
    let end = end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let limited = metadata.replacen(" entityID=", &format!(" validUntil=\"{end}\" entityID="), 1);
    IdentityProvider::from_metadata(limited.as_bytes()).unwrap()
}

pub(crate) fn builder() -> Builder<Complete> {
    ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
}

/// The address for logout requests by SOAP.
pub(crate) const SOAP: &str = "https://app.example.com/saml/slo/soap";

/// A service that takes part in single logout.
pub(crate) fn with_single_logout() -> Builder<Complete> {
    let ours = testkit::keys::service_provider();
    builder()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .single_logout(testkit::SINGLE_LOGOUT)
        .unwrap()
        .single_logout_soap(SOAP)
        .unwrap()
}

/// A connection that accepts unsolicited responses.
pub(crate) fn connection(name: &str, identity_provider: IdentityProvider) -> Connection {
    Connection::new(ConnectionId::new(name).unwrap(), identity_provider).with_settings(accepting()).unwrap()
}

pub(crate) fn accepting() -> ConnectionSettings {
    ConnectionSettings::default().unsolicited(Unsolicited::Accept)
}

pub(crate) fn okta() -> EntityId {
    EntityId::new(testkit::OKTA_ENTITY_ID).unwrap()
}

pub(crate) fn posted(issued: &testkit::Issued) -> PostedResponse {
    PostedResponse::from_base64(&issued.to_base64(), &vouchsafe::Limits::default()).unwrap()
}

/// A service and its connections, of which `okta` is one.
pub(crate) struct Service {
    pub(crate) saml: ServiceProvider,
    pub(crate) connections: Connections,
}

impl Service {
    pub(crate) fn new(builder: Builder<Complete>) -> Service {
        let okta = connection("okta", trusted(&testkit::IdentityProvider::okta()));
        Service { saml: builder.build().unwrap(), connections: [okta].into_iter().collect() }
    }

    pub(crate) fn with(self, connection: Connection) -> Service {
        self.connections.put(connection);
        self
    }

    pub(crate) fn start_over(
        &self,
        connection: &str,
        options: LoginOptions,
        now: DateTime<Utc>,
    ) -> Result<StartedLogin, BindingError> {
        self.saml.start_login(&self.connections.get(connection).unwrap(), options, now)
    }

    pub(crate) fn start(&self, options: LoginOptions) -> StartedLogin {
        self.start_over("okta", options, now()).unwrap()
    }

    /// A request to Okta, as the browser that started it would answer it.
    pub(crate) fn asked(&self, options: LoginOptions) -> BoundRequest {
        self.asked_over("okta", options)
    }

    pub(crate) fn asked_over(&self, connection: &str, options: LoginOptions) -> BoundRequest {
        let started = self.start_over(connection, options, now()).unwrap();
        started.pending.bind(Some(started.binding.reveal()), self.saml.provider()).unwrap()
    }

    pub(crate) fn receive(
        &self,
        posted: &PostedResponse,
        expect: Expect<'_>,
        now: DateTime<Utc>,
    ) -> Result<ValidAssertion, Refusal> {
        let claimed = self.saml.open(posted.clone())?;
        let pending = match expect {
            Expect::Reply(bound) => Some(bound.request()),
            _ => None,
        };
        let candidates = self.connections.candidates(&claimed, pending);
        self.saml.receive(claimed, &candidates, expect, now)
    }
}
