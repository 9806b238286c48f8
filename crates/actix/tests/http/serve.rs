//! The service as an application of actix-web.

use std::thread;

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ReqData};
use actix_web::{App, HttpServer};
use tokio::net::TcpListener;
use vouchsafe_actix::{
    AcceptedLogin, Answer, MaybeSignedIn, Paths, Provisioned, SignedIn, SingleSignOn, own_pages_only,
    provisioned_routes, require_signed_in, routes_at,
};

/// Serves at that address, with the routes at their default paths, and below `/nested` with other names.
pub(crate) async fn serve(listener: TcpListener, sso: SingleSignOn, provisioned: Provisioned) {
    let (sso, provisioned) = (Data::new(sso), Data::new(provisioned));
    let server = HttpServer::new(move || {
        let paths = Paths::default().login("/start").assertion_consumer("/callback").metadata("/about");
        let change = web::resource("/change")
            .wrap(from_fn(own_pages_only))
            .route(web::get().to(async || "read"))
            .route(web::post().to(async || "changed"))
            .route(web::delete().to(async || "changed"));
        let guarded = web::resource("/guarded").wrap(from_fn(require_signed_in));
        let notes = web::resource("/projects/{id}/notes").wrap(from_fn(require_signed_in));
        App::new()
            .app_data(Data::clone(&sso))
            .app_data(Data::clone(&provisioned))
            .configure(provisioned_routes())
            .service(web::scope("/nested").configure(routes_at(paths, accepted)))
            .service(change)
            .service(guarded.get(async |who: ReqData<SignedIn>| who.session().account.to_string()))
            .service(notes.route(web::post().to(async |_: ReqData<SignedIn>, body: String| body)))
            .route("/whoami", web::get().to(whoami))
            .route("/projects/{id}", web::get().to(whoami))
            .route("/maybe", web::get().to(maybe))
            .route("/thread", web::get().to(async || format!("{:?}", thread::current().id())))
    });
    let server = server.workers(1).disable_signals().listen(listener.into_std().unwrap()).unwrap();
    tokio::spawn(server.run());
}

async fn accepted(AcceptedLogin(accepted): AcceptedLogin) -> Answer {
    Answer(accepted.redirect([]).unwrap_or_else(|error| accepted.refuse(error)))
}

async fn whoami(signed_in: SignedIn) -> String {
    signed_in.session().account.to_string()
}

async fn maybe(MaybeSignedIn(signed_in): MaybeSignedIn) -> String {
    let session = signed_in.as_ref().map(SignedIn::session);
    session.map(|found| format!("{} {}", found.organization, found.account)).unwrap_or_default()
}
