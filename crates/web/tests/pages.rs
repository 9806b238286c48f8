//! Every page around a sign-out, a change of a name and a kept form, as the service answers it. With
//! `VOUCHSAFE_PAGES`, each is written into that folder.

#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "this is a test: it may panic")]

use std::sync::Arc;

use chrono::Utc;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use vouchsafe::{
    Connection, ConnectionId, Connections, EntityId, IdentityProvider, LogoutRequest, ManageNameIdRequest,
    NameIdOrder, NameIdStatus, Participant, ServiceProvider, SessionNameId, StatusAnswer, redirect,
};
use vouchsafe_store::Memory;
use vouchsafe_testkit::{self as testkit, ASSERTION_CONSUMER, SERVICE_PROVIDER, SINGLE_LOGOUT, keys};
use vouchsafe_web::{
    EndedSession, EndsSessions, KeptForms, LogoutPage, LogoutSessions, Managed, ManagesNames, RefusalPage,
    ReturnPaths, SingleSignOn,
};

const NAMES: &str = "https://app.example.com/saml/name-id";

#[derive(Debug)]
struct Everything;

impl LogoutSessions for Everything {
    fn end<'a>(&'a self, _: &'a LogoutRequest) -> EndsSessions<'a> {
        Box::pin(std::future::ready(Ok(1)))
    }
}

impl ManagesNames for Everything {
    fn end_sessions<'a>(&'a self, _: &'a ManageNameIdRequest) -> Managed<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn requested<'a>(&'a self, _: &'a ManageNameIdRequest) -> Managed<'a, NameIdStatus> {
        Box::pin(std::future::ready(Ok(NameIdStatus::Success)))
    }

    fn confirmed<'a>(&'a self, _: &'a StatusAnswer, _: &'a NameIdOrder) -> Managed<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The identity provider of a connection.
fn identity_provider(name: &str) -> testkit::IdentityProvider {
    testkit::IdentityProvider::new(
        format!("https://{name}.example"),
        format!("https://{name}.example/sso"),
        keys::identity_provider(),
    )
}

/// A connection whose identity provider accepts logouts and changes of names by this binding, or by none.
fn over(name: &str, binding: Option<&str>) -> Connection {
    let mut metadata = identity_provider(name).metadata().unwrap();
    if let Some(binding) = binding {
        let services: String = ["SingleLogoutService", "ManageNameIDService"]
            .iter()
            .map(|service| {
                format!(
                    "<md:{service} Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"https://{name}.example/slo\"/>"
                )
            })
            .collect();
        metadata = metadata.replacen("<md:NameIDFormat>", &format!("{services}<md:NameIDFormat>"), 1);
    }
    if name == "partial" {
        let role = metadata.find("<md:IDPSSODescriptor").unwrap();
        let place = role + metadata.get(role..).unwrap().find('>').unwrap() + 1;
        let shown = "<md:Extensions><mdui:UIInfo xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\">\
                     <mdui:DisplayName xml:lang=\"en\">Acme &amp; Sons</mdui:DisplayName></mdui:UIInfo></md:Extensions>";
        metadata.insert_str(place, shown);
    }
    let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Connection::new(ConnectionId::new(name).unwrap(), trusted)
}

fn service() -> SingleSignOn {
    let ours = keys::service_provider();
    let saml = ServiceProvider::builder(EntityId::new(SERVICE_PROVIDER).unwrap())
        .assertion_consumer(ASSERTION_CONSUMER)
        .unwrap()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .single_logout(SINGLE_LOGOUT)
        .unwrap()
        .name_id_management(NAMES)
        .unwrap()
        .build()
        .unwrap();
    let connections: Connections = [
        over("complete", Some("HTTP-Redirect")),
        over("partial", Some("HTTP-Redirect")),
        over("failed", Some("HTTP-Redirect")),
        over("silent", Some("SOAP")),
        over("not-asked", None),
        over("by-form", Some("HTTP-POST")),
        over("a-connection-of-a-customer-with-a-very-long-name-indeed", None),
    ]
    .into_iter()
    .collect();
    let store = Arc::new(Memory::new());
    SingleSignOn::new(saml, Arc::new(connections), Arc::clone(&store))
        .single_logout_over(store, Arc::new(Everything))
        .names_managed_by(Arc::new(Everything))
        .back_channel(|_| std::future::ready(Err::<Vec<u8>, _>(std::io::Error::other("no answer"))))
        .keep_forms(KeptForms::at("/saml/form").unwrap())
        .return_paths(ReturnPaths::new("/home").unwrap().under("/projects").unwrap())
        .sign_in_page("/sign-in")
        .refusal_page(RefusalPage::new("Loadbench").colors("#0a6b4f", "#f2f7f4"))
        .logout_page(LogoutPage::new("Loadbench"))
}

