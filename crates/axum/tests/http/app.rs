//! A small service that listens on a loopback port, and a browser for it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use reqwest::Body;
use reqwest::header::{COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use vouchsafe::provisioning::{Actor, Organization, OrganizationId};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider, LoginOptions,
    Provider, RequestBinding, ServiceProvider, Unsolicited,
};
use vouchsafe_store::{Author, Directory, Memory};
use vouchsafe_testkit::{self as testkit, attacks::CookieJar};
use vouchsafe_web::{
    KeptForms, OrganizationDiscovery, Provisioned, ReceiveLimiter, ReturnPaths, SingleSignOn,
};

use crate::serve::serve;

/// The author of the initial data.
pub(crate) fn author() -> Author {
    Author::new(Actor::Operator, Utc::now())
}

/// What the service accepts in addition to posted responses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Forms,
    Logout,
    /// Artifacts, and what takes part in single logout.
    Artifacts,
}

impl Takes {
    fn logout(self) -> bool {
        matches!(self, Takes::Logout | Takes::Artifacts)
    }

    fn artifacts(self) -> bool {
        self == Takes::Artifacts
    }
}

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) service_provider: ServiceProvider,
    pub(crate) store: Memory,
    pub(crate) token: String,
    pub(crate) connections: Arc<Connections>,
    pub(crate) sso: SingleSignOn,
    pub(crate) provisioned: Provisioned,
    pub(crate) address: String,
    pub(crate) limiter: ReceiveLimiter,
    codes: Arc<Mutex<Vec<(String, String)>>>,
    signed_in: Arc<Mutex<Vec<usize>>>,
}

impl App {
    pub(crate) async fn start() -> App {
        App::start_with(true).await
    }

    pub(crate) async fn start_with(unsolicited: bool) -> App {
        App::start_over(unsolicited, Provider::rustcrypto()).await
    }

    pub(crate) async fn start_over(unsolicited: bool, provider: Provider) -> App {
        App::start_configured(unsolicited, provider, testkit::IdentityProvider::okta(), Takes::Forms).await
    }

    /// A service that takes part in single logout, connected to this identity provider.
    pub(crate) async fn start_with_logout(okta: testkit::IdentityProvider) -> App {
        App::start_configured(true, Provider::rustcrypto(), okta, Takes::Logout).await
    }

    /// A service that takes responses by artifact and takes part in single logout, connected to this identity provider.
    pub(crate) async fn start_with_artifacts(okta: testkit::IdentityProvider) -> App {
        App::start_configured(false, Provider::rustcrypto(), okta, Takes::Artifacts).await
    }

    /// A service that is connected to this identity provider.
    pub(crate) async fn start_with_provider(okta: testkit::IdentityProvider) -> App {
        App::start_configured(false, Provider::rustcrypto(), okta, Takes::Forms).await
    }

