//! Responses by artifact without a framework: the browser's artifact, the request to the identity provider, and its
//! answer.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response};
use vouchsafe::provisioning::{Actor, OrganizationId};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, ConnectionState, Connections, EntityId, IdentityProvider,
    LoginOptions, ResponseBinding, ServiceProvider, Unsolicited,
};
use vouchsafe_store::{
    Author, ConnectionMetadata, ConnectionStore as _, Memory, MetadataSource, StoredConnection,
};
use vouchsafe_testkit::{self as testkit, ASSERTION_CONSUMER, AuthnRequest, SERVICE_PROVIDER, keys};
use vouchsafe_web::{ConnectionSource, RequestRate, SingleSignOn, StartLimiter, StoredConnections};

const RESOLUTION: &str = "https://example.okta.com/artifact";
const OWN: &str = "https://app.example.com/saml/own/acs";

fn okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_artifact_resolution(0, RESOLUTION)
}

/// The behaviour of the identity provider for a request with that ID.
type Answers = dyn Fn(&str) -> Result<Vec<u8>, std::io::Error> + Send + Sync;

/// The answer to a request with that ID.
type Prepared = Box<dyn Fn(&str) -> String + Send + Sync>;

/// A service over one store, whose identity provider answers as the test defines.
struct Service {
    sso: SingleSignOn,
    asked: Arc<Mutex<Vec<String>>>,
    codes: Arc<Mutex<Vec<&'static str>>>,
    answers: Arc<Mutex<Arc<Answers>>>,
}

impl Service {
    /// Makes the same service over stored connections, for the service's own address.
    async fn stored(unsolicited: Unsolicited) -> Service {
        let store = Arc::new(Memory::new());
        for (name, state) in [("okta", ConnectionState::Active), ("draft", ConnectionState::Draft)] {
            let metadata =
                ConnectionMetadata::new(okta().metadata().unwrap(), MetadataSource::Uploaded, Utc::now());
            let (id, owner) = (ConnectionId::new(name).unwrap(), OrganizationId::new(name));
            let mut stored = StoredConnection::from_metadata(id, owner, metadata).unwrap();
            stored.state = state;
            stored.settings.sign_in = ConnectionSettings::default().unsolicited(unsolicited);
            let author = Author::new(Actor::Operator, Utc::now());
            store.add_connection(&stored, &author).await.unwrap();
        }
        Service::over(StoredConnections::new(store))
    }

    fn new(unsolicited: Unsolicited) -> Service {
        let trusted = IdentityProvider::from_metadata(okta().metadata().unwrap().as_bytes()).unwrap();
        let over = |name: &str, settings: ConnectionSettings| {
            let connection = Connection::new(ConnectionId::new(name).unwrap(), trusted.clone());
            connection.with_settings(settings.unsolicited(unsolicited)).unwrap()
        };
        let own = ConnectionSettings::default().assertion_consumer(OWN).unwrap();
        let draft = over("draft", ConnectionSettings::default()).with_state(ConnectionState::Draft);
        let connections: Connections =
            [over("okta", ConnectionSettings::default()), over("own", own), draft].into_iter().collect();
        Service::over(connections)
    }

    fn over(connections: impl ConnectionSource + 'static) -> Service {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let nothing: Arc<Answers> = Arc::new(|_| Err(std::io::Error::other("no answer was prepared")));
        let answers = Arc::new(Mutex::new(nothing));
        let (questions, prepared) = (Arc::clone(&asked), Arc::clone(&answers));
        let codes = Arc::<Mutex<Vec<&'static str>>>::default();
        let told = Arc::clone(&codes);
        let sso = without_back_channel(connections)
            .on_refusal(move |record| told.lock().unwrap().push(record.code));
        let sso = sso.back_channel(move |call| {
            assert_eq!(call.location(), RESOLUTION);
            let id = call.body().split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
            questions.lock().unwrap().push(id.clone());
            let answers = Arc::clone(&*prepared.lock().unwrap());
            async move {
                tokio::task::yield_now().await;
                answers(&id)
            }
        });
        Service { sso, asked, codes, answers }
    }

