//! Attacks on the availability of one customer's connection by another customer, who configures metadata of their own.
//!
//! An entity ID and a public key are public, and so anybody can enter those of somebody else. This may not stop the
//! sign-in or the sign-out of the customer whose they are. Each attack is made by metadata that the service may
//! refuse; if it takes them, everything must go on as before for the first customer.
//!
//! ```
//! use vouchsafe_testkit::attacks::availability::{SharedService, SignIn, run};
//! use vouchsafe_testkit::attacks::logout::{LogoutService, LogoutTarget, SignOutService};
//!
//! struct App; // what the test knows of the service
//! # use vouchsafe_testkit::attacks::{Answered, Asked, Delivery, logout::SignedOut};
//! # impl LogoutService for App {
//! #     async fn open(&self) {}
//! #     async fn deliver(&self, _: &Delivery) -> Answered { Answered::Refused }
//! #     async fn is_alive(&self) -> bool { true }
//! # }
//! # impl SignOutService for App {
//! #     async fn start(&self) -> Asked { Asked::new("_request") }
//! #     async fn bring(&self, _: &Delivery) -> SignedOut { SignedOut::Refused }
//! #     async fn bring_elsewhere(&self, _: &Delivery) -> SignedOut { SignedOut::Refused }
//! #     async fn sign_in_again(&self) {}
//! #     async fn is_signed_in(&self) -> bool { true }
//! # }
//! # impl App {
//! #     async fn configure(&self, _: &str) -> bool { true }
//! #     async fn remove_all(&self) {}
//! #     async fn bring(&self, _: &str) {}
//! #     async fn log_in(&self, _: bool) -> bool { true }
//! # }
//!
//! impl SharedService for App {
//!     async fn connect(&self, metadata: &str) -> bool {
//!         self.configure(metadata).await // as a customer of their own, and activate the connection
//!     }
//!     async fn disconnect(&self) {
//!         self.remove_all().await // all that `connect` has added
//!     }
//!     async fn bring_artifact(&self, artifact: &str) {
//!         self.bring(artifact).await // for a sign-in over the last connection, until it is answered
//!     }
//!     async fn sign_in(&self, by: SignIn) -> Option<bool> {
//!         Some(self.log_in(by == SignIn::Unasked).await) // a person of the first customer, with a genuine Response
//!     }
//! }
//!
//! # async fn example(target: LogoutTarget) {
//! run(&App, &target).await.assert_none_accepted();
//! # }
//! ```

use std::future::Future;
use std::io;

use vouchsafe_crypto::KeyKind;

use super::answers;
use super::artifact::Resolver;
use super::delivery::Door;
use super::endpoint_report::{EndpointAttack, EndpointReport, EndpointVerdict};
use super::logout::{LogoutService, LogoutTarget, Sessions, SignOutService, SignOuts};
use super::requests;
use super::wait::beside;
use crate::{ARTIFACT_INDEX, IdentityProvider, KeyPair, TestkitError, keys};

/// A service with several customers, of whom each configures their own connection.
pub trait SharedService: LogoutService + SignOutService {
    /// Connects another customer, who enters these metadata, and activates the connection. Returns `false` if the
    /// service refuses the metadata.
    fn connect(&self, metadata: &str) -> impl Future<Output = bool>;

    /// Removes all connections that [`connect`](Self::connect) has added.
    fn disconnect(&self) -> impl Future<Output = ()>;

    /// Starts a sign-in over the last connection that was added, in a new browser, and brings this artifact of its
    /// identity provider for it, until it is answered. The resolution service does not answer, so this may last long. A
    /// service that takes no artifacts does nothing; the attacks by artifacts are inconclusive then.
    fn bring_artifact(&self, artifact: &str) -> impl Future<Output = ()>;

    /// Signs a person of the first customer in, in a new browser with a genuine Response, and returns whether the
    /// person is signed in then. Returns `None` if people cannot sign in like this.
    fn sign_in(&self, by: SignIn) -> impl Future<Output = Option<bool>>;
}

/// How a sign-in begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SignIn {
    /// At the service: the Response answers its request.
    Asked,
    /// At the identity provider: the Response answers no request.
    Unasked,
}

