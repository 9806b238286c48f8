//! Kept forms in a store that several processes share.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE};
use http::{HeaderName, Method};
use vouchsafe::{ConnectionSettings, Provider, ServiceProvider};
use vouchsafe_store::{Answer, FormLimits, FormStore, Memory, SealedForm, StoreError};
use vouchsafe_web::{KeptForms, RequestRate, SingleSignOn, StartLimiter};

use crate::{CONSUMER, ENTITY_ID, connection, cookies, location, over, request};

const FORM: &str = "application/x-www-form-urlencoded";

fn process(forms: KeptForms) -> SingleSignOn {
    over([connection("acme", ConnectionSettings::default())]).keep_forms(forms)
}

fn posted() -> http::request::Parts {
    let mut posted =
        request(&[(HeaderName::from_static("sec-fetch-site"), "same-origin"), (CONTENT_TYPE, FORM)]);
    posted.method = Method::POST;
    posted.headers.insert(ACCEPT, "text/html,*/*;q=0.8".parse().unwrap());
    posted.uri = "/projects/7/notes".parse().unwrap();
    posted
}

/// The request of the browser for the page after its sign-in.
fn back(held: &str, sign_in_page: &str) -> http::request::Parts {
    let handle = sign_in_page.split_once("kept%3D").unwrap().1.split('&').next().unwrap();
    let mut back = request(&[(COOKIE, held)]);
    back.uri = format!("/saml/form?kept={handle}").parse().unwrap();
    back
}

#[tokio::test]
async fn a_form_that_one_process_keeps_another_gives_back() {
    let store = Memory::new();
    let [one, other] =
        [(); 2].map(|()| process(KeptForms::at("/saml/form").unwrap().over(Arc::new(store.clone()))));
    let asked = one.sign_in_needed_for(&posted(), b"text=a+long+text&password=x").await;
    let (held, place) = (cookies(&asked), location(&asked).to_owned());
    assert!(held.starts_with("__Host-vouchsafe-form="), "{held}");
    assert_eq!(store.count_forms(Utc::now()).await.unwrap(), 1);
    assert!(!format!("{store:?}").contains("long"), "nothing of it in Debug");

    // A reload, or a tab that the browser had put away, shows it again.
    for process in [&other, &one, &other] {
        let page = process.kept_form(&back(&held, &place)).await;
        assert!(page.body().contains("name=\"text\" value=\"a long text\""), "{}", page.body());
        assert_eq!(cookies(&page), "");
    }
    // The button posts it to the page first, which sends the browser on with it, once.
    let mut button = back(&held, &place);
    button.method = Method::POST;
    let sent_on = one.kept_form(&button).await;
    assert_eq!((sent_on.status().as_u16(), location(&sent_on)), (307, "/projects/7/notes"));
    assert_eq!(cookies(&sent_on), "__Host-vouchsafe-form=.");
    for again in [button, back(&held, &place)] {
        let again = other.kept_form(&again).await;
        assert_eq!((again.status().as_u16(), location(&again)), (303, "/home"), "once");
    }
}

/// A link or a form of another site does not know the handle, so it neither shows the form nor has it posted.
#[tokio::test]
async fn a_page_that_does_not_name_the_form_leaves_it_where_it_is() {
    let process = process(KeptForms::at("/saml/form").unwrap());
    let asked = process.sign_in_needed_for(&posted(), b"text=1").await;
    let (held, place) = (cookies(&asked), location(&asked).to_owned());
    for method in [Method::GET, Method::POST] {
        for uri in ["/saml/form?kept=0123456789abcdef0123456789abcdef", "/saml/form?kept=", "/saml/form"] {
            let mut foreign = request(&[(COOKIE, &held)]);
            (foreign.method, foreign.uri) = (method.clone(), uri.parse().unwrap());
            let answered = process.kept_form(&foreign).await;
            assert_eq!((answered.status().as_u16(), location(&answered)), (303, "/home"), "{method} {uri}");
        }
    }
    assert!(process.kept_form(&back(&held, &place)).await.body().contains("name=\"text\""));
}

#[tokio::test]
async fn forms_are_bounded_and_swept() {
    let store = Memory::new();
    let forms = KeptForms::at("/saml/form").unwrap().over(Arc::new(store.clone())).count(2).bytes(2_000);
    let sso = process(forms.clone());
    let is_kept = async |bytes: usize| {
        let asked = sso.sign_in_needed_for(&posted(), format!("text={}", "x".repeat(bytes)).as_bytes()).await;
        location(&asked).contains("kept%3D")
    };
    assert!(!is_kept(3_000).await, "larger than all together may be: nothing is promised");
    for _ in 0..3 {
        assert!(is_kept(100).await);
    }
    assert_eq!(store.count_forms(Utc::now()).await.unwrap(), 2);
    assert!(is_kept(1_800).await);
    assert_eq!(store.count_forms(Utc::now()).await.unwrap(), 1);
    let later = process(forms).clock(|| Utc::now() + TimeDelta::minutes(11));
    assert_eq!(later.sweep().await.unwrap(), (0, 1));
    assert_eq!(store.count_forms(Utc::now()).await.unwrap(), 0);
}

