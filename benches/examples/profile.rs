//! Does one thing over and over, for a profiler: `profile parse|c14n|verify|receive GROUPS TIMES [rustcrypto]`.

use std::hint::black_box;

use vouchsafe::signature::verify;
use vouchsafe::xml::{Canonicalization, Document, canonicalize};
use vouchsafe_benches::{Failure, Message, Receiver, Shape};

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, groups, times, rest @ ..] = arguments.as_slice() else {
        return Err("profile parse|c14n|verify|receive GROUPS TIMES [rustcrypto]".into());
    };
    let [rustcrypto, aws_lc] = vouchsafe_benches::providers();
    let receiver = Receiver::new(if rest.is_empty() { &aws_lc } else { &rustcrypto })?;
    let message = Message::issue(Shape::BothSigned, groups.parse()?)?;
    let document = Document::parse(message.xml().as_bytes(), receiver.limits())?;
    for _ in 0..times.parse::<usize>()? {
        match what.as_str() {
            "parse" => drop(black_box(Document::parse(message.xml().as_bytes(), receiver.limits())?)),
            "c14n" => {
                let mut bytes = Vec::with_capacity(message.xml().len());
                canonicalize(document.root(), Canonicalization::EXCLUSIVE, &[], None, &mut bytes)?;
                black_box(bytes);
            }
            "verify" => {
                let keys = receiver.trusted_keys();
                drop(black_box(verify(document.root(), keys, receiver.provider(), receiver.limits())?));
            }
            "receive" => drop(black_box(receiver.receive_message(&message)?)),
            other => return Err(format!("unknown: {other}").into()),
        }
    }
    Ok(())
}
