//! The routes of the service provider.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRef, Path, State};
use axum::handler::Handler;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use vouchsafe_web::{Chooser, HttpError, Paths, Provisioned, SingleSignOn};

use crate::accepted_login::{CheckedLogin, Posted};

/// Makes the routes with their default paths. `signed_in` processes a login: it is a handler with
/// [`AcceptedLogin`](crate::AcceptedLogin) as its last argument.
///
/// The service provider's entity ID and assertion consumer, and those of connections, are configured separately, as
/// addresses that browsers see. The router may be nested below such an address. [`routes_at`] has other paths.
///
/// ```
/// use axum::extract::FromRef;
/// use axum::response::IntoResponse;
/// use vouchsafe_axum::{AcceptedLogin, SingleSignOn, routes};
///
/// #[derive(Clone)]
/// struct App {
///     sso: SingleSignOn,
/// }
///
/// impl FromRef<App> for SingleSignOn {
///     fn from_ref(app: &App) -> SingleSignOn {
///         app.sso.clone()
///     }
/// }
///
/// async fn signed_in(AcceptedLogin(accepted): AcceptedLogin) -> impl IntoResponse {
///     // Look the person up, open a session, and:
///     accepted.redirect([]).unwrap_or_else(|error| accepted.refuse(error))
/// }
///
/// fn router(app: App) -> axum::Router {
///     axum::Router::new().nest("/auth", routes(signed_in)).with_state(app)
/// }
/// ```
pub fn routes<H, T, S>(signed_in: H) -> Router<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
    SingleSignOn: FromRef<S>,
{
    routes_at(&Paths::default(), signed_in)
}

/// Makes the [routes] with other paths.
///
/// ```
/// # fn example<S: Clone + Send + Sync + 'static>(
/// #     signed_in: impl axum::handler::Handler<((),), S>) -> axum::Router<S>
/// # where vouchsafe_axum::SingleSignOn: axum::extract::FromRef<S> {
/// use vouchsafe_axum::{Paths, routes_at};
///
/// routes_at(&Paths::default().login("/sso/start").assertion_consumer("/sso/callback"), signed_in)
/// # }
/// ```
pub fn routes_at<H, T, S>(paths: &Paths, signed_in: H) -> Router<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
    SingleSignOn: FromRef<S>,
{
    Router::new()
        .route(&paths.metadata, get(metadata))
        .route(&paths.login, get(login).post(login_by_form))
        .route(&paths.discovered, get(discovered))
        .route(&paths.assertion_consumer, get(signed_in.clone()).post(signed_in.clone()))
        .route(&paths.connection_assertion_consumer, get(signed_in.clone()).post(signed_in))
        .route(&paths.connection_metadata, get(connection_metadata))
        .route(&paths.single_logout, get(single_logout).post(single_logout))
        .route(&paths.connection_single_logout, get(single_logout).post(single_logout))
        .route(&paths.single_logout_soap, post(single_logout_by_soap))
        .route(&paths.connection_single_logout_soap, post(single_logout_by_soap))
        .route(&paths.name_id, get(name_id).post(name_id))
        .route(&paths.connection_name_id, get(name_id).post(name_id))
        .route(&paths.name_id_soap, post(name_id_by_soap))
        .route(&paths.connection_name_id_soap, post(name_id_by_soap))
        .route(&paths.kept_form, get(kept_form).post(kept_form))
}

/// Makes the routes in which [`Provisioned`] processes a login, and the end of a session.
///
/// ```
/// use axum::extract::FromRef;
/// use vouchsafe_axum::{Provisioned, SingleSignOn, provisioned_routes};
///
/// #[derive(Clone)]
/// struct App {
///     sso: SingleSignOn,
///     provisioned: Provisioned,
/// }
/// # impl FromRef<App> for SingleSignOn { fn from_ref(app: &App) -> SingleSignOn { app.sso.clone() } }
/// # impl FromRef<App> for Provisioned { fn from_ref(app: &App) -> Provisioned { app.provisioned.clone() } }
///
/// fn router(app: App) -> axum::Router {
///     axum::Router::new().merge(provisioned_routes()).with_state(app)
/// }
/// ```
pub fn provisioned_routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    SingleSignOn: FromRef<S>,
    Provisioned: FromRef<S>,
{
    provisioned_routes_at(&Paths::default())
}

