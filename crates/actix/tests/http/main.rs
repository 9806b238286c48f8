//! The routes of actix-web over real HTTP: the suite of `vouchsafe-axum`, which is independent of the framework, runs
//! with a server of actix-web.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "this is a test: it may panic, and it tells what it found"
)]

#[path = "../../../axum/tests/http/app.rs"]
mod app;
#[path = "../../../axum/tests/http/artifacts.rs"]
mod artifacts;
#[path = "../../../axum/tests/http/attacks.rs"]
mod attacks;
#[path = "../../../axum/tests/http/discovery.rs"]
mod discovery;
#[path = "../../../axum/tests/http/elsewhere.rs"]
mod elsewhere;
#[path = "../../../axum/tests/http/kept_forms.rs"]
mod kept_forms;
#[path = "../../../axum/tests/http/link.rs"]
mod link;
#[path = "../../../axum/tests/http/logout.rs"]
mod logout;
#[path = "../../../axum/tests/http/names.rs"]
mod names;
#[path = "../../../axum/tests/http/nested.rs"]
mod nested;
#[path = "../../../axum/tests/http/other_connection.rs"]
mod other_connection;
#[path = "../../../axum/tests/http/other_sites.rs"]
mod other_sites;
#[path = "../../../axum/tests/http/outage.rs"]
mod outage;
#[path = "../../../axum/tests/http/previous_session.rs"]
mod previous_session;
#[path = "../../../axum/tests/http/roll_over.rs"]
mod roll_over;
mod serve;
#[path = "../../../axum/tests/http/sign_in.rs"]
mod sign_in;
#[path = "../../../axum/tests/http/silent.rs"]
mod silent;

/// On the runtime that `#[actix_web::main]` makes.
#[test]
fn new_keys_count_without_a_restart_on_the_runtime_of_actix() {
    actix_web::rt::System::new().block_on(roll_over::rolls_over());
}
