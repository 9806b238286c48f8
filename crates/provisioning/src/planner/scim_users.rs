//! People that an identity provider creates, changes, deactivates and deletes by SCIM.

use super::{
    Context,
    draft::Draft,
    newcomer::{self, Newcomer},
    profile, scim_existing, scim_groups, settle,
    wanted::Wanted,
};
use crate::{
    Account, AccountId, Action, Create, Hold, Plan, PlanRefusal, RuleId, ScimFact, ScimRecord, ScimUser,
    hold::status_under,
};

fn rule() -> RuleId {
    RuleId::from("scim.users")
}

/// `POST /Users`: a person who was deleted and comes back, one who already signs in over the connection, one who may be
/// linked by e-mail, or a new one.
pub(super) fn create(context: Context<'_>, fact: &ScimFact, user: &ScimUser) -> Result<Plan, PlanRefusal> {
    let came_back = deleted_before(context, fact, user);
    is_nobody_elses(context, fact, &record_of(fact, user, None), came_back)?;
    let existing = match came_back {
        Some(account) => Some(account),
        None => scim_existing::find(context, fact, user)?,
    };
    let mut draft = Draft::of_scim(context, fact);
    if let Some(account) = existing {
        draft.is_about(account);
        become_so(context, fact, account, user, &mut draft)?;
        return Ok(draft.finish());
    }
    if context.policy.admission.create == Create::Never {
        return Err(PlanRefusal::CreationOff {});
    }
    let email = profile::scim_email(user)?.ok_or_else(|| PlanRefusal::AttributeMissing {
        field: "e-mail address",
        attribute: "emails".to_owned(),
    })?;
    super::domain_is_admitted(context, &email)?;
    let names = profile::scim_names(context, user, &mut draft);
    let because = "the identity provider created the person by SCIM";
    newcomer::create(context, Newcomer { email, names, because }, &mut draft);
    let record = record_of(fact, user, None);
    draft.step(
        rule(),
        Action::SetScimRecord { before: None, after: record },
        "later changes find the account by it",
    );
    if user.active == Some(false) {
        let before = newcomer::status(context);
        let by = Hold::scim(fact.connection.clone());
        draft.step(
            rule(),
            Action::Suspend { by, before },
            "the identity provider created the person inactive",
        );
    }
    let mut wanted = Wanted::default();
    newcomer::default_teams(context, &mut wanted)?;
    settle::settle(context, None, &wanted, &|_| None, &mut draft);
    newcomer::default_projects(context, &mut draft)?;
    Ok(draft.finish())
}

/// `PUT` and `PATCH /Users/{id}`.
pub(super) fn set(
    context: Context<'_>,
    fact: &ScimFact,
    account: &AccountId,
    user: &ScimUser,
) -> Result<Plan, PlanRefusal> {
    let account = scim_existing::managed(context, fact, account)?;
    let record = record_of(fact, user, account.scim_record(&fact.connection));
    is_nobody_elses(context, fact, &record, Some(account))?;
    let mut draft = Draft::of_scim(context, fact);
    draft.is_about(account);
    become_so(context, fact, account, user, &mut draft)?;
    Ok(draft.finish())
}

/// `DELETE /Users/{id}`: the account is suspended, leaves the groups of the connection, and is in no answer any more.
pub(super) fn delete(
    context: Context<'_>,
    fact: &ScimFact,
    account: &AccountId,
) -> Result<Plan, PlanRefusal> {
    let account = scim_existing::managed(context, fact, account)?;
    let mut draft = Draft::of_scim(context, fact);
    draft.is_about(account);
    suspend(fact, account, "the identity provider deleted the person", &mut draft);
    let before = account.scim_record(&fact.connection);
    let mut after =
        before.cloned().unwrap_or_else(|| ScimRecord::new(fact.connection.clone(), &account.username));
    after.deleted = true;
    let set = Action::SetScimRecord { before: before.cloned(), after };
    draft.step(rule(), set, "the identity provider deleted the person");
    scim_groups::leave_all(context, fact, account, &mut draft);
    Ok(draft.finish())
}

/// Checks that no other account has, or had before it was deleted, the `userName` or the `externalId` over the
/// connection.
fn is_nobody_elses(
    context: Context<'_>,
    fact: &ScimFact,
    record: &ScimRecord,
    own: Option<&Account>,
) -> Result<(), PlanRefusal> {
    let keys = record.keys();
    let mut others = context.snapshot.accounts().filter(|other| own.is_none_or(|own| own.id != other.id));
    let has_one = |other: &ScimRecord| other.keys().iter().any(|key| keys.contains(key));
    match others.find(|other| other.scim_record(&fact.connection).is_some_and(has_one)) {
        Some(other) => Err(PlanRefusal::ScimUserExists { account: other.id.to_string() }),
        None => Ok(()),
    }
}

/// The account of a person whom the identity provider deleted and creates again: by the same `externalId` only, since a
/// name may be given to the next person.
fn deleted_before<'c>(context: Context<'c>, fact: &ScimFact, user: &ScimUser) -> Option<&'c Account> {
    let came = user.external_id.as_ref()?;
    context.snapshot.accounts().find(|account| {
        let record = account.scim_record(&fact.connection).filter(|record| record.deleted);
        record.is_some_and(|record| record.external_id.as_ref() == Some(came))
    })
}

/// Changes an existing account to match SCIM.
fn become_so(
    context: Context<'_>,
    fact: &ScimFact,
    account: &Account,
    user: &ScimUser,
    draft: &mut Draft,
) -> Result<(), PlanRefusal> {
    let before = account.scim_record(&fact.connection);
    let after = record_of(fact, user, before);
    if before != Some(&after) {
        let set = Action::SetScimRecord { before: before.cloned(), after };
        draft.step(rule(), set, "the identity provider says so");
    }
    profile::follow_scim(context, user, account, draft)?;
    let is_back = before.is_some_and(|record| record.deleted);
    match user.active {
        Some(false) => suspend(fact, account, "the identity provider deactivated the person", draft),
        Some(true) => reactivate(fact, account, draft),
        None if is_back => reactivate(fact, account, draft),
        None => {}
    }
    Ok(())
}

fn record_of(fact: &ScimFact, user: &ScimUser, before: Option<&ScimRecord>) -> ScimRecord {
    let mut record = ScimRecord::new(fact.connection.clone(), user.user_name.trim());
    record.external_id =
        user.external_id.clone().or_else(|| before.and_then(|before| before.external_id.clone()));
    record
}

fn suspend(fact: &ScimFact, account: &Account, because: &str, draft: &mut Draft) {
    let by = Hold::scim(fact.connection.clone());
    if !account.holds().contains(&by) {
        draft.step(rule(), Action::Suspend { by, before: account.status }, because);
    }
}

/// Removes the hold of SCIM only.
fn reactivate(fact: &ScimFact, account: &Account, draft: &mut Draft) {
    let by = Hold::scim(fact.connection.clone());
    let mut holds = account.holds();
    if holds.remove(&by) {
        let after = status_under(&holds);
        let because = "the identity provider activated the person";
        draft.step(rule(), Action::Reactivate { by, after }, because);
    }
    for hold in holds {
        draft.note(
            rule(),
            format!("The account stays held {hold}, though SCIM says that the person is active"),
        );
    }
}
