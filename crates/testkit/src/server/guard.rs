//! Protection from pages of other sites: this server has no passwords, and every browser on the machine can reach it.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::directory::Okta;
use super::pages;

/// The headers of every answer that does not set its own. Forms post only to this server; the page that posts to a
/// service has another policy.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "same-origin"),
];

/// Answers only requests for its own host name. A page can make its own host name resolve to 127.0.0.1, and then read
/// the answers of this server as its own site (DNS rebinding); but the browser still sends the page's host name.
pub(super) async fn only_own_host(State(okta): State<Okta>, request: Request, next: Next) -> Response {
    let mut response = if is_own_host(&okta, &request) {
        next.run(request).await
    } else {
        let page = pages::failure("Refused", "This server does not answer to that host name.");
        (StatusCode::MISDIRECTED_REQUEST, Html(page)).into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Refuses forms of other sites. They may send a user's browser to single sign-on, but may not use this server's
/// buttons.
pub(super) async fn only_own_pages(State(okta): State<Okta>, request: Request, next: Next) -> Response {
    if is_foreign(&okta, request.headers()) {
        let page = pages::failure("Refused", "This form came from a page of another site.");
        return (StatusCode::FORBIDDEN, Html(page)).into_response();
    }
    next.run(request).await
}

fn is_own_host(okta: &Okta, request: &Request) -> bool {
    let mut named = request.headers().get_all(HOST).iter().map(HeaderValue::as_bytes);
    let target = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    let (first, second) = (named.next(), named.next());
    let is_own = |name: &[u8]| own_hosts(okta).iter().any(|own| own.as_bytes().eq_ignore_ascii_case(name));
    second.is_none()
        && (first.is_some() || target.is_some())
        && [first, target].into_iter().flatten().all(is_own)
}

/// Returns whether the browser states that the form belongs to another site. Programs other than browsers state
/// nothing.
fn is_foreign(okta: &Okta, headers: &HeaderMap) -> bool {
    let site_is_own = |value: &HeaderValue| ["same-origin", "none"].iter().any(|own| value == own);
    let said = headers.get("sec-fetch-site");
    let origin_is_own = |value: &HeaderValue| {
        let own = own_hosts(okta).iter().any(|host| *value == format!("http://{host}"));
        own || (value == "null" && said.is_some_and(site_is_own))
    };
    !headers.get_all("sec-fetch-site").iter().all(site_is_own)
        || !headers.get_all(ORIGIN).iter().all(origin_is_own)
}

/// Returns the host names of this server, with its port: the address, and `localhost` for a loopback address.
fn own_hosts(okta: &Okta) -> Vec<String> {
    let own = okta.base_url().trim_start_matches("http://").to_owned();
    let port = own.rsplit_once(':').map(|(_, port)| port);
    let is_loopback = own.parse::<std::net::SocketAddr>().is_ok_and(|address| address.ip().is_loopback());
    let localhost = port.filter(|_| is_loopback).map(|port| format!("localhost:{port}"));
    std::iter::once(own).chain(localhost).collect()
}
