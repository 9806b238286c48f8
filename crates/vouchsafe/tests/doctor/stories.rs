//! Recordings as stories: what is reported of each, in which order, and the checks that are reported as made.

use chrono::TimeDelta;
use serde_json::json;
use std::time::Duration;
use vouchsafe::doctor::{Diagnosis, Doctor, Kind};
use vouchsafe::redirect;
use vouchsafe_testkit as testkit;

use crate::now;
use crate::recording::{APP, BINDING, Recording, answer, issued, started};

#[test]
fn a_good_story_has_no_cause_and_says_what_was_judged() {
    let diagnosis = started().posted(&issued(answer()), "__Host-saml=x", 303).examined();
    let story = &diagnosis.stories[0];
    assert!(story.cause.is_none() && story.not_judged.is_empty(), "{story:#?}");
    assert_eq!(
        story.judged,
        [
            "the order of the messages",
            "the times between them",
            "the status codes of the answers",
            "the cookies"
        ]
    );
    let told: Vec<(usize, Option<i64>, Option<u16>, &str)> = story
        .events
        .iter()
        .map(|event| (event.request, event.seconds_since, event.status, event.what.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (1, None, Some(302), "a page of the sign-in; sets “__Host-saml”"),
            (2, Some(1), Some(200), "SAML AuthnRequest “_q1”"),
            (3, Some(1), Some(303), "SAML Response to “_q1”; with the cookies “__Host-saml”"),
        ]
    );
    let response = diagnosis.exhibits.iter().find(|one| one.kind == Kind::Response).unwrap();
    assert!(response.is_good_in_full(), "{response:#?}");
}

/// A page of the service after a successful sign-in is not searched for errors, such as its help or its list of
/// refusals.
#[test]
fn a_page_of_the_service_is_no_error_page_of_the_identity_provider() {
    let page = "<html><title>Help</title>AADSTS50105: ask your administrator. MSIS7042: try again.</html>";
    let mut recording = started().posted(&issued(answer()), "__Host-saml=x", 303);
    recording.push(json!({"method": "GET", "url": format!("{APP}/help")}), json!({}));
    let diagnosis = recording.showing(200, page).examined();
    assert!(diagnosis.stories[0].cause.is_none(), "{:#?}", diagnosis.stories);
    // During the start of a sign-in, the page may belong to either side.
    let mut recording = started();
    recording.push(json!({"method": "GET", "url": "https://login.microsoftonline.com/x/saml2"}), json!({}));
    let diagnosis = recording.showing(200, page).examined();
    assert_eq!(diagnosis.stories[0].cause.as_ref().unwrap().complaint.code, "page.entra.not_assigned");
}

/// A line that looks like a log entry is ignored inside a document.
#[test]
fn a_document_is_no_log() {
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let metadata = format!("{metadata}\n<!--\n{LOG}-->");
    let diagnosis = Doctor::new(now()).examine(&[("okta.xml", metadata.as_bytes())]);
    assert_eq!(diagnosis.exhibits[0].kind, Kind::IdentityProviderMetadata);
}

/// If a browser did not record cookies, they are not reported as lost.
#[test]
fn what_was_not_recorded_is_not_judged() {
    let mut recording = Recording::started(&format!("{APP}/app"), &[]).posted(&issued(answer()), "", 303);
    for entry in &mut recording.entries {
        entry.as_object_mut().unwrap().remove("startedDateTime");
    }
    let diagnosis = recording.examined();
    let story = &diagnosis.stories[0];
    assert!(story.cause.is_none(), "{story:#?}");
    assert_eq!(story.not_judged, ["the times between them", "the cookies"]);
    let response = diagnosis.exhibits.iter().find(|one| one.kind == Kind::Response).unwrap();
    assert_eq!(response.not_judged, ["the times"]);
    assert!(!response.is_good_in_full());
}

/// SAML-tracer keeps headers and status codes, but no times.
#[test]
fn an_export_of_saml_tracer_is_a_story_too() {
    let mut traced = Vec::new();
    for entry in started().with_cookies_of_requests().posted(&issued(answer()), "", 403).entries {
        let (request, response) = (&entry["request"], &entry["response"]);
        let post =
            request["postData"]["params"][0]["value"].as_str().map(|value| json!([["SAMLResponse", value]]));
        traced.push(json!({
            "method": request["method"], "url": request["url"], "requestHeaders": request.get("headers").cloned().unwrap_or_else(|| json!([])), "post": post,
            "responseStatus": response["status"],
            "responseHeaders": response.get("headers").cloned().unwrap_or_else(|| json!([])),
        }));
    }
    let export = json!({"requests": traced}).to_string();
    let diagnosis = Doctor::new(now()).examine(&[("tracer.json", export.as_bytes())]);
    let story = &diagnosis.stories[0];
    assert_eq!(story.cause.as_ref().unwrap().complaint.code, "doctor.lost_cookie", "{story:#?}");
    assert_eq!(story.not_judged, ["the times between them"]);
}

