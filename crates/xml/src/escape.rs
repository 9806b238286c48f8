//! Text that is inserted into HTML or XML.

/// Escapes a text for the content of an element or the value of a quoted attribute, in HTML and in XML. The result
/// contains no markup.
///
/// All pages and forms of this workspace use this function. Do not use it for scripts, styles and addresses, where
/// other characters must be escaped.
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
