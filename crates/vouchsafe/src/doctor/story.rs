//! The story of a recording: what was asked and answered in which order, what that shows, and its first cause.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use vouchsafe_xml::{Document, Quoted};

use super::complaint::{Complaint, Own, Severity};
use super::har::Step;
use super::recognise::{Found, kind};
use super::service_log::LoggedRefusal;
use super::surroundings::Told;
use super::{Exhibit, Kind, pages, story_rules};

/// Events that are told.
const EVENTS: usize = 200;

/// What a recording of a browser tells as a whole.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Story {
    /// The file.
    pub source: String,
    /// The first error in the order of time, of the sequence or of a message in it. None: nothing is wrong with what was judged.
    pub cause: Option<Cause>,
    /// What happened, in its order.
    pub events: Vec<Event>,
    /// What was judged of the sequence.
    pub judged: Vec<&'static str>,
    /// What was not, since the recording does not have it.
    pub not_judged: Vec<&'static str>,
}

/// The first cause.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Cause {
    /// The request of the recording, counted from 1.
    pub request: usize,
    /// What is wrong there.
    pub complaint: Complaint,
}

/// One step of the story.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// The request of the recording, counted from 1.
    pub request: usize,
    /// When it was sent.
    pub at: Option<DateTime<Utc>>,
    /// Seconds since the event before.
    pub seconds_since: Option<i64>,
    /// Its method.
    pub method: String,
    /// Its address, without the query.
    pub address: String,
    /// The status of the answer.
    pub status: Option<u16>,
    /// What it is to the sign-in.
    pub what: String,
    /// What the sequence shows to be wrong here.
    pub complaints: Vec<Complaint>,
}

/// A message of the recording, as far as the sequence is concerned.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) step: usize,
    pub(crate) kind: Kind,
    pub(crate) id: Option<String>,
    pub(crate) in_response_to: Option<String>,
    /// The assertion consumer that a request names.
    pub(crate) consumer: Option<String>,
}

impl Seen {
    pub(crate) fn of(found: &Found) -> Option<Seen> {
        let (step, document, kind) = match found {
            Found::Message(read) => {
                let document = read.parsed.as_ref().ok();
                (read.message.step?, document, document.map_or(Kind::Unrecognised, kind))
            }
            Found::Artifact { step, .. } => ((*step)?, None, Kind::Artifact),
            Found::Nothing { step, .. } => ((*step)?, None, Kind::Unrecognised),
            _ => return None,
        };
        let attribute = |name: &str| {
            let value = document.map(Document::root)?.attribute(name)?;
            Some(value.to_owned())
        };
        Some(Seen {
            step,
            kind,
            id: attribute("ID"),
            in_response_to: attribute("InResponseTo"),
            consumer: attribute("AssertionConsumerServiceURL"),
        })
    }
}

/// A recording with everything that was found in it.
#[derive(Debug)]
pub(crate) struct Recorded<'a> {
    pub(crate) steps: &'a [Step],
    /// In their order.
    pub(crate) seen: &'a [Seen],
    /// What the logs of the service that were given say of refusals.
    pub(crate) refusals: &'a [LoggedRefusal],
    pub(crate) request_lifetime: RequestLifetime,
    /// Our assertion consumer, if the operator told it.
    pub(crate) consumer: Option<Told>,
    /// Steps that belong to a sign-in at another service.
    pub(crate) elsewhere: Vec<usize>,
}

/// How long a request waits for its answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestLifetime(pub(crate) Option<TimeDelta>);

impl RequestLifetime {
    /// What holds where nobody configured it (`Builder::request_lifetime`).
    const USUAL: i64 = 600;

    pub(crate) fn seconds(self) -> i64 {
        self.0.map_or(Self::USUAL, |told| told.num_seconds())
    }
}

impl fmt::Display for RequestLifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        match self.0 {
            Some(_) => write!(f, "a request of this service waits {seconds} s"),
            None => write!(f, "a request waits {seconds} s unless it is configured otherwise"),
        }
    }
}

impl Recorded<'_> {
    pub(crate) fn step(&self, place: usize) -> Option<&Step> {
        self.steps.get(place)
    }

    /// The messages of a kind.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(move |seen| seen.kind == kind && !self.elsewhere.contains(&seen.step))
    }

    /// The reference of a refusal on the page that was answered at a step.
    pub(crate) fn reference(&self, place: usize) -> Option<&str> {
        pages::reference(self.step(place)?.page.as_deref()?)
    }

    /// What a log says of the refusal at a step.
    pub(crate) fn logged(&self, place: usize) -> Option<&LoggedRefusal> {
        let reference = self.reference(place)?;
        self.refusals.iter().find(|refusal| refusal.reference.as_deref() == Some(reference))
    }

    /// Whether the browser saved cookies at all: by default they are left out.
    pub(crate) fn has_cookies(&self) -> bool {
        self.steps.iter().any(|step| !step.sent.is_empty() || !step.set.is_empty())
    }

    fn has(&self, present: impl Fn(&Step) -> bool) -> bool {
        self.seen.iter().filter_map(|seen| self.step(seen.step)).any(present)
    }
}