fn request(method: Method, uri: &str, cookies: &str) -> Parts {
    let mut request = Request::builder().method(method).uri(uri).body(()).unwrap().into_parts().0;
    let site = (HeaderName::from_static("sec-fetch-site"), HeaderValue::from_static("same-origin"));
    request.headers.extend([site, (COOKIE, HeaderValue::from_str(cookies).unwrap())]);
    request
}

fn location(answer: &Response<String>) -> String {
    answer.headers().get(LOCATION).unwrap().to_str().unwrap().to_owned()
}

fn cookies(answer: &Response<String>) -> String {
    let set = answer.headers().get_all(SET_COOKIE).iter();
    let pairs: Vec<&str> = set.filter_map(|one| one.to_str().unwrap().split(';').next()).collect();
    pairs.join("; ")
}

/// A person signs out here, and each identity provider that is asked by the browser answers with the status in its
/// name.
async fn sign_out(sso: &SingleSignOn, names: &[&str]) -> Response<String> {
    let participants = names
        .iter()
        .map(|name| {
            Participant::new(
                ConnectionId::new(*name).unwrap(),
                SessionNameId::new("ada"),
                Some("s1".to_owned()),
            )
        })
        .collect();
    let end = async { Ok(EndedSession { participants, ..EndedSession::default() }) };
    let headers = request(Method::POST, "/saml/logout", "session=1").headers;
    let mut answered = sso.sign_out(&headers, true, end).await;
    while answered.status() == 303 {
        let (url, held) = (location(&answered), cookies(&answered));
        let name = url.strip_prefix("https://").unwrap().split('.').next().unwrap().to_owned();
        let query = url.split_once('?').unwrap().1;
        let sent = redirect::decode_unverified(query, &vouchsafe::Limits::default()).unwrap();
        let xml = String::from_utf8(sent.bytes().to_vec()).unwrap();
        let id = xml.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0;
        let codes: &[&str] = match name.as_str() {
            "partial" => &["Success", "PartialLogout"],
            "failed" => &["Responder"],
            _ => &["Success"],
        };
        let codes = codes.iter().map(|code| format!("urn:oasis:names:tc:SAML:2.0:status:{code}"));
        let answer = identity_provider(&name)
            .logout_response(id)
            .id(format!("_to{id}"))
            .at(Utc::now())
            .destination(Some(SINGLE_LOGOUT));
        let query = answer.status(codes).to_query(None).unwrap();
        answered =
            sso.single_logout(&request(Method::GET, &format!("/saml/slo?{query}"), &held), b"", None).await;
    }
    answered
}

/// A request of an identity provider, in a form.
async fn asked(sso: &SingleSignOn, key: &testkit::KeyPair, name: &str) -> Response<String> {
    let logout = identity_provider(name).logout_request().key(key).at(Utc::now()).name_id("ada");
    let form = logout.destination(Some(SINGLE_LOGOUT)).to_form(Some("theirs")).unwrap();
    sso.single_logout(&request(Method::POST, "/saml/slo", ""), form.as_bytes(), None).await
}

async fn kept_form(sso: &SingleSignOn) -> Response<String> {
    let mut posted = request(Method::POST, "/projects/7/notes", "");
    posted.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    posted.headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
    let asked = sso.sign_in_needed_for(&posted, b"text=A+long+text").await;
    let place = location(&asked);
    let handle = place.split_once("kept%3D").unwrap().1;
    sso.kept_form(&request(Method::GET, &format!("/saml/form?kept={handle}"), &cookies(&asked))).await
}

