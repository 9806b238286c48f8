//! Limits how much of a message an error keeps.

use vouchsafe_xml::Cut;

use crate::error::AssertionError;
use crate::message::MessageError;
use crate::requested_name::NameMismatch;

impl AssertionError {
    /// Shortens the values from the message to a length that people read. The sender decides how long its values are,
    /// and refusals are stored.
    pub(crate) fn cut(mut self) -> AssertionError {
        match &mut self {
            Self::Version { actual, .. }
            | Self::Malformed { actual, .. }
            | Self::NoBearer { actual, .. }
            | Self::IssuerFormat { actual, .. }
            | Self::UnexpectedIssuer { actual, .. }
            | Self::MessageId { value: actual, .. }
            | Self::ConnectionId { value: actual, .. }
            | Self::UnknownIssuer { issuer: actual, .. }
            | Self::UnknownCondition { name: actual, .. }
            | Self::DuplicateId { id: actual, .. } => cut(actual),
            Self::Recipient { actual, .. }
            | Self::Destination { actual, .. }
            | Self::AuthnContext { actual, .. }
            | Self::Name(NameMismatch::Policy { actual, .. })
            | Self::Issuer { actual, .. }
            | Self::InResponseTo { actual, .. } => actual.iter_mut().for_each(cut),
            Self::NotAResponse { namespace, name, .. } => [namespace, name].into_iter().for_each(cut),
            Self::Status { codes, message, .. } => {
                few(codes);
                message.iter_mut().for_each(cut);
            }
            Self::Audience { actual, .. } => few(actual),
            Self::Message(error) => cut_message(error),
            _ => {}
        }
        self
    }
}

fn cut_message(error: &mut MessageError) {
    match error {
        MessageError::NotAMessage { namespace, name } => [namespace, name].into_iter().for_each(cut),
        MessageError::Fault { code, text } => [code, text].into_iter().for_each(cut),
        MessageError::Version { actual, .. } | MessageError::IssuerFormat { actual, .. } => cut(actual),
        MessageError::Issuer { actual, .. }
        | MessageError::Destination { actual, .. }
        | MessageError::InResponseTo { actual, .. } => actual.iter_mut().for_each(cut),
        MessageError::Status { codes, message } => {
            few(codes);
            message.iter_mut().for_each(cut);
        }
        _ => {}
    }
}

fn cut(text: &mut String) {
    *text = Cut::new(text).to_string();
}

/// Keeps as many entries of a list as people read.
fn few(texts: &mut Vec<String>) {
    texts.truncate(16);
    texts.iter_mut().for_each(cut);
}