/// What the first customer's people do.
#[derive(Clone, Copy)]
enum Way {
    SignIn(SignIn),
    /// Their identity provider ends their session.
    Logout(Door),
    /// They sign out at the service, and their identity provider answers.
    SignOut(Door),
}

const WAYS: [(&str, Way); 7] = [
    ("sign-in", Way::SignIn(SignIn::Asked)),
    ("unasked-sign-in", Way::SignIn(SignIn::Unasked)),
    ("logout-by-redirect", Way::Logout(Door::Redirect)),
    ("logout-by-post", Way::Logout(Door::Post)),
    ("logout-by-soap", Way::Logout(Door::Soap)),
    ("sign-out-by-redirect", Way::SignOut(Door::Redirect)),
    ("sign-out-by-post", Way::SignOut(Door::Post)),
];

/// How many connections a customer makes who makes many: more than any service should have to look at.
const MANY: usize = 40;

/// How many artifacts are brought that are not resolved, if any are.
const ARTIFACTS: u8 = 40;

/// An attack, which is made on each way.
struct Row {
    what: &'static str,
    description: &'static str,
    /// Makes the identity providers of the other customer's connections from the first customer's.
    make: fn(&IdentityProvider) -> Result<Vec<IdentityProvider>, TestkitError>,
    /// Whether people of the other customer bring artifacts meanwhile, which their resolution service does not resolve.
    is_slow: bool,
}

const ROWS: &[Row] = &[
    Row {
        what: "entity-id",
        description: "another customer's connection has the entity ID, with a key of its own",
        make: |victim| Ok(vec![victim.clone().with_key(keys::attacker())]),
        is_slow: false,
    },
    Row {
        what: "entity-id-many-keys",
        description: "the same, with many keys",
        make: |victim| {
            let mut copy = victim.clone().with_key(keys::attacker());
            for number in 0..7 {
                copy = copy.with_next_certificate(own_key(number)?.certificate());
            }
            Ok(vec![copy])
        },
        is_slow: false,
    },
    Row {
        what: "entity-id-upper-case",
        description: "another customer's connection has the entity ID in capitals, with the public key",
        make: |victim| Ok(vec![named(victim, &victim.entity_id().to_uppercase())]),
        is_slow: false,
    },
    Row {
        what: "key",
        description: "another customer's connection has the public key, under an entity ID of its own",
        make: |victim| Ok(vec![named(victim, "https://attacker.example/idp")]),
        is_slow: false,
    },
    Row {
        what: "key-beside-own",
        description: "another customer's connection has the public key beside its own, under its own entity ID",
        make: |victim| {
            let own = named(victim, "https://attacker.example/idp").with_key(keys::attacker());
            Ok(vec![own.with_next_certificate(victim.key().certificate())])
        },
        is_slow: false,
    },
    Row {
        what: "copy",
        description: "another customer's connection has the metadata, byte for byte",
        make: |victim| Ok(vec![victim.clone()]),
        is_slow: false,
    },
    Row {
        what: "copy-with-own-key",
        description: "the same, with a key of its own beside the public key",
        make: |victim| {
            let copy = victim.clone().with_key(keys::attacker());
            Ok(vec![copy.with_next_certificate(victim.key().certificate())])
        },
        is_slow: false,
    },
    Row {
        what: "copy-with-own-addresses",
        description: "the same metadata with other addresses, to which answers would go",
        make: |victim| {
            let copy =
                IdentityProvider::new(victim.entity_id(), "https://attacker.example/sso", victim.key());
            Ok(vec![copy.with_single_logout("https://attacker.example/slo")])
        },
        is_slow: false,
    },
    Row {
        what: "many-copies",
        description: "many connections have the metadata",
        make: |victim| Ok(vec![victim.clone(); MANY]),
        is_slow: false,
    },
    Row {
        what: "many-entity-ids",
        description: "many connections have the entity ID, each with a key of its own",
        make: |victim| (0..MANY).map(|number| Ok(victim.clone().with_key(&own_key(number)?))).collect(),
        is_slow: false,
    },
    Row {
        what: "many-keys",
        description: "many connections have the public key, each under an entity ID of its own",
        make: |victim| {
            let own = |number| Ok(named(victim, &format!("https://attacker.example/idp/{number}")));
            (0..MANY).map(own).collect()
        },
        is_slow: false,
    },
    Row {
        what: "unresolved-artifacts",
        description: "another customer's connection has the entity ID, and its server resolves no artifact and never answers",
        make: |victim| Ok(vec![victim.clone().with_key(keys::attacker())]),
        is_slow: true,
    },
];

