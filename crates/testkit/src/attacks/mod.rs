//! Attacks that a service can run against its own endpoint, in its own tests.
//!
//! The kit plays two people. One has an account at an identity provider that the service trusts, and so gets genuine,
//! signed messages about themselves (by default [`ATTACKER`]). The other is the [`VICTIM`]: the attacks change those
//! messages so that they name the victim. Each [`Attack`] has a stable name, and makes the same message every time,
//! except for the keys and the random values of encryption. Identifiers are made from the name and the [`Target`]'s
//! clock, so that no attack is refused only because the service has seen an earlier one.
//!
//! The controls are run first: genuine messages, which must be accepted. If a service refuses everything, the refused
//! attacks prove nothing, and the [`Report`] says so.
//!
//! ```
//! use vouchsafe_testkit::attacks::{self, Form, Kind, Outcome, posting};
//!
//! /// In a real test: what the service makes of the form.
//! fn post(form: &Form) -> Outcome {
//!     assert!(!form.saml_response().is_empty());
//!     Outcome::Refused
//! }
//!
//! let report = attacks::of(Kind::DuplicateId).run_blocking(&posting(post));
//! assert_eq!(report.accepted().count(), 0);
//! assert!(report.proves_nothing(), "not even genuine messages were accepted");
//! ```
//!
//! [`Attacks::against`] accepts the [`Target`], which describes the service and the identity providers that it
//! trusts. The kit reaches the service through the trait [`Service`]: by posting a form, and through more doors if
//! the service has them, such as the start of a sign-in in one of several browsers. If a door is missing, the report
//! lists its attacks as not applicable. This example posts over HTTP and starts the requests at the service:
//!
//! ```no_run
//! use vouchsafe_testkit::attacks::{self, Asked, Browser, Customer, Form, Outcome, Service, Started, Target};
//!
//! struct App {/* clients, one for each browser */}
//!
//! # impl App {
//! #     async fn login(&self, _: Browser, _: Customer, _: Option<&str>) -> Asked { Asked::new("_request") }
//! #     async fn send(&self, _: Browser, _: String) -> Option<(String, String)> { None }
//! # }
//! impl Service for App {
//!     async fn post(&self, browser: Browser, form: &Form) -> Outcome {
//!         match self.send(browser, form.to_body()).await {
//!             Some((subject, location)) => Outcome::accepted(subject).leading_to(location),
//!             None => Outcome::Refused,
//!         }
//!     }
//!
//!     async fn start(&self, browser: Browser, customer: Customer, return_to: Option<&str>) -> Started {
//!         self.login(browser, customer, return_to).await.into()
//!     }
//! }
//!
//! # async fn example(app: App, now: fn() -> chrono::DateTime<chrono::Utc>) {
//! let target = Target::new("https://app.example.com/saml/metadata", "https://app.example.com/saml/acs")
//!     .clock(now)
//!     .return_to("/projects/7");
//! let report = attacks::all().against(target).run(&app).await;
//! report.assert_none_accepted(); // the panic shows the report
//! println!("{report}"); // which attacks were left out, and the method that would run them
//! # }
//! ```
//!
//! [`Target::return_to`] is a page to which a sign-in may return. The kit signs in with it first: if the test does not
//! hand `return_to` on to the service, the attacks on it are inconclusive.
//!
//! [`AuthnRequest::from_redirect`](crate::AuthnRequest::from_redirect) reads the ID and the RelayState from the
//! address that a sign-in redirects to, and `examples/minimal/tests/attacks` is a complete test. The attacks with
//! encryption run only if the service has a decryption key, such as
//! [`keys::service_provider`](crate::keys::service_provider), and [`Target::certificate`] has its certificate.
//! Without optimisation the cryptography takes about five times as long: copy `[profile.dev.package]` from the
//! workspace's `Cargo.toml` into your own.
//!
//! Other endpoints have attacks of their own: [`logout`] has those of single logout, [`names`] those of messages about
//! names, and [`artifact`] those of sign-ins by artifact. [`availability`] has those of one customer on the connection
//! of another. [`catalogue`] lists all of them, each with its endpoint.
//!
//! The kit sends nothing itself (except the answers of [`artifact::Resolver`]), follows no links, and does not
//! overload the service. The largest message has about 300 KiB, addresses inside messages lead to port 9 of the
//! loopback interface, and no decompression bomb expands to more than about 30 MiB.

