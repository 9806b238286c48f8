//! What is wrong in a policy, and where.

use crate::{Policy, nearest::nearest};

/// A policy that cannot be read: what is wrong, at which line and column.
///
/// A type of its own beside [`PlanRefusal`](crate::PlanRefusal): it happens when a policy is written, never at a sign-in.
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
        let mut message = error.message().trim().replace('\n', "; ");
        if let Some(meant) = probably_meant(&message) {
            message = format!("{message}; did you mean `{meant}`?");
        }
        Self::at(text.get(..start).unwrap_or(text), message)
    }

    /// The place is where it becomes too long.
    pub(crate) fn too_long(text: &str) -> Self {
        let end = (0..=Policy::MAX_BYTES).rev().find(|place| text.is_char_boundary(*place));
        let within = end.and_then(|end| text.get(..end)).unwrap_or(text);
        Self::at(within, format!("the policy has more than {} bytes", Policy::MAX_BYTES))
    }

    fn at(before: &str, message: String) -> Self {
        let (line, column) = line_and_column(before);
        Self { line, column, message }
    }

    /// Line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Column in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong there.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Always `provisioning.policy`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "provisioning.policy"
    }

    /// What its author changes.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "Correct the policy at that place; `vouchsafe policy check FILE` tries it."
    }
}

/// Line and column, from 1, of what comes after a text.
pub(crate) fn line_and_column(before: &str) -> (usize, usize) {
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or("").chars().count().saturating_add(1);
    (line, column)
}

/// What was probably meant by a key or a word that is not known: serde's message has it in backticks, and those that are known after it.
fn probably_meant(message: &str) -> Option<&str> {
    let words =
        message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    let (written, known) = words.split_once('`')?;
    nearest(written, known.split('`').skip(1).step_by(2))
}