/// Returns every page: its name, its status, the text that it must contain, and the answer.
async fn pages() -> Vec<(&'static str, u16, &'static str, Response<String>)> {
    let sso = service();
    let long = "a-connection-of-a-customer-with-a-very-long-name-indeed";
    let stray = request(Method::GET, "/saml/slo?SAMLResponse=PGE%2B", "");
    let names = |query: &str| request(Method::GET, &format!("/saml/name-id?{query}"), "");
    let outage = vouchsafe_web::HttpError::unavailable("sessions", std::io::Error::other("down"));
    vec![
        ("sent-on", 200, "Continue", sign_out(&sso, &["by-form"]).await),
        (
            "complete",
            200,
            "Your identity provider has ended its session too.",
            sign_out(&sso, &["complete"]).await,
        ),
        (
            "complete-two",
            200,
            "have ended their sessions too",
            sign_out(&sso, &["complete", "complete"]).await,
        ),
        ("partial", 200, "<dt>Acme &amp; Sons</dt>", sign_out(&sso, &["partial"]).await),
        ("time-limit", 200, "it did not answer", sign_out(&sso, &["silent"]).await),
        (
            "not-asked",
            200,
            "<dt>not-asked</dt><dd>it cannot be asked to sign you out",
            sign_out(&sso, &["not-asked"]).await,
        ),
        (
            "several",
            200,
            "it did not confirm",
            sign_out(&sso, &["complete", "partial", "failed", "silent", "not-asked", long]).await,
        ),
        (
            "sign-out-refused",
            403,
            "The sign-out could not be completed.",
            sso.single_logout(&stray, b"", None).await,
        ),
        ("asked-not-believed", 403, "could not be completed", asked(&sso, keys::attacker(), "by-form").await),
        (
            "sign-out-outage",
            503,
            "You may still be signed in to this service.",
            sso.sign_out(&stray.headers, true, async { Err(outage) }).await,
        ),
        ("frame", 200, "Continue", asked(&sso, keys::identity_provider(), "by-form").await),
        ("kept-form", 200, "Send it now", kept_form(&sso).await),
        (
            "name-refused",
            403,
            "The change of the name could not be completed.",
            sso.name_id(&names("SAMLResponse=PGE%2B"), b"", None).await,
        ),
    ]
}

#[tokio::test]
async fn every_page_is_whole() {
    for (name, status, says, page) in pages().await {
        let body = page.body();
        assert_eq!(page.status().as_u16(), status, "{name}: {body}");
        assert!(body.contains(says), "{name}: {body}");
        let header = |header: HeaderName| {
            let value = page.headers().get(&header).unwrap_or_else(|| panic!("{name}: no {header}"));
            value.to_str().unwrap().to_owned()
        };
        assert_eq!(header(CONTENT_TYPE), "text/html; charset=utf-8", "{name}");
        assert_eq!(header(CACHE_CONTROL), "no-store", "{name}");
        let policy = header(CONTENT_SECURITY_POLICY);
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors"),
            "{name}: {policy}"
        );
        assert_eq!(policy.contains("frame-ancestors 'none'"), name != "frame", "{name}: {policy}");
        let has_script = body.contains("<script>");
        assert_eq!(has_script, policy.contains("script-src 'sha256-"), "{name}: {policy}");
        assert!(!policy.contains("script-src 'unsafe"), "{name}: {policy}");
        assert!(policy.contains("style-src"), "{name}: {policy}");
        // The page works in a browser without scripts, on a small screen, and with a screen reader.
        assert!(!has_script || body.contains("<button type=\"submit\">"), "{name}: {body}");
        for once in
            ["<!DOCTYPE html>", "<html lang=\"en\">", "<title>", "<h1>", "<main>", "name=\"viewport\""]
        {
            assert_eq!(body.matches(once).count(), 1, "{name}: {once} {body}");
        }
        // A page that only sends the browser on has no look.
        if !["sent-on", "frame"].contains(&name) {
            assert!(body.contains(":root{--accent:#0a6b4f;--back:#f2f7f4}"), "{name}: {body}");
            assert!(body.contains("<p class=\"name\">Loadbench</p>"), "{name}: {body}");
        }
        for person in ["ada", "s1"] {
            assert!(!body.contains(&format!(">{person}<")), "{name}: nobody's name is on it");
        }
        if let Some(folder) = std::env::var_os("VOUCHSAFE_PAGES") {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), body).unwrap();
        }
    }
}
