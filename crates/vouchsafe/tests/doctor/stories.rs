//! Recordings as stories: the first cause of each, and the checks that are reported as made.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use vouchsafe::doctor::{Diagnosis, Doctor, Kind};
use vouchsafe::redirect;
use vouchsafe_testkit::{self as testkit, Issued, Part, ResponseBuilder, keys};

use crate::now;

const APP: &str = "https://app.example.com";

/// A recording of a sign-in, step by step.
struct Recording {
    entries: Vec<Value>,
    at: DateTime<Utc>,
}

impl Recording {
    /// Starts a recording: a person opens the service, which sets these cookies and sends the person to Okta.
    fn started(at: &str, set: &[&str]) -> Recording {
        let mut recording = Recording { entries: Vec::new(), at: testkit::ISSUE_INSTANT };
        recording.sign_in("_q1", at, set);
        recording
    }

    fn sign_in(&mut self, id: &str, at: &str, set: &[&str]) {
        let request = format!(
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
             ID=\"{id}\" Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\"><saml:Issuer>{}</saml:Issuer></samlp:AuthnRequest>",
            testkit::SERVICE_PROVIDER
        );
        let query = redirect::encode(redirect::SAML_REQUEST, &request, None);
        let address = format!("{}?{query}", testkit::OKTA_SINGLE_SIGN_ON);
        let set = set.iter().map(|line| json!({"name": "Set-Cookie", "value": line}));
        let headers: Vec<Value> = set.chain([json!({"name": "Location", "value": address})]).collect();
        self.push(json!({"method": "GET", "url": at}), json!({"status": 302, "headers": headers}));
        self.push(json!({"method": "GET", "url": address}), json!({"status": 200}));
    }

    fn push(&mut self, request: Value, response: Value) {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Millis, true);
        self.entries.push(json!({"startedDateTime": at, "request": request, "response": response}));
        self.at += TimeDelta::seconds(1);
    }

    fn posted(mut self, issued: &Issued, cookies: &str, status: u16) -> Recording {
        let headers =
            if cookies.is_empty() { json!([]) } else { json!([{"name": "Cookie", "value": cookies}]) };
        let data = json!({"params": [{"name": "SAMLResponse", "value": issued.to_base64()}]});
        self.push(
            json!({"method": "POST", "url": testkit::ASSERTION_CONSUMER, "headers": headers, "postData": data}),
            json!({"status": status}),
        );
        self
    }

    fn after(mut self, seconds: i64) -> Recording {
        self.at += TimeDelta::seconds(seconds);
        self
    }

    /// Sets the page that answers the last request.
    fn showing(mut self, status: u16, page: &str) -> Recording {
        let last = self.entries.last_mut().unwrap();
        last["response"] = json!({"status": status, "content": {"mimeType": "text/html", "text": page}});
        self
    }

    fn examined(self) -> Diagnosis {
        self.examined_with(|doctor| doctor, &[])
    }

    fn examined_with(self, told: impl FnOnce(Doctor) -> Doctor, more: &[(&str, &[u8])]) -> Diagnosis {
        let har = json!({"log": {"version": "1.2", "entries": self.entries}}).to_string();
        let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
        let other = testkit::IdentityProvider::other().metadata().unwrap();
        let doctor = Doctor::new(now())
            .with_entity_id(testkit::SERVICE_PROVIDER)
            .with_assertion_consumer(testkit::ASSERTION_CONSUMER);
        let mut files = vec![
            ("sign-in.har", har.as_bytes()),
            ("okta.xml", metadata.as_bytes()),
            ("other.xml", other.as_bytes()),
        ];
        files.extend(more);
        told(doctor).examine(&files)
    }
}

fn answer() -> ResponseBuilder {
    testkit::IdentityProvider::okta().response().in_response_to("_q1")
}

const BINDING: &str = "__Host-saml=x; Path=/; Secure; HttpOnly; SameSite=None";

fn started() -> Recording {
    Recording::started(&format!("{APP}/app"), &[BINDING])
}

fn issued(response: ResponseBuilder) -> Issued {
    response.issue().unwrap()
}

