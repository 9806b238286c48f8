//! From bytes to documents: every choice takes a byte, and when there are none left, the document ends soon.

/// Bytes that decide.
#[derive(Clone, Debug)]
pub struct Choices<'a> {
    bytes: &'a [u8],
}

impl<'a> Choices<'a> {
    /// Decides by these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The next byte, 0 after the last.
    pub fn byte(&mut self) -> u8 {
        let (first, rest) = self.bytes.split_first().unwrap_or((&0, &[]));
        self.bytes = rest;
        *first
    }

    /// One of several.
    pub fn one_of<T: Copy>(&mut self, several: &[T]) -> T {
        let choice = usize::from(self.byte()).checked_rem(several.len()).unwrap_or_default();
        *several.get(choice).expect("never called with nothing to choose from")
    }

    /// Fewer than `limit`, and none after the last byte.
    pub fn count(&mut self, limit: u8) -> u8 {
        self.byte().checked_rem(limit).unwrap_or_default()
    }

    /// What is left.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }
}

/// `ID` of the root of every generated document.
pub const ROOT_ID: &str = "root";
/// `ID` of the last element that has one, if any has.
pub const INNER_ID: &str = "inner";

/// A document, which need not be namespace-well-formed but is in most cases. Its root is an element with `ID="root"`.
#[must_use]
pub fn document(choices: &mut Choices<'_>) -> String {
    let mut text = String::new();
    for _ in 0..choices.count(3) {
        text.push_str(choices.one_of(BESIDE));
    }
    let mut inner_is_free = true;
    element(choices, 0, &mut inner_is_free, &mut text);
    for _ in 0..choices.count(3) {
        text.push_str(choices.one_of(BESIDE));
    }
    text
}

const BESIDE: &[&str] = &["\n", "<!--beside-->", "<?beside the root?>", " \t", "<!---->", "<?p?>"];
const PREFIXES: &[&str] = &["", "p:", "q:", "xs:", "saml2:", "é:", ""];
const NAMES: &[&str] = &["a", "b", "Issuer", "Response", "x.y-1_", "é"];
const DECLARATIONS: &[&str] = &[
    " xmlns=\"urn:default\"",
    " xmlns=\"\"",
    " xmlns:p=\"urn:p\"",
    " xmlns:p=\"urn:other\"",
    " xmlns:q='urn:p'",
    " xmlns:q=\"urn:q?a&amp;b='\"",
    " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"",
    " xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
    " xmlns:unused='urn:unused'",
    " xmlns:é='urn:e-acute'",
    " xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
];
const ROOT_DECLARATIONS: &str = " xmlns:p='urn:p' xmlns:q='urn:q' xmlns:xs='http://www.w3.org/2001/XMLSchema' \
                                 xmlns:saml2='urn:oasis:names:tc:SAML:2.0:assertion' xmlns:é='urn:e-acute'";
const ATTRIBUTES: &[&str] = &[
    " x=\"1\"",
    " p:x=\"2\"",
    " q:x='\"'",
    " b=\"&quot;&#9;&#10;&#xD;\t\n&lt;>&amp;'\"",
    " a='é\u{2028}\u{10ffff}'",
    " xml:lang='en'",
    " xml:space=\"preserve\"",
    XML_ID,
    " xml:base='http://example.com/a/b?c'",
    " xml:base='../d/./e'",
    " xs:nil=\"true\"",
    "\n y = 'y' ",
];
const XML_ID: &str = " xml:id";
const PIECES: &[&str] = &[
    "text",
    " ",
    "\r\n",
    "\n\t",
    "&amp;&lt;&gt;&apos;&quot;",
    "&#13;",
    "&#x10FFFF;",
    "]]&gt;",
    "<![CDATA[<&]]>",
    "<![CDATA[]]>",
    "<!--comment-->",
    "<?pi data ?>",
    "<?pi?>",
    "é\u{85}\u{2028}",
    "\"'>",
    "\r",
];

fn element(choices: &mut Choices<'_>, depth: u8, inner_is_free: &mut bool, text: &mut String) {
    let (prefix, name) = (choices.one_of(PREFIXES), choices.one_of(NAMES));
    text.extend(["<", prefix, name]);
    if depth == 0 {
        text.push_str(ROOT_DECLARATIONS);
        text.extend([" ID='", ROOT_ID, "'"]);
    } else if *inner_is_free && choices.count(4) == 3 {
        *inner_is_free = false;
        text.extend([" ID=\"", INNER_ID, "\""]);
    }
    let inner_was_free = *inner_is_free;
    for _ in 0..choices.count(3) {
        let declaration = choices.one_of(DECLARATIONS);
        if depth > 0 || declaration.starts_with(" xmlns=") {
            text.push_str(declaration);
        }
    }
    for _ in 0..choices.count(4) {
        match choices.one_of(ATTRIBUTES) {
            // Identifiers are unique: no other one stands at this length.
            XML_ID => text.push_str(&format!(" xml:id=\"i{}\"", text.len())),
            attribute => text.push_str(attribute),
        }
    }
    let children = choices.count(6);
    if children == 0 && inner_was_free {
        text.push_str(choices.one_of(&["/>", " />"]));
        return;
    }
    text.push('>');
    for _ in 0..children {
        if depth < 12 && choices.count(3) == 2 {
            element(choices, depth.saturating_add(1), inner_is_free, text);
        } else {
            text.push_str(choices.one_of(PIECES));
        }
    }
    text.extend(["</", prefix, name, ">"]);
}
