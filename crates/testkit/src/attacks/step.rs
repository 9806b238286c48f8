//! The parts of an attack: requests that are started first, and steps.

use super::{Customer, Form};

/// A request that is started before the attack, in one of its browsers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) browser: u64,
    pub(crate) customer: Customer,
    pub(crate) return_to: ReturnTo,
}

/// The address to return to that a request is started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReturnTo {
    /// None is given.
    Unnamed,
    /// The address that the target allows.
    Allowed,
    /// An address that the service may refuse.
    Hostile(&'static str),
}

impl Start {
    pub(crate) const fn first(browser: u64) -> Self {
        Self { browser, customer: Customer::First, return_to: ReturnTo::Unnamed }
    }

    pub(crate) const fn other(browser: u64) -> Self {
        Self { browser, customer: Customer::Other, return_to: ReturnTo::Unnamed }
    }

    pub(crate) const fn returning(mut self, to: ReturnTo) -> Self {
        self.return_to = to;
        self
    }
}

/// One action of the attacker, a person or an administrator.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A form is posted.
    Post(Form),
    /// Forms are posted at the same time, and exactly one may be accepted.
    Together(Vec<Form>),
    /// A customer's identity provider is no longer trusted, or is trusted again.
    Trust(Customer, bool),
    /// A form is posted to a service that trusts this metadata.
    Configured(String, Form),
    /// A query is received.
    Query(Query),
    /// Somebody types an e-mail address and must not be sent to the other customer's identity provider.
    Discover(String),
}

impl From<Form> for Step {
    fn from(form: Form) -> Self {
        Self::Post(form)
    }
}

/// The query of a redirect, with the only content that the service may believe.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) text: String,
    /// Whether it is a control, which the service must believe.
    pub(crate) is_control: bool,
    /// The message and the RelayState that were signed, if any were.
    pub(crate) signed: Option<(String, Option<String>)>,
}
