//! Attacks that a service can run against its own endpoint, in its own tests.
//!
//! The kit plays two people. One has an account at an identity provider that the service trusts, and so gets genuine,
//! signed messages about themselves ([`ATTACKER`] unless told otherwise). The other is the [`VICTIM`] whom those messages
//! are bent to name. Each [`Attack`] has a stable name, and is the same message every time but for the keys and what
//! encryption draws at random; identifiers come from the name and the [`Target`]'s clock, so that no attack is refused
//! only because an earlier one was seen.
//!
//! First come the controls: genuine messages, which must be accepted. A service that refuses everything is safe and
//! proves nothing, and the [`Report`] says so.
//!
//! ```
//! use vouchsafe_testkit::attacks::{self, Form, Kind, Outcome};
//!
//! /// In a real test: what the service makes of the form.
//! fn post(form: &Form) -> Outcome {
//!     assert!(!form.saml_response().is_empty());
//!     Outcome::Refused
//! }
//!
//! let report = attacks::of(Kind::DuplicateId).run(|form| post(form));
//! assert_eq!(report.accepted().count(), 0);
//! assert!(report.proves_nothing(), "not even genuine messages were accepted");
//! ```
//!
//! [`Attacks::against`] takes the [`Target`]: whose endpoint it is, whom it trusts, whether responses answer a request.
//! Over HTTP, with requests that the service itself starts:
//!
//! ```no_run
//! use vouchsafe_testkit::attacks::{self, Asked, Form, Outcome, Target};
//!
//! # struct Browser;
//! # impl Browser {
//! #     async fn start(&self) -> Asked { Asked::new("_request") }
//! #     async fn post(&self, _: &str) -> Option<String> { None }
//! # }
//! # async fn example(browser: Browser, now: fn() -> chrono::DateTime<chrono::Utc>) {
//! let target = Target::new("https://app.example.com/saml/metadata", "https://app.example.com/saml/acs").clock(now);
//! let report = attacks::all()
//!     .against(target)
//!     .run_answering(
//!         async || browser.start().await,
//!         async |form: &Form| match browser.post(&form.to_body()).await {
//!             Some(subject) => Outcome::accepted(subject),
//!             None => Outcome::Refused,
//!         },
//!     )
//!     .await;
//! println!("{report}");
//! report.assert_none_accepted();
//! # }
//! ```
//!
//! What it does not do: it sends nothing itself, follows nothing, and is polite. The largest message has some 300 KiB,
//! addresses inside messages lead to port 9 of the loopback interface, and no bomb expands to more than a few MiB.

mod algorithm;
mod binding;
mod comment;
mod context;
mod control;
mod cross_tenant;
mod der;
mod duplicate_id;
mod encryption;
mod entity;
mod form;
mod key_substitution;
mod kind;
mod markup;
mod md5;
mod outcome;
mod replay;
mod report;
mod resource;
mod run;
mod scene;
mod signature;
mod status;
mod stripping;
mod surgery;
mod target;
mod transform;
mod wrapping;
mod wrapping_encrypted;
mod wrapping_response;

use scene::Made;

use crate::TestkitError;

pub use form::Form;
pub use kind::Kind;
pub use outcome::Outcome;
pub use report::{Entry, Report, Verdict};
pub use run::Attacks;
pub use scene::Scene;
pub use target::{ATTACKER, Asked, Target, VICTIM};

/// Every attack.
pub fn all() -> Attacks {
    Attacks::new(tables().flatten().copied())
}

/// The attacks of one kind.
pub fn of(kind: Kind) -> Attacks {
    Attacks::new(tables().flatten().copied().filter(|attack| attack.kind == kind))
}

/// The genuine messages that a service must accept before anything that it refuses means something. They are run before
/// the attacks and need not be asked for.
pub fn controls() -> impl Iterator<Item = &'static Attack> {
    control::CONTROLS.iter()
}

/// One attack: what it is called, what it does, and the messages it consists of.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    name: &'static str,
    kind: Kind,
    description: &'static str,
    reference: Option<&'static str>,
    base: Base,
    needs: &'static [Needs],
    make: fn(&Scene<'_>) -> Made,
}

/// Which genuine message an attack is made from. Where the service does not accept that, the attack proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// Response and Assertion signed.
    Both,
    /// The Response signed.
    Response,
    /// The Assertion signed.
    Assertion,
    /// The Assertion signed, then encrypted with AES-CBC as Okta does, then the Response signed.
    Encrypted,
    /// The Assertion signed, then encrypted with AES-GCM.
    EncryptedAssertion,
    /// The other identity provider's message, both signed.
    Other,
}

/// What a target must have for an attack to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// A certificate to encrypt to.
    Certificate,
    /// Responses that answer a request.
    Request,
    /// Responses that answer none.
    Unsolicited,
    /// What the other tenant's identity provider sends about its people.
    OtherAttributes,
}

impl Attack {
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        description: &'static str,
        make: fn(&Scene<'_>) -> Made,
    ) -> Self {
        Self { name, kind, description, reference: None, base: Base::Both, needs: &[], make }
    }

    /// The paper or the CVE.
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

    /// The name, such as `wrapping/xsw3`. It does not change.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What is done, in one line.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        self.description
    }

    /// Where it was described, or in which product it was found, where that is known for sure.
    #[must_use]
    pub const fn reference(&self) -> Option<&'static str> {
        self.reference
    }

    /// The messages, to be posted in this order, for a service of one's own loop. `asked` is the request that they answer;
    /// `None` where responses are unsolicited.
    ///
    /// # Errors
    ///
    /// When the target lacks what the attack needs (a certificate, a request, none), when something in it cannot stand in
    /// XML, or a key cannot be used.
    pub fn forms(&self, target: &Target, asked: Option<&Asked>) -> Made {
        if let Some(reason) = self.lacks(target, asked.is_some()) {
            return Err(TestkitError::message("target", "what the attack needs", reason));
        }
        (self.make)(&Scene::new(target, self, asked))
    }

    /// Why this attack cannot be run against that target.
    pub(crate) fn lacks(&self, target: &Target, solicited: bool) -> Option<&'static str> {
        self.needs.iter().find_map(|needs| match needs {
            Needs::Certificate if target.certificate.is_none() => {
                Some("the target has no certificate to encrypt to")
            }
            Needs::Request if !solicited => Some("responses answer no request"),
            Needs::Unsolicited if solicited => Some("responses answer a request"),
            Needs::OtherAttributes if target.other_attributes.is_none() => {
                Some("the target does not say what the other tenant's messages hold")
            }
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
        replay::ATTACKS,
        cross_tenant::ATTACKS,
        context::ATTACKS,
        status::ATTACKS,
        encryption::ATTACKS,
        resource::ATTACKS,
    ]
    .into_iter()
}
