//! A large document cut into pieces, so that no tree of the whole is needed.

use core::fmt;
use core::ops::Range;

use memchr::memchr;

use crate::canonical::Canonicalization;
use crate::canonical_outline::Pieces;
use crate::canonicalizer::Canonicalizer;
use crate::in_place::InPlace;
use crate::output::Output;
use crate::parse::{self, Markup};
use crate::skim::{Skimmer, StartTag, markup_end, start_tag};
use crate::sweep::Sweep;
use crate::{Document, Element, Limits, XmlError};

/// The outline of a document that is one list of like elements, nested or not: where each of them stands, and all that stands
/// round them.
///
/// One pass over the bytes finds the *pieces*: the elements with one local name that are the root, or stand in the root through
/// nothing but *groups*, elements with another local name. What is left when the content of the pieces is taken out, the
/// [`frame`](Self::frame), is parsed strictly, as [`Document::parse`] does: the start tags of the pieces with their attributes, the
/// groups, and whatever else stands in them.
///
/// Of the content of the pieces nothing is read but where it ends: its tags match, and its comments, sections and instructions are
/// closed. Whoever wants a piece parses it ([`Piece::parse`]), and an error in it concerns no other piece. A document whose frame
/// and pieces all parse is one that [`Document::parse`] accepts, and the other way round, as far as the limits allow.
///
/// ```
/// use vouchsafe_xml::{Limits, Outline};
/// let limits = Limits::default();
/// let list = br#"<list xmlns="urn:l"><item id="1"><a/></item><list><item id="2">&wrong;</item></list><note/></list>"#;
/// let outline = Outline::read(list, "list", "item", &limits)?;
/// let pieces: Vec<_> = outline.pieces().collect();
/// assert_eq!(pieces[0].range(), 20..44);
/// assert!(pieces[0].head().is("urn:l", "item"));
/// assert_eq!(pieces[1].head().attribute("id"), Some("2"));
/// assert_eq!(pieces[0].parse(list, &limits)?.root().elements().count(), 1);
/// assert_eq!(pieces[1].parse(list, &limits).unwrap_err().code(), "xml.reference");
/// # Ok::<(), vouchsafe_xml::XmlError>(())
/// ```
#[derive(Debug)]
pub struct Outline {
    /// The local names of groups and of pieces.
    group: Box<str>,
    piece: Box<str>,
    frame: Document,
    /// Nodes of the frame, and where they stand in the input.
    pieces: Vec<(u32, Range<usize>)>,
    /// How many bytes a canonical form of the whole may have.
    canonical_bytes: usize,
}

/// What [`Outline::canonicalize`] writes, and how.
#[derive(Clone, Copy, Debug)]
pub struct OutlineForm<'a> {
    /// The method.
    pub method: Canonicalization,
    /// The `PrefixList` of an exclusive method, as [`canonicalize`](crate::canonicalize) has it.
    pub inclusive_prefixes: &'a [&'a str],
    /// Whether the comments and instructions beside the root are written too: the whole document, not its root element.
    pub whole: bool,
    /// An element of the frame that is left out with everything in it.
    pub omit: Option<Element<'a>>,
}

/// An observer of [`Outline::canonicalize`] while it writes.
#[expect(missing_debug_implementations, reason = "closures have none")]
pub struct OutlineWatch<'a> {
    /// A text that is looked for in the values of attributes. A tree is made of each piece that may have it there.
    pub sought: Option<&'a str>,
    /// Is shown those trees; others too, where one was needed to write the piece.
    pub piece: &'a mut dyn FnMut(&Document),
    /// Is shown all that is written, in order.
    pub bytes: &'a mut dyn FnMut(&[u8]),
}

/// What [`Outline::canonicalize`] has written.
#[derive(Debug)]
pub struct CanonicalOutline {
    bytes: Vec<u8>,
    group: Box<str>,
    piece: Box<str>,
    /// Where the pieces stand.
    ranges: Vec<Range<usize>>,
}

/// A piece of an [`Outline`].
#[derive(Clone, PartialEq, Eq)]
pub struct Piece<'o> {
    head: Element<'o>,
    range: Range<usize>,
}

