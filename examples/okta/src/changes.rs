//! What changed in an organization, and who asked for it.

use vouchsafe::provisioning::{Actor, Snapshot};
use vouchsafe_store::AuditRecord;

use crate::html::Page;

/// How many changes are shown.
const SHOWN: usize = 20;

/// The last changes, the newest first.
pub(crate) fn card(page: Page, snapshot: &Snapshot, audit: &[AuditRecord]) -> Page {
    table(page, snapshot, audit, SHOWN)
}

/// Every change, the newest first.
pub(crate) fn all(page: Page, snapshot: &Snapshot, audit: &[AuditRecord]) -> Page {
    table(page, snapshot, audit, 1_000)
}

fn table(page: Page, snapshot: &Snapshot, audit: &[AuditRecord], most: usize) -> Page {
    let rows: Vec<[String; 4]> = audit
        .iter()
        .rev()
        .take(most)
        .map(|record| {
            let at = record.at.format("%Y-%m-%d %H:%M:%S").to_string();
            [at, record.change.clone(), by(record, snapshot), record.rule.to_string()]
        })
        .collect();
    page.card("What changed", |page| {
        page.table(["When (UTC)", "Change", "By", "Rule"], &rows, "Nothing yet.")
    })
}

/// Who asked for a change: an owner, the service, or the person by signing in.
fn by(record: &AuditRecord, snapshot: &Snapshot) -> String {
    let email = |id| snapshot.account(id).map(|account| account.email.clone());
    match &record.actor {
        None => format!("sign-in of {}", record.account.as_ref().and_then(email).unwrap_or_default()),
        Some(Actor::Account(id)) => email(id).unwrap_or_else(|| id.to_string()),
        Some(Actor::Rule(rule)) => rule.to_string(),
        Some(Actor::SetUpLink(link)) => format!("set-up link {link}"),
        Some(Actor::Scim(connection)) => format!("SCIM over {connection}"),
        Some(Actor::IdentityProvider(connection)) => format!("the identity provider of {connection}"),
        Some(_) => "the operator".to_owned(),
    }
}
