//! Attacks on the single logout address: messages for which no service may end a session.
//!
//! An attacker who can end other people's sessions locks them out, and makes them sign in again where the attacker
//! waits. Each attack is made at the doors that it concerns: the query of a redirect, a form, or a SOAP envelope.
//!
//! ```
//! use vouchsafe_testkit::attacks::logout::{Delivery, LogoutService, LogoutTarget, run};
//!
//! struct App; // what the test knows of the service
//! # impl App { async fn sign_in(&self) {} async fn is_signed_in(&self) -> bool { true } async fn send(&self, _: &Delivery) {} }
//!
//! impl LogoutService for App {
//!     async fn open(&self) {
//!         self.sign_in().await // the victim, over the session index of the target
//!     }
//!     async fn deliver(&self, delivery: &Delivery) {
//!         self.send(delivery).await
//!     }
//!     async fn is_alive(&self) -> bool {
//!         self.is_signed_in().await
//!     }
//! }
//!
//! # async fn example(target: LogoutTarget) {
//! let report = run(&App, &target).await;
//! assert!(report.findings().next().is_none() && report.inconclusive().next().is_none(), "{report}");
//! # }
//! ```

mod rows;

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use self::rows::{ROWS, Row};
use super::endpoint_report::{EndpointReport, EndpointVerdict, PROOF_AFTER};
use crate::logout::{form, query, soap};
use crate::{IdentityProvider, LogoutBuilder, TestkitError};
use chrono::{DateTime, TimeDelta, Utc};

/// The way in which a message is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Door {
    /// The query of a redirect.
    Redirect,
    /// A form that a browser posts.
    Post,
    /// A SOAP envelope from a server.
    Soap,
}

impl Door {
    const ALL: &'static [Door] = &[Door::Redirect, Door::Post, Door::Soap];

    pub(super) fn name(self) -> &'static str {
        match self {
            Door::Redirect => "redirect",
            Door::Post => "post",
            Door::Soap => "soap",
        }
    }
}

/// A message that is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// A GET request to the single logout address with this query.
    Redirect(String),
    /// A POST request to it with this form, as `application/x-www-form-urlencoded`.
    Post(String),
    /// A POST request to the SOAP address with this envelope, as `text/xml`.
    Soap(String),
}

/// A service under attack.
pub trait LogoutService {
    /// Signs the victim in, with the session index of the target.
    fn open(&self) -> impl Future<Output = ()>;

    /// Sends a message, as a browser without cookies or as a server. The answer is ignored.
    fn deliver(&self, delivery: &Delivery) -> impl Future<Output = ()>;

    /// Returns whether the session that was opened last is still open.
    fn is_alive(&self) -> impl Future<Output = bool>;
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
}

fn of_the_machine() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// The data of one attack.
struct Scene<'t> {
    target: &'t LogoutTarget,
    door: Door,
}

impl Scene<'_> {
    /// Returns a genuine request for the victim's session, with an ID of its own.
    fn genuine(&self) -> LogoutBuilder {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let address = match self.door {
            Door::Soap => self.target.soap.as_deref().unwrap_or_default(),
            Door::Redirect | Door::Post => &self.target.single_logout,
        };
        let id = format!("_kit{}{number}", self.now().timestamp_micros());
        self.target.victim.clone().id(id).at(self.now()).destination(Some(address))
    }

    fn now(&self) -> DateTime<Utc> {
        (self.target.now)()
    }

    fn ago(&self, minutes: i64) -> DateTime<Utc> {
        self.now().checked_sub_signed(TimeDelta::minutes(minutes)).unwrap_or_else(|| self.now())
    }

    /// Returns whether a genuine message ends the session.
    async fn works(&self, service: &impl LogoutService) -> bool {
        match self.signed(&self.genuine()) {
            Ok(deliveries) => !survives(service, &deliveries).await,
            Err(_) => false,
        }
    }

    /// Returns the message, signed in the form of the door.
    fn signed(&self, message: &LogoutBuilder) -> Made {
        Ok(vec![match self.door {
            Door::Redirect => Delivery::Redirect(message.to_query(Some("state"))?),
            Door::Post => Delivery::Post(message.to_form(Some("state"))?),
            Door::Soap => Delivery::Soap(message.to_soap()?),
        }])
    }

    /// Returns a text in the form of the door, without a signature of the binding.
    fn raw(&self, xml: &str) -> Made {
        Ok(vec![match self.door {
            Door::Redirect => Delivery::Redirect(query("SAMLRequest", xml, Some("state"))),
            Door::Post => Delivery::Post(form("SAMLRequest", xml, Some("state"))),
            Door::Soap => Delivery::Soap(soap(xml)),
        }])
    }

    /// Returns a genuine signed Response of the identity provider.
    fn response(&self) -> Result<String, TestkitError> {
        let issued = self.target.identity_provider.response().at(self.now()).issue()?;
        Ok(issued.xml().split_once("?>").map_or(issued.xml(), |(_, rest)| rest).to_owned())
    }
}