/// The steps whose messages are said to be of a sign-in at another service.
pub(crate) fn elsewhere(seen: &[Seen], exhibits: &[&Exhibit]) -> Vec<usize> {
    let is_elsewhere =
        |exhibit: &Exhibit| exhibit.complaints.iter().any(|one| one.code == Own::AnotherService.code());
    seen.iter().zip(exhibits).filter(|(_, one)| is_elsewhere(one)).map(|(seen, _)| seen.step).collect()
}

/// Tells the story; `exhibits` are those of the messages, each beside its place among them.
pub(crate) fn tell(source: String, recorded: &Recorded<'_>, exhibits: &[&Exhibit]) -> Story {
    let wrong = story_rules::judge(recorded, exhibits);
    let mut story = Story {
        source,
        cause: first_cause(recorded, exhibits, &wrong),
        events: Vec::new(),
        judged: vec!["the order of the messages"],
        not_judged: Vec::new(),
    };
    for (what, there) in [
        ("the times between them", recorded.has(|step| step.time.is_some())),
        ("the status codes of the answers", recorded.has(|step| step.status.is_some())),
        ("the cookies", recorded.has_cookies()),
    ] {
        if there { &mut story.judged } else { &mut story.not_judged }.push(what);
    }
    let mut before: Option<DateTime<Utc>> = None;
    for place in told_steps(recorded, &wrong) {
        let Some(step) = recorded.step(place) else { continue };
        let since =
            step.time.zip(before).map(|(time, before)| time.signed_duration_since(before).num_seconds());
        before = step.time.or(before);
        story.events.push(Event {
            request: place.saturating_add(1),
            at: step.time,
            seconds_since: since,
            method: Quoted::new(&step.method).to_string().trim_matches(['“', '”']).to_owned(),
            address: step.address.chars().take(500).collect(),
            status: step.status,
            what: what(recorded, place, step),
            complaints: wrong.iter().filter(|(at, _)| *at == place).map(|(_, one)| one.clone()).collect(),
        });
    }
    story
}

/// The first error: of the sequence before those of the message at the same place.
fn first_cause(
    recorded: &Recorded<'_>,
    exhibits: &[&Exhibit],
    wrong: &[(usize, Complaint)],
) -> Option<Cause> {
    // What belongs to a sign-in at another service is no cause of what fails here.
    let elsewhere = &recorded.elsewhere;
    let of_sequence = wrong
        .iter()
        .filter(|(step, _)| !elsewhere.contains(step))
        .map(|(step, complaint)| (*step, 0_u8, complaint));
    let of_messages =
        recorded.seen.iter().zip(exhibits).flat_map(|(seen, exhibit)| {
            exhibit.complaints.iter().map(|complaint| (seen.step, 1_u8, complaint))
        });
    let errors = of_sequence.chain(of_messages).filter(|(.., one)| one.severity == Severity::Error);
    let (step, _, complaint) = errors.min_by_key(|(step, order, _)| (*step, *order))?;
    Some(Cause { request: step.saturating_add(1), complaint: complaint.clone() })
}

/// The steps that belong to the story: those with messages, those that something is said of, and what set cookies before.
fn told_steps(recorded: &Recorded<'_>, wrong: &[(usize, Complaint)]) -> Vec<usize> {
    let messages = recorded.seen.iter().map(|seen| seen.step);
    let starts = recorded.all(Kind::AuthnRequest).filter_map(|request| story_rules::start(recorded, request));
    let mut places: Vec<usize> =
        messages.chain(wrong.iter().map(|(place, _)| *place)).chain(starts).collect();
    places.sort_unstable();
    places.dedup();
    places.truncate(EVENTS);
    places
}

fn what(recorded: &Recorded<'_>, place: usize, step: &Step) -> String {
    let mut parts = Vec::new();
    for seen in recorded.seen.iter().filter(|seen| seen.step == place) {
        let answered = seen.in_response_to.as_deref().filter(|id| !id.is_empty());
        let name = seen.kind.name();
        parts.push(match (seen.kind, answered) {
            (Kind::Response, Some(id)) => format!("{name} to {}", Quoted::new(id)),
            (Kind::Response, None) => format!("{name} that answers no request"),
            _ => seen.id.as_ref().map_or(name.to_owned(), |id| format!("{name} {}", Quoted::new(id))),
        });
    }
    if parts.is_empty() {
        parts.push("a page of the sign-in".to_owned());
    }
    let set: Vec<&str> = step.set.iter().filter(|one| !one.ends).map(|one| one.name.as_str()).collect();
    for (verb, names) in [("with the cookies", step.sent.iter().map(String::as_str).collect()), ("sets", set)]
    {
        let names: Vec<&str> = names;
        if !names.is_empty() {
            parts.push(format!("{verb} {}", Quoted::new(&names.join(", "))));
        }
    }
    parts.join("; ")
}