/// Makes the [`provisioned_routes`] with other paths.
pub fn provisioned_routes_at<S>(paths: &Paths) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    SingleSignOn: FromRef<S>,
    Provisioned: FromRef<S>,
{
    routes_at(paths, provision).route(&paths.logout, post(logout)).route(&paths.link, post(link))
}

/// Makes the pages of a [`Chooser`]: the page to choose an identity provider, and the list of all of them as JSON.
///
/// ```
/// use axum::extract::FromRef;
/// use vouchsafe_axum::{Chooser, Paths, chooser_routes};
///
/// fn router<S: Clone + Send + Sync + 'static>() -> axum::Router<S>
/// where
///     Chooser: FromRef<S>,
/// {
///     chooser_routes(&Paths::default().chooser("/sign-in"))
/// }
/// ```
pub fn chooser_routes<S>(paths: &Paths) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Chooser: FromRef<S>,
{
    Router::new().route(&paths.chooser, get(choose)).route(&paths.discovery_feed, get(discovery_feed))
}

async fn choose(State(chooser): State<Chooser>, request: Parts) -> Response {
    chooser.page(&request).into_response()
}

async fn discovery_feed(State(chooser): State<Chooser>, headers: HeaderMap) -> Response {
    chooser.feed(&headers).map(|feed| Body::from(bytes::Bytes::from_owner(feed))).into_response()
}

/// Processes the answer of a discovery service.
async fn discovered(State(sso): State<SingleSignOn>, request: Parts) -> Response {
    sso.discovered(&request).await.into_response()
}

/// The handler of [`provisioned_routes`] for a login.
pub async fn provision(
    State(sso): State<SingleSignOn>,
    State(provisioned): State<Provisioned>,
    CheckedLogin(checked): CheckedLogin,
) -> Response {
    provisioned.provision(&sso, checked).await.into_response()
}

/// The handler that ends a session in this service.
pub async fn logout(
    State(sso): State<SingleSignOn>,
    State(provisioned): State<Provisioned>,
    headers: HeaderMap,
) -> Response {
    provisioned.logout(&sso, &headers).await.into_response()
}

/// The handler that links an account.
async fn link(
    State(sso): State<SingleSignOn>,
    State(provisioned): State<Provisioned>,
    request: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match body {
        Ok(body) => provisioned.link(&sso, &request, &body).await.into_response(),
        Err(error) => sso.refuse(&request.headers, HttpError::body(error)).into_response(),
    }
}

/// The single logout address. Without [`SingleSignOn::single_logout_over`] it accepts no message.
async fn single_logout(Posted { sso, request, body, connection }: Posted) -> Response {
    sso.single_logout(&request, &body, connection.as_deref()).await.into_response()
}

async fn single_logout_by_soap(Posted { sso, request, body, connection }: Posted) -> Response {
    sso.single_logout_by_soap(&request, &body, connection.as_deref()).await.into_response()
}

/// The address for messages about names. Without [`SingleSignOn::names_managed_by`] it accepts no message.
async fn name_id(Posted { sso, request, body, connection }: Posted) -> Response {
    sso.name_id(&request, &body, connection.as_deref()).await.into_response()
}

async fn name_id_by_soap(Posted { sso, request, body, connection }: Posted) -> Response {
    sso.name_id_by_soap(&request, &body, connection.as_deref()).await.into_response()
}

async fn kept_form(State(sso): State<SingleSignOn>, request: Parts, _read: Bytes) -> Response {
    sso.kept_form(&request).await.into_response()
}

async fn metadata(State(sso): State<SingleSignOn>, headers: HeaderMap) -> Response {
    sso.metadata(&headers).into_response()
}

async fn connection_metadata(
    State(sso): State<SingleSignOn>,
    Path(connection): Path<String>,
    headers: HeaderMap,
) -> Response {
    sso.metadata_for(&headers, &connection).await.into_response()
}

async fn login(State(sso): State<SingleSignOn>, request: Parts) -> Response {
    sso.login(&request, &[]).await.into_response()
}

async fn login_by_form(
    State(sso): State<SingleSignOn>,
    request: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match body {
        Ok(body) => sso.login(&request, &body).await.into_response(),
        Err(error) => sso.refuse(&request.headers, HttpError::body(error)).into_response(),
    }
}
