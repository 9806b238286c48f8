//! The reference that a person reports, and the log in which it is found.

use serde_json::json;
use vouchsafe::doctor::{Answer, Diagnosis, Doctor, Kind};
use vouchsafe_testkit as testkit;

use crate::now;
use crate::recording::{answer, issued, started};

/// The refusals of three people: the reference, the code, the reason.
const REFUSALS: [(&str, &str, &str); 3] = [
    ("22d2c91e-7320571f", "assertion.not_yet_valid", "not valid until later"),
    ("4a6dfc5f-0c1d2e3f", "assertion.audience", "another audience"),
    ("1631f7ca-0d0ecb44", "signature.not_verified", "no key fits"),
];

fn log() -> String {
    let line = |(reference, code, reason): (&str, &str, &str)| {
        format!(
            "2026-01-01T00:00:04Z  WARN vouchsafe_web::answers: sign-in refused reference=\"{reference}\" code=\"{code}\" reason={reason} \
             hint=\"Do this.\" failed_checks=\"\"\n"
        )
    };
    REFUSALS.into_iter().map(line).collect()
}

fn page(reference: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><title>Sign-in failed</title></head><body><h1>We could not sign you in</h1>\
         <p>Try again, or ask your administrator and name this reference:</p><p><code id=\"reference\">{reference}</code></p></body></html>"
    )
}

fn examined(files: &[(&str, &str)]) -> Diagnosis {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    Doctor::new(now()).examine(&files)
}

/// A person sends the page, its text, or the reference, and the refusal of this person is found among others.
#[test]
fn a_reference_picks_the_refusal_of_the_person() {
    let log = log();
    for (reference, code, reason) in REFUSALS {
        let texts = [
            page(reference),
            format!("We could not sign you in.\nName this reference:\n{reference}\nBack"),
            format!("reference {reference}"),
            reference.to_owned(),
            json!({"error": "refused", "reference": reference}).to_string(),
        ];
        for text in &texts {
            for files in [[("given", text.as_str()), ("log", &log)], [("log", &log), ("given", text)]] {
                let diagnosis = examined(&files);
                let verdict = &diagnosis.verdict;
                let cause = verdict.cause.as_ref().unwrap_or_else(|| panic!("{text}"));
                assert_eq!((cause.code.as_str(), verdict.source.as_deref()), (code, Some("log")), "{text}");
                assert_eq!(cause.message, format!("the service refused (reference {reference}): {reason}"));
                let told: usize = diagnosis.exhibits.iter().map(|one| one.complaints.len()).sum();
                assert_eq!(told, 1, "another person's refusal is told: {diagnosis:#?}");
                let given = diagnosis.exhibits.iter().find(|one| one.source == "given").unwrap();
                assert_eq!(given.kind, Kind::RefusalReference, "{text}");
            }
        }
    }
}

/// A reference that no log has is told, and nobody else's refusal is.
#[test]
fn a_reference_that_is_in_no_log_is_told() {
    let (log, page) = (log(), page("5eb79d3f-6f1c9dc8"));
    for (files, says) in [
        (
            vec![("page.html", page.as_str()), ("log", &log)],
            "the log has no refusal with the reference “5eb79d3f-6f1c9dc8”",
        ),
        (
            vec![("page.html", page.as_str())],
            "the service refused under the reference 5eb79d3f-6f1c9dc8, and no log with a refusal is among the files",
        ),
    ] {
        let diagnosis = examined(&files);
        let cause = diagnosis.verdict.cause.as_ref().unwrap();
        assert_eq!((cause.code.as_str(), cause.message.as_str()), ("doctor.unknown_reference", says));
        assert_eq!(diagnosis.verdict.answer, Answer::Wrong);
        assert!(!diagnosis.is_healthy() && diagnosis.is_understood());
        let told: usize = diagnosis.exhibits.iter().map(|one| one.complaints.len()).sum();
        assert_eq!(told, 1, "{diagnosis:#?}");
    }
    // A log without any refusal is no log for the doctor.
    let quiet = [("page.html", page.as_str()), ("log", "2026-01-01T00:00:04Z  INFO app: started")];
    assert_eq!(examined(&quiet).verdict.cause.unwrap().code, "doctor.unknown_reference");
    // The message explains more than a reference without its log.
    let wrong = issued(answer().audience("https://other.example")).to_base64();
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let files = [("page.html", page.as_str()), ("posted.txt", &wrong), ("okta.xml", &metadata)];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let doctor = Doctor::new(now()).with_entity_id(testkit::SERVICE_PROVIDER);
    let cause = doctor.examine(&files).verdict.cause.unwrap();
    assert_eq!(cause.code, "assertion.audience");
}

