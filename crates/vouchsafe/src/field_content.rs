//! The kinds of content that a value can have instead of the expected message, each with a description and a hint.

/// The recognised content of a posted, pasted or configured value that is not what was expected.
///
/// It explains a refusal and never leads to an acceptance: content that is found this way is never read as a message.
///
/// ```
/// use vouchsafe::FieldContent;
///
/// assert_eq!(FieldContent::of(b"PD94bWwg-_8"), Some(FieldContent::Base64Url));
/// assert_eq!(FieldContent::of(b"<samlp:Response/>"), Some(FieldContent::Xml));
/// assert_eq!(FieldContent::of(b"\x00\x01"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldContent {
    /// The value is empty or white space.
    Empty,
    /// XML without an encoding around it.
    Xml,
    /// XML in UTF-16.
    Utf16,
    /// XML that declares another encoding than UTF-8 and is not UTF-8.
    OtherEncoding,
    /// XML, compressed with DEFLATE.
    Deflated,
    /// XML, compressed with DEFLATE inside a zlib header.
    Zlib,
    /// Base64 of base64.
    DoubleBase64,
    /// Base64 in which `-` and `_` stand for `+` and `/`.
    Base64Url,
    /// Base64 in which spaces stand where `+` was.
    SpacesForPlus,
    /// Base64 that is still percent-encoded.
    PercentEncoded,
    /// Base64 that is percent-encoded twice.
    PercentEncodedTwice,
    /// Base64 as it is written in the source of a page, with `&#43;` for `+`.
    CharacterReferences,
    /// XML as hexadecimal digits.
    Hexadecimal,
    /// XML with typographic quotation marks.
    TypographicQuotes,
    /// A query string or a form with fields of SAML.
    Form,
    /// The address of a page, with a query that may hold a message.
    Address,
    /// A web page.
    WebPage,
    /// A SAML artifact (SAML Bindings 3.6.4).
    Artifact,
    /// A SOAP envelope.
    SoapEnvelope,
    /// A certificate in PEM.
    CertificatePem,
    /// A certificate in DER.
    CertificateDer,
    /// A request for a certificate (PKCS#10).
    CertificateRequest,
    /// A public key on its own, in PEM or in the SSH format.
    PublicKey,
    /// A private key.
    PrivateKey,
    /// A password-protected file of keys and certificates (PKCS#12).
    Pkcs12,
    /// The fingerprint of a certificate.
    Fingerprint,
    /// A message of SAML 1.
    OlderSaml,
    /// A message of WS-Federation or WS-Trust.
    WsFederation,
    /// A request or an answer of OpenID Connect or OAuth.
    OpenIdConnect,
    /// The discovery document of OpenID Connect.
    OpenIdDiscovery,
    /// The keys of an OpenID Connect provider (JWKS).
    KeySet,
    /// XML whose markup is escaped.
    EscapedMarkup,
    /// XML as a string of a programming language or of JSON.
    EscapedString,
    /// Base64 in quotation marks, as a `data:` address, or with other text around it.
    SurroundedBase64,
    /// Base64 that is cut off.
    TruncatedBase64,
    /// Base64 of several messages, one after the other.
    SeveralMessages,
    /// An image.
    Picture,
    /// An office document or a PDF.
    OfficeDocument,
    /// An archive, such as a ZIP file.
    Archive,
    /// A JSON Web Token.
    JsonWebToken,
    /// JSON.
    Json,
}