mod accounts;
mod algorithm;
mod answers;
pub mod artifact;
pub mod availability;
mod bent_query;
mod binding;
mod browser;
mod catalogue;
mod comment;
mod condition;
mod configuration;
mod context;
mod control;
mod cookie_jar;
mod cross_tenant;
mod cut;
mod decrypted;
mod delivery;
mod der;
mod duplicate_id;
mod encryption;
mod endpoint_report;
mod entity;
mod foreign;
mod form;
mod key_substitution;
mod kind;
mod location;
pub mod logout;
mod markup;
mod md5;
mod missing;
pub mod names;
mod outcome;
mod pending;
mod play;
mod redirect;
mod replay;
mod replay_together;
mod report;
mod report_text;
mod requests;
mod resource;
mod resource_spent;
mod return_to;
mod run;
mod scene;
mod schema;
mod service;
mod signature;
mod simple_sign;
mod status;
mod step;
mod stripping;
mod surgery;
mod target;
mod tenancy;
mod transform;
mod wait;
mod wrapping;
mod wrapping_encrypted;
mod wrapping_response;

use missing::Missing;
use scene::{Made, Played};
use step::{Start, Step};

use crate::TestkitError;

pub use catalogue::{Endpoint, Listed, catalogue};
pub use cookie_jar::CookieJar;
pub use delivery::{Answered, Delivery, Door};
pub use endpoint_report::{EndpointAttack, EndpointReport, EndpointVerdict};
pub use form::Form;
pub use kind::Kind;
pub use outcome::Outcome;
pub use report::{Entry, Report, Verdict};
pub use run::Attacks;
pub use scene::Scene;
pub use service::{
    Account, Browser, Customer, Discovered, Posting, Received, Service, Session, Started, posting,
};
pub use target::{ATTACKER, Asked, Target, VICTIM};

/// Returns every attack on the assertion consumer.
pub fn all() -> Attacks {
    Attacks::new(tables().flatten().copied())
}

/// Returns the attacks of one kind.
pub fn of(kind: Kind) -> Attacks {
    Attacks::new(tables().flatten().copied().filter(|attack| attack.kind == kind))
}

/// Returns the genuine messages that a service must accept, because otherwise a refused attack means nothing. They
/// are always run before the attacks.
pub fn controls() -> impl Iterator<Item = &'static Attack> {
    control::CONTROLS.iter()
}

/// One attack: its name, its description, and the messages that it consists of.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    name: &'static str,
    kind: Kind,
    description: &'static str,
    reference: Option<&'static str>,
    base: Base,
    needs: &'static [Needs],
    starts: &'static [Start],
    make: Make,
}