    fn answer_with(&self, answers: impl Fn(&str) -> String + Send + Sync + 'static) {
        *self.answers.lock().unwrap() = Arc::new(move |id| Ok(answers(id).into_bytes()));
    }

    /// Makes the identity provider answer every request with this Response.
    fn resolves_to(&self, response: testkit::ResponseBuilder) {
        let issued = response.issue().unwrap();
        self.answer_with(move |id| {
            okta()
                .artifact_response(id, Some(&issued))
                .at(Utc::now())
                .id(format!("_a{id}"))
                .to_soap()
                .unwrap()
        });
    }

    fn questions(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    async fn start(&self, connection: &str) -> (AuthnRequest, String) {
        let connection = self.sso.find_connection(connection).await.unwrap().unwrap();
        let options = LoginOptions::default().response_binding(ResponseBinding::Artifact);
        let answer = self.sso.start(&get(""), &connection, options).await.unwrap();
        started(&answer)
    }

    fn last_code(&self) -> &'static str {
        self.codes.lock().unwrap().last().copied().unwrap_or_default()
    }
}

fn without_back_channel(connections: impl ConnectionSource + 'static) -> SingleSignOn {
    let ours = keys::service_provider();
    let saml = ServiceProvider::builder(EntityId::new(SERVICE_PROVIDER).unwrap())
        .assertion_consumer(ASSERTION_CONSUMER)
        .unwrap()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .receive_artifacts()
        .build()
        .unwrap();
    SingleSignOn::new(saml, Arc::new(connections), Arc::new(Memory::new()))
}

/// Returns the request of a started sign-in, and the cookies of the browser.
fn started(answer: &Response<String>) -> (AuthnRequest, String) {
    let location = answer.headers().get(LOCATION).unwrap().to_str().unwrap();
    let set = answer.headers().get_all(SET_COOKIE).iter();
    let pairs: Vec<&str> = set.filter_map(|one| one.to_str().unwrap().split(';').next()).collect();
    (AuthnRequest::from_redirect(location).unwrap(), pairs.join("; "))
}

fn get(query: &str) -> Parts {
    Request::get(format!("/saml/acs?{query}")).body(()).unwrap().into_parts().0
}

fn with_cookies(mut parts: Parts, cookies: &str) -> Parts {
    parts.headers.insert(COOKIE, HeaderValue::from_str(cookies).unwrap());
    parts
}

fn post() -> Parts {
    Request::post("/saml/acs").body(()).unwrap().into_parts().0
}

fn fields(artifact: &str, relay_state: Option<&str>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("SAMLart", artifact);
    relay_state.map(|state| form.append_pair("RelayState", state));
    form.finish()
}

fn artifact(number: u8) -> String {
    okta().artifact(0, [number; 20])
}

fn response(request: &AuthnRequest, assertion: &str) -> testkit::ResponseBuilder {
    okta().response().at(Utc::now()).in_response_to(&request.id).assertion_id(assertion)
}

/// Returns the status and the code of an outcome; 0 and an empty code for a login.
async fn outcome(
    service: &Service,
    outcome: Result<vouchsafe_web::Accepted, Box<Response<String>>>,
) -> (u16, &'static str) {
    match outcome {
        Ok(_) => (0, ""),
        Err(answer) if answer.status() == 303 => (303, ""),
        Err(answer) => (answer.status().as_u16(), service.last_code()),
    }
}

#[tokio::test]
async fn a_person_signs_in_by_an_artifact_in_a_query_and_in_a_form() {
    let service = Service::new(Unsolicited::Refuse);
    for (place, by_post) in [(1, false), (2, true)] {
        let (request, cookies) = service.start("okta").await;
        service.resolves_to(response(&request, &format!("_{place}")));
        let brought = fields(&artifact(place), request.relay_state.as_deref());
        let accepted = match by_post {
            true => service.sso.accept(&with_cookies(post(), &cookies), brought.as_bytes()).await,
            false => service.sso.accept(&with_cookies(get(&brought), &cookies), b"").await,
        };
        let accepted = accepted.unwrap_or_else(|answer| panic!("{}: {}", answer.body(), service.last_code()));
        assert_eq!(accepted.connection().as_str(), "okta");
        assert!(accepted.login.ledger().check("message.signature").is_some());
        assert_eq!(service.questions(), usize::from(place));
    }
}

