//! `vouchsafe redirect verify`: verifies the signature of a query string.

use vouchsafe::signature::{explain_query, verify_query};

use crate::algorithms::Algorithms;
use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output};
use crate::redirect_decode::{Decoded, query_string};
use crate::signature_verify::Good;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Certificate of the sender. Repeatable: the keys are tried in turn.
    #[arg(long, value_name = "PEM", required = true)]
    certificate: Vec<String>,
    #[command(flatten)]
    algorithms: Algorithms,
    /// The query string exactly as it came, or the whole address; - is standard input.
    query: String,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let provider = arguments.algorithms.provider()?;
    let keys = input::trusted_keys(&arguments.certificate, &[], &provider)?;
    let query = query_string(&arguments.query)?;
    let verified = verify_query(&query, &keys, &provider).map_err(|error| {
        let failure = Failure::refused(error);
        match explain_query(&query, &keys, &provider) {
            Some(found) => failure.caused_by(format!("it {}", found.description()), found.hint()),
            None => failure,
        }
    })?;
    let good = Good::new(verified.evidence(), None);
    let decoded = Decoded::of(&verified)?;
    #[derive(serde::Serialize)]
    struct Both<'a> {
        #[serde(flatten)]
        good: &'a Good<'a>,
        #[serde(flatten)]
        decoded: &'a Decoded,
    }
    output.write(&Both { good: &good, decoded: &decoded }, || {
        let mut text = good.human();
        text.append(decoded.human());
        text
    })?;
    Ok(Answer::Yes)
}
