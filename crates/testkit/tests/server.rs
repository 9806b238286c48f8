//! The server over HTTP, as a browser and a service provider see it.
#![cfg(feature = "server")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::{Read, Write};
use std::net::TcpStream;

use vouchsafe_crypto::{Provider, base64_decode};
use vouchsafe_signature::{TrustedKey, verify};
use vouchsafe_testkit::server::{App, AppId, Config, Okta, Server, User, start};
use vouchsafe_testkit::{AuthnRequest, KeyPair, keys};
use vouchsafe_xml::{Document, Limits, namespace};

const ENTITY_ID: &str = "https://app.example.com/saml/metadata";
const ACS: &str = "https://app.example.com/saml/acs/";

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Returns the value of a form field on the page.
    fn field(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\" value=\""))?;
        rest.split_once('"').map(|(value, _)| value.replace("&amp;", "&"))
    }

    fn response(&self) -> Document {
        let xml = base64_decode(self.field("SAMLResponse").unwrap().as_bytes()).unwrap();
        Document::parse(&xml, &Limits::default()).unwrap()
    }
}

struct Browser {
    server: Server,
    okta: Okta,
    app: AppId,
    cookie: Option<String>,
}

impl Browser {
    async fn open() -> Self {
        let server = start(Config::default()).await.unwrap();
        let okta = server.okta();
        okta.add_user(User::new("ada@example.com", "Ada", "<Lovelace>").in_groups(["Everyone", "perf-team"]));
        okta.add_user(User::new("bob@example.com", "Bob", "Kahn"));
        let app = okta.add_app(App::new("k6 Cloud", ENTITY_ID, ACS).with_default_relay_state("/runs?a&b"));
        okta.assign(&app, "ada@example.com").unwrap();
        Self { server, okta, app, cookie: None }
    }

    async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let headers = format!("Host: {}\r\n{headers}", self.server.address());
        self.send_exactly(method, path, &headers, body).await
    }

    /// Sends a request without adding a header that names the host.
    async fn send_exactly(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let cookie = self.cookie.as_ref().map_or_else(String::new, |cookie| format!("Cookie: {cookie}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nConnection: close\r\n{cookie}{headers}Content-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
            body.len(),
        );
        let address = self.server.address();
        let text = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        })
        .await
        .unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "").await
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, "", body).await
    }

    async fn sign_in(&mut self, login: &str, return_to: &str) -> Answer {
        let answer = self.post("/login", &format!("user={login}&return={return_to}")).await;
        self.cookie = answer.header("set-cookie").map(|cookie| cookie.split(';').next().unwrap().to_owned());
        answer
    }

    fn single_sign_on(&self, query: &str) -> String {
        let url = self.okta.identity_provider(&self.app).unwrap().single_sign_on().to_owned();
        format!("{}?{query}", url.strip_prefix(self.okta.base_url()).unwrap())
    }
}

fn request(attributes: &str) -> AuthnRequest {
    let xml = format!(
        "<p:AuthnRequest xmlns:p=\"{}\" ID=\"_r\" Version=\"2.0\" {attributes}><a:Issuer xmlns:a=\"{}\">{ENTITY_ID}</a:Issuer></p:AuthnRequest>",
        namespace::SAML_PROTOCOL,
        namespace::SAML_ASSERTION
    );
    let mut request = AuthnRequest::from_xml(xml.as_bytes()).unwrap();
    request.relay_state = Some("state & more".to_owned());
    request
}

fn is_signed(document: &Document) -> bool {
    let key = TrustedKey::new(keys::identity_provider().private_key().public_key().clone(), "test");
    verify(document.root(), &[key], &Provider::rustcrypto(), &Limits::default()).is_ok()
}

