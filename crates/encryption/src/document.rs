use vouchsafe_crypto::{PrivateKey, Provider};
use vouchsafe_xml::{Document, Element, Limits, namespace};

use crate::EncryptionError;
use crate::context::DecryptionContext;
use crate::decrypt::open;
use crate::structure::EncryptedData;

/// Replaces each `xenc:EncryptedData` of a document by its decrypted content, for people to read. All other bytes of
/// the document stay unchanged: comments, processing instructions and white space.
///
/// This function is for tools. Signatures over ciphertext are not valid in the result, and nothing is checked.
/// Encrypted parts inside decrypted content are decrypted too; all parts share one budget of
/// `limits.private_key_operations`. Decrypted text that is not well-formed in its place is escaped; if the encrypted
/// part was the whole document, the result is this text alone.
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
/// The errors of parsing the document, and those of [`decrypt`](crate::decrypt) for the first part that cannot be
/// decrypted.
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

/// The decrypted content of an EncryptedData.
enum Content {
    /// XML that can stand in an element, with everything in it decrypted.
    Elements(String),
    /// Any other text.
    Text(String),
}

impl Opening<'_> {
    /// Returns the source of an element's document with all encrypted parts of that element replaced.
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

/// The element in which decrypted content is parsed.
const START: &str = "<content>";
const END: &str = "</content>";

fn is_encrypted(element: Element<'_>) -> bool {
    element.is(namespace::XMLENC, "EncryptedData")
}

fn around<'x>(xml: &'x str, element: Element<'_>) -> (&'x str, &'x str) {
    let range = element.source_range();
    (xml.get(..range.start).unwrap_or_default(), xml.get(range.end..).unwrap_or_default())
}

/// Removes the XML declaration, which stands before an element that was serialised as a document of its own.
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
            // XML 1.0 (2.2) does not allow these characters in any spelling.
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => text.push(char::REPLACEMENT_CHARACTER),
            other => text.push(other),
        }
    }
}
