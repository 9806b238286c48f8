//! Markup that begins with `<!` or `<?`: comments, CDATA sections, instructions and the XML declaration. quick-xml
//! finds where each ends.

use quick_xml::Reader;
use quick_xml::errors::{Error as TokenError, IllFormedError, SyntaxError};
use quick_xml::events::Event;

use crate::arena::{InstructionRecord, NONE, NodeKind, Span, index};
use crate::parse::Parser;
use crate::{XmlError, declaration, names};

impl Parser<'_> {
    /// Reads the markup at `start`, and returns where the next token begins.
    pub(crate) fn markup(&mut self, start: usize) -> Result<usize, XmlError> {
        let mut reader = Reader::from_str(self.source.get(start..).unwrap_or_default());
        let event = reader.read_event().map_err(|error| {
            refused(&error, start, start.saturating_add(position(reader.error_position())))
        })?;
        let end = start.saturating_add(position(reader.buffer_position()));
        match event {
            Event::Comment(_) => self.comment(start, end)?,
            Event::CData(_) => self.characters(start.saturating_add(9), end.saturating_sub(3), true)?,
            Event::PI(_) => self.instruction(start, end)?,
            Event::Decl(_) => self.declaration(start, end)?,
            Event::DocType(_) => return Err(XmlError::Doctype { offset: start }),
            // No other event begins with these characters.
            Event::Start(_)
            | Event::End(_)
            | Event::Empty(_)
            | Event::Text(_)
            | Event::GeneralRef(_)
            | Event::Eof => {
                return Err(XmlError::Syntax { problem: UNREADABLE, offset: start });
            }
        }
        Ok(end)
    }

    fn comment(&mut self, start: usize, end: usize) -> Result<(), XmlError> {
        self.refuse_outside_fragment("a comment", start)?;
        let (from, to) = (start.saturating_add(4), end.saturating_sub(3));
        let text = self.between(from, to);
        if text.ends_with('-') || memchr::memmem::find(text.as_bytes(), b"--").is_some() {
            return Err(XmlError::Syntax { problem: "“--” is in a comment", offset: start });
        }
        self.flush()?;
        let span = self.normalised(from, to);
        self.within("value_bytes", span.len(), self.limits.value_bytes, start)?;
        self.push(NodeKind::Comment(span), start)?;
        Ok(())
    }

    fn instruction(&mut self, start: usize, end: usize) -> Result<(), XmlError> {
        self.refuse_outside_fragment("a processing instruction", start)?;
        let (from, to) = (start.saturating_add(2), end.saturating_sub(2));
        let content = self.between(from, to);
        let length = content.bytes().position(names::is_white_space).unwrap_or(content.len());
        let target = content.get(..length).unwrap_or_default();
        if target.eq_ignore_ascii_case("xml") {
            return Err(XmlError::Declaration {
                problem: "it is allowed only at the very start",
                offset: start,
            });
        }
        if !names::is_ncname(target) {
            return Err(XmlError::Name { name: target.into(), offset: from });
        }
        self.within("name_bytes", length, self.limits.name_bytes, from)?;
        let begin = names::skip_white_space(content.as_bytes(), length);
        self.flush()?;
        let data = self.normalised(from.saturating_add(begin), to);
        self.within("value_bytes", data.len(), self.limits.value_bytes, start)?;
        let target = Span::new(from, from.saturating_add(length));
        let kind = NodeKind::ProcessingInstruction(index(self.instructions.len()));
        self.instructions.push(InstructionRecord { target, data });
        self.push(kind, start)?;
        Ok(())
    }

    fn declaration(&mut self, start: usize, end: usize) -> Result<(), XmlError> {
        if start != 0 {
            return Err(XmlError::Declaration {
                problem: "it is allowed only at the very start",
                offset: start,
            });
        }
        self.refuse_outside_fragment("an XML declaration", start)?;
        declaration::check(self.between(start.saturating_add(5), end.saturating_sub(2)))
    }

    fn refuse_outside_fragment(&self, what: &'static str, offset: usize) -> Result<(), XmlError> {
        if self.fragment && self.current == NONE {
            return Err(XmlError::OutsideRoot { what, offset });
        }
        Ok(())
    }
}

const UNREADABLE: &str = "the markup cannot be read";

/// Converts an error of quick-xml. `start` is the offset of the token, `offset` that of the mistake.
fn refused(error: &TokenError, start: usize, offset: usize) -> XmlError {
    let problem = match error {
        TokenError::IllFormed(IllFormedError::MissingDoctypeName)
        | TokenError::Syntax(SyntaxError::UnclosedDoctype) => {
            return XmlError::Doctype { offset: start };
        }
        TokenError::Syntax(SyntaxError::InvalidBangMarkup) => "“<!” begins nothing that is known",
        TokenError::Syntax(SyntaxError::UnclosedPI) => "a processing instruction is not closed",
        TokenError::Syntax(SyntaxError::UnclosedXmlDecl) => "the XML declaration is not closed",
        TokenError::Syntax(SyntaxError::UnclosedComment) => "a comment is not closed",
        TokenError::Syntax(SyntaxError::UnclosedCData) => "a CDATA section is not closed",
        _ => UNREADABLE,
    };
    XmlError::Syntax { problem, offset }
}

fn position(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
