//! The rules of messages once more, over the document that came and without the crate that accepted it.

use vouchsafe::xml::{Element, namespace};

use crate::message_seeds::REQUEST;
use crate::recheck::{Expected, children, identifiers_are_unique, is_okta, is_signed, only, trimmed};
use crate::time::Instant;

const PROTOCOL: &str = namespace::SAML_PROTOCOL;
const SAML: &str = namespace::SAML_ASSERTION;

/// How old a message may be, in seconds.
const OLDEST: i64 = 300;

/// How a message is authenticated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum By {
    /// By its own signature.
    Itself,
    /// By the query that carried it.
    Query,
    /// By nothing, over a connection that takes it.
    Nothing,
}

/// Panics if the message, in this document, should not have been accepted.
pub(crate) fn message(message: Element<'_>, by: By, received_at: &str, now: i64) {
    let expected = Expected { request: None, now, skew: 60 };
    assert!(message.namespace() == PROTOCOL, "no message of SAML");
    identifiers_are_unique(&[message.document().root()]);
    match by {
        By::Itself => assert!(is_signed(message), "nothing is signed"),
        By::Nothing => assert!(children(message, namespace::DSIG, "Signature").is_empty()),
        By::Query => {}
    }
    assert_eq!(message.attribute("Version"), Some("2.0"));
    let issued = message.attribute("IssueInstant").expect("no time");
    assert!(expected.is_past(issued), "issued in the future");
    let oldest = now.saturating_sub(60).saturating_sub(OLDEST).saturating_sub(1);
    assert!(Instant::read(issued).is_some_and(|issued| issued.is_after(oldest)), "issued long ago");
    is_okta(only(message, SAML, "Issuer").expect("no issuer"));
    let is_request = message.local_name().ends_with("Request");
    let destination = message.attribute("Destination").map(trimmed);
    if is_request {
        assert_eq!(destination, Some(received_at));
        let names = ["NameID", "EncryptedID"].map(|name| children(message, SAML, name).len());
        assert_eq!(names.iter().sum::<usize>(), 1, "whom it means");
        assert!(message.attribute("NotOnOrAfter").is_none_or(|end| expected.is_open(end)));
    } else {
        assert!(only(message, PROTOCOL, "Status").is_some(), "no status");
    }
    if message.local_name() == "LogoutResponse" {
        assert_eq!(message.attribute("InResponseTo"), Some(REQUEST));
    }
}
