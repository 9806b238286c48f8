//! The requested authentication context (RequestedAuthnContext), and the answers that meet it.

use serde::{Deserialize, Serialize};

use crate::comparison::Comparison;
use crate::error::AssertionError;

/// The requested authentication context classes, how the answer is compared with them, and the order of strength for
/// the comparison.
///
/// The specification leaves the order to the parties, so it is configuration: the classes of the deployment, the
/// weakest first. A class that is not in the order is neither stronger nor weaker than any other, and is never
/// accepted by a comparison of strength.
///
/// ```
/// use vouchsafe_assertion::{Comparison, RequestedAuthnContext};
///
/// let order = ["urn:example:password", "urn:example:otp", "urn:example:smartcard"];
/// let requested = RequestedAuthnContext::compared(Comparison::Minimum, ["urn:example:otp"], order)?;
/// assert!(requested.accepts("urn:example:smartcard"));
/// assert!(!requested.accepts("urn:example:password"));
/// assert!(!requested.accepts("urn:example:unheard-of"));
/// # Ok::<(), vouchsafe_assertion::AssertionError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct RequestedAuthnContext {
    comparison: Comparison,
    classes: Vec<String>,
    order: Vec<String>,
}

/// The stored form. It is checked when it is read, since anybody may have written it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(default)]
    comparison: Comparison,
    classes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    order: Vec<String>,
}

impl TryFrom<Stored> for RequestedAuthnContext {
    type Error = AssertionError;

    fn try_from(stored: Stored) -> Result<RequestedAuthnContext, AssertionError> {
        RequestedAuthnContext::compared(stored.comparison, stored.classes, stored.order)
    }
}

impl From<RequestedAuthnContext> for Stored {
    fn from(requested: RequestedAuthnContext) -> Stored {
        let RequestedAuthnContext { comparison, classes, order } = requested;
        Stored { comparison, classes, order }
    }
}

impl RequestedAuthnContext {
    /// Requests exactly one of these classes. If the list is empty, any class is accepted, and also an assertion
    /// without one.
    #[must_use]
    pub fn exact<I>(classes: I) -> RequestedAuthnContext
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        RequestedAuthnContext { classes: owned(classes), ..RequestedAuthnContext::default() }
    }

    /// Requests classes that are compared by strength, in an order that names the weakest first.
    /// [`Comparison::Exact`] does not use the order.
    ///
    /// # Errors
    /// [`AssertionError::ContextOrder`] if a requested class is not in the order, if one occurs there twice, or if a
    /// comparison of strength has no class to compare with.
    pub fn compared<I, O>(
        comparison: Comparison,
        classes: I,
        weakest_first: O,
    ) -> Result<RequestedAuthnContext, AssertionError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
        O: IntoIterator,
        O::Item: Into<String>,
    {
        let (classes, order) = (owned(classes), owned(weakest_first));
        let wrong =
            |class: &str, reason| Err(AssertionError::ContextOrder { class: class.to_owned(), reason });
        for (place, class) in order.iter().enumerate() {
            if order.iter().take(place).any(|earlier| earlier == class) {
                return wrong(class, "occurs twice in the order of strength");
            }
        }
        if comparison != Comparison::Exact {
            if classes.is_empty() {
                return wrong("", "is missing: a comparison of strength needs one to compare with");
            }
            if let Some(stranger) = classes.iter().find(|class| !order.contains(class)) {
                return wrong(stranger, "is not in the order of strength");
            }
        }
        Ok(RequestedAuthnContext { comparison, classes, order })
    }

    /// The comparison.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        self.comparison
    }

    /// The requested classes. If there are none, any class is accepted.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The order of strength, the weakest first.
    #[must_use]
    pub fn order(&self) -> &[String] {
        &self.order
    }

    /// Returns whether any class is accepted.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.classes.is_empty()
    }

    /// Returns whether an answer with that class meets the request.
    #[must_use]
    pub fn accepts(&self, class: &str) -> bool {
        let rank = |class: &str| self.order.iter().position(|other| other == class);
        let ranks = || self.classes.iter().filter_map(|class| rank(class));
        match (self.comparison, rank(class)) {
            _ if self.is_any() => true,
            (Comparison::Exact, _) => self.classes.iter().any(|requested| requested == class),
            (_, None) => false,
            (Comparison::Minimum, Some(actual)) => ranks().min().is_some_and(|weakest| actual >= weakest),
            (Comparison::Maximum, Some(actual)) => ranks().max().is_some_and(|strongest| actual <= strongest),
            (Comparison::Better, Some(actual)) => ranks().max().is_some_and(|strongest| actual > strongest),
        }
    }
}

fn owned<I>(classes: I) -> Vec<String>
where
    I: IntoIterator,
    I::Item: Into<String>,
{
    classes.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: [&str; 4] = ["a", "b", "c", "d"];

    /// The comparison, the requested classes, and which of a, b, c, d and x (x is not in the order) meet it.
    const CASES: &[(Comparison, &[&str], &str)] = &[
        (Comparison::Exact, &[], "abcdx"),
        (Comparison::Exact, &["b"], "b"),
        (Comparison::Exact, &["x", "c"], "cx"),
        (Comparison::Minimum, &["b"], "bcd"),
        (Comparison::Minimum, &["c", "b"], "bcd"),
        (Comparison::Maximum, &["b"], "ab"),
        (Comparison::Maximum, &["b", "c"], "abc"),
        (Comparison::Better, &["b"], "cd"),
        (Comparison::Better, &["a", "c"], "d"),
        (Comparison::Better, &["d"], ""),
    ];

    #[test]
    fn every_comparison() {
        for (comparison, classes, expected) in CASES {
            let requested =
                RequestedAuthnContext::compared(*comparison, classes.iter().copied(), ORDER).unwrap();
            let accepted: String =
                ["a", "b", "c", "d", "x"].iter().filter(|class| requested.accepts(class)).copied().collect();
            assert_eq!(accepted, *expected, "{comparison} {classes:?}");
            assert_eq!(requested.order(), ORDER);
            assert_eq!(Comparison::from_name(&comparison.to_string()), Some(*comparison));
        }
        assert_eq!(Comparison::from_name("Exact"), None);
    }

    #[test]
    fn an_order_that_cannot_be_used() {
        let reason = |comparison, classes: &[&str], order: &[&str]| {
            RequestedAuthnContext::compared(comparison, classes.iter().copied(), order.iter().copied())
                .unwrap_err()
                .to_string()
        };
        assert!(reason(Comparison::Minimum, &["b", "x"], &ORDER).contains("“x” is not"));
        assert!(reason(Comparison::Exact, &["a"], &["a", "b", "a"]).contains("“a” occurs twice"));
        assert!(reason(Comparison::Better, &[], &ORDER).contains("is missing"));
    }
}
