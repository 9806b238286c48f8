//! Attacks on the single logout address: messages that no service may end a session for.
//!
//! Whoever ends other people's sessions at will keeps them out, and has them sign in again where an attacker waits. Each attack comes by the
//! doors that it concerns: in the query of a redirect, in a form, in a SOAP envelope.
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

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_signature::{Signer, sign};
use vouchsafe_xml::Limits;

use super::surgery;
use crate::logout::{form, query, soap};
use crate::{IdentityProvider, KeyPair, LogoutBuilder, TestkitError, keys};

/// Where a message comes in.
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

    fn name(self) -> &'static str {
        match self {
            Door::Redirect => "redirect",
            Door::Post => "post",
            Door::Soap => "soap",
        }
    }
}

/// What is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// GET the single logout address with this query.
    Redirect(String),
    /// POST this form to it, as `application/x-www-form-urlencoded`.
    Post(String),
    /// POST this envelope to the SOAP address, as `text/xml`.
    Soap(String),
}

/// A service that is attacked.
pub trait LogoutService {
    /// Signs the victim in, over the session index of the target.
    fn open(&self) -> impl Future<Output = ()>;

    /// Sends a message, as a browser without cookies or as a server, whatever is answered.
    fn deliver(&self, delivery: &Delivery) -> impl Future<Output = ()>;

    /// Whether the session that was opened last goes on.
    fn is_alive(&self) -> impl Future<Output = bool>;
}

/// Whom the service trusts, and whose session is attacked.
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
    /// A service with this single logout address, which trusts `identity_provider` for the victim and `other` for other people. `victim` is a
    /// logout request of the identity provider's that names the victim and the session index.
    pub fn new(
        identity_provider: IdentityProvider,
        other: IdentityProvider,
        single_logout: impl Into<String>,
        victim: LogoutBuilder,
    ) -> LogoutTarget {
        let single_logout = single_logout.into();
        LogoutTarget { identity_provider, other, single_logout, soap: None, victim, now: of_the_machine }
    }

    /// The SOAP address; without one the attacks over SOAP are left out.
    pub fn with_soap(mut self, address: impl Into<String>) -> LogoutTarget {
        self.soap = Some(address.into());
        self
    }

    /// The time of the service.
    pub fn clock(mut self, now: fn() -> DateTime<Utc>) -> LogoutTarget {
        self.now = now;
        self
    }
}

fn of_the_machine() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// What an attack sees.
struct Scene<'t> {
    target: &'t LogoutTarget,
    door: Door,
}

impl Scene<'_> {
    /// A genuine request for the victim's session, with an ID of its own.
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

    /// The message as the door takes it from who can sign it.
    fn signed(&self, message: &LogoutBuilder) -> Made {
        Ok(vec![match self.door {
            Door::Redirect => Delivery::Redirect(message.to_query(Some("state"))?),
            Door::Post => Delivery::Post(message.to_form(Some("state"))?),
            Door::Soap => Delivery::Soap(message.to_soap()?),
        }])
    }

    /// A text as the door takes it, with nothing that signs it there.
    fn raw(&self, xml: &str) -> Made {
        Ok(vec![match self.door {
            Door::Redirect => Delivery::Redirect(query("SAMLRequest", xml, Some("state"))),
            Door::Post => Delivery::Post(form("SAMLRequest", xml, Some("state"))),
            Door::Soap => Delivery::Soap(soap(xml)),
        }])
    }

    /// A genuine signed Response of the identity provider's.
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
    /// Its name: `logout/`, what it does, and the door.
    #[must_use]
    pub fn name(&self) -> String {
        format!("logout/{}/{}", self.what, self.door.name())
    }

    /// What it does.
    #[must_use]
    pub fn description(&self) -> &'static str {
        self.description
    }

    /// Where it comes in.
    #[must_use]
    pub fn door(&self) -> Door {
        self.door
    }

    /// What is sent, in this order.
    ///
    /// # Errors
    /// When a message cannot be made.
    pub fn deliveries(&self, target: &LogoutTarget) -> Result<Vec<Delivery>, TestkitError> {
        (self.make)(&Scene { target, door: self.door })
    }
}

