//! Reads requests, and makes answers.

use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
};
use serde_json::Value;
use vouchsafe::Explain as _;

use crate::SignalError;

/// All of a body that is not too long.
pub(super) async fn whole<B: Future<Output = Option<Vec<u8>>>>(
    body: impl FnOnce(usize) -> B,
    most: usize,
) -> Result<Vec<u8>, SignalError> {
    let body = body(most).await.filter(|body| body.len() <= most);
    body.ok_or(SignalError::Malformed { reason: "the body is too long" })
}

pub(super) fn read_json(body: &[u8]) -> Result<Value, SignalError> {
    serde_json::from_slice(body).map_err(|_| SignalError::Malformed { reason: "the body is not JSON" })
}

/// The one bearer token of the request.
pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (header, None) = (all.next()?.to_str().ok()?, all.next()) else { return None };
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

pub(super) fn answer(status: StatusCode, body: Option<Value>) -> Response<Vec<u8>> {
    let mut response = Response::new(body.map(|body| body.to_string().into_bytes()).unwrap_or_default());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    } else if status.is_client_error() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}

/// Says when the transmitter may send again, if too many came.
pub(super) fn retry_as_said(response: &mut Response<Vec<u8>>, error: &SignalError) {
    if let SignalError::TooMany { retry_after } = error {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*retry_after));
    }
}

pub(super) fn log(error: &SignalError, what: &'static str) {
    match error {
        SignalError::Store(source) => {
            tracing::error!(code = error.code(), error = %source, "a {what} failed")
        }
        _ => tracing::warn!(code = error.code(), "a {what} was refused"),
    }
}
