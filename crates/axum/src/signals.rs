//! The endpoints for signals of identity providers (feature `signals`).

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::post;
use chrono::Utc;
use vouchsafe_signals::SignalService;

use crate::bounded::bounded;

/// Makes the routes `/{connection}/global-token-revocation` for Okta's Universal Logout and `/{connection}/events`
/// for pushed security events, to be nested.
///
/// Identity providers call them with a signed token and without a browser. So do not put these routes inside layers
/// that require a session, or that protect forms of your own pages.
pub fn signal_routes<S: Clone + Send + Sync + 'static>(signals: SignalService) -> Router<S> {
    Router::new()
        .route("/{connection}/global-token-revocation", post(global_token_revocation))
        .route("/{connection}/events", post(security_event))
        .with_state(signals)
}

async fn global_token_revocation(
    State(signals): State<SignalService>,
    Path(connection): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = async |most| bounded(body, most).await;
    signals.global_token_revocation(&connection, &parts, body, Utc::now()).await.map(Body::from)
}

async fn security_event(
    State(signals): State<SignalService>,
    Path(connection): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = async |most| bounded(body, most).await;
    signals.security_event(&connection, &parts, body, Utc::now()).await.map(Body::from)
}
