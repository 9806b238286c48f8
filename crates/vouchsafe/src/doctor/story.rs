//! The story of a recording: the sequence of requests and answers, its faults, and the first cause.

use chrono::{DateTime, Utc};
use serde::Serialize;
use vouchsafe_xml::Quoted;

use super::complaint::{Complaint, Severity};
use super::exhibit::{Exhibit, Kind};
use super::har::Step;
use super::recorded::{Recorded, Shown, start};
use super::story_rules;

/// The maximum number of events in a story.
const EVENTS: usize = 200;

/// The doctor's findings about a whole recording.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Story {
    /// The file of the recording.
    pub source: String,
    /// The earliest error of the sequence or of a message in it; `None` if nothing that was checked is wrong.
    pub cause: Option<Cause>,
    /// The events in the order of time.
    pub events: Vec<Event>,
    /// The checks of the sequence that were made.
    pub judged: Vec<&'static str>,
    /// The checks that were not made, because the recording lacks the data.
    pub not_judged: Vec<&'static str>,
}

/// The first cause of a failure.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Cause {
    /// The number of the request in the recording, from 1.
    pub request: usize,
    /// The complaint about it.
    pub complaint: Complaint,
}

/// One event of the story.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// The number of the request in the recording, from 1.
    pub request: usize,
    /// The time when it was sent.
    pub at: Option<DateTime<Utc>>,
    /// The seconds since the previous event.
    pub seconds_since: Option<i64>,
    /// The HTTP method.
    pub method: String,
    /// The address, without the query.
    pub address: String,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The meaning of the event for the sign-in.
    pub what: String,
    /// The faults of the sequence that show at this event.
    pub complaints: Vec<Complaint>,
}

/// Makes the story. `exhibits` are those of the messages, in the same order.
pub(crate) fn tell(source: String, recorded: &Recorded<'_>, exhibits: &[&Exhibit]) -> Story {
    let wrong = story_rules::judge(recorded, exhibits);
    let has_lost_cookie = wrong.iter().any(|(_, one)| one.code == Shown::LostCookie.code());
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
        ("the cookies", recorded.sends_cookies() || has_lost_cookie),
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

/// Returns the first error. At the same step, an error of the sequence comes before an error of the message.
fn first_cause(
    recorded: &Recorded<'_>,
    exhibits: &[&Exhibit],
    wrong: &[(usize, Complaint)],
) -> Option<Cause> {
    // Errors of a sign-in at another service are not the cause of a failure here.
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

/// Returns the steps of the story: those with messages, those with complaints, and those that set cookies before a
/// request.
fn told_steps(recorded: &Recorded<'_>, wrong: &[(usize, Complaint)]) -> Vec<usize> {
    let messages = recorded.seen.iter().map(|seen| seen.step);
    let starts = recorded.all(Kind::AuthnRequest).filter_map(|request| start(recorded, request));
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
