//! Attacks by answers of identity providers to requests of the service that a browser carried: to logout requests, and to
//! requests about names. What the service takes for confirmed differs, but not how an answer is forged.

mod rows;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

use self::rows::ROWS;
use super::delivery::{Answered, Delivery, Door};
use super::endpoint_report::{EndpointAttack, EndpointVerdict, PROOF_AFTER};
use super::requests::{Place, Request};
use super::target::Asked;
use crate::logout::{form, query};
use crate::{LogoutBuilder, TestkitError};

/// What a browser is shown that brings the answer of an identity provider to a logout request of the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SignedOut {
    /// The identity provider has ended its session and all others.
    Everywhere,
    /// The identity provider has not ended every session, or has not confirmed that it did.
    NotEverywhere,
    /// The person is signed out of the service. Nothing is said of the identity provider.
    Here,
    /// The answer was refused.
    Refused,
    /// The service did not judge the answer: it has too much to do, or has failed.
    Unavailable,
}

/// A service that asks identity providers. What it takes for confirmed is said as of a sign-out: `Everywhere` is an
/// answer that was believed and confirms the request, `NotEverywhere` one that was believed and does not.
pub(super) trait Answering {
    /// Starts a request in a new browser.
    fn start(&self) -> impl Future<Output = Asked>;

    /// Brings a message with the browser of the last start.
    fn bring(&self, delivery: &Delivery) -> impl Future<Output = SignedOut>;

    /// Brings a message with a browser that started nothing.
    fn bring_elsewhere(&self, delivery: &Delivery) -> impl Future<Output = SignedOut>;

    /// Signs a person in again, with the browser of the last start.
    fn sign_in_again(&self) -> impl Future<Output = ()>;

    /// Returns whether the browser that brought the last message is signed in as it was before.
    fn is_signed_in(&self) -> impl Future<Output = bool>;
}

/// The browser that brings the answer, and what happened before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Setting {
    /// The browser that started the request.
    Same,
    /// Another browser, which started nothing.
    Elsewhere,
    /// A browser that started a request of its own, after the request that is answered.
    OtherRequest,
    /// The browser that started the request, after the genuine answer.
    Again,
    /// Another browser, after the genuine answer.
    AgainElsewhere,
    /// The browser that started the request, after the genuine answer and another sign-in.
    SignedInAgain,
    /// The browser that started the request, after a genuine answer that confirms nothing.
    AfterFailure,
}

impl Setting {
    /// Returns whether the request is still open when the answer comes.
    fn is_open(self) -> bool {
        matches!(self, Setting::Same | Setting::Elsewhere | Setting::OtherRequest)
    }

    /// Returns whether the browser that brings the answer is signed in, and must stay so.
    fn is_signed_in(self) -> bool {
        matches!(self, Setting::Elsewhere | Setting::AgainElsewhere | Setting::SignedInAgain)
    }
}

/// The data of one attack.
#[derive(Clone)]
struct Scene<'t> {
    place: Place<'t>,
    door: Door,
    /// The request that is answered.
    asked: Asked,
    /// The last request of the browser that brings the answer.
    own: Asked,
}

impl<'t> Scene<'t> {
    fn new(place: Place<'t>, door: Door, asked: Asked) -> Scene<'t> {
        Scene { place, door, own: asked.clone(), asked }
    }

    /// Returns the genuine answer, with an ID of its own.
    fn genuine(&self) -> LogoutBuilder {
        self.answer_to(&self.asked.id)
    }

    fn answer_to(&self, request: &str) -> LogoutBuilder {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let id = format!("_kita{}{number}", self.now().timestamp_micros());
        let answer = self.place.identity_provider.logout_response(request).element(self.element());
        answer.id(id).at(self.now()).destination(Some(self.place.address))
    }

    /// Returns a genuine answer with these status codes, from the outermost to the innermost.
    fn with_status(&self, codes: &[&str]) -> LogoutBuilder {
        self.genuine().status(codes.iter().map(|code| format!("urn:oasis:names:tc:SAML:2.0:status:{code}")))
    }

    /// Returns a genuine answer that confirms nothing.
    fn failed(&self) -> LogoutBuilder {
        self.with_status(&["Responder"])
    }

    fn now(&self) -> DateTime<Utc> {
        (self.place.now)()
    }

    fn ago(&self, minutes: i64) -> DateTime<Utc> {
        self.now().checked_sub_signed(TimeDelta::minutes(minutes)).unwrap_or_else(|| self.now())
    }

    /// Returns the local name of the answer.
    fn element(&self) -> &'static str {
        match self.place.request {
            Request::Logout => "LogoutResponse",
            Request::NewName | Request::EndOfName => "ManageNameIDResponse",
        }
    }

    /// Returns the path of an element of the answer.
    fn path<'p>(&self, element: &'p str) -> [&'p str; 2] {
        [self.element(), element]
    }

    fn state(&self) -> Option<&str> {
        self.asked.relay_state.as_deref()
    }

    /// Returns the message, signed in the form of the door, with the RelayState of the request.
    fn signed(&self, message: &LogoutBuilder) -> Made {
        self.signed_with(message, self.state())
    }

    fn signed_with(&self, message: &LogoutBuilder, state: Option<&str>) -> Made {
        Ok(match self.door {
            Door::Redirect => Delivery::Redirect(message.to_query(state)?),
            Door::Post | Door::Soap => Delivery::Post(message.to_form(state)?),
        })
    }

    /// Returns a text in the form of the door, without a signature of the binding.
    fn raw(&self, xml: &str) -> Made {
        Ok(match self.door {
            Door::Redirect => Delivery::Redirect(query("SAMLResponse", xml, self.state())),
            Door::Post | Door::Soap => Delivery::Post(form("SAMLResponse", xml, self.state())),
        })
    }
}

