//! Attacks by requests of identity providers about a person: logout requests, and requests about names. The endpoint
//! differs, and so does the effect, but not how a request is forged.

mod rows;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

use self::rows::ROWS;
use super::delivery::{Answered, Delivery, Door};
use super::endpoint_report::{EndpointAttack, EndpointVerdict, PROOF_AFTER};
use crate::logout::{form, query, soap};
use crate::{IdentityProvider, LogoutBuilder, TestkitError};

/// The kind of request that an endpoint takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// A LogoutRequest.
    Logout,
    /// A ManageNameIDRequest with a NewID.
    NewName,
    /// A ManageNameIDRequest with a Terminate.
    EndOfName,
}

impl Request {
    /// The first part of the names of its attacks.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Request::Logout => "logout",
            Request::NewName => "new-name",
            Request::EndOfName => "name-end",
        }
    }
}

/// The endpoint, and the identity providers that it trusts.
#[derive(Clone, Copy)]
pub(super) struct Place<'t> {
    pub(super) request: Request,
    pub(super) identity_provider: &'t IdentityProvider,
    pub(super) other: &'t IdentityProvider,
    pub(super) address: &'t str,
    pub(super) soap: Option<&'t str>,
    pub(super) now: fn() -> DateTime<Utc>,
}

impl Place<'_> {
    pub(super) fn doors(&self) -> impl Iterator<Item = Door> {
        let has_soap = self.soap.is_some();
        Door::ALL.iter().copied().filter(move |door| *door != Door::Soap || has_soap)
    }
}

/// A service whose people the requests name.
pub(super) trait Attacked {
    /// Returns a genuine request about a victim.
    fn victim(&self) -> LogoutBuilder;

    /// Signs that victim in.
    fn open(&self, victim: &LogoutBuilder) -> impl Future<Output = ()>;

    /// Sends a message.
    fn deliver(&self, delivery: &Delivery) -> impl Future<Output = Answered>;

    /// Returns whether nothing has happened to the victim since the last `open`.
    fn is_untouched(&self, victim: &LogoutBuilder) -> impl Future<Output = bool>;
}

/// The data of one attack.
pub(super) struct Scene<'t> {
    place: Place<'t>,
    door: Door,
    victim: LogoutBuilder,
}

impl<'t> Scene<'t> {
    pub(super) fn new(place: Place<'t>, door: Door, victim: LogoutBuilder) -> Scene<'t> {
        Scene { place, door, victim }
    }

    /// Returns a genuine request about the victim, with an ID of its own.
    pub(super) fn genuine(&self) -> LogoutBuilder {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let address = match self.door {
            Door::Soap => self.place.soap.unwrap_or_default(),
            Door::Redirect | Door::Post => self.place.address,
        };
        let id = format!("_kit{}{number}", self.now().timestamp_micros());
        self.victim.clone().id(id).at(self.now()).destination(Some(address))
    }

    /// Returns a genuine request about somebody else.
    fn about_somebody(&self) -> LogoutBuilder {
        self.genuine().name_id("somebody@example.com")
    }

    fn now(&self) -> DateTime<Utc> {
        (self.place.now)()
    }

    fn ago(&self, minutes: i64) -> DateTime<Utc> {
        self.now().checked_sub_signed(TimeDelta::minutes(minutes)).unwrap_or_else(|| self.now())
    }

    /// Returns the path of an element of the request.
    fn path<'p>(&'p self, element: &'p str) -> [&'p str; 2] {
        [self.victim.element_name(), element]
    }

