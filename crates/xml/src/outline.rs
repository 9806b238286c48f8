//! An outline cuts a large document into pieces, so that no tree of the whole is needed.

use core::fmt;
use core::ops::Range;

use memchr::memchr;

use crate::arena::{Span, index};
use crate::canonical::Canonicalization;
use crate::canonical_outline::Pieces;
use crate::canonicalizer::Canonicalizer;
use crate::in_place::InPlace;
use crate::output::Output;
use crate::parse::{self, Markup};
use crate::skim::{Skimmer, markup_end, start_tag};
use crate::sweep::Sweep;
use crate::{Document, Element, Limits, XmlError};

/// The outline of a document that is a list of similar elements, nested or not: the place of each of these elements,
/// and everything around them.
///
/// One pass over the bytes finds the *pieces*. These are the elements with one local name that are the root, or are
/// inside the root with only *groups* around them, which are elements with another local name. The document without
/// its pieces, the [`frame`](Self::frame), is parsed strictly, as by [`Document::parse`]: the groups, and everything
/// else in them. It is small: an empty element stands for each piece.
///
/// Of the pieces, only the end is searched: the tags match, and comments, sections and instructions are closed. To read
/// a piece, parse it ([`Piece::parse`]); an error in it does not affect other pieces. [`Document::parse`] accepts a
/// document if and only if its frame and all its pieces can be parsed, except for the limits.
///
/// ```
/// use vouchsafe_xml::{Limits, Outline};
/// let limits = Limits::default();
/// let list = br#"<list xmlns="urn:l"><item id="1"><a/></item><list><item id="2">&wrong;</item></list><note/></list>"#;
/// let outline = Outline::read(list, "list", "item", &limits)?;
/// let pieces: Vec<_> = outline.pieces().collect();
/// assert_eq!(pieces[0].range(), 20..44);
/// assert_eq!(pieces[0].parse(list, &limits)?.root().elements().count(), 1);
/// assert_eq!(pieces[1].parse(list, &limits).unwrap_err().code(), "xml.reference");
/// # Ok::<(), vouchsafe_xml::XmlError>(())
/// ```
#[derive(Debug)]
pub struct Outline {
    /// The local name of the groups; the next field has that of the pieces.
    group: Box<str>,
    piece: Box<str>,
    frame: Document,
    /// The nodes of the pieces in the frame.
    nodes: Vec<u32>,
    /// Their ranges in the input.
    ranges: Vec<Span>,
    /// The number of bytes that a canonical form of the whole may have.
    canonical_bytes: usize,
}

/// The canonical form that [`Outline::canonicalize`] writes.
#[derive(Clone, Copy, Debug)]
pub struct OutlineForm<'a> {
    /// The canonicalization method.
    pub method: Canonicalization,
    /// The `PrefixList` of an exclusive method, as for [`canonicalize`](crate::canonicalize).
    pub inclusive_prefixes: &'a [&'a str],
    /// Whether the comments and instructions outside the root are written too: the whole document, and not only its
    /// root element.
    pub whole: bool,
    /// An element of the frame that is omitted with all its content.
    pub omit: Option<Element<'a>>,
}

/// An observer of [`Outline::canonicalize`] while it writes.
#[expect(missing_debug_implementations, reason = "closures have none")]
pub struct OutlineWatch<'a> {
    /// A text that is searched in the values of attributes. Each piece that may contain it there is parsed into a
    /// tree.
    pub sought: Option<&'a str>,
    /// Called with these trees, and with others that were needed to write a piece.
    pub piece: &'a mut dyn FnMut(&Document),
    /// Called with all bytes that are written, in order.
    pub bytes: &'a mut dyn FnMut(&[u8]),
}

/// The canonical form that [`Outline::canonicalize`] has written.
#[derive(Debug)]
pub struct CanonicalOutline {
    bytes: Vec<u8>,
    group: Box<str>,
    piece: Box<str>,
    /// The ranges of the pieces.
    ranges: Vec<Span>,
    /// Whether the only piece is the root.
    is_piece: bool,
}

/// A piece of an [`Outline`].
#[derive(Clone, PartialEq, Eq)]
pub struct Piece<'o> {
    stub: Element<'o>,
    range: Range<usize>,
}

