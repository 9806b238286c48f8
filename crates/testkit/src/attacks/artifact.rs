//! Attacks on sign-ins by artifact: artifacts that no service may resolve, and answers that no service may believe.
//!
//! The kit plays the identity provider whose artifacts a browser brings, with a [`Resolver`] on loopback that gives
//! the answer of each attack. It also plays an attacker between the two. Each attack would sign in somebody as the
//! victim.
//!
//! ```
//! use vouchsafe_testkit::attacks::Asked;
//! use vouchsafe_testkit::attacks::artifact::{ArtifactService, ArtifactTarget, Brought, run};
//!
//! struct App; // what the test knows of the service
//! # impl App {
//! #     async fn login(&self) -> Asked { Asked::new("_request") }
//! #     async fn send(&self, _: &Brought) -> bool { false }
//! # }
//!
//! impl ArtifactService for App {
//!     async fn start(&self) -> Asked {
//!         self.login().await // in a new browser
//!     }
//!     async fn bring(&self, brought: &Brought) -> bool {
//!         self.send(brought).await // whether it signed that browser in
//!     }
//!     async fn bring_elsewhere(&self, brought: &Brought) -> bool {
//!         self.send(brought).await // the same for a browser that started nothing
//!     }
//! }
//!
//! # async fn example(target: ArtifactTarget) {
//! let report = run(&App, &target).await;
//! assert!(report.findings().next().is_none() && report.inconclusive().next().is_none(), "{report}");
//! # }
//! ```

mod answers;
mod references;
mod resolver;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

pub use self::resolver::Resolver;
use super::endpoint_report::{EndpointReport, EndpointVerdict, PROOF_AFTER};
use super::target::Asked;
use crate::logout::soap;
use crate::{ARTIFACT_INDEX, IdentityProvider, Issued, LogoutBuilder, ResponseBuilder, TestkitError};

/// What a browser sends to the assertion consumer.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Brought {
    /// A GET request with this query.
    Query(String),
    /// A POST request with this form, as `application/x-www-form-urlencoded`.
    Form(String),
}

/// The way in which a browser sends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Door {
    /// The query of a GET request.
    Query,
    /// The form of a POST request.
    Form,
}

impl Door {
    const ALL: [Door; 2] = [Door::Query, Door::Form];

    pub(super) fn name(self) -> &'static str {
        match self {
            Door::Query => "query",
            Door::Form => "form",
        }
    }

    fn brought(self, fields: String) -> Brought {
        match self {
            Door::Query => Brought::Query(fields),
            Door::Form => Brought::Form(fields),
        }
    }
}

/// A service under attack.
pub trait ArtifactService {
    /// Starts a sign-in in a new browser, and returns the request.
    fn start(&self) -> impl Future<Output = Asked>;

    /// Sends this with the browser of the last start, and returns whether it is signed in by it.
    fn bring(&self, brought: &Brought) -> impl Future<Output = bool>;

    /// Sends this with a new browser, which started nothing, and returns whether it is signed in by it.
    fn bring_elsewhere(&self, brought: &Brought) -> impl Future<Output = bool>;
}

/// The identity providers that the service trusts, and the victim.
#[derive(Clone)]
#[must_use]
pub struct ArtifactTarget(Arc<Inner>);

struct Inner {
    resolver: Resolver,
    identity_provider: IdentityProvider,
    other: IdentityProvider,
    victim: ResponseBuilder,
    now: fn() -> DateTime<Utc>,
}

impl ArtifactTarget {
    /// Describes a service that trusts `identity_provider`, whose resolution service is the [resolver](Resolver::at),
    /// and `other` for other people. `victim` is a Response of the identity provider to the service that names the
    /// victim.
    pub fn new(
        resolver: Resolver,
        identity_provider: IdentityProvider,
        other: IdentityProvider,
        victim: ResponseBuilder,
    ) -> ArtifactTarget {
        let now = || std::time::SystemTime::now().into();
        ArtifactTarget(Arc::new(Inner { resolver, identity_provider, other, victim, now }))
    }

