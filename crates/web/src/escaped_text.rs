//! Text for a page that the application makes.

use std::fmt;

use vouchsafe::xml::escape_markup;

/// A text that may contain anything, such as a name that an identity provider sent. Its `Display` is escaped for the text
/// and the attribute values of HTML, so a page that formats it has no markup of others.
///
/// ```
/// use vouchsafe_web::EscapedText;
///
/// let text = EscapedText::new("<b>Acme</b>");
/// assert_eq!(format!("<p>{text}</p>"), "<p>&lt;b&gt;Acme&lt;/b&gt;</p>");
/// assert_eq!(text.unescaped(), "<b>Acme</b>");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EscapedText<'a>(&'a str);

impl<'a> EscapedText<'a> {
    /// Makes a text to be shown.
    #[must_use]
    pub const fn new(text: &'a str) -> EscapedText<'a> {
        EscapedText(text)
    }

    /// Returns the text as it is, for a template that escapes what it is given.
    #[must_use]
    pub const fn unescaped(self) -> &'a str {
        self.0
    }

    /// Returns whether there is no text.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for EscapedText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&escape_markup(self.0))
    }
}