const LOG: &str = "2026-01-01T00:00:04Z  WARN vouchsafe_web::answers: sign-in refused reference=\"1a2b3c4d-5e6f7081\" connection=\"acme\" \
                   code=\"provisioning.token_missing\" reason=the assertion has no attribute “token” hint=\"Set it.\" failed_checks=\"\"\n";

/// The reason that only the service knows is in its log, under the reference on its page.
#[test]
fn the_log_of_the_service_explains_what_nothing_else_does() {
    let page = "<code id=\"reference\">1a2b3c4d-5e6f7081</code>";
    let log: &[(&str, &[u8])] = &[("service.log", LOG.as_bytes())];
    let cause = |recording: Recording, log: &[(&str, &[u8])]| {
        let diagnosis = recording.examined_with(|doctor| doctor, log);
        let cause = diagnosis.stories[0].cause.clone().unwrap();
        (cause.request, cause.complaint.code, cause.complaint.message)
    };
    let refused = || started().posted(&issued(answer()), "__Host-saml=x", 403).showing(403, page);
    let (request, code, message) = cause(refused(), log);
    assert_eq!((request, code.as_str()), (3, "provisioning.token_missing"));
    assert_eq!(
        message,
        "the service refused the Response with HTTP 403, and its log says under the reference 1a2b3c4d-5e6f7081: the assertion has no \
         attribute “token”"
    );
    // A log without this reference explains nothing.
    let other = LOG.replace("1a2b3c4d", "00000000");
    assert_eq!(cause(refused(), &[("service.log", other.as_bytes())]).1, "doctor.refused_here");
    // A fault that the recording itself shows is still reported.
    let wrong = issued(answer().audience("https://other.example"));
    let wrong = started().posted(&wrong, "__Host-saml=x", 403).showing(403, page);
    assert_eq!(cause(wrong, log).1, "assertion.audience");

    // A sign-in that the service does not start.
    let mut unstarted = Recording { entries: Vec::new(), at: testkit::ISSUE_INSTANT };
    unstarted.push(json!({"method": "GET", "url": format!("{APP}/saml/login")}), json!({}));
    let (request, code, message) = cause(unstarted.showing(404, page), log);
    assert_eq!((request, code.as_str()), (1, "provisioning.token_missing"));
    assert!(message.starts_with("the service refused this request, and its log says"), "{message}");

    // Without a recording, each refusal of the log is reported.
    let diagnosis = Doctor::new(now()).examine(log);
    let exhibit = &diagnosis.exhibits[0];
    assert_eq!(
        (exhibit.kind, exhibit.complaints[0].code.as_str()),
        (Kind::ServiceLog, "provisioning.token_missing")
    );
}

#[test]
fn a_request_waits_as_long_as_it_was_configured() {
    let late = || started().after(30).posted(&issued(answer()), "", 303);
    let told = |seconds| move |doctor: Doctor| doctor.with_request_lifetime(Duration::from_secs(seconds));
    let found = |diagnosis: Diagnosis| diagnosis.stories[0].events[2].complaints.first().cloned();
    let complaint = found(late().examined_with(told(20), &[])).unwrap();
    assert_eq!(complaint.code, "doctor.late_answer");
    assert_eq!(
        complaint.message,
        "the answer came 31 s after its request; a request of this service waits 20 s"
    );
    assert_ne!(
        found(late().examined_with(told(40), &[])).map(|one| one.code).as_deref(),
        Some("doctor.late_answer")
    );
}

/// With more messages than are examined, each complaint still names its request.
#[test]
fn each_cause_stands_at_its_request_however_long_the_recording_is() {
    let mut recording = started();
    for _ in 0..70 {
        recording =
            recording.posted(&issued(answer().audience("https://other.example")), "__Host-saml=x", 403);
    }
    let diagnosis = recording.examined();
    let cause = diagnosis.stories[0].cause.as_ref().unwrap();
    assert_eq!((cause.request, cause.complaint.code.as_str()), (3, "assertion.audience"));
}

/// Some programs save the requests in another order.
#[test]
fn requests_are_told_in_the_order_in_which_they_were_sent() {
    let mut recording = started().posted(&issued(answer()), "__Host-saml=x", 303);
    recording.entries.reverse();
    let diagnosis = recording.examined();
    let story = &diagnosis.stories[0];
    assert!(story.cause.is_none(), "{story:#?}");
    let since: Vec<Option<i64>> = story.events.iter().map(|event| event.seconds_since).collect();
    assert_eq!(since, [None, Some(1), Some(1)]);
}

/// A late answer is an error, unless it started a session.
#[test]
fn a_late_answer_is_an_error_unless_it_was_taken() {
    let late = || {
        started().after(700).posted(
            &issued(answer().at(testkit::ISSUE_INSTANT + TimeDelta::seconds(700))),
            "__Host-saml=x",
            303,
        )
    };
    let cause = late().examined().stories[0].cause.clone().unwrap();
    assert_eq!(cause.complaint.code, "doctor.late_answer");
    let mut taken = late();
    taken.entries[2]["response"]["headers"] =
        json!([{"name": "Set-Cookie", "value": "session=1; Path=/; Secure"}]);
    let diagnosis = taken.examined();
    assert!(diagnosis.stories[0].cause.is_none(), "{diagnosis:#?}");
    assert_eq!(diagnosis.stories[0].events[2].complaints[0].code, "doctor.late_answer");
}

