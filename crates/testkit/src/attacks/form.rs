use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use vouchsafe_crypto::base64_encode;

use super::{Outcome, Verdict};

/// A form to be posted to the assertion consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    fields: Vec<(String, String)>,
    pub(crate) purpose: Purpose,
    pub(crate) forged_values: Vec<String>,
}

/// Which outcomes are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is genuine and must be accepted, as this subject.
    Genuine(String),
    /// It must be refused.
    Hostile,
    /// It holds something genuine: it may be refused, or be accepted as this subject and no other.
    Bent(String),
}

impl Form {
    pub(crate) fn of(octets: &[u8], relay_state: Option<&str>, purpose: Purpose) -> Self {
        let mut fields = vec![("SAMLResponse".to_owned(), base64_encode(octets))];
        fields.extend(relay_state.map(|state| ("RelayState".to_owned(), state.to_owned())));
        Self { fields, purpose, forged_values: Vec::new() }
    }

    /// An attribute value that the service must not believe.
    pub(crate) fn forging(mut self, value: impl Into<String>) -> Self {
        self.forged_values.push(value.into());
        self
    }

    /// Puts a field before the others.
    pub(crate) fn with_first(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.insert(0, (name.to_owned(), value.into()));
        self
    }

    /// Puts a field after the others.
    pub(crate) fn with_last(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(found, _)| found != name);
        self
    }

    /// The fields in order: `SAMLResponse`, `RelayState` when a request has one. Some attacks repeat a field.
    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The value of the first `SAMLResponse`, base64.
    #[must_use]
    pub fn saml_response(&self) -> &str {
        self.field("SAMLResponse").unwrap_or_default()
    }

    /// The value of the first `RelayState`.
    #[must_use]
    pub fn relay_state(&self) -> Option<&str> {
        self.field("RelayState")
    }

    /// The message in it, as far as it is base64 and UTF-8: for looking at what was accepted.
    #[must_use]
    pub fn xml(&self) -> String {
        let octets = vouchsafe_crypto::base64_decode(self.saml_response()).unwrap_or_default();
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// The body of the POST, `application/x-www-form-urlencoded`. The best way to post it: attacks on the form itself are
    /// only in here.
    #[must_use]
    pub fn to_body(&self) -> String {
        let pair = |(name, value): &(String, String)| {
            format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        };
        self.fields.iter().map(pair).collect::<Vec<_>>().join("&")
    }

    /// The only subject as which it may be accepted; `None` when it must be refused.
    #[must_use]
    pub fn genuine_subject(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::Hostile => None,
            Purpose::Genuine(subject) | Purpose::Bent(subject) => Some(subject),
        }
    }

    /// What an outcome means, for a loop of one's own: [`Verdict::Refused`], [`Verdict::Harmless`], [`Verdict::Accepted`], or
    /// [`Verdict::Inconclusive`] when it is genuine and was refused.
    #[must_use]
    pub fn verdict(&self, outcome: &Outcome) -> Verdict {
        let (subject, attributes) = match (&self.purpose, outcome) {
            (Purpose::Genuine(_), Outcome::Refused) => {
                return Verdict::Inconclusive { reason: "a genuine message was refused".to_owned() };
            }
            (_, Outcome::Refused) => return Verdict::Refused,
            (_, Outcome::Accepted { subject, attributes }) => (subject, attributes),
        };
        let believed = |value: &String| attributes.iter().any(|(_, found)| found == value);
        if self.genuine_subject() == Some(subject) && !self.forged_values.iter().any(believed) {
            Verdict::Harmless
        } else {
            Verdict::Accepted { subject: subject.clone() }
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}
