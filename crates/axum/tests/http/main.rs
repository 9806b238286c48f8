//! The routes over real HTTP, against the test kit's identity provider.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod app;
mod discovery;
mod elsewhere;
mod other_connection;
mod other_sites;
mod outage;
mod sign_in;
