//! Problems of a policy, with their positions.

use std::fmt;

use crate::{
    Policy,
    nearest::nearest,
    place::{Places, line_and_column},
};

/// A policy cannot be parsed: the problem, with its line and column.
///
/// This is not a [`PlanRefusal`](crate::PlanRefusal): it occurs when a policy is written, never at a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
#[non_exhaustive]
pub struct PolicyError {
    line: usize,
    column: usize,
    message: String,
}

impl PolicyError {
    pub(crate) fn new(text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let message = in_plain_words(&error.message().trim().replace('\n', "; "));
        let (start, mut message) = match key_named_in(&message) {
            Some((path, rest)) => (Places::of(text).start_of(path).unwrap_or(start), rest.to_owned()),
            None => (start, message),
        };
        if let Some(meant) = probably_meant(&message) {
            message = format!("{message}; did you mean `{meant}`?");
        }
        Self::at(text.get(..start).unwrap_or(text), message)
    }

    /// The position is where it becomes too long.
    pub(crate) fn too_long(text: &str) -> Self {
        let end = (0..=Policy::MAX_BYTES).rev().find(|place| text.is_char_boundary(*place));
        let within = end.and_then(|end| text.get(..end)).unwrap_or(text);
        Self::at(within, format!("the policy has more than {} bytes", Policy::MAX_BYTES))
    }

    fn at(before: &str, message: String) -> Self {
        let (line, column) = line_and_column(before);
        Self { line, column, message }
    }

    /// The line, starting at 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, starting at 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// The problem in words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Always `provisioning.policy`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "provisioning.policy"
    }

    /// What the author should change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "Correct the policy at that place; `vouchsafe policy check FILE` tries it."
    }
}

/// The error of one key of a table that is parsed as a whole, or of the table if the key is empty. [`PolicyError`]
/// points to it.
pub(crate) fn at_key(key: &str, message: impl fmt::Display) -> String {
    format!("`{key}`: {message}")
}

/// Splits what [`at_key`] has joined.
pub(crate) fn key_named_in(message: &str) -> Option<(&str, &str)> {
    message.strip_prefix('`')?.split_once("`: ")
}

/// The message without the names of Rust types.
fn in_plain_words(message: &str) -> String {
    let message = message
        .replace("expected a sequence", "expected a list")
        .replace("expected a map", "expected a table");
    match message.split_once("expected struct ") {
        Some((before, after)) => {
            let rest =
                after.trim_start_matches(|character: char| character.is_alphanumeric() || character == '_');
            format!("{before}expected a table{rest}")
        }
        None => message,
    }
}

/// The known key or word most similar to an unknown one. serde's message has it in backticks, followed by the known
/// ones.
fn probably_meant(message: &str) -> Option<&str> {
    let words =
        message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    let (written, known) = words.split_once('`')?;
    nearest(written, known.split('`').skip(1).step_by(2))
}
