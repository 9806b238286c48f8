//! A store that does not work is an outage, and never "nobody is signed in".

use axum::Router;
use axum::routing::get;
use reqwest::header::COOKIE;
use vouchsafe::{Connections, ServiceProvider};
use vouchsafe_axum::{ReturnPaths, Service, SignedIn, Store, routes};
use vouchsafe_store::Sqlite;

use crate::app::App;

/// The service of the other tests over a database whose connections are closed.
#[derive(Clone)]
struct Broken {
    app: App,
    store: Sqlite,
}

impl Service for Broken {
    fn service_provider(&self) -> ServiceProvider {
        self.app.service_provider()
    }

    fn connections(&self) -> &Connections {
        self.app.connections()
    }

    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn return_paths(&self) -> &ReturnPaths {
        self.app.return_paths()
    }
}

#[tokio::test]
async fn a_store_that_is_down_answers_503() {
    let store = Sqlite::in_memory().await.unwrap();
    store.close().await;
    let service = Broken { app: App::start().await, store };
    let required = async |signed_in: SignedIn| signed_in.session().account.to_string();
    let optional = async |signed_in: Option<SignedIn>| signed_in.is_some().to_string();
    let pages = Router::new().route("/required", get(required)).route("/optional", get(optional));
    let router = pages.merge(routes()).with_state(service.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let session = "vouchsafe-session=0123456789abcdef";
    let secure = "__Host-vouchsafe-session=0123456789abcdef";
    for page in ["/required", "/optional"] {
        let cookies = format!("{session}; {secure}");
        let answer = client.get(format!("{address}{page}")).header(COOKIE, cookies).send().await.unwrap();
        assert_eq!(answer.status(), 503, "{page}");
        assert!(answer.headers().contains_key("retry-after"));
        assert!(answer.headers().get("set-cookie").is_none(), "the session may still be good");
    }
    let answer = client.get(format!("{address}/optional")).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "false", "without a cookie nothing is looked up");
    let answer = client.get(format!("{address}/saml/login?organization=acme")).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let form = [("SAMLResponse", service.app.response().issue().unwrap().to_base64())];
    let answer = client.post(format!("{address}/saml/acs")).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 503);
}
