//! Loading metadata: what is asked and what is not.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
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

#[tokio::test]
async fn production_asks_the_public_internet_alone() {
    let address = server().await;
    let client = Client::new().unwrap();
    let error = client.identity_provider(&format!("{address}/metadata")).await.unwrap_err();
    assert_eq!(error.code(), "client.forbidden_address");
    let error = client.identity_provider("https://192.168.0.1/metadata").await.unwrap_err();
    assert_eq!(error.code(), "client.forbidden_address");
    // A name that leads inside is found out when it is resolved.
    let error = client.identity_provider("https://localhost.localdomain/metadata").await.unwrap_err();
    assert_eq!(error.code(), "client.exchange", "{error}");
}
