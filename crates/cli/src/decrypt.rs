//! `vouchsafe decrypt`: replaces each EncryptedData of a document by its decrypted content.

use vouchsafe::encryption::decrypt_document;

use crate::algorithms::Algorithms;
use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output, Written};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Private key of the recipient. Repeatable: the keys are tried in turn.
    #[arg(long, value_name = "PEM", required = true)]
    key: Vec<String>,
    #[command(flatten)]
    algorithms: Algorithms,
    /// XML; - is standard input.
    file: String,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let provider = arguments.algorithms.provider()?;
    let keys = input::private_keys(&arguments.key, &provider)?;
    let xml = input::text(&arguments.file)?;
    // Input that is not XML is unusable, and not a negative answer.
    drop(input::document(&arguments.file, xml.as_bytes())?);
    let opened = decrypt_document(&xml, &keys, &provider, &input::limits()).map_err(Failure::refused)?;
    output.document(&Written { document: &opened }, &opened)?;
    Ok(Answer::Yes)
}
