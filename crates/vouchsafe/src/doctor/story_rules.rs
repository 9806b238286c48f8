//! What the sequence of a recording shows: one rule one function, each over all messages.

use std::collections::BTreeMap;

use vouchsafe_xml::{Escaped, Quoted};

use super::address::without_query;
use super::complaint::{Complaint, Severity};
use super::har::{SetCookie, Step};
use super::story::{Recorded, Seen};
use super::surroundings::{Told, host};
use super::{Exhibit, Kind, pages};

/// Pages of a recording that are searched for what identity providers say on error pages: the last ones.
const PAGES: usize = 200;
/// Seconds within which a sign-in that begins anew belongs to the one before.
const AGAIN: i64 = 60;

/// What a sequence shows.
#[derive(Clone, Copy)]
enum Shown {
    PostedTwice,
    LostCookie,
    OtherRequest,
    LateAnswer,
    Unanswered,
    StartedAgain,
    RefusedHere,
    ContentMissing,
    RedirectedPost,
}

impl Shown {
    /// The stable code.
    fn code(self) -> &'static str {
        match self {
            Shown::PostedTwice => "doctor.posted_twice",
            Shown::LostCookie => "doctor.lost_cookie",
            Shown::OtherRequest => "doctor.other_request",
            Shown::LateAnswer => "doctor.late_answer",
            Shown::Unanswered => "doctor.unanswered",
            Shown::StartedAgain => "doctor.started_again",
            Shown::RefusedHere => "doctor.refused_here",
            Shown::ContentMissing => "doctor.content_missing",
            Shown::RedirectedPost => "doctor.redirected_post",
        }
    }
}

/// What is wrong, with the step where it shows, in the order of the rules.
pub(crate) fn judge(recorded: &Recorded<'_>, exhibits: &[&Exhibit]) -> Vec<(usize, Complaint)> {
    let mut wrong = Vec::new();
    redirected_post(recorded, &mut wrong);
    content_missing(recorded, &mut wrong);
    posted_twice(recorded, &mut wrong);
    late_answer(recorded, &mut wrong);
    lost_cookie(recorded, &mut wrong);
    other_request(recorded, &mut wrong);
    error_page(recorded, &mut wrong);
    unanswered(recorded, &mut wrong);
    started_again(recorded, &mut wrong);
    refused_here(recorded, exhibits, &mut wrong);
    refused_elsewhere(recorded, &mut wrong);
    wrong
}

/// A POST that was redirected: as 301, 302 or 303 the browser asks for the new address without what it posted.
fn redirected_post(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    for response in recorded.all(Kind::Response) {
        let Some(posted) = recorded.step(response.step).filter(|step| step.method == "POST") else {
            continue;
        };
        let (Some(status), Some(location)) = (posted.status, posted.location.as_deref()) else { continue };
        let plain = |address: &str| {
            let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
            rest.trim_end_matches('/').trim_start_matches("www.").to_ascii_lowercase()
        };
        let is_same = location != posted.address && plain(location) == plain(&posted.address);
        if !matches!(status, 301..=303) || !is_same {
            continue;
        }
        let message = format!(
            "the Response was posted to {}, which redirects to {} (HTTP {status}): the browser goes there without the Response",
            Quoted::new(&posted.address),
            Quoted::new(location)
        );
        wrong.push((
            response.step,
            Complaint::error(
                Shown::RedirectedPost.code(),
                message,
                "Set the address of the assertion consumer at the identity provider to the one that is redirected to, letter by letter (https, host, slash at \
                 the end), or have the proxy pass the POST on without redirecting it.",
            ),
        ));
    }
}

