//! The set-up portal (feature `portal`).

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRef, OriginalUri, Path, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use vouchsafe_web::{HttpError, SetUp, SingleSignOn};

/// Makes the routes of the [set-up portal](SetUp) at its path. Merge them into the outermost router.
///
/// Its visitors have a link and no session. So do not put these routes inside layers that require a session, or that
/// protect forms of pages with a session.
///
/// ```
/// use axum::Router;
/// use axum::extract::FromRef;
/// use vouchsafe_axum::{SetUp, SingleSignOn, set_up_routes};
///
/// fn router<S: Clone + Send + Sync + 'static>(set_up: &SetUp) -> Router<S>
/// where
///     SingleSignOn: FromRef<S>,
/// {
///     Router::new().merge(set_up_routes(set_up))
/// }
/// ```
pub fn set_up_routes<S>(set_up: &SetUp) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    SingleSignOn: FromRef<S>,
{
    set_up_routes_at(set_up.path())
}

/// Makes the [`set_up_routes`] at another path, for a router that is nested, or for a proxy that removes the beginning of
/// the path. The portal's own path is the one that browsers see.
///
/// ```
/// use axum::Router;
/// use axum::extract::FromRef;
/// use vouchsafe_axum::{SingleSignOn, set_up_routes_at};
///
/// fn router<S: Clone + Send + Sync + 'static>() -> Router<S>
/// where
///     SingleSignOn: FromRef<S>,
/// {
///     // For SetUp::new(store, "/app/set-up").
///     Router::new().nest("/app", set_up_routes_at("/set-up"))
/// }
/// ```
pub fn set_up_routes_at<S>(path: &str) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    SingleSignOn: FromRef<S>,
{
    let routes = Router::new().route("/", get(overview)).route("/{*step}", get(step).post(step));
    match path.trim_end_matches('/') {
        "" => routes,
        path => Router::new().nest(path, routes),
    }
}

async fn overview(State(sso): State<SingleSignOn>, asked: OriginalUri, request: Parts) -> Response {
    sso.set_up(&asked_for(asked, request), "", &[]).await.into_response()
}

async fn step(
    State(sso): State<SingleSignOn>,
    Path(step): Path<String>,
    asked: OriginalUri,
    request: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let request = asked_for(asked, request);
    match body {
        Ok(body) => sso.set_up(&request, &step, &body).await.into_response(),
        Err(error) => sso.set_up_unread(&request, HttpError::body(error)).into_response(),
    }
}

/// Returns the request with the address that was asked for: nested routers remove the beginning of its path.
fn asked_for(OriginalUri(uri): OriginalUri, mut request: Parts) -> Parts {
    request.uri = uri;
    request
}