/// The way in which the messages of an attack are made.
#[derive(Clone, Copy, Debug)]
enum Make {
    /// The attack consists of forms that are posted in order.
    Forms(fn(&Scene<'_>) -> Made),
    /// The attack has other steps too.
    Steps(fn(&Scene<'_>) -> Played),
}

/// Attacks start a sign-in of the first customer, if the service starts sign-ins.
const STARTS: &[Start] = &[Start::first(0)];

/// The genuine message from which an attack is made. If the service does not accept that message, the attack proves
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// The Response and the Assertion are signed.
    Both,
    /// The Response is signed.
    Response,
    /// The Assertion is signed.
    Assertion,
    /// The Assertion is signed, then encrypted with AES-CBC as Okta does, then the Response is signed.
    Encrypted,
    /// The Assertion is signed, then encrypted with AES-GCM.
    EncryptedAssertion,
    /// The other identity provider's message, with Response and Assertion signed.
    Other,
    /// The Assertion is not signed and is encrypted with AES-GCM, then the Response is signed.
    EncryptedInside,
    /// Response and Assertion are signed, for a service that trusts only this identity provider's metadata.
    Configured,
    /// A message in the query of a redirect.
    Redirect,
    /// Response and Assertion are signed, in a sign-in that began with an address to return to.
    Return,
}

/// A requirement of an attack for the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// The target has a certificate to encrypt to.
    Certificate,
    /// The target accepts responses to requests.
    Request,
    /// The target accepts unsolicited responses.
    Unsolicited,
    /// The target has the attributes that the other customer's identity provider sends about its people.
    OtherAttributes,
    /// The target has an assertion consumer for each customer.
    OwnAddresses,
    /// The test reports where the browser is sent.
    Location,
    /// The target has an address to return to that the service allows.
    ReturnPath,
}

impl Attack {
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        description: &'static str,
        make: fn(&Scene<'_>) -> Made,
    ) -> Self {
        Self::made(name, kind, description, Make::Forms(make))
    }

    pub(crate) const fn played(
        name: &'static str,
        kind: Kind,
        description: &'static str,
        make: fn(&Scene<'_>) -> Played,
    ) -> Self {
        Self::made(name, kind, description, Make::Steps(make))
    }

    const fn made(name: &'static str, kind: Kind, description: &'static str, make: Make) -> Self {
        Self { name, kind, description, reference: None, base: Base::Both, needs: &[], starts: STARTS, make }
    }

    pub(crate) const fn starting(mut self, starts: &'static [Start]) -> Self {
        self.starts = starts;
        self
    }

    /// Sets the paper or the CVE.
    pub(crate) const fn known_as(mut self, reference: &'static str) -> Self {
        self.reference = Some(reference);
        self
    }

    pub(crate) const fn from(mut self, base: Base) -> Self {
        self.base = base;
        self
    }

    pub(crate) const fn needs(mut self, needs: &'static [Needs]) -> Self {
        self.needs = needs;
        self
    }

    /// Returns the name, such as `wrapping/xsw3`. It does not change.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the description in one line.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        self.description
    }

    /// Returns where the attack was described, or in which product it was found, if that is certain.
    #[must_use]
    pub const fn reference(&self) -> Option<&'static str> {
        self.reference
    }

    /// Returns the messages that one browser posts in this order, for services that are tested without
    /// [`Attacks::run`]. `asked` is the request that they answer; `None` if responses are unsolicited.
    ///
    /// # Errors
    ///
    /// An error is returned if the target lacks something that the attack needs (a certificate, a request, or no
    /// request), if a value cannot be written in XML, or if a key cannot be used. It is also returned if the attack
    /// needs more than one browser, or another door of the [`Service`] than the assertion consumer.
    pub fn forms(&self, target: &Target, asked: Option<&Asked>) -> Made {
        let lacks = |what: &str| Err(TestkitError::message("target", "what the attack needs", what));
        if let Some(missing) = self.lacks(target) {
            return lacks(missing.reason());
        }
        match (asked, self.make) {
            (Some(_), _) if self.needs.contains(&Needs::Unsolicited) => lacks("responses answer a request"),
            (None, _) if self.needs.contains(&Needs::Request) => lacks("responses answer no request"),
            (_, Make::Forms(make)) if self.starts.len() < 2 => {
                let forms = make(&Scene::new(target, self, asked.map_or(&[], std::slice::from_ref)))?;
                match forms.iter().all(|form| form.browser == 0) {
                    true => Ok(forms),
                    false => lacks("one browser"),
                }
            }
            _ => lacks("one form after the other by one browser"),
        }
    }

    /// Returns the steps of the attack, in order.
    pub(crate) fn steps(&self, scene: &Scene<'_>) -> Played {
        match self.make {
            Make::Forms(make) => Ok(make(scene)?.into_iter().map(Step::from).collect()),
            Make::Steps(make) => make(scene),
        }
    }

    /// Returns what that target lacks for this attack.
    pub(crate) fn lacks(&self, target: &Target) -> Option<Missing> {
        self.needs.iter().find_map(|needs| match needs {
            Needs::Certificate if target.certificate.is_none() => Some(Missing::Certificate),
            Needs::OwnAddresses if target.other_assertion_consumer.is_none() => Some(Missing::OwnAddresses),
            Needs::ReturnPath if target.return_to.is_none() => Some(Missing::ReturnPath),
            Needs::OtherAttributes if target.other_attributes.is_none() => Some(Missing::OtherAttributes),
            _ => None,
        })
    }
}

fn tables() -> impl Iterator<Item = &'static [Attack]> {
    [
        wrapping::ATTACKS,
        wrapping_response::ATTACKS,
        wrapping_encrypted::ATTACKS,
        duplicate_id::ATTACKS,
        stripping::ATTACKS,
        key_substitution::ATTACKS,
        algorithm::ATTACKS,
        transform::ATTACKS,
        comment::ATTACKS,
        markup::ATTACKS,
        entity::ATTACKS,
        binding::ATTACKS,
        simple_sign::ATTACKS,
        replay::ATTACKS,
        cross_tenant::ATTACKS,
        context::ATTACKS,
        status::ATTACKS,
        encryption::ATTACKS,
        resource::ATTACKS,
        accounts::ATTACKS,
        browser::ATTACKS,
        condition::ATTACKS,
        configuration::ATTACKS,
        cut::ATTACKS,
        decrypted::ATTACKS,
        foreign::ATTACKS,
        pending::ATTACKS,
        redirect::ATTACKS,
        replay_together::ATTACKS,
        resource_spent::ATTACKS,
        return_to::ATTACKS,
        schema::ATTACKS,
        tenancy::ATTACKS,
    ]
    .into_iter()
}
