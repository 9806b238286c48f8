//! A service asks a server of the metadata query protocol for each identity provider, as docs/METADATA.md shows.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{SecondsFormat, Utc};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use vouchsafe::metadata::{EntityName, SpeaksFor, TrustedSource};
use vouchsafe::signature::{Signer, TrustedKey, sign};
use vouchsafe::{EntityId, Limits, Provider, ServiceProvider};
use vouchsafe_axum::{AcceptedLogin, QueriedFederation, ReturnPaths, SingleSignOn, routes};
use vouchsafe_client::{Client, MetadataQuery};
use vouchsafe_store::{Memory, StoreError};
use vouchsafe_testkit::attacks::CookieJar;
use vouchsafe_testkit::{AuthnRequest, IdentityProvider, KeyPair, keys};

/// The documents of the server by the name that is requested; none while it is down.
type Documents = Arc<Mutex<Option<HashMap<String, String>>>>;

async fn respond(State(documents): State<Documents>, Path(name): Path<String>) -> Response {
    match documents.lock().unwrap().as_ref() {
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(known) => known.get(&name).cloned().ok_or(StatusCode::NOT_FOUND).into_response(),
    }
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// The metadata of an identity provider, signed by the federation or by somebody else.
fn document(of: &IdentityProvider, by: &KeyPair) -> String {
    let end = Utc::now().checked_add_days(chrono::Days::new(5)).unwrap();
    let end = end.to_rfc3339_opts(SecondsFormat::Secs, true);
    let attributes = format!("ID=\"_one\" validUntil=\"{end}\" entityID=");
    let xml = of.metadata().unwrap().replacen("entityID=", &attributes, 1);
    let signer = Signer::new(by.private_key());
    sign(&xml, "_one", &signer, &Provider::rustcrypto(), &Limits::metadata()).unwrap()
}

fn sso(address: &str, server: &str) -> SingleSignOn {
    let key = keys::identity_provider_p256().private_key().public_key().clone();
    let source = TrustedSource::signed_by([TrustedKey::new(key, "the federation")], SpeaksFor::Everybody)
        .requiring_valid_until(Duration::from_secs(28 * 86_400));
    let client = Client::with_loopback().unwrap();
    let query = Arc::new(MetadataQuery::new(client, Provider::rustcrypto(), server, source));
    let federation = Arc::new(QueriedFederation::new(move |name| {
        let query = Arc::clone(&query);
        Box::pin(async move { query.find_named(&name, Utc::now()).await.map_err(StoreError::unavailable) })
    }));
    let saml = ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata")).unwrap())
        .assertion_consumer(&format!("{address}/saml/acs"))
        .unwrap()
        .build()
        .unwrap();
    SingleSignOn::new(saml, Arc::clone(&federation), Arc::new(Memory::new()))
        .discovery(federation)
        .return_paths(ReturnPaths::new("/home").unwrap())
}

#[tokio::test]
async fn a_person_signs_in_by_an_identity_provider_that_is_asked_for() {
    let (okta, other) = (IdentityProvider::okta(), IdentityProvider::other());
    let mut known = HashMap::new();
    // The start of a sign-in names the entity, and its end the digest that names the connection.
    for (of, by) in [(&okta, keys::identity_provider_p256()), (&other, keys::attacker())] {
        let digest = EntityName::source_id_of(&EntityId::new(of.entity_id()).unwrap()).to_string();
        for name in [of.entity_id().to_owned(), digest] {
            known.insert(name, document(of, by));
        }
    }
    let documents: Documents = Arc::new(Mutex::new(Some(known)));
    let server =
        serve(Router::new().route("/entities/{name}", get(respond)).with_state(documents.clone())).await;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let signed_in = async |AcceptedLogin(accepted): AcceptedLogin| -> Response {
        accepted
            .redirect([])
            .map_or_else(|error| error.to_string().into_response(), IntoResponse::into_response)
    };
    let router = routes(signed_in).with_state(sso(&address, &server));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let start = async |entity_id: &str| {
        let asked = [("organization", entity_id), ("return", "/home")];
        client.get(format!("{address}/saml/login")).query(&asked).send().await.unwrap()
    };
    for down in [false, true] {
        if down {
            // What is known is used until its own end.
            *documents.lock().unwrap() = None;
        }
        let started = start(okta.entity_id()).await;
        let request = AuthnRequest::from_redirect(started.headers()[LOCATION].to_str().unwrap()).unwrap();
        let mut cookies = CookieJar::default();
        for cookie in started.headers().get_all(SET_COOKIE) {
            assert!(cookies.keep(cookie.to_str().unwrap()));
        }
        let issued = okta
            .response()
            .at(Utc::now())
            .service_provider(format!("{address}/saml/metadata"), &format!("{address}/saml/acs"))
            .assertion_id(if down { "_second" } else { "_first" })
            .in_response_to(&request.id)
            .issue()
            .unwrap();
        let fields = [("SAMLResponse", issued.to_base64()), ("RelayState", request.relay_state.unwrap())];
        let posted = client
            .post(format!("{address}/saml/acs"))
            .header(COOKIE, cookies.header_of_foreign_form())
            .form(&fields);
        let posted = posted.send().await.unwrap();
        assert_eq!((posted.status().as_u16(), posted.headers()[LOCATION].to_str().unwrap()), (303, "/home"));
        if !down {
            // An entity that the federation does not know leads back, and one that somebody else signed to nobody.
            let unknown = start("https://unknown.example").await;
            assert!(unknown.headers()[LOCATION].to_str().unwrap().contains("problem=organization"));
            assert_eq!(start(other.entity_id()).await.status(), 503);
        }
    }
    assert_eq!(
        start("https://never-asked.example").await.status(),
        503,
        "an outage is not an unknown entity"
    );
}