/// A POST to the assertion consumer of which the recording has nothing.
fn content_missing(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    let asked: Vec<&str> =
        recorded.all(Kind::AuthnRequest).filter_map(|request| request.consumer.as_deref()).collect();
    let told = recorded.consumer.as_ref().map(Told::as_str);
    let is_consumer = |address: &str| {
        let known = asked.iter().copied().chain(told);
        let mut known = known.peekable();
        if known.peek().is_none() {
            let path = address.to_ascii_lowercase();
            return ["/acs", "saml/consume", "saml2/post", "saml/sso"].iter().any(|part| path.contains(part));
        }
        known.any(|one| without_query(one) == address)
    };
    for (place, step) in recorded.steps.iter().enumerate() {
        let is_seen = recorded.seen.iter().any(|seen| seen.step == place);
        // Of a recording without any message it is said elsewhere what is in it.
        let is_known = !asked.is_empty() || told.is_some() || !step.has_body;
        if step.method != "POST" || is_seen || !is_known || !is_consumer(&step.address) {
            continue;
        }
        let (message, remedy) = if step.has_body {
            (
                "a form was posted to the assertion consumer that has no SAMLResponse in it",
                "Look at what posts it: a page of the service itself, or a proxy that changes forms. The identity provider posts the field SAMLResponse.",
            )
        } else {
            (
                "the recording does not have what was posted to the assertion consumer, so the Response is not judged",
                "Save the recording with the content of requests: in Chrome and Edge \"Export HAR (with sensitive data)\" or \"Save all as HAR with content\", in \
                 Firefox \"Save All As HAR\". If it was, the POST came without a body: look for a redirect or a proxy before it.",
            )
        };
        wrong.push((place, Complaint::error(Shown::ContentMissing.code(), message, remedy)));
    }
}

/// One Response that came to the service more than once.
fn posted_twice(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for response in recorded.all(Kind::Response) {
        let Some(id) = response.id.as_deref() else { continue };
        // A redirect with 307 or 308 has the browser post the same again: the one before was not taken.
        let is_passed_on = |status: u16| matches!(status, 301..=303 | 307 | 308);
        let passed_on = recorded.step(response.step).is_some_and(|step| {
            step.status.is_some_and(is_passed_on)
                && recorded.step(response.step.saturating_add(1)).is_some_and(|next| {
                    step.location.as_deref() == Some(next.address.as_str()) && next.method == "POST"
                })
        });
        if passed_on {
            continue;
        }
        let Some(before) = first.get(id) else {
            first.insert(id, response.step);
            continue;
        };
        let message = format!(
            "the Response {} was sent before, by request {}: a Response is accepted once",
            Quoted::new(id),
            before.saturating_add(1)
        );
        wrong.push((
            response.step,
            Complaint::error(
                Shown::PostedTwice.code(),
                message,
                "Somebody went back or reloaded the page, or a script posts the form again: let the sign-in start again. If it happens each time, \
                 look for a proxy or a script that repeats the POST.",
            ),
        ));
    }
}

/// A browser that does not bring the cookies back that it was given when the sign-in began.
fn lost_cookie(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    for (request, response) in answers(recorded) {
        let Some(start) = start(recorded, request) else { continue };
        let (Some(began), Some(posted)) = (recorded.step(start), recorded.step(response.step)) else {
            continue;
        };
        let set: Vec<&SetCookie> = began.set.iter().filter(|cookie| !cookie.ends).collect();
        // Cookies that bind a sign-in to the browser end when its request does.
        let is_late =
            wrong.iter().any(|(step, one)| *step == response.step && one.code == Shown::LateAnswer.code());
        if set.is_empty() || is_late || set.iter().any(|cookie| posted.sent.contains(&cookie.name)) {
            continue;
        }
        let names: Vec<&str> = set.iter().map(|cookie| cookie.name.as_str()).collect();
        let asked = recorded.step(request.step).map(|step| host(&step.address)).unwrap_or_default();
        let (why, remedy) = why_lost(&set, began, posted, asked);
        let message = format!(
            "none of the cookies that request {} set ({}) came with the Response: {why}",
            start.saturating_add(1),
            Quoted::new(&names.join(", "))
        );
        wrong.push((response.step, Complaint::error(Shown::LostCookie.code(), message, remedy)));
    }
}

