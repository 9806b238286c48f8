//! `vouchsafe serve` as a process, over HTTP.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "tests fail by panicking, tell what they found, and use a part of what tests share"
)]

mod answers;
mod attacks;
mod full_mode;
mod hostile;
mod logout;
mod served;
mod sign_in;
#[path = "../support/mod.rs"]
mod support;
