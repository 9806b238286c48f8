//! The suite on the store in memory.

use vouchsafe_store::Memory;

async fn memory() -> (Memory, ()) {
    (Memory::new(), ())
}

vouchsafe_store::conformance!(memory);
