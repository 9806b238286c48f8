//! This module lists the accidents that can happen to a message between its signer and its verifier.

use std::fmt;

use vouchsafe_xml::Quoted;

/// An accident that explains why a signature fails: the digest or the value fits when the accident is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Explanation {
    /// White space between elements was added after signing: a program pretty-printed the message.
    Indented,
    /// White space between elements was removed after signing.
    #[non_exhaustive]
    Unindented {
        /// The white space of one indentation step before it was removed.
        indentation: &'static str,
    },
    /// White space around values was added after signing, and perhaps between elements too.
    Padded,
    /// The line ends were CR LF or CR when the message was signed.
    #[non_exhaustive]
    LineEndsLost {
        /// `CR LF` or `CR`.
        signed: &'static str,
    },
    /// Carriage returns were added after signing.
    CarriageReturnsAdded,
    /// The text was decoded or encoded in another encoding than UTF-8 on the way.
    #[non_exhaustive]
    Reencoded {
        /// The encoding that was assumed for the UTF-8 bytes: `ISO-8859-1` or `Windows-1252`.
        encoding: &'static str,
    },
    /// Characters were escaped once too often (`&amp;amp;` for `&amp;`) or once too rarely.
    EscapedAgain,
    /// Prefix declarations that were in scope when the element was signed are missing now.
    #[non_exhaustive]
    NamespacesLost {
        /// The prefixes, such as `xs`.
        prefixes: Vec<String>,
    },
    /// Prefix declarations are in scope now that were not there when the element was signed: it was put into another
    /// element afterwards.
    #[non_exhaustive]
    NamespacesGained {
        /// The prefixes.
        prefixes: Vec<String>,
    },
    /// The signer used another canonicalization than the one that the signature names.
    #[non_exhaustive]
    OtherCanonicalization {
        /// The URI of the method that fits.
        uri: &'static str,
        /// The prefixes that it treated inclusively.
        prefixes: Vec<String>,
    },
    /// The signer included comments in the digest, although a reference to an element leaves them out (XML-DSig
    /// 4.4.3.3).
    CommentsDigested,
    /// A signature inside the element was added after the element was signed.
    SignedTooEarly,
    /// The value was made with another algorithm than the one that the signature names.
    #[non_exhaustive]
    OtherAlgorithm {
        /// The URI of the algorithm that fits.
        uri: &'static str,
    },
}

impl Explanation {
    /// Returns a stable code for logs and tests, such as `autopsy.indented`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Indented => "autopsy.indented",
            Self::Unindented { .. } => "autopsy.unindented",
            Self::Padded => "autopsy.padded",
            Self::LineEndsLost { .. } => "autopsy.line_ends_lost",
            Self::CarriageReturnsAdded => "autopsy.carriage_returns_added",
            Self::Reencoded { .. } => "autopsy.reencoded",
            Self::EscapedAgain => "autopsy.escaped_again",
            Self::NamespacesLost { .. } => "autopsy.namespaces_lost",
            Self::NamespacesGained { .. } => "autopsy.namespaces_gained",
            Self::OtherCanonicalization { .. } => "autopsy.other_canonicalization",
            Self::CommentsDigested => "autopsy.comments_digested",
            Self::SignedTooEarly => "autopsy.signed_too_early",
            Self::OtherAlgorithm { .. } => "autopsy.other_algorithm",
        }
    }

    /// Returns what an operator should look at or change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Indented | Self::Unindented { .. } | Self::Padded => {
                "Find what reformats the message between the identity provider and this service: a proxy, a \
                 debugging extension, a test that pretty-prints, a program that parses and writes the XML \
                 anew. Give the bytes to the parser unchanged."
            }
            Self::LineEndsLost { .. } | Self::CarriageReturnsAdded => {
                "Find what changes line ends: a text-mode transfer, an editor, a version control system, a mail. Keep messages as binary \
                 files, or as the base64 that was posted."
            }
            Self::Reencoded { .. } => {
                "Find what decodes or encodes the message in another encoding than UTF-8: a form field read \
                 as ISO-8859-1, a file saved by an editor, a database column. Decode base64 to bytes, and \
                 give the bytes to the parser."
            }
            Self::EscapedAgain => {
                "Find what escapes or unescapes the message as text: a template that writes XML into HTML, a log from which it was copied."
            }
            Self::NamespacesLost { .. } => {
                "The element was cut out of its document, or the document was written anew without its declarations. Verify the whole \
                 document as it came; if it did come so, the signer signs before it finishes the document."
            }
            Self::NamespacesGained { .. } => {
                "The element was signed on its own with inclusive canonicalization and put into another document afterwards. Have the \
                 signer use exclusive canonicalization (http://www.w3.org/2001/10/xml-exc-c14n#), as SAML Core 5.4.3 asks."
            }
            Self::OtherCanonicalization { .. } | Self::CommentsDigested => {
                "The signer computes something else than it says; if it is the identity provider, tell its vendor the method that fits."
            }
            Self::SignedTooEarly => {
                "The signer must sign from the inside out: the Assertion first, then the Response that holds it."
            }
            Self::OtherAlgorithm { .. } => {
                "The signer names another algorithm than it uses; if it is the identity provider, set its signature algorithm again."
            }
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Indented => {
                f.write_str("white space was added between elements after signing (pretty-printing)")
            }
            Self::Unindented { indentation } => write!(
                f,
                "the white space between elements was removed after signing; each step was {}",
                Quoted::new(indentation)
            ),
            Self::Padded => {
                f.write_str("white space was added around values after signing (pretty-printing)")
            }
            Self::LineEndsLost { signed } => {
                write!(f, "the line ends were {signed} when it was signed, and are LF now")
            }
            Self::CarriageReturnsAdded => {
                f.write_str("carriage returns were added after signing (CR LF for LF)")
            }
            Self::Reencoded { encoding } => {
                write!(f, "the text was taken for {encoding} instead of UTF-8 somewhere on its way")
            }
            Self::EscapedAgain => f.write_str("characters were escaped or unescaped once more after signing"),
            Self::NamespacesLost { prefixes } => write!(
                f,
                "the declarations of these prefixes got lost after signing: {}",
                Quoted::new(&prefixes.join(" "))
            ),
            Self::NamespacesGained { prefixes } => write!(
                f,
                "these prefixes were not declared around the element when it was signed: {}",
                Quoted::new(&prefixes.join(" "))
            ),
            Self::OtherCanonicalization { uri, prefixes } if prefixes.is_empty() => {
                write!(f, "the signer canonicalized by {uri}, not by the method that the signature names")
            }
            Self::OtherCanonicalization { uri, prefixes } => write!(
                f,
                "the signer canonicalized by {uri} with PrefixList {}, not as the signature says",
                Quoted::new(&prefixes.join(" "))
            ),
            Self::CommentsDigested => {
                f.write_str("the signer digested comments, which a reference to an element leaves out")
            }
            Self::SignedTooEarly => f.write_str("it was signed before the signature inside it was put in"),
            Self::OtherAlgorithm { uri } => {
                write!(f, "the value was made by {uri}, not by the algorithm that the signature names")
            }
        }
    }
}
