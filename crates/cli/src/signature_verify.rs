//! `vouchsafe signature verify`: verifies an enveloped signature.

use serde::Serialize;
use vouchsafe::signature::{Evidence, verify_any};
use vouchsafe::xml::namespace::DSIG;
use vouchsafe::xml::{Document, Element};

use crate::algorithms::Algorithms;
use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output};
use crate::text::{Line, Style, Text};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("trusted").required(true).multiple(true).args(["certificate", "key"]))]
pub(crate) struct Arguments {
    /// Certificate of the signer. Repeatable: the keys are tried in turn.
    #[arg(long, value_name = "PEM")]
    certificate: Vec<String>,
    /// Public key of the signer. Repeatable.
    #[arg(long, value_name = "PEM")]
    key: Vec<String>,
    /// Positional path of the Signature, or of the element that carries it; without it, the first Signature.
    #[arg(long, value_name = "POSITION")]
    at: Option<String>,
    #[command(flatten)]
    algorithms: Algorithms,
    /// XML; - is standard input.
    file: String,
}

/// The JSON of a valid signature.
#[derive(Serialize)]
pub(crate) struct Good<'a> {
    verdict: &'static str,
    element: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    reference: Option<&'a str>,
    algorithm: &'static str,
    digest: Option<&'static str>,
    canonicalization: Option<&'static str>,
    key: &'a str,
    key_fingerprint: &'a str,
    /// `certificate` or `key`: the object of the fingerprint.
    fingerprint_of: &'static str,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let provider = arguments.algorithms.provider()?;
    let keys = input::trusted_keys(&arguments.certificate, &arguments.key, &provider)?;
    let bytes = input::bytes(&arguments.file)?;
    let document = Document::parse(&bytes, &input::limits()).map_err(Failure::refused)?;
    let at = match &arguments.at {
        Some(position) => Some(carrier(input::element(&document, position)?)),
        None => first_signature(&document).map(carrier),
    };
    let verified = verify_any(&document, at, &keys, &provider, &input::limits()).map_err(Failure::refused)?;
    let good = Good::new(verified.evidence(), Some(at.unwrap_or(document.root()).position()));
    output.write(&good, || good.human())?;
    Ok(Answer::Yes)
}

fn first_signature(document: &Document) -> Option<Element<'_>> {
    document.elements().find(|element| element.is(DSIG, "Signature"))
}

/// Returns the element that contains this Signature; any other element is returned itself.
fn carrier(element: Element<'_>) -> Element<'_> {
    if element.is(DSIG, "Signature") { element.parent().unwrap_or(element) } else { element }
}

impl<'a> Good<'a> {
    pub(crate) fn new(evidence: &'a Evidence, position: Option<String>) -> Good<'a> {
        Good {
            verdict: "accepted",
            element: evidence.element(),
            position,
            reference: evidence.reference_id(),
            algorithm: evidence.algorithm().uri(),
            digest: evidence.digest().map(|digest| digest.uri()),
            canonicalization: evidence.canonicalization().map(|method| method.uri()),
            key: evidence.key_label(),
            key_fingerprint: evidence.key_fingerprint().as_str(),
            fingerprint_of: evidence.key_fingerprint().subject(),
        }
    }

    pub(crate) fn human(&self) -> Text {
        let mut text = Text::new();
        let reference = self.reference.map(|reference| format!(" #{reference}")).unwrap_or_default();
        text.push(Line::styled(Style::Good, "accepted").then(format!(" {}{reference}", self.element)));
        let fingerprint = format!("{} SHA-256", self.fingerprint_of);
        let rows = [
            ("position", self.position.as_deref()),
            ("algorithm", Some(self.algorithm)),
            ("digest", self.digest),
            ("canonicalization", self.canonicalization),
            ("key", Some(self.key)),
            (fingerprint.as_str(), Some(self.key_fingerprint)),
        ];
        for (name, value) in rows {
            if let Some(value) = value {
                text.line(format!("  {name:<19} {value}"));
            }
        }
        text
    }
}
