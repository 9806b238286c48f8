//! Accidents that happen to text, undone on the canonical form.
//!
//! Canonical XML has one spelling for everything, so that markup can be told from text by looking at single octets: every element has
//! both its tags, `<` begins markup and nothing else, and a carriage return is `&#xD;`.

use crate::autopsy_explanation::Explanation;
use crate::autopsy_readings::Hypothesis;

/// Where the canonical text stood.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// How many elements it was in.
    pub(crate) depth: usize,
    /// The signature that was left out stood behind so many child elements, if one was left out.
    pub(crate) gap_after: Option<usize>,
}

/// What the canonical text may have been when it was signed.
pub(crate) fn hypotheses(canonical: String, place: Place) -> impl Iterator<Item = Hypothesis> {
    let simple = SIMPLE.into_iter();
    let text = canonical.clone();
    let simple = simple.filter_map(move |(explanation, undo)| Some((explanation, undo(&text)?.into_bytes())));
    simple.chain(layouts(canonical, place))
}

/// The text with an accident undone; `None` when it cannot have happened.
type Undo = fn(&str) -> Option<String>;

const SIMPLE: [(Explanation, Undo); 13] = [
    (Explanation::Indented, |text| {
        Some(each_text(text, |text| if is_white(text) { String::new() } else { text.to_owned() }))
    }),
    (Explanation::Padded, |text| Some(each_text(text, |text| trimmed(text).to_owned()))),
    (Explanation::LineEndsLost { signed: "CR LF" }, |text| {
        Some(each_text(text, |text| text.replace('\n', "&#xD;\n")))
    }),
    (Explanation::LineEndsLost { signed: "CR" }, |text| {
        Some(each_text(text, |text| text.replace('\n', "&#xD;")))
    }),
    (Explanation::CarriageReturnsAdded, |text| Some(text.replace("&#xD;", ""))),
    (Explanation::CarriageReturnsAdded, |text| Some(text.replace("&#xD;\n", "\n").replace("&#xD;", "\n"))),
    (Explanation::Reencoded { encoding: "ISO-8859-1" }, |text| {
        Some(each_text(text, |text| decoded(text, latin1)))
    }),
    (Explanation::Reencoded { encoding: "Windows-1252" }, |text| {
        Some(each_text(text, |text| decoded(text, windows_1252)))
    }),
    (Explanation::Reencoded { encoding: "ISO-8859-1" }, |text| {
        Some(text.bytes().map(char::from).collect()) // every octet a character
    }),
    (Explanation::Reencoded { encoding: "Windows-1252" }, |text| {
        Some(text.bytes().map(windows_1252_character).collect())
    }),
    (Explanation::EscapedAgain, |text| Some(each_text(text, unescaped))),
    (Explanation::EscapedAgain, |text| Some(each_text(text, |text| text.replace('&', "&amp;")))),
    (Explanation::SignedTooEarly, without_signatures),
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

/// Octets of the tag at the beginning: up to the first `>` outside of values.
fn tag_length(text: &str) -> usize {
    let mut quoted = false;
    for (at, octet) in text.bytes().enumerate() {
        match octet {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return at.saturating_add(1),
            _ => {}
        }
    }
    text.len()
}

/// The canonical text with each text replaced.
fn each_text(canonical: &str, replace: impl Fn(&str) -> String) -> String {
    let mut all = String::with_capacity(canonical.len());
    for piece in pieces(canonical) {
        match piece {
            Piece::Text(text) => all.push_str(&replace(text)),
            other => all.push_str(other.as_str()),
        }
    }
    all
}

/// White space of XML, carriage returns as canonical XML writes them.
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

/// Characters that were escaped once too often.
fn unescaped(text: &str) -> String {
    let text = text.replace("&amp;quot;", "\"").replace("&amp;apos;", "'");
    text.replace("&amp;lt;", "&lt;").replace("&amp;gt;", "&gt;").replace("&amp;amp;", "&amp;")
}

/// The text whose octets in UTF-8 were taken for characters one by one; as it is, where it cannot have been so.
fn decoded(text: &str, octet: fn(char) -> Option<u8>) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let octets: Option<Vec<u8>> = text.chars().map(octet).collect();
    octets.and_then(|octets| String::from_utf8(octets).ok()).unwrap_or_else(|| text.to_owned())
}

fn latin1(character: char) -> Option<u8> {
    u8::try_from(u32::from(character)).ok()
}

/// The octet of a character in Windows-1252; the five octets it leaves undefined stand for themselves, as browsers have it.
fn windows_1252(character: char) -> Option<u8> {
    let special =
        WINDOWS_1252.iter().position(|other| *other == character).and_then(|place| u8::try_from(place).ok());
    special.map(|place| place.saturating_add(0x80)).or_else(|| latin1(character))
}

fn windows_1252_character(octet: u8) -> char {
    let place = octet.checked_sub(0x80).map(usize::from);
    place.and_then(|place| WINDOWS_1252.get(place).copied()).unwrap_or_else(|| char::from(octet))
}

