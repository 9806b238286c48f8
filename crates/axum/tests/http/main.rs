//! The routes over real HTTP, against the test kit's identity provider and its attacks.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "this is a test: it may panic, and it tells what it found"
)]

mod app;
mod artifacts;
mod attacks;
mod discovery;
mod elsewhere;
mod kept_forms;
mod link;
mod logout;
mod logout_attacks;
mod name_attacks;
mod names;
mod nested;
mod other_connection;
mod other_sites;
mod outage;
mod previous_session;
mod roll_over;
mod serve;
mod sign_in;
mod silent;
