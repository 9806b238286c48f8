//! A recording with its messages, what the rules ask of it, and the codes of the faults that they find.

use vouchsafe_xml::Document;

use super::address::host;
use super::complaint::{Own, Told};
use super::exhibit::{Exhibit, Kind};
use super::found::{Found, kind};
use super::har::Step;
use super::pages;
use super::service_log::LoggedRefusal;
use super::settings::RequestLifetime;

/// The maximum number of seconds after which a new sign-in counts as a repetition of the previous one.
const AGAIN: i64 = 60;

/// The data of a recorded message that matter for the sequence.
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

/// A recording, with everything that was found in it.
#[derive(Debug)]
pub(crate) struct Recorded<'a> {
    pub(crate) steps: &'a [Step],
    /// The messages, in their order.
    pub(crate) seen: &'a [Seen],
    /// The refusals in the given logs of the service.
    pub(crate) refusals: &'a [LoggedRefusal],
    pub(crate) request_lifetime: RequestLifetime,
    /// Our assertion consumer, if the operator gave it.
    pub(crate) consumer: Option<Told>,
    /// The steps that belong to a sign-in at another service.
    pub(crate) elsewhere: Vec<usize>,
}

impl Recorded<'_> {
    pub(crate) fn step(&self, place: usize) -> Option<&Step> {
        self.steps.get(place)
    }

    /// Returns the messages of a kind.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(move |seen| seen.kind == kind && !self.elsewhere.contains(&seen.step))
    }

    /// Returns the reference of a refusal on the page that was answered at a step.
    pub(crate) fn reference(&self, place: usize) -> Option<&str> {
        pages::reference(self.step(place)?.page.as_deref()?)
    }

    /// Returns the log entry of the refusal at a step.
    pub(crate) fn logged(&self, place: usize) -> Option<&LoggedRefusal> {
        let reference = self.reference(place)?;
        self.refusals.iter().find(|refusal| refusal.reference.as_deref() == Some(reference))
    }

    /// Returns whether the recording contains the cookies of requests: by default browsers leave them out.
    pub(crate) fn sends_cookies(&self) -> bool {
        self.steps.iter().any(|step| !step.sent.is_empty())
    }

    pub(crate) fn has(&self, present: impl Fn(&Step) -> bool) -> bool {
        self.seen.iter().filter_map(|seen| self.step(seen.step)).any(present)
    }
}

/// Returns the steps whose messages belong to a sign-in at another service, according to their complaints.
pub(crate) fn elsewhere(seen: &[Seen], exhibits: &[&Exhibit]) -> Vec<usize> {
    let is_elsewhere =
        |exhibit: &Exhibit| exhibit.complaints.iter().any(|one| one.code == Own::AnotherService.code());
    seen.iter().zip(exhibits).filter(|(_, one)| is_elsewhere(one)).map(|(seen, _)| seen.step).collect()
}

/// Pairs each Response with the request that it answers, if both were recorded. If it names no request, it is paired
/// with the last request before it.
pub(super) fn answers<'a>(recorded: &'a Recorded<'_>) -> impl Iterator<Item = (&'a Seen, &'a Seen)> {
    recorded.all(Kind::Response).filter_map(|response| {
        let before = |request: &&Seen| request.step <= response.step;
        let named = |request: &&Seen| request.id.is_some() && request.id == response.in_response_to;
        let request = recorded.all(Kind::AuthnRequest).filter(before).find(named);
        Some((request.or_else(|| recorded.all(Kind::AuthnRequest).filter(before).last())?, response))
    })
}

/// Returns the step of the service that led to a request: the last one that redirected to its address, or the last
/// one before it that set cookies.
pub(crate) fn start(recorded: &Recorded<'_>, request: &Seen) -> Option<usize> {
    let asked = recorded.step(request.step)?;
    let before = || recorded.steps.iter().enumerate().take(request.step);
    let redirected = before().rfind(|(_, step)| step.location.as_deref() == Some(asked.address.as_str()));
    let elsewhere = |step: &Step| host(&step.address) != host(&asked.address);
    let set = || before().rfind(|(_, step)| elsewhere(step) && !step.set.is_empty());
    redirected.or_else(set).map(|(place, _)| place)
}

/// Returns the request with which the sign-in started again after a Response, and how many seconds later.
pub(super) fn again<'a>(recorded: &'a Recorded<'_>, response: &Seen) -> Option<(&'a Seen, Option<i64>)> {
    let again = recorded.all(Kind::AuthnRequest).find(|request| request.step > response.step)?;
    let times = recorded.step(again.step)?.time.zip(recorded.step(response.step)?.time);
    let seconds = times.map(|(next, answered)| next.signed_duration_since(answered).num_seconds());
    seconds.is_none_or(|seconds| seconds <= AGAIN).then_some((again, seconds))
}

/// Returns whether the service took the Response: it set a cookie, and the sign-in did not begin again.
pub(super) fn is_taken(recorded: &Recorded<'_>, response: &Seen, posted: &Step) -> bool {
    posted.status.is_some_and(|status| status < 400)
        && posted.set.iter().any(|cookie| !cookie.ends)
        && again(recorded, response).is_none()
}

/// Returns the title of the answered page, as the end of a sentence.
pub(super) fn titled(recorded: &Recorded<'_>, place: usize) -> String {
    let title = recorded.step(place).and_then(|step| pages::title(step.page.as_deref()?));
    title.map(|title| format!("; its page is titled {title}")).unwrap_or_default()
}

/// The faults that a sequence shows.
#[derive(Clone, Copy)]
pub(super) enum Shown {
    PostedTwice,
    LostCookie,
    OtherRequest,
    LateAnswer,
    Unanswered,
    StartedAgain,
    RefusedHere,
    NoAnswer,
    Fetched,
    ContentMissing,
    RedirectedPost,
}

impl Shown {
    /// Returns the stable code.
    pub(super) fn code(self) -> &'static str {
        match self {
            Shown::PostedTwice => "doctor.posted_twice",
            Shown::LostCookie => "doctor.lost_cookie",
            Shown::OtherRequest => "doctor.other_request",
            Shown::LateAnswer => "doctor.late_answer",
            Shown::Unanswered => "doctor.unanswered",
            Shown::StartedAgain => "doctor.started_again",
            Shown::RefusedHere => "doctor.refused_here",
            Shown::NoAnswer => "doctor.no_answer",
            Shown::Fetched => "doctor.started_by_script",
            Shown::ContentMissing => "doctor.content_missing",
            Shown::RedirectedPost => "doctor.redirected_post",
        }
    }
}
