//! The path of the portal's routes, and the path to which its links lead.

use std::sync::Arc;

use axum::Router;
use chrono::{TimeDelta, Utc};
use tokio::net::TcpListener;
use vouchsafe::provisioning::Organization;
use vouchsafe::{Connections, EntityId, Provider, ServiceProvider};
use vouchsafe_axum::{SetUp, SingleSignOn, set_up_routes, set_up_routes_at};
use vouchsafe_store::{Directory, Memory, SetUpLink, SetUpPurpose, SetUpSecret, SetUpStore};

use crate::browser::{Browser, Page};
use crate::world::{acme, author};

/// Opens a link of a portal at `path`. `asked` is what comes before the path of the link that is asked for.
async fn opened(path: &str, routes: impl FnOnce(&SetUp) -> Router<SingleSignOn>, asked: &str) -> Page {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let store = Arc::new(Memory::new());
    let mut organization = Organization::new(acme(), "acme", "Acme");
    organization.entitled = true;
    store.add_organization(&organization, &author()).await.unwrap();
    let (secret, now) = (SetUpSecret::generate(&Provider::rustcrypto()).unwrap(), Utc::now());
    let link = SetUpLink::new(&secret, acme(), SetUpPurpose::Everything, now, now + TimeDelta::days(7));
    store.add_set_up_link(&secret, &link, &author()).await.unwrap();
    let saml = ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata")).unwrap());
    let saml = saml.assertion_consumer(&format!("{address}/saml/acs")).unwrap().build().unwrap();
    let set_up = SetUp::new(Arc::clone(&store), path);
    let sso = SingleSignOn::new(saml, Arc::new(Connections::new()), store).set_up_by(set_up.clone());
    let router = routes(&set_up).with_state(sso);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Browser::at(&address).get(&format!("{asked}/link/{}", secret.reveal())).await
}

#[tokio::test]
async fn the_routes_are_at_the_path_of_the_links() {
    for path in ["/set-up", "/app/set-up", "/", "set-up/"] {
        let asked = format!("/{}", path.trim_matches('/'));
        opened(path, set_up_routes, asked.trim_end_matches('/')).await.is(200).says("Acme");
    }
    // A router inside of another one, and a proxy that removes /app.
    let nested = |_: &SetUp| Router::new().nest("/app", set_up_routes_at("/set-up"));
    opened("/app/set-up", nested, "/app/set-up").await.is(200).says("Acme");
    opened("/app/set-up", |_| set_up_routes_at("/set-up"), "/set-up").await.is(200).says("Acme");
}

#[tokio::test]
async fn routes_to_which_no_link_leads_say_so() {
    let elsewhere = opened("/set-up", |_| set_up_routes_at("/portal"), "/portal").await;
    elsewhere.is(500).says("set_up.misplaced").says("“/portal”").says("“/set-up”").says("SetUp::new");
    let nested = |set_up: &SetUp| Router::new().nest("/app", set_up_routes(set_up));
    opened("/set-up", nested, "/app/set-up").await.is(500).says("“/app/set-up”");
    opened("/set-up", |_| set_up_routes_at("/"), "/set-up").await.is(500).says("set_up.misplaced");
}
