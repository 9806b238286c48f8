//! The suite on the store in memory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must stop"
)]

mod suite;

use vouchsafe_store::Memory;

async fn memory() -> (Memory, ()) {
    (Memory::new(), ())
}

suite!(memory);
