//! Benchmarks that print ratios taken in one run.
//!
//! A time says something about a machine, a ratio something about a library. So each measurement here has its floor beside it, taken
//! in the same rounds: what a receiver cannot leave out ([`Floor`]), computed with the same backend. `cargo run --release -p
//! vouchsafe-benches` prints the table; `cargo bench -p vouchsafe-benches` gives criterion's details of the parts.

mod answer;
mod customers;
mod federation;
mod floor;
mod hostile;
mod measure;
mod message;
mod ourselves;
mod peers;
mod receiver;
mod shapes;

pub use answer::{Work, answer_requests};
pub use customers::Customers;
pub use federation::Federation;
pub use floor::Floor;
pub use hostile::{Hostile, Seal};
pub use measure::{Measured, Task, interleaved, processor_time};
pub use message::{Message, Shape};
pub use ourselves::{our_work, verify_all};
pub use peers::{Peers, build_peers};
pub use receiver::{Receiver, providers};
pub use shapes::SHAPES;

/// Whatever stops a benchmark: it is printed, and the run ends.
pub type Failure = Box<dyn std::error::Error>;
