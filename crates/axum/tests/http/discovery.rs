//! The start of a sign-in: where each person is sent, and what the answer reveals.

use std::sync::{Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use vouchsafe::EntityId;
use vouchsafe::provisioning::{Account, AccountId, Organization, OrganizationId};
use vouchsafe_store::Directory;
use vouchsafe_testkit::AuthnRequest;

use crate::app::{Answer, App, Browser, author};

impl App {
    async fn typed(&self, text: &str) -> Answer {
        let fields = [("organization", text), ("return", "/projects/7")];
        Browser::new().post(&format!("{}/saml/login", self.address), &fields).await
    }

    /// Adds a customer whose identity provider asserts any address, and an organization that is not converted.
    async fn with_others(self) -> App {
        let mut evil = Organization::new(OrganizationId::new("2"), "evil", "Evil");
        evil.entitled = true;
        evil.verified_domains = vec!["evil.example".to_owned()];
        let idp = EntityId::new("https://idp.evil.example").unwrap();
        evil.convert(idp, self.service_provider.provider(), chrono::Utc::now()).unwrap();
        self.store.add_organization(&evil, &author()).await.unwrap();
        let mut plain = Organization::new(OrganizationId::new("3"), "plain", "Plain");
        plain.verified_domains = vec!["plain.example".to_owned()];
        self.store.add_organization(&plain, &author()).await.unwrap();
        for (number, address) in
            ["ceo@example.com", "ceo@plain.example", "ceo@nobody.example"].into_iter().enumerate()
        {
            let id = AccountId::new(format!("evil-{number}"));
            let account = Account::new(id, OrganizationId::new("2"), address);
            self.store.add_account(&account, &author()).await.unwrap();
        }
        self
    }
}

#[tokio::test]
async fn the_verified_domain_decides_whatever_accounts_exist() {
    let app = App::start().await.with_others().await;
    let acme = app.typed("acme").await;
    assert_eq!(acme.status, 303);
    let place = |answer: &Answer| answer.location.split('?').next().unwrap().to_owned();
    for address in ["ceo@example.com", "CEO@Example.COM", " ceo@example.com ", "new@example.com"] {
        let answer = app.typed(address).await;
        assert_eq!((answer.status, place(&answer)), (303, place(&acme)), "{address}");
        AuthnRequest::from_redirect(&answer.location).unwrap();
    }
    for address in ["ceo@plain.example", "ceo@nobody.example"] {
        assert_eq!(place(&app.typed(address).await), "/", "accounts of another customer attract nobody");
    }
}

#[tokio::test]
async fn an_answer_does_not_tell_whether_there_is_an_account() {
    let app = App::start().await.with_others().await;
    let account = Account::new(AccountId::new("1"), OrganizationId::new("1"), "ada@example.com");
    app.store.add_account(&account, &author()).await.unwrap();
    let [known, unknown] = [app.typed("ada@example.com").await, app.typed("nobody@example.com").await];
    assert_eq!((known.status, shape(&known)), (unknown.status, shape(&unknown)));
    // The answer is the same for everything that is not found: an unknown domain, a domain whose organization is not
    // converted, one whose identity provider is not trusted, a mistyped address, an unknown slug, an empty text.
    let nobody = app.typed("ada@nobody.example").await;
    assert_eq!(
        (nobody.status, nobody.location.as_str()),
        (303, "/?problem=organization&return=%2Fprojects%2F7")
    );
    for text in [
        "ceo@nobody.example",
        "ada@plain.example",
        "ada@evil.example",
        "ada@example.com@nobody.example",
        "ada@",
        "ada@example.com,eve@evil.example",
        "\u{212a}im@example.com",
        "nobody",
        "plain",
        "evil",
        "",
    ] {
        let answer = app.typed(text).await;
        assert_eq!((answer.status, &answer.location), (303, &nobody.location), "{text:?}");
        assert!(answer.set_cookies.is_empty() && answer.body.is_empty(), "{text:?}");
    }
    let (_, code) = app.last_refusal();
    assert_eq!(code, "http.unknown_connection");
    let foreign = Browser::new()
        .get(&format!("{}/saml/login?organization=nobody&return=https://evil.example", app.address))
        .await;
    assert_eq!(foreign.location, "/?problem=organization", "a place that is not allowed is not handed on");
}

/// Returns the Location without its random parts, and the names of the cookies without theirs.
fn shape(answer: &Answer) -> (String, Vec<String>, usize) {
    let place = answer.location.split('?').next().unwrap().to_owned();
    let cookie = |cookie: &String| {
        let (pair, attributes) = cookie.split_once(';').unwrap();
        format!("{} bytes;{attributes}", pair.len())
    };
    (place, answer.set_cookies.iter().map(cookie).collect(), answer.body.len())
}

#[tokio::test]
async fn no_log_line_has_an_address() {
    let lines = captured();
    let app = App::start().await.with_others().await;
    let browser = Browser::new();
    for text in
        ["secret.person@example.com", "secret.person@nobody.example", "secret.person@evil.example", "secret@"]
    {
        app.typed(text).await;
        browser.get(&format!("{}/saml/login?organization={text}", app.address)).await;
    }
    // One person is admitted; one is no longer admitted, since the address belongs to another account; one is refused
    // for the domain.
    let post = async |subject: &str, address: &str, id: &str| {
        let issued = app.response_about(subject, address).assertion_id(id).issue().unwrap();
        let fields = [("SAMLResponse", issued.to_base64())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        browser.post(&format!("{}/saml/acs", app.address), &fields).await.status
    };
    assert_eq!(post("secret.person@example.com", "secret.person@example.com", "_1").await, 303);
    assert_eq!(post("secret.other@example.com", "secret.person@example.com", "_2").await, 303, "sent back");
    assert_eq!(app.last_refusal().1, "provisioning.email_taken");
    assert_eq!(post("secret.third@example.com", "secret.person@evil.example", "_3").await, 403);
    assert_eq!(app.last_refusal().1, "provisioning.domain_of_another");
    assert_eq!(post("secret.third@example.com", "secret.person", "_4").await, 403);
    assert_eq!(app.last_refusal().1, "provisioning.email_invalid");

    // The lines are copied, since other tests continue to write, also if this one fails.
    let lines = lines.lock().unwrap().clone();
    for code in ["http.unknown_connection", "provisioning.email_taken", "provisioning.email_invalid"] {
        assert!(lines.iter().any(|line| line.contains(code)), "{code} is logged");
    }
    assert!(lines.iter().any(|line| line.contains("signed in")));
    // There is one event for each refusal, with the data to look it up. It does not contain the ledger.
    let refused: Vec<&String> = lines.iter().filter(|line| line.contains("sign-in refused")).collect();
    for line in &refused {
        assert!(line.contains("reference=") && line.contains("code=") && line.contains("hint="), "{line}");
        assert!(!line.contains("ledger") && line.matches("passed").count() == 0, "{line}");
    }
    // Other tests write lines about other connections.
    let of_this =
        |line: &&&String| line.contains("provisioning.email_taken") && line.contains("connection=\"1\"");
    assert!(refused.iter().find(of_this).unwrap().contains("issuer="), "{refused:?}");
    let has_address = |line: &&String| line.contains("secret.") || line.contains("secret@");
    let with_address: Vec<&String> = lines.iter().filter(has_address).collect();
    assert!(with_address.is_empty(), "{with_address:#?}");
}

/// Returns what this crate and the lower crates log in this process.
fn captured() -> &'static Mutex<Vec<String>> {
    static LINES: OnceLock<Mutex<Vec<String>>> = OnceLock::new();
    LINES.get_or_init(|| {
        tracing::subscriber::set_global_default(Capture).unwrap();
        Mutex::default()
    })
}

struct Capture;

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("vouchsafe")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        captured().lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!("{field}={value:?} ");
    }
}
