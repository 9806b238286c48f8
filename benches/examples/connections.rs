//! What a registry of many connections costs: `connections`.
//!
//! Memory is counted by a global allocator, which costs some time itself; receives are measured in turns, like those of the table.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::time::{Duration, Instant};

use vouchsafe::{Connection, Connections};
use vouchsafe_benches::{Customers, Failure, Message, Receiver, Shape, Task, interleaved};

const FEW: usize = 10_000;
const MANY: usize = 100_000;
/// Customers that are added and replaced one by one beside [`MANY`].
const CHANGES: usize = 10_000;
const ROUNDS: usize = 200;

fn main() -> Result<(), Failure> {
    let customers = Customers::new()?;
    let (few_read, few_put, _) = build(&customers, FEW)?;
    let (many_read, many_put, connections) = build(&customers, MANY)?;
    println!("| what | {FEW} | {MANY} | ratio for each |");
    println!("|---|---:|---:|---:|");
    line("reading the metadata, ms", few_read, many_read);
    line("putting them into the registry, ms", few_put, many_put);
    println!();

    let bytes = bytes_of(&customers, FEW)?;
    println!("bytes for each connection, not used yet: {bytes}");
    let added = changes(&connections, (MANY..MANY + CHANGES).map(|number| customers.connection(number)))?;
    println!("adding one to {MANY}, microseconds: {added}");
    let replaced = changes(&connections, (0..CHANGES).map(|number| customers.connection(number)))?;
    println!("replacing one of {MANY}, microseconds: {replaced}");
    drop(connections);
    receives(&customers)
}

/// A registry of so many; how long it took to read their metadata, and to put them in.
fn build(customers: &Customers, count: usize) -> Result<(Duration, Duration, Connections), Failure> {
    let start = Instant::now();
    let all = (0..count).map(|number| customers.connection(number)).collect::<Result<Vec<_>, _>>()?;
    let (read, start) = (start.elapsed(), Instant::now());
    let connections: Connections = all.into_iter().collect();
    Ok((read, start.elapsed(), connections))
}

fn line(what: &str, few: Duration, many: Duration) {
    let [few, many] = [few, many].map(|time| time.as_secs_f64() * 1e3);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let ratio = (many / MANY as f64) / (few / FEW as f64);
    println!("| {what} | {few:.1} | {many:.1} | {ratio:.2} |");
}

fn bytes_of(customers: &Customers, count: usize) -> Result<i64, Failure> {
    let connections = Connections::new();
    let mut outcome = Ok(());
    let memory = allocation_counter::measure(|| {
        outcome = (0..count).try_for_each(|number| {
            connections.put(customers.connection(number)?);
            Ok::<(), Failure>(())
        });
    });
    outcome?;
    Ok(memory.bytes_current.checked_div(i64::try_from(count)?).ok_or("no connection")?)
}

/// The average, the median and the slowest of the changes, each by itself.
fn changes(
    connections: &Connections,
    made: impl Iterator<Item = Result<Connection, Failure>>,
) -> Result<String, Failure> {
    let made = made.collect::<Result<Vec<_>, _>>()?;
    let mut times = Vec::with_capacity(made.len());
    for connection in made {
        let start = Instant::now();
        let before = connections.put(connection);
        times.push(start.elapsed().as_secs_f64() * 1e6);
        drop(before);
    }
    times.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let average = times.iter().sum::<f64>() / times.len() as f64;
    let at = |position: usize| times.get(position).copied().unwrap_or(f64::NAN);
    let slowest = times.last().copied().unwrap_or(f64::NAN);
    let (median, high) = (at(times.len() / 2), at((times.len() / 100).saturating_mul(99)));
    Ok(format!("{average:.2} on the average, median {median:.2}, p99 {high:.2}, slowest {slowest:.0}"))
}

/// A receive with the signer alone in the registry, and with [`MANY`] others, in turns.
fn receives(customers: &Customers) -> Result<(), Failure> {
    let provider = vouchsafe_crypto_aws_lc::provider();
    let (alone, among_many) = (Receiver::new(&provider)?, Receiver::new(&provider)?);
    for number in 0..MANY {
        among_many.connections().put(customers.connection(number)?);
    }
    let message = Message::issue(Shape::BothSigned, 1)?;
    let receive = |receiver: &Receiver| {
        std::hint::black_box(receiver.receive_message(&message)?);
        Ok(())
    };
    let mut tasks: Vec<Box<dyn Task + '_>> =
        vec![Box::new(|| receive(&alone)), Box::new(|| receive(&among_many))];
    let measured = interleaved(&mut tasks, ROUNDS)?;
    if let [one, many] = measured.as_slice() {
        println!(
            "receive with 1 and with {MANY}, microseconds: {:.1} ({:.1}), {:.1} ({:.1}), ratio {:.3} ({:.3})",
            one.median,
            one.minimum,
            many.median,
            many.minimum,
            many.median / one.median,
            many.minimum / one.minimum
        );
    }
    Ok(())
}