/// The record is written before the request is sent: of two browsers, or two tabs, only one sends a request.
#[tokio::test]
async fn an_artifact_is_resolved_once_also_at_the_same_time() {
    let service = Service::new(Unsolicited::Refuse);
    let (request, cookies) = service.start("okta").await;
    service.resolves_to(response(&request, "_1"));
    let brought = fields(&artifact(1), request.relay_state.as_deref());
    let parts = with_cookies(get(&brought), &cookies);
    let (one, two, three) = tokio::join!(
        service.sso.accept(&parts, b""),
        service.sso.accept(&parts, b""),
        service.sso.accept(&parts, b"")
    );
    let accepted = [&one, &two, &three].into_iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!((accepted, service.questions()), (1, 1));
    // A reload after the request was answered starts a new sign-in, and nothing is sent.
    let again = service.sso.accept(&parts, b"").await;
    assert_eq!((outcome(&service, again).await, service.questions()), ((303, ""), 1));

    // Another spelling of a used artifact, for a request that is still pending.
    let (request, cookies) = service.start("okta").await;
    let spelled = artifact(1).replace("AAQ", "AAQ\n");
    let brought = fields(&spelled, request.relay_state.as_deref());
    let again = service.sso.accept(&with_cookies(get(&brought), &cookies), b"").await;
    assert_eq!((outcome(&service, again).await, service.questions()), ((403, "message.artifact_used"), 1));
}

/// No request is sent for a browser that did not start the sign-in, or for a HEAD request of a program that checks a
/// link.
#[tokio::test]
async fn nobody_is_asked_for_what_nobody_started() {
    let service = Service::new(Unsolicited::Refuse);
    let (request, cookies) = service.start("okta").await;
    service.resolves_to(response(&request, "_1"));
    let brought = fields(&artifact(1), request.relay_state.as_deref());
    let other = service.sso.accept(&get(&brought), b"").await;
    assert_eq!(outcome(&service, other).await, (303, ""), "another browser begins anew, once");
    let mut json = get(&brought);
    json.headers.insert("accept", HeaderValue::from_static("application/json"));
    let told = service.sso.accept(&json, b"").await;
    assert_eq!(outcome(&service, told).await, (403, "http.no_pending_request"));
    let unasked = service.sso.accept(&get(&fields(&artifact(1), None)), b"").await;
    assert_eq!(outcome(&service, unasked).await, (403, "assertion.unsolicited"));
    let mut head = with_cookies(get(&brought), &cookies);
    head.method = Method::HEAD;
    let looked = service.sso.accept(&head, b"").await;
    assert_eq!(outcome(&service, looked).await, (403, "binding.field_missing"));
    assert_eq!(service.questions(), 0);
    let asked = service.sso.accept(&with_cookies(get(&brought), &cookies), b"").await;
    assert!(asked.is_ok(), "and all of that took nothing away");
}

#[tokio::test]
async fn what_nobody_asked_for_is_as_the_connection_says() {
    let nobody = testkit::artifact_of("https://nobody.example", 0, [1; 20]);
    for (unsolicited, expected, questions) in [
        (Unsolicited::Refuse, (403, "assertion.unsolicited"), 0),
        (Unsolicited::Restart, (303, ""), 0),
        (Unsolicited::Accept, (0, ""), 1),
    ] {
        // The same over stored connections, which find the identity provider by its SourceID.
        for service in [Service::new(unsolicited), Service::stored(unsolicited).await] {
            service.resolves_to(okta().response().at(Utc::now()));
            let brought = service.sso.accept(&get(&fields(&artifact(1), None)), b"").await;
            assert_eq!((outcome(&service, brought).await, service.questions()), (expected, questions));
            let unknown = service.sso.accept(&get(&fields(&nobody, None)), b"").await;
            assert_eq!(outcome(&service, unknown).await, (403, "message.artifact_source_unknown"));
            assert_eq!(service.questions(), questions);
        }
    }
    // The artifact answers a request, but no browser of ours brings it with its RelayState.
    let service = Service::new(Unsolicited::Accept);
    let (request, _) = service.start("okta").await;
    service.resolves_to(response(&request, "_1"));
    let stolen = service.sso.accept(&get(&fields(&artifact(1), Some("/home"))), b"").await;
    assert_eq!(outcome(&service, stolen).await, (403, "assertion.in_response_to"));
}

