//! Attacks on the address for messages about names (SAML Profiles 4.5): requests for which no service may change the
//! name of an account, and answers that no service may believe.
//!
//! Whoever can give a person a new name gets into their account with that name, and whoever can end a name locks the
//! person out. Each forged message is made with a new name, and with the end of a name.
//!
//! ```
//! use vouchsafe_testkit::attacks::names::{NameService, NameTarget, run};
//! use vouchsafe_testkit::attacks::{Answered, Delivery};
//!
//! struct App; // what the test knows of the service
//! # impl App {
//! #     async fn log_in(&self, _: &str) {}
//! #     async fn look_up(&self, _: &str) -> Option<String> { None }
//! #     async fn has_session(&self, _: &str) -> bool { true }
//! #     async fn send(&self, _: &Delivery) -> u16 { 403 }
//! # }
//!
//! impl NameService for App {
//!     async fn sign_in(&self, name: &str) {
//!         self.log_in(name).await // in a new browser
//!     }
//!     async fn is_signed_in(&self, name: &str) -> bool {
//!         self.has_session(name).await
//!     }
//!     async fn account(&self, name: &str) -> Option<String> {
//!         self.look_up(name).await // the id of the row
//!     }
//!     async fn deliver(&self, delivery: &Delivery) -> Answered {
//!         Answered::of_status(self.send(delivery).await)
//!     }
//! }
//!
//! # async fn example(target: NameTarget) {
//! run(&App, &target).await.assert_none_accepted();
//! # }
//! ```

mod taken;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use vouchsafe_xml::{escape_markup, namespace};

use super::answers::{self, Answering};
use super::delivery::{Answered, Delivery};
use super::endpoint_report::{EndpointAttack, EndpointReport};
use super::logout::{SignedOut, of_the_machine};
use super::requests::{self, Attacked, Place, Request};
use super::target::Asked;
use crate::{IdentityProvider, LogoutBuilder};

/// A service in which identity providers manage the names of their people.
pub trait NameService {
    /// Signs the person in whom the identity provider calls by this name, in a new browser. A name that the service does
    /// not know gets an account.
    fn sign_in(&self, name: &str) -> impl Future<Output = ()>;

    /// Returns whether the session of the last sign-in with this name is still open.
    fn is_signed_in(&self, name: &str) -> impl Future<Output = bool>;

    /// Returns the account that a sign-in with this name leads to, if there is one.
    fn account(&self, name: &str) -> impl Future<Output = Option<String>>;

    /// Sends a message, as a browser without cookies or as a server, and returns what the service answered.
    fn deliver(&self, delivery: &Delivery) -> impl Future<Output = Answered>;
}

/// A service that asks identity providers to end names.
pub trait NameOrderService: NameService {
    /// Asks the identity provider to end this name. Returns the request, which a new browser carries.
    fn order_end(&self, name: &str) -> impl Future<Output = Asked>;

    /// Brings a message with the browser of the last order.
    fn bring(&self, delivery: &Delivery) -> impl Future<Output = Answered>;

    /// Brings a message with a new browser.
    fn bring_elsewhere(&self, delivery: &Delivery) -> impl Future<Output = Answered>;
}

/// The identity providers that the service trusts, and its address for names.
#[derive(Clone, Debug)]
#[must_use]
pub struct NameTarget {
    identity_provider: IdentityProvider,
    other: IdentityProvider,
    address: String,
    soap: Option<String>,
    name_of: fn(&str) -> String,
    now: fn() -> DateTime<Utc>,
}

impl NameTarget {
    /// Describes a service with this address for names, which trusts `identity_provider` for the victims and `other` for
    /// other people. The names are e-mail addresses of `example.com`.
    pub fn new(
        identity_provider: IdentityProvider,
        other: IdentityProvider,
        address: impl Into<String>,
    ) -> NameTarget {
        let name_of = |local: &str| format!("{local}@example.com");
        NameTarget {
            identity_provider,
            other,
            address: address.into(),
            soap: None,
            name_of,
            now: of_the_machine,
        }
    }

    /// Sets the SOAP address; without it, the attacks over SOAP are left out.
    pub fn with_soap(mut self, address: impl Into<String>) -> NameTarget {
        self.soap = Some(address.into());
        self
    }

    /// Sets the form of the names. `name_of` gets a text that no other name has.
    pub fn named(mut self, name_of: fn(&str) -> String) -> NameTarget {
        self.name_of = name_of;
        self
    }

    /// Sets the clock of the service.
    pub fn clock(mut self, now: fn() -> DateTime<Utc>) -> NameTarget {
        self.now = now;
        self
    }

    fn place(&self, request: Request) -> Place<'_> {
        Place {
            request,
            identity_provider: &self.identity_provider,
            other: &self.other,
            address: &self.address,
            soap: self.soap.as_deref(),
            now: self.now,
        }
    }

    /// Returns a name that nobody had before.
    fn fresh(&self, what: &str) -> String {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        (self.name_of)(&format!("{what}{}.{number}", (self.now)().timestamp_micros()))
    }

    /// Returns a genuine request of the identity provider about a name, with this change.
    fn request(&self, name: &str, change: &str) -> LogoutBuilder {
        let request = self.identity_provider.logout_request().element("ManageNameIDRequest");
        request.name_id(name).raw(change)
    }
}

/// Returns all attacks by requests about names.
#[must_use]
pub fn all() -> Vec<EndpointAttack> {
    let kinds = [Request::NewName, Request::EndOfName];
    kinds.into_iter().flat_map(requests::all).chain(taken::all()).collect()
}

