//! The routes.

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRef, Path, State};
use axum::handler::Handler;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use vouchsafe_web::{HttpError, SingleSignOn};

/// Our metadata (GET).
pub const METADATA: &str = "/saml/metadata";
/// Starts a sign-in: `organization`, what the person typed, and `return`, a path. By GET in the query, for links; by POST in a form, for a
/// field in which people type an address: what stands in a query is written into logs and histories.
pub const LOGIN: &str = "/saml/login";
/// The assertion consumer (POST).
pub const ASSERTION_CONSUMER: &str = "/saml/acs";
/// The assertion consumer of a connection that has one of its own (POST).
pub const CONNECTION_ASSERTION_CONSUMER: &str = "/saml/{connection}/acs";
/// Our metadata for the identity provider of one connection (GET).
pub const CONNECTION_METADATA: &str = "/saml/{connection}/metadata";

/// The routes with their usual paths, and `signed_in` for what happens with a login: a handler with [`AcceptedLogin`](crate::AcceptedLogin) as
/// its last argument.
///
/// The service provider's entity ID and assertion consumer, and those of connections, are configured where they are built: as the address
/// that browsers see, below which the router may be nested. [`Routes`] changes paths.
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
    Routes::default().build(signed_in)
}

/// The paths of the routes.
///
/// ```
/// # fn example<S: Clone + Send + Sync + 'static>(
/// #     signed_in: impl axum::handler::Handler<((),), S>) -> axum::Router<S>
/// # where vouchsafe_axum::SingleSignOn: axum::extract::FromRef<S> {
/// use vouchsafe_axum::Routes;
///
/// Routes::default().login("/sso/start").assertion_consumer("/sso/callback").build(signed_in)
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "build makes the router"]
pub struct Routes {
    metadata: String,
    login: String,
    assertion_consumer: String,
    connection_assertion_consumer: String,
    connection_metadata: String,
}

impl Default for Routes {
    fn default() -> Routes {
        Routes {
            metadata: METADATA.to_owned(),
            login: LOGIN.to_owned(),
            assertion_consumer: ASSERTION_CONSUMER.to_owned(),
            connection_assertion_consumer: CONNECTION_ASSERTION_CONSUMER.to_owned(),
            connection_metadata: CONNECTION_METADATA.to_owned(),
        }
    }
}

impl Routes {
    /// Where our metadata is. Default: [`METADATA`].
    pub fn metadata(self, path: &str) -> Routes {
        Routes { metadata: path.to_owned(), ..self }
    }

    /// Where a sign-in starts. Default: [`LOGIN`].
    pub fn login(self, path: &str) -> Routes {
        Routes { login: path.to_owned(), ..self }
    }

    /// Where responses are posted. Default: [`ASSERTION_CONSUMER`].
    pub fn assertion_consumer(self, path: &str) -> Routes {
        Routes { assertion_consumer: path.to_owned(), ..self }
    }

    /// Where responses are posted over a connection that has an assertion consumer of its own; with the parameter `{connection}`, its name.
    /// Default: [`CONNECTION_ASSERTION_CONSUMER`].
    pub fn connection_assertion_consumer(self, path: &str) -> Routes {
        Routes { connection_assertion_consumer: path.to_owned(), ..self }
    }

    /// Where our metadata for one connection is; with the parameter `{connection}`. Default: [`CONNECTION_METADATA`].
    pub fn connection_metadata(self, path: &str) -> Routes {
        Routes { connection_metadata: path.to_owned(), ..self }
    }

    /// The router.
    pub fn build<H, T, S>(&self, signed_in: H) -> Router<S>
    where
        H: Handler<T, S>,
        T: 'static,
        S: Clone + Send + Sync + 'static,
        SingleSignOn: FromRef<S>,
    {
        Router::new()
            .route(&self.metadata, get(metadata))
            .route(&self.login, get(login).post(login_by_form))
            .route(&self.assertion_consumer, post(signed_in.clone()))
            .route(&self.connection_assertion_consumer, post(signed_in))
            .route(&self.connection_metadata, get(connection_metadata))
    }
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
    let query = request.uri.query().unwrap_or_default().to_owned();
    sso.login(&request, query.as_bytes()).await.into_response()
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
