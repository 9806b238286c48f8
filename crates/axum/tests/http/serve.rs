//! The service as an axum router. The other files of this suite are independent of the framework; crates/actix runs
//! them too.

use std::thread;

use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Extension, Router};
use tokio::net::TcpListener;
use vouchsafe_axum::{
    AcceptedLogin, Paths, Provisioned, SignedIn, SingleSignOn, own_pages_only, provisioned_routes,
    require_signed_in, routes_at,
};

#[derive(Clone)]
struct Service {
    sso: SingleSignOn,
    provisioned: Provisioned,
}

impl FromRef<Service> for SingleSignOn {
    fn from_ref(service: &Service) -> SingleSignOn {
        service.sso.clone()
    }
}

impl FromRef<Service> for Provisioned {
    fn from_ref(service: &Service) -> Provisioned {
        service.provisioned.clone()
    }
}

/// Serves at that address, with the routes at their default paths, and below `/nested` with other names.
pub(crate) async fn serve(listener: TcpListener, sso: SingleSignOn, provisioned: Provisioned) {
    let service = Service { sso, provisioned };
    let whoami = async |signed_in: SignedIn| signed_in.session().account.to_string();
    let maybe = async |signed_in: Option<SignedIn>| {
        let session = signed_in.as_ref().map(SignedIn::session);
        session.map(|found| format!("{} {}", found.organization, found.account)).unwrap_or_default()
    };
    let guarded = async |Extension(who): Extension<SignedIn>| who.session().account.to_string();
    let accepted = async |AcceptedLogin(accepted): AcceptedLogin| {
        accepted.redirect([]).unwrap_or_else(|error| accepted.refuse(error))
    };
    let forms = Router::new()
        .route("/change", get(async || "read").post(async || "changed").delete(async || "changed"))
        .route_layer(from_fn_with_state(service.clone(), own_pages_only::<Service>));
    let guarded = Router::new()
        .route("/guarded", get(guarded))
        .route("/projects/{id}/notes", post(async |Extension(_): Extension<SignedIn>, body: String| body))
        .route_layer(from_fn_with_state(service.clone(), require_signed_in::<Service>));
    let paths = Paths::default().login("/start").assertion_consumer("/callback").metadata("/about");
    let router = Router::new()
        .merge(guarded)
        .merge(forms)
        .merge(provisioned_routes())
        .nest("/nested", routes_at(&paths, accepted))
        .route("/whoami", get(whoami))
        .route("/projects/{id}", get(whoami))
        .route("/maybe", get(maybe))
        .route("/thread", get(async || format!("{:?}", thread::current().id())))
        .with_state(service);
    tokio::spawn(async move { axum::serve(listener, router).await });
}