impl Outline {
    /// Reads the outline of a document whose groups and pieces have these local names, in whatever namespace.
    ///
    /// `limits` are for the input and for the frame. Elements of a piece that are deeper in it than `limits.depth` are counted
    /// and their names not compared, because a piece so deep is refused when it is parsed under the same limit.
    ///
    /// # Errors
    /// What stands outside the pieces is not as [`Document::parse`] wants it, or a piece has no end.
    pub fn read(input: &[u8], group: &str, piece: &str, limits: &Limits) -> Result<Outline, XmlError> {
        let Markup { bytes, mark } = parse::markup_of(input, limits)?;
        let cutting = Cutting::of(bytes, group.as_bytes(), piece.as_bytes(), limits.depth);
        let cutting = cutting.map_err(|error| error.shifted(mark))?;
        Outline::from_cutting(cutting, group, piece, mark, limits, input.len())
    }

    /// `mark` are the bytes before what was cut.
    fn from_cutting(
        cutting: Cutting,
        group: &str,
        piece: &str,
        mark: usize,
        limits: &Limits,
        length: usize,
    ) -> Result<Outline, XmlError> {
        let frame = Document::parse(&cutting.frame, limits).map_err(|error| {
            let by = cutting.taken_before(error.offset().unwrap_or_default());
            error.shifted(by.saturating_add(mark))
        })?;
        let mut nodes = Vec::with_capacity(cutting.ranges.len());
        collect(frame.root(), group, piece, &mut nodes);
        if nodes.len() != cutting.ranges.len() {
            // The parser and the cutter read the same names, so this does not happen.
            return Err(XmlError::Syntax { problem: "its elements cannot be told apart", offset: 0 });
        }
        let moved = |range: Range<usize>| range.start.saturating_add(mark)..range.end.saturating_add(mark);
        let pieces = nodes.into_iter().zip(cutting.ranges.into_iter().map(moved)).collect();
        let canonical_bytes = limits.canonical_bytes(length);
        Ok(Outline { group: group.into(), piece: piece.into(), frame, pieces, canonical_bytes })
    }

    /// Writes the canonical form of the input that the outline was read from, or of its root element. The form is written over the input,
    /// which is not needed where it was read, so that the memory is that of the input and of one piece, unless the form is longer than
    /// the input.
    ///
    /// It is what [`canonicalize_document_without`](crate::canonicalize_document_without) or
    /// [`canonicalize`](crate::canonicalize) writes of a tree of the input. A piece that is spelled plainly is written in the sweep that checks
    /// it; of any other a tree is made, and dropped when it is written. `limits` are those of a piece. The bytes that may be written are
    /// those that the limits of [`read`](Self::read) allow of the whole.
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
    /// Why a piece cannot be parsed, with the offset in the input, and [`XmlError::Limit`] when there are more canonical bytes than are
    /// allowed.
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
            rest: self.pieces.iter(),
            limits,
            inclusive_prefixes: form.inclusive_prefixes,
            see: watch.piece,
            sought: watch.sought,
            surroundings: None,
            sweep: Sweep::new(form.method, form.inclusive_prefixes),
            written: Vec::with_capacity(self.pieces.len()),
        };
        let output = Output::new(&self.frame.text, &mut sink, self.canonical_bytes);
        let canonicalizer = Canonicalizer::to(output, root, form.method, form.inclusive_prefixes);
        let mut canonicalizer = canonicalizer.with_pieces(pieces);
        canonicalizer.omit(form.omit);
        if form.whole { canonicalizer.document() } else { canonicalizer.subtree(root) }?;
        let ranges = canonicalizer.ranges_written(self.canonical_bytes);
        let (group, piece) = (self.group.clone(), self.piece.clone());
        Ok(CanonicalOutline { bytes: sink.end(), group, piece, ranges })
    }

    /// The document without the content of its pieces. Positions and ranges of its elements are those of the frame, not of the input.
    #[must_use]
    pub const fn frame(&self) -> &Document {
        &self.frame
    }

    /// The pieces, in document order.
    pub fn pieces(&self) -> impl ExactSizeIterator<Item = Piece<'_>> {
        self.pieces.iter().map(|(node, range)| Piece {
            head: Element { document: &self.frame, node: *node },
            range: range.clone(),
        })
    }
}

