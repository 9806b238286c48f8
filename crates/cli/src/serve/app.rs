//! The service: the shared state of its handlers.

use std::sync::Arc;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use vouchsafe::Ledger;
use vouchsafe_web::{HttpError, SingleSignOn, asks_by_paos, wants_json};

use crate::failure::{Explained, Failure};
use crate::output::Output;
use crate::text::{Line, Style};
use crate::verdict_json::{Refused, time};

use super::answer;
use super::base::Base;
use super::doctor::Consultation;
use super::history::{Event, History, What};
use super::pages;
use super::sessions::Sessions;
use super::trusted::Trusted;

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
    pub(super) fn nobody(&self, headers: &HeaderMap) -> Response {
        let failure = Failure::usage(
            "serve.no_session",
            "nobody is signed in in this browser",
            "Begin a sign-in at the base URL, and try again in the same browser.",
        );
        self.unusable(headers, StatusCode::UNAUTHORIZED, &failure)
    }

    pub(super) fn failed(&self, headers: &HeaderMap, error: HttpError) -> Response {
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
