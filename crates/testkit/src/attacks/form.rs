use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use vouchsafe_crypto::base64_encode;

use super::Customer;

/// A form that is posted to the assertion consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    fields: Vec<(String, String)>,
    pub(crate) purpose: Purpose,
    pub(crate) forged_values: Vec<String>,
    /// The number of the browser that posts it.
    pub(crate) browser: u64,
    pub(crate) customer: Customer,
    pub(crate) landing: Landing,
    pub(crate) ending: Ending,
}

/// The account that a form may lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Landing {
    /// The form may lead to any account.
    #[default]
    Any,
    /// The form may not lead to an account or an organization of an earlier form of the attack.
    Apart,
    /// The form may not lead to an account of an earlier form of the attack.
    Distinct,
    /// The form must lead to the account of the first form of the attack.
    Same,
    /// The form may lead to any account, but the service must report which one.
    Told,
}

/// The address to which the browser must be sent after a form was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Any address of the service.
    #[default]
    Anywhere,
    /// The address to return to that the target allows.
    AtReturn,
    /// Another address than that one.
    NotAtReturn,
}

/// The outcomes of a form that are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The form is genuine, and must be accepted as this subject.
    Genuine(String),
    /// The form must be refused.
    Hostile,
    /// The form contains a genuine part: it may be refused, or accepted as this subject and no other.
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
            ending: Ending::Anywhere,
        }
    }

    /// Adds an attribute value that the service must not believe.
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

    /// Lets another browser than the attack's first one post it.
    pub(crate) fn by(mut self, browser: u64) -> Self {
        self.browser = browser;
        self
    }

    /// Posts it to the assertion consumer of the other customer.
    pub(crate) fn at_the_other(mut self) -> Self {
        self.customer = Customer::Other;
        self
    }

    /// Posts it to the assertion consumer of the first customer.
    pub(crate) fn at_the_first(mut self) -> Self {
        self.customer = Customer::First;
        self
    }

    pub(crate) fn landing(mut self, landing: Landing) -> Self {
        self.landing = landing;
        self
    }

    pub(crate) fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    /// Replaces the request's RelayState by this one.
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

    /// Returns the customer whose assertion consumer it is posted to, if each customer has an address of its own.
    #[must_use]
    pub fn customer(&self) -> Customer {
        self.customer
    }

    /// Returns the fields in order: `SAMLResponse`, and `RelayState` if a request has one. Some attacks repeat a
    /// field.
    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// Returns the value of the first `SAMLResponse`, in base64.
    #[must_use]
    pub fn saml_response(&self) -> &str {
        self.field("SAMLResponse").unwrap_or_default()
    }

    /// Returns the value of the first `RelayState`.
    #[must_use]
    pub fn relay_state(&self) -> Option<&str> {
        self.field("RelayState")
    }

    /// Returns the message in it, as far as it is base64 and UTF-8, to inspect a message that was accepted.
    #[must_use]
    pub fn xml(&self) -> String {
        let bytes = vouchsafe_crypto::base64_decode(self.saml_response()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns the body of the POST, `application/x-www-form-urlencoded`. Post this body if possible, because attacks
    /// on the form itself are only in it.
    #[must_use]
    pub fn to_body(&self) -> String {
        let pair = |(name, value): &(String, String)| {
            format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        };
        self.fields.iter().map(pair).collect::<Vec<_>>().join("&")
    }

    /// Returns the only subject as which it may be accepted; `None` if it must be refused.
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
