//! The kinds of messages.

use std::fmt;

use vouchsafe_signature::MessageParameter;
use vouchsafe_xml::{Element, namespace};

/// A protocol message other than a Response that a service provider receives.
///
/// ```
/// use vouchsafe_assertion::MessageKind;
///
/// assert_eq!(MessageKind::LogoutRequest.name(), "LogoutRequest");
/// assert!(MessageKind::LogoutRequest.is_request() && !MessageKind::LogoutResponse.is_request());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum MessageKind {
    /// A request of the identity provider to end sessions (saml-core-2.0-os 3.7.1).
    LogoutRequest,
    /// The answer of the identity provider to a logout request (3.7.2).
    LogoutResponse,
    /// A request of the identity provider to change or to end a name identifier (3.6.1).
    ManageNameIdRequest,
    /// The answer of the identity provider to such a request (3.6.2).
    ManageNameIdResponse,
    /// The answer of the identity provider to an ArtifactResolve request (3.5.2).
    ArtifactResponse,
}

impl MessageKind {
    /// All kinds.
    pub const ALL: [MessageKind; 5] = [
        MessageKind::LogoutRequest,
        MessageKind::LogoutResponse,
        MessageKind::ManageNameIdRequest,
        MessageKind::ManageNameIdResponse,
        MessageKind::ArtifactResponse,
    ];

    /// The local name of the message's element, in the namespace of SAML protocol messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            MessageKind::LogoutRequest => "LogoutRequest",
            MessageKind::LogoutResponse => "LogoutResponse",
            MessageKind::ManageNameIdRequest => "ManageNameIDRequest",
            MessageKind::ManageNameIdResponse => "ManageNameIDResponse",
            MessageKind::ArtifactResponse => "ArtifactResponse",
        }
    }

    /// Returns whether the message is a request; otherwise it is an answer.
    #[must_use]
    pub const fn is_request(self) -> bool {
        matches!(self, MessageKind::LogoutRequest | MessageKind::ManageNameIdRequest)
    }

    /// The parameter of a query or a form that contains the message.
    #[must_use]
    pub const fn parameter(self) -> MessageParameter {
        if self.is_request() { MessageParameter::Request } else { MessageParameter::Response }
    }

    /// Returns the kind of an element.
    pub(crate) fn of(element: Element<'_>) -> Option<MessageKind> {
        Self::ALL.into_iter().find(|kind| element.is(namespace::SAML_PROTOCOL, kind.name()))
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
