//! Refused sign-ins in the audit.

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe::provisioning::{AccountId, LoginFacts, LookUp, OrganizationId, RuleId, Snapshot};

use crate::{AuditRecord, SignInError, audit::cut};

/// A sign-in that a rule refused, for the audit: who, and by which rule.
///
/// A store notes it in a transaction of its own, since that of the sign-in leaves nothing. Each person and rule is noted once an hour, and of an
/// organization [so many](Self::MOST_AN_HOUR) an hour at most: a browser that tries in a loop, or an identity provider that sends thousands of names,
/// fills no disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedSignIn {
    hour: i64,
    who: String,
    record: AuditRecord,
}

impl RefusedSignIn {
    /// How many refusals of one organization are noted of an hour.
    pub const MOST_AN_HOUR: usize = 500;

    /// What is noted of a refusal that was decided on this snapshot. `None`: an assertion that is not believed, or a store that failed, says
    /// nothing of a person.
    #[must_use]
    pub fn of(before: &Snapshot, login: &LoginFacts, refusal: &SignInError) -> Option<RefusedSignIn> {
        const AN_HOUR: i64 = 3_600;
        if !matches!(refusal, SignInError::PlanRefusal(_) | SignInError::LoggedOut { .. }) {
            return None;
        }
        let account = account_of(before, login);
        let subject = login.subject.clone().map(cut);
        let who = match &account {
            Some(account) => format!("account {account}"),
            None => format!("subject {}", subject.as_deref().unwrap_or_default()),
        };
        let record = AuditRecord {
            organization: before.organization.id.clone(),
            account,
            actor: None,
            at: login.at,
            rule: RuleId::from(refusal.code()),
            change: cut(format!("Refuses the sign-in: {refusal}.")),
            before: None,
            after: subject,
            assertion_hash: None,
            detail: None,
        };
        Some(RefusedSignIn { hour: login.at.timestamp().div_euclid(AN_HOUR), who, record })
    }

    /// The organization.
    #[must_use]
    pub fn organization(&self) -> &OrganizationId {
        &self.record.organization
    }

    /// The hour, counted from the beginning of Unix time.
    #[must_use]
    pub fn hour(&self) -> i64 {
        self.hour
    }

    /// Who, as it is compared.
    #[must_use]
    pub fn who(&self) -> &str {
        &self.who
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &AuditRecord {
        &self.record
    }
}

/// The account that the login means, if it means one.
fn account_of(before: &Snapshot, login: &LoginFacts) -> Option<AccountId> {
    let meant = LookUp::of(login).ok()?.account_keys();
    let mut accounts =
        before.accounts.iter().filter(|account| account.keys().iter().any(|key| meant.contains(key)));
    match (accounts.next(), accounts.next()) {
        (Some(account), None) => Some(account.id.clone()),
        _ => None,
    }
}

/// What was noted, for stores in memory.
///
/// ```
/// use vouchsafe_store::NotedRefusals;
///
/// let noted = NotedRefusals::default();
/// # let _ = noted;
/// ```
#[derive(Clone, Debug, Default)]
pub struct NotedRefusals(BTreeMap<(OrganizationId, i64), BTreeSet<(String, RuleId)>>);

impl NotedRefusals {
    /// The record to add to the audit, if the refusal is to be noted. Earlier hours are forgotten.
    pub fn note(&mut self, refused: &RefusedSignIn) -> Option<AuditRecord> {
        let organization = refused.organization();
        self.0.retain(|(of, hour), _| of != organization || *hour >= refused.hour);
        let noted = self.0.entry((organization.clone(), refused.hour)).or_default();
        let is_new = noted.len() < RefusedSignIn::MOST_AN_HOUR
            && noted.insert((refused.who.clone(), refused.record.rule.clone()));
        is_new.then(|| refused.record.clone())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use vouchsafe::{
        ConnectionId, EntityId,
        provisioning::{Organization, PlanRefusal},
    };

    use super::*;

    pub(crate) fn refused(subject: &str, second: i64) -> RefusedSignIn {
        let at = chrono::DateTime::from_timestamp(second, 0).unwrap();
        let connection = ConnectionId::new("acme").unwrap();
        let issuer = EntityId::new("https://idp.example").unwrap();
        let login = LoginFacts::new(connection.clone(), issuer, subject, at);
        let before = Snapshot::new(Organization::new("acme".into(), "acme", "Acme"));
        let refusal = PlanRefusal::connection_state(connection, "retired", "signed in over").into();
        RefusedSignIn::of(&before, &login, &refusal).unwrap()
    }

    #[test]
    fn each_person_is_noted_once_an_hour_and_not_everybody() {
        let mut noted = NotedRefusals::default();
        let record = noted.note(&refused("ada", 7_200)).unwrap();
        assert_eq!(
            (record.rule.as_str(), record.after.as_deref()),
            ("provisioning.connection_state", Some("ada"))
        );
        assert_eq!(noted.note(&refused("ada", 10_799)), None);
        assert!(noted.note(&refused("ada", 10_800)).is_some());
        let count =
            (0..2_000).filter(|number| noted.note(&refused(&format!("{number}"), 10_800)).is_some()).count();
        assert_eq!(count, RefusedSignIn::MOST_AN_HOUR - 1);
        assert!(noted.note(&refused("eve", 14_400)).is_some());
        assert_eq!(noted.0.len(), 1, "what is over is forgotten");
    }

    #[test]
    fn a_store_that_failed_says_nothing_of_a_person() {
        let login = LoginFacts::new(
            ConnectionId::new("acme").unwrap(),
            EntityId::new("https://idp.example").unwrap(),
            "ada",
            chrono::DateTime::UNIX_EPOCH,
        );
        let before = Snapshot::new(Organization::new("acme".into(), "acme", "Acme"));
        let failed = SignInError::from(crate::StoreError::taken("something"));
        assert_eq!(RefusedSignIn::of(&before, &login, &failed), None);
        assert!(RefusedSignIn::of(&before, &login, &SignInError::LoggedOut {}).is_some());
    }
}
