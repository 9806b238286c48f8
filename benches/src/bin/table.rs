//! Prints the table: everything measured in one run, in turns, with ratios.
//!
//! `cargo run --release -p vouchsafe-benches -- [--peers] [--samael] [--hostile] [--rounds N]`
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what it is for")]

use std::path::Path;

use vouchsafe::xml::{Canonicalization, Document, canonicalize};
use vouchsafe_benches::{
    Failure, Floor, Hostile, Measured, Message, Peers, Receiver, SHAPES, Shape, Task, answer_requests,
    build_peers, interleaved, our_work, providers, verify_all,
};

type Tasks<'t> = Vec<Box<dyn Task + 't>>;

fn main() -> Result<(), Failure> {
    if let [_, answer, backend] = std::env::args().collect::<Vec<_>>().as_slice()
        && answer == "--answer"
    {
        let provider = providers().into_iter().find(|provider| provider.name() == backend);
        let provider = provider.ok_or("no such backend")?;
        return answer_requests(|task, folder| our_work(task, folder, &provider));
    }
    let options = Options::from_arguments()?;
    if options.hostile_alone {
        return hostile();
    }
    println!(
        "Microseconds: median (minimum) of {} rounds in turns; ratios of medians (of minima).",
        options.rounds
    );
    let receivers = providers().each_ref().map(Receiver::new);
    let [rustcrypto, aws_lc] = receivers;
    let (rustcrypto, aws_lc) = (rustcrypto?, aws_lc?);
    for receiver in [&rustcrypto, &aws_lc] {
        receive(receiver, options.rounds)?;
    }
    for receiver in [&rustcrypto, &aws_lc] {
        parts(receiver, options.rounds)?;
    }
    if options.peers {
        // Both are built before either is measured.
        let features = |backend: &str| format!("{backend}{}", if options.samael { ",samael" } else { "" });
        let programs = [build_peers(&features("rustcrypto"))?, build_peers(&features("aws-lc"))?];
        for (receiver, program) in [&rustcrypto, &aws_lc].into_iter().zip(&programs) {
            peers(receiver, program, options.rounds / 2)?;
        }
    }
    hostile()
}

struct Options {
    rounds: usize,
    peers: bool,
    samael: bool,
    /// Nothing but the hostile messages.
    hostile_alone: bool,
}

impl Options {
    fn from_arguments() -> Result<Options, Failure> {
        let mut options = Options { rounds: 200, peers: false, samael: false, hostile_alone: false };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--peers" => options.peers = true,
                "--samael" => (options.peers, options.samael) = (true, true),
                "--hostile" => options.hostile_alone = true,
                "--rounds" => options.rounds = arguments.next().ok_or("--rounds needs a number")?.parse()?,
                _ => {
                    let known = "--peers, --samael, --hostile, --rounds N";
                    return Err(format!("unknown argument {argument}: {known}").into());
                }
            }
        }
        Ok(options)
    }
}

/// The full receive beside its floor.
fn receive(receiver: &Receiver, rounds: usize) -> Result<(), Failure> {
    println!("\n## Full receive, {}", receiver.provider().name());
    println!("| message | groups | bytes | floor | receive | ratio |\n|---|---:|---:|---:|---:|---:|");
    for shape in Shape::ALL {
        for groups in [1, 100, 1_000] {
            let message = Message::issue(shape, groups)?;
            let floor = Floor::of(&message, receiver)?;
            receiver.receive_message(&message)?;
            let mut tasks: Tasks<'_> = vec![
                Box::new(|| floor.run()),
                Box::new(|| {
                    std::hint::black_box(receiver.receive_message(&message)?);
                    Ok(())
                }),
            ];
            let measured = interleaved(&mut tasks, rounds)?;
            let [floor, receive] = measured.as_slice() else { continue };
            println!(
                "| {} | {groups} | {} | {} | {} | {} |",
                shape.name(),
                message.xml().len(),
                time(floor),
                time(receive),
                ratio(receive, floor)
            );
        }
    }
    Ok(())
}

