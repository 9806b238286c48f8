//! The planner: from a fact to the changes. Each rule is one function.

mod by_hand;
mod draft;
mod groups;
mod login;
mod newcomer;
mod profile;
mod roles;
mod rules;
mod scim_existing;
mod scim_groups;
mod scim_users;
mod settle;
mod sweep;
mod wanted;

#[cfg(test)]
mod cost;

use std::collections::BTreeMap;

use crate::{
    Account, AccountId, Action, AdmittedDomains, Domain, EmailAddress, Fact, Plan, PlanRefusal, Policy, Role,
    ScimChange, ScimFact, Snapshot, names::Names,
};

/// Everything that the rules look at in addition to the fact.
#[derive(Clone, Copy)]
struct Context<'c> {
    policy: &'c Policy,
    snapshot: &'c Snapshot,
    names: &'c Names<'c>,
}

pub(crate) fn plan(policy: &Policy, fact: &Fact, snapshot: &Snapshot) -> Result<Plan, PlanRefusal> {
    let names = Names::of(snapshot);
    let context = Context { policy, snapshot, names: &names };
    let plan = match fact {
        Fact::Login(login) => removes_little(context, login::plan(context, login, None)?)?,
        Fact::Link { login, account } => {
            removes_little(context, login::plan(context, login, Some(account))?)?
        }
        Fact::Scim(fact) => {
            let plan = scim(context, fact)?;
            // The deletion of one person takes everything away and is not a changed filter, so the breaker does not
            // apply.
            match &fact.change {
                ScimChange::DeleteUser { .. } => plan,
                _ => removes_little(context, plan)?,
            }
        }
        Fact::Change { account, change, actor, because, at } => {
            by_hand::plan(context, account, change, &by_hand::Asked { actor, because, at: *at })?
        }
        Fact::Sweep { at } => sweep::plan(context, *at),
    };
    let plan = snapshot.guarded(plan)?;
    match fact {
        Fact::Scim(_) => keeps_a_break_glass_account(context, plan),
        _ => Ok(plan),
    }
}

fn scim(context: Context<'_>, fact: &ScimFact) -> Result<Plan, PlanRefusal> {
    let organization = &context.snapshot.organization;
    if !organization.signs_in_over(&fact.connection) {
        let (organization, connection) = (organization.name.clone(), fact.connection.clone());
        return Err(PlanRefusal::OtherConnection { organization, connection });
    }
    // An organization without the entitlement admits nobody any more, but people can still be removed.
    if !fact.change.ends_access() {
        organization.require_entitlement()?;
    }
    match &fact.change {
        ScimChange::CreateUser(user) => scim_users::create(context, fact, user),
        ScimChange::SetUser { account, user } => scim_users::set(context, fact, account, user),
        ScimChange::DeleteUser { account } => scim_users::delete(context, fact, account),
        ScimChange::CreateGroup { id, group, members } => {
            scim_groups::create(context, fact, id, group, members)
        }
        ScimChange::SetGroup { id, group, members } => scim_groups::set(context, fact, id, group, members),
        ScimChange::DeleteGroup { id } => scim_groups::delete(context, fact, id),
    }
}

/// SCIM needs no more than a bearer token, so it does not take away the last account that can be used without the identity
/// provider. An administrator still can.
fn keeps_a_break_glass_account(context: Context<'_>, plan: Plan) -> Result<Plan, PlanRefusal> {
    let enforcement = &context.policy.enforcement;
    if enforcement.break_glass.is_empty() || !plan.may_end_an_owner() {
        return Ok(plan);
    }
    let has_one =
        |state: &Snapshot| state.accounts().any(|account| enforcement.is_usable_break_glass(account));
    match has_one(context.snapshot) && !has_one(&context.snapshot.after(&plan)) {
        true => {
            let organization = context.snapshot.organization.name.clone();
            Err(PlanRefusal::LastBreakGlass { organization })
        }
        false => Ok(plan),
    }
}

/// The circuit breaker: a filter that was changed at the identity provider must not empty teams or lower permissions
/// all at once.
fn removes_little(context: Context<'_>, plan: Plan) -> Result<Plan, PlanRefusal> {
    let removals = memberships_lowered(&plan).saturating_add(roles_lowered(&plan));
    let limit = usize::try_from(context.policy.groups.max_removals).unwrap_or(usize::MAX);
    match removals > limit {
        true => Err(PlanRefusal::TooManyRemovals { removals, limit }),
        false => Ok(plan),
    }
}

