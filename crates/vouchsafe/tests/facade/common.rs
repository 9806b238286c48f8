//! A service provider and the identity provider it trusts.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::{Builder, Complete, EntityId, IdentityProvider, PostedResponse, ServiceProvider};
use vouchsafe_testkit as testkit;

pub(crate) fn now() -> DateTime<Utc> {
    testkit::ISSUE_INSTANT + TimeDelta::seconds(10)
}

pub(crate) fn trusted(identity_provider: &testkit::IdentityProvider) -> IdentityProvider {
    IdentityProvider::from_metadata(identity_provider.metadata().unwrap().as_bytes()).unwrap()
}

pub(crate) fn builder() -> Builder<Complete> {
    ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
        .trust(trusted(&testkit::IdentityProvider::okta()))
        .accept_unsolicited()
}

pub(crate) fn okta() -> EntityId {
    EntityId::new(testkit::OKTA_ENTITY_ID).unwrap()
}

pub(crate) fn posted(issued: &testkit::Issued) -> PostedResponse {
    PostedResponse::from_base64(&issued.to_base64(), &vouchsafe::Limits::default()).unwrap()
}
