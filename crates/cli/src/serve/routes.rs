//! The routes of the service, and their handlers.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use vouchsafe::{Ledger, NameIdOrder};
use vouchsafe_web::{EndedSession, Reference};

use crate::failure::Failure;

use super::answer::{self, names_only, with_headers};
use super::app::App;
use super::history::{Event, Refusal, What};
use super::{overview, sign_in};

impl App {
    pub(super) fn router(self) -> Router {
        let path = |below: &str| self.base.path(below);
        Router::new()
            .route(&path("/"), get(front))
            .route(&path("/session"), get(session))
            .route(&path("/sessions"), get(sessions))
            .route(&path("/saml/metadata"), get(metadata))
            .route(&path("/saml/login"), get(sign_in::login))
            .route(&path("/saml/acs"), get(sign_in::assertion_consumer).post(sign_in::assertion_consumer))
            .route(&path("/saml/logout"), post(logout))
            .route(&path("/saml/slo"), get(single_logout).post(single_logout))
            .route(&path("/saml/slo/soap"), post(single_logout_by_soap))
            .route(&path("/saml/name-id"), get(name_id).post(name_id))
            .route(&path("/saml/name-id/soap"), post(name_id_by_soap))
            .route(&path("/saml/name-id/end"), post(end_name))
            .fallback(nothing_here)
            .layer(from_fn_with_state(self.clone(), guard))
            .with_state(self)
    }

    /// Reports the result of a message about sessions or names: what it ended, or why it was refused.
    fn told_from_outside(&self, answer: axum::http::Response<String>) -> Response {
        for (what, issuer) in self.sessions.take_ended() {
            let (at, issuer) = (self.sso.now(), Some(issuer));
            self.tell(Event { at, what, issuer, ledger: Ledger::default() });
        }
        if let Some(record) = answer
            .extensions()
            .get::<Reference>()
            .and_then(|reference| self.sso.refusals().find(reference.as_str()))
        {
            let ledger = record.ledger.clone().unwrap_or_default();
            let refusal = Refusal {
                code: record.code.to_owned(),
                message: record.message.clone(),
                hint: record.hint.to_owned(),
                doctor: None,
            };
            let what = What::Refused(Box::new(refusal));
            self.tell(Event { at: record.at, what, issuer: record.issuer.clone(), ledger });
        }
        answer.into_response()
    }
}

/// Answers only names that other sites cannot use for this service, and adds the headers.
async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    if !names_only(&request, |host| app.base.answers_to(host)) {
        let failure = Failure::usage(
            "serve.host",
            "the request names another host",
            "Give the address that browsers use as --base-url.",
        );
        return with_headers(app.unusable(request.headers(), StatusCode::MISDIRECTED_REQUEST, &failure));
    }
    with_headers(next.run(request).await)
}

async fn front(State(app): State<App>, headers: HeaderMap) -> Response {
    match app.sessions.of(&headers, app.sso.now()) {
        Ok(session) => answer::page(StatusCode::OK, overview::page(&app, session.as_ref())),
        Err(error) => app.failed(&headers, error),
    }
}

async fn session(State(app): State<App>, headers: HeaderMap) -> Response {
    match app.sessions.of(&headers, app.sso.now()) {
        Ok(Some(session)) => answer::json(StatusCode::OK, &session),
        Ok(None) => {
            answer::json(StatusCode::UNAUTHORIZED, &serde_json::json!({ "error": "Nobody is signed in." }))
        }
        Err(error) => app.failed(&headers, error),
    }
}

async fn sessions(State(app): State<App>) -> Response {
    answer::json(StatusCode::OK, &app.sessions.all(app.sso.now()))
}

async fn metadata(State(app): State<App>, headers: HeaderMap) -> Response {
    app.sso.metadata(&headers).into_response()
}

/// Ends the session here, and tells the identity provider if it has an address for that.
async fn logout(State(app): State<App>, headers: HeaderMap) -> Response {
    let holds_session = app.sso.cookies().session(&headers).is_some();
    let end = async {
        let (ended, cookie) = app.sessions.close(&headers)?;
        let participants =
            ended.as_ref().and_then(|session| session.participant.clone()).into_iter().collect();
        if let Some(session) = ended {
            let (at, issuer) = (app.sso.now(), Some(session.issuer));
            app.tell(Event { at, what: What::LoggedOut, issuer, ledger: Ledger::default() });
        }
        Ok(EndedSession { cookies: vec![cookie], participants })
    };
    app.sso.sign_out(&headers, holds_session, end).await.into_response()
}

/// Processes the messages of identity providers by browser.
async fn single_logout(State(app): State<App>, request: Parts, body: Bytes) -> Response {
    let answer = app.sso.single_logout(&request, &body, None).await;
    app.told_from_outside(answer)
}

/// Processes the messages from identity providers' own servers.
async fn single_logout_by_soap(State(app): State<App>, request: Parts, body: Bytes) -> Response {
    let answer = app.sso.single_logout_by_soap(&request, &body, None).await;
    app.told_from_outside(answer)
}

/// What identity providers say of names by browser.
async fn name_id(State(app): State<App>, request: Parts, body: Bytes) -> Response {
    let answer = app.sso.name_id(&request, &body, None).await;
    app.told_from_outside(answer)
}

/// What they say of names from their own servers.
async fn name_id_by_soap(State(app): State<App>, request: Parts, body: Bytes) -> Response {
    let answer = app.sso.name_id_by_soap(&request, &body, None).await;
    app.told_from_outside(answer)
}

/// Asks the identity provider to end the name of this browser's session.
async fn end_name(State(app): State<App>, request: Parts) -> Response {
    let headers = &request.headers;
    let holds_session = app.sso.cookies().session(headers).is_some();
    let session = app.sso.own_pages_only(headers, holds_session);
    let session = match session.and_then(|()| app.sessions.of(headers, app.sso.now())) {
        Ok(Some(session)) => session,
        Ok(None) => return app.nobody(headers),
        Err(error) => return app.failed(headers, error),
    };
    let Some(participant) = session.participant else {
        let failure = Failure::usage(
            "serve.no_name",
            "this browser's session has no name identifier",
            "Let the identity provider send a NameID; a name that it did not send cannot be ended.",
        );
        return app.unusable(headers, StatusCode::BAD_REQUEST, &failure);
    };
    let (order, back) = (NameIdOrder::terminate(participant), app.base.path("/"));
    match app.sso.order_name_id(&request, holds_session, order, &back).await {
        Ok(answer) => app.told_from_outside(answer),
        Err(error) => app.failed(headers, error),
    }
}

async fn nothing_here(State(app): State<App>, headers: HeaderMap) -> Response {
    let failure = Failure::usage(
        "serve.path",
        "there is nothing at this address",
        "Begin at the base URL; it links to the rest.",
    );
    app.unusable(&headers, StatusCode::NOT_FOUND, &failure)
}
