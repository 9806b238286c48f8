//! What a browser sees when something is refused, and what the log says.
//!
//! The browser gets one constant sentence and a reference. The log gets, under the same reference, the code, the message with its operands,
//! the hint and the ledger, in which personal values are redacted.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use vouchsafe::ServiceProvider;
use vouchsafe::crypto::{CryptoError, system_random};

use crate::error::HttpError;

/// What a person can tell the support, and the support finds in the log: 64 random bits as `1a2b3c4d-5e6f7081`.
///
/// Extensions of the response hold it too, for a layer that renders the page differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(String);

impl Reference {
    /// A new one.
    pub fn new(service_provider: &ServiceProvider) -> Reference {
        Reference::drawn_by(|octets| service_provider.provider().random(octets))
    }

    fn drawn_by(random: impl FnOnce(&mut [u8]) -> Result<(), CryptoError>) -> Reference {
        let mut octets = [0_u8; 8];
        if random(&mut octets).is_err() {
            return Reference("none".to_owned());
        }
        let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let (first, second) = digits.split_at(8);
        Reference(format!("{first}-{second}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes the refusal into the log and makes the page.
pub fn respond(error: &HttpError, reference: Reference) -> Response {
    log(error, &reference);
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign-in</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head>\
         <body style=\"font-family:system-ui,sans-serif;margin:15vh auto;max-width:26rem;padding:0 1rem;color:#1d2530\">\
         <h1 style=\"font-size:1.4rem\">{}</h1><p>Try again, or ask your administrator and name this reference:</p>\
         <p><code style=\"font-size:1.1rem\">{}</code></p><p><a href=\"/\">Back</a></p></body></html>",
        error.public_message(),
        reference.as_str()
    );
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let status = error.status();
    let mut response = (status, headers, Html(page)).into_response();
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response.extensions_mut().insert(reference);
    response
}

impl IntoResponse for HttpError {
    /// The constant page, for handlers that are written by hand. No provider is at hand here: the operating system draws the reference.
    fn into_response(self) -> Response {
        respond(&self, Reference::drawn_by(system_random))
    }
}

/// Writes the refusal into the log. Errors have no e-mail address and no secret in them.
pub(crate) fn log(error: &HttpError, reference: &Reference) {
    let ledger = error.ledger().and_then(|ledger| serde_json::to_string(ledger).ok()).unwrap_or_default();
    tracing::warn!(
        reference = reference.as_str(),
        code = error.code(),
        message = %error,
        hint = error.hint(),
        ledger,
        "sign-in refused"
    );
}
