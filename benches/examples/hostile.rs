//! What hostile messages cost within the default limits, in time and in memory: `hostile [PART OF A NAME]`.
//!
//! Time is that of the processor, where the system tells it (Linux), so that other work on the machine does not count. Allocations are
//! counted by a global allocator, which costs some time itself.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::time::{Duration, Instant};

use vouchsafe_benches::{Failure, Message, Receiver, SHAPES, processor_time};

/// How long a message is received over and over: the system tells the time of the processor in steps of some milliseconds.
const LONG: Duration = Duration::from_millis(200);

fn main() -> Result<(), Failure> {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let provider = vouchsafe_crypto_aws_lc::provider();
    let receiver = Receiver::new(&provider)?;
    println!("| shape | sent by | bytes | answer | ms, a quarter of it | ms | ratio | MiB |");
    println!("|---|---|---:|---|---:|---:|---:|---:|");
    for shape in SHAPES.iter().filter(|shape| shape.name.contains(&wanted)) {
        let (quarter, message) = (shape.message(shape.count / 4)?, shape.message(shape.count)?);
        let answer = receiver.answer(&message);
        let memory = allocation_counter::measure(|| receive(&receiver, &message));
        let (quarter, all) = (milliseconds(&receiver, &quarter), milliseconds(&receiver, &message));
        #[expect(clippy::cast_precision_loss, reason = "some MiB")]
        let mebibytes = memory.bytes_max as f64 / 1_048_576.0;
        println!(
            "| {} | {} | {} | {answer} | {quarter:.2} | {all:.2} | {:.1} | {mebibytes:.1} |",
            shape.name,
            shape.seal.name(),
            message.xml().len(),
            all / quarter
        );
    }
    Ok(())
}

/// Refused or not: only the cost counts.
fn receive(receiver: &Receiver, message: &Message) {
    drop(std::hint::black_box(receiver.receive_message(message)));
}

/// For one receive, on the average.
fn milliseconds(receiver: &Receiver, message: &Message) -> f64 {
    receive(receiver, message);
    let (start, clock) = (processor_time(), Instant::now());
    let mut times = 0_u32;
    while clock.elapsed() < LONG || times < 20 {
        receive(receiver, message);
        times = times.saturating_add(1);
    }
    let spent = match (start, processor_time()) {
        (Some(start), Some(end)) => end.saturating_sub(start),
        _ => clock.elapsed(),
    };
    spent.as_secs_f64() * 1e3 / f64::from(times)
}