impl FieldContent {
    /// Returns a description, as the end of a sentence that begins with "it is" or "it looks like".
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Empty => "an empty field",
            Self::Xml => "XML that is not base64-encoded",
            Self::Utf16 => "XML in UTF-16",
            Self::OtherEncoding => "XML in another encoding than UTF-8",
            Self::Deflated => "XML compressed with DEFLATE",
            Self::Zlib => "XML compressed with DEFLATE inside a zlib header",
            Self::DoubleBase64 => "base64 of base64",
            Self::Base64Url => "base64url, in which \"-\" and \"_\" stand for \"+\" and \"/\"",
            Self::SpacesForPlus => "base64 with a space in the place of \"+\"",
            Self::PercentEncoded => "base64 that is still percent-encoded",
            Self::PercentEncodedTwice => "base64 that is percent-encoded twice",
            Self::CharacterReferences => "base64 out of the source of a page (\"&#43;\" for \"+\")",
            Self::Hexadecimal => "XML as hexadecimal digits",
            Self::TypographicQuotes => "XML with typographic quotation marks, as a word processor makes them",
            Self::Form => "a whole query string or form",
            Self::Address => "the address of a page",
            Self::WebPage => "a web page (HTML)",
            Self::Artifact => "a SAML artifact",
            Self::SoapEnvelope => "a SOAP envelope",
            Self::CertificatePem => "a certificate in PEM",
            Self::CertificateDer => "a certificate in DER, the binary form",
            Self::CertificateRequest => "a request for a certificate (CSR)",
            Self::PublicKey => "a public key without a certificate",
            Self::PrivateKey => "a private key",
            Self::Pkcs12 => "a file of keys and certificates under a password (PKCS#12)",
            Self::Fingerprint => "the fingerprint of a certificate",
            Self::OlderSaml => "a message of SAML 1",
            Self::WsFederation => "a message of WS-Federation",
            Self::OpenIdConnect => "a request or an answer of OpenID Connect",
            Self::OpenIdDiscovery => "the discovery document of OpenID Connect",
            Self::KeySet => "the keys of an OpenID Connect provider (JWKS)",
            Self::EscapedMarkup => "XML whose markup is escaped (\"&lt;\" for \"<\")",
            Self::EscapedString => "XML as a string, with a backslash before quotation marks",
            Self::SurroundedBase64 => "base64 with something around it, such as quotation marks",
            Self::TruncatedBase64 => "base64 that is cut off",
            Self::SeveralMessages => "base64 of several messages, one after the other",
            Self::Picture => "a picture",
            Self::OfficeDocument => "a document (PDF or of an office)",
            Self::Archive => "a packed file (zip or gzip)",
            Self::JsonWebToken => "a JSON Web Token",
            Self::Json => "JSON",
        }
    }

    /// Returns what to do about it if a SAML message was expected.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::Empty => "Have the sender fill in the field, and look for a proxy that empties it.",
            Self::Xml => "Have the sender encode the message in base64 (SAML Bindings 3.5.4).",
            Self::Utf16 | Self::OtherEncoding => {
                "Have the sender write the message in UTF-8: every other encoding is refused."
            }
            Self::Deflated | Self::Zlib => {
                "Have the sender post the message in base64 alone: DEFLATE compression belongs to the HTTP-Redirect binding (SAML Bindings \
                 3.4.4.1 and 3.5.4)."
            }
            Self::DoubleBase64 => "Have the sender encode the message in base64 once.",
            Self::Base64Url => {
                "Have the sender use the alphabet of base64 with \"+\" and \"/\" and percent-encode it (SAML Bindings 3.4.4.1): base64url is \
                 another encoding."
            }
            Self::SpacesForPlus => {
                "Have the sender percent-encode the field (\"%2B\" for \"+\"): in a form a bare \"+\" means a space. Look for a script, a proxy or a \
                 framework that decodes the field twice."
            }
            Self::PercentEncoded => {
                "Decode the percent-encoding of the form or query once before the value is used; look for a proxy or framework that encodes it \
                 twice."
            }
            Self::PercentEncodedTwice => {
                "Have it percent-encoded once: look for a script, a proxy or a framework that encodes the field a second time."
            }
            Self::CharacterReferences => {
                "Copy the value as the browser sends it (developer tools, Network), not out of the source of the page."
            }
            Self::Hexadecimal => {
                "Have the sender encode the message in base64; here, give the text that the digits stand for."
            }
            Self::TypographicQuotes => {
                "Give the text as it came, not by way of a mail, a chat or a word processor: they change quotation marks, and the signature with them."
            }
            Self::Form => "Give the value of the one field, SAMLResponse or SAMLRequest.",
            Self::Address => "Give the message, not the address where it is found.",
            Self::WebPage => {
                "Give the message: this is an error page or a sign-in page. Open the address in a browser to read what it says."
            }
            Self::Artifact => {
                "Set the binding of the assertion consumer at the identity provider to HTTP-POST: an artifact only refers to the message."
            }
            Self::SoapEnvelope => {
                "Set the binding of the assertion consumer at the identity provider to HTTP-POST: this message is for another endpoint."
            }
            Self::CertificatePem | Self::CertificateDer => {
                "Give the message: a certificate belongs into the metadata or the option for certificates."
            }
            Self::PrivateKey => {
                "Give the message, and treat the key as disclosed if it was sent to anybody: a private key never leaves its machine."
            }
            Self::CertificateRequest => {
                "Give the message; where a certificate is wanted, give the certificate that was issued for this request."
            }
            Self::PublicKey => {
                "Give the message; where a certificate is wanted, give the certificate itself, as the console of its owner offers it for download."
            }
            Self::Pkcs12 => {
                "Give the message; where a key is wanted, export it as PEM. Treat its private key as disclosed if the file was sent to anybody."
            }
            Self::Fingerprint => {
                "Give the message or the certificate itself: a fingerprint only names it, and no signature can be verified with it."
            }
            Self::OlderSaml => "Create the application as SAML 2.0 at the identity provider.",
            Self::WsFederation => {
                "Set the application at the identity provider up for SAML 2.0 (SAML-P) in the place of WS-Federation."
            }
            Self::OpenIdDiscovery | Self::KeySet => {
                "Give the SAML metadata, which has an address of its own in the identity provider's console: this belongs to an application that is set up for \
                 OpenID Connect."
            }
            Self::EscapedMarkup => {
                "Have the sender encode the message in base64, without escaping it as text of a page before."
            }
            Self::EscapedString => {
                "Give the text that the string stands for, without backslashes and quotation marks."
            }
            Self::SurroundedBase64 => {
                "Give the base64 alone, without quotation marks and the text around it."
            }
            Self::TruncatedBase64 => {
                "Give the value to its end. Where it came like this, look for a limit of a proxy, a log or a database column."
            }
            Self::SeveralMessages => "Give one message.",
            Self::Picture => {
                "Give the text of the message or the recording (HAR): nothing can be read from a picture of it."
            }
            Self::OfficeDocument => "Copy the message out of the document, and give it as text.",
            Self::Archive => "Unpack it, and give the file that is in it.",
            Self::JsonWebToken | Self::Json | Self::OpenIdConnect => {
                "Set the application at the identity provider up for SAML 2.0: this is an answer of OpenID Connect or of an API."
            }
        }
    }
}
