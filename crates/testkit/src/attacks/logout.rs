//! Attacks on the single logout addresses: requests for which no service may end a session, and answers that no service
//! may believe.
//!
//! An attacker who can end other people's sessions locks them out, and makes them sign in again where the attacker
//! waits. One whose answer is believed makes people think that they are signed out everywhere, and leaves the session at
//! the identity provider for whoever uses the computer next. Each attack is made at the doors that it concerns: the
//! query of a redirect, a form, or a SOAP envelope.
//!
//! ```
//! use vouchsafe_testkit::attacks::logout::{LogoutService, LogoutTarget, run};
//! use vouchsafe_testkit::attacks::{Answered, Delivery};
//!
//! struct App; // what the test knows of the service
//! # impl App { async fn sign_in(&self) {} async fn is_signed_in(&self) -> bool { true } async fn send(&self, _: &Delivery) -> u16 { 403 } }
//!
//! impl LogoutService for App {
//!     async fn open(&self) {
//!         self.sign_in().await // the victim, over the session index of the target
//!     }
//!     async fn deliver(&self, delivery: &Delivery) -> Answered {
//!         Answered::of_status(self.send(delivery).await)
//!     }
//!     async fn is_alive(&self) -> bool {
//!         self.is_signed_in().await
//!     }
//! }
//!
//! # async fn example(target: LogoutTarget) {
//! run(&App, &target).await.assert_none_accepted();
//! # }
//! ```
//!
//! [`SignOutService`] and [`run_answers`] do the same for the answers to the service's own requests.

use std::future::Future;

use chrono::{DateTime, Utc};

pub use super::answers::SignedOut;
use super::answers::{self, Answering};
use super::delivery::{Answered, Delivery};
use super::endpoint_report::{EndpointAttack, EndpointReport};
use super::requests::{self, Attacked, Place, Request};
use super::target::Asked;
use crate::{IdentityProvider, LogoutBuilder};

/// A service whose sessions identity providers end.
pub trait LogoutService {
    /// Signs the victim in, with the session index of the target.
    fn open(&self) -> impl Future<Output = ()>;

    /// Sends a message, as a browser without cookies or as a server, and returns what the service answered.
    fn deliver(&self, delivery: &Delivery) -> impl Future<Output = Answered>;

    /// Returns whether the session that was opened last is still open.
    fn is_alive(&self) -> impl Future<Output = bool>;
}

/// A service that tells identity providers that people sign out.
pub trait SignOutService {
    /// Signs a person in, in a new browser, and signs them out. Returns the logout request that the browser carries to
    /// the identity provider.
    fn start(&self) -> impl Future<Output = Asked>;

    /// Brings a message with the browser of the last start.
    fn bring(&self, delivery: &Delivery) -> impl Future<Output = SignedOut>;

    /// Brings a message with a new browser, in which a person is signed in who does not sign out.
    fn bring_elsewhere(&self, delivery: &Delivery) -> impl Future<Output = SignedOut>;

    /// Signs a person in again, with the browser of the last start.
    fn sign_in_again(&self) -> impl Future<Output = ()>;

    /// Returns whether somebody is signed in with the browser that brought the last message.
    fn is_signed_in(&self) -> impl Future<Output = bool>;
}

/// The identity providers that the service trusts, and the victim's session.
#[derive(Clone, Debug)]
#[must_use]
pub struct LogoutTarget {
    identity_provider: IdentityProvider,
    other: IdentityProvider,
    single_logout: String,
    soap: Option<String>,
    victim: LogoutBuilder,
    now: fn() -> DateTime<Utc>,
}

impl LogoutTarget {
    /// Describes a service with this single logout address, which trusts `identity_provider` for the victim and
    /// `other` for other people. `victim` is a logout request of the identity provider that names the victim and the
    /// session index.
    pub fn new(
        identity_provider: IdentityProvider,
        other: IdentityProvider,
        single_logout: impl Into<String>,
        victim: LogoutBuilder,
    ) -> LogoutTarget {
        let single_logout = single_logout.into();
        LogoutTarget { identity_provider, other, single_logout, soap: None, victim, now: of_the_machine }
    }

    /// Sets the SOAP address; without it, the attacks over SOAP are left out.
    pub fn with_soap(mut self, address: impl Into<String>) -> LogoutTarget {
        self.soap = Some(address.into());
        self
    }

    /// Sets the clock of the service.
    pub fn clock(mut self, now: fn() -> DateTime<Utc>) -> LogoutTarget {
        self.now = now;
        self
    }

    pub(super) fn place(&self) -> Place<'_> {
        Place {
            request: Request::Logout,
            identity_provider: &self.identity_provider,
            other: &self.other,
            address: &self.single_logout,
            soap: self.soap.as_deref(),
            now: self.now,
        }
    }
}

pub(super) fn of_the_machine() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// Returns all attacks by logout requests.
#[must_use]
pub fn all() -> Vec<EndpointAttack> {
    requests::all(Request::Logout)
}

/// Returns all attacks by answers to logout requests of the service.
#[must_use]
pub fn all_answers() -> Vec<EndpointAttack> {
    answers::all(Request::Logout)
}

/// Runs every attack by a logout request whose door the service has. A genuine message must first show that the door
/// works, and again after a few attacks: a service that has stopped, or that answers no more of so many messages,
/// refuses everything. What was refused before that is then inconclusive. So are the attacks of the other identity
/// provider if the service refuses its genuine requests.
pub async fn run(service: &impl LogoutService, target: &LogoutTarget) -> EndpointReport {
    let sessions = Sessions { service, target };
    EndpointReport::new(requests::run(&sessions, target.place()).await, "ENDED A SESSION")
}

/// Runs every attack by an answer to a logout request of the service. A genuine answer must first show that the door
/// works, and again after a few attacks.
pub async fn run_answers(service: &impl SignOutService, target: &LogoutTarget) -> EndpointReport {
    let entries = answers::run(&SignOuts(service), target.place()).await;
    EndpointReport::new(entries, "TOOK A SIGN-OUT FOR COMPLETE, OR STOPPED IT")
}

/// The sessions of a service under attack.
pub(super) struct Sessions<'s, S> {
    pub(super) service: &'s S,
    pub(super) target: &'s LogoutTarget,
}

impl<S: LogoutService> Attacked for Sessions<'_, S> {
    fn victim(&self) -> LogoutBuilder {
        self.target.victim.clone()
    }

    async fn open(&self, _: &LogoutBuilder) {
        self.service.open().await;
    }

    async fn deliver(&self, delivery: &Delivery) -> Answered {
        self.service.deliver(delivery).await
    }

    async fn is_untouched(&self, _: &LogoutBuilder) -> bool {
        self.service.is_alive().await
    }
}

/// The sign-outs of a service under attack.
pub(super) struct SignOuts<'s, S>(pub(super) &'s S);

impl<S: SignOutService> Answering for SignOuts<'_, S> {
    async fn start(&self) -> Asked {
        self.0.start().await
    }

    async fn bring(&self, delivery: &Delivery) -> SignedOut {
        self.0.bring(delivery).await
    }

    async fn bring_elsewhere(&self, delivery: &Delivery) -> SignedOut {
        self.0.bring_elsewhere(delivery).await
    }

    async fn sign_in_again(&self) {
        self.0.sign_in_again().await;
    }

    async fn is_signed_in(&self) -> bool {
        self.0.is_signed_in().await
    }
}
