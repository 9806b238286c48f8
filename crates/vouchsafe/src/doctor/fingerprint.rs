//! Finds the certificate of the other files that has a fingerprint, as a console shows it.

use vouchsafe_crypto::{Certificate, own_sha1};
use vouchsafe_xml::Quoted;

use super::complaint::{Complaint, Severity};
use super::surroundings::Surroundings;
use super::{Exhibit, Kind, recognise};
use crate::FieldContent;

/// The maximum number of certificates that are named.
const TOLD: usize = 4;

/// Compares a fingerprint with every certificate of the other files.
pub(super) fn judge(source: String, digits: &str, surroundings: &Surroundings) -> Exhibit {
    let known = surroundings.all_certificates();
    if known.is_empty() {
        return Exhibit::of(
            source,
            Kind::Unrecognised,
            vec![recognise::looks_like(FieldContent::Fingerprint)],
        );
    }
    let mut same: Vec<String> = known
        .iter()
        .filter(|(_, certificate)| has(certificate, digits))
        .map(|(whose, certificate)| format!("{whose} ({})", Quoted::new(certificate.subject())))
        .collect();
    same.dedup();
    same.truncate(TOLD);
    let complaint = if same.is_empty() {
        let message =
            format!("the fingerprint is that of none of the {} certificates in the files", known.len());
        let remedy = "If the console of the identity provider shows it, the metadata here is older: load it from that console again. Some consoles show the \
                      fingerprint of another certificate too, such as the one for TLS or for encryption.";
        Complaint::new(Severity::Warning, Fault::Fingerprint.code(), message, remedy)
    } else {
        let message = format!("the fingerprint is that of {}", same.join(", "));
        Complaint::new(Severity::Note, Fault::Fingerprint.code(), message, "Nothing is to be changed for it.")
    };
    Exhibit::of(source, Kind::Unrecognised, vec![complaint])
}

#[derive(Clone, Copy)]
enum Fault {
    Fingerprint,
}

impl Fault {
    fn code(self) -> &'static str {
        match self {
            Self::Fingerprint => "doctor.fingerprint",
        }
    }
}

/// Returns whether a certificate has this SHA-256 or SHA-1, in lower-case hexadecimal digits.
fn has(certificate: &Certificate, digits: &str) -> bool {
    let sha256 = certificate.fingerprint_sha256().replace(':', "").to_ascii_lowercase();
    sha256 == digits || vouchsafe_crypto::hexadecimal(&own_sha1(certificate.der())) == digits
}
