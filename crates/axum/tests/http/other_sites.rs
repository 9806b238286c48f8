//! What pages of other sites can make a browser do.

use vouchsafe::ConnectionId;
use vouchsafe_web::ReceiveGroup;

use crate::app::{App, Browser};

/// A browser that is signed in.
async fn signed_in(app: &App) -> Browser {
    let browser = Browser::new();
    let answer = app.finish(&browser, &app.response().issue().unwrap(), "").await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    browser
}

impl App {
    async fn is_signed_in(&self, browser: &Browser) -> bool {
        browser.get(&format!("{}/whoami", self.address)).await.status == 200
    }
}

/// The cookie is `SameSite=Lax` and is not sent with a form of another site, so the session stays. But an answer
/// could remove the cookie.
#[tokio::test]
async fn another_site_signs_nobody_out() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    let logout = format!("{}/saml/logout", app.address);
    let (own, port) = (app.address.as_str(), app.address.rsplit(':').next().unwrap());
    let neighbour = format!("http://localhost:{port}");
    let foreign: [&[(&str, &str)]; 8] = [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "same-site"), ("origin", &neighbour)],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", "null")],
        &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", own), ("origin", "https://evil.example")],
    ];
    for said in foreign {
        for sender in [&browser, &browser.without_cookie("vouchsafe-session")] {
            let answer = sender.post_saying(&logout, said).await;
            app.assert_sign_out_refused(&answer, "http.cross_site");
        }
        assert!(app.is_signed_in(&browser).await, "{said:?}");
    }
    // A browser that sends neither the headers nor the cookie may be on a page of another site.
    let answer = browser.without_cookie("vouchsafe-session").post_saying(&logout, &[]).await;
    app.assert_sign_out_refused(&answer, "http.cross_site");

    let said: [&[(&str, &str)]; 4] = [
        &[],
        &[("origin", own)],
        &[("sec-fetch-site", "same-origin"), ("origin", own)],
        &[("sec-fetch-site", "none")],
    ];
    for (number, said) in (0..).zip(said) {
        let browser = Browser::new();
        let issued = app.response().assertion_id(format!("_own{number}")).issue().unwrap();
        assert_eq!(app.finish(&browser, &issued, "").await.status, 303);
        let answer = browser.post_saying(&logout, said).await;
        assert_eq!((answer.status, answer.set_cookies.len()), (303, 1), "{said:?}");
        assert!(!app.is_signed_in(&browser).await, "{said:?}");
    }
}

/// Any page can make a browser start sign-ins. Browsers keep about 180 cookies of a site and remove the oldest.
#[tokio::test]
async fn started_sign_ins_do_not_push_the_session_out() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    let mut last = None;
    for _ in 0..220 {
        last = Some(app.begin(&browser, "organization=acme").await);
    }
    assert_eq!(browser.cookies(), 5, "the session and four started sign-ins");
    assert!(app.is_signed_in(&browser).await);
    let last = last.unwrap();
    let issued = app.response().assertion_id("_last").in_response_to(&last.id).issue().unwrap();
    let answer = app.finish(&browser, &issued, &last.relay_state.unwrap()).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(browser.cookies(), 4, "the one that was answered is gone");
}

#[tokio::test]
async fn a_layer_guards_the_forms_of_the_application() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    let change = format!("{}/change", app.address);
    let cross = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    app.assert_refused(&browser.post_saying(&change, &cross).await, "http.cross_site");
    app.assert_refused(&Browser::new().post_saying(&change, &[]).await, "http.cross_site");
    let own = [("sec-fetch-site", "same-origin"), ("origin", app.address.as_str())];
    for (browser, said) in [(&browser, &own[..]), (&Browser::new(), &own[..]), (&browser, &[][..])] {
        let answer = browser.post_saying(&change, said).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "changed"));
    }
    assert_eq!(Browser::new().get(&change).await.body, "read", "reading changes nothing");
}

/// Without a limit, ten thousand large responses at once would need ten thousand threads.
#[tokio::test]
async fn what_is_too_much_at_a_time_is_answered_at_once() {
    let app = App::start().await;
    let limiter = app.limiter.clone();
    let refused_with = |answer: &crate::app::Answer| {
        let retry = answer.headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (answer.status, retry.as_deref() == Some("1"), app.last_refusal().1)
    };
    let acs = format!("{}/saml/acs", app.address);
    let browser = Browser::new();
    let request = app.begin(&browser, "organization=acme").await;
    let issued = app.response().in_response_to(&request.id).issue().unwrap();
    let state = request.relay_state.unwrap();

    let okta = ConnectionId::new("1").unwrap();
    let held = limiter.enter(Some("192.0.2.1".parse().unwrap()), 1).await.unwrap();
    let held = held.within(ReceiveGroup::Connection(okta)).await.unwrap();
    let answer = browser.post_saying(&acs, &[("x-client", "192.0.2.1")]).await;
    assert_eq!(refused_with(&answer), (429, true, "http.too_many_from_address".to_owned()));
    let answer = app.finish(&browser, &issued, &state).await;
    assert_eq!(
        refused_with(&answer),
        (503, true, "http.busy".to_owned()),
        "one over this connection is checked already"
    );
    drop(held);
    // The request is still pending, so another attempt succeeds.
    assert_eq!(app.finish(&browser, &issued, &state).await.status, 303);

    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(limiter.enter(None, 1).await.unwrap());
    }
    let answer = browser.post_saying(&acs, &[]).await;
    assert_eq!(refused_with(&answer), (503, true, "http.busy".to_owned()));
    drop(held);
    assert_eq!(browser.post_saying(&acs, &[]).await.status, 403);
}
