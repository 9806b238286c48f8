//! The facade against the test kit's identity provider.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::panic,
    reason = "this is a test: it may panic"
)]

mod artifact;
mod common;
mod connections;
mod enhanced_client;
mod login;
mod logout;
mod logout_addresses;
mod logout_between_customers;
mod names;
mod own_keys;
mod properties;
mod published;
mod receive;
mod requests;
mod roll_over;
mod seams;
mod settings;
mod tenants;
