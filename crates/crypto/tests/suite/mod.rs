//! What every backend must do, run over `crate::provider()`. A backend may leave out what stands in
//! `crate::UNSUPPORTED`, and must then say so by name.

mod certificates;
mod digests;
mod encryption;
pub(crate) mod fixtures;
mod keys;
mod policy;
mod signatures;