/// A proxy redirects the POST, to add a slash or https.
#[test]
fn a_post_that_is_redirected_loses_the_response() {
    let redirected = |status: u16, location: &str| {
        let mut recording = started().posted(&issued(answer()), "__Host-saml=x", status);
        recording.entries[2]["response"]["headers"] = json!([{"name": "Location", "value": location}]);
        recording
    };
    let with_slash = format!("{}/", testkit::ASSERTION_CONSUMER);
    for (status, location) in [(301, with_slash.as_str()), (302, "https://www.app.example.com/saml/acs")] {
        let mut recording = redirected(status, location);
        recording.push(json!({"method": "GET", "url": location}), json!({"status": 400}));
        let cause = recording.examined().stories[0].cause.clone().unwrap();
        assert_eq!((cause.request, cause.complaint.code.as_str()), (3, "doctor.redirected_post"));
        assert!(
            cause.complaint.message.ends_with("the browser goes there without the Response"),
            "{cause:#?}"
        );
    }
    // After 307 or 308 the browser posts the message again, which is not a replay.
    let mut recording = redirected(308, &with_slash);
    let posted = issued(answer()).to_base64();
    recording.push(
        json!({"method": "POST", "url": with_slash, "headers": [{"name": "Cookie", "value": "__Host-saml=x"}],
            "postData": {"params": [{"name": "SAMLResponse", "value": posted}]}}),
        json!({"status": 303}),
    );
    let diagnosis = recording.examined();
    let twice = diagnosis.stories[0].events.iter().flat_map(|event| &event.complaints);
    assert!(twice.into_iter().all(|one| one.code != "doctor.posted_twice"), "{:#?}", diagnosis.stories);
    // After a successful sign-in, the redirect leads to another page.
    assert!(redirected(303, "https://app.example.com/home").examined().stories[0].cause.is_none());
}

/// A sign-in at another service in the same recording is not reported as a fault of ours.
#[test]
fn of_two_sign_ins_ours_is_judged() {
    let other = "https://other.example/saml";
    let request = format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_o\" \
         Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\" AssertionConsumerServiceURL=\"{other}/acs\"><saml:Issuer>{other}</saml:Issuer></samlp:AuthnRequest>"
    );
    let theirs = testkit::IdentityProvider::okta().response().in_response_to("_o").audience(other);
    let theirs =
        issued(theirs.destination(format!("{other}/acs")).recipient(format!("{other}/acs"))).to_base64();
    let with_theirs = |mut recording: Recording| {
        let query = redirect::encode(redirect::SAML_REQUEST, &request, None);
        recording.push(
            json!({"method": "GET", "url": format!("{}?{query}", testkit::OKTA_SINGLE_SIGN_ON)}),
            json!({"status": 200}),
        );
        let data = json!({"params": [{"name": "SAMLResponse", "value": theirs}]});
        recording.push(
            json!({"method": "POST", "url": format!("{other}/acs"), "postData": data}),
            json!({"status": 200}),
        );
        recording
    };
    let empty = || Recording { entries: Vec::new(), at: testkit::ISSUE_INSTANT - TimeDelta::seconds(2) };
    // The other sign-in comes before ours, and after it.
    let mut before = with_theirs(empty());
    before.sign_in("_q1", &format!("{APP}/app"), &[BINDING]);
    for recording in [
        before.posted(&issued(answer()), "__Host-saml=x", 303),
        with_theirs(started().posted(&issued(answer()), "__Host-saml=x", 303)),
    ] {
        let diagnosis = recording.examined();
        assert!(diagnosis.stories[0].cause.is_none(), "{:#?}", diagnosis.stories[0].cause);
        let notes = diagnosis
            .exhibits
            .iter()
            .flat_map(|one| &one.complaints)
            .filter(|one| one.code == "doctor.another_service");
        assert_eq!(notes.count(), 2, "{diagnosis:#?}");
    }
    let wrong = started().posted(&issued(answer().audience("urn:wrong")), "__Host-saml=x", 403);
    let cause = with_theirs(wrong).examined().stories[0].cause.clone().unwrap();
    assert_eq!(cause.complaint.code, "assertion.audience");
}

/// If nothing is refused, a warning about the sequence is the verdict.
#[test]
fn the_verdict_tells_a_warning_of_the_sequence() {
    let verdict = started().examined().verdict;
    assert_eq!(verdict.cause.map(|cause| cause.code).as_deref(), Some("doctor.unanswered"));
    assert_eq!(verdict.answer.in_words(), "nothing is refused, and there is something to look at");
}
