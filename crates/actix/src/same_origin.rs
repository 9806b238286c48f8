//! A middleware that prevents other sites from posting the application's forms.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};
use vouchsafe_web::SingleSignOn;

use crate::convert::{Answer, data, read};

/// A middleware for the routes of the application's own forms. A request from a page of another site with a method
/// that changes something (all but GET, HEAD, OPTIONS and TRACE) is refused with status 403 and `http.cross_site`.
///
/// Do not apply it to the assertion consumer: identity providers post to it from their own site, and the binding
/// cookie protects it.
///
/// ```
/// use actix_web::middleware::from_fn;
/// use actix_web::web;
/// use vouchsafe_actix::own_pages_only;
///
/// let forms = web::scope("/settings")
///     .wrap(from_fn(own_pages_only))
///     .route("/name", web::post().to(async || "saved"));
/// # let _: actix_web::Scope<_> = forms;
/// ```
///
/// # Errors
/// The errors of the inner services, and status 500 if the application has no [`SingleSignOn`].
pub async fn own_pages_only(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let sso = data::<SingleSignOn>(request.request())?;
    let parts = read(request.request(), &sso)?;
    match sso.own_forms_only(&parts.method, &parts.headers) {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_left_body),
        Err(answer) => {
            let answer = HttpResponse::from(Answer(*answer));
            Ok(request.into_response(answer).map_into_right_body())
        }
    }
}
