//! Reads messages in forms, queries and pages that post a form, and reports why a service would refuse the whole
//! form.

use vouchsafe_crypto::base64_decode;
use vouchsafe_xml::Limits;

use super::artifact::Artifact;
use super::complaint::{Complaint, Own};
use super::exhibit::Kind;
use super::field::{self, Field};
use super::found::{Found, Message, Read, kind, message_kind, parsed};
use crate::form;
use crate::incoming::SentMessage;
use crate::posted::PostedResponse;
use crate::redirect::{SAML_REQUEST, SAML_RESPONSE};

/// The origin of a form or a query.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    InQuery,
    Posted,
    /// Its origin is not known, because somebody copied it.
    Unknown,
}

/// Reads a query string or a posted form: one SAMLRequest or SAMLResponse, or an artifact.
pub(super) fn in_form(
    name: &str,
    address: Option<String>,
    form: &str,
    came: Came,
    limits: &Limits,
) -> Option<Found> {
    let one = |field: &str| form::values(form.as_bytes(), field).into_iter().next();
    let Some((field, value)) = field::of_form(form) else {
        let value = one("SAMLart")?;
        let source = name.to_owned();
        return Some(match base64_decode(value.as_bytes()).ok().as_deref().and_then(Artifact::read) {
            Some(artifact) => Found::Artifact { source, artifact, address, step: None },
            None => Found::Nothing { source, complaint: Own::BrokenArtifact.about(""), step: None },
        });
    };
    let is_plain = || {
        let bytes = base64_decode(value.as_bytes()).unwrap_or_default();
        bytes.trim_ascii_start().starts_with(b"<")
    };
    let as_query = match came {
        Came::InQuery => true,
        Came::Posted => false,
        Came::Unknown => {
            !is_plain() && field::in_query(form, &value, limits).is_ok_and(|read| read.refused.is_none())
        }
    };
    let read =
        if as_query { field::in_query(form, &value, limits) } else { field::posted(field, &value, limits) };
    let Field { bytes, refused } = match read {
        Ok(read) => read,
        Err(complaint) => {
            return Some(Found::Nothing { source: name.to_owned(), complaint: *complaint, step: None });
        }
    };
    let is_signed = one("SigAlg").is_some() && one("Signature").is_some();
    let fields = || {
        let named = |field: &str| Some((field.to_owned(), one(field)?));
        [field, "RelayState", "SigAlg", "Signature"].into_iter().filter_map(named).collect()
    };
    let message = Message {
        source: name.to_owned(),
        bytes,
        refused,
        field: Some(field),
        wrapping: if as_query { "HTTP-Redirect" } else { "HTTP-POST" },
        address,
        query: as_query.then(|| form.to_owned()),
        signed_form: (!as_query && is_signed).then(fields),
        relay_state: one("RelayState"),
        ..Message::default()
    };
    let mut found = parsed(message, limits);
    if let Found::Message(read) = &mut found
        && !as_query
        && read.message.refused.is_none()
    {
        read.message.refused = refused_at_the_door(form, field, read, limits);
    }
    Some(found)
}

/// Returns the reason why a service refuses a form whose message can be read: the wrong field, or a repeated field.
fn refused_at_the_door(form: &str, field: &'static str, read: &Read, limits: &Limits) -> Option<Complaint> {
    let form = form.as_bytes();
    let kind = read.parsed.as_ref().ok().map(kind)?;
    let error = match kind {
        Kind::Response => PostedResponse::from_form(form, limits).err()?,
        _ if message_kind(kind).is_some() => SentMessage::from_form(form, limits).err()?,
        _ => return None,
    };
    let told = Complaint::error(error.code(), error.to_string(), error.hint());
    if kind != Kind::Response || field == SAML_RESPONSE {
        return Some(told);
    }
    let message = format!("{}; the Response is in the field {field}", told.message);
    let remedy = "Have the sender post the Response as SAMLResponse: SAMLRequest is for requests (SAML Bindings 3.5.4). Look for a script or a proxy that \
                  renames fields.";
    Some(Complaint { message, remedy: remedy.to_owned(), ..told })
}

pub(super) enum Page {
    Message(Found),
    Empty,
}

/// Reads a web page: the form that an identity provider makes the browser post, if there is one.
pub(super) fn in_page(name: &str, text: &str, limits: &Limits) -> Option<Page> {
    let beginning: String = text.chars().take(512).collect::<String>().to_ascii_lowercase();
    if !(beginning.contains("<html") || beginning.contains("<!doctype html") || beginning.contains("<form")) {
        return None;
    }
    let message = [SAML_RESPONSE, SAML_REQUEST].into_iter().find_map(|field| {
        let value = field_of_page(text, field)?;
        let source = name.to_owned();
        Some(match field::posted(field, &value, limits) {
            Ok(Field { bytes, refused }) => {
                let message = Message {
                    source,
                    bytes,
                    refused,
                    field: Some(field),
                    wrapping: "HTTP-POST",
                    relay_state: field_of_page(text, "RelayState"),
                    ..Message::default()
                };
                parsed(message, limits)
            }
            Err(complaint) => Found::Nothing { source, complaint: *complaint, step: None },
        })
    });
    Some(message.map_or(Page::Empty, Page::Message))
}

/// Returns the value of the input with that name.
fn field_of_page(text: &str, field: &str) -> Option<String> {
    let inputs = text.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
    let input = inputs.into_iter().find(|input| attribute(input, "name") == Some(field))?;
    let value = attribute(input, "value")?;
    Some(
        value
            .replace("&#x2b;", "+")
            .replace("&#x2B;", "+")
            .replace("&#43;", "+")
            .replace("&#x3d;", "=")
            .replace("&#x3D;", "=")
            .replace("&#61;", "="),
    )
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    tag.match_indices(name).find_map(|(at, _)| {
        let rest = tag.get(at.checked_add(name.len())?..)?.trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        rest.get(1..)?.split(quote).next()
    })
}
