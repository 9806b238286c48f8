//! `shibmd:Scope`: the domains that an identity provider may make statements about.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use vouchsafe_xml::{Element, Writer};

use crate::Warning;
use crate::bounded::{Bounded, REASONS, SCOPE_PATTERNS, SCOPES};
use crate::values::{boolean, extensions, trimmed};

/// A domain that the identity provider may use in scoped attributes and subject identifiers, which are checked with
/// it (SAML2int 17).
///
/// Domains are compared without regard to letter case. A regular expression must match the whole domain, whether it
/// has `^` and `$` or not, and its evaluation takes time linear in the domain. It matches only domains in ASCII,
/// which is their form in the DNS: some other letters fold to ASCII ones, so that the Kelvin sign would be a `k`.
#[derive(Clone, Debug)]
pub struct Scope {
    value: Box<str>,
    /// The compiled expression, if the value is a regular expression.
    pattern: Option<Arc<Regex>>,
}

impl Scope {
    /// Returns the domain, or the regular expression if [`Scope::is_pattern`].
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Returns whether `regexp="true"`: the value is a regular expression over the whole domain.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.pattern.is_some()
    }

    /// Returns whether the identity provider may use this domain.
    #[must_use]
    pub fn matches(&self, domain: &str) -> bool {
        match &self.pattern {
            Some(pattern) => domain.len() <= DOMAIN_BYTES && domain.is_ascii() && pattern.is_match(domain),
            None => self.value.eq_ignore_ascii_case(domain),
        }
    }

    /// Makes a scope of a domain.
    pub(crate) fn domain(value: impl Into<Box<str>>) -> Scope {
        Scope { value: value.into(), pattern: None }
    }

    /// Makes a scope of a regular expression over the whole domain. Returns the reason if it is not valid.
    fn pattern(value: &str) -> Result<Scope, String> {
        if value.len() > PATTERN_BYTES {
            return Err(format!("the expression has {} bytes, more than {PATTERN_BYTES}", value.len()));
        }
        let build = |expression: &str| {
            let mut builder = RegexBuilder::new(expression);
            builder.case_insensitive(true).size_limit(COMPILED_BYTES).dfa_size_limit(COMPILED_BYTES).build()
        };
        let said = |error: &regex::Error| match error {
            regex::Error::CompiledTooBig(_) => "the expression is too large when it is compiled".to_owned(),
            _ => "it is not a regular expression that can be evaluated in linear time".to_owned(),
        };
        // The expression must be valid by itself first, so that it cannot close the group that is added around it.
        build(value).map_err(|error| said(&error))?;
        let whole = build(&format!(r"\A(?:{value})\z")).map_err(|error| said(&error))?;
        Ok(Scope { value: value.into(), pattern: Some(Arc::new(whole)) })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.start("shibmd:Scope").namespace("shibmd", SHIBMD);
        writer.attribute("regexp", if self.is_pattern() { "true" } else { "false" }).text(&self.value).end();
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Scope) -> bool {
        (self.is_pattern(), &self.value) == (other.is_pattern(), &other.value)
    }
}

impl Eq for Scope {}

impl Hash for Scope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.is_pattern(), &self.value).hash(state);
    }
}

