//! The routes of the service provider.

use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, Responder, Route, guard};
use vouchsafe_web::{Chooser, Paths, Provisioned, SingleSignOn};

use crate::accepted_login::{CheckedLogin, Posted};
use crate::convert::{Answer, RequestParts};

/// Adds the routes with their default paths. `signed_in` processes a login: it is a handler with
/// [`AcceptedLogin`](crate::AcceptedLogin) among its arguments.
///
/// The service provider's entity ID and assertion consumer, and those of connections, are configured separately, as
/// addresses that browsers see. A scope may nest the routes below such an address. [`routes_at`] has other paths.
///
/// ```
/// use actix_web::{App, Responder, web};
/// use vouchsafe_actix::{AcceptedLogin, Answer, SingleSignOn, routes};
///
/// async fn signed_in(AcceptedLogin(accepted): AcceptedLogin) -> impl Responder {
///     // Look the person up, open a session, and:
///     Answer(accepted.redirect([]).unwrap_or_else(|error| accepted.refuse(error)))
/// }
///
/// # fn example(sso: web::Data<SingleSignOn>) {
/// App::new().app_data(sso).service(web::scope("/auth").configure(routes(signed_in)));
/// # }
/// ```
pub fn routes<F, Args>(signed_in: F) -> impl FnOnce(&mut ServiceConfig)
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    routes_at(Paths::default(), signed_in)
}

/// Adds the [routes] with other paths.
///
/// ```
/// # use actix_web::{App, Responder, web};
/// # use vouchsafe_actix::{AcceptedLogin, Paths, SingleSignOn, routes_at};
/// # async fn signed_in(AcceptedLogin(_): AcceptedLogin) -> impl Responder { "" }
/// # fn example(sso: web::Data<SingleSignOn>) {
/// let paths = Paths::default().login("/sso/start").assertion_consumer("/sso/callback");
/// App::new().app_data(sso).configure(routes_at(paths, signed_in));
/// # }
/// ```
pub fn routes_at<F, Args>(paths: Paths, signed_in: F) -> impl FnOnce(&mut ServiceConfig)
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    move |config| {
        let login = web::resource(&paths.login);
        config
            .route(&paths.metadata, read().to(metadata))
            .service(login.route(read().to(login_by_link)).route(web::post().to(login_by_form)))
            .route(&paths.discovered, read().to(discovered))
            .route(&paths.connection_metadata, read().to(connection_metadata))
            .route(&paths.single_logout_soap, web::post().to(single_logout_by_soap))
            .route(&paths.connection_single_logout_soap, web::post().to(single_logout_by_soap))
            .route(&paths.name_id_soap, web::post().to(name_id_by_soap))
            .route(&paths.connection_name_id_soap, web::post().to(name_id_by_soap))
            .route(&paths.kept_form, read().to(kept_form))
            .route(&paths.kept_form, web::post().to(kept_form));
        for path in [&paths.name_id, &paths.connection_name_id] {
            let both = web::resource(path).route(read().to(name_id));
            config.service(both.route(web::post().to(name_id)));
        }
        for path in [&paths.assertion_consumer, &paths.connection_assertion_consumer] {
            let both = web::resource(path).route(read().to(signed_in.clone()));
            config.service(both.route(web::post().to(signed_in.clone())));
        }
        for path in [&paths.single_logout, &paths.connection_single_logout] {
            let both = web::resource(path).route(read().to(single_logout));
            config.service(both.route(web::post().to(single_logout)));
        }
    }
}

/// Adds the routes in which [`Provisioned`] processes a login, and the end of a session. The application also
/// provides the [`Provisioned`] as [`web::Data`](actix_web::web::Data).
///
/// ```
/// use actix_web::{App, web};
/// use vouchsafe_actix::{Provisioned, SingleSignOn, provisioned_routes};
///
/// # fn example(sso: web::Data<SingleSignOn>, provisioned: web::Data<Provisioned>) {
/// App::new().app_data(sso).app_data(provisioned).configure(provisioned_routes());
/// # }
/// ```
pub fn provisioned_routes() -> impl FnOnce(&mut ServiceConfig) {
    provisioned_routes_at(Paths::default())
}

