//! The cost of a regular expression, counted before it is compiled.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The number of bytes of literals and ranges of classes, where a repeated part counts as often as it is compiled: `\w`
/// has about 800, `[a-z]` has one.
pub(crate) fn weight(expression: &Hir) -> usize {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Unicode(class)) => class.ranges().len(),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len(),
        HirKind::Repetition(repetition) => {
            let times = usize::try_from(repetition.max.unwrap_or(repetition.min)).unwrap_or(usize::MAX);
            weight(&repetition.sub).saturating_mul(times.max(1))
        }
        HirKind::Capture(capture) => weight(&capture.sub).saturating_add(1),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(weight).fold(1, usize::saturating_add)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_weighs_so_often() {
        let of = |text: &str| weight(&regex_syntax::parse(text).unwrap());
        assert_eq!(of("[a-z]"), 1);
        assert_eq!(of("abc"), 3);
        assert!((500..2_000).contains(&of(r"\w")), "{}", of(r"\w"));
        assert_eq!(of(r"\w+"), of(r"\w"));
        assert_eq!(of(r"\w{5}"), 5 * of(r"\w"));
        assert_eq!(of(r"(?:\w{2,5}){100}"), 500 * of(r"\w"));
        assert!(of("a{100000}{100000}{100000}{100000}") > 1 << 60);
    }
}