/// `asked` is the host of the identity provider, whose page posted the Response.
fn why_lost(set: &[&SetCookie], began: &Step, posted: &Step, asked: &str) -> (String, &'static str) {
    let (before, after) = (host(&began.address), host(&posted.address));
    let is_one_site = without_port(asked) == without_port(after);
    let seconds =
        posted.time.zip(began.time).map(|(end, begin)| end.signed_duration_since(begin).num_seconds());
    let same_site = |wanted: &str| set.iter().all(|cookie| cookie.same_site.as_deref() == Some(wanted));
    if before != after {
        return (
            format!(
                "the sign-in began at {}, and the Response was posted to {}",
                Quoted::new(before),
                Quoted::new(after)
            ),
            "Let people sign in under the host of the assertion consumer, or set the assertion consumer at the identity provider to the host that \
             people use: a browser sends cookies to the host that set them.",
        );
    }
    if began.address.starts_with("https:") != posted.address.starts_with("https:") {
        return (
            "one of the two addresses is http".to_owned(),
            "Use https for all of the sign-in: cookies that are Secure are not sent over http.",
        );
    }
    if let Some(seconds) = seconds
        && let Some(lived) = set.iter().map(|cookie| cookie.max_age).max().flatten()
        && set.iter().all(|cookie| cookie.max_age.is_some_and(|lived| lived <= seconds))
    {
        return (
            format!("they lived {lived} s (Max-Age), and the Response was posted {seconds} s later"),
            "Let the sign-in start again, or have the cookies live longer.",
        );
    }
    if !is_one_site && (same_site("lax") || same_site("strict")) {
        return (
            "they are SameSite=Lax or Strict, which browsers do not send with a form from another site"
                .to_owned(),
            "Set the cookie that binds the sign-in to the browser with SameSite=None and Secure.",
        );
    }
    if !is_one_site && set.iter().all(|cookie| cookie.same_site.is_none()) {
        return (
            "they have no SameSite, which browsers take for Lax: they are not sent with a form from another site".to_owned(),
            "Set the cookie that binds the sign-in to the browser with SameSite=None and Secure.",
        );
    }
    if set.iter().all(|cookie| cookie.same_site.as_deref() == Some("none") && !cookie.secure) {
        return (
            "they are SameSite=None without Secure, which browsers refuse".to_owned(),
            "Set the cookie with Secure, over https.",
        );
    }
    (
        "the recording does not show why".to_owned(),
        "Look for a proxy that removes cookies, for a browser that blocks those of other sites, and for a cookie's Path that does not fit the \
         assertion consumer.",
    )
}

/// A Response to another request than the one that the recording has.
fn other_request(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    for response in recorded.all(Kind::Response) {
        let before = |request: &&Seen| request.step <= response.step;
        let Some(last) = recorded.all(Kind::AuthnRequest).filter(before).last() else { continue };
        let answered = response.in_response_to.as_deref().unwrap_or_default();
        let known = recorded.all(Kind::AuthnRequest).any(|request| request.id.as_deref() == Some(answered));
        if known {
            continue;
        }
        let sent = last.id.as_deref().unwrap_or_default();
        let (severity, message) = if answered.is_empty() {
            let place = last.step.saturating_add(1);
            (
                Severity::Warning,
                format!("the Response answers no request, and request {place} sent {}", Quoted::new(sent)),
            )
        } else {
            let message = format!(
                "the Response answers {}, which is not in the recording; the last request is {}",
                Quoted::new(answered),
                Quoted::new(sent)
            );
            (Severity::Error, message)
        };
        let remedy = "The answer is that of another tab or of an earlier try, or the recording began too late: close the other tabs, and record \
                      one sign-in from its beginning.";
        wrong.push((response.step, Complaint::new(severity, Shown::OtherRequest.code(), message, remedy)));
    }
}

/// An answer after the request is forgotten.
fn late_answer(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    for (request, response) in answers(recorded) {
        let (Some(asked), Some(answered)) = (recorded.step(request.step), recorded.step(response.step))
        else {
            continue;
        };
        let Some((asked, answered_at)) = asked.time.zip(answered.time) else { continue };
        let seconds = answered_at.signed_duration_since(asked).num_seconds();
        let lifetime = recorded.request_lifetime;
        if seconds < lifetime.seconds() {
            continue;
        }
        // That the service took it all the same shows by a cookie of a session; a redirect alone may lead to a page of errors.
        let is_used = answered.status.is_some_and(|status| status < 400)
            && answered.set.iter().any(|cookie| !cookie.ends)
            && again(recorded, response).is_none();
        let message = format!("the answer came {seconds} s after its request; {lifetime}");
        wrong.push((
            response.step,
            Complaint::new(
                if is_used { Severity::Warning } else { Severity::Error },
                Shown::LateAnswer.code(),
                message,
                "The page of the identity provider was open for too long: let the sign-in start again, or raise request_lifetime.",
            ),
        ));
    }
}

