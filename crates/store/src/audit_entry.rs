//! One change of the configuration, for the audit.

/// A change of the configuration, before its author is known.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) rule: &'static str,
    pub(crate) change: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

impl Entry {
    pub(crate) fn new(rule: &'static str, change: impl Into<String>) -> Entry {
        Entry { rule, change: change.into(), before: None, after: None }
    }

    pub(crate) fn values(self, before: Option<&str>, after: Option<&str>) -> Entry {
        Entry { before: before.map(str::to_owned), after: after.map(str::to_owned), ..self }
    }

    /// The values before and after, in one text.
    pub(crate) fn difference(&self) -> String {
        match (&self.before, &self.after) {
            (None, after) => format!("{} {}", self.change, after.as_deref().unwrap_or_default()),
            (Some(before), None) => format!("{} {before}", self.change),
            (Some(before), Some(after)) => format!("{} {before} becomes {after}", self.change),
        }
    }
}
