//! `vouchsafe signature sign`: adds an enveloped signature to the document element.

use vouchsafe::crypto::SignatureAlgorithm;
use vouchsafe::signature::{Signer, sign};

use crate::algorithms::Algorithms;
use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output, Written};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Private key.
    #[arg(long, value_name = "PEM")]
    key: String,
    /// Certificate of the key, sent along in KeyInfo.
    #[arg(long, value_name = "PEM")]
    certificate: Option<String>,
    /// URI of the signature algorithm; without it, the usual one for the key.
    #[arg(long, value_name = "URI")]
    algorithm: Option<String>,
    #[command(flatten)]
    algorithms: Algorithms,
    /// XML whose document element has an ID; - is standard input.
    file: String,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let provider = arguments.algorithms.provider()?;
    let key = input::private_key(&arguments.key, &provider)?;
    let certificate = arguments.certificate.as_deref().map(input::certificate).transpose()?;
    let mut signer = Signer::new(&key);
    if let Some(certificate) = &certificate {
        signer = signer.certificate(certificate);
    }
    if let Some(uri) = &arguments.algorithm {
        signer = signer.algorithm(algorithm(uri)?);
    }
    let xml = input::text(&arguments.file)?;
    let document = input::document(&arguments.file, xml.as_bytes())?;
    let id = document.root().attribute("ID").ok_or_else(|| {
        Failure::usage(
            "cli.no_id",
            format!("the document element {} has no ID attribute", document.root().qualified_name()),
            "Give the document element an ID attribute: a signature names what it signs by it.",
        )
    })?;
    let signed = sign(&xml, id, &signer, &provider, &input::limits()).map_err(Failure::refused)?;
    output.document(&Written { document: &signed }, &signed)?;
    Ok(Answer::Yes)
}

fn algorithm(uri: &str) -> Result<SignatureAlgorithm, Failure> {
    SignatureAlgorithm::from_uri(uri).ok_or_else(|| {
        Failure::usage(
            "cli.algorithm",
            format!("{uri} is not a signature algorithm that is known here"),
            "Use a URI such as http://www.w3.org/2001/04/xmldsig-more#rsa-sha256.",
        )
    })
}
