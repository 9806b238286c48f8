//! Other libraries doing the work of the benchmarks, one measurement at a time, on request.
//!
//! How it is asked and answers is in [`answer`]. The folder holds `response.xml`, `response.base64`, `metadata.xml` of the identity provider and `certificate.pem` of its key.
//! Whatever can be set up before a message comes is set up once and not counted.

#[path = "../../src/answer.rs"]
mod answer;
mod bergshamra_peer;
#[cfg(feature = "samael")]
mod samael_peer;
mod saml_rs_peers;

use std::error::Error;
use std::path::Path;

use answer::{Work, answer_requests};

/// What all peers are given.
struct Handed {
    xml: String,
    base64: String,
    metadata: String,
    certificate: String,
}

const SERVICE_PROVIDER: &str = "https://app.example.com/saml/metadata";
const ASSERTION_CONSUMER: &str = "https://app.example.com/saml/acs";

fn main() -> Result<(), Box<dyn Error>> {
    answer_requests(|task, folder| work(task, &Handed::read(folder)?))
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
