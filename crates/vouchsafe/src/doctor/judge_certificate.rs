//! Examines a certificate on its own: its dates, and whether a signature by its key would be accepted.

use chrono::{DateTime, Utc};
use vouchsafe_crypto::Certificate;
use vouchsafe_metadata::EntityKey;
use vouchsafe_xml::Quoted;

use super::complaint::{Complaint, Own, Severity};
use super::{Doctor, Exhibit, Kind};
use crate::CertificateFacts;

pub(super) fn judge(doctor: &Doctor, source: String, certificate: &Certificate, whole: bool) -> Exhibit {
    let mut exhibit = Exhibit::of(source, Kind::Certificate, Vec::new());
    if !whole {
        exhibit.complaints.push(Own::CertificateInText.about(""));
    }
    exhibit.fact("certificate", CertificateFacts::of(certificate).to_string());
    if let Err(error) = EntityKey::from(certificate.clone()).trusted("", &doctor.provider) {
        exhibit.complaints.push(Complaint::error(error.code(), error.to_string(), error.hint()));
    }
    exhibit.complaints.extend(out_of_date(doctor, certificate));
    exhibit.complaints.sort_by_key(|complaint| complaint.severity);
    exhibit
}

fn out_of_date(doctor: &Doctor, certificate: &Certificate) -> Option<Complaint> {
    let now = doctor.judged_at.unwrap_or(doctor.now);
    let date = |seconds: Option<i64>| DateTime::<Utc>::from_timestamp(seconds?, 0);
    let name = Quoted::new(certificate.subject());
    let day = |time: DateTime<Utc>| time.format("%Y-%m-%d");
    match (date(certificate.not_before()), date(certificate.not_after())) {
        (_, Some(last)) if last < now => Some(Complaint::new(
            Severity::Warning,
            "metadata.certificate_expired",
            format!("the certificate {name} expired on {}", day(last)),
            "In metadata its key is trusted all the same, but some software looks at the date: ask its owner for the certificate that is in use now, and load \
             the metadata again.",
        )),
        (Some(first), _) if now < first => Some(Complaint::new(
            Severity::Warning,
            "metadata.certificate_not_yet_valid",
            format!("the certificate {name} is valid from {} on", day(first)),
            "It may be the next one of a roll-over: load it beside the one in use, not in its place.",
        )),
        _ => None,
    }
}