#[tokio::test]
async fn the_icon_signs_in_without_a_request() {
    let mut browser = Browser::open().await;
    let page = browser.get("/").await;
    assert!(page.body.contains("Sign in as") && page.body.contains("Ada &lt;Lovelace&gt;"));

    let icon = browser.okta.app_url(&browser.app).unwrap();
    let icon = icon.strip_prefix(browser.okta.base_url()).unwrap().to_owned();
    let asked = browser.get(&icon).await;
    assert_eq!(asked.field("return").unwrap(), icon);

    let signed_in = browser.sign_in("ada@example.com", &icon).await;
    assert_eq!((signed_in.status, signed_in.header("location").unwrap()), (303, icon.as_str()));
    assert!(browser.get("/").await.body.contains(&format!("href=\"{icon}\"")));

    browser.okta.set_attribute(&browser.app, "token", "secret-1").unwrap();
    let page = browser.get(&icon).await;
    assert!(page.body.contains(&format!("action=\"{ACS}\"")));
    assert!(page.header("content-security-policy").unwrap().contains("script-src 'nonce-"));
    assert_eq!(page.field("RelayState").unwrap(), "/runs?a&b");
    let document = page.response();
    assert!(is_signed(&document));
    assert_eq!(document.root().attribute("InResponseTo"), None);
    let values: Vec<_> = document
        .elements()
        .filter(|element| element.local_name() == "AttributeValue")
        .map(|value| value.text().into_owned())
        .collect();
    let expected =
        ["ada@example.com", "ada@example.com", "Ada", "<Lovelace>", "secret-1", "Everyone", "perf-team"];
    assert_eq!(values, expected);
    assert_ne!(browser.get(&icon).await.response().root().attribute("ID"), document.root().attribute("ID"));
}

#[tokio::test]
async fn a_request_is_answered_by_redirect_and_by_post() {
    let mut browser = Browser::open().await;
    let path = browser.single_sign_on(&request("").to_redirect_query());
    let asked = browser.get(&path).await;
    assert_eq!((asked.status, asked.field("return").unwrap()), (200, path.clone()));
    browser.sign_in("ada@example.com", "/").await;

    let answer = browser.get(&path).await;
    let document = answer.response();
    assert!(is_signed(&document));
    assert_eq!(document.root().attribute("InResponseTo"), Some("_r"));
    assert_eq!(document.root().attribute("Destination"), Some(ACS));
    assert_eq!(answer.field("RelayState").unwrap(), "state & more");

    let form = format!(
        "SAMLRequest={}",
        vouchsafe_crypto::base64_encode(request("").xml.as_bytes()).replace('+', "%2B")
    );
    let answer = browser.post(&browser.single_sign_on(""), &form).await;
    assert_eq!(answer.response().root().attribute("InResponseTo"), Some("_r"));
}

#[tokio::test]
async fn a_request_may_want_the_user_asked_or_left_alone() {
    let mut browser = Browser::open().await;
    let passive = browser.single_sign_on(&request("IsPassive=\"true\"").to_redirect_query());
    let document = browser.get(&passive).await.response();
    let codes: Vec<_> = document.elements().filter_map(|element| element.attribute("Value")).collect();
    assert!(codes.iter().any(|code| code.ends_with(":NoPassive")) && is_signed(&document));

    let forced = browser.single_sign_on(&request("ForceAuthn=\"true\"").to_redirect_query());
    browser.sign_in("ada@example.com", "/").await;
    assert!(browser.get(&forced).await.field("SAMLResponse").is_some());
    assert!(browser.get(&forced).await.field("SAMLResponse").is_none());
}

#[tokio::test]
async fn what_is_not_allowed_is_refused() {
    let mut browser = Browser::open().await;
    browser.sign_in("bob@example.com", "//evil.example.com/").await;
    let good = browser.single_sign_on(&request("").to_redirect_query());
    assert_eq!(browser.get(&good).await.status, 403);
    browser.sign_in("ada@example.com", "/").await;
    let elsewhere = request("AssertionConsumerServiceURL=\"https://evil.example.com/\"").to_redirect_query();
    let mut other = request("");
    other.xml = other.xml.replace(ENTITY_ID, "https://other.example.com");
    for (path, status) in [
        (good.clone(), 200),
        (browser.single_sign_on(&elsewhere), 400),
        (browser.single_sign_on(&other.to_redirect_query()), 400),
        (browser.single_sign_on("SAMLRequest=%3Cscript%3E"), 400),
        ("/home/x/exkunknown".to_owned(), 404),
        ("/app/exkunknown/sso/saml/metadata".to_owned(), 404),
    ] {
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(!answer.body.contains("<script>"));
    }
    browser.okta.unassign(&browser.app, "ada@example.com");
    assert_eq!(browser.get(&good).await.status, 403);
    browser.okta.suspend("ada@example.com").unwrap();
    assert!(browser.get(&good).await.body.contains("Sign in as"));
    assert_eq!(browser.sign_in("ada@example.com", "/").await.status, 403);
}