/// What the receive consists of, on the doubly signed message.
fn parts(receiver: &Receiver, rounds: usize) -> Result<(), Failure> {
    println!("\n## Parts of it, both signed, {}", receiver.provider().name());
    println!("| groups | parse | canonicalize | verify both |\n|---:|---:|---:|---:|");
    for groups in [1, 100, 1_000] {
        let message = Message::issue(Shape::BothSigned, groups)?;
        let limits = receiver.limits();
        let document = Document::parse(message.xml().as_bytes(), limits)?;
        let mut tasks: Tasks<'_> = vec![
            Box::new(|| {
                std::hint::black_box(Document::parse(message.xml().as_bytes(), limits)?);
                Ok(())
            }),
            Box::new(|| {
                let mut bytes = Vec::with_capacity(message.xml().len());
                canonicalize(document.root(), Canonicalization::EXCLUSIVE, &[], None, &mut bytes)?;
                std::hint::black_box(bytes);
                Ok(())
            }),
            Box::new(|| verify_all(&document, receiver)),
        ];
        let measured = interleaved(&mut tasks, rounds)?;
        let cells: Vec<String> = measured.iter().map(time).collect();
        println!("| {groups} | {} |", cells.join(" | "));
    }
    Ok(())
}

/// The same messages received by others.
fn peers(receiver: &Receiver, program: &Path, rounds: usize) -> Result<(), Failure> {
    let (ourselves, process) = (Peers::ourselves(receiver.provider().name())?, Peers::start(program)?);
    let folder = std::env::temp_dir().join(format!("vouchsafe-benches-{}", std::process::id()));
    println!("\n## Others, {} (samael: OpenSSL and libxmlsec1)", receiver.provider().name());
    for groups in [1, 100] {
        let message = Message::issue(Shape::BothSigned, groups)?;
        let place = folder.join(groups.to_string());
        Peers::hand_over(&place, &message)?;
        let (mut names, mut tasks): (Vec<&str>, Tasks<'_>) = (Vec::new(), Vec::new());
        for name in ["receive vouchsafe", "verify vouchsafe"] {
            names.push(name);
            tasks.push(Box::new(ourselves.task(name, &place)?));
        }
        for name in ["receive saml-rs", "receive risaml", "receive samael", "verify bergshamra"] {
            match process.task(name, &place) {
                Ok(task) => {
                    names.push(name);
                    tasks.push(Box::new(task));
                }
                Err(why) => eprintln!("left out: {why}"),
            }
        }
        let measured = interleaved(&mut tasks, rounds)?;
        println!("| both signed, {groups} groups | time | times ours |\n|---|---:|---:|");
        for (name, theirs) in names.iter().zip(&measured) {
            let ours = names.iter().zip(&measured).find(|(ours, _)| {
                ours.ends_with("vouchsafe") && ours.split(' ').next() == name.split(' ').next()
            });
            let Some((_, ours)) = ours else { continue };
            println!("| {name} | {} | {} |", time(theirs), ratio(theirs, ours));
        }
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Hostile messages, each with a quarter and with all of what it can hold, with the default limits and with none. What they cost in
/// memory is for the example `hostile` to say: there allocations are counted, which is not for what is timed here.
fn hostile() -> Result<(), Failure> {
    const ROUNDS: usize = 9;
    let provider = vouchsafe_crypto_aws_lc::provider();
    for (title, receiver) in [
        ("the default limits", Receiver::new(&provider)?),
        ("the limits lifted", Receiver::with_limits(&provider, Hostile::no_limits())?),
    ] {
        println!("\n## Hostile messages, {title}, AWS-LC (milliseconds)");
        println!("| shape | n | answer to n/4 | to n | n/4 | n | ratio |\n|---|---:|---|---|---:|---:|---:|");
        for shape in SHAPES {
            let messages = [shape.message(shape.count / 4)?, shape.message(shape.count)?];
            let answers = messages.each_ref().map(|message| receiver.answer(message)).join(" | ");
            let mut tasks: Tasks<'_> = Vec::new();
            for message in &messages {
                tasks.push(Box::new(|| {
                    // Refused or not: only the time counts.
                    let _ = std::hint::black_box(receiver.receive_message(message));
                    Ok(())
                }));
            }
            let measured = interleaved(&mut tasks, ROUNDS)?;
            let [quarter, all] = measured.as_slice() else { continue };
            println!(
                "| {} | {} | {answers} | {:.3} | {:.3} | {:.2} |",
                shape.name,
                shape.count,
                quarter.minimum / 1e3,
                all.minimum / 1e3,
                all.minimum / quarter.minimum
            );
        }
    }
    Ok(())
}

fn time(measured: &Measured) -> String {
    format!("{:.1} ({:.1})", measured.median, measured.minimum)
}

fn ratio(one: &Measured, other: &Measured) -> String {
    format!("{:.2} ({:.2})", one.median / other.median, one.minimum / other.minimum)
}
