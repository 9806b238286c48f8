//! The path from bytes to a login: single rules, real messages, tampering, and the explanations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "tests"
)]

mod bounds;
mod common;
mod connections;
mod corpus;
mod decryption;
mod details;
mod encrypted;
mod explain;
mod messages;
mod path;
mod recorded;
mod rules;
mod schema;
mod surface;
mod tampering;
mod time;
mod vectors;
