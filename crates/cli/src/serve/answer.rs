//! Makes answers: JSON or a page, and the headers of all of them.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::output;

/// The headers of answers that do not set their own. Forms may lead to other sites: one of them posts a request to an
/// identity provider.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
];

/// The policy of our own pages, whose forms lead to this service.
const OWN_PAGE: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Adds the headers that an answer does not have yet.
pub(crate) fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Returns whether a request names a host, and only ours. Other names may also resolve to this service (DNS
/// rebinding), and are not answered.
pub(crate) fn names_only(request: &Request, is_ours: impl Fn(&str) -> bool) -> bool {
    let mut named = request.headers().get_all(HOST).iter().map(HeaderValue::to_str);
    let host = named.next().and_then(Result::ok).filter(|_| named.next().is_none());
    let target = request.uri().authority().map(|authority| authority.as_str());
    host.or(target).is_some() && [host, target].into_iter().flatten().all(is_ours)
}

/// Answers a value as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match output::json(value) {
        Ok(text) => (status, [(CONTENT_TYPE, "application/json")], text).into_response(),
        Err(failure) => (StatusCode::INTERNAL_SERVER_ERROR, failure.code).into_response(),
    }
}

/// Answers a page of ours.
pub(crate) fn page(status: StatusCode, html: String) -> Response {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, OWN_PAGE)];
    (status, headers, html).into_response()
}

/// Answers a page of ours with one script, which the policy names by its digest (base64 of SHA-256).
pub(crate) fn page_with_script(status: StatusCode, html: String, digest: &str) -> Response {
    let policy = format!("{OWN_PAGE}; script-src 'sha256-{digest}'");
    let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(OWN_PAGE));
    let mut response = (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}
