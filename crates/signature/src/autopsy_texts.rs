//! This module undoes accidents that happen to text, on the canonical form.
//!
//! Canonical XML has one spelling for everything, so single bytes show where markup begins: every element has a start
//! tag and an end tag, `<` only begins markup, and a carriage return is written `&#xD;`.

use crate::autopsy_budget::Metered;
use crate::autopsy_explanation::Explanation;

/// Undoes an accident: writes the text as it was before. Returns `false` if the accident cannot have happened.
pub(crate) type Undo = fn(&str, &mut Metered<'_>) -> bool;

/// The accidents that can be undone with nothing but the text.
pub(crate) const SIMPLE: [(Explanation, Undo); 13] = [
    (Explanation::Indented, |text, out| {
        each_text(text, out, |text, out| out.push(if is_white(text) { "" } else { text }))
    }),
    (Explanation::Padded, |text, out| each_text(text, out, |text, out| out.push(trimmed(text)))),
    (Explanation::LineEndsLost { signed: "CR LF" }, |text, out| {
        each_text(text, out, |text, out| replaced(text, &[("\n", "&#xD;\n")], out))
    }),
    (Explanation::LineEndsLost { signed: "CR" }, |text, out| {
        each_text(text, out, |text, out| replaced(text, &[("\n", "&#xD;")], out))
    }),
    (Explanation::CarriageReturnsAdded, |text, out| {
        replaced(text, &[("&#xD;", "")], out);
        true
    }),
    (Explanation::CarriageReturnsAdded, |text, out| {
        replaced(text, &[("&#xD;\n", "\n"), ("&#xD;", "\n")], out);
        true
    }),
    (Explanation::Reencoded { encoding: "ISO-8859-1" }, |text, out| {
        each_text(text, out, |text, out| decoded(text, latin1, out))
    }),
    (Explanation::Reencoded { encoding: "Windows-1252" }, |text, out| {
        each_text(text, out, |text, out| decoded(text, windows_1252, out))
    }),
    (Explanation::Reencoded { encoding: "ISO-8859-1" }, |text, out| encoded(text, char::from, out)),
    (Explanation::Reencoded { encoding: "Windows-1252" }, |text, out| {
        encoded(text, windows_1252_character, out)
    }),
    (Explanation::EscapedAgain, |text, out| {
        each_text(text, out, |text, out| replaced(text, &UNESCAPED, out))
    }),
    (Explanation::EscapedAgain, |text, out| {
        each_text(text, out, |text, out| replaced(text, &[("&", "&amp;")], out))
    }),
    (Explanation::SignedTooEarly, without_signatures),
];

/// Characters that were escaped once too often, each with its correct form.
const UNESCAPED: [(&str, &str); 5] = [
    ("&amp;quot;", "\""),
    ("&amp;apos;", "'"),
    ("&amp;lt;", "&lt;"),
    ("&amp;gt;", "&gt;"),
    ("&amp;amp;", "&amp;"),
];

/// One piece of canonical XML.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Piece<'c> {
    Start(&'c str),
    End(&'c str),
    Text(&'c str),
    /// A comment or a processing instruction.
    Other(&'c str),
}

impl<'c> Piece<'c> {
    fn as_str(self) -> &'c str {
        match self {
            Piece::Start(text) | Piece::End(text) | Piece::Text(text) | Piece::Other(text) => text,
        }
    }
}

fn pieces(canonical: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = canonical;
    std::iter::from_fn(move || {
        let length = match rest.strip_prefix('<') {
            None => rest.find('<').unwrap_or(rest.len()),
            Some(_) if rest.starts_with("<!--") => {
                rest.find("-->").map_or(rest.len(), |end| end.saturating_add(3))
            }
            Some(_) if rest.starts_with("<?") => {
                rest.find("?>").map_or(rest.len(), |end| end.saturating_add(2))
            }
            Some(_) => tag_length(rest),
        };
        let (piece, after) = rest.split_at_checked(length).filter(|(piece, _)| !piece.is_empty())?;
        rest = after;
        Some(match piece.as_bytes() {
            [b'<', b'!' | b'?', ..] => Piece::Other(piece),
            [b'<', b'/', ..] => Piece::End(piece),
            [b'<', ..] => Piece::Start(piece),
            _ => Piece::Text(piece),
        })
    })
}

/// Returns the length in bytes of the tag at the beginning: up to the first `>` outside of attribute values.
fn tag_length(text: &str) -> usize {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return at.saturating_add(1),
            _ => {}
        }
    }
    text.len()
}

/// Writes the canonical text with `replace` applied to each text between tags.
fn each_text(canonical: &str, out: &mut Metered<'_>, replace: impl Fn(&str, &mut Metered<'_>)) -> bool {
    for piece in pieces(canonical) {
        match piece {
            Piece::Text(text) => replace(text, out),
            other => out.push(other.as_str()),
        }
        if out.is_full() {
            break;
        }
    }
    true
}