/// An error page of an identity provider after which no Response came. After the last Response, pages are the service's.
fn error_page(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    let answered = recorded.all(Kind::Response).map(|response| response.step).max();
    let asked = recorded.all(Kind::AuthnRequest).map(|request| request.step).max();
    if answered.is_some() && asked <= answered {
        return;
    }
    let after = recorded.steps.iter().enumerate().skip(answered.map_or(0, |step| step.saturating_add(1)));
    let pages = after.filter_map(|(place, step)| Some((place, step.page.as_deref()?)));
    let explained = pages.rev().take(PAGES).find_map(|(place, page)| Some((place, pages::explained(page)?)));
    wrong.extend(explained);
}

/// A request to which no answer came.
fn unanswered(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    if wrong.iter().any(|(_, complaint)| complaint.code.starts_with("page.")) {
        return;
    }
    let Some(last) = recorded.all(Kind::AuthnRequest).last() else { return };
    if recorded.all(Kind::Response).any(|response| response.step >= last.step) {
        return;
    }
    let Some(asked) = recorded.step(last.step) else { return };
    let there = host(&asked.address);
    let after =
        recorded.steps.iter().enumerate().skip(last.step).filter(|(_, step)| host(&step.address) == there);
    let failed = after
        .filter_map(|(place, step)| Some((place, step.status.filter(|status| *status >= 400)?)))
        .next_back();
    wrong.push(match failed {
        Some((place, status)) => (
            place,
            Complaint::error(
                Shown::Unanswered.code(),
                format!(
                    "the identity provider answered the request with HTTP {status} and no Response{}",
                    titled(recorded, place)
                ),
                "Its page and its log say why. Often this service's entity ID, the address of the assertion consumer or the signature of the request \
                 is not what was configured there.",
            ),
        ),
        None => (
            last.step,
            Complaint::new(
                Severity::Warning,
                Shown::Unanswered.code(),
                "the recording ends before the identity provider answered",
                "Record the sign-in to its end.",
            ),
        ),
    });
}

/// A sign-in that succeeds and begins again: the session is not kept.
fn started_again(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    for (_, response) in answers(recorded) {
        let Some(accepted) = recorded.step(response.step) else { continue };
        let is_explained =
            wrong.iter().any(|(step, one)| *step <= response.step && one.severity == Severity::Error);
        if is_explained || !accepted.status.is_some_and(|status| (200..400).contains(&status)) {
            continue;
        }
        let Some((again, seconds)) = again(recorded, response) else { continue };
        let after = seconds.map(|seconds| format!(" {seconds} s")).unwrap_or_default();
        let status = accepted.status.unwrap_or_default();
        let message = format!(
            "the service answered the Response with HTTP {status}, and{after} later the sign-in began again: the browser did not keep a session"
        );
        let remedy = "Look at the cookie of the session: its host and Path, Secure over http, and whether it is set with the answer to the Response.";
        wrong.push((again.step, Complaint::error(Shown::StartedAgain.code(), message, remedy)));
        return;
    }
}

/// The request with which the sign-in began again after a Response, and how many seconds later.
fn again<'a>(recorded: &'a Recorded<'_>, response: &Seen) -> Option<(&'a Seen, Option<i64>)> {
    let again = recorded.all(Kind::AuthnRequest).find(|request| request.step > response.step)?;
    let times = recorded.step(again.step)?.time.zip(recorded.step(response.step)?.time);
    let seconds = times.map(|(next, answered)| next.signed_duration_since(answered).num_seconds());
    seconds.is_none_or(|seconds| seconds <= AGAIN).then_some((again, seconds))
}