type Made = Result<Vec<Delivery>, TestkitError>;

/// A named attack on the single logout address, at one door.
#[derive(Clone, Copy)]
pub struct LogoutAttack {
    what: &'static str,
    door: Door,
    description: &'static str,
    make: fn(&Scene<'_>) -> Made,
}

impl LogoutAttack {
    /// Returns its name: `logout/`, the attack, and the door.
    #[must_use]
    pub fn name(&self) -> String {
        format!("logout/{}/{}", self.what, self.door.name())
    }

    /// Returns its description.
    #[must_use]
    pub fn description(&self) -> &'static str {
        self.description
    }

    /// Returns its door.
    #[must_use]
    pub fn door(&self) -> Door {
        self.door
    }

    /// Returns the messages that are sent, in this order.
    ///
    /// # Errors
    /// An error is returned if a message cannot be made.
    pub fn deliveries(&self, target: &LogoutTarget) -> Result<Vec<Delivery>, TestkitError> {
        (self.make)(&Scene { target, door: self.door })
    }
}

impl fmt::Debug for LogoutAttack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Returns all attacks on single logout.
#[must_use]
pub fn all() -> Vec<LogoutAttack> {
    let at_each_door = |row: &'static Row| {
        row.doors.iter().map(move |door| LogoutAttack {
            what: row.what,
            door: *door,
            description: row.description,
            make: row.make,
        })
    };
    ROWS.iter().flat_map(at_each_door).collect()
}

/// Runs every attack whose door the service has. A genuine message must first show that the door works, and again after
/// a few attacks: a service that has stopped, or that answers no more of so many messages, refuses everything. What was
/// refused before that is then inconclusive.
pub async fn run(service: &impl LogoutService, target: &LogoutTarget) -> EndpointReport {
    let mut entries = Vec::new();
    for door in Door::ALL.iter().copied().filter(|door| *door != Door::Soap || target.soap.is_some()) {
        let scene = Scene { target, door };
        let mut works = scene.works(service).await;
        let attacks: Vec<LogoutAttack> = all().into_iter().filter(|attack| attack.door == door).collect();
        for some in attacks.chunks(PROOF_AFTER) {
            let mut verdicts = Vec::new();
            for attack in some {
                verdicts.push(match attack.deliveries(target) {
                    Ok(deliveries) if works => match survives(service, &deliveries).await {
                        true => EndpointVerdict::Refused,
                        false => EndpointVerdict::Succeeded,
                    },
                    _ => EndpointVerdict::Inconclusive,
                });
            }
            works = works && scene.works(service).await;
            for (attack, verdict) in some.iter().zip(verdicts) {
                entries.push((attack.name(), verdict.proven_by(works)));
            }
        }
    }
    EndpointReport::new(entries, "ENDED A SESSION")
}

/// Returns whether the session is still open after the last message. A new session is opened before each message.
async fn survives(service: &impl LogoutService, deliveries: &[Delivery]) -> bool {
    for delivery in deliveries {
        service.open().await;
        service.deliver(delivery).await;
    }
    service.is_alive().await
}
