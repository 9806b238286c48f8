//! Results on standard output, for people or for programs; diagnostics on standard error.

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;

/// `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Human,
    Json,
}

/// What the exit status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    Unusable,
}

impl Answer {
    pub(crate) fn status(self) -> u8 {
        match self {
            Answer::Yes => 0,
            Answer::No => 1,
            Answer::Unusable => 2,
        }
    }
}

/// Where results go.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    colour: bool,
}

/// Emphasis, when standard output is a terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    Good,
    Bad,
    Quiet,
    Title,
}

impl Output {
    pub(crate) fn new(format: Format) -> Output {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Output { format, colour: wanted && format == Format::Human && std::io::stdout().is_terminal() }
    }

    /// Writes `value` as JSON, or what `human` makes.
    pub(crate) fn write(
        &self,
        value: &impl Serialize,
        human: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Human => self.octets(human().as_bytes()),
            Format::Json => {
                let mut text = serde_json::to_vec_pretty(value).map_err(|error| unwritable(&error))?;
                text.push(b'\n');
                self.octets(&text)
            }
        }
    }

    /// One JSON object a line.
    pub(crate) fn write_line(&self, value: &impl Serialize, human: Option<String>) -> Result<(), Failure> {
        let mut line = match (self.format, human) {
            (Format::Json, _) => serde_json::to_string(value).map_err(|error| unwritable(&error))?,
            (Format::Human, Some(text)) => text,
            (Format::Human, None) => return Ok(()),
        };
        line.push('\n');
        self.octets(line.as_bytes())
    }

    /// The last line of a run; a diagnostic where standard output is for programs.
    pub(crate) fn summary(&self, text: &str) -> Result<(), Failure> {
        if self.format == Format::Human {
            return self.octets(format!("{text}\n").as_bytes());
        }
        let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
        Ok(())
    }

    pub(crate) fn styled(&self, style: Style, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match style {
            Style::Good => "1;32",
            Style::Bad => "1;31",
            Style::Quiet => "2",
            Style::Title => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Reports what went wrong: a refusal is a result for programs, everything else is a diagnostic.
    pub(crate) fn failure(&self, failure: &Failure) -> Answer {
        if failure.is_refusal() && self.format == Format::Json {
            let Failure { code, message, hint, .. } = failure;
            let refused = Refused { verdict: "refused", code, message, hint };
            return match self.write(&refused, String::new) {
                Ok(()) => Answer::No,
                Err(error) => self.failure(&error),
            };
        }
        let text = format!("error[{}]: {}\n  hint: {}\n", failure.code, failure.message, failure.hint);
        // Nothing can be told to anybody when standard error is gone too.
        let _ = std::io::stderr().write_all(text.as_bytes());
        if failure.is_refusal() { Answer::No } else { Answer::Unusable }
    }

    fn octets(&self, octets: &[u8]) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(octets).and_then(|()| stdout.flush()).map_err(|error| unwritable(&error))
    }
}

/// JSON of a refusal.
#[derive(Serialize)]
struct Refused<'a> {
    verdict: &'static str,
    code: &'a str,
    message: &'a str,
    hint: &'a str,
}

/// JSON of a command whose result is a document.
#[derive(Debug, Serialize)]
pub(crate) struct Written<'a> {
    pub(crate) document: &'a str,
}

fn unwritable(error: &dyn std::fmt::Display) -> Failure {
    Failure::usage(
        "cli.output",
        format!("standard output cannot be written: {error}"),
        "Write to a place that has room.",
    )
}