/// The characters 0x80 to 0x9F of Windows-1252.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text without the signatures inside it.
fn without_signatures(canonical: &str) -> Option<String> {
    let mut all = String::with_capacity(canonical.len());
    let mut inside: Option<(&str, usize)> = None;
    let mut found = false;
    for piece in pieces(canonical) {
        let name = tag_name(piece);
        match (inside, piece) {
            (None, Piece::Start(_)) if name.rsplit(':').next() == Some("Signature") => {
                inside = Some((name, 1));
                found = true;
            }
            (None, other) => all.push_str(other.as_str()),
            (Some((signature, depth)), Piece::Start(_)) if name == signature => {
                inside = Some((signature, depth.saturating_add(1)));
            }
            (Some((signature, depth)), Piece::End(_)) if name == signature => {
                inside = depth.checked_sub(1).filter(|depth| *depth > 0).map(|depth| (signature, depth));
            }
            (Some(_), _) => {}
        }
    }
    found.then_some(all)
}

fn tag_name(piece: Piece<'_>) -> &str {
    let tag = piece.as_str().trim_start_matches(['<', '/']);
    tag.split([' ', '>']).next().unwrap_or_default()
}

/// The text as it was indented, if the white space between its elements was removed.
fn layouts(canonical: String, place: Place) -> impl Iterator<Item = Hypothesis> {
    let depths = if place.depth == 0 { vec![0] } else { vec![0, place.depth] };
    let gaps = match place.gap_after {
        Some(gap) => vec![None, Some(gap)],
        None => vec![None],
    };
    let cases =
        depths.into_iter().flat_map(move |depth| gaps.clone().into_iter().map(move |gap| (depth, gap)));
    let cases = cases.flat_map(|(depth, gap)| ["  ", "    ", "\t"].map(|step| (depth, gap, step)));
    cases.filter_map(move |(depth, gap, step)| {
        let text = indented(&canonical, step, depth, gap)?;
        Some((Explanation::Unindented { indentation: step }, text.into_bytes()))
    })
}

/// Each element on a line of its own. `gap` is a child of the outermost element behind which one more line break stands: where the
/// signature was. `None` when there is white space between elements already.
fn indented(canonical: &str, step: &str, outside: usize, gap: Option<usize>) -> Option<String> {
    let mut all = String::with_capacity(canonical.len().saturating_mul(2));
    let mut depth = outside;
    let mut children = 0_usize;
    let mut before: Option<Piece<'_>> = None;
    let line = |all: &mut String, depth: usize| {
        all.push('\n');
        for _ in 0..depth {
            all.push_str(step);
        }
    };
    for piece in pieces(canonical) {
        match piece {
            Piece::Start(_) => {
                if before.is_some_and(|before| !matches!(before, Piece::Text(_))) {
                    line(&mut all, depth);
                    let at_gap = depth == outside.saturating_add(1) && gap == Some(children);
                    if at_gap {
                        line(&mut all, depth);
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
                    line(&mut all, depth);
                }
            }
            Piece::Text(text) if is_white(text) => return None,
            Piece::Text(_) | Piece::Other(_) => {}
        }
        all.push_str(piece.as_str());
        before = Some(piece);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole_text() {
        let text = r#"<a x="1>2"><b>t&gt;</b><!-- > --><?p > ?></a>"#;
        let all: Vec<Piece<'_>> = pieces(text).collect();
        assert_eq!(all.iter().map(|piece| piece.as_str()).collect::<String>(), text);
        assert_eq!(all.first(), Some(&Piece::Start(r#"<a x="1>2">"#)));
        assert_eq!(all.get(2), Some(&Piece::Text("t&gt;")));
        assert_eq!(all.len(), 7);
    }

    #[test]
    fn encodings_go_both_ways() {
        assert_eq!(decoded("Ã¼", latin1), "ü");
        assert_eq!(decoded("â‚¬", windows_1252), "€");
        assert_eq!(decoded("ü", latin1), "ü");
        assert_eq!("€".bytes().map(windows_1252_character).collect::<String>(), "â‚¬");
    }

    #[test]
    fn layout_is_made_as_pretty_printers_make_it() {
        let text = "<a><b>t</b><c><d></d></c></a>";
        assert_eq!(
            indented(text, "  ", 0, None).unwrap(),
            "<a>\n  <b>t</b>\n  <c>\n    <d></d>\n  </c>\n</a>"
        );
        assert_eq!(
            indented(text, " ", 0, Some(1)).unwrap(),
            "<a>\n <b>t</b>\n \n <c>\n  <d></d>\n </c>\n</a>"
        );
        assert_eq!(indented("<a> <b></b></a>", " ", 0, None), None);
    }

    #[test]
    fn inner_signatures_go_with_what_is_in_them() {
        let text = "<r><a><ds:Signature x=\"1\"><ds:Signature></ds:Signature>v</ds:Signature>t</a></r>";
        assert_eq!(without_signatures(text).unwrap(), "<r><a>t</a></r>");
        assert_eq!(without_signatures("<r></r>"), None);
    }
}
