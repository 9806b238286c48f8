//! This module finds where tags, markup and elements end, without parsing their content.
//!
//! For a text that [`Document::parse`](crate::Document::parse) accepts, each of these functions finds the same end as
//! the parser. For any other text they may find another end or none, so the caller must parse what was found.

use memchr::{memchr, memchr3, memmem};

use crate::tag::UNCLOSED;
use crate::{XmlError, names};

/// A start tag.
pub(crate) struct StartTag {
    /// The offset where its name ends. The name begins one byte after `<`.
    pub(crate) name_end: usize,
    /// The offset after its `>`.
    pub(crate) end: usize,
    /// Whether it ends with `/>`.
    pub(crate) is_empty: bool,
}

/// Finds the start tag at `start`.
pub(crate) fn start_tag(bytes: &[u8], start: usize) -> Option<StartTag> {
    let begin = start.saturating_add(1);
    let length = bytes.get(begin..)?.iter().position(|&byte| names::ends_name(byte))?;
    let name_end = begin.saturating_add(length);
    let end = tag_end(bytes, name_end)?;
    let is_empty = bytes.get(end.saturating_sub(2)) == Some(&b'/');
    Some(StartTag { name_end, end, is_empty })
}

/// Returns the offset after the first `>` outside quotes, from `at` on.
fn tag_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = bytes.get(at..)?;
        let found = memchr3(b'>', b'"', b'\'', rest)?;
        let behind = at.saturating_add(found).saturating_add(1);
        match rest.get(found)? {
            b'>' => return Some(behind),
            &quote => {
                let closing = memchr(quote, bytes.get(behind..)?)?;
                at = behind.saturating_add(closing).saturating_add(1);
            }
        }
    }
}

/// Returns the offset after the comment, CDATA section or processing instruction at `start`; `None` if it is
/// something else or has no end.
pub(crate) fn markup_end(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = bytes.get(start..)?;
    let (opening, closing) = if rest.starts_with(b"<!--") {
        (4, "-->")
    } else if rest.starts_with(b"<![CDATA[") {
        (9, "]]>")
    } else if rest.starts_with(b"<?") {
        (2, "?>")
    } else {
        return None;
    };
    let length = memmem::find(rest.get(opening..)?, closing.as_bytes())?;
    Some(start.saturating_add(opening).saturating_add(length).saturating_add(closing.len()))
}

/// Finds the ends of elements. It is reused for several elements because of its buffer.
pub(crate) struct Skimmer<'i> {
    bytes: &'i [u8],
    /// The depth up to which names are compared. Deeper elements are only counted: the parser refuses them under the
    /// same limit.
    most: usize,
    /// The begin and end of the names of the open elements.
    open: Vec<(usize, usize)>,
}

impl<'i> Skimmer<'i> {
    pub(crate) fn new(bytes: &'i [u8], most: usize) -> Self {
        Self { bytes, most, open: Vec::new() }
    }

    /// Returns the offset after the end tag of the element whose start tag is at `start`.
    pub(crate) fn element_end(&mut self, start: usize, tag: &StartTag) -> Result<usize, XmlError> {
        self.open.clear();
        self.open.push((start.saturating_add(1), tag.name_end));
        let mut deeper = 0_usize;
        let mut at = tag.end;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let Some(found) = memchr(b'<', rest) else { return Err(self.unclosed()) };
            let place = at.saturating_add(found);
            match rest.get(found.saturating_add(1)) {
                Some(b'/') if deeper > 0 => {
                    deeper = deeper.saturating_sub(1);
                    at = tag_end(self.bytes, place).ok_or(unclosed_tag(place))?;
                }
                Some(b'/') => {
                    at = self.end_tag(place)?;
                    self.open.pop();
                    if self.open.is_empty() {
                        return Ok(at);
                    }
                }
                Some(b'!' | b'?') => {
                    at = markup_end(self.bytes, place).ok_or_else(|| self.no_markup(place))?
                }
                _ => {
                    let tag = start_tag(self.bytes, place).ok_or(unclosed_tag(place))?;
                    at = tag.end;
                    if tag.is_empty {
                        continue;
                    }
                    if deeper == 0 && self.open.len() < self.most {
                        self.open.push((place.saturating_add(1), tag.name_end));
                    } else {
                        deeper = deeper.saturating_add(1);
                    }
                }
            }
        }
    }

    /// Returns the offset after the end tag at `place`, whose name must be that of the innermost element.
    fn end_tag(&self, place: usize) -> Result<usize, XmlError> {
        let expected = self.innermost();
        let from = place.saturating_add(2);
        let rest = self.bytes.get(from..).unwrap_or_default();
        if let Some(following) = rest.strip_prefix(expected) {
            let behind = from.saturating_add(expected.len());
            if following.first() == Some(&b'>') {
                return Ok(behind.saturating_add(1));
            }
            let closing = names::skip_white_space(self.bytes, behind);
            if self.bytes.get(closing) == Some(&b'>') {
                return Ok(closing.saturating_add(1));
            }
        }
        let Some(length) = memchr(b'>', rest) else { return Err(unclosed_tag(place)) };
        let (expected, actual) = (text(expected), text(rest.get(..length).unwrap_or_default()));
        Err(XmlError::EndTag { expected, actual, offset: place })
    }

    fn innermost(&self) -> &'i [u8] {
        let (start, end) = self.open.last().copied().unwrap_or_default();
        self.bytes.get(start..end).unwrap_or_default()
    }

    fn unclosed(&self) -> XmlError {
        XmlError::Unclosed { name: text(self.innermost()) }
    }

    /// Returns the reason why the markup that begins with `<!` or `<?` has no end.
    fn no_markup(&self, place: usize) -> XmlError {
        let rest = self.bytes.get(place..).unwrap_or_default();
        let begins =
            |with: &[u8]| rest.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
        let problem = if begins(b"<!DOCTYPE") {
            return XmlError::Doctype { offset: place };
        } else if begins(b"<!--") {
            "a comment is not closed"
        } else if begins(b"<![CDATA[") {
            "a CDATA section is not closed"
        } else if begins(b"<?") {
            "a processing instruction is not closed"
        } else {
            "“<!” begins nothing that is known"
        };
        XmlError::Syntax { problem, offset: place }
    }
}

const fn unclosed_tag(offset: usize) -> XmlError {
    XmlError::Syntax { problem: UNCLOSED, offset }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
