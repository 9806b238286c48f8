//! The set-up portal over HTTP: from a link to an active connection and a sign-in, and everything that must not be possible with a link.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "this is a test: it may panic"
)]

mod as_tried;
mod attacks;
mod browser;
mod domains;
mod events;
mod held;
mod hostile;
#[expect(dead_code, reason = "it is shared with the tests of sign-ins, which use all of it")]
#[path = "../interop/identity_provider.rs"]
mod identity_provider;
mod later;
mod live;
mod newer_metadata;
mod older_metadata;
mod own_keys;
mod own_users;
mod places;
mod races;
mod walk;
mod world;