/// Adds the [`provisioned_routes`] with other paths.
pub fn provisioned_routes_at(paths: Paths) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config.route(&paths.logout, web::post().to(logout)).route(&paths.link, web::post().to(link));
        routes_at(paths, provision)(config);
    }
}

/// Adds the pages of a [`Chooser`]: the page to choose an identity provider, and the list of all of them as JSON. The
/// application provides the [`Chooser`] as [`web::Data`](actix_web::web::Data).
pub fn chooser_routes(paths: Paths) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config
            .route(&paths.chooser, read().to(choose))
            .route(&paths.discovery_feed, read().to(discovery_feed));
    }
}

/// Makes a route for GET and HEAD. The browser flows decide what a HEAD request may do.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn choose(chooser: web::Data<Chooser>, RequestParts(request): RequestParts) -> impl Responder {
    Answer(chooser.page(&request))
}

async fn discovery_feed(chooser: web::Data<Chooser>, RequestParts(request): RequestParts) -> impl Responder {
    Answer(chooser.feed(&request.headers).map(bytes::Bytes::from_owner))
}

/// Processes the answer of a discovery service.
async fn discovered(sso: web::Data<SingleSignOn>, RequestParts(request): RequestParts) -> impl Responder {
    Answer(sso.discovered(&request).await)
}

/// The single logout address. Without [`SingleSignOn::single_logout_over`] it accepts no message.
async fn single_logout(posted: Posted) -> impl Responder {
    let Posted { sso, request, body, connection } = posted;
    Answer(sso.single_logout(&request, &body, connection.as_deref()).await)
}

async fn single_logout_by_soap(posted: Posted) -> impl Responder {
    let Posted { sso, request, body, connection } = posted;
    Answer(sso.single_logout_by_soap(&request, &body, connection.as_deref()).await)
}

/// The address for messages about names. Without [`SingleSignOn::names_managed_by`] it accepts no message.
async fn name_id(posted: Posted) -> impl Responder {
    let Posted { sso, request, body, connection } = posted;
    Answer(sso.name_id(&request, &body, connection.as_deref()).await)
}

async fn name_id_by_soap(posted: Posted) -> impl Responder {
    let Posted { sso, request, body, connection } = posted;
    Answer(sso.name_id_by_soap(&request, &body, connection.as_deref()).await)
}

async fn kept_form(
    sso: web::Data<SingleSignOn>,
    RequestParts(request): RequestParts,
    _read: web::Bytes,
) -> impl Responder {
    Answer(sso.kept_form(&request).await)
}

async fn metadata(sso: web::Data<SingleSignOn>, RequestParts(request): RequestParts) -> impl Responder {
    Answer(sso.metadata(&request.headers))
}

async fn connection_metadata(
    sso: web::Data<SingleSignOn>,
    connection: web::Path<String>,
    RequestParts(request): RequestParts,
) -> impl Responder {
    Answer(sso.metadata_for(&request.headers, &connection).await)
}

async fn login_by_link(sso: web::Data<SingleSignOn>, RequestParts(request): RequestParts) -> impl Responder {
    Answer(sso.login(&request, &[]).await)
}

async fn login_by_form(posted: Posted) -> impl Responder {
    Answer(posted.sso.login(&posted.request, &posted.body).await)
}

async fn provision(
    sso: web::Data<SingleSignOn>,
    provisioned: web::Data<Provisioned>,
    CheckedLogin(checked): CheckedLogin,
) -> impl Responder {
    Answer(provisioned.provision(&sso, checked).await)
}

async fn logout(
    sso: web::Data<SingleSignOn>,
    provisioned: web::Data<Provisioned>,
    RequestParts(request): RequestParts,
) -> impl Responder {
    Answer(provisioned.logout(&sso, &request.headers).await)
}

async fn link(provisioned: web::Data<Provisioned>, posted: Posted) -> impl Responder {
    Answer(provisioned.link(&posted.sso, &posted.request, &posted.body).await)
}
