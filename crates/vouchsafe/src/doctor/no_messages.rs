//! Explains why the given content has no message in it: another protocol, or content that was not saved.

use vouchsafe_xml::Quoted;

use super::address;
use super::complaint::{Complaint, Own};
use super::har::{Entry, Recording};
use crate::FieldContent;
use crate::field_sniffing::is_of_open_id;

/// The maximum length of an address that is shown, in characters.
const ADDRESS: usize = 200;

/// Complains about an address that is given alone.
pub(crate) fn at_an_address(text: &str) -> Complaint {
    let address: String = address::without_query(text).chars().take(ADDRESS).collect();
    let message = format!("{} is an address without a SAML message", Quoted::new(&address));
    let remedy = "Nothing is loaded from the network here. Metadata: open the address, save what it answers, and give that file. A message: give \
                  the whole address with its query, or a recording of the sign-in.";
    Complaint::error(Own::NoMessage.code(), message, remedy)
}

/// Complains about a recording without a message in it.
pub(crate) fn in_a_recording(name: &str, recorded: &Recording) -> Complaint {
    let complaint = Own::NoMessage.about(name);
    let entries = || (1_usize..).zip(&recorded.entries);
    if recorded.entries.is_empty() {
        let message = format!("{} is a recording without any request", Quoted::new(name));
        return Complaint { message, ..complaint };
    }
    if let Some((place, _)) = entries().find(|(_, entry)| entry.posted_without_content()) {
        let message = format!(
            "{}: request {place} posts a form, and the recording was saved without the content of requests",
            complaint.message
        );
        let remedy = "Save the recording with the content of requests (\"Save all as HAR with content\").";
        return Complaint { message, remedy: remedy.to_owned(), ..complaint };
    }
    if let Some((place, content)) = entries().find_map(|(place, entry)| Some((place, other_protocol(entry)?)))
    {
        let message = format!("{}: request {place} is {}", complaint.message, content.description());
        return Complaint { message, remedy: content.hint().to_owned(), ..complaint };
    }
    complaint
}

/// Complains about a recording that is cut off or was changed.
pub(crate) fn in_a_broken_recording(text: &str) -> Option<Complaint> {
    let is_meant = text.contains("\"entries\"") && text.contains("\"log\"");
    let error = serde_json::from_str::<serde::de::IgnoredAny>(text).err().filter(|_| is_meant)?;
    let message = format!("a recording (HAR) that cannot be read: {error}");
    let remedy =
        "It is cut off, or somebody changed it by hand: save it again, and look for a limit on its way.";
    Some(Complaint::error(Own::Unrecognised.code(), message, remedy))
}

fn other_protocol(entry: &Entry) -> Option<FieldContent> {
    let (url, has) = (&entry.request.url, |field: &str| entry.has_posted(field));
    if url.contains("wa=wsignin1.0") || has("wresult") {
        return Some(FieldContent::WsFederation);
    }
    (is_of_open_id(url) || has("id_token")).then_some(FieldContent::OpenIdConnect)
}
