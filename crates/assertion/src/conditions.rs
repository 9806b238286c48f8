//! Conditions that say what may be done with an assertion after it was accepted.

use vouchsafe_xml::{Element, namespace};

use crate::reading::{elements_named, trimmed};

/// What the identity provider allows to whoever issues assertions on the strength of this one (saml-core-2.0-os 2.5.1.6).
///
/// A service provider that issues none has nothing to do with it. A gateway must heed it: with [`count`](Self::count) 0 no further
/// assertion may be issued; otherwise one with a count that is less by one, for none but these audiences if there are any.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProxyRestriction {
    count: Option<u32>,
    audiences: Vec<String>,
}

impl ProxyRestriction {
    /// How many further assertions may be issued in a chain from this one; `None`: any number.
    #[must_use]
    pub fn count(&self) -> Option<u32> {
        self.count
    }

    /// For whom further assertions may be issued; empty: for anybody.
    #[must_use]
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }
}

/// A ProxyRestriction as it came.
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

/// The Audience elements of an AudienceRestriction or a ProxyRestriction.
pub(crate) fn read_audiences(element: Element<'_>) -> Vec<String> {
    elements_named(element, namespace::SAML_ASSERTION, "Audience")
        .map(|audience| trimmed(&audience.text()).to_owned())
        .collect()
}

/// An `xs:nonNegativeInteger`. One that is too great for a `u32` restricts nothing that exists, and is the greatest.
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
