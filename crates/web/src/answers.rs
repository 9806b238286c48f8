//! The answers for browsers: redirects, pages, and the headers of both.

use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use vouchsafe::crypto::hexadecimal;
use vouchsafe::{ConnectionId, ETag, OutgoingMessage, PaosRequest, PostForm, Redirect};

use crate::error::HttpError;
use crate::refusal_page::RefusedAttempt;

/// The data that are known about a sign-in when it is refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) issuer: Option<String>,
    pub(crate) return_to: Option<String>,
    pub(crate) wants_json: bool,
    pub(crate) attempt: RefusedAttempt,
    /// Whether the client is a program that reads SOAP envelopes, and not a browser.
    pub(crate) is_enhanced_client: bool,
}

impl Context {
    pub(crate) fn of(headers: &HeaderMap) -> Context {
        let is_enhanced_client = asks_by_paos(headers) || comes_by_paos(headers);
        Context { wants_json: wants_json(headers), is_enhanced_client, ..Context::default() }
    }

    pub(crate) fn of_sign_out(headers: &HeaderMap) -> Context {
        Context { attempt: RefusedAttempt::SignOut, ..Context::of(headers) }
    }

    /// Makes the context of a sign-out that has not ended a session yet.
    pub(crate) fn of_sign_out_here(headers: &HeaderMap) -> Context {
        Context { attempt: RefusedAttempt::SignOutHere, ..Context::of(headers) }
    }

    pub(crate) fn of_name_change(headers: &HeaderMap) -> Context {
        Context { attempt: RefusedAttempt::NameChange, ..Context::of(headers) }
    }
}

/// The policy allows inline styles, images of the application's own, and nothing else.
const NO_SCRIPT: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Makes an answer that runs no script and does not send its address to other sites.
pub(crate) fn answer_without_script(
    status: StatusCode,
    content_type: &'static str,
    body: String,
) -> Response<String> {
    let mut response = answer(status, content_type, body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(NO_SCRIPT));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Returns whether a client asks for JSON and not for a page, as programs do.
#[must_use]
pub fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kinds = accepted.flat_map(|value| value.split(','));
    let mut kinds = kinds.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let first = kinds
        .find(|kind| ["application/json", "text/html", "application/xhtml+xml"].contains(&kind.as_str()));
    first.as_deref() == Some("application/json")
}

/// Returns whether an enhanced client sends the request, which carries messages to the identity provider itself
/// (ECP).
#[must_use]
pub fn asks_by_paos(headers: &HeaderMap) -> bool {
    let joined = |name: HeaderName| {
        let values: Vec<&str> =
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(","))
    };
    let (accept, paos) = (joined(ACCEPT), joined(HeaderName::from_static("paos")));
    PaosRequest::is_asked_for(accept.as_deref(), paos.as_deref())
}

/// Returns whether an enhanced client posts the answer of its identity provider.
pub(crate) fn comes_by_paos(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(PaosRequest::is_content_type)
}

/// Returns the address that starts a sign-in, for a link or a redirect: the path of [`SingleSignOn::login`](crate::SingleSignOn::login), with a
/// query.
///
/// The person returns to `return_to` only if [`SingleSignOn::return_paths`](crate::SingleSignOn::return_paths) allows it, for example
/// `.return_paths(ReturnPaths::new("/")?.under("/projects")?)`. By default every login leads to `/`.
///
/// ```
/// assert_eq!(
///     vouchsafe_web::login_url("/saml/login", "acme", "/projects/7"),
///     "/saml/login?organization=acme&return=%2Fprojects%2F7"
/// );
/// ```
#[must_use]
pub fn login_url(path: &str, organization: &str, return_to: &str) -> String {
    with_query(path, &[("organization", organization), ("return", return_to)])
}

/// Returns a path with a query.
pub(crate) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    if pairs.is_empty() {
        return path.to_owned();
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    format!("{path}{}{}", if path.contains('?') { '&' } else { '?' }, query.finish())
}

/// Answers content that a client keeps, and asks for each time whether it is still the same (If-None-Match, RFC 9110,
/// 13.1.2). A client that has it receives status 304 without it, and it is not made.
pub(crate) fn answer_with_tag<B: Default, E>(
    headers: &HeaderMap,
    etag: &ETag,
    content_type: &'static str,
    content: impl FnOnce() -> Result<B, E>,
) -> Result<Response<B>, E> {
    let is_held =
        etag.is_among(headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()));
    let (status, body) = match is_held {
        true => (StatusCode::NOT_MODIFIED, B::default()),
        false => (StatusCode::OK, content()?),
    };
    let mut response = answer(status, content_type, body);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(etag) = HeaderValue::from_str(etag.as_str()) {
        headers.insert(ETAG, etag);
    }
    Ok(response)
}

/// Returns the text of the tag of some content.
pub(crate) fn tag_text(digest: &[u8; 32]) -> String {
    hexadecimal(digest.get(..16).unwrap_or(digest))
}

/// Makes an answer that is not cached and whose content type is not guessed.
pub(crate) fn answer<B>(status: StatusCode, content_type: &'static str, body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let fixed: [(HeaderName, &'static str); 3] =
        [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Makes a redirect with status 303 and cookies, which is not cached.
pub(crate) fn see_other(
    location: &str,
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> Result<Response<String>, HttpError> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    let location = HeaderValue::from_str(location).map_err(|_| HttpError::Header { name: "Location" })?;
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Makes the answer by which a browser carries a request to the identity provider: a redirect, or the page that posts
/// it.
pub(crate) fn carried(
    request: &OutgoingMessage,
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> Result<Response<String>, HttpError> {
    carried_with(request, cookies, PostForm::content_security_policy)
}

/// Makes the same for the answer to a logout request, which the identity provider may have sent in a frame of its own
/// page.
pub(crate) fn carried_in_frame(
    answer: &OutgoingMessage,
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> Result<Response<String>, HttpError> {
    carried_with(answer, cookies, PostForm::content_security_policy_in_frame)
}

fn carried_with(
    request: &OutgoingMessage,
    cookies: impl IntoIterator<Item = HeaderValue>,
    policy: fn(&PostForm) -> String,
) -> Result<Response<String>, HttpError> {
    if let Some(envelope) = request.envelope() {
        let mut response = answer(StatusCode::OK, PaosRequest::CONTENT_TYPE, envelope.envelope().to_owned());
        response.headers_mut().extend(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)));
        return Ok(response);
    }
    let Some(form) = request.form() else {
        return see_other(request.redirect().map(Redirect::url).unwrap_or_default(), cookies);
    };
    let mut response = answer(StatusCode::OK, "text/html; charset=utf-8", form.to_html());
    let policy = HeaderValue::from_str(&policy(form));
    let policy = policy.map_err(|_| HttpError::Header { name: "Content-Security-Policy" })?;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_get_json_and_browsers_a_page() {
        let asks = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
            wants_json(&headers)
        };
        assert!(!wants_json(&HeaderMap::new()));
        for json in
            ["application/json", "Application/JSON; charset=utf-8", "application/json, text/plain, */*"]
        {
            assert!(asks(json), "{json}");
        }
        let chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for page in ["*/*", "text/html", chrome, "text/html, application/json", "text/plain"] {
            assert!(!asks(page), "{page}");
        }
    }
}
