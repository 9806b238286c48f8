//! The service under attack, as the test reaches it: one door that every service has, and others that some have.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use super::wait::join;
use super::{Asked, Form, Outcome};

/// One of the browsers of an attack, or of a test. Every attack has browsers of its own: a new number is a browser
/// without cookies, and a known number still has the cookies that the service has set.
///
/// ```
/// use vouchsafe_testkit::attacks::Browser;
///
/// let (ada, grace) = (Browser::new(), Browser::new());
/// assert_ne!(ada, grace);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Browser(u64);

impl Browser {
    /// Returns a browser that was never at the service, and has no cookies. Each call returns another one.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the number, which no other browser of this process has.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

/// One of the two customers of the service, each with an identity provider of the [`Target`](super::Target).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Customer {
    /// The customer whose identity provider knows attacker and victim.
    #[default]
    First,
    /// The customer whose identity provider is controlled by the attacker.
    Other,
}

/// The account of an organization that a sign-in leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Account {
    organization: String,
    account: String,
}

impl Account {
    /// Makes an account from the service's names. Different accounts must have different names, and one account must
    /// always have the same name. Do not build the name from the organization, because this would hide that two
    /// organizations share an account.
    pub fn new(organization: impl Into<String>, account: impl Into<String>) -> Self {
        Self { organization: organization.into(), account: account.into() }
    }

    /// Returns the organization.
    #[must_use]
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// Returns the account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }
}

/// The result of starting a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Started {
    /// The service starts no sign-ins, or none for this customer. Its responses are unsolicited.
    NoDoor,
    /// The service starts sign-ins, but refused this one.
    Refused,
    /// The service waits for the answer to this request.
    Asked(Asked),
}

impl From<Asked> for Started {
    fn from(asked: Asked) -> Self {
        Self::Asked(asked)
    }
}

/// The person who is signed in in a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Session {
    /// The service does not report it.
    #[default]
    NoDoor,
    /// Nobody.
    Nobody,
    /// Somebody.
    Of(Account),
}

/// The service's answer to a message in the query of a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// The service accepts no signed messages by redirect.
    NoDoor,
    /// The message was refused.
    Refused,
    /// The message was believed: in the service's view, a trusted key signed this message and this RelayState.
    #[non_exhaustive]
    Believed {
        /// The message that the service would use.
        message: String,
        /// The RelayState that the service would use.
        relay_state: Option<String>,
    },
}

impl Received {
    /// Reports the message and the RelayState that the service would use.
    pub fn believed(message: impl Into<String>, relay_state: Option<&str>) -> Self {
        Self::Believed { message: message.into(), relay_state: relay_state.map(str::to_owned) }
    }
}

/// The address for a person who types an e-mail address to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discovered {
    /// The service does not find the identity provider by address.
    NoDoor,
    /// There is no identity provider for the address.
    Nobody,
    /// The person is sent to this address of an identity provider.
    At(String),
}

/// A service under attack, in the same process or over HTTP. The test implements this trait.
///
/// Only [`post`](Self::post) is required. Every other method is a door that some services have: if it is not
/// implemented, the attacks on it are [not applicable](super::Verdict::NotApplicable), and the report lists them with
/// the method that would run them.
///
/// ```
/// use vouchsafe_testkit::attacks::{self, Account, Asked, Browser, Customer, Form, Outcome, Service, Session, Started};
///
/// struct App;
///
/// # impl App {
/// #     async fn send(&self, _: u64, _: String) -> Option<(String, String, String)> { None }
/// #     async fn login(&self, _: u64, _: &str, _: Option<&str>) -> (String, String) { (String::new(), String::new()) }
/// #     async fn whoami(&self, _: u64) -> Option<(String, String)> { None }
/// # }
/// impl Service for App {
///     async fn post(&self, browser: Browser, form: &Form) -> Outcome {
///         match self.send(browser.number(), form.to_body()).await {
///             Some((name_id, organization, account)) => {
///                 Outcome::accepted(name_id).into_account(Account::new(organization, account))
///             }
///             None => Outcome::Refused,
///         }
///     }
///
///     async fn start(&self, browser: Browser, customer: Customer, return_to: Option<&str>) -> Started {
///         let slug = if customer == Customer::First { "acme" } else { "globex" };
///         let (request, relay_state) = self.login(browser.number(), slug, return_to).await;
///         Asked::new(request).with_relay_state(relay_state).into()
///     }
///
///     async fn session(&self, browser: Browser) -> Session {
///         match self.whoami(browser.number()).await {
///             Some((organization, account)) => Session::Of(Account::new(organization, account)),
///             None => Session::Nobody,
///         }
///     }
/// }
///
/// let report = attacks::of(attacks::Kind::Browser).run_blocking(&App);
/// assert!(report.proves_nothing(), "this one refuses everything");
/// ```
pub trait Service {
    /// Posts a form to the assertion consumer, from a browser with its cookies of this service.
    fn post(&self, browser: Browser, form: &Form) -> impl Future<Output = Outcome>;

