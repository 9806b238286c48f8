//! The guides as a crate: `cargo test -p vouchsafe-guides` compiles their code and checks their links.
//! Their list is that of `vouchsafe::guides`, where users read them.

#[path = "../crates/vouchsafe/src/guides.rs"]
pub mod guides;
