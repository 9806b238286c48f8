//! The types of texts and attribute values.

use crate::names;

/// The type of a text or an attribute's value (XML Schema part 2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SimpleType {
    /// `xs:string`: any text, including the empty one.
    String,
    /// `xs:anyURI` as SAML requires it: at least one character that is not white space (saml-core-2.0-os 1.3.2).
    /// Nothing else of its form is checked.
    Uri,
    /// A list of `xs:anyURI`, separated by white space. The list may be empty.
    Uris,
    /// `xs:NCName`, and `xs:ID`, which has the same form.
    NcName,
    /// A type that is not in XML Schema: any text that is not empty and has no white space or control characters. It
    /// is for identifiers of senders that do not follow [`NcName`](Self::NcName).
    Identifier,
    /// `xs:boolean`.
    Boolean,
    /// `xs:unsignedShort`: 0 to 65535.
    UnsignedShort,
    /// `xs:nonNegativeInteger`, of any length.
    NonNegativeInteger,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// `xs:dateTime`. It is not checked here, because the code that uses the time must parse it.
    DateTime,
    /// `xs:duration`. It is not checked here, for the same reason.
    Duration,
}

impl SimpleType {
    /// Returns whether the text is of this type. White space around it is ignored, except in a string.
    #[must_use]
    pub fn accepts(self, text: &str) -> bool {
        let value = text.trim_matches([' ', '\t', '\r', '\n']);
        match self {
            SimpleType::String | SimpleType::Uris | SimpleType::DateTime | SimpleType::Duration => true,
            SimpleType::Uri => !value.is_empty(),
            SimpleType::NcName => names::is_ncname(value),
            SimpleType::Identifier => {
                !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c.is_control())
            }
            SimpleType::Boolean => matches!(value, "true" | "false" | "1" | "0"),
            SimpleType::UnsignedShort => value.parse::<u16>().is_ok(),
            SimpleType::NonNegativeInteger => is_non_negative(value),
            SimpleType::OneOf(texts) => texts.contains(&text),
        }
    }

    /// Returns a description of the type.
    #[must_use]
    pub const fn expected(self) -> &'static str {
        match self {
            SimpleType::String => "text",
            SimpleType::Uri => "a URI that is not empty",
            SimpleType::Uris => "a list of URIs",
            SimpleType::NcName => "an identifier (xs:NCName)",
            SimpleType::Identifier => "an identifier",
            SimpleType::Boolean => "true or false",
            SimpleType::UnsignedShort => "a number from 0 to 65535",
            SimpleType::NonNegativeInteger => "an xs:nonNegativeInteger",
            SimpleType::OneOf(_) => "one of the values that the schema lists",
            SimpleType::DateTime => "an xs:dateTime",
            SimpleType::Duration => "an xs:duration",
        }
    }
}

fn is_non_negative(value: &str) -> bool {
    let digits = value.strip_prefix('+').unwrap_or(value);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())) || value == "-0"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_type_accepts() {
        let cases: [(SimpleType, &[&str], &[&str]); 9] = [
            (SimpleType::String, &["", " ", "x"], &[]),
            (SimpleType::Uri, &["urn:x", " x ", "\u{a0}"], &["", " \t\r\n"]),
            (SimpleType::Uris, &["", "urn:a urn:b"], &[]),
            (SimpleType::NcName, &["_1", "id-1.2", " a ", "ä"], &["", "1", "a:b", "a b", "-a"]),
            (
                SimpleType::Identifier,
                &["_1", "28338c8c-39ab", "a:b"],
                &["", " ", "a b", "a\u{a0}b", "a\u{0}b"],
            ),
            (SimpleType::Boolean, &["true", "false", "1", " 0\n"], &["", "True", "yes"]),
            (SimpleType::UnsignedShort, &["0", "+7", "65535", "007"], &["", "-1", "65536", "1.0"]),
            (
                SimpleType::NonNegativeInteger,
                &["0", "-0", "+0", "99999999999999999999999"],
                &["", "+", "-1", "1e3", "٣"],
            ),
            (SimpleType::OneOf(&["Permit", "Deny"]), &["Permit"], &["permit", " Permit", ""]),
        ];
        for (simple_type, accepted, refused) in cases {
            for text in accepted {
                assert!(simple_type.accepts(text), "{simple_type:?} {text:?}");
            }
            for text in refused {
                assert!(!simple_type.accepts(text), "{simple_type:?} {text:?}");
            }
            assert!(!simple_type.expected().is_empty());
        }
    }
}
