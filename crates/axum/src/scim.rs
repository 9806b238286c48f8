//! The endpoints of a SCIM service provider (feature `scim`).

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use chrono::Utc;
use vouchsafe_scim::ScimService;

use crate::bounded::bounded;

/// Makes all endpoints of a SCIM service provider, to be nested at the path of its base address.
///
/// The body of a request is read only after its bearer token was accepted.
///
/// Clients call them with a bearer token and without a browser. So do not put these routes inside layers that require
/// a session, or that protect forms of your own pages.
///
/// ```
/// use std::sync::Arc;
/// use axum::Router;
/// use vouchsafe::Provider;
/// use vouchsafe_axum::scim_routes;
/// use vouchsafe_scim::ScimService;
/// use vouchsafe_store::Memory;
///
/// let store = Arc::new(Memory::new());
/// let scim = ScimService::new(store, "https://app.example.com/scim/v2", Provider::rustcrypto());
/// let app: Router = Router::new().nest("/scim/v2", scim_routes(scim));
/// # let _ = app;
/// ```
pub fn scim_routes<S: Clone + Send + Sync + 'static>(scim: ScimService) -> Router<S> {
    Router::new().fallback(endpoint).with_state(scim)
}

async fn endpoint(State(scim): State<ScimService>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = async |most| bounded(body, most).await;
    let answer = scim.handle(&parts, parts.uri.path(), body, Utc::now).await;
    answer.map(Body::from)
}
