//! What hostile messages cost within the default limits, in time and in memory: `hostile [PART OF A NAME]`.
//!
//! Allocations are counted by a global allocator, which costs some time itself; the shapes are slower here than in the table by that.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::time::Instant;

use vouchsafe_benches::{Failure, Receiver, SHAPES};

const ROUNDS: usize = 7;

fn main() -> Result<(), Failure> {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let provider = vouchsafe_crypto_aws_lc::provider();
    let receiver = Receiver::new(&provider)?;
    println!("| shape | sent by | bytes | answer | milliseconds | MiB |\n|---|---|---:|---|---:|---:|");
    for shape in SHAPES.iter().filter(|shape| shape.name.contains(&wanted)) {
        let message = shape.message(shape.count)?;
        let answer = receiver.answer(&message);
        let memory =
            allocation_counter::measure(|| drop(std::hint::black_box(receiver.receive_message(&message))));
        let mut fastest = f64::INFINITY;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            drop(std::hint::black_box(receiver.receive_message(&message)));
            fastest = fastest.min(start.elapsed().as_secs_f64() * 1e3);
        }
        #[expect(clippy::cast_precision_loss, reason = "some MiB")]
        let mebibytes = memory.bytes_max as f64 / 1_048_576.0;
        println!(
            "| {} | {} | {} | {answer} | {fastest:.1} | {mebibytes:.1} |",
            shape.name,
            shape.seal.name(),
            message.xml().len()
        );
    }
    Ok(())
}
