//! The messages: shaped like Okta's, issued when the benchmark starts.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::crypto::base64_encode;
use vouchsafe_testkit::{Attribute, Encryption, IdentityProvider, ResponseBuilder, Signed, keys};

use crate::Failure;

/// How a response is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// Response and Assertion signed: Okta's default.
    BothSigned,
    /// Only the Assertion signed.
    AssertionSigned,
    /// Response and Assertion signed, the Assertion encrypted: AES-256-CBC, RSA-OAEP, as Okta does.
    Encrypted,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::BothSigned, Self::AssertionSigned, Self::Encrypted];

    /// A few words for the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BothSigned => "both signed",
            Self::AssertionSigned => "assertion signed",
            Self::Encrypted => "encrypted, both signed",
        }
    }
}

/// A response, and when it was issued.
#[derive(Clone, Debug)]
pub struct Message {
    xml: String,
    base64: String,
    issued_at: DateTime<Utc>,
}

impl Message {
    /// Issues a response with three attributes of a person and so many group values. It is valid for a day, so that no run outlives it.
    ///
    /// # Errors
    /// When the kit cannot issue it.
    pub fn issue(shape: Shape, groups: usize) -> Result<Message, Failure> {
        let issued_at = DateTime::<Utc>::from(std::time::SystemTime::now());
        let signed = if shape == Shape::AssertionSigned { Signed::Assertion } else { Signed::Both };
        let mut response = Message::response(issued_at)?
            .sign(signed)
            .attribute(Attribute::new("user.email", ["ada@example.com"]))
            .attribute(Attribute::new("user.firstName", ["Ada"]))
            .attribute(Attribute::new("user.lastName", ["Lovelace"]))
            .attribute(Attribute::new("groups", (0..groups).map(|number| format!("team-{number:04}"))));
        if shape == Shape::Encrypted {
            response = response.encrypt(Encryption::to(keys::service_provider().certificate()));
        }
        Ok(Message::of(response.issue()?.into_xml(), issued_at))
    }

    /// What is issued, without attributes: valid for a day.
    pub(crate) fn response(issued_at: DateTime<Utc>) -> Result<ResponseBuilder, Failure> {
        let tomorrow =
            issued_at.checked_add_signed(TimeDelta::days(1)).ok_or("the calendar ends tomorrow")?;
        let response = IdentityProvider::okta().response().at(issued_at);
        Ok(response.not_on_or_after(tomorrow).subject_not_on_or_after(tomorrow))
    }

    /// A message that was made in another way.
    pub(crate) fn of(xml: String, issued_at: DateTime<Utc>) -> Message {
        Message { base64: base64_encode(xml.as_bytes()), xml, issued_at }
    }

    /// Reads a message that was [handed over](crate::Peers::hand_over) just now.
    ///
    /// # Errors
    /// When the files are not there.
    pub fn read(folder: &Path) -> Result<Message, Failure> {
        Ok(Message {
            xml: std::fs::read_to_string(folder.join("response.xml"))?,
            base64: std::fs::read_to_string(folder.join("response.base64"))?,
            issued_at: DateTime::<Utc>::from(std::time::SystemTime::now()),
        })
    }

    /// The document.
    #[must_use]
    pub fn xml(&self) -> &str {
        &self.xml
    }

    /// The value of the form field.
    #[must_use]
    pub fn base64(&self) -> &str {
        &self.base64
    }

    /// When it was issued.
    #[must_use]
    pub fn issued_at(&self) -> DateTime<Utc> {
        self.issued_at
    }
}
