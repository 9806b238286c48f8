//! The facade against the test kit's identity provider.

#![expect(clippy::arithmetic_side_effects, reason = "times in tests do not overflow")]

mod common;
mod login;
mod properties;
mod receive;