impl fmt::Debug for LogoutAttack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// All of them.
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

/// What came of one attack.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LogoutVerdict {
    /// The session went on.
    Refused,
    /// The session ended: a finding.
    Ended,
    /// A genuine message at this door does not end the session, so this proves nothing.
    Inconclusive,
}

/// What came of all of them.
#[derive(Clone, Debug)]
#[must_use]
pub struct LogoutReport {
    entries: Vec<(String, LogoutVerdict)>,
}

impl LogoutReport {
    /// Each attack by its name, with what came of it.
    #[must_use]
    pub fn entries(&self) -> &[(String, LogoutVerdict)] {
        &self.entries
    }

    /// The attacks that ended the session.
    pub fn findings(&self) -> impl Iterator<Item = &str> {
        self.of(LogoutVerdict::Ended)
    }

    /// The attacks that prove nothing.
    pub fn inconclusive(&self) -> impl Iterator<Item = &str> {
        self.of(LogoutVerdict::Inconclusive)
    }

    fn of(&self, verdict: LogoutVerdict) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(move |(_, found)| *found == verdict).map(|(name, _)| name.as_str())
    }
}

impl fmt::Display for LogoutReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in self.findings() {
            writeln!(f, "ENDED A SESSION: {name}")?;
        }
        for name in self.inconclusive() {
            writeln!(f, "proves nothing: {name}")?;
        }
        let refused = self.of(LogoutVerdict::Refused).count();
        writeln!(f, "{refused} of {} refused", self.entries.len())
    }
}

/// Runs every attack whose door the service has, after a genuine message has shown that the door works.
pub async fn run(service: &impl LogoutService, target: &LogoutTarget) -> LogoutReport {
    let mut entries = Vec::new();
    for door in Door::ALL.iter().copied().filter(|door| *door != Door::Soap || target.soap.is_some()) {
        let scene = Scene { target, door };
        let works = match scene.signed(&scene.genuine()) {
            Ok(deliveries) => !survives(service, &deliveries).await,
            Err(_) => false,
        };
        for attack in all().into_iter().filter(|attack| attack.door == door) {
            let verdict = match attack.deliveries(target) {
                Ok(deliveries) if works => match survives(service, &deliveries).await {
                    true => LogoutVerdict::Refused,
                    false => LogoutVerdict::Ended,
                },
                _ => LogoutVerdict::Inconclusive,
            };
            entries.push((attack.name(), verdict));
        }
    }
    LogoutReport { entries }
}

/// Whether a session that is opened before the last message outlives it.
async fn survives(service: &impl LogoutService, deliveries: &[Delivery]) -> bool {
    for delivery in deliveries {
        service.open().await;
        service.deliver(delivery).await;
    }
    service.is_alive().await
}

