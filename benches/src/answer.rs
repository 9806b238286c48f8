//! What is measured beside the peers answers as they do, in a process of its own, so that its turns begin as theirs do.

use std::collections::HashMap;
use std::io::BufRead as _;
use std::path::Path;
use std::time::Instant;

use vouchsafe::Provider;
use vouchsafe::signature::verify;
use vouchsafe::xml::Document;

use crate::{Failure, Message, Receiver};

/// Does it once.
type Work = Box<dyn Fn() -> Result<(), Failure>>;

/// Answers requests on the standard input until it ends: `receive vouchsafe FOLDER TIMES` or `verify vouchsafe FOLDER TIMES`, the answer
/// being the nanoseconds that it took, or why it cannot be done.
///
/// # Errors
/// When the standard input cannot be read.
#[expect(clippy::print_stdout, reason = "this is how it answers")]
pub fn answer_requests(provider: &Provider) -> Result<(), Failure> {
    let mut prepared = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        match answer(&line?, provider, &mut prepared) {
            Ok(nanoseconds) => println!("{nanoseconds}"),
            Err(error) => println!("{}", error.to_string().replace('\n', " ")),
        }
    }
    Ok(())
}

fn answer(line: &str, provider: &Provider, prepared: &mut HashMap<String, Work>) -> Result<u128, Failure> {
    const FORM: &str = "a request is a task, a folder and a number";
    let (request, times) = line.rsplit_once(' ').ok_or(FORM)?;
    let times: u32 = times.parse()?;
    if !prepared.contains_key(request) {
        let (task, folder) = request.rsplit_once(' ').ok_or(FORM)?;
        prepared.insert(request.to_owned(), work(task, Path::new(folder), provider)?);
    }
    let work = prepared.get(request).ok_or("nothing prepared")?;
    let start = Instant::now();
    for _ in 0..times {
        work()?;
    }
    Ok(start.elapsed().as_nanos())
}

fn work(task: &str, folder: &Path, provider: &Provider) -> Result<Work, Failure> {
    let message = Message::read(folder)?;
    let receiver = Receiver::of_folder(folder, provider)?;
    match task {
        "receive vouchsafe" => Ok(Box::new(move || {
            std::hint::black_box(receiver.receive_message(&message)?);
            Ok(())
        })),
        "verify vouchsafe" => Ok(Box::new(move || {
            let document = Document::parse(message.xml().as_bytes(), receiver.limits())?;
            verify_all(&document, &receiver)
        })),
        _ => Err(format!("“{task}” is not known").into()),
    }
}

/// Verifies both signatures: what a library of signatures does.
///
/// # Errors
/// When one does not hold.
pub fn verify_all(document: &Document, receiver: &Receiver) -> Result<(), Failure> {
    let root = document.root();
    let assertion = root.elements().find(|child| child.local_name() == "Assertion");
    for element in std::iter::once(root).chain(assertion) {
        let verified = verify(element, receiver.trusted_keys(), receiver.provider(), receiver.limits())?;
        let _ = std::hint::black_box(verified);
    }
    Ok(())
}
