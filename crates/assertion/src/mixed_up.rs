//! Recognises values of ours that were mixed up: the most common mistakes in the fields of a console.

use crate::error::AssertionError;
use crate::expectations::Expectations;
use crate::message::MessageError;
use crate::refusal::Refusal;

/// What was mixed up, and what to do.
type MixedUp = (&'static str, &'static str);

const AUDIENCE: MixedUp = (
    "this is the address of the assertion consumer, not the entity ID",
    "The audience is the entity ID of this service. Enter the entity ID there (Okta: \"Audience URI (SP Entity ID)\"), not the address of the \
     assertion consumer; or configure that address here as the entity ID, if it was given to the identity provider as such.",
);
const ADDRESS: MixedUp = (
    "this is the entity ID, not the address of the assertion consumer",
    "Set the address of the assertion consumer at the identity provider to exactly the expected one (Okta: \"Single sign-on URL\"), and leave \
     the entity ID to the field for the audience.",
);
const ISSUER: MixedUp = (
    "this is the entity ID of this service itself",
    "The issuer is the identity provider's own name. Enter this service's entity ID as audience alone (Okta: \"Audience URI (SP Entity ID)\"), \
     and leave the issuer as the identity provider has it (Okta: \"SAML Issuer ID\" under Show Advanced Settings, left empty).",
);
const LOGOUT: MixedUp = (
    "this is the address of the assertion consumer, not the one for logout messages",
    "Enter the single logout address at the identity provider in its own field, exactly as it is expected (Okta: \"Single Logout URL\"), and leave the \
     address of the assertion consumer to the field for sign-ins.",
);

impl Refusal {
    /// Adds the cause to the refusal if the message contains another value of ours: the audience is the address of
    /// the assertion consumer, the address is the entity ID, or the issuer is our own entity ID. An existing
    /// [cause](Self::cause) is kept.
    ///
    /// ```
    /// use vouchsafe_assertion::Refusal;
    ///
    /// let (us, consumer) = ("https://app.example.com/saml/metadata", "https://app.example.com/saml/acs");
    /// let refusal = Refusal::unknown_issuer(us, ["https://idp.example.com"]).compared_with_us(us, consumer);
    /// assert_eq!(refusal.cause(), Some("this is the entity ID of this service itself"));
    /// ```
    #[must_use]
    pub fn compared_with_us(self, entity_id: &str, assertion_consumer: &str) -> Refusal {
        match mixed_up(self.error(), entity_id, assertion_consumer) {
            Some((cause, hint)) if self.cause().is_none() => self.caused_by(cause, hint),
            _ => self,
        }
    }

    pub(crate) fn compared_with(self, expectations: &Expectations) -> Refusal {
        self.compared_with_us(expectations.entity_id().as_str(), &expectations.shared_assertion_consumer())
    }
}

fn mixed_up(error: &AssertionError, entity_id: &str, assertion_consumer: &str) -> Option<MixedUp> {
    // The service may use one value as both.
    if entity_id == assertion_consumer {
        return None;
    }
    match error {
        AssertionError::Audience { actual, .. } => {
            actual.iter().any(|audience| audience == assertion_consumer).then_some(AUDIENCE)
        }
        AssertionError::Recipient { actual: Some(actual), .. }
        | AssertionError::Destination { actual: Some(actual), .. } => {
            (actual == entity_id).then_some(ADDRESS)
        }
        AssertionError::Issuer { actual: Some(actual), .. }
        | AssertionError::UnknownIssuer { issuer: actual, .. }
        | AssertionError::UnexpectedIssuer { actual, .. } => (actual == entity_id).then_some(ISSUER),
        AssertionError::Message(MessageError::Destination { actual: Some(actual), .. }) => {
            (actual == assertion_consumer).then_some(LOGOUT)
        }
        _ => None,
    }
}
