//! A finding about metadata, as `vouchsafe metadata lint` writes it.

use serde::Serialize;
use vouchsafe::metadata::LintFinding;

#[derive(Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: &'static str,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) clause: &'static str,
    pub(crate) remedy: &'static str,
    /// Null if the finding is about the document.
    pub(crate) entity_id: Option<String>,
    /// The position of the entity in the document, from 1.
    pub(crate) place: Option<usize>,
    /// The line in which the entity begins.
    pub(crate) line: Option<usize>,
}

impl Finding {
    pub(crate) fn of(finding: &LintFinding, line: Option<usize>) -> Finding {
        Finding {
            severity: finding.severity().as_str(),
            code: finding.code(),
            message: finding.message().to_owned(),
            clause: finding.clause(),
            remedy: finding.remedy(),
            entity_id: finding.entity_id().map(str::to_owned),
            place: finding.place(),
            line,
        }
    }
}