/// Writes the text with the `changes` applied from left to right. The first change that fits is used. All of them
/// begin with the same character.
fn replaced(text: &str, changes: &[(&str, &str)], out: &mut Metered<'_>) {
    let Some(first) = changes.first().and_then(|(from, _)| from.chars().next()) else {
        return out.push(text);
    };
    let (mut rest, mut from) = (text, 0);
    while let Some(found) = rest.get(from..).and_then(|tail| tail.find(first)) {
        let at = from.saturating_add(found);
        let Some((before, tail)) = rest.split_at_checked(at) else { break };
        match changes.iter().find_map(|(from, to)| Some((tail.strip_prefix(from)?, to))) {
            Some((after, to)) => {
                out.push(before);
                out.push(to);
                (rest, from) = (after, 0);
            }
            None => from = at.saturating_add(first.len_utf8()),
        }
        if out.is_full() {
            return;
        }
    }
    out.push(rest);
}

/// Removes the white space of XML at both ends. Carriage returns have the form that canonical XML gives them.
fn trimmed(text: &str) -> &str {
    let mut text = text;
    loop {
        let shorter = text.trim_matches([' ', '\t', '\n']);
        let shorter = shorter.strip_prefix("&#xD;").unwrap_or(shorter);
        let shorter = shorter.strip_suffix("&#xD;").unwrap_or(shorter);
        if shorter.len() == text.len() {
            return text;
        }
        text = shorter;
    }
}

fn is_white(text: &str) -> bool {
    trimmed(text).is_empty()
}

/// Undoes an encoding in which each byte of UTF-8 became one character. Writes the text unchanged if this cannot have
/// happened.
fn decoded(text: &str, byte: fn(char) -> Option<u8>, out: &mut Metered<'_>) {
    let bytes: Option<Vec<u8>> = if text.is_ascii() { None } else { text.chars().map(byte).collect() };
    match bytes.as_deref().map(std::str::from_utf8) {
        Some(Ok(before)) => out.push(before),
        _ => out.push(text),
    }
}

/// Writes the text as if each of its bytes were one character.
fn encoded(text: &str, character: fn(u8) -> char, out: &mut Metered<'_>) -> bool {
    let mut rest = text;
    while !rest.is_empty() && !out.is_full() {
        let plain = rest.bytes().take_while(u8::is_ascii).count();
        let (ascii, others) = rest.split_at_checked(plain).unwrap_or((rest, ""));
        out.push(ascii);
        let special = others.bytes().take_while(|byte| !byte.is_ascii()).count();
        let (special, after) = others.split_at_checked(special).unwrap_or((others, ""));
        special.bytes().for_each(|byte| out.push(character(byte).encode_utf8(&mut [0; 4])));
        rest = after;
    }
    true
}

fn latin1(character: char) -> Option<u8> {
    u8::try_from(u32::from(character)).ok()
}

