//! The required behaviour of every provider, tested with `crate::provider()`. It is the same for all backends.

mod certificates;
mod digests;
mod encryption;
pub(crate) mod fixtures;
mod forms;
mod keys;
mod policy;
mod signatures;