    /// Returns how many questions the service has asked.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.0.resolver.questions()
    }
}

impl fmt::Debug for ArtifactTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArtifactTarget").field("resolver", &self.0.resolver).finish_non_exhaustive()
    }
}

type Text = Result<String, TestkitError>;

/// The data of one attack: the target, and the request that the browser started.
#[derive(Clone)]
struct Scene {
    target: ArtifactTarget,
    asked: Asked,
    /// A number that no other scene has, for the identifiers of messages.
    own: Number,
    /// A number for the artifact. It is that of an earlier scene if the artifact is sent again.
    artifact: Number,
}

/// The time when a scene began, in microseconds, and how many scenes began before.
type Number = (i64, u64);

impl Scene {
    fn new(target: &ArtifactTarget, asked: Asked) -> Scene {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let own = ((target.0.now)().timestamp_micros(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Scene { target: target.clone(), asked, own, artifact: own }
    }

    fn identity_provider(&self) -> &IdentityProvider {
        &self.target.0.identity_provider
    }

    fn other(&self) -> &IdentityProvider {
        &self.target.0.other
    }

    fn now(&self) -> DateTime<Utc> {
        (self.target.0.now)()
    }

    fn in_minutes(&self, minutes: i64) -> DateTime<Utc> {
        self.now().checked_add_signed(TimeDelta::minutes(minutes)).unwrap_or_else(|| self.now())
    }

    /// Returns an identifier that occurs in no other scene.
    fn id(&self, what: &str) -> String {
        let (at, number) = self.own;
        format!("_{what}{at}_{number}")
    }

    /// Returns a handle that no other artifact has.
    fn handle(&self) -> [u8; 20] {
        let mut handle = [0; 20];
        let (at, number) = self.artifact;
        let parts = [at.to_be_bytes(), number.to_be_bytes()];
        handle.iter_mut().zip(parts.as_flattened()).for_each(|(to, from)| *to = *from);
        handle
    }

    fn artifact(&self) -> String {
        self.identity_provider().artifact(ARTIFACT_INDEX, self.handle())
    }

    /// Returns a genuine Response about the victim to the request of this browser.
    fn response(&self) -> ResponseBuilder {
        let victim = self.target.0.victim.clone().at(self.now()).in_response_to(&self.asked.id);
        victim.response_id(self.id("response")).assertion_id(self.id("assertion"))
    }

    /// Returns a genuine answer to the question with this ID, with such a Response.
    fn answer(&self, question: &str, response: Option<&Issued>) -> LogoutBuilder {
        self.answer_of(self.identity_provider(), question, response)
    }

    fn answer_of(
        &self,
        identity_provider: &IdentityProvider,
        question: &str,
        response: Option<&Issued>,
    ) -> LogoutBuilder {
        identity_provider.artifact_response(question, response).id(self.id("answer")).at(self.now())
    }

    /// Returns the answer of a genuine identity provider.
    fn genuine(&self, question: &str) -> Text {
        self.answer(question, Some(&self.response().issue()?)).to_soap()
    }

    /// Returns the fields that a genuine browser sends.
    fn fields(&self) -> String {
        self.fields_with(&self.artifact())
    }

    /// Returns these fields with another value instead of the artifact.
    fn fields_with(&self, artifact: &str) -> String {
        format!("SAMLart={}{}", escaped(artifact), self.relay_state())
    }

    fn relay_state(&self) -> String {
        let state = self.asked.relay_state.as_deref();
        state.map(|state| format!("&RelayState={}", escaped(state))).unwrap_or_default()
    }
}

fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The browser that sends the artifact, and what happened before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Setting {
    /// The browser that started the sign-in.
    Same,
    /// Another browser, which started nothing.
    Elsewhere,
    /// A browser that started a sign-in, after the artifact was used for another sign-in.
    UsedBefore,
    /// A browser that started a sign-in, with the RelayState of another browser.
    OtherState,
}

/// An attack, which is made at each door.
struct Row {
    what: &'static str,
    description: &'static str,
    reference: Option<&'static str>,
    setting: Setting,
    bring: fn(&Scene) -> String,
    answer: fn(&Scene, &str) -> Text,
}

/// A named attack on sign-ins by artifact, at one door.
#[derive(Clone, Copy)]
pub struct ArtifactAttack {
    row: &'static Row,
    door: Door,
}

impl ArtifactAttack {
    /// Returns its name: `artifact/`, the attack, and the door.
    #[must_use]
    pub fn name(&self) -> String {
        format!("artifact/{}/{}", self.row.what, self.door.name())
    }

    /// Returns its description.
    #[must_use]
    pub fn description(&self) -> &'static str {
        self.row.description
    }

    /// Returns where it was found, if that is certain.
    #[must_use]
    pub fn reference(&self) -> Option<&'static str> {
        self.row.reference
    }