    /// Posts forms at the same time. By default, one task polls the posts by turns, which is concurrent for a service
    /// over HTTP. If the service is called directly and does not wait, implement this with threads.
    fn post_together(&self, posts: &[(Browser, Form)]) -> impl Future<Output = Vec<Outcome>> {
        join(posts.iter().map(|(browser, form)| self.post(*browser, form)).collect())
    }

    /// Starts a sign-in at a customer's identity provider, with the address to return to, which is handed on as it
    /// is ([`Target::return_to`](super::Target::return_to)). Without this door, responses are unsolicited.
    fn start(
        &self,
        browser: Browser,
        customer: Customer,
        return_to: Option<&str>,
    ) -> impl Future<Output = Started> {
        let _ = (browser, customer, return_to);
        async { Started::NoDoor }
    }

    /// Returns the person who is signed in in a browser.
    fn session(&self, browser: Browser) -> impl Future<Output = Session> {
        let _ = browser;
        async { Session::NoDoor }
    }

    /// Stops or resumes trusting a customer's identity provider, as an administrator would. Returns `false` if there
    /// is no such door.
    fn set_trusted(&self, customer: Customer, trusted: bool) -> impl Future<Output = bool> {
        let _ = (customer, trusted);
        async { false }
    }

    /// Posts a form to a service like this one that trusts only the identity provider of this metadata. If the
    /// service does not accept the metadata, the form is refused. The form answers no request, so this service must
    /// accept unsolicited responses, also if yours does not. Returns `None` if there is no such door.
    fn post_trusting(&self, metadata: &str, form: &Form) -> impl Future<Output = Option<Outcome>> {
        let _ = (metadata, form);
        async { None }
    }

    /// Receives a message from the query of a redirect, the part after the `?`. It claims to be signed by the first
    /// customer's identity provider.
    fn receive_query(&self, query: &str) -> impl Future<Output = Received> {
        let _ = query;
        async { Received::NoDoor }
    }

    /// Returns the address for a person who types this e-mail address to sign in.
    fn discover(&self, address: &str) -> impl Future<Output = Discovered> {
        let _ = address;
        async { Discovered::NoDoor }
    }
}

/// Makes a service of a function that posts a form. Only its assertion consumer is attacked.
///
/// ```
/// use vouchsafe_testkit::attacks::{self, Form, Kind, Outcome, posting};
///
/// let report = attacks::of(Kind::Entity).run_blocking(&posting(|_: &Form| Outcome::Refused));
/// assert!(report.proves_nothing());
/// ```
pub fn posting<P: Fn(&Form) -> Outcome>(post: P) -> Posting<P> {
    Posting(post)
}

/// The service that [`posting`] makes.
#[derive(Clone, Copy, Debug)]
pub struct Posting<P>(P);

impl<P: Fn(&Form) -> Outcome> Service for Posting<P> {
    fn post(&self, _browser: Browser, form: &Form) -> impl Future<Output = Outcome> {
        std::future::ready((self.0)(form))
    }
}