/// The service refused a Response, and no message shows why.
fn refused_here(recorded: &Recorded<'_>, exhibits: &[&Exhibit], wrong: &mut Vec<(usize, Complaint)>) {
    for (seen, exhibit) in recorded.seen.iter().zip(exhibits).filter(|(seen, _)| seen.kind == Kind::Response)
    {
        let status = recorded.step(seen.step).and_then(|step| step.status).filter(|status| *status >= 400);
        let has_error = |severity: Severity| severity == Severity::Error;
        let known = exhibit.complaints.iter().any(|one| has_error(one.severity))
            || wrong.iter().any(|(step, one)| *step <= seen.step && has_error(one.severity));
        let Some(status) = status.filter(|_| !known) else { continue };
        wrong.push((seen.step, refusal(recorded, seen.step, &format!("the Response with HTTP {status}"))));
    }
}

/// A refusal of something else than a Response, such as of a sign-in that could not be started: told where the log explains it.
fn refused_elsewhere(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    for (place, step) in recorded.steps.iter().enumerate() {
        let is_response = recorded.all(Kind::Response).any(|response| response.step == place);
        if !is_response && step.status.is_some_and(|status| status >= 400) && recorded.logged(place).is_some()
        {
            wrong.push((place, refusal(recorded, place, "this request")));
        }
    }
}

/// What is said of a refusal that nothing else explains: as the log of the service has it, by the reference on the page.
fn refusal(recorded: &Recorded<'_>, place: usize, what: &str) -> Complaint {
    if let Some(logged) = recorded.logged(place) {
        let message = format!(
            "the service refused {what}, and its log says under the reference {}: {}",
            logged.reference.as_deref().unwrap_or_default(),
            Escaped::new(&logged.message)
        );
        return Complaint::error(&logged.code, message, logged.hint.clone());
    }
    let reference = recorded.reference(place).map(|reference| format!(" (reference {reference})"));
    let message = format!(
        "the service refused {what}{}, and nothing in the recording says why: the message is in order as far as it was judged",
        reference.unwrap_or_default()
    );
    let remedy = "Only the service knows why, such as an account, a token or a policy of its own. Look up the refusal in the log of the service, or give that log together with the recording: it is found there by the reference \
                  on the page. What was not judged here is listed: give the files that it needs.";
    Complaint::error(Shown::RefusedHere.code(), message, remedy)
}

/// The title of the page that was answered, as the end of a sentence.
fn titled(recorded: &Recorded<'_>, place: usize) -> String {
    let title = recorded.step(place).and_then(|step| pages::title(step.page.as_deref()?));
    title.map(|title| format!("; its page is titled {title}")).unwrap_or_default()
}

/// Each Response with the request that it answers, where both are there; without a name, with the last request before it.
fn answers<'a>(recorded: &'a Recorded<'_>) -> impl Iterator<Item = (&'a Seen, &'a Seen)> {
    recorded.all(Kind::Response).filter_map(|response| {
        let before = |request: &&Seen| request.step <= response.step;
        let named = |request: &&Seen| request.id.is_some() && request.id == response.in_response_to;
        let request = recorded.all(Kind::AuthnRequest).filter(before).find(named);
        Some((request.or_else(|| recorded.all(Kind::AuthnRequest).filter(before).last())?, response))
    })
}

/// The step of the service that led to a request: the last that redirected to its address, else the last before it that set cookies.
pub(crate) fn start(recorded: &Recorded<'_>, request: &Seen) -> Option<usize> {
    let asked = recorded.step(request.step)?;
    let before = || recorded.steps.iter().enumerate().take(request.step);
    let redirected = before().rfind(|(_, step)| step.location.as_deref() == Some(asked.address.as_str()));
    let elsewhere = |step: &Step| host(&step.address) != host(&asked.address);
    let set = || before().rfind(|(_, step)| elsewhere(step) && !step.set.is_empty());
    redirected.or_else(set).map(|(place, _)| place)
}

/// To cookies, the port of an address is nothing.
fn without_port(host: &str) -> &str {
    host.rsplit_once(':')
        .map_or(host, |(name, port)| if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host })
}
