//! `vouchsafe metadata verify`: checks whether the document is signed at its root by a trusted key, and is still
//! valid.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use vouchsafe::metadata::{Aggregate, MetadataError};

use crate::algorithms::Algorithms;
use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output};
use crate::response_check::instant;
use crate::signature_verify::Good;
use crate::text::Text;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("trusted").required(true).args(["certificate", "fingerprint"]))]
pub(crate) struct Arguments {
    /// Certificate of the publisher. Repeatable: the keys are tried in turn.
    #[arg(long, value_name = "PEM")]
    certificate: Vec<String>,
    /// SHA-256 fingerprint of the publisher's certificate, with or without colons. The certificate is then taken from the
    /// signature.
    #[arg(long, value_name = "SHA256")]
    fingerprint: Option<String>,
    /// The time for all checks. Default: now.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    now: Option<DateTime<Utc>>,
    #[command(flatten)]
    algorithms: Algorithms,
    /// Metadata; - is standard input.
    file: String,
}

/// The JSON of a valid document.
#[derive(Serialize)]
struct Valid<'a> {
    #[serde(flatten)]
    signature: Good<'a>,
    entities: usize,
    valid_until: Option<String>,
    cache_seconds: Option<u64>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let provider = arguments.algorithms.provider()?;
    let read = match &arguments.fingerprint {
        Some(fingerprint) => {
            let sha256 = input::fingerprint(fingerprint)?;
            Aggregate::read_signed_by_certificate(input::bytes(&arguments.file)?, &sha256, &provider)
        }
        None => {
            let keys = input::trusted_keys(&arguments.certificate, &[], &provider)?;
            Aggregate::read_signed(input::bytes(&arguments.file)?, &keys, &provider)
        }
    };
    let (aggregate, evidence) = read.map_err(|error| unreadable_or_refused(&arguments.file, error))?;
    let now = arguments.now.unwrap_or_else(input::now);
    aggregate.check_validity(now).map_err(Failure::refused)?;
    let valid_until = aggregate.valid_until().map_err(Failure::refused)?;
    let valid = Valid {
        signature: Good::new(&evidence, None),
        entities: aggregate.len(),
        valid_until: valid_until.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        cache_seconds: aggregate.cache_duration().map(|duration| duration.as_secs()),
    };
    output.write(&valid, || valid.human())?;
    Ok(Answer::Yes)
}

fn unreadable_or_refused(file: &str, error: MetadataError) -> Failure {
    match error {
        MetadataError::Xml(_) | MetadataError::NotXml { .. } | MetadataError::Root { .. } => {
            Failure::unusable(file, error)
        }
        _ => Failure::refused(error),
    }
}

impl Valid<'_> {
    fn human(&self) -> Text {
        let mut text = self.signature.human();
        text.line(format!("  {:<19} {}", "entities", self.entities));
        let valid_until = self.valid_until.as_deref().unwrap_or("it does not say");
        text.line(format!("  {:<19} {valid_until}", "valid until"));
        if let Some(seconds) = self.cache_seconds {
            text.line(format!("  {:<19} {seconds} s", "to be fetched after"));
        }
        text
    }
}
