//! Other libraries doing the work of the benchmarks, one measurement at a time, on request.
//!
//! A request is a line `receive saml-rs FOLDER TIMES`; the answer is a line with the nanoseconds that it took, or why it cannot be
//! done. FOLDER holds `response.xml`, `response.base64`, `metadata.xml` of the identity provider and `certificate.pem` of its key.
//! Whatever can be set up before a message comes is set up once and not counted.

mod bergshamra_peer;
#[cfg(feature = "samael")]
mod samael_peer;
mod saml_rs_peers;

use std::collections::HashMap;
use std::error::Error;
use std::io::BufRead as _;
use std::path::Path;
use std::time::Instant;

/// What all peers are given.
struct Handed {
    xml: String,
    base64: String,
    metadata: String,
    certificate: String,
}

/// Does it once; an answer that is no acceptance is an error.
type Work = Box<dyn Fn() -> Result<(), Box<dyn Error>>>;

const SERVICE_PROVIDER: &str = "https://app.example.com/saml/metadata";
const ASSERTION_CONSUMER: &str = "https://app.example.com/saml/acs";

fn main() -> Result<(), Box<dyn Error>> {
    let mut prepared = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        match answer(&line?, &mut prepared) {
            Ok(nanoseconds) => println!("{nanoseconds}"),
            Err(error) => println!("{}", error.to_string().replace('\n', " ")),
        }
    }
    Ok(())
}

fn answer(line: &str, prepared: &mut HashMap<String, Work>) -> Result<u128, Box<dyn Error>> {
    let (request, times) = line.rsplit_once(' ').ok_or("a request is a task, a folder and a number")?;
    let times: u32 = times.parse()?;
    if !prepared.contains_key(request) {
        let (task, folder) = request.rsplit_once(' ').ok_or("a request is a task, a folder and a number")?;
        prepared.insert(request.to_owned(), work(task, &Handed::read(Path::new(folder))?)?);
    }
    let work = prepared.get(request).ok_or("nothing prepared")?;
    let start = Instant::now();
    for _ in 0..times {
        work()?;
    }
    Ok(start.elapsed().as_nanos())
}

fn work(task: &str, handed: &Handed) -> Result<Work, Box<dyn Error>> {
    match task {
        "receive saml-rs" => saml_rs_peers::saml_rs(handed),
        "receive risaml" => saml_rs_peers::risaml(handed),
        #[cfg(feature = "samael")]
        "receive samael" => samael_peer::receive(handed),
        "verify bergshamra" => bergshamra_peer::verify(handed),
        _ => Err(format!("“{task}” is not built in").into()),
    }
}

impl Handed {
    fn read(folder: &Path) -> Result<Handed, Box<dyn Error>> {
        let text = |name: &str| std::fs::read_to_string(folder.join(name));
        Ok(Handed {
            xml: text("response.xml")?,
            base64: text("response.base64")?,
            metadata: text("metadata.xml")?,
            certificate: text("certificate.pem")?,
        })
    }
}
