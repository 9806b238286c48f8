//! Checks the cookies in a recording that bind a sign-in to the browser.

use vouchsafe_xml::Quoted;

use super::address::host;
use super::complaint::{Complaint, Severity};
use super::exhibit::Exhibit;
use super::har::{SetCookie, Step};
use super::recorded::{Recorded, Shown, answers, is_taken, start};

/// Reports a browser that does not send the cookies that it received at the start of the sign-in.
pub(super) fn lost_cookie(
    recorded: &Recorded<'_>,
    exhibits: &[&Exhibit],
    wrong: &mut Vec<(usize, Complaint)>,
) {
    for (request, response) in answers(recorded) {
        let Some(start) = start(recorded, request) else { continue };
        let (Some(began), Some(posted)) = (recorded.step(start), recorded.step(response.step)) else {
            continue;
        };
        let set: Vec<&SetCookie> = began.set.iter().filter(|cookie| !cookie.ends).collect();
        // Cookies that bind a sign-in to the browser expire together with its request.
        let is_late =
            wrong.iter().any(|(step, one)| *step == response.step && one.code == Shown::LateAnswer.code());
        // For a request without an answer, it is not known which cookies were sent.
        let is_unanswered =
            posted.status.is_none() && recorded.steps.iter().any(|step| step.status.is_some());
        if set.is_empty()
            || is_late
            || is_unanswered
            || set.iter().any(|cookie| posted.sent.contains(&cookie.name))
            || is_taken(recorded, response, posted)
            || is_refused_for_another_reason(recorded, response.step)
        {
            continue;
        }
        let names: Vec<&str> = set.iter().map(|cookie| cookie.name.as_str()).collect();
        let asked = recorded.step(request.step).map(|step| host(&step.address)).unwrap_or_default();
        let (why, remedy, is_certain) = why_lost(&set, began, posted, asked);
        // A recording in which no request has a cookie was perhaps made without them: then lost cookies are what is left
        // if the service refused the Response and nothing else explains it.
        let is_guess = !is_certain && !recorded.sends_cookies();
        let is_refused = posted.status.is_some_and(|status| status >= 400);
        if is_guess && (!is_refused || has_error(recorded, exhibits, response.step)) {
            continue;
        }
        let perhaps = if is_guess {
            " (no request of the recording has a cookie: perhaps they were not recorded)"
        } else {
            ""
        };
        let message = format!(
            "none of the cookies that request {} set ({}) came with the Response: {why}{perhaps}",
            start.saturating_add(1),
            Quoted::new(&names.join(", "))
        );
        wrong.push((response.step, Complaint::error(Shown::LostCookie.code(), message, remedy)));
    }
}

/// The codes with which a service refuses a Response without the cookie of its request.
const WITHOUT_COOKIE: [&str; 4] =
    ["assertion.in_response_to", "assertion.unsolicited", "http.no_pending_request", "http.restarted_before"];

/// Returns whether the log of the service has another reason for the refusal at a step.
fn is_refused_for_another_reason(recorded: &Recorded<'_>, place: usize) -> bool {
    recorded.logged(place).is_some_and(|logged| !WITHOUT_COOKIE.contains(&logged.code.as_str()))
}

/// Returns whether the message at a step has an error of its own.
fn has_error(recorded: &Recorded<'_>, exhibits: &[&Exhibit], place: usize) -> bool {
    let mut here = recorded.seen.iter().zip(exhibits).filter(|(seen, _)| seen.step == place);
    here.any(|(_, exhibit)| exhibit.complaints.iter().any(|one| one.severity == Severity::Error))
}

/// Explains why cookies were lost, and returns whether the cookies and addresses show it, whatever else was recorded.
/// `asked` is the host of the identity provider, whose page posted the Response.
fn why_lost(set: &[&SetCookie], began: &Step, posted: &Step, asked: &str) -> (String, &'static str, bool) {
    let (before, after) = (host(&began.address), host(&posted.address));
    let is_one_site = without_port(asked) == without_port(after);
    let seconds =
        posted.time.zip(began.time).map(|(end, begin)| end.signed_duration_since(begin).num_seconds());
    let same_site = |wanted: &str| set.iter().all(|cookie| cookie.same_site.as_deref() == Some(wanted));
    let is_encrypted = |step: &Step| step.address.starts_with("https:");
    if before != after {
        return (
            format!(
                "the sign-in began at {}, and the Response was posted to {}",
                Quoted::new(before),
                Quoted::new(after)
            ),
            "Let people sign in under the host of the assertion consumer, or set the assertion consumer at the identity provider to the host that \
             people use: a browser sends cookies to the host that set them.",
            true,
        );
    }
    if is_encrypted(began) != is_encrypted(posted) {
        return (
            "one of the two addresses is http".to_owned(),
            "Use https for all of the sign-in: cookies that are Secure are not sent over http.",
            true,
        );
    }
    if let Some(seconds) = seconds
        && let Some(lived) = set.iter().map(|cookie| cookie.max_age).max().flatten()
        && set.iter().all(|cookie| cookie.max_age.is_some_and(|lived| lived <= seconds))
    {
        return (
            format!("they lived {lived} s (Max-Age), and the Response was posted {seconds} s later"),
            "Let the sign-in start again, or have the cookies live longer.",
            true,
        );
    }
    if !is_one_site && (same_site("lax") || same_site("strict")) {
        return (
            "they are SameSite=Lax or Strict, which browsers do not send with a form from another site"
                .to_owned(),
            "Set the cookie that binds the sign-in to the browser with SameSite=None and Secure.",
            true,
        );
    }
    if !is_one_site && set.iter().all(|cookie| cookie.same_site.is_none()) {
        // Some browsers send such a cookie for two minutes.
        return (
            "they have no SameSite, which browsers take for Lax: they are not sent with a form from another site".to_owned(),
            if is_encrypted(began) {
                "Set the cookie that binds the sign-in to the browser with SameSite=None and Secure."
            } else {
                "Use https for the service: SameSite=None needs Secure, and Secure needs https. On one machine, open the service and the identity provider \
                 under the same host name."
            },
            false,
        );
    }
    if set.iter().all(|cookie| cookie.same_site.as_deref() == Some("none") && !cookie.secure) {
        return (
            "they are SameSite=None without Secure, which browsers refuse".to_owned(),
            "Set the cookie with Secure, over https.",
            true,
        );
    }
    (
        "the recording does not show why".to_owned(),
        "Look for a proxy that removes cookies, for a browser that blocks those of other sites, and for a cookie's Path that does not fit the \
         assertion consumer.",
        false,
    )
}

/// Removes the port from a host: cookies do not depend on it.
fn without_port(host: &str) -> &str {
    host.rsplit_once(':')
        .map_or(host, |(name, port)| if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host })
}