/// Returns the byte of a character in Windows-1252. The five undefined bytes stand for the characters of the same
/// number, as in browsers.
fn windows_1252(character: char) -> Option<u8> {
    let special =
        WINDOWS_1252.iter().position(|other| *other == character).and_then(|place| u8::try_from(place).ok());
    special.map(|place| place.saturating_add(0x80)).or_else(|| latin1(character))
}

fn windows_1252_character(byte: u8) -> char {
    let place = byte.checked_sub(0x80).map(usize::from);
    place.and_then(|place| WINDOWS_1252.get(place).copied()).unwrap_or_else(|| char::from(byte))
}

/// The characters of the bytes 0x80 to 0x9F in Windows-1252.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Writes the text without the signatures inside it.
fn without_signatures(canonical: &str, out: &mut Metered<'_>) -> bool {
    let mut inside: Option<(&str, usize)> = None;
    let mut found = false;
    for piece in pieces(canonical) {
        let name = tag_name(piece);
        match (inside, piece) {
            (None, Piece::Start(_)) if name.rsplit(':').next() == Some("Signature") => {
                inside = Some((name, 1));
                found = true;
            }
            (None, other) => out.push(other.as_str()),
            (Some((signature, depth)), Piece::Start(_)) if name == signature => {
                inside = Some((signature, depth.saturating_add(1)));
            }
            (Some((signature, depth)), Piece::End(_)) if name == signature => {
                inside = depth.checked_sub(1).filter(|depth| *depth > 0).map(|depth| (signature, depth));
            }
            (Some(_), _) => {}
        }
        if out.is_full() {
            break;
        }
    }
    found
}

fn tag_name(piece: Piece<'_>) -> &str {
    let tag = piece.as_str().trim_start_matches(['<', '/']);
    tag.split([' ', '>']).next().unwrap_or_default()
}

/// The layout of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The white space of one indentation step.
    pub(crate) step: &'static str,
    /// The number of elements around the outermost one.
    pub(crate) outside: usize,
    /// The index of the child of the outermost element that one more line break followed, in the place of the
    /// signature.
    pub(crate) gap: Option<usize>,
}

