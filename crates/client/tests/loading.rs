//! Loading metadata: which addresses are requested and which are not.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::{get, post};
use vouchsafe_client::Client;
use vouchsafe_testkit::IdentityProvider;

async fn server() -> String {
    let metadata = IdentityProvider::okta().metadata().unwrap();
    let router = Router::new()
        .route("/metadata", get(move || async { metadata }))
        .route("/page", get(|| async { "<html><body>sign in</body></html>" }))
        .route("/large", get(|| async { "x".repeat(2_000_000) }))
        .route("/moved", get(|| async { Redirect::to("/metadata") }))
        .route("/inside", get(|| async { Redirect::to("http://10.0.0.1/metadata") }))
        .route("/round", get(|| async { Redirect::to("/round") }));
    served(router).await
}

async fn served(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn metadata_and_nothing_else_is_loaded() {
    let address = server().await;
    let client = Client::with_loopback().unwrap();
    for path in ["/metadata", "/moved"] {
        let found = client.identity_provider(&format!(" {address}{path}\n")).await.unwrap();
        assert_eq!(found.entity_id().as_str(), IdentityProvider::okta().entity_id());
    }
    for (path, code) in [
        ("/absent", "client.status"),
        ("/large", "client.too_large"),
        ("/inside", "client.exchange"),
        ("/round", "client.exchange"),
    ] {
        let error = client.identity_provider(&format!("{address}{path}")).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    for (text, code) in [
        ("https://user@idp.example.com/metadata", "client.forbidden_address"),
        ("https://idp.example.com\\@127.0.0.1/", "metadata.web_address"),
        ("https://0x7f.1/metadata", "metadata.web_address"),
    ] {
        let error = client.identity_provider(text).await.unwrap_err();
        assert_eq!(error.code(), code, "{text}");
    }
    let error = client.identity_provider(&format!("{address}/page")).await.unwrap_err();
    assert!(error.code().starts_with("metadata."), "{} {error}", error.code());
}

/// A posted envelope names a person or contains an artifact: it is sent only to the given address.
#[tokio::test]
async fn an_envelope_is_sent_nowhere_else() {
    let came = Arc::new(Mutex::new(Vec::new()));
    let elsewhere = |came: &Arc<Mutex<Vec<String>>>| {
        let came = Arc::clone(came);
        move |body: String| async move {
            came.lock().unwrap().push(body);
            "<answer/>"
        }
    };
    let router = Router::new()
        .route("/soap", post(|| async { "<answer/>" }))
        .route("/fault", post(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "<fault/>") }))
        .route("/elsewhere", post(elsewhere(&came)).get(elsewhere(&came)))
        .route("/kept", post(|| async { Redirect::temporary("/elsewhere") }))
        .route("/moved", post(|| async { Redirect::permanent("/elsewhere") }))
        .route("/seen", post(|| async { Redirect::to("/elsewhere") }));
    let address = served(router).await;
    let client = Client::with_loopback().unwrap();
    let post = async |path: &str| {
        client.post_soap(&format!("{address}{path}"), "<question/>".to_owned(), "\"a\"").await
    };
    assert_eq!(post("/soap").await.unwrap(), b"<answer/>");
    assert_eq!(post("/fault").await.unwrap(), b"<fault/>");
    for path in ["/kept", "/moved", "/seen"] {
        let error = post(path).await.unwrap_err();
        assert_eq!(error.code(), "client.status", "{path}: {error}");
    }
    assert!(came.lock().unwrap().is_empty());
}

#[tokio::test]
async fn production_asks_the_public_internet_alone() {
    let address = server().await;
    let client = Client::new().unwrap();
    let error = client.identity_provider(&format!("{address}/metadata")).await.unwrap_err();
    assert_eq!(error.code(), "client.forbidden_address");
    let error = client.identity_provider("https://192.168.0.1/metadata").await.unwrap_err();
    assert_eq!(error.code(), "client.forbidden_address");
    // A name that leads into a private network is refused when it is resolved.
    let error = client.identity_provider("https://localhost.localdomain/metadata").await.unwrap_err();
    assert_eq!(error.code(), "client.exchange", "{error}");
}