/// Returns all attacks by answers to requests of the service about names.
#[must_use]
pub fn all_answers() -> Vec<EndpointAttack> {
    answers::all(Request::EndOfName)
}

/// Runs every attack by a request whose door the service has. A genuine request must first show that the door works, and
/// again after a few attacks. The attacks of the other identity provider are inconclusive if the service refuses its
/// genuine requests.
pub async fn run(service: &impl NameService, target: &NameTarget) -> EndpointReport {
    let mut entries = Vec::new();
    for request in [Request::NewName, Request::EndOfName] {
        let names = Names::new(service, target, request);
        entries.extend(requests::run(&names, target.place(request)).await);
        if request == Request::NewName {
            entries.extend(taken::run(&names, target.place(request)).await);
        }
    }
    EndpointReport::new(entries, "CHANGED A NAME")
}

/// Runs every attack by an answer to a request of the service. A genuine answer must first show that the door works, and
/// again after a few attacks.
pub async fn run_answers(service: &impl NameOrderService, target: &NameTarget) -> EndpointReport {
    let orders = Orders { service, target, names: Mutex::default() };
    let entries = answers::run(&orders, target.place(Request::EndOfName)).await;
    EndpointReport::new(entries, "CHANGED A NAME, OR STOPPED ITS CHANGE")
}

/// Returns the element with the new name.
fn new_id(name: &str) -> String {
    format!("<samlp:NewID xmlns:samlp=\"{}\">{}</samlp:NewID>", namespace::SAML_PROTOCOL, escape_markup(name))
}

fn end() -> String {
    format!("<samlp:Terminate xmlns:samlp=\"{}\"/>", namespace::SAML_PROTOCOL)
}

/// What was so when the victim signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Before {
    victim: Option<String>,
    bystander: Option<String>,
    new: Option<String>,
}

/// The names in a service under attack.
struct Names<'s, S> {
    service: &'s S,
    target: &'s NameTarget,
    request: Request,
    /// Somebody else, whose name stays theirs.
    bystander: String,
    /// The name that the last genuine request gives to its victim.
    new: Mutex<String>,
    before: Mutex<Before>,
}

impl<'s, S: NameService> Names<'s, S> {
    fn new(service: &'s S, target: &'s NameTarget, request: Request) -> Self {
        let bystander = target.fresh("bystander");
        Names { service, target, request, bystander, new: Mutex::default(), before: Mutex::default() }
    }

    async fn now(&self, victim: &str) -> Before {
        let new = self.new.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Before {
            victim: self.service.account(victim).await,
            bystander: self.service.account(&self.bystander).await,
            new: self.service.account(&new).await,
        }
    }

    /// Signs the victim in, and the bystander.
    async fn sign_in(&self, victim: &str) {
        if self.service.account(&self.bystander).await.is_none() {
            self.service.sign_in(&self.bystander).await;
        }
        self.service.sign_in(victim).await;
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = self.now(victim).await;
    }

    fn before(&self) -> Before {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: NameService> Attacked for Names<'_, S> {
    fn victim(&self) -> LogoutBuilder {
        let new = self.target.fresh("new");
        let change = if self.request == Request::EndOfName { end() } else { new_id(&new) };
        *self.new.lock().unwrap_or_else(PoisonError::into_inner) = new;
        self.target.request(&self.target.fresh("victim"), &change)
    }

    async fn open(&self, victim: &LogoutBuilder) {
        self.sign_in(victim.name()).await;
    }

    async fn deliver(&self, delivery: &Delivery) -> Answered {
        self.service.deliver(delivery).await
    }

    async fn is_untouched(&self, victim: &LogoutBuilder) -> bool {
        self.service.is_signed_in(victim.name()).await && self.now(victim.name()).await == self.before()
    }
}

/// The orders of a service under attack.
struct Orders<'s, S> {
    service: &'s S,
    target: &'s NameTarget,
    /// The names that were ordered to end.
    names: Mutex<Vec<String>>,
}

impl<S: NameOrderService> Orders<'_, S> {
    /// Returns how many of the last two names have accounts. An attack orders no more.
    async fn known(&self) -> usize {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut known: usize = 0;
        for name in names.iter().rev().take(2) {
            known = known.saturating_add(usize::from(self.service.account(name).await.is_some()));
        }
        known
    }

    async fn judged(&self, bringing: impl Future<Output = Answered>) -> SignedOut {
        let before = self.known().await;
        let answered = bringing.await;
        match (self.known().await < before, answered) {
            (true, _) => SignedOut::Everywhere,
            (false, Answered::Accepted) => SignedOut::NotEverywhere,
            (false, Answered::Refused) => SignedOut::Refused,
            (false, Answered::Unavailable) => SignedOut::Unavailable,
        }
    }
}

impl<S: NameOrderService> Answering for Orders<'_, S> {
    async fn start(&self) -> Asked {
        let name = self.target.fresh("ordered");
        self.service.sign_in(&name).await;
        self.names.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        self.service.order_end(&name).await
    }

    async fn bring(&self, delivery: &Delivery) -> SignedOut {
        self.judged(self.service.bring(delivery)).await
    }

    async fn bring_elsewhere(&self, delivery: &Delivery) -> SignedOut {
        self.judged(self.service.bring_elsewhere(delivery)).await
    }

    async fn sign_in_again(&self) {}

    /// An answer about a name ends no session of the browser that brings it.
    async fn is_signed_in(&self) -> bool {
        true
    }
}