/// An application may hand over any request: only a posted form of limited size is kept.
#[tokio::test]
async fn only_a_small_posted_form_is_kept() {
    let store = Memory::new();
    let sso = process(KeptForms::at("/saml/form").unwrap().over(Arc::new(store.clone())).bytes_each(100));
    let is_kept = async |request: &http::request::Parts, bytes: usize| {
        let body = format!("text={}", "x".repeat(bytes));
        location(&sso.sign_in_needed_for(request, body.as_bytes()).await).contains("kept%3D")
    };
    assert!(is_kept(&posted(), 95).await && !is_kept(&posted(), 96).await);
    let mut other = posted();
    for method in [Method::GET, Method::PUT] {
        other.method = method;
        assert!(!is_kept(&other, 10).await);
    }
    let mut to_the_page = posted();
    to_the_page.uri = "/saml/form".parse().unwrap();
    assert!(!is_kept(&to_the_page, 10).await, "it would lead back to itself");
    assert_eq!(store.count_forms(Utc::now()).await.unwrap(), 1);
}

/// Nothing is stored if it cannot be encrypted.
#[tokio::test]
async fn without_the_cipher_nothing_is_kept() {
    let provider = Provider::rustcrypto().deny("http://www.w3.org/2009/xmlenc11#aes256-gcm").unwrap();
    let saml = ServiceProvider::builder(vouchsafe::EntityId::new(ENTITY_ID).unwrap())
        .assertion_consumer(CONSUMER)
        .unwrap()
        .provider(provider)
        .build()
        .unwrap();
    let connections: vouchsafe::Connections =
        [connection("acme", ConnectionSettings::default())].into_iter().collect();
    let sso = SingleSignOn::new(saml, Arc::new(connections), Arc::new(Memory::new()))
        .return_paths(vouchsafe_web::ReturnPaths::new("/home").unwrap().under("/projects").unwrap())
        .keep_forms(KeptForms::at("/saml/form").unwrap());
    let asked = sso.sign_in_needed_for(&posted(), b"text=1").await;
    assert_eq!((asked.status().as_u16(), cookies(&asked).as_str()), (303, ""));
    assert!(!location(&asked).contains("kept"));
}

/// A client without a browser can say of itself what it likes, and pushes out its own forms.
#[tokio::test]
async fn whoever_posts_many_forms_pushes_out_their_own() {
    let store = Memory::new();
    let forms = KeptForms::at("/saml/form").unwrap().over(Arc::new(store.clone())).count(8);
    let sso = process(forms.clone())
        .client_address(|request| request.headers.get("x-from")?.to_str().ok()?.parse().ok());
    let from = |address: &str| {
        let mut posted = posted();
        posted.headers.insert("x-from", address.parse().unwrap());
        posted
    };
    let asked = sso.sign_in_needed_for(&from("192.0.2.1"), b"text=of+the+victim").await;
    let (held, place) = (cookies(&asked), location(&asked).to_owned());
    for number in 0..30 {
        // One customer has all of these networks.
        let attacker = from(&format!("2001:db8:0:{number:x}::1"));
        let asked = sso.sign_in_needed_for(&attacker, b"text=of+the+attacker").await;
        assert!(location(&asked).contains("kept%3D"));
    }
    assert_eq!(store.count_forms(Utc::now()).await.unwrap(), 1 + 2, "a quarter of 8");
    let page = sso.kept_form(&back(&held, &place)).await;
    assert!(page.body().contains("of the victim"), "{}", page.body());

    // The application's own limits; where the address is not known they do not apply.
    let sso = process(forms.per_client_address(3, 10_000))
        .client_address(|request| request.headers.get("x-from")?.to_str().ok()?.parse().ok());
    for _ in 0..5 {
        sso.sign_in_needed_for(&from("192.0.2.2"), b"text=1").await;
    }
    assert_eq!(store.count_forms(Utc::now()).await.unwrap(), 1 + 2 + 3);
    for _ in 0..5 {
        sso.sign_in_needed_for(&posted(), b"text=1").await;
    }
    assert_eq!(store.count_forms(Utc::now()).await.unwrap(), 8);
    assert!(!format!("{store:?}").contains("192.0.2"), "no address is kept");
}

