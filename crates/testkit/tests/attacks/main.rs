//! Tests of the attack kit: its names are stable and documented, its signatures are genuine, and services with known
//! mistakes are vulnerable to it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "this is a test: it may panic, and it tells what it found"
)]

mod artifact;
mod availability;
mod bites;
mod careless;
mod document;
mod doors;

mod genuine;
mod logout;
mod messages;
mod names;
mod opened;
mod weak;
mod weak_checks;