#[test]
fn the_first_cause_of_each_story() {
    let good = || issued(answer());
    let with = "__Host-saml=x";
    let lax = |attributes: &str| {
        Recording::started(&format!("{APP}/app"), &[&format!("sid=1; Path=/{attributes}")])
    };
    let denied = answer()
        .status([
            "urn:oasis:names:tc:SAML:2.0:status:Responder",
            "urn:oasis:names:tc:SAML:2.0:status:RequestDenied",
        ])
        .omit(Part::Assertion);
    let mut twice_asked = started().posted(&good(), with, 303);
    twice_asked.sign_in("_q2", &format!("{APP}/app"), &[]);
    let mut ended = started();
    ended.push(json!({"method": "POST", "url": testkit::OKTA_SINGLE_SIGN_ON}), json!({"status": 400}));
    let by_redirect = {
        let mut recording = started();
        let query = redirect::encode(redirect::SAML_RESPONSE, good().xml(), None);
        let url = format!("{}?{query}", testkit::ASSERTION_CONSUMER);
        let headers = json!([{"name": "Cookie", "value": with}]);
        recording.push(json!({"method": "GET", "url": url, "headers": headers}), json!({"status": 403}));
        recording
    };
    let mut late_and_again = started().after(700).posted(&good(), "", 303);
    late_and_again.sign_in("_q2", testkit::ASSERTION_CONSUMER, &[BINDING]);
    let short_lived = "__Host-saml=x; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=60";
    let mut one_site = Recording::started(&format!("{APP}/app"), &["sid=1; Path=/; SameSite=Lax"]);
    one_site.entries[1]["request"]["url"] = json!(
        one_site.entries[1]["request"]["url"]
            .as_str()
            .unwrap()
            .replace("example.okta.com", "app.example.com:7080")
    );
    one_site.entries[0]["response"]["headers"][1]["value"] = one_site.entries[1]["request"]["url"].clone();
    for (what, recording, request, code, message) in [
        (
            "late answer, after which the sign-in begins again",
            late_and_again,
            3,
            "doctor.late_answer",
            "the answer came 701 s after its request; a request waits 600 s unless it is configured otherwise",
        ),
        (
            "cookies that ended",
            Recording::started(&format!("{APP}/app"), &[short_lived]).after(100).posted(
                &issued(answer().at(testkit::ISSUE_INSTANT + TimeDelta::seconds(100))),
                "",
                403,
            ),
            3,
            "doctor.lost_cookie",
            "came with the Response: they lived 60 s (Max-Age), and the Response was posted 102 s later",
        ),
        (
            "an identity provider of the same site",
            one_site.posted(&good(), "", 403),
            3,
            "doctor.lost_cookie",
            "came with the Response: the recording does not show why",
        ),
        (
            "a page of Okta's",
            started().showing(403, "<html><title>x</title><p>Sorry, you cannot access Loadbench because you are not assigned this app in Okta.</p>"),
            2,
            "page.okta.not_assigned",
            "Okta showed an error page in the place of a Response: the application is not assigned to the person",
        ),
        (
            "a page of Microsoft's, which is no error to HTTP",
            started().showing(200, "<html><script>$Config={\"strServiceExceptionMessage\":\"AADSTS700016: Application with identifier 'x' was not found\"}</script>"),
            2,
            "page.entra.unknown_application",
            "Microsoft Entra ID showed an error page in the place of a Response: no application of the directory has the Issuer of the request as its identifier",
        ),
        (
            "an unknown page",
            started().showing(500, "<html><title>Something went\nwrong</title>"),
            2,
            "doctor.unanswered",
            "the identity provider answered the request with HTTP 500 and no Response; its page is titled “Something went wrong”",
        ),
        (
            "refused by the service under a reference",
            started().posted(&good(), with, 403).showing(403, "<code id=\"reference\">1a2b3c4d-5e6f7081</code>"),
            3,
            "doctor.refused_here",
            "the service refused the Response with HTTP 403 (reference 1a2b3c4d-5e6f7081), and nothing in the recording says why: the message is in order as far as it was judged",
        ),
        (
            "replay",
            started().posted(&good(), with, 303).after(5).posted(&good(), with, 403),
            4,
            "doctor.posted_twice",
            "was sent before, by request 3: a Response is accepted once",
        ),
        (
            "late answer",
            started().after(700).posted(
                &issued(answer().at(testkit::ISSUE_INSTANT + TimeDelta::seconds(700))),
                with,
                403,
            ),
            3,
            "doctor.late_answer",
            "the answer came 701 s after its request; a request waits 600 s unless it is configured otherwise",
        ),
        (
            "SameSite=Lax",
            lax("; SameSite=Lax").posted(&good(), "other=1", 403),
            3,
            "doctor.lost_cookie",
            "none of the cookies that request 1 set (“sid”) came with the Response: they are SameSite=Lax or Strict, which browsers do not send \
             with a form from another site",
        ),
        (
            "no SameSite",
            lax("").posted(&good(), "", 403),
            3,
            "doctor.lost_cookie",
            "none of the cookies that request 1 set (“sid”) came with the Response: they have no SameSite, which browsers take for Lax: they are \
             not sent with a form from another site",
        ),
        (
            "SameSite=None without Secure",
            lax("; SameSite=None").posted(&good(), "", 403),
            3,
            "doctor.lost_cookie",
            "none of the cookies that request 1 set (“sid”) came with the Response: they are SameSite=None without Secure, which browsers refuse",
        ),
        (
            "another host",
            Recording::started("https://www.example.com/app", &[BINDING]).posted(&good(), "", 403),
            3,
            "doctor.lost_cookie",
            "none of the cookies that request 1 set (“__Host-saml”) came with the Response: the sign-in began at “www.example.com”, and the \
             Response was posted to “app.example.com”",
        ),
        (
            "http",
            Recording::started("http://app.example.com/app", &[BINDING]).posted(&good(), "", 403),
            3,
            "doctor.lost_cookie",
            "none of the cookies that request 1 set (“__Host-saml”) came with the Response: one of the two addresses is http",
        ),
        (
            "blocked",
            started().posted(&good(), "", 403),
            3,
            "doctor.lost_cookie",
            "none of the cookies that request 1 set (“__Host-saml”) came with the Response: the recording does not show why",
        ),
        (
            "wrong audience",
            started().posted(&issued(answer().audience("https://other.example")), with, 403),
            3,
            "assertion.audience",
            "AudienceRestriction: expected “https://app.example.com/saml/metadata”, found “https://other.example”",
        ),
        (
            "rolled key",
            started().posted(&issued(answer().key(keys::attacker())), with, 403),
            3,
            "signature.not_verified",
            "; the key of a certificate that the message brings along made it, and nobody here knows that certificate",
        ),
        (
            "other tenant's key",
            started().posted(&issued(answer().key(keys::other_identity_provider())), with, 403),
            3,
            "signature.not_verified",
            "; another identity provider's key made it",
        ),
        (
            "unassigned person",
            started().posted(&issued(denied), with, 403),
            3,
            "assertion.status",
            "the identity provider answered “urn:oasis:names:tc:SAML:2.0:status:Responder” / “urn:oasis:names:tc:SAML:2.0:status:RequestDenied”",
        ),
        (
            "clock",
            started().posted(&issued(answer().at(testkit::ISSUE_INSTANT + TimeDelta::hours(1))), with, 403),
            3,
            "assertion.not_yet_valid",
            "about 1 h, which looks like a time zone that is set wrongly",
        ),
        (
            "other request",
            started().posted(&issued(answer().in_response_to("_other")), with, 403),
            3,
            "doctor.other_request",
            "the Response answers “_other”, which is not in the recording; the last request is “_q1”",
        ),
        (
            "refused by the service",
            started().posted(&good(), with, 403),
            3,
            "doctor.refused_here",
            "the service refused the Response with HTTP 403, and nothing in the recording says why: the message is in order as far as it was judged",
        ),
        (
            "no session",
            twice_asked,
            5,
            "doctor.started_again",
            "the service answered the Response with HTTP 303, and 2 s later the sign-in began again: the browser did not keep a session",
        ),
        (
            "refused by the identity provider",
            ended,
            3,
            "doctor.unanswered",
            "the identity provider answered the request with HTTP 400 and no Response",
        ),
        ("by redirect", by_redirect, 3, "doctor.response_by_redirect", "the Response came by HTTP-Redirect"),
    ] {
        let diagnosis = recording.examined();
        let story = &diagnosis.stories[0];
        let cause = story.cause.as_ref().unwrap_or_else(|| panic!("{what}: no cause in {diagnosis:#?}"));
        assert_eq!((cause.request, cause.complaint.code.as_str()), (request, code), "{what}: {cause:#?}");
        assert!(cause.complaint.message.contains(message), "{what}: {}", cause.complaint.message);
        assert!(!diagnosis.is_healthy() && !cause.complaint.remedy.is_empty(), "{what}");
    }
}

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
    for entry in started().posted(&issued(answer()), "", 403).entries {
        let (request, response) = (&entry["request"], &entry["response"]);
        let post =
            request["postData"]["params"][0]["value"].as_str().map(|value| json!([["SAMLResponse", value]]));
        traced.push(json!({
            "method": request["method"], "url": request["url"], "requestHeaders": [], "post": post,
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
