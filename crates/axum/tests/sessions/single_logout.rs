//! Single logout of users of `axum-login`.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::{Extension, routing::get};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthnBackend, UserId};
use chrono::{TimeDelta, Utc};
use tower_sessions::session::Id;
use tower_sessions::{MemoryStore, Session, SessionStore as _};
use vouchsafe::{
    Login, LogoutRequest,
    provisioning::{Identity, LoggedOut},
};
use vouchsafe_axum::tower_session::{participant, session_layer};
use vouchsafe_axum::{EndsSessions, HttpError, LogoutSessions, axum_login as bridge, routes};
use vouchsafe_store::{LogoutStore as _, Memory};

use super::{Browser, Served, User, Users, pages};

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