#[tokio::test]
async fn the_pages_between_services_say_what_happens() {
    let mut browser = Browser::open().await;
    let address = Some("https://app.example.com/saml/slo".to_owned());
    browser.okta.update_app(&browser.app, |app| app.single_logout_url = address).unwrap();
    browser.sign_in("ada@example.com", "/").await;
    let icon = browser.okta.app_url(&browser.app).unwrap();
    let signing_in = browser.get(icon.strip_prefix(browser.okta.base_url()).unwrap()).await;
    assert!(signing_in.body.contains("<title>Signing in…</title>"), "{}", signing_in.body);
    let signing_out = browser.post("/logout", "").await;
    assert!(signing_out.field("SAMLRequest").is_some(), "{}", signing_out.body);
    assert!(signing_out.body.contains("<title>Signing out…</title>"), "{}", signing_out.body);
}

#[tokio::test]
async fn signing_in_stays_on_this_server() {
    let mut browser = Browser::open().await;
    for away in
        ["https://evil.example.com/", "//evil.example.com", "/\\evil.example.com", "/home/%0d%0aX:1", ""]
    {
        assert_eq!(browser.sign_in("ada@example.com", away).await.header("location"), Some("/"), "{away}");
    }
}

#[tokio::test]
async fn the_admin_page_does_it_all() {
    let browser = Browser::open().await;
    let app = browser.app.as_str().to_owned();
    let page = browser.get("/admin").await.body;
    assert!(page.contains("Unassign k6 Cloud") && page.contains("Audience URI (SP Entity ID)"));
    for (path, form) in [
        ("/admin/users", "email=eve%40example.com&first_name=Eve&last_name=%3Cb%3E".to_owned()),
        ("/admin/groups", "user=eve%40example.com&groups=Everyone%2C+ops".to_owned()),
        ("/admin/assign", format!("app={app}&user=bob%40example.com")),
        ("/admin/unassign", format!("app={app}&user=ada%40example.com")),
        ("/admin/suspend", "user=bob%40example.com".to_owned()),
        ("/admin/token", format!("app={app}&token=t-1")),
    ] {
        assert_eq!(browser.post(path, &form).await.status, 303, "{path}");
        let foreign = browser.send("POST", path, "Origin: https://evil.example.com\r\n", &form).await;
        assert_eq!(foreign.status, 403, "{path}");
    }
    assert_eq!(browser.okta.user("eve@example.com").unwrap().groups, ["Everyone", "ops"]);
    for login in ["eve@example.com", "bob@example.com"] {
        assert!(browser.okta.is_assigned(&browser.app, login), "{login}");
    }
    // A person who is known keeps the assignments.
    assert_eq!(browser.post("/admin/users", "email=ada%40example.com").await.status, 303);
    assert!(!browser.okta.is_assigned(&browser.app, "ada@example.com"));
    assert!(browser.okta.user("bob@example.com").unwrap().suspended);
    assert_eq!(
        browser.okta.app(&browser.app).unwrap().fixed_attributes,
        [("token".to_owned(), "t-1".to_owned())]
    );
    assert!(browser.get("/admin").await.body.contains("value=\"t-1\""));
    assert_eq!(browser.post("/admin/activate", "user=bob%40example.com").await.status, 303);
    assert!(!browser.okta.user("bob@example.com").unwrap().suspended);
}

#[tokio::test]
async fn metadata_is_served_and_read() {
    let browser = Browser::open().await;
    let url = browser.okta.metadata_url(&browser.app).unwrap();
    let answer = browser.get(url.strip_prefix(browser.okta.base_url()).unwrap()).await;
    assert_eq!(answer.header("content-type"), Some("application/samlmetadata+xml"));
    assert_eq!(answer.body, browser.okta.metadata(&browser.app).unwrap());

    let certificate = keys::service_provider().certificate().to_base64();
    let metadata = format!(
        "<m:EntityDescriptor xmlns:m=\"{}\" entityID=\"{ENTITY_ID}\"><m:SPSSODescriptor>\
         <m:KeyDescriptor use=\"encryption\"><d:KeyInfo xmlns:d=\"{}\"><d:X509Data><d:X509Certificate>{certificate}</d:X509Certificate></d:X509Data></d:KeyInfo></m:KeyDescriptor>\
         <m:AssertionConsumerService index=\"0\" Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact\" Location=\"https://a\"/>\
         <m:AssertionConsumerService index=\"1\" Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://b\"/>\
         <m:AssertionConsumerService index=\"2\" Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{ACS}\" isDefault=\"true\"/>\
         </m:SPSSODescriptor></m:EntityDescriptor>",
        namespace::SAML_METADATA,
        namespace::DSIG
    );
    let app = App::from_metadata("App", metadata.as_bytes()).unwrap();
    assert_eq!((app.entity_id.as_str(), app.single_sign_on_url.as_str()), (ENTITY_ID, ACS));
    assert!(app.encryption_certificate.is_some());
    let app = browser.okta.add_app(app);
    browser.okta.assign(&app, "ada@example.com").unwrap();
    let issued = browser.okta.issue(&app, "ada@example.com", None, vouchsafe_testkit::ISSUE_INSTANT).unwrap();
    assert!(issued.xml().contains("EncryptedAssertion"));
    assert!(App::from_metadata("App", b"<a/>").is_err());
    browser.server.stop().await;
}

