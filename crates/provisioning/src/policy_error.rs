//! What is wrong in a policy, and where.

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
        let before = text.get(..start).unwrap_or(text);
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.rsplit('\n').next().unwrap_or("").chars().count().saturating_add(1);
        Self { line, column, message: error.message().trim().replace('\n', "; ") }
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
