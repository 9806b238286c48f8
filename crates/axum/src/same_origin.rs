//! A layer that prevents other sites from posting the application's forms.

use axum::extract::{FromRef, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use vouchsafe_web::SingleSignOn;

/// A layer for the routes of the application's own forms. A request from a page of another site with a method that
/// changes something (all but GET, HEAD, OPTIONS and TRACE) is refused with status 403 and `http.cross_site`.
///
/// Do not apply it to the assertion consumer: identity providers post to it from their own site, and the binding
/// cookie protects it.
///
/// ```
/// use axum::{Router, extract::FromRef, middleware::from_fn_with_state, routing::post};
/// use vouchsafe_axum::{SingleSignOn, own_pages_only};
///
/// fn pages<S: Clone + Send + Sync + 'static>(state: S) -> Router<S>
/// where
///     SingleSignOn: FromRef<S>,
/// {
///     Router::new()
///         .route("/settings", post(|| async { "saved" }))
///         .route_layer(from_fn_with_state(state, own_pages_only::<S>))
/// }
/// ```
pub async fn own_pages_only<S>(State(state): State<S>, request: Request, next: Next) -> Response
where
    S: Clone + Send + Sync + 'static,
    SingleSignOn: FromRef<S>,
{
    match SingleSignOn::from_ref(&state).own_forms_only(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(answer) => (*answer).into_response(),
    }
}