/// Writes the text with the white space between elements restored: each element on its own line. Returns `false` if
/// there is white space between elements already.
pub(crate) fn indented(canonical: &str, layout: Layout, out: &mut Metered<'_>) -> bool {
    let Layout { step, outside, gap } = layout;
    let mut depth = outside;
    let mut children = 0_usize;
    let mut before: Option<Piece<'_>> = None;
    let line = |out: &mut Metered<'_>, depth: usize| {
        out.push("\n");
        (0..depth).for_each(|_| out.push(step));
    };
    for piece in pieces(canonical) {
        match piece {
            Piece::Start(_) => {
                if before.is_some_and(|before| !matches!(before, Piece::Text(_))) {
                    line(out, depth);
                    let at_gap = depth == outside.saturating_add(1) && gap == Some(children);
                    if at_gap {
                        line(out, depth);
                    }
                }
                if depth == outside.saturating_add(1) {
                    children = children.saturating_add(1);
                }
                depth = depth.saturating_add(1);
            }
            Piece::End(_) => {
                depth = depth.saturating_sub(1);
                if matches!(before, Some(Piece::End(_) | Piece::Other(_))) {
                    line(out, depth);
                }
            }
            Piece::Text(text) if is_white(text) => return false,
            Piece::Text(_) | Piece::Other(_) => {}
        }
        out.push(piece.as_str());
        before = Some(piece);
        if out.is_full() {
            break;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autopsy_budget::AutopsyBudget;

    #[test]
    fn pieces_are_the_whole_text() {
        let text = r#"<a x="1>2"><b>t&gt;</b><!-- > --><?p > ?></a>"#;
        let all: Vec<Piece<'_>> = pieces(text).collect();
        assert_eq!(all.iter().map(|piece| piece.as_str()).collect::<String>(), text);
        assert_eq!(all.first(), Some(&Piece::Start(r#"<a x="1>2">"#)));
        assert_eq!(all.get(2), Some(&Piece::Text("t&gt;")));
        assert_eq!(all.len(), 7);
    }

    /// Returns the written text, or `None` if the accident cannot have happened.
    fn written(write: impl FnOnce(&mut Metered<'_>) -> bool) -> Option<String> {
        let mut budget = AutopsyBudget::default();
        let mut out = budget.meter().kept();
        write(&mut out).then(|| String::from_utf8(out.finish().unwrap().text.unwrap()).unwrap())
    }

    fn undone(explanation: &Explanation, text: &str) -> Vec<String> {
        let undo = SIMPLE.iter().filter(|(other, _)| other == explanation);
        undo.filter_map(|(_, undo)| written(|out| undo(text, out))).collect()
    }

    #[test]
    fn encodings_go_both_ways() {
        for (text, byte, before) in [
            ("Ã¼", latin1 as fn(char) -> Option<u8>, "ü"),
            ("â‚¬", windows_1252, "€"),
            ("ü", latin1, "ü"),
            ("plain", latin1, "plain"),
        ] {
            let found = written(|out| {
                decoded(text, byte, out);
                true
            });
            assert_eq!(found.as_deref(), Some(before));
        }
        assert_eq!(written(|out| encoded("a€b", windows_1252_character, out)).unwrap(), "aâ‚¬b");
        assert_eq!(written(|out| encoded("ü", char::from, out)).unwrap(), "Ã¼");
    }

    #[test]
    fn replacements_are_those_of_one_after_another() {
        for text in [
            "&amp;amp;quot;",
            "&amp;lt;b&amp;gt;&amp;",
            "&amp;apos;&amp;quot;",
            "&amp;&amp;amp;amp;",
            "&",
            "",
        ] {
            let one_by_one = text.replace("&amp;quot;", "\"").replace("&amp;apos;", "'");
            let one_by_one = one_by_one
                .replace("&amp;lt;", "&lt;")
                .replace("&amp;gt;", "&gt;")
                .replace("&amp;amp;", "&amp;");
            let found = written(|out| {
                replaced(text, &UNESCAPED, out);
                true
            });
            assert_eq!(found.unwrap(), one_by_one, "{text}");
        }
        let text = "<a>1\n2&#xD;\n3&#xD;4</a>";
        assert_eq!(
            undone(&Explanation::CarriageReturnsAdded, text),
            ["<a>1\n2\n34</a>", "<a>1\n2\n3\n4</a>"]
        );
        assert_eq!(
            undone(&Explanation::LineEndsLost { signed: "CR" }, "<a>\nb\n</a>"),
            ["<a>&#xD;b&#xD;</a>"]
        );
        assert_eq!(
            undone(&Explanation::EscapedAgain, "<a b=\"&amp;\">&amp;amp;</a>"),
            ["<a b=\"&amp;\">&amp;</a>", "<a b=\"&amp;\">&amp;amp;amp;</a>"]
        );
    }

    #[test]
    fn layout_is_made_as_pretty_printers_make_it() {
        let text = "<a><b>t</b><c><d></d></c></a>";
        let laid_out = |text, step, gap| written(|out| indented(text, Layout { step, outside: 0, gap }, out));
        assert_eq!(laid_out(text, "  ", None).unwrap(), "<a>\n  <b>t</b>\n  <c>\n    <d></d>\n  </c>\n</a>");
        assert_eq!(laid_out(text, " ", Some(1)).unwrap(), "<a>\n <b>t</b>\n \n <c>\n  <d></d>\n </c>\n</a>");
        assert_eq!(laid_out("<a> <b></b></a>", " ", None), None);
    }

    #[test]
    fn inner_signatures_go_with_what_is_in_them() {
        let text = "<r><a><ds:Signature x=\"1\"><ds:Signature></ds:Signature>v</ds:Signature>t</a></r>";
        assert_eq!(undone(&Explanation::SignedTooEarly, text), ["<r><a>t</a></r>"]);
        assert_eq!(undone(&Explanation::SignedTooEarly, "<r></r>"), Vec::<String>::new());
    }
}