/// Reads the scopes among the extensions of these holders.
pub(crate) fn read(holders: &[Element<'_>], warnings: &mut Vec<Warning>) -> Vec<Scope> {
    let elements = holders.iter().flat_map(|holder| extensions(*holder)).filter(|one| is_known(*one));
    let mut scopes = Bounded::new("shibmd:Scope", SCOPES);
    let mut patterns = 0_usize;
    let mut ignored = Bounded::new("reasons why a shibmd:Scope cannot be used", REASONS);
    for (number, element) in (1_usize..).zip(elements) {
        let text = element.text();
        let value = trimmed(&text);
        let is_pattern = boolean(element, "regexp").map(|flag| flag.is_some_and(|flag| flag.value));
        let read = match is_pattern.map_err(|error| error.to_string()) {
            _ if value.is_empty() => continue,
            Ok(true) if patterns == SCOPE_PATTERNS => {
                Err(format!("at most {SCOPE_PATTERNS} regular expressions of one entity are evaluated"))
            }
            Ok(true) => {
                patterns = patterns.saturating_add(1);
                Scope::pattern(value)
            }
            Ok(false) => Ok(Scope::domain(value)),
            Err(reason) => Err(reason),
        };
        match read {
            Ok(scope) => scopes.push(number, scope),
            Err(reason) => ignored.push(number, (value.to_owned(), reason)),
        }
    }
    let scopes = scopes.finish(warnings);
    let ignored = ignored.finish(warnings).into_iter();
    warnings.extend(ignored.map(|(scope, reason)| Warning::ScopeIgnored { scope, reason }));
    scopes
}

/// Returns whether this module reads this extension.
pub(crate) fn is_known(extension: Element<'_>) -> bool {
    extension.is(SHIBMD, "Scope")
}

/// The namespace of the Shibboleth metadata extensions.
const SHIBMD: &str = "urn:mace:shibboleth:metadata:1.0";

/// The largest length of an expression: 1 KiB. Federations write `^(.+\.)?example\.org$`.
const PATTERN_BYTES: usize = 1_024;

/// The largest size of a compiled expression: 256 KiB.
const COMPILED_BYTES: usize = 256 * 1_024;

/// The largest length of the domain of a scoped value: 1 KiB. A domain of the DNS has at most 253 bytes.
const DOMAIN_BYTES: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_about_the_whole_domain() {
        let cases: [(&str, &[&str], &[&str]); 8] = [
            (
                r"^.+\.example\.org$",
                &["a.example.org", "A.EXAMPLE.org"],
                &["example.org", "a.example.org.evil.test"],
            ),
            (r"example\.org", &["example.org"], &["a.example.org", "example.org.evil.test", "exampleXorg"]),
            (r"a\.org|b\.org", &["a.org", "b.org"], &["xa.org", "a.orgx", "xb.org", "b.org.evil.test"]),
            (r"^a\.org$|b\.org", &["a.org", "b.org"], &["b.org.evil.test", "evil.test/b.org"]),
            (r"(?m)^a\.org$", &["a.org"], &["a.org\nb.org", "b.org\na.org"]),
            (r".*", &["anything", ""], &[]),
            (r"", &[""], &["a"]),
            (
                r"([a-z]+)+\.org",
                &["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org"],
                &["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
            ),
        ];
        for (pattern, matched, others) in cases {
            let scope = Scope::pattern(pattern).unwrap();
            assert!(scope.is_pattern() && scope.value() == pattern);
            matched.iter().for_each(|domain| assert!(scope.matches(domain), "{pattern} {domain}"));
            others.iter().for_each(|domain| assert!(!scope.matches(domain), "{pattern} {domain}"));
        }
        assert!(!Scope::pattern("kit").unwrap().matches("\u{212a}it"), "the Kelvin sign");
        assert!(!Scope::pattern(".*").unwrap().matches(&"a".repeat(1_025)));
    }

    #[test]
    fn what_is_no_expression_or_too_large() {
        let long = "a".repeat(1_025);
        for pattern in [
            "(",
            "a)|(b",
            "a)(?:",
            r"(a)\1",
            "(?=a)a",
            "[",
            "a{99999}",
            r"\w{500}{50}",
            "(?x) a # b",
            long.as_str(),
        ] {
            assert!(Scope::pattern(pattern).is_err(), "{pattern:.20}");
        }
    }

    #[test]
    fn a_domain_is_no_expression() {
        let scope = Scope::domain("example.org");
        assert!(
            scope.matches("Example.ORG") && !scope.matches("exampleXorg") && !scope.matches("a.example.org")
        );
        assert_ne!(scope, Scope::pattern("example.org").unwrap());
    }
}