/// The number of teams in which an account may do less after all steps, because it leaves the team or has a lower role
/// there.
fn memberships_lowered(plan: &Plan) -> usize {
    let mut roles = BTreeMap::new();
    for step in plan.steps() {
        let (team, before, after) = match &step.action {
            Action::JoinTeam { team, role, .. } => (team, None, Some(*role)),
            Action::SetGrant { team, before, after, .. } | Action::EndGrant { team, before, after, .. } => {
                (team, Some(*before), Some(*after))
            }
            Action::LeaveTeam { team, role } => (team, Some(*role), None),
            _ => continue,
        };
        let of_account = (step.account.as_ref(), team.id.as_ref(), &team.name);
        roles.entry(of_account).or_insert((before, after)).1 = after;
    }
    roles.into_values().filter(|(before, after)| after < before).count()
}

/// The number of accounts with a lower role in the organization after all steps, as groups give and end roles.
fn roles_lowered(plan: &Plan) -> usize {
    let mut roles: BTreeMap<Option<&AccountId>, (Role, Role)> = BTreeMap::new();
    for step in plan.steps() {
        let (Action::GrantRole { before, after, .. } | Action::EndRole { before, after, .. }) = &step.action
        else {
            continue;
        };
        roles.entry(step.account.as_ref()).or_insert((*before, *after)).1 = *after;
    }
    roles.into_values().filter(|(before, after)| after < before).count()
}

/// Whether a new account may have the address. A domain that another organization has verified is never allowed,
/// whatever the policy says.
fn domain_is_admitted(context: Context<'_>, email: &EmailAddress) -> Result<(), PlanRefusal> {
    let domain = email.domain();
    if is_of_another(context, domain) {
        return Err(PlanRefusal::DomainOfAnother { domain: domain.clone() });
    }
    let organization = &context.snapshot.organization;
    match &context.policy.admission.domains {
        AdmittedDomains::Any => Ok(()),
        AdmittedDomains::Verified if organization.owns(domain) => Ok(()),
        AdmittedDomains::Verified => {
            let verified = organization.domains().unwrap_or_default().into_iter().collect();
            Err(PlanRefusal::DomainNotVerified { domain: domain.clone(), verified })
        }
        AdmittedDomains::Listed(allowed) if allowed.contains(domain) => Ok(()),
        AdmittedDomains::Listed(allowed) => {
            Err(PlanRefusal::DomainNotAllowed { domain: domain.clone(), allowed: allowed.clone() })
        }
    }
}

/// The reason why an address that an identity provider asserts does not link an existing account: a person with a
/// password, or with a role above member, must sign in by other means once and link the account from there.
fn reason_against_linking(
    context: Context<'_>,
    account: &Account,
    email: &EmailAddress,
    is_linked: bool,
) -> Option<&'static str> {
    if !context.policy.identity.link_by_email {
        return Some(match account.scim.is_empty() || is_linked {
            true => "identity.link_by_email is off",
            false => "SCIM created it for a person whose userName and externalId are not this subject",
        });
    }
    let linked = is_linked.then_some("it is linked to somebody already");
    reason_against_address(context, account, email).or(linked)
}

/// The one rule for links and takeovers by address.
fn reason_against_address(
    context: Context<'_>,
    account: &Account,
    email: &EmailAddress,
) -> Option<&'static str> {
    if is_lost(context, email) {
        Some("the DNS no longer shows that the domain is the organization's")
    } else if !is_verified(context, email) {
        Some("the domain is not a verified one of the organization")
    } else {
        reason_against_account(account)
    }
}

/// The reason why an account becomes nobody's by what an identity provider says of an address, or says by SCIM: its
/// person signs in to it first.
fn reason_against_account(account: &Account) -> Option<&'static str> {
    if account.has_password {
        Some("it has a password")
    } else if account.role != Role::Member {
        Some("it has a role above member")
    } else {
        None
    }
}

/// Whether this organization, and no other, has verified the address's domain, and still proves it.
fn is_verified(context: Context<'_>, email: &EmailAddress) -> bool {
    context.snapshot.organization.proves(email.domain()) && !is_of_another(context, email.domain())
}

/// Whether this organization has verified the address's domain and no longer proves it.
fn is_lost(context: Context<'_>, email: &EmailAddress) -> bool {
    let organization = &context.snapshot.organization;
    organization.owns(email.domain()) && !organization.proves(email.domain())
}

/// Whether another organization has verified the domain.
fn is_of_another(context: Context<'_>, domain: &Domain) -> bool {
    context.snapshot.domains_of_others.contains(domain)
}