    async fn start_configured(
        unsolicited: bool,
        provider: Provider,
        okta: testkit::IdentityProvider,
        takes: Takes,
    ) -> App {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mut builder =
            ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata")).unwrap())
                .assertion_consumer(&format!("{address}/saml/acs"))
                .unwrap()
                .provider(provider);
        let ours = testkit::keys::service_provider();
        if takes.artifacts() {
            builder = builder
                .signing_key(ours.private_key().clone(), ours.certificate().clone())
                .receive_artifacts();
        }
        if takes.logout() {
            builder = builder
                .signing_key(ours.private_key().clone(), ours.certificate().clone())
                .single_logout(&format!("{address}/saml/slo"))
                .unwrap()
                .single_logout_soap(&format!("{address}/saml/slo/soap"))
                .unwrap()
                .name_id_management(&format!("{address}/saml/name-id"))
                .unwrap()
                .name_id_management_soap(&format!("{address}/saml/name-id/soap"))
                .unwrap();
        }
        let service_provider = builder.build().unwrap();
        let store = Memory::new();
        let mut acme = Organization::new(OrganizationId::new("1"), "acme", "Acme");
        acme.entitled = true;
        acme.verified_domains = vec!["example.com".to_owned()];
        let name = EntityId::new(okta.entity_id()).unwrap();
        let token = acme.convert(name, service_provider.provider(), Utc::now()).unwrap().reveal();
        store.add_organization(&acme, &author()).await.unwrap();
        let connections: Arc<Connections> =
            Arc::new([okta_connection(&okta, unsolicited)].into_iter().collect());
        let shared = Arc::new(store.clone());
        let limiter = ReceiveLimiter::new(4).per_client_address(1).per_connection(1).queue(0, Duration::ZERO);
        let codes = Arc::<Mutex<Vec<(String, String)>>>::default();
        let kept = Arc::clone(&codes);
        let (sso, provisioned) =
            Provisioned::over(service_provider.clone(), Arc::clone(&connections), Arc::clone(&shared));
        let sso = sso
            .discovery(Arc::new(OrganizationDiscovery::new(Arc::clone(&shared), Arc::clone(&connections))))
            .return_paths(ReturnPaths::new("/").unwrap().under("/projects").unwrap())
            .receive_limiter(limiter.clone())
            // The test plays a proxy that writes this header.
            .client_address(|request| request.headers.get("x-client")?.to_str().ok()?.parse().ok())
            .login_options(|request, _| match request.headers.get("x-ask").map(HeaderValue::as_bytes) {
                Some(b"password") => LoginOptions::default().force_authn(),
                Some(b"silent") => LoginOptions::default().is_passive(),
                Some(b"by-post") => LoginOptions::default().binding(RequestBinding::Post),
                _ => LoginOptions::default(),
            })
            .on_refusal(move |record| {
                let line = (record.reference.as_str().to_owned(), record.code.to_owned());
                kept.lock().unwrap().push(line);
            })
            .keep_forms(KeptForms::at("/saml/form").unwrap().bytes_each(1_000).without_field("password"));
        let signed_in = Arc::<Mutex<Vec<usize>>>::default();
        let steps = Arc::clone(&signed_in);
        let provisioned =
            provisioned.on_sign_in(move |sign_in| steps.lock().unwrap().push(sign_in.plan.steps().len()));
        let sso = match takes.logout() {
            true => sso
                .single_logout_over(shared, Arc::new(provisioned.clone()))
                .names_managed_by(Arc::new(provisioned.clone())),
            false => sso,
        };
        let sso = match takes.artifacts() {
            true => sso.back_channel(|call| {
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                let sending = client.post(call.location()).body(call.body().to_owned()).send();
                async move { Ok::<_, reqwest::Error>(sending.await?.bytes().await?.to_vec()) }
            }),
            false => sso,
        };
        let app = App {
            service_provider,
            store,
            token,
            connections,
            sso,
            provisioned,
            address,
            limiter,
            codes,
            signed_in,
        };
        serve(listener, app.sso.clone(), app.provisioned.clone()).await;
        app
    }

    /// Makes a response of the organization's identity provider.
    pub(crate) fn response(&self) -> testkit::ResponseBuilder {
        self.response_about("ada@example.com", "ada@example.com")
    }

    /// Makes a response about this person with this e-mail address.
    pub(crate) fn response_about(&self, subject: &str, email: &str) -> testkit::ResponseBuilder {
        let mut response = testkit::IdentityProvider::okta()
            .response()
            .at(Utc::now())
            .service_provider(
                self.service_provider.entity_id().as_str(),
                self.service_provider.assertion_consumer(),
            )
            .name_id(subject);
        for (name, value) in [
            ("user.email", email),
            ("user.username", "ada"),
            ("user.first_name", "Ada"),
            ("user.last_name", "Lovelace"),
            ("token", self.token.as_str()),
        ] {
            response = response.attribute(testkit::Attribute::new(name, [value]));
        }
        response
    }

    /// The code under which the last refusal was recorded, and its reference.
    pub(crate) fn last_refusal(&self) -> (String, String) {
        self.codes.lock().unwrap().last().cloned().unwrap()
    }

