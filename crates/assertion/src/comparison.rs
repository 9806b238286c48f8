//! The comparison of the class of an answer with the requested classes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the class of the answer is compared with the requested classes (saml-core-2.0-os 3.3.2.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Comparison {
    /// The class is one of the requested ones.
    #[default]
    Exact,
    /// The class is at least as strong as one of the requested ones.
    Minimum,
    /// The class is no stronger than the strongest of the requested ones.
    Maximum,
    /// The class is stronger than every requested one.
    Better,
}

impl Comparison {
    /// Returns the value of the `Comparison` attribute.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Comparison::Exact => "exact",
            Comparison::Minimum => "minimum",
            Comparison::Maximum => "maximum",
            Comparison::Better => "better",
        }
    }

    /// Parses the value of the `Comparison` attribute.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Comparison> {
        [Comparison::Exact, Comparison::Minimum, Comparison::Maximum, Comparison::Better]
            .into_iter()
            .find(|comparison| comparison.as_str() == name)
    }

    /// Returns the words before a list of classes.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Comparison::Exact => "one of",
            Comparison::Minimum => "at least as strong as one of",
            Comparison::Maximum => "no stronger than",
            Comparison::Better => "stronger than each of",
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
