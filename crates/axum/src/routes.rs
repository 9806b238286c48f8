//! The four routes.

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Form, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use std::collections::HashMap;

use crate::assertion_consumer::consume;
use crate::cookies::Cookies;
use crate::error::HttpError;
use crate::refusal::{self, Reference};
use crate::same_origin::may_change;
use crate::service::Service;
use crate::session::received;
use vouchsafe::{LoginOptions, OutgoingRequest, PostForm, Redirect};

/// Our metadata (GET).
pub const METADATA: &str = "/saml/metadata";
/// Starts a sign-in: `organization`, a slug or an e-mail address, and `return`, a path. By GET in the query, for links to an organization;
/// by POST in a form, for a field in which people type an address: what stands in a query is written into logs and histories.
pub const LOGIN: &str = "/saml/login";
/// What the query of the [sign-in page](Service::sign_in_page) says when a sign-in could not be started.
pub const NOT_STARTED: (&str, &str) = ("problem", "organization");
/// The assertion consumer (POST).
pub const ASSERTION_CONSUMER: &str = "/saml/acs";
/// Ends the session here (POST from a page of this service); the one at the identity provider goes on.
pub const LOGOUT: &str = "/saml/logout";

/// The routes of a service provider: [`METADATA`], [`LOGIN`], [`ASSERTION_CONSUMER`], [`LOGOUT`].
///
/// The service provider's entity ID and assertion consumer are configured where it is built; they should be the address of the service
/// with these paths.
pub fn routes<S: Service>() -> Router<S> {
    Router::new()
        .route(METADATA, get(metadata::<S>))
        .route(LOGIN, get(login::<S>).post(login_by_form::<S>))
        .route(ASSERTION_CONSUMER, post(assertion_consumer::<S>))
        .route(LOGOUT, post(logout::<S>))
}

/// The address that starts a sign-in: for a link or a redirect to it.
///
/// ```
/// assert_eq!(
///     vouchsafe_axum::login_url("ada@example.com", "/projects/7"),
///     "/saml/login?organization=ada%40example.com&return=%2Fprojects%2F7"
/// );
/// ```
pub fn login_url(organization: &str, return_to: &str) -> String {
    with_query(LOGIN, &[("organization", organization), ("return", return_to)])
}

async fn metadata<S: Service>(State(service): State<S>) -> Response {
    match service.service_provider().metadata_xml() {
        Ok(xml) => ([(CONTENT_TYPE, "application/samlmetadata+xml")], xml).into_response(),
        Err(error) => refuse(&service, &error.into()),
    }
}

async fn login<S: Service>(
    State(service): State<S>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    begin(&service, &headers, &query).await
}

async fn login_by_form<S: Service>(
    State(service): State<S>,
    headers: HeaderMap,
    Form(fields): Form<HashMap<String, String>>,
) -> Response {
    begin(&service, &headers, &fields).await
}

async fn begin<S: Service>(service: &S, headers: &HeaderMap, fields: &HashMap<String, String>) -> Response {
    let asked = fields.get("organization").map(String::as_str).unwrap_or_default();
    let wanted = fields.get("return").map(String::as_str);
    match start(service, headers, asked, wanted).await {
        Ok(response) => response,
        Err(error) if error.status().is_server_error() => refuse(service, &error),
        Err(error) => back_to_the_sign_in_page(service, &error, wanted),
    }
}

/// One answer to everybody whose sign-in cannot be started, of the same status as to everybody else: back to the sign-in page. Why it is
/// so, whether there is no such organization, or one that is not converted, or one whose identity provider cannot be used, is for the log.
fn back_to_the_sign_in_page<S: Service>(service: &S, error: &HttpError, wanted: Option<&str>) -> Response {
    let reference = Reference::new(&service.service_provider());
    service.refused(error, &reference);
    refusal::log(error, &reference);
    let mut query = vec![NOT_STARTED];
    query.extend(
        wanted
            .filter(|wanted| service.return_paths().choose(Some(wanted)).as_str() == *wanted)
            .map(|wanted| ("return", wanted)),
    );
    see_other(&with_query(service.sign_in_page(), &query), []).unwrap_or_else(|error| refuse(service, &error))
}

/// Finds the identity provider, keeps the request, binds it to this browser, and sends the browser away.
async fn start<S: Service>(
    service: &S,
    headers: &HeaderMap,
    asked: &str,
    wanted: Option<&str>,
) -> Result<Response, HttpError> {
    let connection = service.find_connection(asked).await?.ok_or(HttpError::UnknownOrganization)?;
    let service_provider = service.service_provider();
    let options = LoginOptions::default().return_to(service.return_paths().choose(wanted).as_str());
    let started = service_provider.start_login(&connection, options, service.now())?;
    let pending = &started.pending;
    service.store().put(pending).await?;
    let cookies = Cookies::for_address(service_provider.assertion_consumer());
    let cookie = cookies.bind(headers, pending, started.binding.reveal());
    let cookie = cookie.ok_or(HttpError::Header { name: "Set-Cookie" })?;
    match &started.request {
        OutgoingRequest::Form(form) => posted_by_the_browser(form, cookie),
        request => see_other(request.redirect().map(Redirect::url).unwrap_or_default(), [cookie]),
    }
}

async fn assertion_consumer<S: Service>(
    State(service): State<S>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let outcome = match body {
        Ok(body) => consume(&service, &parts, body).await,
        Err(source) => Err(HttpError::Body { source }),
    };
    outcome.unwrap_or_else(|error| refuse(&service, &error))
}

/// Ends the session, if a page of our own or the person says so. What another site sends changes nothing: neither the session nor the
/// cookies.
async fn logout<S: Service>(State(service): State<S>, headers: HeaderMap) -> Response {
    let outcome = async {
        let service_provider = service.service_provider();
        if !may_change(&headers, &service_provider) {
            return Err(HttpError::CrossSite);
        }
        let cookies = Cookies::for_address(service_provider.assertion_consumer());
        if let Some(id) = received(cookies, &headers, &service_provider)? {
            service.store().revoke(&id).await?;
        }
        let closed = cookies.close_session().ok_or(HttpError::Header { name: "Set-Cookie" })?;
        see_other(service.sign_in_page(), [closed])
    };
    outcome.await.unwrap_or_else(|error: HttpError| refuse(&service, &error))
}

/// A path with a query.
pub(crate) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    format!("{path}{}{}", if path.contains('?') { '&' } else { '?' }, query.finish())
}

/// The page whose button posts the request to the identity provider.
fn posted_by_the_browser(form: &PostForm, cookie: HeaderValue) -> Result<Response, HttpError> {
    let mut response = Html(form.to_html()).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.append(SET_COOKIE, cookie);
    Ok(response)
}

/// Status 303, cookies set, nothing kept by caches.
pub(crate) fn see_other(
    location: &str,
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> Result<Response, HttpError> {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    let location = HeaderValue::from_str(location).map_err(|_| HttpError::Header { name: "Location" })?;
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Logs, tells the service, and makes the page.
pub(crate) fn refuse<S: Service>(service: &S, error: &HttpError) -> Response {
    let reference = Reference::new(&service.service_provider());
    service.refused(error, &reference);
    refusal::respond(error, reference)
}