impl Outline {
    /// Reads the outline of a document. The groups and the pieces have these local names, in any namespace.
    ///
    /// `limits` apply to the input and to the frame. In a piece, elements deeper than `limits.depth` are counted, but
    /// their names are not compared, because such a piece is refused when it is parsed under the same limit.
    ///
    /// # Errors
    /// The part outside the pieces is not well-formed as for [`Document::parse`], or a piece has no end.
    pub fn read(input: &[u8], group: &str, piece: &str, limits: &Limits) -> Result<Outline, XmlError> {
        let Markup { bytes, mark } = parse::markup_of(input, limits)?;
        let found = find_pieces(bytes, group.as_bytes(), piece.as_bytes(), limits.depth);
        let (ranges, is_root) = found.map_err(|error| error.shifted(mark))?;
        let cutting = Cutting::of(bytes, piece, ranges, is_root);
        Outline::from_cutting(cutting, group, piece, mark, limits, input.len())
    }

    /// Makes the outline. `mark` is the length in bytes of the byte order mark before the cut bytes.
    fn from_cutting(
        mut cutting: Cutting,
        group: &str,
        piece: &str,
        mark: usize,
        limits: &Limits,
        length: usize,
    ) -> Result<Outline, XmlError> {
        let frame = core::mem::take(&mut cutting.frame);
        let frame = parse::parse_owned(frame, cutting.ranges.len(), limits).map_err(|error| {
            let by = cutting.taken_before(error.offset().unwrap_or_default());
            error.shifted(by.saturating_add(mark))
        })?;
        let mut nodes = Vec::with_capacity(cutting.ranges.len());
        collect(frame.root(), group, piece, &mut nodes);
        if nodes.len() != cutting.ranges.len() {
            // The parser and the cutter read the same names, so this does not happen.
            return Err(XmlError::Syntax { problem: "its elements cannot be told apart", offset: 0 });
        }
        let mut ranges = cutting.ranges;
        for range in &mut ranges {
            *range = Span::new(
                (range.start as usize).saturating_add(mark),
                (range.end as usize).saturating_add(mark),
            );
        }
        let canonical_bytes = limits.canonical_bytes(length);
        Ok(Outline { group: group.into(), piece: piece.into(), frame, nodes, ranges, canonical_bytes })
    }

    /// Writes the canonical form of the input that the outline was read from, or of its root element. The form is
    /// written over the parts of the input that were read already. So the memory is that of the input and of one
    /// piece, unless the form is longer than the input.
    ///
    /// The bytes are those that [`canonicalize_document_without`](crate::canonicalize_document_without) or
    /// [`canonicalize`](crate::canonicalize) writes for a tree of the input. A piece with a plain spelling is written
    /// while it is checked; any other piece is parsed into a tree, which is dropped after it was written. `limits`
    /// apply to a piece. The number of bytes that may be written follows from the limits of [`read`](Self::read) for
    /// the whole.
    ///
    /// ```
    /// use vouchsafe_xml::{Canonicalization, Limits, Outline, OutlineForm, OutlineWatch};
    /// let limits = Limits::default();
    /// let list = b"<list xmlns='urn:l'><item b='2' a='1'/><item/></list>".to_vec();
    /// let outline = Outline::read(&list, "list", "item", &limits)?;
    /// let form =
    ///     OutlineForm { method: Canonicalization::EXCLUSIVE, inclusive_prefixes: &[], whole: false, omit: None };
    /// let mut length = 0;
    /// let mut count = |bytes: &[u8]| length += bytes.len();
    /// let watch = OutlineWatch { sought: None, piece: &mut |_| {}, bytes: &mut count };
    /// let form = outline.canonicalize(list, form, &limits, watch)?;
    /// assert_eq!(form.bytes(), br#"<list xmlns="urn:l"><item a="1" b="2"></item><item></item></list>"#);
    /// assert_eq!(length, form.bytes().len());
    /// # Ok::<(), vouchsafe_xml::XmlError>(())
    /// ```
    ///
    /// # Errors
    /// The error of a piece that cannot be parsed, with the offset in the input, and [`XmlError::Limit`] if there are
    /// more canonical bytes than are allowed.
    pub fn canonicalize(
        &self,
        input: Vec<u8>,
        form: OutlineForm<'_>,
        limits: &Limits,
        watch: OutlineWatch<'_>,
    ) -> Result<CanonicalOutline, XmlError> {
        let root = self.frame.root();
        let input = InPlace::new(input);
        let mut sink = input.overwriter(watch.bytes);
        let pieces = Pieces {
            input: &input,
            nodes: self.nodes.iter(),
            ranges: self.ranges.iter(),
            limits,
            inclusive_prefixes: form.inclusive_prefixes,
            see: watch.piece,
            sought: watch.sought,
            surroundings: None,
            sweep: Sweep::new(form.method, form.inclusive_prefixes),
            written: Vec::with_capacity(self.ranges.len()),
            allowed: self.canonical_bytes,
        };
        let output = Output::new(&self.frame.text, &mut sink, self.canonical_bytes);
        let canonicalizer = Canonicalizer::to(output, root, form.method, form.inclusive_prefixes);
        let mut canonicalizer = canonicalizer.with_pieces(pieces);
        canonicalizer.omit(form.omit);
        if form.whole { canonicalizer.document() } else { canonicalizer.subtree(root) }?;
        let ranges = canonicalizer.ranges_written();
        let (group, piece) = (self.group.clone(), self.piece.clone());
        let is_piece = self.nodes.first() == Some(&root.node);
        Ok(CanonicalOutline { bytes: sink.end(), group, piece, ranges, is_piece })
    }

