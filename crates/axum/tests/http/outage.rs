//! A store that does not work is an outage, and never "nobody is signed in".

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use reqwest::header::COOKIE;
use vouchsafe_axum::{OrganizationDiscovery, Provisioned, SignedIn, SingleSignOn, provisioned_routes};
use vouchsafe_store::Sqlite;

use crate::app::App;

/// The service of the other tests over a database whose connections are closed.
#[derive(Clone)]
struct Broken {
    sso: SingleSignOn,
    provisioned: Provisioned,
}

impl FromRef<Broken> for SingleSignOn {
    fn from_ref(broken: &Broken) -> SingleSignOn {
        broken.sso.clone()
    }
}

impl FromRef<Broken> for Provisioned {
    fn from_ref(broken: &Broken) -> Provisioned {
        broken.provisioned.clone()
    }
}

#[tokio::test]
async fn a_store_that_is_down_answers_503() {
    let store = Sqlite::in_memory().await.unwrap();
    store.close().await;
    let (app, store) = (App::start().await, Arc::new(store));
    let connections = Arc::clone(&app.connections);
    let discovery = OrganizationDiscovery::new(Arc::clone(&store), Arc::clone(&connections));
    let sso = SingleSignOn::new(app.service_provider.clone(), connections, Arc::clone(&store));
    let service = Broken { sso: sso.discovery(Arc::new(discovery)), provisioned: Provisioned::new(store) };
    let required = async |signed_in: SignedIn| signed_in.session().account.to_string();
    let optional = async |signed_in: Option<SignedIn>| signed_in.is_some().to_string();
    let pages = Router::new().route("/required", get(required)).route("/optional", get(optional));
    let router = pages.merge(provisioned_routes()).with_state(service);
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
        assert!(answer.headers().get("set-cookie").is_none(), "the session may still be good");
    }
    let answer = client.get(format!("{address}/optional")).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "false", "without a cookie nothing is looked up");
    let answer = client.get(format!("{address}/saml/login?organization=acme")).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let form = [("SAMLResponse", app.response().issue().unwrap().to_base64())];
    let answer = client.post(format!("{address}/saml/acs")).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 503);
}
