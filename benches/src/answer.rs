//! Answering in a process of its own: a thing is done so many times when it is asked for, and how long that took is the answer. The peers
//! include this file, so that every turn beside others begins and ends alike; it knows nothing but the standard library.

use std::collections::HashMap;
use std::error::Error;
use std::io::BufRead as _;
use std::path::Path;
use std::time::Instant;

/// Does it once; an answer that is no acceptance is an error.
pub type Work = Box<dyn Fn() -> Result<(), Box<dyn Error>>>;

/// Answers requests on the standard input until it ends.
///
/// A request is a line `receive saml-rs FOLDER TIMES`; the answer is a line with the nanoseconds that it took, or why it cannot be done.
/// `prepare` makes the work of a task out of what the folder holds, once and not counted.
///
/// # Errors
/// When the standard input cannot be read.
#[expect(clippy::print_stdout, reason = "this is how it answers")]
pub fn answer_requests(
    prepare: impl Fn(&str, &Path) -> Result<Work, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut prepared = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        match answer(&line?, &prepare, &mut prepared) {
            Ok(nanoseconds) => println!("{nanoseconds}"),
            Err(error) => println!("{}", error.to_string().replace('\n', " ")),
        }
    }
    Ok(())
}

fn answer(
    line: &str,
    prepare: impl Fn(&str, &Path) -> Result<Work, Box<dyn Error>>,
    prepared: &mut HashMap<String, Work>,
) -> Result<u128, Box<dyn Error>> {
    const FORM: &str = "a request is a task, a folder and a number";
    let (request, times) = line.rsplit_once(' ').ok_or(FORM)?;
    let times: u32 = times.parse()?;
    if !prepared.contains_key(request) {
        let (task, folder) = request.rsplit_once(' ').ok_or(FORM)?;
        prepared.insert(request.to_owned(), prepare(task, Path::new(folder))?);
    }
    let work = prepared.get(request).ok_or("nothing prepared")?;
    let start = Instant::now();
    for _ in 0..times {
        work()?;
    }
    Ok(start.elapsed().as_nanos())
}
