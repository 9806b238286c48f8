//! The example signs people in, and refuses every attack of the test kit.

#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test: it may panic")]

mod reached;
mod serve;
