//! What changed in an organization, and who asked for it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::{Actor, OrganizationId, Snapshot};
use vouchsafe_store::AuditRecord;

use crate::html::Page;

/// How many changes are shown, and how many of the configuration are remembered of all organizations.
const SHOWN: usize = 20;
const REMEMBERED: usize = 1000;

/// Changes of the configuration since the service was started; those of people are in the directory's audit.
#[derive(Default)]
pub(crate) struct ConfigurationLog(Mutex<VecDeque<ConfigurationChange>>);

#[derive(Clone)]
struct ConfigurationChange {
    organization: OrganizationId,
    at: DateTime<Utc>,
    by: String,
    change: String,
}

impl ConfigurationLog {
    pub(crate) fn note(&self, organization: &OrganizationId, by: &str, change: impl Into<String>) {
        let change = change.into();
        tracing::info!(%organization, change, "the configuration was changed");
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= REMEMBERED {
            kept.pop_front();
        }
        let (organization, at, by) = (organization.clone(), Utc::now(), by.to_owned());
        kept.push_back(ConfigurationChange { organization, at, by, change });
    }

    fn of(&self, organization: &OrganizationId) -> Vec<ConfigurationChange> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|change| change.organization == *organization).cloned().collect()
    }
}

/// The last changes, the newest first.
pub(crate) fn card(page: Page, snapshot: &Snapshot, audit: &[AuditRecord], log: &ConfigurationLog) -> Page {
    let of_people = audit.iter().map(|record| {
        let row = [record.change.clone(), by(record, snapshot), record.rule.to_string()];
        (record.at, row)
    });
    let of_configuration = log.of(&snapshot.organization.id).into_iter();
    let of_configuration =
        of_configuration.map(|change| (change.at, [change.change, change.by, "configuration".to_owned()]));
    let mut all: Vec<(DateTime<Utc>, [String; 3])> = of_people.chain(of_configuration).collect();
    all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let rows: Vec<[String; 4]> = all
        .into_iter()
        .take(SHOWN)
        .map(|(at, [change, by, rule])| [at.format("%Y-%m-%d %H:%M:%S").to_string(), change, by, rule])
        .collect();
    page.card("What changed", |page| {
        page.table(["When (UTC)", "Change", "By", "Rule"], &rows, "Nothing yet.")
    })
}

/// Who asked for a change: an owner, the service, or the person by signing in.
fn by(record: &AuditRecord, snapshot: &Snapshot) -> String {
    let email = |id| snapshot.account(id).map(|account| account.email.clone());
    match &record.actor {
        None => format!("sign-in of {}", email(&record.account).unwrap_or_default()),
        Some(Actor::Account(id)) => email(id).unwrap_or_else(|| id.to_string()),
        Some(Actor::Rule(rule)) => rule.to_string(),
        Some(_) => "the operator".to_owned(),
    }
}
