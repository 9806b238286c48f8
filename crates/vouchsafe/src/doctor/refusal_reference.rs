//! Reads the reference of a refusal that a person reports: the saved page, its text, or the reference alone.

use super::complaint::{Complaint, Own};
use super::found::Found;
use super::service_log::LoggedRefusal;
use super::{Exhibit, Kind, pages};

/// Puts the reference of a refusal in the place of content in which nothing else was found. `bytes` is the file.
pub(super) fn instead_of_nothing(bytes: &[u8], found: Vec<Found>) -> Vec<Found> {
    let [one] = found.as_slice() else { return found };
    let text = String::from_utf8_lossy(bytes);
    let source = match one {
        Found::Nothing { source, complaint, .. } if !complaint.code.starts_with("page.") => source,
        // A reference beside other words may be read as base64 that is broken.
        Found::Message(read)
            if read.parsed.is_err() && read.message.wrapping != "XML" && !text.contains("SAML") =>
        {
            &read.message.source
        }
        _ => return found,
    };
    match pages::reference(&text) {
        Some(reference) => {
            vec![Found::Reference { source: source.clone(), reference: reference.to_owned() }]
        }
        None => found,
    }
}

/// Returns the references that the files name.
pub(super) fn named(found: &[Found]) -> Vec<String> {
    let references = found.iter().filter_map(|one| match one {
        Found::Reference { reference, .. } => Some(reference.clone()),
        _ => None,
    });
    references.collect()
}

/// Makes the exhibit of a reference. If a log has the refusal, the exhibit of that log explains it.
pub(super) fn judge(source: String, reference: &str, refusals: &[LoggedRefusal]) -> Exhibit {
    let is_logged = refusals.iter().any(|refusal| refusal.reference.as_deref() == Some(reference));
    let complaint = (!is_logged).then(|| unknown(reference, refusals.is_empty()));
    let mut exhibit = Exhibit::of(source, Kind::RefusalReference, complaint.into_iter().collect());
    exhibit.fact("reference", reference);
    exhibit
}

/// Complains about a reference that no log explains.
fn unknown(reference: &str, has_no_log: bool) -> Complaint {
    let complaint = Own::UnknownReference.about(reference);
    if has_no_log {
        let message = format!(
            "the service refused under the reference {reference}, and no log with a refusal is among the files"
        );
        let remedy = "Give the log of the service as well: the refusal is found in it by the reference. Only the log says what was refused.";
        return Complaint { message, remedy: remedy.to_owned(), ..complaint };
    }
    complaint
}
