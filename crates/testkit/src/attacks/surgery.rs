//! Functions that cut and join the text of a message. All other parts stay unchanged, byte for byte, so signatures
//! over them stay valid.
//!
//! A path selects elements by their local names from the root on. Of several elements with the same name, it selects
//! the first.

use vouchsafe_xml::{Document, Limits};

use crate::TestkitError;

type Text = Result<String, TestkitError>;

/// Returns the text before an element, the element, and the text after it.
pub(crate) fn cut<'x>(xml: &'x str, path: &[&str]) -> Result<(&'x str, &'x str, &'x str), TestkitError> {
    let missing = || TestkitError::message("message to be bent", "an element at the path", path.join("/"));
    let document = Document::parse(xml.as_bytes(), &Limits::default())?;
    let (root, rest) = path.split_first().ok_or_else(missing)?;
    let mut element = document.root();
    if element.local_name() != *root {
        return Err(missing());
    }
    for name in rest {
        element = element.elements().find(|child| child.local_name() == *name).ok_or_else(missing)?;
    }
    let range = element.source_range();
    let (head, after) = xml.split_at_checked(range.end).ok_or_else(missing)?;
    let (before, element) = head.split_at_checked(range.start).ok_or_else(missing)?;
    Ok((before, element, after))
}

/// Returns the element.
pub(crate) fn copy(xml: &str, path: &[&str]) -> Text {
    cut(xml, path).map(|(_, element, _)| element.to_owned())
}

/// Returns everything except the element.
pub(crate) fn without(xml: &str, path: &[&str]) -> Text {
    replace(xml, path, "")
}

/// Replaces the element by a text.
pub(crate) fn replace(xml: &str, path: &[&str], with: &str) -> Text {
    let (before, _, after) = cut(xml, path)?;
    Ok([before, with, after].concat())
}

/// Inserts a text before the element.
pub(crate) fn before(xml: &str, path: &[&str], what: &str) -> Text {
    let (before, element, after) = cut(xml, path)?;
    Ok([before, what, element, after].concat())
}

/// Inserts a text after the element.
pub(crate) fn after(xml: &str, path: &[&str], what: &str) -> Text {
    let (before, element, after) = cut(xml, path)?;
    Ok([before, element, what, after].concat())
}

/// Inserts a text at the start of the element.
pub(crate) fn prepend(xml: &str, path: &[&str], what: &str) -> Text {
    let (before, element, after) = cut(xml, path)?;
    let (start, inside, end) = opened(element);
    Ok([before, &start, what, inside, &end, after].concat())
}

/// Inserts a text at the end of the element.
pub(crate) fn append(xml: &str, path: &[&str], what: &str) -> Text {
    let (before, element, after) = cut(xml, path)?;
    let (start, inside, end) = opened(element);
    Ok([before, &start, inside, what, &end, after].concat())
}

/// Replaces the content of the element by a text.
pub(crate) fn fill(xml: &str, path: &[&str], what: &str) -> Text {
    let (before, element, after) = cut(xml, path)?;
    let (start, _, end) = opened(element);
    Ok([before, &start, what, &end, after].concat())
}

/// Adds an attribute before the others.
pub(crate) fn with_attribute(xml: &str, path: &[&str], attribute: &str) -> Text {
    let (before, element, after) = cut(xml, path)?;
    let name = element.find([' ', '>', '/']).unwrap_or(element.len());
    let (name, rest) = element.split_at_checked(name).unwrap_or((element, ""));
    Ok([before, name, " ", attribute, rest, after].concat())
}

/// Gives an attribute another value, wherever it has the old one.
pub(crate) fn set(xml: &str, attribute: &str, from: &str, to: &str) -> String {
    xml.replace(&format!(" {attribute}=\"{from}\""), &format!(" {attribute}=\"{to}\""))
}

/// Returns the text between the tags of an element without children.
pub(crate) fn text_of(element: &str) -> &str {
    element.split('>').nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default()
}

/// Returns the root element of a document, without its declaration.
pub(crate) fn root(xml: &str) -> &str {
    xml.split_once("?>").map_or(xml, |(_, root)| root).trim()
}

/// Returns the start tag, the content and the end tag. An empty tag is replaced by a start tag and an end tag.
fn opened(element: &str) -> (String, &str, String) {
    let start = tag_length(element);
    let (tag, rest) = element.split_at_checked(start).unwrap_or((element, ""));
    if let Some(tag) = tag.strip_suffix("/>") {
        let name = tag.trim_start_matches('<').split([' ', '\n', '\t']).next().unwrap_or_default();
        return (format!("{tag}>"), "", format!("</{name}>"));
    }
    let (inside, end) = rest.rfind("</").and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
    (tag.to_owned(), inside, end.to_owned())
}

/// Returns the length of the tag at the beginning in bytes: up to the first `>` outside quotes.
fn tag_length(text: &str) -> usize {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return at.saturating_add(1),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{append, fill, prepend, replace, set, with_attribute, without};

    #[test]
    fn stitches_where_it_is_told_to() {
        let xml = r#"<?xml version="1.0"?><a><b c=">"/><d>x<e/></d></a>"#;
        for (actual, expected) in [
            (without(xml, &["a", "d"]), r#"<a><b c=">"/></a>"#),
            (append(xml, &["a", "b"], "<f/>"), r#"<a><b c=">"><f/></b><d>x<e/></d></a>"#),
            (prepend(xml, &["a", "d"], "<f/>"), r#"<a><b c=">"/><d><f/>x<e/></d></a>"#),
            (append(xml, &["a", "d"], "<f/>"), r#"<a><b c=">"/><d>x<e/><f/></d></a>"#),
            (fill(xml, &["a", "d"], "y"), r#"<a><b c=">"/><d>y</d></a>"#),
            (replace(xml, &["a", "d", "e"], "<g/>"), r#"<a><b c=">"/><d>x<g/></d></a>"#),
            (with_attribute(xml, &["a", "b"], "h=\"1\""), r#"<a><b h="1" c=">"/><d>x<e/></d></a>"#),
        ] {
            assert_eq!(super::root(&actual.unwrap()), expected);
        }
        assert_eq!(set(r#"<a ID="1"/>"#, "ID", "1", "2"), r#"<a ID="2"/>"#);
        assert!(without(xml, &["a", "z"]).is_err());
    }
}
