//! What several handlers need: the cookie, the clock, a page that posts a message, and the answer to a failure.

use std::time::SystemTime;

use axum::http::header::{CONTENT_SECURITY_POLICY, COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, Utc};

use super::directory::NOT_ASSIGNED;
use super::pages;
use super::sessions::random_hex;
use crate::TestkitError;

pub(super) const COOKIE_NAME: &str = "okta_session";

/// The answer to a request that failed.
pub(super) struct Failure(pub(super) TestkitError);

impl From<TestkitError> for Failure {
    fn from(error: TestkitError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, title) = match self.0 {
            TestkitError::Unknown { .. } => (StatusCode::NOT_FOUND, "Not found"),
            TestkitError::NotAllowed { app, reason: NOT_ASSIGNED, .. } => {
                let page = pages::not_assigned(&app);
                return (StatusCode::FORBIDDEN, Html(page)).into_response();
            }
            TestkitError::NotAllowed { .. } => (StatusCode::FORBIDDEN, "You do not have access"),
            _ => (StatusCode::BAD_REQUEST, "This request cannot be answered"),
        };
        (status, Html(pages::failure(title, &self.0.to_string()))).into_response()
    }
}

/// The titles of the page that posts a message.
pub(super) const SIGNING_IN: &str = "Signing in…";
pub(super) const SIGNING_OUT: &str = "Signing out…";

/// Returns the page with this title that posts a message in this field to an application.
pub(super) fn posted_message(
    title: &'static str,
    action: &str,
    message: (&'static str, &str),
    relay_state: Option<&str>,
) -> Result<Response, Failure> {
    let nonce = random_hex();
    let page = pages::post_form(title, action, message, relay_state, &nonce);
    let policy =
        format!("default-src 'none'; script-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'");
    Ok(([(CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response())
}

pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value)
}

pub(super) fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}
