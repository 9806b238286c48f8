//! `vouchsafe redirect decode`: shows the message in a query string.

use serde::Serialize;
use vouchsafe::signature::VerifiedQuery;
use vouchsafe::xml::Limits;
use vouchsafe::{RelayState, redirect};

use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output};
use crate::text::{Line, Style, Text};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The query string as it came, or the whole address; - is standard input.
    query: String,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let decoded = Decoded::unverified(&query_string(&arguments.query)?)?;
    output.write(&decoded, || decoded.human())?;
    Ok(Answer::Yes)
}

/// The JSON of a decoded query string.
#[derive(Serialize)]
pub(crate) struct Decoded {
    parameter: &'static str,
    relay_state: Option<String>,
    message: String,
}

impl Decoded {
    /// Decodes the message of a query that is not verified.
    fn unverified(query: &str) -> Result<Decoded, Failure> {
        let message = redirect::decode_unverified(query, &Limits::default())
            .map_err(|error| Failure::unusable("the query string", error))?;
        Ok(Decoded::new(message.field(), message.relay_state(), message.bytes()))
    }

    /// Decodes the message of a verified query.
    pub(crate) fn of(verified: &VerifiedQuery) -> Result<Decoded, Failure> {
        let message = redirect::decode(verified, &Limits::default())
            .map_err(|error| Failure::unusable("the query string", error))?;
        Ok(Decoded::new(message.field(), message.relay_state(), message.bytes()))
    }

    fn new(parameter: &'static str, relay_state: Option<&RelayState>, message: &[u8]) -> Decoded {
        Decoded {
            parameter,
            relay_state: relay_state.map(|state| state.as_str().to_owned()),
            message: String::from_utf8_lossy(message).into_owned(),
        }
    }

    pub(crate) fn human(&self) -> Text {
        let mut text = Text::new();
        text.push(Line::styled(Style::Title, self.parameter));
        text.quote(self.message.trim_end());
        if let Some(state) = &self.relay_state {
            text.push(Line::styled(Style::Title, "RelayState"));
            text.line(format!("  {state}"));
        }
        text
    }
}

/// Returns the query string in the argument byte by byte, since a signature covers it unchanged.
pub(crate) fn query_string(argument: &str) -> Result<String, Failure> {
    let given = if argument == "-" { input::text("-")? } else { argument.to_owned() };
    let given = given.trim();
    let whole_address = given.starts_with("https://") || given.starts_with("http://");
    let query = match given.split_once('?') {
        Some((_, query)) if whole_address => query.split('#').next().unwrap_or_default(),
        _ => given.trim_start_matches('?'),
    };
    Ok(query.to_owned())
}