/// Processes that share the store and the key of networks count the forms of one client together.
#[tokio::test]
async fn processes_with_one_key_count_the_forms_of_a_network_together() {
    let store = Memory::new();
    for _ in 0..3 {
        let forms = KeptForms::at("/saml/form").unwrap().over(Arc::new(store.clone()));
        let sso = process(forms.per_client_address(2, 10_000).network_key([7; 32]))
            .client_address(|_| "192.0.2.1".parse().ok());
        sso.sign_in_needed_for(&posted(), b"text=1").await;
    }
    assert_eq!(store.count_forms(Utc::now()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_form_is_kept_for_its_lifetime() {
    let sso = process(KeptForms::at("/saml/form").unwrap().lifetime(Duration::from_secs(60)));
    let asked = sso.sign_in_needed_for(&posted(), b"text=1").await;
    let back = back(&cookies(&asked), location(&asked));
    for (seconds, status) in [(50, 200), (70, 303)] {
        let later = sso.clone().clock(move || Utc::now() + TimeDelta::seconds(seconds));
        assert_eq!(later.kept_form(&back).await.status(), status, "after {seconds} seconds");
    }
}

/// A page's script that saves a draft, or tells that the page is open, does not replace what a person wrote.
#[tokio::test]
async fn a_form_of_a_script_is_not_kept() {
    let sso = process(KeptForms::at("/saml/form").unwrap());
    for (mode, accept, is_kept) in [
        (Some("navigate"), "text/html", true),
        (Some("navigate"), "*/*", true),
        (None, "text/html,application/xhtml+xml", true),
        (Some("no-cors"), "*/*", false),
        (Some("cors"), "text/html", false),
        (Some("same-origin"), "text/html", false),
        (None, "*/*", false),
    ] {
        let mut posted = posted();
        posted.headers.insert(ACCEPT, accept.parse().unwrap());
        if let Some(mode) = mode {
            posted.headers.insert("sec-fetch-mode", mode.parse().unwrap());
        }
        let asked = sso.sign_in_needed_for(&posted, b"text=1").await;
        assert_eq!(location(&asked).contains("kept%3D"), is_kept, "{mode:?} {accept}");
        assert_eq!(!cookies(&asked).is_empty(), is_kept, "{mode:?} {accept}");
    }
}

/// A form costs the store more than the start of a sign-in, which is counted.
#[tokio::test]
async fn a_kept_form_counts_as_a_start() {
    let store = Memory::new();
    let forms = KeptForms::at("/saml/form").unwrap().over(Arc::new(store.clone()));
    let sso = process(forms)
        .start_limiter(StartLimiter::default().per_client_address(RequestRate { burst: 3, per_second: 1 }))
        .client_address(|_| "192.0.2.1".parse().ok());
    for _ in 0..10 {
        let asked = sso.sign_in_needed_for(&posted(), b"text=1").await;
        assert_eq!(asked.status().as_u16(), 303, "the person can always sign in");
    }
    assert!((3..=4).contains(&store.count_forms(Utc::now()).await.unwrap()));
}

#[derive(Debug)]
struct Down;

fn down<T: Send + 'static>() -> Answer<'static, T> {
    Box::pin(std::future::ready(Err(StoreError::unavailable(std::io::Error::other("down")))))
}

impl FormStore for Down {
    fn keep_form<'a>(&'a self, _: &'a SealedForm, _: FormLimits, _: DateTime<Utc>) -> Answer<'a, ()> {
        down()
    }

    fn find_form<'a>(&'a self, _: &'a str, _: &'a str, _: DateTime<Utc>) -> Answer<'a, Option<Vec<u8>>> {
        down()
    }

    fn take_form<'a>(&'a self, _: &'a str, _: &'a str, _: DateTime<Utc>) -> Answer<'a, Option<Vec<u8>>> {
        down()
    }

    fn count_forms(&self, _: DateTime<Utc>) -> Answer<'_, u64> {
        down()
    }

    fn sweep_forms(&self, _: DateTime<Utc>) -> Answer<'_, u64> {
        down()
    }
}

/// The browser still has the posted form, and can send it again.
#[tokio::test]
async fn a_store_that_fails_is_an_outage() {
    let kept = process(KeptForms::at("/saml/form").unwrap());
    let asked = kept.sign_in_needed_for(&posted(), b"text=1").await;
    let (held, place) = (cookies(&asked), location(&asked).to_owned());
    let sso = process(KeptForms::at("/saml/form").unwrap().over(Arc::new(Down)));
    assert_eq!(sso.sign_in_needed_for(&posted(), b"text=1").await.status(), 503);
    let page = sso.kept_form(&back(&held, &place)).await;
    assert_eq!((page.status().as_u16(), cookies(&page).as_str()), (503, ""), "the browser may come again");
    assert!(kept.kept_form(&back(&held, &place)).await.body().contains("name=\"text\""));
}