    /// Returns its door.
    #[must_use]
    pub fn door(&self) -> Door {
        self.door
    }
}

impl fmt::Debug for ArtifactAttack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Returns all attacks on sign-ins by artifact.
#[must_use]
pub fn all() -> Vec<ArtifactAttack> {
    let rows = references::ROWS.iter().chain(answers::ROWS);
    rows.flat_map(|row| Door::ALL.into_iter().map(move |door| ArtifactAttack { row, door })).collect()
}

/// A genuine sign-in.
static GENUINE: Row = Row {
    what: "genuine",
    description: "a genuine artifact and a genuine answer",
    reference: None,
    setting: Setting::Same,
    bring: Scene::fields,
    answer: Scene::genuine,
};

/// Runs every attack. At each door, a genuine artifact must first show that the door works.
pub async fn run(service: &impl ArtifactService, target: &ArtifactTarget) -> EndpointReport {
    let mut entries = Vec::new();
    for door in Door::ALL {
        let mut works = succeeds(service, target, &GENUINE, door).await;
        let attacks: Vec<ArtifactAttack> = all().into_iter().filter(|attack| attack.door == door).collect();
        for some in attacks.chunks(PROOF_AFTER) {
            let mut verdicts = Vec::new();
            for attack in some {
                verdicts.push(match works && succeeds(service, target, attack.row, door).await {
                    true => EndpointVerdict::Succeeded,
                    false if works => EndpointVerdict::Refused,
                    false => EndpointVerdict::Inconclusive,
                });
            }
            works = works && succeeds(service, target, &GENUINE, door).await;
            for (attack, verdict) in some.iter().zip(verdicts) {
                entries.push((attack.name(), verdict.proven_by(works)));
            }
        }
    }
    EndpointReport::new(entries, "SIGNED IN")
}

async fn succeeds(
    service: &impl ArtifactService,
    target: &ArtifactTarget,
    row: &'static Row,
    door: Door,
) -> bool {
    let mut scene = Scene::new(target, service.start().await);
    if row.setting == Setting::UsedBefore {
        let artifact = scene.artifact;
        prepare(&scene, &GENUINE);
        let genuine = door.brought(scene.fields());
        if !service.bring(&genuine).await {
            return false;
        }
        scene = Scene { artifact, ..Scene::new(target, service.start().await) };
    }
    if row.setting == Setting::OtherState {
        let other = scene.asked.relay_state.clone();
        scene = Scene::new(target, service.start().await);
        scene.asked.relay_state = other;
    }
    prepare(&scene, row);
    let brought = door.brought((row.bring)(&scene));
    match row.setting {
        Setting::Elsewhere => service.bring_elsewhere(&brought).await,
        Setting::Same | Setting::UsedBefore | Setting::OtherState => service.bring(&brought).await,
    }
}

/// Lets the resolver give the answer of the attack. If an answer cannot be made, it is empty, which no service
/// believes.
fn prepare(scene: &Scene, row: &'static Row) {
    let answering = scene.clone();
    let answers = move |question: &str| (row.answer)(&answering, question).unwrap_or_default();
    scene.target.0.resolver.answer_with(Arc::new(answers));
}

/// Returns an envelope with this text in its Body.
fn enveloped(body: &str) -> Text {
    Ok(soap(body))
}
