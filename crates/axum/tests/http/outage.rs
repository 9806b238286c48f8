//! A store that does not work is an outage, and never "nobody is signed in".

use std::sync::Arc;

use reqwest::header::COOKIE;
use vouchsafe_store::Sqlite;
use vouchsafe_web::{OrganizationDiscovery, Provisioned};

use crate::app::App;
use crate::serve::serve;

/// The service of the other tests over a database whose connections are closed.
#[tokio::test]
async fn a_store_that_is_down_answers_503() {
    let store = Sqlite::in_memory().await.unwrap();
    store.close().await;
    let (app, store) = (App::start().await, Arc::new(store));
    let connections = Arc::clone(&app.connections);
    let discovery = OrganizationDiscovery::new(Arc::clone(&store), Arc::clone(&connections));
    let (sso, provisioned) = Provisioned::over(app.service_provider.clone(), connections, store);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    serve(listener, sso.discovery(Arc::new(discovery)), provisioned).await;

    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let session = "vouchsafe-session=0123456789abcdef";
    let secure = "__Host-vouchsafe-session=0123456789abcdef";
    for page in ["/whoami", "/guarded", "/maybe"] {
        let cookies = format!("{session}; {secure}");
        let answer = client.get(format!("{address}{page}")).header(COOKIE, cookies).send().await.unwrap();
        assert_eq!(answer.status(), 503, "{page}");
        assert!(answer.headers().get("set-cookie").is_none(), "the session may still be good");
    }
    let answer = client.get(format!("{address}/maybe")).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "", "without a cookie nothing is looked up");
    let answer = client.get(format!("{address}/saml/login?organization=acme")).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let form = [("SAMLResponse", app.response().issue().unwrap().to_base64())];
    let answer = client.post(format!("{address}/saml/acs")).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 503);
}