/// Without a reference, the first line says that it tells the last of several refusals.
#[test]
fn the_last_of_several_refusals_is_told_as_such() {
    let cause = examined(&[("log", &log())]).verdict.cause.unwrap();
    assert_eq!(cause.code, "signature.not_verified");
    assert_eq!(
        cause.message,
        "the last of 3 refusals in this log, since no reference was given (--reference, or the saved page of the person): the service refused \
         (reference 1631f7ca-0d0ecb44): no key fits"
    );
    let one = log().lines().next().unwrap().to_owned();
    let cause = examined(&[("log", &one)]).verdict.cause.unwrap();
    assert_eq!(cause.message, "the service refused (reference 22d2c91e-7320571f): not valid until later");
}

/// Two references in one text name nobody, and other content keeps its meaning.
#[test]
fn only_a_single_reference_counts() {
    let two = page("22d2c91e-7320571f").replace("Try again", "4a6dfc5f-0c1d2e3f");
    assert_eq!(examined(&[("page.html", &two)]).exhibits[0].complaints[0].code, "doctor.web_page");
    let of_okta = page("22d2c91e-7320571f").replace(
        "Try again",
        "Sorry, you cannot access Loadbench because you are not assigned this app in Okta.",
    );
    assert_eq!(examined(&[("page.html", &of_okta)]).exhibits[0].complaints[0].code, "page.okta.not_assigned");
    let posted =
        format!("22d2c91e-7320571f SAMLResponse={}", issued(answer()).to_base64().replace('+', "%2B"));
    assert_ne!(examined(&[("posted.txt", &posted)]).exhibits[0].kind, Kind::RefusalReference);
}

/// Cookies are lost only if the recording shows it: a session that began, the log, or a recording without the cookies
/// of any request shows something else, or nothing.
#[test]
fn cookies_are_lost_only_where_the_recording_shows_it() {
    let code =
        |diagnosis: &Diagnosis| diagnosis.stories[0].cause.as_ref().map(|cause| cause.complaint.code.clone());
    let session = json!([{"name": "Set-Cookie", "value": "session=1; Path=/; Secure"}]);
    // The service set a session.
    let mut good = started().with_cookies_of_requests().posted(&issued(answer()), "", 303);
    good.entries[2]["response"]["headers"] = session;
    assert_eq!(code(&good.examined()), None);
    // No request has a cookie, and the service went on, or the message has a fault of its own.
    let unrecorded = started().posted(&issued(answer()), "", 303).examined();
    assert_eq!(code(&unrecorded), None);
    assert_eq!(unrecorded.stories[0].not_judged, ["the cookies"]);
    let wrong = issued(answer().audience("https://other.example"));
    let wrong = started().posted(&wrong, "", 403).examined();
    assert_eq!(code(&wrong).as_deref(), Some("assertion.audience"));
    // No request has a cookie, and nothing else explains the refusal: the browser may have had no other cookie.
    let left = started().posted(&issued(answer()), "", 403).examined();
    let message = &left.stories[0].cause.as_ref().unwrap().complaint.message;
    assert_eq!(code(&left).as_deref(), Some("doctor.lost_cookie"));
    assert!(message.ends_with("perhaps they were not recorded)"), "{message}");
    // The log has the reason.
    let log = log();
    let refused = |reference: &str| {
        let recording = started().with_cookies_of_requests().posted(&issued(answer()), "", 403);
        recording.showing(403, &page(reference)).examined_with(|doctor| doctor, &[("log", log.as_bytes())])
    };
    assert_eq!(code(&refused("4a6dfc5f-0c1d2e3f")).as_deref(), Some("assertion.audience"));
    // A page whose refusal is in no log leaves the cookies to be judged.
    assert_eq!(code(&refused("5eb79d3f-6f1c9dc8")).as_deref(), Some("doctor.lost_cookie"));
    // The given log has other refusals only.
    let unlogged =
        started().posted(&issued(answer()), "__Host-saml=x", 403).showing(403, &page("5eb79d3f-6f1c9dc8"));
    let unlogged = unlogged.examined_with(|doctor| doctor, &[("log", log.as_bytes())]);
    let message = &unlogged.stories[0].cause.as_ref().unwrap().complaint.message;
    assert!(message.ends_with("; the given log has no refusal with this reference"), "{message}");
}

/// The place of a setting is where the console has it, and not where the other settings of the application are.
#[test]
fn the_place_of_the_signing_certificate_is_not_that_of_the_other_settings() {
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let forged = issued(answer().key(testkit::keys::attacker())).to_base64();
    let doctor = Doctor::new(now()).with_entity_id(testkit::SERVICE_PROVIDER);
    let diagnosis = doctor.examine(&[("okta.xml", metadata.as_bytes()), ("posted.txt", forged.as_bytes())]);
    let cause = diagnosis.verdict.cause.unwrap();
    let setting = cause.setting.unwrap();
    assert_eq!(
        (cause.code.as_str(), setting.name.as_str()),
        ("signature.not_verified", "Sign On > SAML Signing Certificates")
    );
    assert_eq!(setting.place, "Admin Console > Applications > Applications > the application > Sign On");
}