type Made = Result<Delivery, TestkitError>;

/// An attack, which is made at each of its doors.
struct Row {
    what: &'static str,
    doors: &'static [Door],
    description: &'static str,
    setting: Setting,
    make: fn(&Scene<'_>) -> Made,
    /// The only kind of answer that can be forged like this, if there is one.
    only: Option<Request>,
    /// It is a genuine answer that confirms nothing, or not everything, and may be accepted as that.
    may_be_accepted: bool,
}

impl Row {
    fn is_of(&self, request: Request) -> bool {
        self.only.is_none_or(|only| only == request)
    }

    fn attack(&self, request: Request, door: Door) -> EndpointAttack {
        let kind = format!("{}-answer", request.kind());
        EndpointAttack::new(&kind, self.what, door.name(), self.description)
    }
}

/// Returns all attacks by answers to requests of this kind.
pub(super) fn all(request: Request) -> Vec<EndpointAttack> {
    rows(request).map(|(row, door)| row.attack(request, door)).collect()
}

fn rows(request: Request) -> impl Iterator<Item = (&'static Row, Door)> {
    let rows = ROWS.iter().filter(move |row| row.is_of(request));
    rows.flat_map(|row| row.doors.iter().map(move |door| (row, *door)))
}

/// Runs every attack. At each door, a genuine answer must first show that the door works.
pub(super) async fn run(service: &impl Answering, place: Place<'_>) -> Vec<(String, EndpointVerdict)> {
    let mut entries = Vec::new();
    for door in Door::FRONT.iter().copied() {
        let mut works = works(service, place, door).await;
        let attacks: Vec<&Row> =
            rows(place.request).filter(|(_, at)| *at == door).map(|(row, _)| row).collect();
        for some in attacks.chunks(PROOF_AFTER) {
            let mut verdicts = Vec::new();
            for row in some {
                verdicts.push(match works {
                    true => attempt(service, row, place, door).await.unwrap_or(EndpointVerdict::Inconclusive),
                    false => EndpointVerdict::Inconclusive,
                });
            }
            works = works && self::works(service, place, door).await;
            for (row, verdict) in some.iter().zip(verdicts) {
                let attack = row.attack(place.request, door);
                entries.push((attack.name().to_owned(), verdict.proven_by(works)));
            }
        }
    }
    entries
}

/// Returns whether a genuine answer is believed.
pub(super) async fn works(service: &impl Answering, place: Place<'_>, door: Door) -> bool {
    confirms(service, &Scene::new(place, door, service.start().await)).await
}

async fn confirms(service: &impl Answering, scene: &Scene<'_>) -> bool {
    match scene.signed(&scene.genuine()) {
        Ok(delivery) => service.bring(&delivery).await == SignedOut::Everywhere,
        Err(_) => false,
    }
}

/// Returns `None` if the attack could not be made.
async fn attempt(
    service: &impl Answering,
    row: &Row,
    place: Place<'_>,
    door: Door,
) -> Option<EndpointVerdict> {
    let mut scene = Scene::new(place, door, service.start().await);
    match row.setting {
        Setting::Same | Setting::Elsewhere => {}
        Setting::OtherRequest => scene.own = service.start().await,
        Setting::AfterFailure => {
            let failed = scene.signed(&scene.failed()).ok()?;
            (service.bring(&failed).await == SignedOut::NotEverywhere).then_some(())?;
        }
        Setting::Again | Setting::AgainElsewhere | Setting::SignedInAgain => {
            confirms(service, &scene).await.then_some(())?;
        }
    }
    if row.setting == Setting::SignedInAgain {
        service.sign_in_again().await;
    }
    let delivery = (row.make)(&scene).ok()?;
    let shown = match row.setting {
        Setting::Elsewhere | Setting::AgainElsewhere => service.bring_elsewhere(&delivery).await,
        _ => service.bring(&delivery).await,
    };
    let has_ended_a_session = row.setting.is_signed_in() && !service.is_signed_in().await;
    // After the genuine answer, a reload of the page shows that the person is signed out.
    let is_reload = shown == SignedOut::Here && matches!(row.setting, Setting::Again | Setting::AfterFailure);
    let had_effect = shown == SignedOut::Everywhere || has_ended_a_session;
    let answered = match shown {
        SignedOut::Refused => Answered::Refused,
        SignedOut::Unavailable => Answered::Unavailable,
        SignedOut::Everywhere | SignedOut::NotEverywhere | SignedOut::Here => Answered::Accepted,
    };
    let verdict = EndpointVerdict::of(had_effect, answered, row.may_be_accepted || is_reload);
    // A hostile answer may not take the place of the genuine one.
    let must_stay_open = row.setting.is_open() && !row.may_be_accepted;
    let own = Scene { asked: scene.own.clone(), ..scene };
    match must_stay_open && !confirms(service, &own).await {
        true => Some(EndpointVerdict::Succeeded),
        false => Some(verdict),
    }
}