    /// Returns the message, signed in the form of the door.
    pub(super) fn signed(&self, message: &LogoutBuilder) -> Made {
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

    /// Returns a genuine signed Response of the identity provider about the victim.
    fn response(&self) -> Result<String, TestkitError> {
        let response = self.place.identity_provider.response().at(self.now());
        let issued = response.name_id(self.victim.name()).issue()?;
        Ok(issued.xml().split_once("?>").map_or(issued.xml(), |(_, rest)| rest).to_owned())
    }
}

pub(super) type Made = Result<Vec<Delivery>, TestkitError>;

/// An attack, which is made at each of its doors.
pub(super) struct Row {
    what: &'static str,
    doors: &'static [Door],
    description: &'static str,
    make: fn(&Scene<'_>) -> Made,
    /// The only kind of request that can be forged like this, if there is one.
    only: Option<Request>,
    /// It may be accepted, because it is a genuine request about somebody else.
    may_be_accepted: bool,
    /// Its messages belong together, and only the last one is hostile. Otherwise each of them is.
    is_sequence: bool,
    /// The other identity provider makes it, so that it proves nothing if the service does not know that one.
    is_of_other: bool,
}

impl Row {
    fn is_of(&self, request: Request) -> bool {
        self.only.is_none_or(|only| only == request)
    }
}

/// Returns all attacks by requests of this kind.
pub(super) fn all(request: Request) -> Vec<EndpointAttack> {
    rows(request)
        .map(|(row, door)| EndpointAttack::new(request.kind(), row.what, door.name(), row.description))
        .collect()
}

fn rows(request: Request) -> impl Iterator<Item = (&'static Row, Door)> {
    let rows = ROWS.iter().filter(move |row| row.is_of(request));
    rows.flat_map(|row| row.doors.iter().map(move |door| (row, *door)))
}

/// Runs every attack whose door the service has. A genuine message must first show that the door works, and again after
/// a few attacks: a service that has stopped, or that answers no more of so many messages, refuses everything. What was
/// refused before that is then inconclusive.
pub(super) async fn run(service: &impl Attacked, place: Place<'_>) -> Vec<(String, EndpointVerdict)> {
    let mut entries = Vec::new();
    for door in place.doors() {
        let mut works = works(service, place, door).await;
        let knows_the_other = works && knows_the_other(service, place, door).await;
        let attacks: Vec<&Row> =
            rows(place.request).filter(|(_, at)| *at == door).map(|(row, _)| row).collect();
        for some in attacks.chunks(PROOF_AFTER) {
            let mut verdicts = Vec::new();
            for row in some {
                verdicts.push(match works && (knows_the_other || !row.is_of_other) {
                    true => attempt(service, row, Scene::new(place, door, service.victim())).await,
                    false => EndpointVerdict::Inconclusive,
                });
            }
            works = works && self::works(service, place, door).await;
            for (row, verdict) in some.iter().zip(verdicts) {
                let attack =
                    EndpointAttack::new(place.request.kind(), row.what, door.name(), row.description);
                entries.push((attack.name().to_owned(), verdict.proven_by(works)));
            }
        }
    }
    entries
}

/// Returns whether a genuine message has its effect.
pub(super) async fn works(service: &impl Attacked, place: Place<'_>, door: Door) -> bool {
    let scene = Scene::new(place, door, service.victim());
    let Ok(deliveries) = scene.signed(&scene.genuine()) else { return false };
    service.open(&scene.victim).await;
    for delivery in &deliveries {
        if service.deliver(delivery).await != Answered::Accepted {
            return false;
        }
    }
    !service.is_untouched(&scene.victim).await
}

/// Returns whether the service accepts a genuine message of the other identity provider about one of its own people.
async fn knows_the_other(service: &impl Attacked, place: Place<'_>, door: Door) -> bool {
    let scene = Scene::new(place, door, service.victim());
    let of_other = scene.about_somebody().issuer(Some(place.other.entity_id())).key(place.other.key());
    let Ok(deliveries) = scene.signed(&of_other) else { return false };
    for delivery in &deliveries {
        if service.deliver(delivery).await != Answered::Accepted {
            return false;
        }
    }
    true
}

/// Sends the messages of an attack. The victim is signed in before each of them.
async fn attempt(service: &impl Attacked, row: &Row, scene: Scene<'_>) -> EndpointVerdict {
    let Ok(deliveries) = (row.make)(&scene) else { return EndpointVerdict::Inconclusive };
    let mut verdict = EndpointVerdict::Refused;
    for (place, delivery) in deliveries.iter().enumerate() {
        service.open(&scene.victim).await;
        let answered = service.deliver(delivery).await;
        let is_last = place.checked_add(1) == Some(deliveries.len());
        if is_last || !row.is_sequence {
            let had_effect = !service.is_untouched(&scene.victim).await;
            verdict = verdict.worse_of(EndpointVerdict::of(had_effect, answered, row.may_be_accepted));
        }
    }
    if deliveries.is_empty() { EndpointVerdict::Inconclusive } else { verdict }
}
