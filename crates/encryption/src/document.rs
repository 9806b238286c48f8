use vouchsafe_crypto::{PrivateKey, Provider};
use vouchsafe_xml::{Document, Element, Limits, namespace};

use crate::EncryptionError;
use crate::context::DecryptionContext;
use crate::decrypt::open;
use crate::structure::EncryptedData;

/// A document with each `xenc:EncryptedData` replaced by what it held, for people to read. Everything else stays as it is,
/// byte by byte: comments, processing instructions, white space.
///
/// This is for tools. Signatures over ciphertext do not hold in what comes out, and nothing is checked. What was decrypted
/// is searched for encrypted parts again; all of them share one budget of `limits.private_key_operations`. Decrypted text that
/// is not well-formed where it stands is escaped; if it was the whole document, it comes out alone.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use vouchsafe_crypto::{KeyKind, Provider};
/// use vouchsafe_encryption::{EncryptOptions, decrypt_document, encrypt};
/// use vouchsafe_xml::Limits;
///
/// let provider = Provider::rustcrypto();
/// let key = provider.generate_key(KeyKind::Rsa { bits: 2048 })?;
/// let sealed = encrypt("<b/>", key.public_key(), &EncryptOptions::default(), &provider)?;
/// let opened = decrypt_document(&format!("<a><!-- {{ -->{sealed}</a>"), &[key], &provider, &Limits::default())?;
/// assert_eq!(opened, "<a><!-- { --><b/></a>");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of reading the document, and as [`decrypt`](crate::decrypt), for the first part that cannot be decrypted.
pub fn decrypt_document(
    xml: &str,
    keys: &[PrivateKey],
    provider: &Provider,
    limits: &Limits,
) -> Result<String, EncryptionError> {
    let document = Document::parse(xml.as_bytes(), limits)?;
    let root = document.root();
    let mut opening = Opening { context: DecryptionContext::new(keys, provider, limits), limits };
    if !is_encrypted(root) {
        return opening.replaced(xml, root);
    }
    match opening.content(root)? {
        Content::Elements(plain) if Document::parse(plain.as_bytes(), limits).is_ok() => {
            let (before, after) = around(xml, root);
            Ok([before, &plain, after].concat())
        }
        Content::Elements(plain) | Content::Text(plain) => Ok(plain),
    }
}

struct Opening<'a> {
    context: DecryptionContext<'a>,
    limits: &'a Limits,
}

/// What stood in an EncryptedData.
enum Content {
    /// Any XML that can stand in an element, everything in it decrypted.
    Elements(String),
    /// Something else.
    Text(String),
}

impl Opening<'_> {
    /// The source of an element's document with everything encrypted in that element replaced.
    fn replaced(&mut self, source: &str, element: Element<'_>) -> Result<String, EncryptionError> {
        let mut text = String::with_capacity(source.len());
        let mut done = 0;
        for encrypted in element.descendants().filter(|one| is_encrypted(*one)) {
            let range = encrypted.source_range();
            if range.start < done {
                continue; // inside one that was replaced as a whole
            }
            text.push_str(source.get(done..range.start).unwrap_or_default());
            match self.content(encrypted)? {
                Content::Elements(plain) => text.push_str(&plain),
                Content::Text(plain) => escape(&plain, &mut text),
            }
            done = range.end;
        }
        text.push_str(source.get(done..).unwrap_or_default());
        Ok(text)
    }

    fn content(&mut self, encrypted: Element<'_>) -> Result<Content, EncryptionError> {
        let opened = open(&EncryptedData::read(encrypted)?, &mut self.context)?;
        let plain = String::from_utf8(opened.into_bytes()).map_err(|_| EncryptionError::Failed)?;
        let wrapped = [START, without_declaration(&plain), END].concat();
        let Ok(document) = Document::parse_in_scope(wrapped.as_bytes(), &encrypted.scope(), self.limits)
        else {
            return Ok(Content::Text(plain));
        };
        let replaced = self.replaced(&wrapped, document.root())?;
        let inside = replaced.strip_prefix(START).and_then(|rest| rest.strip_suffix(END));
        Ok(Content::Elements(inside.unwrap_or_default().to_owned()))
    }
}

/// An element to read content in.
const START: &str = "<content>";
const END: &str = "</content>";

fn is_encrypted(element: Element<'_>) -> bool {
    element.is(namespace::XMLENC, "EncryptedData")
}

fn around<'x>(xml: &'x str, element: Element<'_>) -> (&'x str, &'x str) {
    let range = element.source_range();
    (xml.get(..range.start).unwrap_or_default(), xml.get(range.end..).unwrap_or_default())
}

/// The declaration that stands before an element which was serialised as a document of its own.
fn without_declaration(plain: &str) -> &str {
    let trimmed = plain.trim_start_matches('\u{feff}').trim_start();
    if trimmed.starts_with("<?xml ") {
        trimmed.split_once("?>").map_or(plain, |(_, rest)| rest)
    } else {
        plain
    }
}

fn escape(plain: &str, text: &mut String) {
    for character in plain.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\r' => text.push_str("&#xD;"),
            '\t' | '\n' => text.push(character),
            // No character of XML 1.0 (2.2): it cannot be written in any way.
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => text.push(char::REPLACEMENT_CHARACTER),
            other => text.push(other),
        }
    }
}