    /// Returns the document without its pieces, for each of which an empty element with its local name stands. If the only
    /// piece is the root, that element also has its prefix and its attributes.
    ///
    /// Positions and ranges of the elements are those of the frame, not of the input.
    #[must_use]
    pub const fn frame(&self) -> &Document {
        &self.frame
    }

    /// Returns the pieces, in document order.
    pub fn pieces(&self) -> impl ExactSizeIterator<Item = Piece<'_>> {
        self.nodes.iter().zip(&self.ranges).map(|(node, range)| Piece {
            stub: Element { document: &self.frame, node: *node },
            range: range.start as usize..range.end as usize,
        })
    }
}

impl CanonicalOutline {
    /// Returns the canonical form.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the canonical form without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns the canonical form and its outline, which equals the result of [`Outline::read`]. The pieces are not
    /// searched again.
    ///
    /// # Errors
    /// As for [`Outline::read`].
    pub fn into_outline(self, limits: &Limits) -> Result<(Vec<u8>, Outline), XmlError> {
        let CanonicalOutline { bytes, group, piece, ranges, is_piece } = self;
        // A canonical form has no byte order mark.
        let Markup { bytes: markup, mark } = parse::markup_of(&bytes, limits)?;
        let cutting = Cutting::of(markup, &piece, ranges, is_piece);
        let outline = Outline::from_cutting(cutting, &group, &piece, mark, limits, bytes.len())?;
        Ok((bytes, outline))
    }
}

impl<'o> Piece<'o> {
    /// Returns the empty element that stands for it in the [frame](Outline::frame).
    #[must_use]
    pub const fn stub(&self) -> Element<'o> {
        self.stub
    }

    /// Returns its range in the input, from its `<` to after its last `>`.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Parses the piece from the input that the outline was read from, with the namespaces in scope there.
    ///
    /// # Errors
    /// As for [`Document::parse_in_scope`]; offsets are those in the input.
    pub fn parse(&self, input: &[u8], limits: &Limits) -> Result<Document, XmlError> {
        let scope = self.stub.parent().map(Element::scope).unwrap_or_default();
        let piece = input.get(self.range.clone()).unwrap_or_default();
        Document::parse_in_scope(piece, &scope, limits).map_err(|error| error.shifted(self.range.start))
    }

    /// Appends its start tag, written as an empty element. So the attributes of many pieces can be read at once.
    ///
    /// ```
    /// use vouchsafe_xml::{Limits, Outline};
    /// let list = b"<list><item id='1'>one</item><item id='2'/></list>";
    /// let outline = Outline::read(list, "list", "item", &Limits::default())?;
    /// let mut heads = Vec::new();
    /// outline.pieces().for_each(|piece| piece.write_head(list, &mut heads));
    /// assert_eq!(heads, b"<item id='1'/><item id='2'/>");
    /// # Ok::<(), vouchsafe_xml::XmlError>(())
    /// ```
    pub fn write_head(&self, input: &[u8], output: &mut Vec<u8>) {
        write_head(input, self.range.start, output);
    }
}

impl fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece").field("stub", &self.stub).field("range", &self.range).finish()
    }
}

/// Appends the start tag at this offset, written as an empty element.
fn write_head(bytes: &[u8], start: usize, output: &mut Vec<u8>) {
    let Some(tag) = start_tag(bytes, start) else { return };
    let closing = if tag.is_empty { 2 } else { 1 };
    output.extend_from_slice(bytes.get(start..tag.end.saturating_sub(closing)).unwrap_or_default());
    output.extend_from_slice(b"/>");
}

