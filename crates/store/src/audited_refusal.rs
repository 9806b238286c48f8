//! What was refused, in the audit.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use vouchsafe::{
    ConnectionId,
    provisioning::{
        AccountId, Actor, LoginFacts, LookUp, OrganizationId, RuleId, ScimChange, ScimFact, Snapshot,
    },
};

use crate::{
    AuditDetail, AuditRecord, ScimToken, SignInError,
    audit::{cut, hour_of},
};

/// Something that a rule refused, for the audit: who asked for what, and which rule it was.
///
/// A store writes it in a transaction of its own, because the refused transaction is rolled back. The same refusal of
/// the same person is written once an hour, and at most [`MOST_AN_HOUR`](Self::MOST_AN_HOUR) refusals of one
/// organization are. A browser that tries in a loop, or an identity provider that sends thousands of names, therefore
/// cannot fill the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditedRefusal {
    hour: i64,
    who: String,
    record: AuditRecord,
}

impl AuditedRefusal {
    /// The most refusals of one organization that are written in an hour.
    pub const MOST_AN_HOUR: usize = 500;

    /// The record of a sign-in that was refused on this snapshot. `None` if the assertion was not accepted or the store
    /// failed, since neither is about a person. The record of a sign-in over a connection that is not the organization's
    /// names nobody.
    #[must_use]
    pub fn of_sign_in(
        before: &Snapshot,
        login: &LoginFacts,
        refusal: &SignInError,
    ) -> Option<AuditedRefusal> {
        if !is_of_a_rule(refusal) {
            return None;
        }
        if !before.organization.signs_in_over(&login.connection) {
            return Some(Self::of_a_stranger(before, refusal.code(), login.at));
        }
        let account = account_of(before, login);
        let subject = login.subject.clone().map(cut);
        let who = match &account {
            Some(account) => format!("account {account}"),
            None => format!("subject {}", subject.as_deref().unwrap_or_default()),
        };
        let noted = Noted {
            account,
            after: subject,
            ..Noted::of(before.organization.id.clone(), refusal.code(), login.at)
        };
        Some(noted.refusal(who, format!("Refuses the sign-in: {refusal}.")))
    }

    /// The record of a sign-in with the organization's token over a connection that is not the organization's. Anybody with an
    /// identity provider at some other customer can send any number of these, so there is one record an hour for each rule,
    /// whoever they are about: they leave room for the refusals of the organization's own people, and say nothing about the
    /// other customer or its people.
    fn of_a_stranger(before: &Snapshot, code: &'static str, at: DateTime<Utc>) -> AuditedRefusal {
        let noted = Noted::of(before.organization.id.clone(), code, at);
        let change = "Refuses a sign-in: it has the token of the organization, and came over a connection that is not the \
                      organization's. Issue another token if this goes on.";
        noted.refusal("a stranger".to_owned(), change.to_owned())
    }

    /// The record of a SCIM token that was shown and is no longer valid.
    #[must_use]
    pub fn of_scim_token(token: &ScimToken, at: DateTime<Utc>) -> AuditedRefusal {
        let noted = Noted {
            actor: Some(Actor::Scim(token.connection.clone())),
            ..Noted::of(token.organization.clone(), "scim.unauthorized", at)
        };
        let change = format!("Refuses a SCIM request: the token {} gives no access now.", token.id());
        noted.refusal(format!("scim token {}", token.id()), change)
    }

    /// The record of a refused signal from the identity provider of a connection: the code and the text of its error,
    /// which contain no personal data.
    #[must_use]
    pub fn of_signal(
        organization: OrganizationId,
        connection: &ConnectionId,
        (code, words): (&'static str, &str),
        at: DateTime<Utc>,
    ) -> AuditedRefusal {
        let actor = Some(Actor::IdentityProvider(connection.clone()));
        let noted = Noted { actor, ..Noted::of(organization, code, at) };
        noted.refusal(format!("signal over {connection}"), format!("Refuses a signal: {words}."))
    }

    /// The organization.
    #[must_use]
    pub fn organization(&self) -> &OrganizationId {
        &self.record.organization
    }

    /// The hour, counted from 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn hour(&self) -> i64 {
        self.hour
    }

    /// The person, in the form in which refusals are compared.
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

/// Who asks for a decision and what it is about. The audit says so if the decision is refused.
#[derive(Clone, Debug)]
pub struct AskedDecision(Asked);

#[derive(Clone, Debug)]
enum Asked {
    /// It is not known who asked.
    ByTheApplication,
    Login(Box<LoginFacts>),
    Change {
        actor: Actor,
        account: Option<AccountId>,
        name: Option<String>,
        at: DateTime<Utc>,
    },
}

impl AskedDecision {
    pub(crate) fn by_the_application() -> Self {
        Self(Asked::ByTheApplication)
    }

    pub(crate) fn login(facts: LoginFacts) -> Self {
        Self(Asked::Login(Box::new(facts)))
    }

