//! Canonical octets on their way to the sink.

use crate::arena::{Span, index};
use crate::canonical::Sink;

/// Writes pieces to a sink.
///
/// Most of a message is canonical as it was sent. So a piece that continues in the document's text where the one before ended is not
/// copied: it makes the run longer, and the run is written at once when something else comes. Which octets are written does not depend
/// on it: a piece joins the run only if the text has the same octets there.
pub(crate) struct Output<'d, 's, S> {
    /// Where the run lies.
    text: &'d [u8],
    /// What is still to be written.
    run: Span,
    sink: &'s mut S,
}

impl<'d, 's, S: Sink> Output<'d, 's, S> {
    pub(crate) fn new(text: &'d str, sink: &'s mut S) -> Self {
        Self { text: text.as_bytes(), run: Span::default(), sink }
    }

    /// A piece of the text.
    #[inline]
    pub(crate) fn span(&mut self, span: Span) {
        if span.start != self.run.end {
            self.flush();
            self.run.start = span.start;
        }
        self.run.end = span.end;
    }

    /// Octets that may stand anywhere.
    #[inline]
    pub(crate) fn octets(&mut self, octets: &[u8]) {
        let end = self.run.end as usize;
        if self.text.get(end..).is_some_and(|rest| rest.starts_with(octets)) {
            self.run.end = index(end.saturating_add(octets.len()));
        } else {
            self.flush();
            self.sink.write(octets);
        }
    }

    /// Text (Canonical XML 1.0, 2.3): `&`, `<`, `>` and CR are escaped.
    pub(crate) fn character_data(&mut self, span: Span) {
        let text = span.octets_of(self.text);
        // Certificates, ciphertexts and most other text.
        if memchr::memchr3(b'&', b'<', b'>', text).or_else(|| memchr::memchr(b'\r', text)).is_none() {
            return self.span(span);
        }
        self.escaped(text, |octet| match octet {
            b'&' => Some(b"&amp;"),
            b'<' => Some(b"&lt;"),
            b'>' => Some(b"&gt;"),
            b'\r' => Some(b"&#xD;"),
            _ => None,
        });
    }

    /// The value of an attribute (Canonical XML 1.0, 2.3): `&`, `<`, `"`, tab, LF and CR are escaped.
    pub(crate) fn attribute_value(&mut self, value: &[u8]) {
        // Without an early exit, so that it becomes vector instructions.
        let plain = value.iter().fold(true, |plain, &octet| {
            plain & (octet >= b' ') & (octet != b'&') & (octet != b'<') & (octet != b'"')
        });
        if plain {
            return self.octets(value);
        }
        self.escaped(value, |octet| match octet {
            b'&' => Some(b"&amp;"),
            b'<' => Some(b"&lt;"),
            b'"' => Some(b"&quot;"),
            b'\t' => Some(b"&#x9;"),
            b'\n' => Some(b"&#xA;"),
            b'\r' => Some(b"&#xD;"),
            _ => None,
        });
    }

    /// Writes what has not been written yet.
    pub(crate) fn flush(&mut self) {
        if !self.run.is_empty() {
            self.sink.write(self.run.octets_of(self.text));
            self.run.start = self.run.end;
        }
    }

    fn escaped(&mut self, text: &[u8], escape: impl Fn(u8) -> Option<&'static [u8]>) {
        self.flush();
        let mut written = 0;
        for (position, &octet) in text.iter().enumerate() {
            if let Some(escaped) = escape(octet) {
                self.sink.write(text.get(written..position).unwrap_or_default());
                self.sink.write(escaped);
                written = position.saturating_add(1);
            }
        }
        self.sink.write(text.get(written..).unwrap_or_default());
    }
}