/// Several connections have one identity provider and one address, and it returns no RelayState. The sign-in that this
/// browser started tells over which connection the artifact is resolved, and the Response says which one it answers.
#[tokio::test]
async fn without_a_relay_state_the_sign_in_of_this_browser_tells_the_connection() {
    let trusted = IdentityProvider::from_metadata(okta().metadata().unwrap().as_bytes()).unwrap();
    let connections = |acme: Unsolicited, mallory: Unsolicited| -> Connections {
        let over = |name: &str, unsolicited: Unsolicited| {
            let connection = Connection::new(ConnectionId::new(name).unwrap(), trusted.clone());
            connection.with_settings(ConnectionSettings::default().unsolicited(unsolicited)).unwrap()
        };
        [over("acme", acme), over("mallory", mallory)].into_iter().collect()
    };
    let service = Service::over(connections(Unsolicited::Accept, Unsolicited::Accept));
    let brought = async |service: &Service, number: u8, cookies: &str| {
        let parts = with_cookies(get(&fields(&artifact(number), None)), cookies);
        service.sso.accept(&parts, b"").await
    };
    let (request, cookies) = service.start("acme").await;
    let (second, more) = service.start("acme").await;
    let (foreign, of_mallory) = service.start("mallory").await;
    let both_tabs = format!("{cookies}; {}", more.replacen("0=", "1=", 1));

    // Without a sign-in of this browser, or with sign-ins over both, nobody is asked.
    let nobody = brought(&service, 1, "a=1").await;
    assert_ne!(outcome(&service, nobody).await.0, 0);
    let over_both = format!("{cookies}; {}", of_mallory.replacen("0=", "1=", 1));
    let undecided = brought(&service, 1, &over_both).await;
    assert_ne!(outcome(&service, undecided).await.0, 0);
    assert_eq!(service.questions(), 0);

    // The Response must answer a sign-in of this browser, over the connection that was asked.
    for (number, answered) in [(2, None), (3, Some("_of_somebody_else")), (4, Some(foreign.id.as_str()))] {
        let response = okta().response().at(Utc::now()).assertion_id(format!("_{number}"));
        service.resolves_to(match answered {
            Some(id) => response.in_response_to(id),
            None => response,
        });
        let refused = brought(&service, number, &cookies).await;
        assert_ne!(outcome(&service, refused).await.0, 0, "{answered:?}");
    }
    for (number, answered) in [(5, &second), (6, &request)] {
        service.resolves_to(response(answered, &format!("_{number}")));
        let accepted = brought(&service, number, &both_tabs).await.unwrap();
        assert_eq!(accepted.connection().as_str(), "acme");
    }
    assert_eq!(service.questions(), 5);

    // A connection that accepts nothing unasked has nobody asked without a RelayState.
    let service = Service::over(connections(Unsolicited::Refuse, Unsolicited::Refuse));
    let (_, cookies) = service.start("acme").await;
    let refused = brought(&service, 7, &cookies).await;
    assert_eq!((outcome(&service, refused).await, service.questions()), ((403, "assertion.unsolicited"), 0));
    // If one connection accepts unsolicited Responses, this is one, whatever this browser started before.
    let service = Service::over(connections(Unsolicited::Accept, Unsolicited::Refuse));
    let (_, cookies) = service.start("acme").await;
    service.resolves_to(okta().response().at(Utc::now()));
    let accepted = brought(&service, 8, &cookies).await.unwrap();
    assert_eq!(accepted.connection().as_str(), "acme");
}

