//! A form that is posted without a session is kept, and posted again after the sign-in.

use vouchsafe_testkit::AuthnRequest;

use crate::app::{Answer, App, Browser};

const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
const URLENCODED: &str = "application/x-www-form-urlencoded";

impl App {
    async fn notes(
        &self,
        browser: &Browser,
        said: &[(&'static str, &str)],
        kind: &str,
        body: &str,
    ) -> Answer {
        let said: Vec<_> = said.iter().copied().chain([("sec-fetch-mode", "navigate")]).collect();
        browser.post_as(&format!("{}/projects/7/notes?draft=1", self.address), &said, kind, body).await
    }

    /// Signs in, and follows to the path where the sign-in leads.
    async fn back(&self, browser: &Browser, sign_in_page: &str) -> Answer {
        let query = sign_in_page.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let request: AuthnRequest = self.begin(browser, &format!("organization=acme&{query}")).await;
        let id = format!("_form{}", request.id);
        let issued = self.response().assertion_id(id).in_response_to(&request.id).issue().unwrap();
        let answer = self.finish(browser, &issued, request.relay_state.as_deref().unwrap()).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        browser.get(&format!("{}{}", self.address, answer.location)).await
    }
}

/// Returns whether the browser was sent to sign in and a form was kept for it.
fn is_kept(answer: &Answer) -> bool {
    assert_eq!((answer.status, answer.body.as_str()), (303, ""), "{answer:?}");
    let is_kept = answer.location.contains("kept%3D");
    assert_eq!(is_kept, answer.set_cookies.iter().any(|one| one.contains("vouchsafe-form=")), "{answer:?}");
    is_kept
}

#[tokio::test]
async fn what_somebody_wrote_comes_back() {
    let app = App::start().await;
    let browser = Browser::new();
    let body = "text=two%0D%0Alines+%26+%3Cb%3E&text=again&submit=1&password=secret";
    let asked = app.notes(&browser, &[OWN], URLENCODED, body).await;
    assert!(is_kept(&asked));
    assert!(asked.set_cookies[0].contains("; HttpOnly; SameSite=Lax"), "{:?}", asked.set_cookies);

    let page = app.back(&browser, &asked.location).await;
    assert_eq!(page.status, 200, "{page:?}");
    let handle = asked.location.split_once("kept%3D").unwrap().1.split('&').next().unwrap();
    assert!(page.body.contains(&format!("action=\"/saml/form?kept={handle}\"")), "{}", page.body);
    assert!(page.body.contains("name=\"text\" value=\"two\r\nlines &amp; &lt;b&gt;\""), "{}", page.body);
    assert!(page.body.contains("name=\"submit\"") && !page.body.contains("secret"), "{}", page.body);
    let policy = page.headers.get("content-security-policy").unwrap().to_str().unwrap();
    assert!(policy.contains("form-action 'self'"), "{policy}");
    assert!(!page.set_cookies.iter().any(|one| one.contains("vouchsafe-form=")), "it can be reloaded");

    // It is not known who wrote it, so the person must confirm that it is sent in their name.
    assert!(page.body.contains("<button type=\"submit\">Send it now</button>"), "{}", page.body);
    assert!(page.body.contains("<code>/projects/7/notes</code> a moment ago"), "{}", page.body);
    assert!(!page.body.contains("<script") && !policy.contains("script-src"), "{policy} {}", page.body);

    // Posted by the button in the new session, it arrives.
    let again = "text=two%0D%0Alines+%26+%3Cb%3E&text=again&submit=1";
    let button = format!("{}/saml/form?kept={handle}", app.address);
    let sent_on = browser.post_as(&button, &[OWN], URLENCODED, again).await;
    assert_eq!((sent_on.status, sent_on.location.as_str()), (307, "/projects/7/notes?draft=1"));
    assert!(
        sent_on.set_cookies.iter().any(|one| one.contains("vouchsafe-form=") && one.contains("Max-Age=0"))
    );
    let done = app.notes(&browser, &[OWN], URLENCODED, again).await;
    assert_eq!((done.status, done.body.as_str()), (200, again));
}

#[tokio::test]
async fn a_form_in_parts_comes_back_in_parts() {
    let app = App::start().await;
    let browser = Browser::new();
    let part = "--xx\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nwords\r\n--xx--\r\n";
    let asked = app.notes(&browser, &[OWN], "multipart/form-data; boundary=xx", part).await;
    assert!(is_kept(&asked));
    let page = app.back(&browser, &asked.location).await;
    assert!(page.body.contains("enctype=\"multipart/form-data\""), "{}", page.body);
    assert!(page.body.contains("name=\"text\" value=\"words\""), "{}", page.body);
}

#[tokio::test]
async fn what_is_not_to_be_kept_is_not() {
    let app = App::start().await;
    let browser = Browser::new();
    let file =
        "--xx\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nwords\r\n--xx--\r\n";
    let long = format!("text={}", "x".repeat(1_000));
    for (said, kind, body) in [
        (&[][..], URLENCODED, "text=1"),
        (&[("sec-fetch-site", "cross-site")], URLENCODED, "text=1"),
        (&[("sec-fetch-site", "same-site")], URLENCODED, "text=1"),
        (&[("origin", "https://evil.example")], URLENCODED, "text=1"),
        (&[OWN, ("origin", "https://evil.example")], URLENCODED, "text=1"),
        (&[OWN], "text/plain", "text=1"),
        (&[OWN], "application/json", "{}"),
        (&[OWN], "multipart/form-data; boundary=xx", file),
        (&[OWN], URLENCODED, long.as_str()),
        (&[OWN], URLENCODED, "SAMLResponse=PGE%2B&text=1"),
        (&[OWN], URLENCODED, "text=1&%53AMLRequest=PGE%2B"),
        (&[OWN], URLENCODED, "RelayState=1"),
    ] {
        let asked = app.notes(&browser, said, kind, body).await;
        assert!(!is_kept(&asked), "{said:?} {kind} {body}");
    }
    let kept = app.sso.kept_forms().unwrap().store().count_forms(chrono::Utc::now()).await.unwrap();
    assert_eq!(kept, 0);
    // The form was posted to a path that a sign-in may not lead to.
    let elsewhere = format!("{}/guarded", app.address);
    let asked = browser.post_as(&elsewhere, &[OWN], URLENCODED, "text=1").await;
    assert!(!asked.location.contains("kept"), "{asked:?}");
}

/// A kept form is not lost by a link of another site, which opens a browser here with its cookies, or by a program
/// that only checks a link.
#[tokio::test]
async fn a_kept_form_waits_until_it_is_asked_for() {
    let app = App::start().await;
    let browser = Browser::new();
    let asked = app.notes(&browser, &[OWN], URLENCODED, "text=mine").await;
    assert!(is_kept(&asked));
    let handle = asked.location.split_once("kept%3D").unwrap().1.split('&').next().unwrap();
    let page = format!("{}/saml/form", app.address);
    for link in [page.clone(), format!("{page}?kept=0123456789abcdef0123456789abcdef")] {
        let answer = browser.get(&link).await;
        assert_eq!((answer.status, answer.location.as_str()), (303, "/"), "{link}");
        assert!(answer.set_cookies.is_empty(), "{link}: {:?}", answer.set_cookies);
    }
    let looked = browser.head(&format!("{page}?kept={handle}")).await;
    assert!(looked.set_cookies.is_empty(), "{:?}", looked.set_cookies);
    let page = app.back(&browser, &asked.location).await;
    assert!(page.body.contains("value=\"mine\""), "{page:?}");
}

#[tokio::test]
async fn only_the_browser_that_wrote_it_gets_it_and_once() {
    let app = App::start().await;
    let (browser, other) = (Browser::new(), Browser::new());
    let asked = app.notes(&browser, &[OWN], URLENCODED, "text=mine").await;
    assert!(is_kept(&asked));
    let stolen = app.back(&other, &asked.location).await;
    assert!(!stolen.body.contains("mine"), "{stolen:?}");
    // A made-up cookie for the handle does not help either.
    let handle = asked.location.split_once("kept%3D").unwrap().1.split('&').next().unwrap();
    for made_up in ["0123456789abcdef".repeat(2), "0123456789abcdef".repeat(4), "x".to_owned()] {
        other.keep(&format!("vouchsafe-form={handle}.{made_up}; Path=/"));
        let stolen = other.get(&format!("{}/saml/form?kept={handle}", app.address)).await;
        assert!(!stolen.body.contains("mine"), "{stolen:?}");
    }

    let page = app.back(&browser, &asked.location).await;
    assert!(page.body.contains("value=\"mine\""), "{page:?}");
    let button = format!("{}/saml/form?kept={handle}", app.address);
    // Another browser's button takes nothing.
    assert_eq!(other.post_as(&button, &[OWN], URLENCODED, "text=mine").await.location, "/");
    assert_eq!(browser.post_as(&button, &[OWN], URLENCODED, "text=mine").await.status, 307);
    browser.keep(asked.set_cookies[0].as_str());
    for again in [browser.get(&button).await, browser.post_as(&button, &[OWN], URLENCODED, "text=mine").await]
    {
        assert_eq!((again.status, again.location.as_str()), (303, "/"), "{again:?}");
    }
}
