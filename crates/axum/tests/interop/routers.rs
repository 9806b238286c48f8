//! The routers of the examples on a port, and a browser that signs in at them through an identity provider.

use std::sync::{Arc, Mutex};

use axum::Router;
use own_database::Users;
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Body, Client, RequestBuilder};
use tokio::net::TcpListener;
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider, NameIdPolicy,
    ServiceProvider, Unsolicited,
};
use vouchsafe_testkit::attacks::CookieJar;

use crate::identity_provider::Landed;

/// An example's router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Example {
    /// It accepts unsolicited responses.
    Minimal,
    /// It starts a sign-in instead of using an unsolicited response.
    OwnDatabase,
}

/// A running example.
pub(crate) struct Running {
    pub(crate) example: Example,
    address: String,
}

impl Running {
    /// Reserves a port for the example.
    pub(crate) async fn reserve(example: Example) -> (Running, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        (Running { example, address }, listener)
    }

    fn saml(&self) -> String {
        let prefix = if self.example == Example::Minimal { "" } else { "/sso" };
        format!("{}{prefix}/saml", self.address)
    }

    pub(crate) fn entity_id(&self) -> String {
        format!("{}/metadata", self.saml())
    }

    pub(crate) fn consumer(&self) -> String {
        format!("{}/acs", self.saml())
    }

    /// Returns the example's metadata for identity providers.
    pub(crate) fn metadata(&self) -> String {
        let builder = ServiceProvider::builder(EntityId::new(self.entity_id()).unwrap());
        let service_provider = builder.assertion_consumer(&self.consumer()).unwrap().build().unwrap();
        service_provider.metadata_xml().unwrap()
    }

    /// Listens, with this identity provider for its one customer. It requests the product's kind of name, if one is
    /// given.
    pub(crate) async fn listen(
        &self,
        listener: TcpListener,
        trusted: IdentityProvider,
        name: Option<NameIdPolicy>,
    ) {
        let unsolicited = match self.example {
            Example::Minimal => Unsolicited::Accept,
            Example::OwnDatabase => Unsolicited::Restart,
        };
        let settings = ConnectionSettings::default().unsolicited(unsolicited);
        let settings = match name {
            Some(name) => settings.name_id_policy(name),
            None => settings,
        };
        let acme =
            Connection::new(ConnectionId::new("acme").unwrap(), trusted).with_settings(settings).unwrap();
        let connections: Connections = [acme].into_iter().collect();
        let router: Router = match self.example {
            Example::Minimal => minimal::router(&self.address, connections).unwrap().0,
            Example::OwnDatabase => {
                let users = Users::in_memory().await.unwrap();
                own_database::router(&self.address, Arc::new(connections), users, None).unwrap().0
            }
        };
        tokio::spawn(async move { axum::serve(listener, router).await });
        let served = reqwest::get(self.entity_id()).await.unwrap().text().await.unwrap();
        assert_eq!(served, self.metadata(), "the identity provider was told what is served");
    }
}

/// A browser at a running example.
pub(crate) struct Browser<'r> {
    running: &'r Running,
    client: Client,
    jar: Mutex<CookieJar>,
}

impl<'r> Browser<'r> {
    pub(crate) fn at(running: &'r Running) -> Browser<'r> {
        let policy = reqwest::redirect::Policy::none();
        let client = Client::builder().no_proxy().redirect(policy).build().unwrap();
        Browser { running, client, jar: Mutex::default() }
    }

    /// Starts a sign-in, and returns the address at the identity provider.
    pub(crate) async fn start(&self) -> String {
        let login = format!("{}/login?organization=acme&return=%2Fhome", self.running.saml());
        let (status, place) = self.send(self.client.get(login)).await;
        assert_eq!(status, 303, "{place}");
        place
    }

    /// Posts like the identity provider's page. Returns the status, and where the browser is sent.
    pub(crate) async fn post(&self, landed: &Landed) -> (u16, String) {
        let request = self.client.post(self.running.consumer()).body(landed.form());
        self.send(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded")).await
    }

    /// Returns the name on the home page; empty if nobody is signed in.
    pub(crate) async fn home(&self) -> String {
        let held = self.jar.lock().unwrap().header();
        let home = self.client.get(format!("{}/home", self.running.address)).header(COOKIE, held);
        home.send().await.unwrap().text().await.unwrap()
    }

    async fn send(&self, request: RequestBuilder) -> (u16, String) {
        let (client, request) = request.build_split();
        let mut request = request.unwrap();
        let body = request.body().and_then(Body::as_bytes).unwrap_or_default();
        let held = self.jar.lock().unwrap().header_with(body);
        request.headers_mut().insert(COOKIE, held.parse().unwrap());
        let response = client.execute(request).await.unwrap();
        let mut jar = self.jar.lock().unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            assert!(jar.keep(cookie.to_str().unwrap()), "{cookie:?} is no cookie");
        }
        let place = response.headers().get(LOCATION).map(|place| place.to_str().unwrap().to_owned());
        (response.status().as_u16(), place.unwrap_or_default())
    }
}
