//! A silent sign-in against a running identity provider: it answers from its session, or that there is none.

use std::collections::HashMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use vouchsafe_testkit::server::{self, App as Application, Config, User};

use crate::app::{Answer, App, Browser};

/// The form that the identity provider's page posts.
fn form(page: &str) -> HashMap<String, String> {
    let hidden = page.split("<input").skip(1).filter_map(|input| {
        let value = |name: &str| {
            let (_, rest) = input.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value.replace("&amp;", "&").replace("&#43;", "+"))
        };
        Some((value("name")?, value("value")?))
    });
    hidden.collect()
}

/// A browser at the identity provider, which keeps one cookie.
struct Elsewhere {
    client: reqwest::Client,
    cookie: Option<String>,
}

impl Elsewhere {
    async fn sign_in(&mut self, address: &str, user: &str) {
        let signed_in = self.client.post(format!("{address}/login")).header("sec-fetch-site", "same-origin");
        let answer = signed_in.form(&[("user", user), ("return", "/")]).send().await.unwrap();
        let cookie = answer.headers().get(SET_COOKIE).unwrap().to_str().unwrap();
        self.cookie = cookie.split(';').next().map(str::to_owned);
    }

    /// Follows a request of ours, and returns the form of the answer.
    async fn asked(&self, location: &str) -> HashMap<String, String> {
        let mut request = self.client.get(location);
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let answer = request.send().await.unwrap();
        assert!(answer.headers().get(LOCATION).is_none());
        form(&answer.text().await.unwrap())
    }
}

async fn silently(app: &App, browser: &Browser, elsewhere: &Elsewhere) -> Answer {
    let start = format!("{}/saml/login?organization=acme&return=%2Fprojects%2F7", app.address);
    let started = browser.get_asking(&start, "silent").await;
    assert_eq!(started.status, 303, "{}", started.body);
    let form = elsewhere.asked(&started.location).await;
    let fields: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert!(form.contains_key("SAMLResponse"), "{form:?}");
    browser.post(&format!("{}/saml/acs", app.address), &fields).await
}

#[tokio::test]
async fn nobody_is_disturbed() {
    let server = server::start(Config::default()).await.unwrap();
    let okta = server.okta();
    okta.add_user(User::new("ada@example.com", "Ada", "Lovelace"));
    let application = okta.add_app(Application::new("Loadbench", "urn:later", "https://later.example/acs"));
    okta.assign(&application, "ada@example.com").unwrap();
    let app = App::start_with_provider(okta.identity_provider(&application).unwrap()).await;
    okta.update_app(&application, |one| {
        one.entity_id = app.service_provider.entity_id().as_str().to_owned();
        one.single_sign_on_url = app.service_provider.assertion_consumer().to_owned();
    })
    .unwrap();
    okta.set_attribute(&application, "token", &app.token).unwrap();

    let browser = Browser::new();
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    let mut elsewhere = Elsewhere { client: client.unwrap(), cookie: None };

    // Nobody is signed in there: the answer is the sign-in page with the path to return to, and not an error.
    let answer = silently(&app, &browser, &elsewhere).await;
    let expected = (303, "/?silent=no&return=%2Fprojects%2F7");
    assert_eq!((answer.status, answer.location.as_str()), expected, "{}", answer.body);
    assert_eq!(browser.get(&format!("{}/maybe", app.address)).await.body, "");

    // Somebody is signed in there: the browser is signed in and goes where it wanted.
    elsewhere.sign_in(&format!("http://{}", server.address()), "ada@example.com").await;
    let answer = silently(&app, &browser, &elsewhere).await;
    assert_eq!((answer.status, answer.location.as_str()), (303, "/projects/7"), "{}", answer.body);
    assert_ne!(browser.get(&format!("{}/maybe", app.address)).await.body, "");
    server.stop().await;
}