struct Row {
    what: &'static str,
    doors: &'static [Door],
    description: &'static str,
    make: fn(&Scene<'_>) -> Made,
}

const fn row(what: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Row {
    Row { what, doors: Door::ALL, description, make }
}

const fn at(doors: &'static [Door], row: Row) -> Row {
    Row { doors, ..row }
}

const FRONT: &[Door] = &[Door::Redirect, Door::Post];
const ENVELOPED: &[Door] = &[Door::Post, Door::Soap];

const ROWS: &[Row] = &[
    row("unsigned", "a request that nobody signed (esaml, CVE-2026-86696)", |s| s.raw(&s.genuine().xml()?)),
    row("attacker-key", "signed by a key of the attacker's", |s| {
        s.signed(&s.genuine().key(keys::attacker()))
    }),
    row("other-key", "signed by the key of another identity provider that is trusted", |s| {
        s.signed(&s.genuine().key(s.target.other.key()))
    }),
    row("other-identity-provider", "another trusted identity provider names the victim", |s| {
        s.signed(&s.genuine().issuer(Some(s.target.other.entity_id())).key(s.target.other.key()))
    }),
    row("service-provider-key", "signed by the key of the service itself", |s| {
        s.signed(&s.genuine().key(keys::service_provider()))
    }),
    row(
        "assertion-in-extensions",
        "a genuine signed Assertion in Extensions (Keycloak, CVE-2026-133430)",
        |s| {
            let assertion = surgery::copy(&s.response()?, &["Response", "Assertion"])?;
            let declared = match assertion.contains("xmlns:saml2=") {
                true => assertion,
                false => assertion.replacen("<saml2:Assertion", &format!("<saml2:Assertion {SAML2}"), 1),
            };
            s.raw(&s.genuine().extensions(declared).xml()?)
        },
    ),
    row("response-in-extensions", "a genuine signed Response in Extensions (pac4j, CVE-2026-82465)", |s| {
        s.raw(&s.genuine().extensions(s.response()?).xml()?)
    }),
    row("request-in-extensions", "a genuine signed request for somebody else in Extensions", |s| {
        let other = s.genuine().name_id("somebody@example.com").signed()?;
        s.raw(&s.genuine().extensions(other).xml()?)
    }),
    row("wrapped-in-signed", "a forged request in Extensions of a genuine one for somebody else", |s| {
        let forged = s.genuine().xml()?;
        s.signed(&s.genuine().name_id("somebody@example.com").extensions(forged))
    }),
    row("other-destination", "a genuine request to another service", |s| {
        s.signed(&s.genuine().destination(Some("https://other.example/saml/slo")))
    }),
    row("destination-prefix", "a Destination that begins as the address does", |s| {
        let longer = format!("{}.evil.example", s.target.single_logout);
        s.signed(&s.genuine().destination(Some(&longer)))
    }),
    row("destination-case", "a Destination in other letters", |s| {
        s.signed(&s.genuine().destination(Some(&s.target.single_logout.to_uppercase())))
    }),
    row("empty-destination", "an empty Destination", |s| s.signed(&s.genuine().destination(Some("")))),
    at(FRONT, row("no-destination", "no Destination", |s| s.signed(&s.genuine().destination(None)))),
    row("expired", "NotOnOrAfter is past", |s| {
        s.signed(&s.genuine().not_on_or_after("2020-01-01T00:00:00Z"))
    }),
    row("malformed-end", "a NotOnOrAfter that is no time", |s| {
        s.signed(&s.genuine().not_on_or_after("never"))
    }),
    row("old", "issued an hour ago, without NotOnOrAfter", |s| s.signed(&s.genuine().at(s.ago(60)))),
    row("future", "issued an hour from now", |s| s.signed(&s.genuine().at(s.ago(-60)))),
    row("no-time", "an IssueInstant that is no time", |s| s.signed(&s.genuine().issue_instant("now"))),
    row("version", "of SAML 1.1", |s| s.signed(&s.genuine().version("1.1"))),
    row("no-issuer", "without Issuer", |s| s.signed(&s.genuine().issuer(None))),
    row("issuer-format", "an Issuer that is no entity", |s| {
        s.signed(&s.genuine().issuer_format(crate::EMAIL_ADDRESS))
    }),
    row("replayed", "a genuine request, sent again after the victim signed in again", |s| {
        let delivery = s.signed(&s.genuine())?;
        Ok([delivery.clone(), delivery].concat())
    }),
    row("comment", "a genuine request for a name that begins as the victim's, behind a comment", |s| {
        let genuine = s.genuine();
        let name = surgery::copy(&genuine.xml()?, &["LogoutRequest", "NameID"])?;
        let longer = name.replacen("</saml:NameID>", "<!-- -->.evil.example</saml:NameID>", 1);
        s.signed(&genuine.without_name_id().raw(longer))
    }),
    row("other-format", "the victim's name in another Format", |s| {
        s.signed(&s.genuine().name_id_format(Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")))
    }),
    row("no-format", "the victim's name without Format", |s| s.signed(&s.genuine().name_id_format(None))),
    row("name-qualifier", "the victim's name with a NameQualifier", |s| {
        s.signed(&s.genuine().qualifiers(Some("https://idp.example"), None))
    }),
    row("service-provider-qualifier", "the victim's name with an SPNameQualifier", |s| {
        s.signed(&s.genuine().qualifiers(None, Some("https://other.example")))
    }),
    row("foreign-name", "the victim's name in an element of another vocabulary", |s| {
        s.signed(&s.genuine().name_id("somebody@example.com").raw("<NameID>ada@example.com</NameID>"))
    }),
    row("two-names", "two names, of which one is the victim's", |s| {
        let genuine = s.genuine();
        let name = surgery::copy(&genuine.xml()?, &["LogoutRequest", "NameID"])?;
        s.signed(&genuine.name_id("somebody@example.com").raw(name))
    }),
    row("response", "a genuine Response in the place of a request", |s| s.raw(&s.response()?)),
    row("doctype", "a document type with an entity", |s| {
        s.raw(&format!("<!DOCTYPE r [<!ENTITY e \"x\">]>{}", s.genuine().xml()?))
    }),
    at(
        ENVELOPED,
        row("changed", "a genuine request for somebody else, changed after it was signed", |s| {
            let somebody = s.genuine().name_id("somebody@example.com").signed()?;
            let name = surgery::copy(&s.genuine().xml()?, &["LogoutRequest", "NameID"])?;
            s.raw(&surgery::replace(&somebody, &["LogoutRequest", "NameID"], &name)?)
        }),
    ),
    at(
        ENVELOPED,
        row("moved-signature", "the signature of another request", |s| {
            let somebody = s.genuine().name_id("somebody@example.com").signed()?;
            let signature = surgery::copy(&somebody, &["LogoutRequest", "Signature"])?;
            let forged = s.genuine().xml()?;
            s.raw(&forged.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1))
        }),
    ),
    at(
        ENVELOPED,
        row("signature-of-extensions", "a signature that refers to what stands in Extensions", |s| {
            let inner = s.genuine().name_id("somebody@example.com").signed()?;
            let signature = surgery::copy(&inner, &["LogoutRequest", "Signature"])?;
            let bare = surgery::without(&inner, &["LogoutRequest", "Signature"])?;
            let forged = s.genuine().extensions(bare).xml()?;
            s.raw(&forged.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1))
        }),
    ),
    at(
        ENVELOPED,
        row("attacker-certificate", "signed by the attacker, whose certificate is in the message", |s| {
            s.raw(&resigned(&s.genuine(), keys::attacker())?)
        }),
    ),
    at(
        ENVELOPED,
        row("empty-signature", "a Signature with nothing in it", |s| {
            let empty = "</saml:Issuer><ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>";
            s.raw(&s.genuine().xml()?.replacen("</saml:Issuer>", empty, 1))
        }),
    ),
    at(
        REDIRECT,
        row("enveloped-only", "an enveloped signature and none in the query", |s| {
            s.raw(&s.genuine().key(keys::attacker()).signed()?)
        }),
    ),
    at(
        REDIRECT,
        row("escaped-name", "SAMLRe%71uest in the place of SAMLRequest", |s| {
            bent(s, |genuine, forged| format!("{genuine}&SAMLRe%71uest={forged}"))
        }),
    ),
    at(
        REDIRECT,
        row("escaped-first", "an escaped name before the signed one", |s| {
            bent(s, |genuine, forged| format!("SAMLRe%71uest={forged}&{genuine}"))
        }),
    ),
    at(
        REDIRECT,
        row("repeated", "a forged message behind the signed one", |s| {
            bent(s, |genuine, forged| format!("{genuine}&SAMLRequest={forged}"))
        }),
    ),
    at(
        REDIRECT,
        row("repeated-first", "a forged message before the signed one", |s| {
            bent(s, |genuine, forged| format!("SAMLRequest={forged}&{genuine}"))
        }),
    ),
    at(
        REDIRECT,
        row("array", "a forged SAMLRequest[] beside the signed one", |s| {
            bent(s, |genuine, forged| format!("{genuine}&SAMLRequest[]={forged}"))
        }),
    ),
    at(
        REDIRECT,
        row("question-mark", "a forged message behind a second question mark", |s| {
            bent(s, |genuine, forged| format!("?SAMLRequest={forged}&{genuine}"))
        }),
    ),
    at(
        REDIRECT,
        row("exchanged", "the signature of another query", |s| {
            bent(s, |genuine, forged| {
                let rest = genuine.split_once("&RelayState").map(|(_, rest)| rest).unwrap_or_default();
                format!("SAMLRequest={forged}&RelayState{rest}")
            })
        }),
    ),
    at(
        REDIRECT,
        row("empty-query-signature", "SigAlg and an empty Signature", |s| {
            let query = s.genuine().to_query(Some("state"))?;
            let (signed, _) = query.split_once("&Signature=").unwrap_or((&query, ""));
            Ok(vec![Delivery::Redirect(format!("{signed}&Signature="))])
        }),
    ),
    at(
        POST,
        row("in-response-field", "a request in the field SAMLResponse", |s| {
            Ok(vec![Delivery::Post(form("SAMLResponse", &s.genuine().signed()?, None))])
        }),
    ),
    at(
        POST,
        row("two-fields", "a genuine request for somebody else, and a forged one beside it", |s| {
            let genuine = form("SAMLRequest", &s.genuine().name_id("somebody@example.com").signed()?, None);
            let forged = form("SAMLRequest", &s.genuine().xml()?, None);
            Ok(vec![
                Delivery::Post(format!("{genuine}&{forged}")),
                Delivery::Post(format!("{forged}&{genuine}")),
            ])
        }),
    ),
    at(
        SOAP,
        row("two-messages", "a forged request beside a genuine one for somebody else", |s| {
            let genuine = s.genuine().name_id("somebody@example.com").signed()?;
            let forged = s.genuine().xml()?;
            Ok(vec![
                Delivery::Soap(soap(&[&genuine[..], &forged].concat())),
                Delivery::Soap(soap(&[forged, genuine].concat())),
            ])
        }),
    ),
    at(
        SOAP,
        row("signed-header", "a genuine request in the Header, a forged one in the Body", |s| {
            let genuine = s.genuine().name_id("somebody@example.com").signed()?;
            let envelope = soap(&s.genuine().xml()?);
            let header = format!("<S:Header>{genuine}</S:Header><S:Body>");
            Ok(vec![Delivery::Soap(envelope.replacen("<S:Body>", &header, 1))])
        }),
    ),
    at(
        SOAP,
        row("two-bodies", "a second Body with a forged request", |s| {
            let genuine = soap(&s.genuine().name_id("somebody@example.com").signed()?);
            let second = format!("</S:Body><S:Body>{}</S:Body>", s.genuine().xml()?);
            Ok(vec![Delivery::Soap(genuine.replacen("</S:Body>", &second, 1))])
        }),
    ),
];

const REDIRECT: &[Door] = &[Door::Redirect];
const POST: &[Door] = &[Door::Post];
const SOAP: &[Door] = &[Door::Soap];
const SAML2: &str = "xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"";

/// A genuine query for somebody else, bent by the value of a forged message.
fn bent(scene: &Scene<'_>, bend: fn(&str, &str) -> String) -> Made {
    let genuine = scene.genuine().name_id("somebody@example.com").to_query(Some("state"))?;
    let forged = scene.genuine().to_unsigned_query(None)?;
    let value = forged.strip_prefix("SAMLRequest=").unwrap_or_default();
    Ok(vec![Delivery::Redirect(bend(&genuine, value))])
}

fn resigned(message: &LogoutBuilder, key: &KeyPair) -> Result<String, TestkitError> {
    let xml = message.xml()?;
    let id = xml.split_once(" ID=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(id, _)| id);
    let signer = Signer::new(key.private_key()).certificate(key.certificate());
    Ok(sign(&xml, id.unwrap_or_default(), &signer, keys::provider(), &Limits::default())?)
}
