//! The service: the shared state of its handlers, and its routes.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use vouchsafe::{Ledger, NameIdOrder};
use vouchsafe_web::{EndedSession, HttpError, Reference, SingleSignOn, asks_by_paos, wants_json};

use crate::failure::{Explained, Failure};
use crate::output::Output;
use crate::text::{Line, Style};
use crate::verdict_json::{Refused, time};

use super::answer::{self, names_only, with_headers};
use super::base::Base;
use super::doctor::Consultation;
use super::history::{Event, History, Refusal, What};
use super::sessions::Sessions;
use super::trusted::Trusted;
use super::{pages, sign_in};

/// The shared state of the handlers. Clones are cheap.
#[derive(Clone, Debug)]
pub(super) struct App(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) base: Base,
    pub(super) sso: SingleSignOn,
    pub(super) trusted: Arc<Trusted>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) history: History,
    pub(super) doctor: Consultation,
    output: Output,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    pub(super) fn new(
        base: Base,
        sso: SingleSignOn,
        sessions: Arc<Sessions>,
        trusted: Arc<Trusted>,
        output: Output,
    ) -> App {
        let service_provider = sso.service_provider();
        App(Arc::new(Inner {
            sessions,
            history: History::default(),
            doctor: Consultation::new(service_provider.clone(), &trusted),
            base,
            trusted,
            output,
            sso,
        }))
    }

    pub(super) fn router(self) -> Router {
        let path = |below: &str| self.base.path(below);
        Router::new()
            .route(&path("/"), get(overview))
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

    /// Removes expired data.
    pub(super) async fn sweep(&self) {
        self.sessions.sweep(self.sso.now());
        if let Err(error) = self.sso.sweep().await {
            self.output.notice(&error.to_string());
        }
    }

    /// Stores an event, and prints a line about it.
    pub(super) fn tell(&self, event: Event) {
        let line = match &event.what {
            What::Accepted => Line::styled(Style::Good, "accepted"),
            What::Refused(refusal) => {
                Line::styled(Style::Bad, "refused").then(format!(" [{}]: {}", refusal.code, refusal.message))
            }
            What::LoggedOut => Line::styled(Style::Title, "logged out"),
            What::NameChanged => Line::styled(Style::Title, "name changed"),
        };
        let issuer = event.issuer.as_deref().map(|issuer| format!(" ({issuer})")).unwrap_or_default();
        // If nobody reads standard output any more, the page still shows the event.
        let _ = self.output.write_line(&Told::of(&event), Some(line.then(issuer)));
        self.history.keep(event);
    }

    /// Answers a request that cannot be carried out. It is not a verdict on a response.
    pub(super) fn unusable(&self, headers: &HeaderMap, status: StatusCode, failure: &Failure) -> Response {
        let Failure { code, message, hint, .. } = failure;
        if asks_by_paos(headers) {
            let fault = self.sso.service_provider().soap_fault().unwrap_or_default();
            return (status, [(CONTENT_TYPE, "text/xml; charset=utf-8")], fault).into_response();
        }
        if wants_json(headers) {
            return answer::json(status, &Refused::new(code, message, hint, &Ledger::default()));
        }
        answer::page(status, pages::failure(&self.base, code, message, hint))
    }

    /// Answers a browser without a session.
    fn nobody(&self, headers: &HeaderMap) -> Response {
        let failure = Failure::usage(
            "serve.no_session",
            "nobody is signed in in this browser",
            "Begin a sign-in at the base URL, and try again in the same browser.",
        );
        self.unusable(headers, StatusCode::UNAUTHORIZED, &failure)
    }

    fn failed(&self, headers: &HeaderMap, error: HttpError) -> Response {
        let status = error.status();
        self.unusable(headers, status, &Failure::refused(Explained::from(error)))
    }
}

/// The line of JSON about an event.
#[derive(Serialize)]
struct Told<'a> {
    at: String,
    event: &'static str,
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl<'a> Told<'a> {
    fn of(event: &'a Event) -> Told<'a> {
        let (name, refusal) = match &event.what {
            What::Accepted => ("accepted", None),
            What::Refused(refusal) => ("refused", Some(refusal.as_ref())),
            What::LoggedOut => ("logged_out", None),
            What::NameChanged => ("name_changed", None),
        };
        Told {
            at: time(event.at),
            event: name,
            issuer: event.issuer.as_deref(),
            code: refusal.map(|refusal| refusal.code.as_str()),
            message: refusal.map(|refusal| refusal.message.as_str()),
        }
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

async fn overview(State(app): State<App>, headers: HeaderMap) -> Response {
    match app.sessions.of(&headers, app.sso.now()) {
        Ok(session) => answer::page(StatusCode::OK, pages::overview(&app, session.as_ref())),
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
