//! Reports expired metadata of a sender at the message, since it is not used after its expiry.

use chrono::{DateTime, Utc};
use vouchsafe_metadata::IdentityProvider;

use super::complaint::{Complaint, Severity};
use super::{Doctor, Exhibit};

/// Reports that the metadata had expired when the message came, or that it has expired since, so that the next
/// message is refused.
pub(super) fn tell(
    identity_provider: &IdentityProvider,
    at: DateTime<Utc>,
    doctor: &Doctor,
    exhibit: &mut Exhibit,
) {
    let now = doctor.judged_at.unwrap_or(doctor.now);
    let (error, severity) =
        match (identity_provider.check_validity(at), identity_provider.check_validity(now)) {
            (Err(error), _) => (error, Severity::Error),
            (Ok(()), Err(error)) => (error, Severity::Warning),
            (Ok(()), Ok(())) => return,
        };
    exhibit.complaints.push(Complaint::new(severity, error.code(), error.to_string(), error.hint()));
}
