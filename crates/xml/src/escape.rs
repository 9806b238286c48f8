//! Text as a part of HTML or XML.

/// The text as the content of an element or the value of a quoted attribute, in HTML and in XML: nothing in it is markup any more.
///
/// It is the one escape for the pages and forms of this workspace. Not for scripts, styles and addresses, where other characters matter.
///
/// ```
/// use vouchsafe_xml::escape_markup;
///
/// assert_eq!(escape_markup("<a href='x' title=\"y\">&"), "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;");
/// ```
#[must_use]
pub fn escape_markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
