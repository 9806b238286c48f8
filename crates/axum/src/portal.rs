//! The set-up portal (feature `portal`).

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRef, Path, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use vouchsafe_web::{HttpError, SingleSignOn};

/// Makes the routes of the [set-up portal](vouchsafe_web::SetUp), to be nested at its path.
///
/// Its visitors have a link and no session. So do not put these routes inside layers that require a session, or that
/// protect forms of pages with a session.
///
/// ```
/// use axum::Router;
/// use axum::extract::FromRef;
/// use vouchsafe_axum::{SingleSignOn, set_up_routes};
///
/// fn router<S: Clone + Send + Sync + 'static>() -> Router<S>
/// where
///     SingleSignOn: FromRef<S>,
/// {
///     // The path that was given to SetUp::new.
///     Router::new().nest("/set-up", set_up_routes())
/// }
/// ```
pub fn set_up_routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    SingleSignOn: FromRef<S>,
{
    Router::new().route("/", get(overview)).route("/{*step}", get(step).post(step))
}

async fn overview(State(sso): State<SingleSignOn>, request: Parts) -> Response {
    sso.set_up(&request, "", &[]).await.into_response()
}

async fn step(
    State(sso): State<SingleSignOn>,
    Path(step): Path<String>,
    request: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match body {
        Ok(body) => sso.set_up(&request, &step, &body).await.into_response(),
        Err(error) => sso.set_up_unread(&request, HttpError::body(error)).into_response(),
    }
}
