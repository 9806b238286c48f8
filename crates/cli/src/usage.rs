//! Writes the messages of the argument parser: help, the version, or errors, as text, or as JSON if `--format json`
//! is given.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use vouchsafe::xml::Escaped;

use crate::failure::Failure;
use crate::output::{self, Format, Output};
use crate::text::Text;

/// Writes the message, and returns the exit status.
pub(crate) fn told(error: clap::Error, arguments: impl Iterator<Item = OsString>) -> u8 {
    let is_wrong_usage = error.exit_code() != 0;
    let status = u8::try_from(error.exit_code()).unwrap_or(2);
    let shown = escaped(error).render().to_string();
    if is_wrong_usage && wants_json(arguments) {
        let (message, hint) = parts(&shown);
        return Output::new(Format::Json).failure(&Failure::usage("cli.usage", message, &hint)).status();
    }
    let mut text = Text::new();
    shown.lines().for_each(|line| text.line(line));
    output::usage(&text, is_wrong_usage);
    status
}

/// Escapes the arguments, so that each stays in its line. Only the usage text has several lines, and it contains no
/// arguments.
fn escaped(mut error: clap::Error) -> clap::Error {
    let context: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    let shown = |text: &str| Escaped::new(text).to_string();
    for (kind, value) in context.into_iter().filter(|(kind, _)| *kind != ContextKind::Usage) {
        let escaped = match value {
            ContextValue::String(text) => ContextValue::String(shown(&text)),
            ContextValue::Strings(all) => ContextValue::Strings(all.iter().map(|text| shown(text)).collect()),
            ContextValue::StyledStr(text) => ContextValue::StyledStr(shown(&text.to_string()).into()),
            ContextValue::StyledStrs(all) => {
                ContextValue::StyledStrs(all.iter().map(|text| shown(&text.to_string()).into()).collect())
            }
            other => other,
        };
        error.insert(kind, escaped);
    }
    error
}

/// Returns whether the arguments ask for JSON. They could not be parsed, so they are searched: the last one that
/// names a format counts.
fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let mut is_json = false;
    let mut names_the_next = false;
    for argument in arguments {
        let argument = argument.to_string_lossy();
        if argument == "--" {
            break;
        }
        if std::mem::take(&mut names_the_next) {
            is_json = argument == "json";
        } else if argument == "--format" {
            names_the_next = true;
        } else if let Some(format) = argument.strip_prefix("--format=") {
            is_json = format == "json";
        }
    }
    is_json
}

/// Splits the message: the first paragraph tells what is wrong, and the rest tells what is right.
fn parts(shown: &str) -> (String, String) {
    let (first, rest) = shown.split_once("\n\n").unwrap_or((shown, ""));
    let (message, hint) = (in_one_line(first.strip_prefix("error: ").unwrap_or(first)), in_one_line(rest));
    (message, if hint.is_empty() { "See --help.".to_owned() } else { hint })
}

fn in_one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_found_in_arguments_that_cannot_be_parsed() {
        let json = |arguments: &[&str]| wants_json(arguments.iter().map(OsString::from));
        for yes in [
            &["--format", "json"][..],
            &["--format=json", "doctor"],
            &["x", "--format", "human", "--format=json"],
        ] {
            assert!(json(yes), "{yes:?}");
        }
        for no in [
            &[][..],
            &["--format"],
            &["--format", "human"],
            &["--", "--format=json"],
            &["json"],
            &["--format=json", "--format", "human"],
        ] {
            assert!(!json(no), "{no:?}");
        }
    }

    #[test]
    fn what_is_wrong_and_what_is_right() {
        let shown = "error: the following required arguments were not provided:\n  --acs <URL>\n\nUsage: vouchsafe x\n\nFor more information, try '--help'.\n";
        let (message, hint) = parts(shown);
        assert_eq!(message, "the following required arguments were not provided: --acs <URL>");
        assert_eq!(hint, "Usage: vouchsafe x For more information, try '--help'.");
        assert_eq!(parts("error: x").1, "See --help.");
    }
}