    pub(crate) fn change(actor: Actor, account: Option<AccountId>, at: DateTime<Utc>) -> Self {
        Self(Asked::Change { actor, account, name: None, at })
    }

    pub(crate) fn scim(fact: &ScimFact) -> Self {
        let (account, name) = match &fact.change {
            ScimChange::CreateUser(user) => (None, Some(user.user_name.clone())),
            ScimChange::SetUser { account, .. } | ScimChange::DeleteUser { account, .. } => {
                (Some(account.clone()), None)
            }
            ScimChange::CreateGroup { group, .. } | ScimChange::SetGroup { group, .. } => {
                (None, Some(group.name.clone()))
            }
            ScimChange::DeleteGroup { id, .. } => (None, Some(id.to_string())),
            _ => (None, None),
        };
        let actor = Actor::Scim(fact.connection.clone());
        Self(Asked::Change { actor, account, name: name.map(cut), at: fact.at })
    }

    /// For stores: the record of a decision that was refused on this snapshot. `None` if no rule refused it or it is
    /// not known who asked.
    #[must_use]
    pub fn refused(&self, before: &Snapshot, refusal: &SignInError) -> Option<AuditedRefusal> {
        if !is_of_a_rule(refusal) {
            return None;
        }
        match &self.0 {
            Asked::ByTheApplication => None,
            Asked::Login(facts) => AuditedRefusal::of_sign_in(before, facts, refusal),
            Asked::Change { actor, account, name, at } => {
                let whom = account.as_ref().map(ToString::to_string).or_else(|| name.clone());
                let who = format!("{actor:?} {}", whom.unwrap_or_default());
                let noted = Noted {
                    account: account.clone(),
                    actor: Some(actor.clone()),
                    after: name.clone(),
                    ..Noted::of(before.organization.id.clone(), refusal.code(), *at)
                };
                Some(noted.refusal(who, format!("Refuses the change: {refusal}.")))
            }
        }
    }
}

/// The fields of a record other than its text.
struct Noted {
    organization: OrganizationId,
    account: Option<AccountId>,
    actor: Option<Actor>,
    after: Option<String>,
    code: &'static str,
    at: DateTime<Utc>,
}

impl Noted {
    fn of(organization: OrganizationId, code: &'static str, at: DateTime<Utc>) -> Self {
        Self { organization, account: None, actor: None, after: None, code, at }
    }

    fn refusal(self, who: String, change: String) -> AuditedRefusal {
        let record = AuditRecord {
            organization: self.organization,
            account: self.account,
            actor: self.actor,
            at: self.at,
            rule: RuleId::from(self.code),
            change: cut(change),
            before: None,
            after: self.after,
            assertion_hash: None,
            detail: Some(AuditDetail::Refusal),
        };
        AuditedRefusal { hour: hour_of(self.at), who: cut(who), record }
    }
}

/// Whether a rule refused it, and not the check of the assertion or the store.
fn is_of_a_rule(refusal: &SignInError) -> bool {
    matches!(refusal, SignInError::PlanRefusal(_) | SignInError::LoggedOut { .. })
}

/// The account that the login is for, if there is one.
fn account_of(before: &Snapshot, login: &LoginFacts) -> Option<AccountId> {
    let meant = LookUp::of(login).ok()?.account_keys();
    let mut accounts =
        before.accounts.iter().filter(|account| account.keys().iter().any(|key| meant.contains(key)));
    match (accounts.next(), accounts.next()) {
        (Some(account), None) => Some(account.id.clone()),
        _ => None,
    }
}

/// The refusals that were written, for stores in memory.
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
    pub fn note(&mut self, refused: &AuditedRefusal) -> Option<AuditRecord> {
        let organization = refused.organization();
        self.0.retain(|(of, hour), _| of != organization || *hour >= refused.hour);
        let noted = self.0.entry((organization.clone(), refused.hour)).or_default();
        let is_new = noted.len() < AuditedRefusal::MOST_AN_HOUR
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

    pub(crate) fn refused(subject: &str, second: i64) -> AuditedRefusal {
        let at = chrono::DateTime::from_timestamp(second, 0).unwrap();
        let connection = ConnectionId::new("acme").unwrap();
        let issuer = EntityId::new("https://idp.example").unwrap();
        let login = LoginFacts::new(connection.clone(), issuer, subject, at);
        let mut acme = Organization::new("acme".into(), "acme", "Acme");
        acme.connections.insert(connection.clone());
        let before = Snapshot::new(acme);
        let refusal = PlanRefusal::connection_state(connection, "retired", "signed in over").into();
        AuditedRefusal::of_sign_in(&before, &login, &refusal).unwrap()
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
        assert_eq!(count, AuditedRefusal::MOST_AN_HOUR - 1);
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
        assert_eq!(AuditedRefusal::of_sign_in(&before, &login, &failed), None);
        assert!(AuditedRefusal::of_sign_in(&before, &login, &SignInError::LoggedOut {}).is_some());
    }
}