impl CanonicalOutline {
    /// The canonical form.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The canonical form, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The canonical form and its outline, which is the one that [`Outline::read`] reads of it. Its pieces are not looked for again.
    ///
    /// # Errors
    /// As [`Outline::read`].
    pub fn into_outline(self, limits: &Limits) -> Result<(Vec<u8>, Outline), XmlError> {
        let CanonicalOutline { bytes, group, piece, ranges } = self;
        // There is no byte order mark in a canonical form.
        let Markup { bytes: markup, mark } = parse::markup_of(&bytes, limits)?;
        let cutting = Cutting::at(markup, ranges);
        let outline = Outline::from_cutting(cutting, &group, &piece, mark, limits, bytes.len())?;
        Ok((bytes, outline))
    }
}

impl<'o> Piece<'o> {
    /// Its element in the frame: name, attributes and namespaces, without content.
    #[must_use]
    pub const fn head(&self) -> Element<'o> {
        self.head
    }

    /// Where it stands in the input, from its `<` to behind its last `>`.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Parses it out of the input that the outline was read from, in the namespaces that are in scope there.
    ///
    /// # Errors
    /// As [`Document::parse_in_scope`]; offsets are those in the input.
    pub fn parse(&self, input: &[u8], limits: &Limits) -> Result<Document, XmlError> {
        let scope = self.head.parent().map(Element::scope).unwrap_or_default();
        let piece = input.get(self.range.clone()).unwrap_or_default();
        Document::parse_in_scope(piece, &scope, limits).map_err(|error| error.shifted(self.range.start))
    }
}

impl fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece").field("head", &self.head).field("range", &self.range).finish()
    }
}

/// The frame's pieces, found by the rule that the cutter follows.
fn collect(root: Element<'_>, group: &str, piece: &str, nodes: &mut Vec<u32>) {
    let mut waiting = vec![root];
    while let Some(element) = waiting.pop() {
        if element.local_name() == piece {
            nodes.push(element.node);
        } else if element.local_name() == group {
            let begin = waiting.len();
            waiting.extend(element.elements());
            if let Some(added) = waiting.get_mut(begin..) {
                added.reverse(); // the first is taken next
            }
        }
    }
}

/// A document being cut.
#[derive(Default)]
struct Cutting {
    frame: Vec<u8>,
    ranges: Vec<Range<usize>>,
    /// For each piece where its content is missing in the frame, and how many bytes are missing up to there.
    taken: Vec<(usize, usize)>,
}

impl Cutting {
    fn of(bytes: &[u8], group: &[u8], piece: &[u8], depth: usize) -> Result<Cutting, XmlError> {
        let mut cutting = Cutting::default();
        let mut skimmer = Skimmer::new(bytes, depth);
        // Elements that are open and neither group nor piece.
        let mut others = 0_usize;
        let (mut at, mut copied) = (0, 0);
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
                        cutting.take(bytes, place..at, &tag, &mut copied);
                    } else if !tag.is_empty && (others > 0 || name != group) {
                        others = others.saturating_add(1);
                    }
                }
            }
        }
        cutting.copy(bytes.get(copied..));
        Ok(cutting)
    }

    /// Cuts out pieces that are known.
    fn at(bytes: &[u8], ranges: Vec<Range<usize>>) -> Cutting {
        let mut cutting = Cutting::default();
        let mut copied = 0;
        for range in ranges {
            if let Some(tag) = start_tag(bytes, range.start) {
                cutting.take(bytes, range, &tag, &mut copied);
            }
        }
        cutting.copy(bytes.get(copied..));
        cutting
    }

    /// Takes out the content of the piece with this start tag. Up to `copied` the frame has what is before it.
    fn take(&mut self, bytes: &[u8], range: Range<usize>, tag: &StartTag, copied: &mut usize) {
        let end = range.end;
        self.ranges.push(range);
        if !tag.is_empty {
            self.copy(bytes.get(*copied..tag.end.saturating_sub(1)));
            self.copy(Some(b"/>"));
            *copied = end;
            self.taken.push((self.frame.len(), end.saturating_sub(self.frame.len())));
        }
    }

    fn copy(&mut self, bytes: Option<&[u8]>) {
        self.frame.extend_from_slice(bytes.unwrap_or_default());
    }

    /// How many bytes fewer the frame has than the input up to this place of the frame.
    fn taken_before(&self, offset: usize) -> usize {
        let count = self.taken.partition_point(|(place, _)| *place <= offset);
        count.checked_sub(1).and_then(|last| self.taken.get(last)).map_or(0, |(_, taken)| *taken)
    }
}
