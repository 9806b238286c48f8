//! The writer of canonical bytes. The sink never gets more bytes than are allowed.

use crate::arena::{Span, index};
use crate::canonical::Sink;

/// Writes pieces to a sink.
///
/// Most parts of a message are canonical already. So a piece that continues the document's text where the last piece
/// ended is not copied: it extends the run, and the run is written at once when another piece comes. The written
/// bytes do not depend on this: a piece joins the run only if the text has the same bytes there.
///
/// Bytes are counted when they go to the sink, after escaping, one run at a time. The first piece that is too long is
/// not written, and neither is anything after it.
pub(crate) struct Output<'d, 's, S> {
    /// The text that contains the run.
    text: &'d [u8],
    /// The span that has not been written yet.
    run: Span,
    sink: &'s mut S,
    /// The number of bytes that may still be written.
    left: usize,
    /// Whether there were more bytes than allowed.
    is_over: bool,
}

impl<'d, 's, S: Sink> Output<'d, 's, S> {
    /// Makes a writer of at most `allowed` bytes.
    pub(crate) fn new(text: &'d str, sink: &'s mut S, allowed: usize) -> Self {
        Self { text: text.as_bytes(), run: Span::default(), sink, left: allowed, is_over: false }
    }

    /// Makes a writer to the same sink for another text. Pass the result of its [`end`](Self::end) to
    /// [`resume`](Self::resume) of this one.
    pub(crate) fn lend<'t, 'o>(&'o mut self, text: &'t str) -> Output<'t, 'o, S> {
        self.flush();
        Output {
            text: text.as_bytes(),
            run: Span::default(),
            sink: &mut *self.sink,
            left: self.left,
            is_over: self.is_over,
        }
    }

    /// Writes bytes of another text at once.
    pub(crate) fn apart(&mut self, bytes: &[u8]) {
        self.flush();
        self.write(bytes);
    }

    /// Writes all pending bytes, and returns how many more may be written.
    pub(crate) fn left(&mut self) -> usize {
        self.flush();
        self.left
    }

    /// Writes all pending bytes, and returns how many more may be written; `None` if there were too many.
    pub(crate) fn end(mut self) -> Option<usize> {
        self.flush();
        Some(self.left).filter(|_| !self.is_over)
    }

    /// Continues after the writer of [`lend`](Self::lend).
    pub(crate) const fn resume(&mut self, left: Option<usize>) {
        match left {
            Some(left) => self.left = left,
            None => self.is_over = true,
        }
    }

    /// Returns whether there were more bytes than allowed. After this, nothing is written.
    #[inline]
    pub(crate) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Writes a piece of the text.
    #[inline]
    pub(crate) fn span(&mut self, span: Span) {
        if span.start != self.run.end {
            self.flush();
            self.run.start = span.start;
        }
        self.run.end = span.end;
    }

    /// Writes bytes that need not be a part of the text.
    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let end = self.run.end as usize;
        if self.text.get(end..).is_some_and(|rest| rest.starts_with(bytes)) {
            self.run.end = index(end.saturating_add(bytes.len()));
        } else {
            self.flush();
            self.write(bytes);
        }
    }

    /// Writes text (Canonical XML 1.0, 2.3): `&`, `<`, `>` and CR are escaped.
    pub(crate) fn character_data(&mut self, span: Span) {
        let text = span.bytes_of(self.text);
        // Certificates, ciphertexts and most other texts need no escape.
        if memchr::memchr3(b'&', b'<', b'>', text).or_else(|| memchr::memchr(b'\r', text)).is_none() {
            return self.span(span);
        }
        self.escaped(text, |byte| match byte {
            b'&' => Some(b"&amp;"),
            b'<' => Some(b"&lt;"),
            b'>' => Some(b"&gt;"),
            b'\r' => Some(b"&#xD;"),
            _ => None,
        });
    }

    /// Writes the value of an attribute (Canonical XML 1.0, 2.3): `&`, `<`, `"`, tab, LF and CR are escaped.
    pub(crate) fn attribute_value(&mut self, value: &[u8]) {
        // There is no early exit, so that the compiler can use vector instructions.
        let plain = value.iter().fold(true, |plain, &byte| {
            plain & (byte >= b' ') & (byte != b'&') & (byte != b'<') & (byte != b'"')
        });
        if plain {
            return self.bytes(value);
        }
        self.escaped(value, |byte| match byte {
            b'&' => Some(b"&amp;"),
            b'<' => Some(b"&lt;"),
            b'"' => Some(b"&quot;"),
            b'\t' => Some(b"&#x9;"),
            b'\n' => Some(b"&#xA;"),
            b'\r' => Some(b"&#xD;"),
            _ => None,
        });
    }

    /// Writes all pending bytes.
    pub(crate) fn flush(&mut self) {
        if !self.run.is_empty() {
            self.write(self.run.bytes_of(self.text));
            self.run.start = self.run.end;
        }
    }

    /// Writes to the sink. No other function does.
    fn write(&mut self, bytes: &[u8]) {
        match self.left.checked_sub(bytes.len()) {
            Some(left) if !self.is_over => {
                self.left = left;
                self.sink.write(bytes);
            }
            _ => self.is_over = true,
        }
    }

    fn escaped(&mut self, text: &[u8], escape: impl Fn(u8) -> Option<&'static [u8]>) {
        self.flush();
        let mut written = 0;
        for (position, &byte) in text.iter().enumerate() {
            if let Some(escaped) = escape(byte) {
                self.write(text.get(written..position).unwrap_or_default());
                self.write(escaped);
                written = position.saturating_add(1);
                if self.is_over {
                    return;
                }
            }
        }
        self.write(text.get(written..).unwrap_or_default());
    }
}