/// A connection with its own address accepts artifacts only there.
#[tokio::test]
async fn each_address_is_its_connections() {
    let service = Service::new(Unsolicited::Accept);
    let at_own = || okta().response().at(Utc::now()).service_provider(SERVICE_PROVIDER, OWN);
    service.resolves_to(at_own().assertion_id("_1"));
    let brought = get(&fields(&artifact(1), None));
    let accepted = service.sso.accept_for("own", &brought, b"").await.unwrap();
    assert_eq!(accepted.connection().as_str(), "own");
    let nowhere = service.sso.accept_for("nobody", &get(&fields(&artifact(2), None)), b"").await;
    assert_eq!(outcome(&service, nowhere).await, (403, "http.unknown_connection"));
    let (request, cookies) = service.start("own").await;
    let answer = fields(&artifact(3), request.relay_state.as_deref());
    let elsewhere = service.sso.accept(&with_cookies(get(&answer), &cookies), b"").await;
    assert_eq!(outcome(&service, elsewhere).await, (403, "message.artifact_source_unknown"));
    assert_eq!(service.questions(), 1);
    service.resolves_to(at_own().in_response_to(&request.id).assertion_id("_2"));
    let here = service.sso.accept_for("own", &with_cookies(get(&answer), &cookies), b"").await;
    assert!(here.is_ok());
}

/// No input of a browser or of the other side is reported as a fault of this service.
#[tokio::test]
async fn nothing_that_comes_is_status_500() {
    let service = Service::new(Unsolicited::Refuse);
    for query in [
        "",
        "SAMLart",
        "SAMLart=",
        "SAMLart=%00",
        "SAMLart=AAQ",
        "SAMLart=AAE&SAMLart=AAE",
        "x=y",
        "RelayState=a",
    ] {
        let (status, code) = outcome(&service, service.sso.accept(&get(query), b"").await).await;
        assert_eq!(status, 403, "{query}: {code}");
    }
    let mixed = format!("{}&SAMLResponse=PGEvPg", fields(&artifact(1), None));
    let both = service.sso.accept(&post(), mixed.as_bytes()).await;
    assert_eq!(outcome(&service, both).await, (403, "binding.field_repeated"));

    let (request, cookies) = service.start("okta").await;
    let fault = testkit::logout::soap(
        "<S:Fault xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><faultcode>S:Server</faultcode><faultstring>no</faultstring></S:Fault>",
    );
    let doctype = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>".to_owned();
    let cases: [(&str, Prepared); 7] = [
        ("xml.", Box::new(|_| String::new())),
        ("xml.", Box::new(|_| "<html>".to_owned())),
        ("xml.doctype", Box::new(move |_| doctype.clone())),
        ("message.soap_fault", Box::new(move |_| fault.clone())),
        ("message.soap", Box::new(|_| "<a/>".to_owned())),
        ("xml.", Box::new(|_| "<a>".repeat(2_000_000))),
        (
            "message.no_response",
            Box::new(|id| okta().artifact_response(id, None).at(Utc::now()).to_soap().unwrap()),
        ),
    ];
    for (place, (expected, answers)) in (10..).zip(cases) {
        service.answer_with(answers);
        let brought = fields(&artifact(place), request.relay_state.as_deref());
        let refused = service.sso.accept(&with_cookies(get(&brought), &cookies), b"").await;
        let (status, code) = outcome(&service, refused).await;
        assert!(status == 403 && code.starts_with(expected), "{status} {code} instead of {expected}");
    }
    assert_eq!(service.questions(), 7);
}