/// Collects the frame's pieces by the same rule as the cutter.
fn collect(root: Element<'_>, group: &str, piece: &str, nodes: &mut Vec<u32>) {
    let mut open = Vec::new();
    let mut next = Some(root);
    while let Some(element) = next {
        if element.local_name() == piece {
            nodes.push(element.node);
        } else if element.local_name() == group {
            open.push(element.elements());
        }
        next = None;
        while let Some(children) = open.last_mut() {
            next = children.next();
            if next.is_some() {
                break;
            }
            open.pop();
        }
    }
}

/// A document that is being cut.
#[derive(Default)]
struct Cutting {
    frame: Vec<u8>,
    ranges: Vec<Span>,
    /// For each piece, the place in the frame after its stub, and how many bytes are missing up to there.
    taken: Vec<(u32, u32)>,
    /// The stub of a piece.
    stub: String,
    /// The frame has the bytes of the input up to here.
    copied: usize,
}

/// Returns the ranges of the pieces, and whether the only one is the root.
fn find_pieces(
    bytes: &[u8],
    group: &[u8],
    piece: &[u8],
    depth: usize,
) -> Result<(Vec<Span>, bool), XmlError> {
    let mut ranges = Vec::new();
    let mut skimmer = Skimmer::new(bytes, depth);
    let (mut is_root, mut root_is_piece) = (true, false);
    // The number of open elements that are neither group nor piece.
    let mut others = 0_usize;
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr(b'<', rest)) {
        let place = at.saturating_add(found);
        match bytes.get(place.saturating_add(1)) {
            Some(b'/') => {
                others = others.saturating_sub(1);
                at = place.saturating_add(2);
            }
            Some(b'!' | b'?') => match markup_end(bytes, place) {
                Some(end) => at = end,
                None => break, // the parser says what is wrong with it
            },
            _ => {
                let Some(tag) = start_tag(bytes, place) else { break };
                at = tag.end;
                let name = bytes.get(place.saturating_add(1)..tag.name_end).unwrap_or_default();
                let name = memchr(b':', name)
                    .map_or(name, |colon| name.get(colon.saturating_add(1)..).unwrap_or_default());
                if others == 0 && name == piece {
                    at = if tag.is_empty { tag.end } else { skimmer.element_end(place, &tag)? };
                    ranges.push(Span::new(place, at));
                    root_is_piece |= is_root;
                } else if !tag.is_empty && (others > 0 || name != group) {
                    others = others.saturating_add(1);
                }
                is_root = false;
            }
        }
    }
    ranges.shrink_to_fit();
    Ok((ranges, root_is_piece))
}

impl Cutting {
    /// Cuts out pieces whose ranges are known. `is_root` says whether the first is the root.
    fn of(bytes: &[u8], piece: &str, ranges: Vec<Span>, is_root: bool) -> Cutting {
        let stub = format!("<{piece}/>");
        let cut: usize = ranges.iter().map(|range| range.len()).sum();
        let rest = bytes.len().saturating_sub(cut);
        let mut cutting = Cutting {
            frame: Vec::with_capacity(rest.saturating_add(ranges.len().saturating_mul(stub.len()))),
            taken: Vec::with_capacity(ranges.len()),
            stub,
            ..Cutting::default()
        };
        for (place, range) in ranges.iter().enumerate() {
            cutting.take(bytes, *range, is_root && place == 0);
        }
        cutting.copy(bytes.get(cutting.copied..));
        cutting.ranges = ranges;
        cutting
    }

    /// Removes a piece, so that a stub stands for it. That of the root has its attributes.
    fn take(&mut self, bytes: &[u8], range: Span, is_root: bool) {
        self.copy(bytes.get(self.copied..range.start as usize));
        match is_root {
            true => write_head(bytes, range.start as usize, &mut self.frame),
            false => self.frame.extend_from_slice(self.stub.as_bytes()),
        }
        self.copied = range.end as usize;
        // A stub is not longer than its piece.
        let missing = self.copied.saturating_sub(self.frame.len());
        self.taken.push((index(self.frame.len()), index(missing)));
    }

    fn copy(&mut self, bytes: Option<&[u8]>) {
        self.frame.extend_from_slice(bytes.unwrap_or_default());
    }

    /// Returns how many bytes fewer than the input the frame has, up to this offset in the frame.
    fn taken_before(&self, offset: usize) -> usize {
        let count = self.taken.partition_point(|(place, _)| *place as usize <= offset);
        count.checked_sub(1).and_then(|last| self.taken.get(last)).map_or(0, |(_, taken)| *taken as usize)
    }
}
