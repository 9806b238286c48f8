//! The rules for the sequence of a recording: one function for each rule, over all messages.

use std::collections::BTreeMap;

use vouchsafe_xml::Quoted;

use super::address::{host, without_query};
use super::complaint::{Complaint, Severity, Told};
use super::exhibit::{Exhibit, Kind};
use super::recorded::{Recorded, Seen, Shown, again, answers, is_taken, titled};
use super::{pages, story_cookies, story_refusals};

/// The maximum number of pages of a recording that are searched for known error pages; the last ones are searched.
const PAGES: usize = 200;

/// Returns the faults, each with the step where it shows, in the order of the rules.
pub(crate) fn judge(recorded: &Recorded<'_>, exhibits: &[&Exhibit]) -> Vec<(usize, Complaint)> {
    let mut wrong = Vec::new();
    redirected_post(recorded, &mut wrong);
    content_missing(recorded, &mut wrong);
    no_answer(recorded, &mut wrong);
    posted_twice(recorded, &mut wrong);
    late_answer(recorded, &mut wrong);
    story_cookies::lost_cookie(recorded, exhibits, &mut wrong);
    other_request(recorded, &mut wrong);
    error_page(recorded, &mut wrong);
    fetched(recorded, &mut wrong);
    unanswered(recorded, &mut wrong);
    started_again(recorded, &mut wrong);
    story_refusals::judge(recorded, exhibits, &mut wrong);
    wrong
}

/// Reports a POST that was redirected: after 301, 302 or 303 the browser requests the new address without the posted
/// data.
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

/// Reports a POST to the assertion consumer whose content the recording lacks.
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
        // A recording without any message is explained elsewhere.
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

/// Reports a Response that the browser posted, or tried to post, without an answer. SAML-tracer and some browsers
/// record no answers at all.
fn no_answer(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    if recorded.steps.iter().all(|step| step.status.is_none()) {
        return;
    }
    for response in recorded.all(Kind::Response) {
        let Some(step) = recorded.step(response.step).filter(|step| step.status.is_none()) else { continue };
        let error = step.error.as_deref().unwrap_or_default();
        let known = NETWORK_ERRORS.iter().find(|(part, _)| error.contains(part));
        let says = if error.is_empty() { String::new() } else { format!(": {}", Quoted::new(error)) };
        let message = format!(
            "the browser got no answer to the Response that it posted to {}{says}",
            Quoted::new(&step.address)
        );
        let remedy = known.map_or(
            "Look into the console of the browser: the page of the identity provider may forbid to post there (Content-Security-Policy, form-action), an \
             extension may block it, or the connection failed. If the recording was saved too early, save it once the page has loaded.",
            |(_, remedy)| *remedy,
        );
        wrong.push((response.step, Complaint::error(Shown::NoAnswer.code(), message, remedy)));
    }
}

/// The errors of failed connections in Chrome and Edge, and what to do.
const NETWORK_ERRORS: [(&str, &str); 6] = [
    (
        "ERR_CERT",
        "The browser does not trust the certificate of the service: renew it, or send the whole chain with it.",
    ),
    (
        "ERR_SSL",
        "TLS fails between browser and service: look at its certificate and at the versions of TLS that it offers.",
    ),
    (
        "ERR_BLOCKED",
        "An extension or a policy of the browser blocked it: try without extensions, or ask whoever manages the browser.",
    ),
    (
        "ERR_NAME_NOT_RESOLVED",
        "The host is not known to the browser's DNS: look at the address of the assertion consumer, letter by letter, and at the VPN.",
    ),
    (
        "ERR_CONNECTION",
        "The service cannot be reached from this browser: look whether it runs, and at firewalls and the VPN.",
    ),
    (
        "ERR_ABORTED",
        "Something stopped it before the answer came: a second click, another page, or a recording that was saved too early.",
    ),
];

/// Reports a Response that came to the service more than once.
fn posted_twice(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for response in recorded.all(Kind::Response) {
        let Some(id) = response.id.as_deref() else { continue };
        // A redirect with 307 or 308 makes the browser post the same again, so the first POST was not processed.
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

/// Reports a Response to another request than the recorded one.
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

/// Reports an answer that came after the request had expired.
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
        // A session cookie shows that the service accepted the answer anyway; a redirect alone may lead to an error
        // page.
        let is_used = is_taken(recorded, response, answered);
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

/// Reports an error page of an identity provider after which no Response came. After the last Response, pages belong
/// to the service.
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

/// Reports a sign-in that a script started. A script cannot show the page of the identity provider, which does not
/// allow other sites to read its answers.
fn fetched(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    for request in recorded.all(Kind::AuthnRequest) {
        let is_answered = recorded.all(Kind::Response).any(|response| response.step > request.step);
        let Some(step) = recorded.step(request.step).filter(|step| step.is_fetched && !is_answered) else {
            continue;
        };
        let message = format!(
            "a script asked for the sign-in ({} to {}): its answer is a page for people at another site, which a script may not read (CORS)",
            Quoted::new(&step.method),
            Quoted::new(&step.address)
        );
        let remedy = "Send the browser itself to the sign-in address (a link, or location.assign), not fetch or XMLHttpRequest; and have the service answer \
                      calls of scripts with 401 in the place of a redirect.";
        wrong.push((request.step, Complaint::error(Shown::Fetched.code(), message, remedy)));
    }
}

/// Reports a request to which no answer came.
fn unanswered(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    if wrong
        .iter()
        .any(|(_, complaint)| complaint.code.starts_with("page.") || complaint.code == Shown::Fetched.code())
    {
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

/// Reports a sign-in that succeeds and starts again, because the session is not kept.
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
