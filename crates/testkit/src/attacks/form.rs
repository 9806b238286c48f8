use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use vouchsafe_crypto::base64_encode;

use super::Customer;

/// A form to be posted to the assertion consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    fields: Vec<(String, String)>,
    pub(crate) purpose: Purpose,
    pub(crate) forged_values: Vec<String>,
    /// Which of the attack's browsers posts it.
    pub(crate) browser: u64,
    pub(crate) customer: Customer,
    pub(crate) landing: Landing,
}

/// Into which account a form may lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Landing {
    /// That is not what the form is about.
    #[default]
    Any,
    /// Into no account, and no organization, that an earlier form of the attack led into.
    Apart,
    /// Into no account that an earlier form of the attack led into.
    Distinct,
    /// Into the account that the first form of the attack led into.
    Same,
    /// Into any; that the service tells which it is, is needed.
    Told,
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
    pub(crate) fn of(bytes: &[u8], relay_state: Option<&str>, purpose: Purpose) -> Self {
        let mut fields = vec![("SAMLResponse".to_owned(), base64_encode(bytes))];
        fields.extend(relay_state.map(|state| ("RelayState".to_owned(), state.to_owned())));
        Self {
            fields,
            purpose,
            forged_values: Vec::new(),
            browser: 0,
            customer: Customer::First,
            landing: Landing::Any,
        }
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

    /// Posted by another browser than the attack's first.
    pub(crate) fn by(mut self, browser: u64) -> Self {
        self.browser = browser;
        self
    }

    /// Posted to the assertion consumer of the other customer.
    pub(crate) fn at_the_other(mut self) -> Self {
        self.customer = Customer::Other;
        self
    }

    /// Posted to the assertion consumer of the first customer.
    pub(crate) fn at_the_first(mut self) -> Self {
        self.customer = Customer::First;
        self
    }

    pub(crate) fn landing(mut self, landing: Landing) -> Self {
        self.landing = landing;
        self
    }

    /// With this RelayState instead of the request's.
    pub(crate) fn relayed(self, relay_state: Option<&str>) -> Self {
        let form = self.without("RelayState");
        match relay_state {
            Some(relay_state) => form.with_last("RelayState", relay_state),
            None => form,
        }
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(found, _)| found != name);
        self
    }

    /// Whose assertion consumer it is posted to, where each customer has an address of its own.
    #[must_use]
    pub fn customer(&self) -> Customer {
        self.customer
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
        let bytes = vouchsafe_crypto::base64_decode(self.saml_response()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
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

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}
