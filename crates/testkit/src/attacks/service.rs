//! The service under attack, as its test reaches it: one door that every service has, and more that some have.

use std::future::Future;

use super::wait::join;
use super::{Asked, Form, Outcome};

/// One of the browsers in an attack. Every attack has browsers of its own: a number that is new is a browser without
/// cookies, and one that comes again still has what the service gave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Browser(pub(crate) u64);

impl Browser {
    /// The number, which tells browsers apart within one run.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

/// One of the two customers of the service, each with the identity provider that the [`Target`](super::Target) names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Customer {
    /// The customer whose identity provider knows attacker and victim.
    #[default]
    First,
    /// The customer whose identity provider is in the attacker's hands.
    Other,
}

/// What a sign-in leads to: an account of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Account {
    organization: String,
    account: String,
}

impl Account {
    /// By the service's names. Two accounts must never have one name, and one account never two: a name that is built
    /// from the organization would hide that two organizations share the account.
    pub fn new(organization: impl Into<String>, account: impl Into<String>) -> Self {
        Self { organization: organization.into(), account: account.into() }
    }

    /// The organization.
    #[must_use]
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }
}

/// What became of the start of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Started {
    /// The service starts no sign-ins, or none for this customer. Its responses answer no request.
    NoDoor,
    /// It starts sign-ins, and refused this one.
    Refused,
    /// It waits for the answer to this request.
    Asked(Asked),
}

impl From<Asked> for Started {
    fn from(asked: Asked) -> Self {
        Self::Asked(asked)
    }
}

/// Who is signed in in a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Session {
    /// The service does not tell.
    #[default]
    NoDoor,
    /// Nobody.
    Nobody,
    /// Somebody.
    Of(Account),
}

/// What the service made of a message in the query of a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// The service takes no signed messages by redirect.
    NoDoor,
    /// It was refused.
    Refused,
    /// It was believed: a trusted key signed this message and this RelayState, as far as the service is concerned.
    #[non_exhaustive]
    Believed {
        /// The message that the service would act on.
        message: String,
        /// The RelayState that it would act on.
        relay_state: Option<String>,
    },
}

impl Received {
    /// What the service would act on.
    pub fn believed(message: impl Into<String>, relay_state: Option<&str>) -> Self {
        Self::Believed { message: message.into(), relay_state: relay_state.map(str::to_owned) }
    }
}

/// Where somebody is sent who types an e-mail address to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discovered {
    /// The service does not look for the identity provider by address.
    NoDoor,
    /// Nowhere.
    Nobody,
    /// To this address, an identity provider's.
    At(String),
}

/// A service under attack, in the process or over HTTP. Its test implements this.
///
/// Only [`post`](Self::post) must be there. Every other method is a door that some services have: as long as it is
/// left out, the attacks on it are [not applicable](super::Verdict::NotApplicable) and the report names them.
///
/// ```
/// use vouchsafe_testkit::attacks::{self, Account, Asked, Browser, Customer, Form, Outcome, Service, Session, Started};
///
/// struct App;
///
/// # impl App {
/// #     async fn send(&self, _: u64, _: String) -> Option<(String, String, String)> { None }
/// #     async fn login(&self, _: u64, _: &str) -> (String, String) { (String::new(), String::new()) }
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
///     async fn start(&self, browser: Browser, customer: Customer, _return_to: Option<&str>) -> Started {
///         let slug = if customer == Customer::First { "acme" } else { "globex" };
///         let (request, relay_state) = self.login(browser.number(), slug).await;
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
    /// Posts a form to the assertion consumer, from a browser with the cookies that it has from this service.
    fn post(&self, browser: Browser, form: &Form) -> impl Future<Output = Outcome>;

    /// Posts forms at the same time. By default the posts are polled by turns in one task, which is at the same time for a
    /// service that is reached over HTTP; a service that is called and does not wait needs threads of its own here.
    fn post_together(&self, posts: &[(Browser, Form)]) -> impl Future<Output = Vec<Outcome>> {
        join(posts.iter().map(|(browser, form)| self.post(*browser, form)).collect())
    }

    /// Starts a sign-in at a customer's identity provider, and where to go after it. Without this door responses answer
    /// no request.
    fn start(
        &self,
        browser: Browser,
        customer: Customer,
        return_to: Option<&str>,
    ) -> impl Future<Output = Started> {
        let _ = (browser, customer, return_to);
        async { Started::NoDoor }
    }

    /// Who is signed in in a browser.
    fn session(&self, browser: Browser) -> impl Future<Output = Session> {
        let _ = browser;
        async { Session::NoDoor }
    }

    /// Stops or begins again to trust a customer's identity provider, as an administrator would. `false`: there is no
    /// such door.
    fn set_trusted(&self, customer: Customer, trusted: bool) -> impl Future<Output = bool> {
        let _ = (customer, trusted);
        async { false }
    }

    /// Posts a form to a service like this one that trusts the identity provider of this metadata and no other. A service
    /// that does not take the metadata has refused. `None`: there is no such door.
    fn post_trusting(&self, metadata: &str, form: &Form) -> impl Future<Output = Option<Outcome>> {
        let _ = (metadata, form);
        async { None }
    }

    /// Receives a message that the first customer's identity provider is said to have signed, from the query of a
    /// redirect: what stands after the `?`.
    fn receive_query(&self, query: &str) -> impl Future<Output = Received> {
        let _ = query;
        async { Received::NoDoor }
    }

    /// Where somebody is sent who types this e-mail address to sign in.
    fn discover(&self, address: &str) -> impl Future<Output = Discovered> {
        let _ = address;
        async { Discovered::NoDoor }
    }
}

/// A service of which only the assertion consumer is attacked, by a function that posts a form to it.
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

/// Made by [`posting`].
#[derive(Clone, Copy, Debug)]
pub struct Posting<P>(P);

impl<P: Fn(&Form) -> Outcome> Service for Posting<P> {
    fn post(&self, _browser: Browser, form: &Form) -> impl Future<Output = Outcome> {
        std::future::ready((self.0)(form))
    }
}
