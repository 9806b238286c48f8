//! The first cause of each recorded sign-in that failed.

use chrono::TimeDelta;
use serde_json::json;
use vouchsafe::redirect;
use vouchsafe_testkit::{self as testkit, Part, keys};

use crate::recording::{APP, BINDING, Recording, answer, issued, started};

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
            one_site.with_cookies_of_requests().posted(&good(), "", 403),
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
            lax("").with_cookies_of_requests().posted(&good(), "", 403),
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
            started().with_cookies_of_requests().posted(&good(), "", 403),
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
            "; the key of a certificate in the message made it, and that certificate is not known here",
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
