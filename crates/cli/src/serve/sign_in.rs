//! The start of a sign-in, and the assertion consumer.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response as HttpResponse, StatusCode};
use axum::response::{IntoResponse, Response};
use vouchsafe::{Connection, EntityId, LoginOptions, NameIdPolicy, RequestBinding, ResponseBinding};
use vouchsafe_web::{Accepted, HttpError, Reference, RefusalRecord, wants_json};

use crate::failure::{Explained, Failure};
use crate::verdict_json::{self, Refused};

use super::app::App;
use super::history::{Event, Refusal, What};
use super::{answer, pages};

/// Starts a sign-in with the query's `idp` and options.
pub(super) async fn login(State(app): State<App>, request: Parts) -> Response {
    let query = request.uri.query().unwrap_or_default();
    let asked = form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>();
    let chosen = connection(&app, &asked).and_then(|connection| Ok((connection, options(&asked)?)));
    let (connection, options) = match chosen {
        Ok(chosen) => chosen,
        Err(failure) => return app.unusable(&request.headers, StatusCode::BAD_REQUEST, &failure),
    };
    match app.sso.start(&request, &connection, options).await {
        Ok(started) => started.into_response(),
        Err(error) => {
            let status =
                if error.status().is_server_error() { error.status() } else { StatusCode::BAD_REQUEST };
            app.unusable(&request.headers, status, &Failure::refused(Explained::from(error)))
        }
    }
}

fn connection(app: &App, asked: &[(String, String)]) -> Result<Connection, Failure> {
    let named = asked.iter().find(|(name, _)| name == "idp").map(|(_, value)| value.as_str());
    let found = match named {
        Some(name) => EntityId::new(name).ok().and_then(|name| app.trusted.named(&name)),
        None => app.trusted.only(),
    };
    found.ok_or_else(|| {
        let message = match named {
            Some(name) => format!("no identity provider {name} is trusted"),
            None => {
                format!("{} identity providers are trusted, and none is named", app.trusted.names().len())
            }
        };
        Failure::usage("serve.identity_provider", message, "Name one of them in the query: idp=ENTITY-ID.")
    })
}

/// Reads the options in the rest of the query.
fn options(asked: &[(String, String)]) -> Result<LoginOptions, Failure> {
    let mut options = LoginOptions::default();
    let mut contexts = Vec::new();
    for (name, value) in asked {
        match (name.as_str(), value.as_str()) {
            ("idp", _) | ("force" | "passive", "0" | "false") | ("binding", "redirect") => {}
            ("force", "" | "1" | "true") => options = options.force_authn(),
            ("passive", "" | "1" | "true") => options = options.is_passive(),
            ("context", class) => contexts.push(class.to_owned()),
            ("format", format) => options = options.name_id_policy(NameIdPolicy::default().format(format)),
            ("binding", "post") => options = options.binding(RequestBinding::Post),
            ("binding", "simplesign") => options = options.binding(RequestBinding::PostSimpleSign),
            ("answer", "post") => {}
            ("answer", "artifact") => options = options.response_binding(ResponseBinding::Artifact),
            _ => {
                return Err(Failure::usage(
                    "serve.query",
                    format!("{name}={value} is not understood"),
                    "The query may have idp=ENTITY-ID, force, passive, context=URI, format=URI, binding=post or simplesign, and answer=artifact.",
                ));
            }
        }
    }
    Ok(if contexts.is_empty() { options } else { options.requested_contexts(contexts) })
}

/// Checks a posted response.
pub(super) async fn assertion_consumer(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let read: Result<Bytes, BytesRejection> =
        Bytes::from_request(Request::from_parts(parts.clone(), body), &app).await;
    let form = match read {
        Ok(form) => form,
        Err(error) => {
            let answer = app.sso.refuse(&parts.headers, HttpError::body(error));
            return refused(&app, &parts.headers, answer, &[]).await;
        }
    };
    match app.sso.accept(&parts, &form).await {
        Ok(accepted) => self::accepted(&app, &parts.headers, &accepted),
        Err(answer) => refused(&app, &parts.headers, *answer, &form).await,
    }
}

fn accepted(app: &App, headers: &HeaderMap, accepted: &Accepted) -> Response {
    let login = &accepted.login;
    let session = match app.sessions.open(accepted) {
        Ok(cookie) => cookie,
        Err(error) => return accepted.refuse(error).into_response(),
    };
    app.tell(Event {
        at: login.accepted_at(),
        what: What::Accepted,
        issuer: Some(login.issuer().as_str().to_owned()),
        ledger: login.ledger().clone(),
    });
    let mut response = if wants_json(headers) {
        answer::json(StatusCode::OK, &verdict_json::Accepted::of(login))
    } else {
        answer::page(StatusCode::OK, pages::accepted(&app.base, login))
    };
    for cookie in accepted.answer.cookies.iter().cloned().chain([session]) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Answers a response that was not accepted. An answer without a reference is not a refusal, but a new sign-in
/// instead of the response.
async fn refused(app: &App, headers: &HeaderMap, answer: HttpResponse<String>, form: &[u8]) -> Response {
    let Some(reference) = answer.extensions().get::<Reference>() else { return answer.into_response() };
    // The record exists, unless a flood of others has just removed it.
    let Some(record) = app.sso.refusals().find(reference.as_str()) else { return answer.into_response() };
    let RefusalRecord { at, issuer, code, message, hint, ledger, .. } = record;
    let ledger = ledger.unwrap_or_default();
    let known_from_elsewhere = issuer.as_deref().is_some_and(|issuer| app.trusted.is_in_aggregate(issuer));
    let is_verdict = answer.status() == StatusCode::FORBIDDEN;
    // An enhanced client is answered an envelope, and posted one.
    let is_envelope =
        answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/xml"));
    let doctor =
        if is_verdict && !known_from_elsewhere && !is_envelope { app.doctor.about(form).await } else { None };
    let refusal = Refusal { code: code.to_owned(), message, hint: hint.to_owned(), doctor };
    if is_envelope {
        app.tell(Event { at, what: What::Refused(Box::new(refusal)), issuer, ledger });
        return answer.into_response();
    }
    let mut response = if wants_json(headers) {
        answer::json(answer.status(), &Refused::new(code, &refusal.message, hint, &ledger))
    } else {
        answer::page(answer.status(), pages::refused(&app.base, &refusal, issuer.as_deref(), &ledger))
    };
    for (name, value) in answer.headers().iter().filter(|(name, _)| [RETRY_AFTER, SET_COOKIE].contains(name))
    {
        response.headers_mut().append(name, value.clone());
    }
    app.tell(Event { at, what: What::Refused(Box::new(refusal)), issuer, ledger });
    response
}
