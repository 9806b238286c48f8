//! Converts between actix-web, which uses version 0.2 of the `http` crate, and the browser flows, which use version
//! 1.

use std::future::{Ready, ready};
use std::net::{IpAddr, SocketAddr};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, Responder, dev, web};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use vouchsafe_web::{HttpError, SingleSignOn};

/// The request in the types of the `http` crate, for a handler that calls [`SingleSignOn`] itself.
///
/// ```
/// use actix_web::{Responder, web};
/// use vouchsafe_actix::{Answer, RequestParts, SingleSignOn};
///
/// /// Asks for the password again, whatever session the identity provider has.
/// async fn confirm(sso: web::Data<SingleSignOn>, RequestParts(request): RequestParts) -> impl Responder {
///     let started = async {
///         let connection = sso.discover("acme").await?.ok_or(vouchsafe_actix::HttpError::UnknownConnection)?;
///         let options = vouchsafe::LoginOptions::default().force_authn().return_to("/settings");
///         sso.start(&request, &connection, options).await
///     };
///     Answer(started.await.unwrap_or_else(|error| sso.refuse(&request.headers, error)))
/// }
/// ```
#[derive(Debug)]
pub struct RequestParts(pub Parts);

impl FromRequest for RequestParts {
    type Error = Error;
    type Future = Ready<Result<RequestParts, Error>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(data(request).and_then(|sso| read(request, &sso)).map(RequestParts))
    }
}

/// An answer of the browser flows, as the response of a handler.
#[derive(Debug)]
pub struct Answer<B = String>(pub Response<B>);

impl<B: MessageBody + 'static> Responder for Answer<B> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.into()
    }
}

impl<B: MessageBody + 'static> From<Answer<B>> for HttpResponse {
    fn from(Answer(answer): Answer<B>) -> HttpResponse {
        let (parts, body) = answer.into_parts();
        let Ok(status) = StatusCode::from_u16(parts.status.as_u16()) else {
            return HttpResponse::InternalServerError().finish();
        };
        let mut response = HttpResponse::build(status);
        for (name, value) in &parts.headers {
            response.append_header((name.as_str(), value.as_bytes()));
        }
        response.body(body)
    }
}

/// The address of the TCP connection, for [`SingleSignOn::client_address`] of a service without a proxy in front of
/// it.
#[must_use]
pub fn peer_address(request: &Parts) -> Option<IpAddr> {
    request.extensions.get::<Peer>().map(|peer| peer.0.ip())
}

#[derive(Clone, Copy, Debug)]
struct Peer(SocketAddr);

/// Reads the request's parts. A part that cannot be converted is refused and not skipped, since a missing header has
/// another meaning.
pub(crate) fn read(request: &HttpRequest, sso: &SingleSignOn) -> Result<Parts, Error> {
    parts(request).map_err(|error| rejected(sso.refuse(&http::HeaderMap::new(), HttpError::body(error))))
}

fn parts(request: &HttpRequest) -> Result<Parts, http::Error> {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::from_bytes(request.method().as_str().as_bytes())?;
    parts.uri = request.uri().to_string().parse()?;
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes())?;
        parts.headers.append(name, HeaderValue::from_bytes(value.as_bytes())?);
    }
    if let Some(peer) = request.peer_addr() {
        parts.extensions.insert(Peer(peer));
    }
    Ok(parts)
}

/// Makes an error with this answer, which replaces the handler's.
pub(crate) fn rejected(answer: Response<String>) -> Error {
    InternalError::from_response("the sign-in was not accepted", Answer(answer).into()).into()
}

/// Returns the application's [`web::Data`] of this type.
pub(crate) fn data<T: 'static>(request: &HttpRequest) -> Result<web::Data<T>, Error> {
    request.app_data::<web::Data<T>>().cloned().ok_or_else(|| {
        let missing = format!("the application has no web::Data<{}>", std::any::type_name::<T>());
        actix_web::error::ErrorInternalServerError(missing)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_request_arrives_whole() {
        let request = TestRequest::post()
            .uri("/saml/acs?a=1&b=%2F")
            .peer_addr("[2001:db8::1]:4711".parse().unwrap())
            .append_header(("Cookie", "a=1"))
            .append_header(("Cookie", "b=2"))
            .append_header(("x-bytes", &b"\xff"[..]))
            .to_http_request();
        let parts = parts(&request).unwrap();
        assert_eq!((parts.method.as_str(), parts.uri.query()), ("POST", Some("a=1&b=%2F")));
        assert_eq!(parts.headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!(parts.headers.get("x-bytes").unwrap().as_bytes(), b"\xff");
        assert_eq!(peer_address(&parts), Some("2001:db8::1".parse().unwrap()));
        let unknown = TestRequest::get().to_http_request();
        assert_eq!(peer_address(&super::parts(&unknown).unwrap()), None);
    }

    #[test]
    fn an_answer_leaves_whole() {
        let answer = Response::builder()
            .status(303)
            .header("location", "/home")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .body("text".to_owned());
        let response = HttpResponse::from(Answer(answer.unwrap()));
        assert_eq!(response.status(), 303);
        assert_eq!(response.headers().get("location").unwrap(), "/home");
        assert_eq!(response.headers().get_all("set-cookie").count(), 2);
    }

    #[test]
    fn an_application_without_our_data_says_which() {
        let error = data::<SingleSignOn>(&TestRequest::get().to_http_request()).unwrap_err();
        assert!(error.to_string().contains("SingleSignOn"), "{error}");
        assert_eq!(error.as_response_error().status_code(), 500);
    }
}
