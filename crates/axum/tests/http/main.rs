//! The routes over real HTTP, against the test kit's identity provider.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "this is a test: it may panic"
)]

mod app;
mod metadata;
mod sign_in;