fn named(victim: &IdentityProvider, entity_id: &str) -> IdentityProvider {
    IdentityProvider::new(entity_id, victim.single_sign_on(), victim.key())
}

fn own_key(number: usize) -> Result<KeyPair, TestkitError> {
    KeyPair::generate(KeyKind::P256, &format!("attacker {number}"))
}

impl Row {
    /// Returns the metadata of the other customer's connections.
    fn metadata(
        &self,
        victim: &IdentityProvider,
        resolver: &io::Result<Resolver>,
    ) -> Result<Vec<String>, TestkitError> {
        let made = (self.make)(victim)?;
        let with_resolver = |one| match resolver {
            Ok(resolver) if self.is_slow => resolver.at(one),
            _ => one,
        };
        made.into_iter().map(|one| with_resolver(one).metadata()).collect()
    }

    /// Returns the artifacts that people of the other customer bring.
    fn artifacts(&self, victim: &IdentityProvider) -> Vec<String> {
        let most = if self.is_slow { ARTIFACTS } else { 0 };
        (0..most).map(|number| victim.artifact(ARTIFACT_INDEX, [number; 20])).collect()
    }

    fn attack(&self, way: &'static str) -> EndpointAttack {
        EndpointAttack::new("availability", self.what, way, self.description)
    }
}

/// Returns all attacks on the availability of one customer's connection.
#[must_use]
pub fn all() -> Vec<EndpointAttack> {
    ROWS.iter().flat_map(|row| WAYS.iter().map(|(way, _)| row.attack(way))).collect()
}

/// Runs every attack that the service has a way for. Before each of them, and after the connections of the other
/// customer were removed, everything must work.
pub async fn run(service: &impl SharedService, target: &LogoutTarget) -> EndpointReport {
    let mut entries = Vec::new();
    for row in ROWS {
        let mut open = Vec::new();
        for (name, way) in WAYS {
            if let Some(works) = works(service, target, way).await {
                open.push((name, way, works));
            }
        }
        let resolver = Resolver::silent();
        let made = row.metadata(target.place().identity_provider, &resolver);
        let mut is_connected = false;
        for metadata in made.iter().flatten() {
            is_connected |= service.connect(metadata).await;
        }
        let artifacts = row.artifacts(target.place().identity_provider);
        let mut waiting =
            artifacts.iter().map(|artifact| Box::pin(service.bring_artifact(artifact))).collect();
        let is_asked = match &resolver {
            Ok(resolver) => resolver.until_asked(&mut waiting).await,
            Err(_) => false,
        };
        for (name, way, works_alone) in open {
            let verdict = match (&made, works_alone) {
                (Ok(_), true) => match beside(&mut waiting, works(service, target, way)).await {
                    Some(true) if !is_connected => EndpointVerdict::Refused,
                    // A service that resolves no artifact waits for nobody: that proves nothing.
                    Some(true) if row.is_slow && !is_asked => EndpointVerdict::Inconclusive,
                    Some(true) => EndpointVerdict::Harmless,
                    _ => EndpointVerdict::Succeeded,
                },
                _ => EndpointVerdict::Inconclusive,
            };
            entries.push((row.attack(name).name().to_owned(), verdict));
        }
        service.disconnect().await;
    }
    EndpointReport::new(entries, "STOPPED ANOTHER CUSTOMER")
}

/// Returns whether people of the first customer can do this; `None` if the service does not have it.
async fn works(service: &impl SharedService, target: &LogoutTarget, way: Way) -> Option<bool> {
    match way {
        Way::SignIn(by) => service.sign_in(by).await,
        Way::Logout(door) => {
            let has_door = target.place().doors().any(|one| one == door);
            let sessions = Sessions { service, target };
            if has_door { Some(requests::works(&sessions, target.place(), door).await) } else { None }
        }
        Way::SignOut(door) => Some(answers::works(&SignOuts(service), target.place(), door).await),
    }
}
