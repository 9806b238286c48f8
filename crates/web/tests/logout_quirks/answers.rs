//! Answers to sign-outs that come again, that are not believed, or whose connection was retired.

use http::Method;
use vouchsafe::ConnectionState;
use vouchsafe_web::LogoutPage;

use crate::{Scene, THERE, ada, connection, held, okta, request};

/// A reload of the page, and the back button, send the answer again. The page does not say that the sign-out failed.
#[tokio::test]
async fn the_page_of_a_finished_sign_out_can_be_reloaded() {
    let scene = Scene::new();
    let asked = scene.signs_out(vec![ada("okta")]).await;
    let sent = scene.sent(&asked);
    let answer = scene.answers(&sent.id, &["Success"]);
    let page = scene.by_redirect(&answer, sent.state.as_deref(), &held(&asked)).await;
    assert_eq!(page.status().as_u16(), 200);
    let noted = held(&page);
    for _ in 0..2 {
        let again = scene.by_redirect(&answer, sent.state.as_deref(), &noted).await;
        assert_eq!(again.status().as_u16(), 200);
        assert!(again.body().contains("You are signed out."), "{}", again.body());
    }
    // Whoever signed in again is not signed out, another answer is another, and so is another browser's.
    let session = format!("{noted}; __Host-vouchsafe-session=new");
    let other = scene.answers("_another", &["Success"]);
    for (answer, cookies) in
        [(&answer, session.as_str()), (&other, &noted), (&answer, ""), (&answer, &held(&asked))]
    {
        let refused = scene.by_redirect(answer, sent.state.as_deref(), cookies).await;
        assert_eq!(refused.status().as_u16(), 403, "{cookies}");
    }
}

/// A page of the application does not say after a reload that a sign-out was complete which was not: what the identity
/// provider answered is not kept.
#[tokio::test]
async fn a_page_that_is_loaded_again_does_not_claim_a_complete_sign_out() {
    for (codes, first) in [(&["Success"][..], "complete"), (&["Responder"], "incomplete")] {
        let mut scene = Scene::new();
        scene.sso = scene.sso.clone().logout_page(LogoutPage::rendered_by(|shown| {
            let told = shown.answers.iter().map(|answer| answer.connection.as_str());
            let text = if shown.is_complete() { "complete" } else { "incomplete" };
            told.chain([text]).collect::<Vec<_>>().join(" ")
        }));
        let asked = scene.signs_out(vec![ada("okta")]).await;
        let sent = scene.sent(&asked);
        let answer = scene.answers(&sent.id, codes);
        let page = scene.by_redirect(&answer, sent.state.as_deref(), &held(&asked)).await;
        assert_eq!(page.body(), &format!("okta {first}"));
        let again = scene.by_redirect(&answer, sent.state.as_deref(), &held(&page)).await;
        assert_eq!((again.status().as_u16(), again.body().as_str()), (200, "incomplete"));
    }
}

/// Sessions outlive the retirement of their connection, which is when an identity provider is replaced.
#[tokio::test]
async fn the_answer_over_a_connection_that_was_retired_is_taken() {
    let retired = connection("okta", &okta().metadata().unwrap()).with_state(ConnectionState::Retired);
    let scene = Scene::over([retired]);
    let asked = scene.signs_out(vec![ada("okta")]).await;
    let sent = scene.sent(&asked);
    let page =
        scene.by_redirect(&scene.answers(&sent.id, &["Success"]), sent.state.as_deref(), &held(&asked)).await;
    assert_eq!(page.status().as_u16(), 200);
    assert!(page.body().contains("has ended its session too"), "{}", page.body());
    // Its requests are not.
    let asks = scene.by_redirect(&scene.asks("_1", &["s2"]), None, "").await;
    assert_eq!((asks.status().as_u16(), scene.open().as_str()), (403, "s2 s3"));
}

/// An identity provider whose answers are not believed does not keep those after it from being told.
#[tokio::test]
async fn an_answer_that_is_not_believed_does_not_end_the_journey() {
    let metadata = okta().metadata().unwrap();
    let scene = Scene::over([connection("one", &metadata), connection("two", &metadata)]);
    let asked = scene.signs_out(vec![ada("one"), ada("two")]).await;
    let sent = scene.sent(&asked);
    let unsigned = scene.answers(&sent.id, &["Success"]).to_unsigned_query(sent.state.as_deref()).unwrap();
    let without_state = scene.answers(&sent.id, &["Success"]).to_unsigned_query(None).unwrap();
    let brought = async |query: &str, cookies: &str| {
        let parts = request(Method::GET, &format!("/saml/slo?{query}"), cookies);
        scene.sso.single_logout(&parts, b"", None).await
    };
    // Who does not know the RelayState changes nothing.
    assert_eq!(brought(&without_state, &held(&asked)).await.status().as_u16(), 403);
    assert_eq!(brought(&unsigned, "").await.status().as_u16(), 403);
    let next = brought(&unsigned, &held(&asked)).await;
    let second = scene.sent(&next);
    assert_eq!(second.to, THERE);
    let answer = scene.answers(&second.id, &["Success"]);
    // The last one can answer again, so that a bad answer is refused.
    let bad = answer.to_unsigned_query(second.state.as_deref()).unwrap();
    assert_eq!(brought(&bad, &held(&next)).await.status().as_u16(), 403);
    let page = scene.by_redirect(&answer, second.state.as_deref(), &held(&next)).await;
    assert_eq!(page.status().as_u16(), 200);
    assert!(
        page.body().contains("its answer could not be believed")
            || page.body().contains("You may still be signed in"),
        "{}",
        page.body()
    );
}
