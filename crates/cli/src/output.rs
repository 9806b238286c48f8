//! Writes results to standard output, for people or for programs, and diagnostics to standard error.
//!
//! Nothing else in this command writes to either of them (`tests/printing.rs` checks that). All output is escaped by
//! [`vouchsafe::xml::is_plain`]. The only exception are documents, whose bytes are the result: they are written
//! unchanged to a file or a pipe, and escaped to a terminal.

use std::io::{IsTerminal, Write};

use serde::Serialize;
use vouchsafe::xml::{Escaped, is_plain};

use crate::failure::Failure;
use crate::text::{Line, Text};

/// `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Human,
    Json,
    /// SARIF, for tools that show findings in files; only for `metadata lint`.
    Sarif,
}

/// The answer, as the exit status reports it.
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

/// The destination of results.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
    terminal: bool,
    colour: bool,
}

impl Output {
    pub(crate) fn new(format: Format) -> Output {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let terminal = std::io::stdout().is_terminal();
        Output { format, terminal, colour: wanted && format == Format::Human && terminal }
    }

    pub(crate) fn is_sarif(&self) -> bool {
        self.format == Format::Sarif
    }

    /// Writes `value` as JSON, or the text that `human` makes.
    pub(crate) fn write(&self, value: &impl Serialize, human: impl FnOnce() -> Text) -> Result<(), Failure> {
        match self.format {
            Format::Human => stdout(human().shown(self.colour).as_bytes()),
            Format::Json | Format::Sarif => stdout(json(value)?.as_bytes()),
        }
    }

    /// Writes one JSON object per line, or a line for people if there is one.
    pub(crate) fn write_line(&self, value: &impl Serialize, human: Option<Line>) -> Result<(), Failure> {
        let line = match (self.format, human) {
            (Format::Json | Format::Sarif, _) => {
                escaped_json(&serde_json::to_string(value).map_err(|error| unwritable(&error))?)
            }
            (Format::Human, Some(line)) => line.shown(self.colour),
            (Format::Human, None) => return Ok(()),
        };
        stdout((line + "\n").as_bytes())
    }

    /// Writes a document, whose bytes are the result.
    pub(crate) fn document(&self, value: &impl Serialize, document: &str) -> Result<(), Failure> {
        match self.format {
            Format::Json | Format::Sarif => self.write(value, Text::new),
            Format::Human => stdout(self.document_text(document).as_bytes()),
        }
    }

    /// Returns the document unchanged, or escaped for a terminal, which people read.
    fn document_text(&self, document: &str) -> String {
        if !self.terminal {
            return document.to_owned();
        }
        let pieces =
            document.split_inclusive(['\n', '\t']).map(|piece| match piece.strip_suffix(['\n', '\t']) {
                Some(text) => Escaped::new(text).to_string() + piece.get(text.len()..).unwrap_or_default(),
                None => Escaped::new(piece).to_string(),
            });
        pieces.collect()
    }

    /// Writes a notice that is not a result.
    pub(crate) fn notice(&self, text: &str) {
        stderr(&(Line::of(text).shown(false) + "\n"));
    }

    /// Writes the last line of a run. It is a diagnostic if standard output is for programs.
    pub(crate) fn summary(&self, text: &str) -> Result<(), Failure> {
        let line = Line::of(text).shown(false) + "\n";
        if self.format == Format::Human {
            return stdout(line.as_bytes());
        }
        stderr(&line);
        Ok(())
    }

    /// Reports a failure: a refusal is a result for programs, everything else is a diagnostic.
    pub(crate) fn failure(&self, failure: &Failure) -> Answer {
        if failure.is_refusal() && self.format == Format::Json {
            let Failure { code, message, hint, .. } = failure;
            let refused = Refused { verdict: "refused", code, message, hint };
            return match self.write(&refused, Text::new) {
                Ok(()) => Answer::No,
                Err(error) => self.failure(&error),
            };
        }
        if self.format == Format::Json {
            let Failure { code, message, hint, .. } = failure;
            let unusable = Refused { verdict: "unusable", code, message, hint };
            // If the failure cannot be written as JSON, it is written as text.
            if let Ok(json) = json(&unusable) {
                stderr(&json);
                return Answer::Unusable;
            }
        }
        let mut text = Text::new();
        text.line(format!("error[{}]: {}", failure.code, failure.message));
        text.line(format!("  hint: {}", failure.hint));
        stderr(&text.shown(false));
        if failure.is_refusal() { Answer::No } else { Answer::Unusable }
    }
}

/// Writes the message of the argument parser, before the format is known.
pub(crate) fn usage(text: &Text, is_wrong: bool) {
    if is_wrong {
        stderr(&text.shown(false));
    } else {
        let _ = stdout(text.shown(false).as_bytes());
    }
}

/// Returns a value as escaped JSON, for people and programs.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(value).map_err(|error| unwritable(&error))?;
    Ok(escaped_json(&json) + "\n")
}

fn stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| unwritable(&error))
}

fn stderr(text: &str) {
    // If standard error is closed too, nothing can be reported.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes characters that are not plain as `\u` escapes. Outside of strings JSON is ASCII, so only strings change,
/// and their meaning stays the same. The line breaks between values stay.
fn escaped_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || is_plain(character) {
            escaped.push(character);
        } else {
            let units = character
                .encode_utf16(&mut [0; 2])
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect::<String>();
            escaped.push_str(&units);
        }
    }
    escaped
}

/// The JSON of a refusal.
#[derive(Serialize)]
struct Refused<'a> {
    verdict: &'static str,
    code: &'a str,
    message: &'a str,
    hint: &'a str,
}

/// The JSON of a command whose result is a document.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_escaped_to_a_terminal_only() {
        let document = "<a>\u{1b}[2J\u{202e}</a>\n\t<b/>\r\n\u{85}";
        let output = |terminal| Output { format: Format::Human, terminal, colour: false };
        assert_eq!(output(false).document_text(document), document);
        assert_eq!(output(true).document_text(document), "<a>\\u{1b}[2J\\u{202e}</a>\n\t<b/>\\r\n\\u{85}");
    }

    #[test]
    fn json_means_the_same_when_it_is_escaped() {
        let text = "a\u{7f}\u{9b}\u{202e}\u{2028}\u{feff}\u{e0041}\n\t\"\\é東";
        for json in [serde_json::to_string(text).unwrap(), serde_json::to_string_pretty(&[text]).unwrap()] {
            let escaped = escaped_json(&json);
            assert!(escaped.chars().all(|character| character == '\n' || is_plain(character)), "{escaped}");
            let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
            assert_eq!(read(&escaped), read(&json));
        }
        assert_eq!(escaped_json("\"\u{e0041}\u{9b}\""), r#""\udb40\udc41\u009b""#);
    }
}
