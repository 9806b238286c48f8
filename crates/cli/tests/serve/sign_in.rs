//! Sign-ins through the test kit's identity provider, and with good and bad responses.

use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use vouchsafe_testkit::server::{self, App, Config, User};
use vouchsafe_testkit::{Attribute, Encryption, IdentityProvider, OKTA_ENTITY_ID, keys};

use crate::served::{Browser, FORM, Served, encoded, json_of};
use crate::support::Folder;

/// The whole sign-in over HTTP: metadata by address, the request, the choice of a user, the form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_the_test_kits_identity_provider() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let server = server::start(Config::default()).await.unwrap();
    let okta = server.okta();
    okta.add_user(User::new("ada@example.com", "Ada", "Lovelace").in_groups(["Everyone", "perf-team"]));
    let app = okta.add_app(App::new("Trial", format!("{base}/saml/metadata"), format!("{base}/saml/acs")));
    okta.assign(&app, "ada@example.com").unwrap();
    let metadata = okta.metadata_url(&app).unwrap();
    let served = Served::start_at(&base, &["--idp-metadata", &metadata]).unwrap();
    assert_eq!(served.base, base);

    let browser = Browser::default();
    let begun = browser.send(served.get("/saml/login")).await;
    let location = begun.headers()[LOCATION].to_str().unwrap().to_owned();
    let client = served.client();
    let login = client.post(format!("{}/login", okta.base_url())).header(CONTENT_TYPE, FORM);
    let login = login.body(format!("user={}", encoded("ada@example.com"))).send().await.unwrap();
    let session = login.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = client.get(location).header(COOKIE, session).send().await.unwrap().text().await.unwrap();
    let field = |name: &str| {
        let rest = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap().1;
        rest.split_once('"').unwrap().0.to_owned()
    };
    let form = format!(
        "SAMLResponse={}&RelayState={}",
        encoded(&field("SAMLResponse")),
        encoded(&field("RelayState"))
    );
    let posted = served.post("/saml/acs").header(CONTENT_TYPE, FORM).body(form);
    let answer = browser.send(posted.header(ACCEPT, "application/json")).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = json_of(answer).await;
    assert_eq!(
        (&answer["verdict"], &answer["subject"]["name_id"]),
        (&json!("accepted"), &json!("ada@example.com"))
    );
    assert_eq!(answer["attributes"]["groups"], json!(["Everyone", "perf-team"]));
    let (status, session) = browser.json(&served, "/session").await;
    assert_eq!((status, &session["name_id"]), (200, &json!("ada@example.com")));
    server.stop().await;
}

