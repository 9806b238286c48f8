//! Explains the refusals by the service itself in a recording: by its log, or by the status and the page of the
//! answer.

use vouchsafe_xml::Escaped;

use super::complaint::{Complaint, Severity};
use super::exhibit::{Exhibit, Kind};
use super::recorded::{Recorded, Seen, Shown, titled};

/// Compares the refusals of the service with its log, if nothing else explains them.
pub(super) fn judge(recorded: &Recorded<'_>, exhibits: &[&Exhibit], wrong: &mut Vec<(usize, Complaint)>) {
    refused_here(recorded, exhibits, wrong);
    refused_elsewhere(recorded, wrong);
}

/// Reports that the service refused a Response, if no message shows the reason.
fn refused_here(recorded: &Recorded<'_>, exhibits: &[&Exhibit], wrong: &mut Vec<(usize, Complaint)>) {
    for (seen, exhibit) in recorded.seen.iter().zip(exhibits).filter(|(seen, _)| seen.kind == Kind::Response)
    {
        let status = recorded.step(seen.step).and_then(|step| step.status).filter(|status| *status >= 400);
        let has_error = |severity: Severity| severity == Severity::Error;
        let known = exhibit.complaints.iter().any(|one| has_error(one.severity))
            || wrong.iter().any(|(step, one)| *step <= seen.step && has_error(one.severity));
        let Some(status) = status.filter(|_| !known) else { continue };
        let complaint = logged(recorded, seen.step, &format!("the Response with HTTP {status}"))
            .unwrap_or_else(|| unexplained(recorded, seen, status));
        wrong.push((seen.step, complaint));
    }
}

/// Reports a refusal of another request, such as a sign-in that could not be started, if the log explains it.
fn refused_elsewhere(recorded: &Recorded<'_>, wrong: &mut Vec<(usize, Complaint)>) {
    for (place, step) in recorded.steps.iter().enumerate() {
        let is_response = recorded.all(Kind::Response).any(|response| response.step == place);
        if !is_response && step.status.is_some_and(|status| status >= 400) {
            wrong.extend(logged(recorded, place, "this request").map(|complaint| (place, complaint)));
        }
    }
}

/// Returns what the log of the service contains about a refusal, by the reference on the page.
fn logged(recorded: &Recorded<'_>, place: usize, what: &str) -> Option<Complaint> {
    let logged = recorded.logged(place)?;
    let message = format!(
        "the service refused {what}, and its log says under the reference {}: {}",
        logged.reference.as_deref().unwrap_or_default(),
        Escaped::new(&logged.message)
    );
    Some(Complaint::error(&logged.code, message, logged.hint.clone()))
}

/// Reports a refusal that no log explains. A page with a reference comes from the service; a page without one may
/// come from a proxy before it.
fn unexplained(recorded: &Recorded<'_>, seen: &Seen, status: u16) -> Complaint {
    let title = titled(recorded, seen.step);
    if let Some(reference) = recorded.reference(seen.step) {
        // The log that was given has other refusals.
        let not_logged = if recorded.refusals.is_empty() {
            ""
        } else {
            "; the given log has no refusal with this reference"
        };
        let message = format!(
            "the service refused the Response with HTTP {status} (reference {reference}), and nothing in the recording says why: the message is in order as \
             far as it was judged{not_logged}"
        );
        let remedy = "Only the service knows why, such as an account, a token or a policy of its own. Give its log together with the recording: the refusal is \
                      found there by the reference. What was not judged here is listed: give the files that it needs.";
        return Complaint::error(Shown::RefusedHere.code(), message, remedy);
    }
    if let Some((_, what, remedy)) = STATUSES.iter().find(|(known, ..)| *known == status) {
        let message = format!("the Response was answered with HTTP {status}: {what}{title}");
        return Complaint::error(Shown::RefusedHere.code(), message, *remedy);
    }
    let is_unsolicited = seen.in_response_to.as_deref().unwrap_or_default().is_empty();
    let nothing = "and nothing in the recording says why: the message is in order as far as it was judged";
    if is_unsolicited {
        let message = format!(
            "the service refused the Response with HTTP {status}{title}, {nothing}; it answers no request, and many services \
             accept only responses that they asked for"
        );
        let remedy = "Begin the sign-in at the service, or have the service accept what the identity provider begins (unsolicited Responses). If it does, look \
                      up the refusal in its log, or give that log together with the recording.";
        return Complaint::error(Shown::RefusedHere.code(), message, remedy);
    }
    let message = format!("the service refused the Response with HTTP {status}{title}, {nothing}");
    let remedy = "Look up the refusal in the log of the service, or give that log together with the recording: an account, a token or a policy of its own may be \
                  behind it. If the log has nothing of it, something before the service refused: a check of forms (CSRF) or a firewall (WAF), which must let \
                  the address of the assertion consumer through. What was not judged here is listed: give the files that it needs.";
    Complaint::error(Shown::RefusedHere.code(), message, remedy)
}

/// The meaning of a status, and what to do.
const STATUSES: [(u16, &str, &str); 14] = [
    (401, "something before the assertion consumer asks for another sign-in", BEFORE),
    (404, "there is nothing at this address", ADDRESS),
    (405, "the address does not accept POST", ADDRESS),
    (410, "there is nothing at this address any more", ADDRESS),
    (407, "a proxy before the service asks for a sign-in of its own", BEFORE),
    (413, "the Response is too large for the service or the proxy before it", TOO_LARGE),
    (414, "the address is too long for the service or the proxy before it", TOO_LARGE),
    (
        429,
        "too many requests came",
        "Wait, and look at the limits of the service and of the proxy before it: many people behind one address look like one.",
    ),
    (
        431,
        "the headers of the request are too large",
        "Delete the cookies of the service, and look which of them grows; or raise the limit of the server for headers.",
    ),
    (500, "the service failed", FAILED),
    (501, "the address does not accept POST", ADDRESS),
    (502, "the proxy before the service got no usable answer from it", GATEWAY),
    (503, "the service is not available", GATEWAY),
    (504, "the service did not answer the proxy before it in time", GATEWAY),
];

const ADDRESS: &str = "Compare the address of the assertion consumer at the identity provider with the one in the metadata of the service, letter by letter. If they are \
                       the same, the route is missing in the service, or the proxy before it does not pass it on (a prefix of the path, or POST).";
const BEFORE: &str = "Let the address of the assertion consumer through without another sign-in (Basic authentication, a sign-in of the proxy): the browser brings the \
                      Response along and nothing else.";
const TOO_LARGE: &str = "Raise the limit for the body of a request at the proxy (nginx: client_max_body_size) and at the service; or have the identity provider send fewer \
                         groups and attributes.";
const FAILED: &str = "Its own log says what broke: this is a fault of the program or of what it needs (a database, a key), and \
                      not a refusal of the Response.";
const GATEWAY: &str = "Look whether the service runs and is reached by the proxy before it, and at the log of that proxy: the Response was not judged by anybody.";
