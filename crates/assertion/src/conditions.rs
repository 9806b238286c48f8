//! Conditions that restrict the use of an assertion after it was accepted.

use vouchsafe_xml::{Element, namespace};

use crate::reading::{elements_named, trimmed};

/// The restriction for services that issue further assertions based on this one (saml-core-2.0-os 2.5.1.6).
///
/// A service provider that issues no assertions can ignore it. A gateway must obey it: if [`count`](Self::count) is
/// 0, no further assertion may be issued. Otherwise a further assertion must have a count that is lower by one, and
/// may be issued only for these audiences if there are any.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProxyRestriction {
    count: Option<u32>,
    audiences: Vec<String>,
}

impl ProxyRestriction {
    /// The number of further assertions that may be issued in a chain from this one; `None` if it is not limited.
    #[must_use]
    pub fn count(&self) -> Option<u32> {
        self.count
    }

    /// The audiences for which further assertions may be issued; if it is empty, any audience.
    #[must_use]
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }
}

/// A ProxyRestriction as it was received.
pub(crate) struct ProxyFacts {
    pub(crate) count: Option<String>,
    pub(crate) audiences: Vec<String>,
}

impl ProxyFacts {
    pub(crate) fn read(element: Element<'_>) -> ProxyFacts {
        ProxyFacts {
            count: element.attribute("Count").map(str::to_owned),
            audiences: read_audiences(element),
        }
    }

    pub(crate) fn into_restriction(self) -> ProxyRestriction {
        ProxyRestriction { count: self.count.as_deref().and_then(parse_count), audiences: self.audiences }
    }
}

/// Returns the Audience elements of an AudienceRestriction or a ProxyRestriction.
pub(crate) fn read_audiences(element: Element<'_>) -> Vec<String> {
    elements_named(element, namespace::SAML_ASSERTION, "Audience")
        .map(|audience| trimmed(&audience.text()).to_owned())
        .collect()
}

/// Parses an `xs:nonNegativeInteger`. A value that is too large for a `u32` becomes the largest `u32`, which makes no
/// practical difference.
pub(crate) fn parse_count(text: &str) -> Option<u32> {
    let text = trimmed(text);
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return (text == "-0").then_some(0);
    }
    Some(digits.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let cases = [
            ("0", Some(0)),
            (" +07\n", Some(7)),
            ("-0", Some(0)),
            ("99999999999999999999", Some(u32::MAX)),
            ("", None),
            ("+", None),
            ("-1", None),
            ("1.0", None),
            ("one", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_count(text), expected, "{text:?}");
        }
    }
}