/// A page can make its own host name resolve to 127.0.0.1; the browser still sends that host name.
#[tokio::test]
async fn it_answers_to_its_own_name_alone() {
    let browser = Browser::open().await;
    let address = browser.server.address();
    let metadata = browser.okta.metadata_url(&browser.app).unwrap();
    let metadata = metadata.strip_prefix(browser.okta.base_url()).unwrap().to_owned();
    let own = [
        format!("{address}"),
        format!("localhost:{}", address.port()),
        format!("LOCALHOST:{}", address.port()),
    ];
    for host in &own {
        for path in ["/", "/admin", metadata.as_str()] {
            assert_eq!(
                browser.send_exactly("GET", path, &format!("Host: {host}\r\n"), "").await.status,
                200,
                "{host}"
            );
        }
    }
    let foreign = [
        format!("Host: evil.example:{}\r\n", address.port()),
        "Host: evil.example\r\n".to_owned(),
        "Host: localhost\r\n".to_owned(),
        "Host: 127.0.0.1\r\n".to_owned(),
        format!("Host: 127.0.0.1.evil.example:{}\r\n", address.port()),
        format!("Host: 127.0.0.2:{}\r\n", address.port()),
        "Host: \r\n".to_owned(),
        format!("Host: {address}\r\nHost: evil.example\r\n"),
    ];
    for headers in &foreign {
        for (method, path) in [
            ("GET", "/"),
            ("GET", "/admin"),
            ("GET", metadata.as_str()),
            ("GET", "/absent"),
            ("POST", "/login"),
        ] {
            let answer = browser.send_exactly(method, path, headers, "user=ada%40example.com").await;
            // A request that is not valid HTTP is refused earlier.
            assert!([421, 400].contains(&answer.status), "{headers:?} {path}: {}", answer.status);
            assert!(!answer.body.contains("ada@example.com") && answer.header("set-cookie").is_none());
        }
    }
    let absolute = format!("http://evil.example:{}/admin", address.port());
    assert_eq!(browser.send("GET", &absolute, "", "").await.status, 421);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_pages_apart() {
    let browser = Browser::open().await;
    for (method, path, body) in [
        ("GET", "/", ""),
        ("GET", "/admin", ""),
        ("GET", "/absent", ""),
        ("POST", "/login", "user=nobody"),
        ("POST", "/logout", ""),
    ] {
        let answer = browser.send(method, path, "", body).await;
        for (name, value) in [
            ("content-security-policy", "frame-ancestors 'none'"),
            ("content-security-policy", "default-src 'none'"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("referrer-policy", "same-origin"),
        ] {
            assert!(
                answer.header(name).is_some_and(|found| found.contains(value)),
                "{method} {path}: {name}"
            );
        }
    }
}

#[tokio::test]
async fn the_buttons_are_for_its_own_pages() {
    let browser = Browser::open().await;
    let base = browser.okta.base_url().to_owned();
    let foreign = [
        "Sec-Fetch-Site: cross-site\r\n".to_owned(),
        "Sec-Fetch-Site: same-site\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        "Origin: https://evil.example\r\n".to_owned(),
        format!("Origin: {base}\r\nSec-Fetch-Site: cross-site\r\n"),
        "Origin: https://evil.example\r\nSec-Fetch-Site: same-origin\r\n".to_owned(),
        format!("Origin: {base}\r\nOrigin: https://evil.example\r\n"),
        format!("Origin: {}\r\n", base.replace("http:", "https:")),
    ];
    for headers in &foreign {
        let answer = browser.send("POST", "/login", headers, "user=ada%40example.com").await;
        assert_eq!((answer.status, answer.header("set-cookie")), (403, None), "{headers}");
    }
    let own = [
        String::new(),
        "Sec-Fetch-Site: same-origin\r\n".to_owned(),
        format!("Origin: {base}\r\nSec-Fetch-Site: same-origin\r\n"),
        format!("Origin: {}\r\n", base.replace("127.0.0.1", "localhost")),
        "Origin: null\r\nSec-Fetch-Site: same-origin\r\n".to_owned(),
    ];
    for headers in &own {
        let answer = browser.send("POST", "/login", headers, "user=ada%40example.com").await;
        assert_eq!(answer.status, 303, "{headers}");
    }
}

/// The deliberate faults of an identity provider, set at its page for administrators.
#[tokio::test]
async fn faults_are_made_on_purpose_and_undone() {
    let mut browser = Browser::open().await;
    let other = App::new("Other", "https://other.example.com/saml/metadata", ACS).with_key(keys::attacker());
    let other = browser.okta.add_app(other);
    browser.sign_in("ada@example.com", "/").await;
    let app = browser.app.clone();
    let icon = format!("/home/k6_cloud/{app}");
    let key_of = |app: &AppId| browser.okta.identity_provider(app).unwrap().key().clone();
    let audience = |document: &Document| {
        let mut all = document.elements();
        all.find(|one| one.is(namespace::SAML_ASSERTION, "Audience")).unwrap().text().into_owned()
    };
    let is_by = |document: &Document, pair: &KeyPair| {
        let provider = Provider::rustcrypto();
        let key = TrustedKey::of_certificate(pair.certificate(), "key", &provider).unwrap();
        verify(document.root(), &[key], &provider, &Limits::default()).is_ok()
    };
    let before = browser.get(&icon).await.response();
    assert_eq!(audience(&before), ENTITY_ID);
    assert!(is_by(&before, &key_of(&app)) && !is_by(&before, keys::attacker()));

    let form = format!("app={app}&audience=https%3A%2F%2Fwrong.example&seconds_ahead=3600&signs_as={other}");
    assert_eq!(browser.post("/admin/faults", &form).await.status, 303);
    let wrong = browser.get(&icon).await.response();
    assert_eq!(audience(&wrong), "https://wrong.example");
    assert!(is_by(&wrong, keys::attacker()));
    let time = |document: &Document| {
        let text = document.root().attribute("IssueInstant").unwrap().to_owned();
        chrono::DateTime::parse_from_rfc3339(&text).unwrap().timestamp()
    };
    assert!((3595..=3660).contains(&(time(&wrong) - time(&before))));
    let published = browser.okta.metadata(&app).unwrap();
    assert!(browser.get("/admin").await.body.contains("signs with another key now"));

    assert_eq!(browser.post("/admin/faults", &format!("app={app}")).await.status, 303);
    assert_eq!(browser.okta.metadata(&app).unwrap(), published, "a fault is not published");
    let undone = browser.get(&icon).await.response();
    assert_eq!(audience(&undone), ENTITY_ID);
    let old = key_of(&app);
    assert!(is_by(&undone, &old));

    assert_eq!(browser.post("/admin/key", &format!("app={app}")).await.status, 303);
    let rolled = browser.get(&icon).await.response();
    assert!(is_by(&rolled, &key_of(&app)) && !is_by(&rolled, &old));
    assert_ne!(browser.okta.metadata(&app).unwrap(), published);

    browser.okta.unassign(&app, "ada@example.com");
    let answer = browser.get(&icon).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("you are not assigned this app in Okta"));
}

/// Each server is another identity provider, and the same one when it is started again on its port.
#[tokio::test]
async fn the_entity_id_is_that_of_the_port() {
    let entity_id = |server: &Server| {
        let okta = server.okta();
        let app = okta.add_app(App::new("k6 Cloud", ENTITY_ID, ACS));
        okta.identity_provider(&app).unwrap().entity_id().to_owned()
    };
    let first = start(Config::default()).await.unwrap();
    let other = start(Config::default()).await.unwrap();
    let (address, name) = (first.address(), entity_id(&first));
    assert_ne!(name, entity_id(&other));
    assert_ne!(name, entity_id(&first), "another application of the same server");
    first.stop().await;
    let again = start(Config::default().listen(address)).await.unwrap();
    assert_eq!(entity_id(&again), name);
}
