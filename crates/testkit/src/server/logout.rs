//! Single logout as Okta does it: requests must be signed, and all messages of the identity provider are sent by
//! POST.

use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use vouchsafe_crypto::{Certificate, base64_decode, base64_encode};
use vouchsafe_signature::{TrustedKey, verify, verify_query};
use vouchsafe_xml::{Document, Element, Limits, namespace};

use super::directory::Okta;
use super::handling::{COOKIE_NAME, Failure, SIGNING_OUT, cookie, now, posted_message};
use super::model::AppId;
use super::sessions::{Participant, random_hex};
use crate::TestkitError;
use crate::authn_request::parameter;
use crate::deflate::inflated;

/// A logout message of an application.
struct Received {
    is_request: bool,
    id: String,
    name_id: String,
    relay_state: Option<String>,
}

/// Receives the logout requests and answers of applications.
pub(super) async fn single_logout(
    State(okta): State<Okta>,
    Path((_, exk)): Path<(String, String)>,
    method: Method,
    OriginalUri(address): OriginalUri,
    body: Bytes,
) -> Result<Response, Failure> {
    let app = okta.find(&exk)?;
    let certificate = okta.app(&app)?.signature_certificate;
    let certificate =
        certificate.ok_or_else(|| refused("a signature certificate of the application's", "none"))?;
    let received = match method {
        Method::POST => from_form(&String::from_utf8_lossy(&body), &certificate),
        _ => from_query(address.query().unwrap_or_default(), &certificate),
    }?;
    if received.is_request {
        okta.end_sessions_of(&received.name_id);
        return answer(&okta, &app, &received, now());
    }
    let waiting =
        okta.sessions(|open| open.take_waiting(received.relay_state.as_deref().unwrap_or_default()));
    tell_next(&okta, waiting.unwrap_or_default(), now())
}

/// Signs out here, and tells the applications that the user has used, one after another.
pub(super) async fn sign_out(State(okta): State<Okta>, headers: HeaderMap) -> Result<Response, Failure> {
    let participants = match cookie(&headers) {
        Some(cookie) => okta.sessions(|open| open.end(cookie)),
        None => Vec::new(),
    };
    let gone = format!("{COOKIE_NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    Ok(([(SET_COOKIE, gone)], tell_next(&okta, participants, now())?).into_response())
}

fn tell_next(
    okta: &Okta,
    mut participants: Vec<Participant>,
    now: DateTime<Utc>,
) -> Result<Response, Failure> {
    while let Some(next) = participants.pop() {
        let Some(address) = okta.app(&next.app).ok().and_then(|app| app.single_logout_url) else { continue };
        let request = okta
            .identity_provider(&next.app)?
            .logout_request()
            .id(format!("id{}", random_hex()))
            .at(now)
            .destination(Some(&address))
            .name_id(&next.name_id);
        let request = match &next.session_index {
            Some(index) => request.session_index(index),
            None => request,
        };
        let handle = okta.sessions(|open| open.wait(participants));
        let message = base64_encode(request.signed()?.as_bytes());
        return posted_message(SIGNING_OUT, &address, ("SAMLRequest", &message), Some(&handle));
    }
    Ok(Redirect::to("/").into_response())
}

fn answer(okta: &Okta, app: &AppId, received: &Received, now: DateTime<Utc>) -> Result<Response, Failure> {
    let address = okta.app(app)?.single_logout_url.ok_or_else(|| refused("a single logout URL", "none"))?;
    let response = okta.identity_provider(app)?.logout_response(&received.id);
    let response = response.id(format!("id{}", random_hex())).at(now).destination(Some(&address));
    let message = base64_encode(response.signed()?.as_bytes());
    posted_message(SIGNING_OUT, &address, ("SAMLResponse", &message), received.relay_state.as_deref())
}

fn from_query(query: &str, certificate: &Certificate) -> Result<Received, TestkitError> {
    let verified = verify_query(query, &[key(certificate)?], crate::keys::provider())?;
    let xml = inflated(verified.message(), "single logout")?;
    read(Document::parse(&xml, &Limits::default())?.root(), verified.relay_state().map(str::to_owned))
}

fn from_form(body: &str, certificate: &Certificate) -> Result<Received, TestkitError> {
    let message = parameter(body, "SAMLRequest").or_else(|| parameter(body, "SAMLResponse"));
    let message = message.ok_or_else(|| refused("SAMLRequest or SAMLResponse", "neither"))?;
    let limits = Limits::default();
    let document = Document::parse(&base64_decode(&message)?, &limits)?;
    let verified = verify(document.root(), &[key(certificate)?], crate::keys::provider(), &limits)?;
    let signed = Document::parse(verified.bytes(), &limits)?;
    read(signed.root(), parameter(body, "RelayState"))
}

fn read(root: Element<'_>, relay_state: Option<String>) -> Result<Received, TestkitError> {
    let is = |name| root.is(namespace::SAML_PROTOCOL, name);
    if !is("LogoutRequest") && !is("LogoutResponse") {
        return Err(refused("LogoutRequest or LogoutResponse", root.local_name()));
    }
    let name = root.elements().find(|child| child.is(namespace::SAML_ASSERTION, "NameID"));
    Ok(Received {
        is_request: is("LogoutRequest"),
        id: root.attribute("ID").unwrap_or_default().to_owned(),
        name_id: name.map(|name| name.text().into_owned()).unwrap_or_default(),
        relay_state,
    })
}

fn key(certificate: &Certificate) -> Result<TrustedKey, TestkitError> {
    let provider = crate::keys::provider();
    Ok(TrustedKey::new(provider.public_key(certificate.spki_der())?, "the application"))
}

fn refused(expected: &'static str, actual: impl Into<String>) -> TestkitError {
    TestkitError::message("single logout", expected, actual.into())
}
