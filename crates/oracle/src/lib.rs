//! Differential tests with two C libraries as judges: libxmlsec1 for signatures, libxml2 for canonical forms.
//!
//! This crate is not published, and nothing depends on it. Its tests give the same bytes to our crates and to the two C libraries, and
//! compare the verdicts and the canonical forms. `disagreements.toml` lists each difference with its reason. A difference that is not
//! listed is a failure, and so is a listed difference that does not occur.
//!
//! libxml2 and libxmlsec1 keep global state. Therefore one lock protects everything here.

mod canonical;
mod disagreements;
mod judge;
mod keys;
mod material;

pub use canonical::{Tree, ours};
pub use disagreements::{Comparison, Outcome, is_explained};
pub use judge::{Verdict, sign, verify};
pub use keys::{keys_beside, keys_of_file};
pub use material::{Message, messages, shared, signed_files};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock around the C libraries. One test that fails must not stop the others.
pub(crate) fn lock() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}
