//! `vouchsafe c14n`: writes canonical bytes.

use serde::Serialize;
use vouchsafe::xml::{Canonicalization, canonicalize, canonicalize_document};

use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// URI of the method, such as `http://www.w3.org/2001/10/xml-exc-c14n#`
    #[arg(long, value_name = "URI")]
    algorithm: String,
    /// Prefixes that exclusive canonicalization treats inclusively, separated by spaces; #default is the default namespace.
    #[arg(long, value_name = "PREFIXES", default_value = "")]
    inclusive_prefixes: String,
    /// Positional path of one element, such as `/*/*[1]/*[2]`; without it, the document.
    #[arg(long, value_name = "POSITION")]
    at: Option<String>,
    /// XML; - is standard input.
    file: String,
}

#[derive(Serialize)]
struct Canonical<'a> {
    algorithm: &'static str,
    bytes: usize,
    canonical: &'a str,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let method = Canonicalization::from_uri(&arguments.algorithm).ok_or_else(|| {
        Failure::usage(
            "cli.algorithm",
            format!("{} is not a canonicalization method that is known here", arguments.algorithm),
            "Use one of Canonical XML 1.0, 1.1 or Exclusive XML Canonicalization 1.0, with or without comments.",
        )
    })?;
    let prefixes: Vec<&str> = arguments.inclusive_prefixes.split_ascii_whitespace().collect();
    let document = input::document(&arguments.file, &input::bytes(&arguments.file)?)?;
    let mut bytes = Vec::new();
    match &arguments.at {
        Some(position) => {
            canonicalize(input::element(&document, position)?, method, &prefixes, None, &mut bytes)
        }
        None => canonicalize_document(&document, method, &prefixes, &mut bytes),
    }
    .map_err(Failure::refused)?;
    let canonical = String::from_utf8_lossy(&bytes);
    let result = Canonical { algorithm: method.uri(), bytes: bytes.len(), canonical: &canonical };
    output.document(&result, &canonical)?;
    Ok(Answer::Yes)
}