/// An identity provider that cannot be reached, or is too slow, is an outage and not a refusal.
#[tokio::test(start_paused = true)]
async fn an_identity_provider_that_does_not_answer_is_an_outage() {
    let service = Service::new(Unsolicited::Refuse);
    let (request, cookies) = service.start("okta").await;
    let brought =
        |number| with_cookies(get(&fields(&artifact(number), request.relay_state.as_deref())), &cookies);
    let unreached = service.sso.accept(&brought(1), b"").await;
    assert_eq!(outcome(&service, unreached).await, (503, "http.back_channel"));
    let connections: vouchsafe::Connections =
        [service.sso.find_connection("okta").await.unwrap().unwrap()].into_iter().collect();
    let silent = without_back_channel(connections).back_channel(|_| async {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        Ok::<_, std::io::Error>(Vec::new())
    });
    let connection = silent.find_connection("okta").await.unwrap().unwrap();
    let (request, cookies) =
        started(&silent.start(&get(""), &connection, LoginOptions::default()).await.unwrap());
    let answer = fields(&artifact(1), request.relay_state.as_deref());
    let before = tokio::time::Instant::now();
    let late = silent.accept(&with_cookies(get(&answer), &cookies), b"").await.unwrap_err();
    assert_eq!(late.status().as_u16(), 503);
    assert!(before.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_service_that_takes_no_artifacts_says_so() {
    let trusted = IdentityProvider::from_metadata(okta().metadata().unwrap().as_bytes()).unwrap();
    let connections = || -> Connections {
        [Connection::new(ConnectionId::new("okta").unwrap(), trusted.clone())].into_iter().collect()
    };
    let plain = ServiceProvider::builder(EntityId::new(SERVICE_PROVIDER).unwrap());
    let plain = plain.assertion_consumer(ASSERTION_CONSUMER).unwrap().build().unwrap();
    let plain = SingleSignOn::new(plain, Arc::new(connections()), Arc::new(Memory::new()));
    for (sso, expected) in [
        (plain, "binding.artifacts_not_received"),
        (without_back_channel(connections()), "http.no_back_channel"),
    ] {
        let codes = Arc::<Mutex<Vec<&'static str>>>::default();
        let told = Arc::clone(&codes);
        let sso = sso.on_refusal(move |record| told.lock().unwrap().push(record.code));
        let answer = sso.accept(&get(&fields(&artifact(1), None)), b"").await.unwrap_err();
        assert_eq!(answer.status().as_u16(), 403);
        assert_eq!(*codes.lock().unwrap(), [expected]);
    }
}

/// Each artifact causes a request and a record, so it counts like the start of a sign-in.
#[tokio::test]
async fn questions_are_counted_like_starts() {
    let service = Service::new(Unsolicited::Refuse);
    let limiter = StartLimiter::default().per_connection(RequestRate { burst: 3, per_second: 1 });
    let sso = service.sso.clone().start_limiter(limiter);
    let okta_connection = sso.find_connection("okta").await.unwrap().unwrap();
    let (request, cookies) =
        started(&sso.start(&get(""), &okta_connection, LoginOptions::default()).await.unwrap());
    let mut statuses = Vec::new();
    for number in 0..20 {
        let brought = fields(&artifact(number), request.relay_state.as_deref());
        let answer = sso.accept(&with_cookies(get(&brought), &cookies), b"").await.unwrap_err();
        statuses.push(answer.status().as_u16());
    }
    // Each second allows one more, and a slow machine takes several for these.
    let asked = statuses.iter().filter(|status| **status == 503).count();
    assert!(statuses[..2] == [503, 503] && statuses.contains(&429), "{statuses:?}");
    assert_eq!(service.questions(), asked);
}

/// A trial also works by artifact, and its page shows why an artifact was not resolved.
#[tokio::test]
async fn a_trial_by_artifact_shows_what_came_of_it() {
    let service = Service::new(Unsolicited::Refuse);
    let draft = service.sso.find_connection("draft").await.unwrap().unwrap();
    let options = || LoginOptions::default().trial().response_binding(ResponseBinding::Artifact);
    let (request, cookies) = started(&service.sso.start(&get(""), &draft, options()).await.unwrap());
    service.resolves_to(response(&request, "_1"));
    let brought =
        |number| with_cookies(get(&fields(&artifact(number), request.relay_state.as_deref())), &cookies);
    let shown = service.sso.accept(&brought(1), b"").await.unwrap_err();
    assert!(shown.body().contains("The sign-in would be accepted"), "{}", shown.body());
    service.answer_with(|id| okta().artifact_response(id, None).at(Utc::now()).to_soap().unwrap());
    let shown = service.sso.accept(&brought(2), b"").await.unwrap_err();
    assert_eq!(shown.status().as_u16(), 200);
    assert!(shown.body().contains("message.no_response"), "{}", shown.body());
}
