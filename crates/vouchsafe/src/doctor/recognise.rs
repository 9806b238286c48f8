//! Finds the messages in the bytes of a file.

use vouchsafe_assertion::Claimed;
use vouchsafe_crypto::{Certificate, base64_decode};
use vouchsafe_xml::{Document, Limits, Quoted, XmlError};

use super::artifact::Artifact;
use super::complaint::{Complaint, Own, Severity};
use super::exhibit::Kind;
use super::field::{self, Field};
use super::forms::{Came, Page, in_form, in_page};
use super::found::{Found, Message, kind, parsed};
use super::{address, dress, har, no_messages, pages, service_log, soap};
use crate::field_beginning::begins_like_xml;
use crate::field_content::FieldContent;
use crate::field_sniffing::{fingerprint, has_typographic_quotes};
use crate::form;
use crate::redirect::SAML_RESPONSE;

/// The maximum number of messages of one recording that are examined.
const MESSAGES: usize = 64;
/// The maximum total size of the messages of one recording, in bytes.
const BYTES_OF_MESSAGES: usize = 8 * 1024 * 1024;
/// The maximum size of a file, in bytes. Recordings of a browser are large.
const BYTES: usize = 256 * 1024 * 1024;

/// Recognises the content of a file.
pub(crate) fn recognise(name: &str, bytes: &[u8], limits: &Limits) -> Vec<Found> {
    let nothing = |complaint| vec![Found::Nothing { source: name.to_owned(), complaint, step: None }];
    let name = address::without_query(name);
    let name = name.as_str();
    if bytes.len() > BYTES {
        return nothing(Own::Unrecognised.about(""));
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{FEFF}').trim();
    if text.starts_with('{') {
        return match har::read(bytes) {
            Some(recorded) => recording(name, recorded, limits),
            None => match service_log::read(text) {
                Some(refusals) => vec![Found::Log { source: name.to_owned(), refusals }],
                None => match no_messages::in_a_broken_recording(text) {
                    Some(complaint) => nothing(complaint),
                    // A program or a log may have written text around a message.
                    None => dress::taken_off(name, text, limits).map_or_else(
                        || nothing(unrecognised(bytes)),
                        |found| soap::with_contents(found, limits),
                    ),
                },
            },
        };
    }
    if let Some(certificate) = certificate_by_itself(bytes, text) {
        return vec![Found::Certificate {
            source: name.to_owned(),
            certificate,
            whole: true,
            with_key: false,
        }];
    }
    // A comment inside a document is not read as a log.
    if !text.starts_with('<')
        && let Some(refusals) = service_log::read(text)
    {
        return vec![Found::Log { source: name.to_owned(), refusals }];
    }
    if !text.starts_with('<') && text.contains("-----BEGIN ") {
        return match Certificate::from_pem(text) {
            Ok(certificate) => {
                let whole = is_certificates_alone(text);
                let with_key = text.contains("PRIVATE KEY-----");
                vec![Found::Certificate { source: name.to_owned(), certificate, whole, with_key }]
            }
            Err(error) => nothing(match FieldContent::of(bytes) {
                None | Some(FieldContent::CertificatePem) => {
                    Complaint::error(error.code(), error.to_string(), error.hint())
                }
                Some(FieldContent::PrivateKey) => Own::PrivateKey.about(""),
                Some(other) => looks_like(other),
            }),
        };
    }
    if FieldContent::of(bytes) == Some(FieldContent::Fingerprint)
        && let Some(digits) = fingerprint(text)
    {
        return vec![Found::Fingerprint { source: name.to_owned(), digits }];
    }
    if let Some(message) = unwrapped(name, text, limits) {
        return soap::with_contents(message, limits);
    }
    // Base64url comes first: the parts between `-` and `_` may be read as other base64.
    if FieldContent::of(bytes) == Some(FieldContent::Base64Url)
        && let Some(message) = refused_value(name, text, limits)
    {
        return soap::with_contents(message, limits);
    }
    if let Some(mut found) = dress::taken_off(name, text, limits) {
        if let Found::Message(read) = &mut found
            && FieldContent::of(bytes) == Some(FieldContent::SeveralMessages)
        {
            read.message.refused = field::refusal(text, limits);
        }
        return soap::with_contents(found, limits);
    }
    if text.starts_with('<') {
        return match in_page(name, text, limits) {
            Some(Page::Message(found)) => vec![found],
            Some(Page::Empty) => nothing(page_without_message(text)),
            None => {
                let message = Message {
                    source: name.to_owned(),
                    bytes: bytes.to_vec(),
                    whole: true,
                    wrapping: "XML",
                    ..Message::default()
                };
                soap::with_contents(parsed(message, limits), limits)
            }
        };
    }
    if let Some(explained) = pages::in_words(text) {
        return nothing(explained);
    }
    if let Some(refusals) = service_log::in_words(text) {
        return vec![Found::Log { source: name.to_owned(), refusals }];
    }
    if let Some(message) = refused_value(name, text, limits) {
        return soap::with_contents(message, limits);
    }
    nothing(match FieldContent::of(bytes) {
        Some(FieldContent::Address) => no_messages::at_an_address(text),
        Some(content) => looks_like(content),
        // The text may come from other software, such as from its log.
        None if text.contains("SAML") => {
            let Complaint { remedy, .. } = Own::Unrecognised.about("");
            Complaint { remedy, ..Own::NoMessage.about(name) }
        }
        None => Own::Unrecognised.about(""),
    })
}

/// Reports a known error page, a page of another protocol, or any other page.
fn page_without_message(text: &str) -> Complaint {
    if let Some(explained) = pages::explained(text) {
        return explained;
    }
    if text.contains("wsignin1.0") || text.contains("\"wresult\"") {
        return looks_like(FieldContent::WsFederation);
    }
    let mut complaint = Own::WebPage.about("");
    if let Some(title) = pages::title(text) {
        complaint.message = format!("{}; it is titled {title}", complaint.message);
    }
    complaint
}

/// Complains about content that is not SAML, and describes it if it is recognised.
fn unrecognised(bytes: &[u8]) -> Complaint {
    match FieldContent::of(bytes) {
        None => Own::Unrecognised.about(""),
        Some(content) => looks_like(content),
    }
}

pub(crate) fn looks_like(content: FieldContent) -> Complaint {
    let message = format!("no SAML message: it looks like {}", content.description());
    Complaint::error(Own::Unrecognised.code(), message, content.hint())
}

/// Explains why content that should be XML cannot be parsed.
pub(crate) fn broken(message: &Message, error: &XmlError) -> Complaint {
    if let Some(content) = FieldContent::in_the_place_of_xml(&message.bytes) {
        return looks_like(content);
    }
    let is_text = std::str::from_utf8(&message.bytes).is_ok();
    if message.wrapping != "XML" && !begins_like_a_tag(&message.bytes) && !is_text {
        return Own::OtherBase64.about("");
    }
    let text = String::from_utf8_lossy(&message.bytes);
    if begins_like_xml(&message.bytes) && has_typographic_quotes(&text) {
        return looks_like(FieldContent::TypographicQuotes);
    }
    Complaint::error(error.code(), error.to_string(), error.hint())
}

/// Returns whether a `<` is followed by the start of a tag, a declaration or a comment. Of other bytes, about one in
/// a few hundred begins with `<`.
fn begins_like_a_tag(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    matches!(bytes.trim_ascii_start(), [b'<', b'?' | b'!' | b'_' | b'a'..=b'z' | b'A'..=b'Z', ..])
}

/// Returns whether a text is certificates in PEM and nothing else. Certificates inside a mail or a page are not
/// trusted.
fn is_certificates_alone(text: &str) -> bool {
    let mut inside = false;
    text.lines().map(str::trim).all(|line| {
        match (line.starts_with("-----BEGIN "), line.starts_with("-----END ")) {
            (true, _) => !std::mem::replace(&mut inside, true),
            (_, true) => std::mem::replace(&mut inside, false),
            _ => inside || line.is_empty(),
        }
    })
}

/// Reads an address, a query string, a posted form, or base64.
fn unwrapped(name: &str, text: &str, limits: &Limits) -> Option<Found> {
    let is_address = text.starts_with("https://") || text.starts_with("http://");
    let has_field = ["SAMLResponse=", "SAMLRequest=", "SAMLart="].iter().any(|field| text.contains(field));
    if is_address || has_field {
        if text.starts_with('<') {
            return None;
        }
        let (address, query) = match text.split_once('?') {
            Some((address, query)) => {
                (is_address.then(|| address.to_owned()), query.split('#').next().unwrap_or_default())
            }
            None if is_address => return None,
            None => (None, text),
        };
        let came = if address.is_some() { Came::InQuery } else { Came::Unknown };
        return in_form(name, address, query, came, limits);
    }
    let letters = form::percent_decoded(text);
    let bytes = base64_decode(letters.as_bytes()).ok().filter(|bytes| !bytes.is_empty())?;
    if let Some(artifact) = Artifact::read(&bytes) {
        return Some(Found::Artifact { source: name.to_owned(), artifact, address: None, step: None });
    }
    let message = Message { source: name.to_owned(), wrapping: "base64", ..Message::default() };
    let read = match field::posted(SAML_RESPONSE, text, limits) {
        Ok(Field { bytes, refused: None }) => Message { bytes, ..message },
        Ok(Field { bytes, refused: Some(mut refused) }) => {
            // A value that was copied from the body of a form is percent-encoded.
            if letters != text {
                refused.severity = Severity::Warning;
            }
            Message { bytes, refused: Some(refused), ..message }
        }
        Err(_) => Message { bytes, ..message },
    };
    Some(parsed(without_remark_on_redirects(read, limits), limits))
}

/// Reads a single value that a service refuses and that can still be read.
fn refused_value(name: &str, text: &str, limits: &Limits) -> Option<Found> {
    let Field { bytes, refused } = field::by_itself(text, limits)?;
    let message = Message {
        source: name.to_owned(),
        bytes,
        refused,
        field: Some(SAML_RESPONSE),
        wrapping: "base64",
        ..Message::default()
    };
    Some(parsed(message, limits))
}

/// Removes the complaint about compression from a single value. HTTP-Redirect compresses messages, so the complaint
/// is right only for a Response, which must not travel that way.
fn without_remark_on_redirects(mut message: Message, limits: &Limits) -> Message {
    let is_response =
        || Document::parse(&message.bytes, limits).is_ok_and(|document| kind(&document) == Kind::Response);
    let is_deflated = message.refused.as_ref().is_some_and(|refused| {
        refused.code == "binding.not_xml" && refused.message.contains(FieldContent::Deflated.description())
    });
    if is_deflated && !is_response() {
        message.refused = None;
    }
    message
}

/// Complains about content in the field for answers that a service refuses there: metadata, a request or an
/// assertion.
pub(super) fn in_a_wrong_field(kind: Kind, message: &Message, limits: &Limits) -> Option<Complaint> {
    let is_wrong = kind.is_metadata() || matches!(kind, Kind::AuthnRequest | Kind::Assertion);
    let is_answer = message.field == Some(SAML_RESPONSE) && message.wrapping != "base64";
    let refusal = Claimed::parse(&message.bytes, limits).err().filter(|_| is_wrong && is_answer)?;
    Some(Complaint::error(refusal.code(), refusal.to_string(), refusal.hint()))
}

/// Reads a certificate in DER, or in base64 without the PEM lines, if there is nothing else.
fn certificate_by_itself(bytes: &[u8], text: &str) -> Option<Certificate> {
    let is_der = matches!(bytes, [0x30, 0x80..=0x84, ..]) && !bytes.is_ascii();
    let is_base64 = text.starts_with("MI") && text.len() < 64 * 1024;
    (is_der || is_base64).then(|| Certificate::from_file_contents(bytes).ok())?
}

/// Returns the messages of a recording.
fn recording(name: &str, recorded: har::Recording, limits: &Limits) -> Vec<Found> {
    let mut found = Vec::new();
    let mut bytes = 0_usize;
    for (place, entry) in (1_usize..).zip(&recorded.entries) {
        let address = address::without_query(&entry.request.url);
        let source = format!(
            "{name}, request {place}: {} {}",
            Quoted::new(&entry.request.method),
            Quoted::new(&address)
        );
        let in_query = entry
            .query()
            .and_then(|query| in_form(&source, Some(address.clone()), query, Came::InQuery, limits));
        let posted = entry
            .posted_form()
            .and_then(|form| in_form(&source, Some(address.clone()), &form, Came::Posted, limits));
        let at = place.checked_sub(1);
        for mut one in in_query.into_iter().chain(posted) {
            match &mut one {
                Found::Message(read) => {
                    read.message.time = entry.time();
                    read.message.by_tracer = recorded.by_tracer;
                    read.message.step = at;
                }
                Found::Artifact { step, .. } | Found::Nothing { step, .. } => *step = at,
                _ => {}
            }
            bytes = bytes.saturating_add(one.bytes());
            found.push(one);
        }
        if found.len() >= MESSAGES || bytes > BYTES_OF_MESSAGES {
            let complaint = Own::MoreMessages.about(&found.len().to_string());
            found.push(Found::Nothing { source: name.to_owned(), complaint, step: None });
            break;
        }
    }
    if found.is_empty() {
        let complaint = no_messages::in_a_recording(name, &recorded);
        found.push(Found::Nothing { source: name.to_owned(), complaint, step: None });
    }
    let steps = recorded.entries.into_iter().map(har::Entry::into_step).collect();
    found.push(Found::Recording { source: name.to_owned(), steps });
    found
}
