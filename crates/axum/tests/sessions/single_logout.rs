//! Single logout of users of `tower-sessions` and `axum-login`.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthnBackend, UserId};
use chrono::{TimeDelta, Utc};
use reqwest::header::LOCATION;
use tower_sessions::session::Id;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, SessionStore as _};
use vouchsafe::{
    Limits, Login, LogoutRequest,
    provisioning::{Identity, LoggedOut},
    redirect,
};
use vouchsafe_axum::tower_session::{EndingStore, participant, session_layer, sign_out};
use vouchsafe_axum::{
    EndedSession, EndsSessions, HttpError, LogoutSessions, SingleSignOn, axum_login as bridge, routes,
};
use vouchsafe_store::{LogoutStore as _, Memory};

use super::{Browser, Served, THERE, User, Users, pages, signed_in};

/// Finds everybody, slowly: meanwhile the identity provider ends the session of whoever is called late.
#[derive(Clone)]
struct Slow(Arc<Memory>);

impl AuthnBackend for Slow {
    type User = User;
    type Credentials = Login;
    type Error = Infallible;

    async fn authenticate(&self, login: Login) -> Result<Option<User>, Infallible> {
        let (person, now) = (Identity::of_login(&login).unwrap(), Utc::now());
        if login.name_id().unwrap().value().starts_with("late") {
            self.0
                .remember_logout(
                    &LoggedOut::all_of(person),
                    now.checked_add_signed(TimeDelta::seconds(5)).unwrap(),
                    now,
                )
                .await
                .unwrap();
        }
        Ok(login.name_id().and_then(|name| Users::find(name.value())))
    }

    async fn get_user(&self, id: &UserId<Users>) -> Result<Option<User>, Infallible> {
        Ok(Users::find(id))
    }
}

/// The identifiers that were noted, with whose they are and which indexes they have.
#[derive(Clone, Debug, Default)]
struct Noted(Arc<Mutex<Vec<Note>>>);

type Note = (Id, String, Vec<String>);

impl bridge::NotesSessions for Noted {
    fn note<'a>(
        &'a self,
        session: &'a Session,
        person: &'a Identity,
        session_indexes: &'a [String],
    ) -> Pin<Box<dyn Future<Output = Result<(), HttpError>> + Send + 'a>> {
        let noted = (session.id().unwrap(), person.key(), session_indexes.to_vec());
        self.0.lock().unwrap().push(noted);
        Box::pin(std::future::ready(Ok(())))
    }
}

impl LogoutSessions for Noted {
    fn end<'a>(&'a self, _: &'a LogoutRequest) -> EndsSessions<'a> {
        Box::pin(std::future::ready(Ok(0)))
    }
}

/// A user of `axum-login` is found by single logout, and a logout that comes during the sign-in is not survived.
#[tokio::test]
async fn a_user_of_axum_login_takes_part_in_single_logout() {
    let (logouts, noted, store) = (Arc::new(Memory::new()), Noted::default(), MemoryStore::default());
    let served = Served::start(|sso| {
        let sso = sso.clone().single_logout_over(logouts.clone(), Arc::new(noted.clone()));
        let (sso, sessions) = session_layer(sso, store.clone(), Arc::new(Memory::new()));
        let layer = AuthManagerLayerBuilder::new(Slow(logouts.clone()), sessions).build();
        let who = async |auth: AuthSession<Slow>| auth.user.map(|user| user.name).unwrap_or_default();
        let told = async |session: Session| {
            let told = participant(&session).await.unwrap();
            told.map(|told| told.connection.to_string()).unwrap_or_default()
        };
        let pages = pages()
            .route("/who", get(who))
            .route("/told", get(told))
            .merge(routes(bridge::signed_in::<Slow>));
        pages.layer(layer).layer(Extension(bridge::SessionNotes::new(noted.clone()))).with_state(sso)
    })
    .await;
    let who = format!("{}/who", served.address);
    let browser = Browser::new();
    let answer = browser.post(&served, served.response("ada@example.com", "_1")).await;
    assert_eq!((answer.status().as_u16(), browser.get(&who).await.1.as_str()), (303, "ada@example.com"));
    let told = browser.get(&format!("{}/told", served.address)).await.1;
    assert_eq!(told, "acme", "whom to tell when she signs out here");
    let (id, person, indexes) = noted.0.lock().unwrap()[0].clone();
    assert!(store.load(&id).await.unwrap().is_some(), "the identifier is that of the session");
    assert!(person.contains("ada@example.com") && indexes.len() == 1, "{person} {indexes:?}");

    let late = Browser::new();
    let answer = late.post(&served, served.response("late@example.com", "_2")).await;
    assert_eq!((answer.status().as_u16(), late.get(&who).await.1.as_str()), (403, ""));
    let id = noted.0.lock().unwrap()[1].0;
    assert!(store.load(&id).await.unwrap().is_none());
    assert_eq!(browser.get(&who).await.1, "ada@example.com", "others stay signed in");
}

