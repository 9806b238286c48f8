//! What every provider must do, run over `crate::provider()`: the same, whatever its backend.

mod certificates;
mod digests;
mod encryption;
pub(crate) mod fixtures;
mod forms;
mod keys;
mod policy;
mod signatures;