    /// Returns the number of steps of each sign-in.
    pub(crate) fn sign_ins(&self) -> Vec<usize> {
        self.signed_in.lock().unwrap().clone()
    }
}

/// The connection of the organization with id 1.
fn okta_connection(okta: &testkit::IdentityProvider, unsolicited: bool) -> Connection {
    let unsolicited = if unsolicited { Unsolicited::Accept } else { Unsolicited::Refuse };
    let okta = IdentityProvider::from_metadata(okta.metadata().unwrap().as_bytes()).unwrap();
    Connection::new(ConnectionId::new("1").unwrap(), okta)
        .with_settings(ConnectionSettings::default().unsolicited(unsolicited))
        .unwrap()
}

/// A browser that keeps cookies and follows no redirects.
pub(crate) struct Browser {
    client: reqwest::Client,
    cookies: Mutex<CookieJar>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) set_cookies: Vec<String>,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new() -> Browser {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Browser { client, cookies: Mutex::default() }
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        self.send(self.client.get(url)).await
    }

    /// Sends a HEAD request, like a program that checks a link.
    pub(crate) async fn head(&self, url: &str) -> Answer {
        self.send(self.client.head(url)).await
    }

    pub(crate) async fn post(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.client.post(url).form(fields)).await
    }

    pub(crate) async fn post_text(&self, url: &str, kind: &str, body: &str) -> Answer {
        self.send(self.client.post(url).header("content-type", kind).body(body.to_owned())).await
    }

    /// Sends a request like a program that reads JSON.
    pub(crate) async fn get_json(&self, url: &str) -> Answer {
        self.send(self.client.get(url).header("accept", "application/json")).await
    }

    /// Sends the header by which the service chooses the options of the request.
    pub(crate) async fn get_asking(&self, url: &str, what: &str) -> Answer {
        self.send(self.client.get(url).header("x-ask", what)).await
    }

    /// Posts with headers that state the origin of the request.
    pub(crate) async fn post_saying(&self, url: &str, said: &[(&'static str, &str)]) -> Answer {
        let request =
            said.iter().fold(self.client.post(url), |request, (name, value)| request.header(*name, *value));
        self.send(request).await
    }

    /// Posts a body of that type, with headers that state the origin of the request.
    pub(crate) async fn post_as(
        &self,
        url: &str,
        said: &[(&'static str, &str)],
        kind: &str,
        body: &str,
    ) -> Answer {
        let request = self.client.post(url).header("content-type", kind).body(body.to_owned());
        self.send(said.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    /// Keeps a cookie as if an answer had set it.
    pub(crate) fn keep(&self, cookie: &str) {
        assert!(self.cookies.lock().unwrap().keep(cookie), "{cookie} is no cookie");
    }

    /// Returns the number of cookies.
    pub(crate) fn cookies(&self) -> usize {
        self.cookies.lock().unwrap().len()
    }

    /// Returns a browser that does not send the cookie with that name, as with a form of another site.
    pub(crate) fn without_cookie(&self, name: &str) -> Browser {
        let kept = self.cookies.lock().unwrap().clone().without(name);
        Browser { client: self.client.clone(), cookies: Mutex::new(kept) }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let (client, request) = request.build_split();
        let mut request = request.unwrap();
        let body = request.body().and_then(Body::as_bytes).unwrap_or_default();
        let held = self.cookies.lock().unwrap().header_with(body);
        request.headers_mut().insert(COOKIE, held.parse().unwrap());
        let response = client.execute(request).await.unwrap();
        let headers = response.headers().clone();
        let set_cookies: Vec<String> =
            headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned()).collect();
        for cookie in &set_cookies {
            assert!(self.cookies.lock().unwrap().keep(cookie), "{cookie} is no cookie");
        }
        Answer {
            status: response.status().as_u16(),
            location: headers
                .get(LOCATION)
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default(),
            set_cookies,
            headers,
            body: response.text().await.unwrap(),
        }
    }
}