/// Signs out here and at the identity provider, as the documentation of both bridges does.
async fn logout(State(sso): State<SingleSignOn>, session: Session, headers: HeaderMap) -> Response {
    let end = async {
        let mut ended = EndedSession::default();
        ended.participants.extend(participant(&session).await?);
        sign_out(&session).await?;
        Ok(ended)
    };
    sso.sign_out(&headers, session.id().is_some(), end).await.into_response()
}

fn with_logout(sso: &SingleSignOn) -> (SingleSignOn, SessionManagerLayer<EndingStore<MemoryStore>>) {
    let sso = sso.clone().single_logout_over(Arc::new(Memory::new()), Arc::new(Noted::default()));
    session_layer(sso, MemoryStore::default(), Arc::new(Memory::new()))
}

/// The routes of a service, and its pages.
type MakesRouter = Box<dyn Fn(&SingleSignOn) -> Router>;

/// Whoever signs out here is signed out at the identity provider too, which finds its session by the name in every part
/// as it gave it, and by its index.
#[tokio::test]
async fn signing_out_here_tells_the_identity_provider_of_the_session() {
    let routers: [(&str, MakesRouter); 2] = [
        (
            "/maybe",
            Box::new(|sso| {
                let (sso, sessions) = with_logout(sso);
                let pages = pages().route("/logout", post(logout)).merge(routes(signed_in));
                pages.layer(sessions).with_state(sso)
            }),
        ),
        (
            "/who",
            Box::new(|sso| {
                let (sso, sessions) = with_logout(sso);
                let layer = AuthManagerLayerBuilder::new(Users, sessions).build();
                let who =
                    async |auth: AuthSession<Users>| auth.user.map(|user| user.name).unwrap_or_default();
                let pages = pages().route("/who", get(who)).route("/logout", post(logout));
                pages.merge(routes(bridge::signed_in::<Users>)).layer(layer).with_state(sso)
            }),
        ),
    ];
    for (page, router) in routers {
        let served = Served::start(router).await;
        let browser = Browser::new();
        let response = served.response("ada@example.com", "_1").name_qualifier("https://idp.example/nq");
        browser.post(&served, response.session_index("s1")).await;
        let copied = Browser::new();
        copied.keep(&format!("{}; SameSite=Lax", browser.held()));
        let user = async || copied.get(&format!("{}{page}", served.address)).await.1;
        assert_eq!(user().await, "ada@example.com", "{page}");
        let out = browser.send(browser.client.post(format!("{}/logout", served.address))).await;
        assert_eq!((out.status().as_u16(), user().await.as_str()), (303, ""), "{page}");
        let location = out.headers()[LOCATION].to_str().unwrap();
        let query = location.strip_prefix(&format!("{THERE}?")).unwrap_or_default();
        let sent = redirect::decode_unverified(query, &Limits::default()).unwrap();
        let message = String::from_utf8(sent.bytes().to_vec()).unwrap();
        for part in [
            "NameQualifier=\"https://idp.example/nq\"",
            "Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\"",
            ">ada@example.com</",
            ">s1</",
        ] {
            assert!(message.contains(part), "{page}: {part} is not in {message}");
        }
    }
}