fn assert_fits(name: &str, value: &Value) {
    let misfits = crate::support::schema::misfits(name, value);
    assert!(misfits.is_empty(), "{name}: {misfits:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_its_session_and_its_end() {
    let folder = Folder::new("serve-session");
    let served = Served::start(&["--idp-metadata", &folder.path("idp.xml")]);
    let browser = Browser::default();
    assert_eq!(browser.json(&served, "/session").await.0, 401);
    let asked = browser.ask(&served, &format!("idp={}", encoded(OKTA_ENTITY_ID))).await;
    let issued = served
        .response()
        .in_response_to(&asked.id)
        .session_index("s-1")
        .attribute(Attribute::new("groups", ["Everyone", "perf-team"]))
        .issue()
        .unwrap();

    // Another browser has the answer, but no proof that it started the sign-in.
    let (status, answer) = Browser::default().post(&served, &issued, asked.relay_state.as_deref()).await;
    assert_eq!((status, &answer["code"]), (403, &json!("http.no_pending_request")));
    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["code", "hint", "ledger", "message", "verdict"]);

    let (status, answer) = browser.post(&served, &issued, asked.relay_state.as_deref()).await;
    assert_eq!((status, &answer["verdict"]), (200, &json!("accepted")), "{answer}");
    assert_eq!(answer["issuer"], OKTA_ENTITY_ID);
    assert_eq!(answer["subject"]["name_id"], "ada@example.com");
    assert_eq!(answer["subject"]["format"], vouchsafe_testkit::EMAIL_ADDRESS);
    assert_eq!((&answer["session_index"], &answer["session_not_on_or_after"]), (&json!("s-1"), &Value::Null));
    assert_eq!(answer["attributes"], json!({"groups": ["Everyone", "perf-team"]}));
    let entries = answer["ledger"].as_array().unwrap();
    assert!(entries.len() > 20 && entries.iter().all(|entry| entry["outcome"] != "failed"));

    let (status, session) = browser.json(&served, "/session").await;
    let since = session["since"].as_str().unwrap().to_owned();
    assert!(chrono::DateTime::parse_from_rfc3339(&since).is_ok());
    let expected = json!({"issuer": OKTA_ENTITY_ID, "name_id": "ada@example.com", "session_index": "s-1",
        "attributes": {"groups": ["Everyone", "perf-team"]}, "since": since});
    assert_eq!((status, &session), (200, &expected));
    assert_eq!(browser.json(&served, "/sessions").await, (200, json!([expected])));
    assert_eq!(Browser::default().json(&served, "/session").await.0, 401);

    assert_fits("serve-session.json", &session);
    assert_fits("response-check.json", &answer);

    // A second copy is refused, and the session stays.
    let (status, answer) = browser.post(&served, &issued, asked.relay_state.as_deref()).await;
    assert_eq!(status, 403, "{answer}");
    assert_eq!(browser.json(&served, "/session").await.0, 200);

    assert_fits("response-check.json", &answer);
    let events = served.printed(2);
    assert!(events.len() >= 2, "{events:?}");
    events.iter().for_each(|event| assert_fits("serve.json", event));
    assert_fits("serve.json", &json!({"listening": "http://127.0.0.1:8080", "base_url": served.base}));

    // A page of another site cannot end the session.
    let foreign = served.post("/saml/logout").header("sec-fetch-site", "cross-site");
    assert_eq!(browser.send(foreign).await.status(), 403);
    let own = served.post("/saml/logout").header("sec-fetch-site", "same-origin");
    let ended = browser.send(own).await;
    assert_eq!((ended.status().as_u16(), &ended.headers()[LOCATION]), (303, &"/".parse().unwrap()));
    assert_eq!(browser.json(&served, "/session").await.0, 401);
    assert_eq!(browser.json(&served, "/sessions").await, (200, json!([])));

    let events: Vec<Value> = served.printed(4).into_iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events, ["refused", "accepted", "refused", "logged_out"]);
    assert!(
        !served.printed_text().contains("ada@example.com"),
        "a person's name is for those who may see it"
    );
    let page = served.page("/").await;
    assert!(
        page.contains("accepted") && page.contains("logged out") && page.contains("http.no_pending_request")
    );
    assert!(!page.contains("ada@example.com"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_says_what_to_change() {
    let folder = Folder::new("serve-refused");
    let served = Served::start(&[
        "--idp-metadata",
        &folder.path("idp.xml"),
        "--unsolicited",
        "accept",
        "--skew",
        "30",
    ]);
    let browser = Browser::default();
    let issue =
        |change: &dyn Fn(vouchsafe_testkit::ResponseBuilder) -> vouchsafe_testkit::ResponseBuilder| {
            change(served.response()).issue().unwrap()
        };
    for (issued, code) in [
        (issue(&|response| response.audience("https://other.example")), "assertion.audience"),
        (issue(&|response| response.recipient("https://other.example/acs")), "assertion.recipient"),
        (issue(&|response| response.destination("https://other.example/acs")), "assertion.destination"),
        (issue(&|response| response.key(keys::attacker())), "signature.not_verified"),
        (issue(&|response| response.issuer("https://nobody.example")), "assertion.unknown_issuer"),
        (
            issue(&|response| response.at(chrono::Utc::now() - chrono::TimeDelta::hours(1))),
            "assertion.confirmation_expired",
        ),
    ] {
        let (status, answer) = browser.post(&served, &issued, None).await;
        assert_eq!((status, &answer["verdict"]), (403, &json!("refused")));
        assert_eq!(answer["code"], code, "{answer}");
        assert!(!answer["hint"].as_str().unwrap().is_empty());
    }
    // The page has the doctor's text: the setting in the product's console.
    let wrong = issue(&|response| response.audience("https://other.example"));
    let (status, page) = browser.post_for_page(&served, &wrong, None).await;
    assert_eq!(status, 403);
    assert!(page.contains("Audience URI (SP Entity ID)") && page.contains("https://other.example"), "{page}");
    assert!(page.contains("The doctor&#39;s words") || page.contains("The doctor's words"), "{page}");
    assert!(page.contains(&served.url("/saml/metadata")), "the value to type in");
    assert!(!page.contains("ada@example.com"));
    let (status, page) = browser.post_for_page(&served, &issue(&|response| response), None).await;
    assert_eq!(status, 200);
    assert!(page.contains("ada@example.com") && page.contains("Every rule accepts this sign-in."));

    for (body, code) in [
        (String::new(), "binding.field_missing"),
        ("SAMLResponse=%21".to_owned(), "binding.base64"),
        ("SAMLResponse=QQ%3D%3D&SAMLResponse=QQ%3D%3D".to_owned(), "binding.field_repeated"),
        (format!("SAMLResponse={}", "A".repeat(3 * 1024 * 1024)), "http.body"),
    ] {
        let request = served.post("/saml/acs").header(CONTENT_TYPE, FORM).header(ACCEPT, "application/json");
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let answer: Value = json_of(response).await;
        assert_eq!((status, &answer["verdict"]), (403, &json!("refused")), "{answer}");
        assert_eq!(answer["code"], code);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsolicited_responses_as_configured() {
    let folder = Folder::new("serve-unsolicited");
    let metadata = folder.path("idp.xml");
    for (chosen, status, code) in [("refuse", 403, "assertion.unsolicited"), ("accept", 200, "")] {
        let served = Served::start(&["--idp-metadata", &metadata, "--unsolicited", chosen]);
        let (found, answer) =
            Browser::default().post(&served, &served.response().issue().unwrap(), None).await;
        assert_eq!(found, status, "{answer}");
        assert_eq!(answer["code"].as_str().unwrap_or_default(), code);
    }
    let served = Served::start(&["--idp-metadata", &metadata, "--unsolicited", "restart"]);
    let form = crate::served::form(&served.response().issue().unwrap(), None);
    let posted = served.post("/saml/acs").header(CONTENT_TYPE, FORM).body(form);
    let restarted = Browser::default().send(posted).await;
    assert_eq!(restarted.status(), 303);
    assert!(restarted.headers()[LOCATION].to_str().unwrap().starts_with("https://example.okta.com/"));
    assert!(served.printed(0).is_empty(), "nothing was judged");
}

/// The query sets the options of the request, and the answer must meet them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_asks_what_its_query_says() {
    let folder = Folder::new("serve-options");
    let arguments = ["--idp-metadata", &folder.path("idp.xml"), "--key", &folder.path("sp.key")];
    let served = Served::start(&[&arguments[..], &["--certificate", &folder.path("sp.crt")]].concat());
    let browser = Browser::default();
    let plain = browser.ask(&served, "").await;
    assert!(!plain.force_authn && !plain.is_passive && plain.signature_algorithm.is_some());
    assert_eq!(plain.issuer, served.url("/saml/metadata"));
    assert_eq!(plain.assertion_consumer, Some(served.url("/saml/acs")));
    use vouchsafe_testkit::EMAIL_ADDRESS;
    let mfa = "https://refeds.org/profile/mfa";
    let asked = browser.ask(&served, &format!("force&passive=1&context={mfa}&format={EMAIL_ADDRESS}")).await;
    assert!(asked.force_authn && asked.is_passive);
    assert_eq!(
        (asked.authn_contexts, asked.name_id_format),
        (vec![mfa.to_owned()], Some(EMAIL_ADDRESS.to_owned()))
    );
    let issued = served.response().in_response_to(&asked.id).issue().unwrap();
    let (status, answer) = browser.post(&served, &issued, asked.relay_state.as_deref()).await;
    assert_eq!((status, &answer["code"]), (403, &json!("assertion.authn_context")), "{answer}");

    let form = browser.send(served.get("/saml/login?binding=post")).await;
    let policy = form.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("form-action https:") && policy.contains("default-src 'none'"), "{policy}");
    assert!(form.text().await.unwrap().contains("name=\"SAMLRequest\""));
    for (query, code) in [
        ("idp=https://nobody.example", "serve.identity_provider"),
        ("idp=", "serve.identity_provider"),
        ("force=maybe", "serve.query"),
        ("binding=artifact", "serve.query"),
        ("unknown=1", "serve.query"),
    ] {
        let request = served.get(&format!("/saml/login?{query}")).header(ACCEPT, "application/json");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 400, "{query}");
        let answer: Value = json_of(response).await;
        assert_eq!(answer["code"], code, "{query}");
    }
}

/// Two identity providers, one in an aggregate; an encrypted Assertion; a path below the host.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_identity_providers_and_an_encrypted_assertion() {
    let folder = Folder::new("serve-several");
    let inner = |one: IdentityProvider| one.metadata().unwrap().split_once("?>").unwrap().1.to_owned();
    let third =
        IdentityProvider::new("https://third.example/idp", "https://third.example/sso", keys::attacker());
    let aggregate = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}{}</md:EntitiesDescriptor>",
        inner(IdentityProvider::other()),
        inner(third)
    );
    let aggregate = folder.write("aggregate.xml", aggregate);
    let metadata = folder.path("idp.xml");
    let arguments = ["--idp-metadata", &metadata, "--idp-metadata", &aggregate, "--unsolicited", "accept"];
    let key = folder.path("sp.key");
    let arguments =
        [&arguments[..], &["--decryption-key", &key, "--entity-id", "urn:example:trial"]].concat();
    let served = Served::start_at("http://127.0.0.1:0/trial", &arguments).unwrap();
    let descriptor = served.page("/saml/metadata").await;
    assert!(
        descriptor.contains("entityID=\"urn:example:trial\"") && descriptor.contains("use=\"encryption\"")
    );
    assert!(descriptor.contains(&format!("Location=\"{}/saml/acs\"", served.base)), "{descriptor}");
    let path = folder.write("sp.xml", &descriptor);
    let app = App::from_metadata("Trial", std::fs::read(path).unwrap().as_slice()).unwrap();

    let browser = Browser::default();
    let missing = browser.send(served.get("/saml/login")).await;
    assert_eq!(missing.status(), 400, "which of three?");
    for one in [IdentityProvider::okta(), IdentityProvider::other()] {
        let asked = browser.ask(&served, &format!("idp={}", encoded(one.entity_id()))).await;
        let issued = one
            .response()
            .at(chrono::Utc::now())
            .service_provider("urn:example:trial", &served.url("/saml/acs"))
            .in_response_to(&asked.id)
            .encrypt(Encryption::to(app.encryption_certificate.as_ref().unwrap()))
            .issue()
            .unwrap();
        let (status, answer) = browser.post(&served, &issued, asked.relay_state.as_deref()).await;
        assert_eq!((status, &answer["issuer"]), (200, &json!(one.entity_id())), "{answer}");
    }
    let page = served.page("/").await;
    for name in [OKTA_ENTITY_ID, IdentityProvider::other().entity_id(), "https://third.example/idp"] {
        assert!(page.contains(&format!("/trial/saml/login?idp={}", encoded_in_page(name))), "{name}: {page}");
    }
}

fn encoded_in_page(text: &str) -> String {
    text.replace(':', "%3A").replace('/', "%2F")
}
