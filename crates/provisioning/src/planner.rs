//! The planner: which organization, which person, what changes. One rule, one function.

mod draft;
mod groups;
mod newcomer;
mod profile;
mod settle;

#[cfg(test)]
mod cost;

use draft::Draft;
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::{CryptoError, hexadecimal};

use crate::{
    Account, AccountId, Anchor, Domain, EmailAddress, Identity, LoginFacts, Plan, PlanRefusal, Policy, Role,
    Snapshot, TokenHash, facts::Single, names::Names,
};

/// Everything that the rules look at.
#[derive(Clone, Copy)]
struct Case<'c> {
    policy: &'c Policy,
    login: &'c LoginFacts,
    snapshot: &'c Snapshot,
    names: &'c Names<'c>,
}

/// `linking` is the account that the person is signed in to by other means.
pub(crate) fn plan(
    policy: &Policy,
    login: &LoginFacts,
    snapshot: &Snapshot,
    linking: Option<&AccountId>,
) -> Result<Plan, PlanRefusal> {
    let names = Names::of(snapshot);
    let case = Case { policy, login, snapshot, names: &names };
    connection_is_the_organizations(case)?;
    // At every sign-in: one whose plan no longer includes SAML SSO signs nobody in over it, new or known.
    snapshot.organization.require_entitlement()?;
    token_is_the_organizations(case)?;
    let identity = stable_identity(case)?;
    let mut draft = Draft::new(case, &identity, assertion_hash(login).map_err(PlanRefusal::cryptography)?);
    let account = match find(case, &identity, linking)? {
        Found::Known(account) => Some(account),
        Found::ToLink { account, rule, because } => {
            draft.link(account, &identity, rule, because);
            Some(account)
        }
        Found::Nobody => None,
    };
    match account {
        Some(account) => {
            is_not_suspended(account)?;
            draft.is_about(account);
            profile::follow(case, account, &mut draft)?;
        }
        None => newcomer::admit(case, &identity, &mut draft)?,
    }
    let mut wanted = groups::Wanted::default();
    if account.is_none() {
        newcomer::default_teams(case, &mut wanted)?;
    }
    let is_listed = groups::map(case, &mut wanted, &mut draft);
    settle::settle(case, account, &wanted, is_listed, &mut draft);
    if account.is_none() {
        newcomer::default_projects(case, &mut draft)?;
    }
    snapshot.guarded(draft.finish())
}

/// An entity ID is a name that any identity provider can give itself, and a token is known to whoever signed in once. The key that signed
/// is the connection's, so the connection decides; the entity ID only says which of two mistakes it looks like.
fn connection_is_the_organizations(case: Case<'_>) -> Result<(), PlanRefusal> {
    let organization = &case.snapshot.organization;
    let name = || organization.name.clone();
    let Some(expected) = organization.identity_provider() else {
        return Err(PlanRefusal::NotConverted { organization: name() });
    };
    if organization.signs_in_over(&case.login.connection) {
        return Ok(());
    }
    if *expected != case.login.issuer {
        return Err(PlanRefusal::OrganizationMismatch {
            organization: name(),
            expected: expected.to_string(),
            actual: case.login.issuer.to_string(),
        });
    }
    Err(PlanRefusal::OtherConnection { organization: name(), connection: case.login.connection.clone() })
}

/// The connection was the organization's own already. Where its settings require no token, none is looked at.
fn token_is_the_organizations(case: Case<'_>) -> Result<(), PlanRefusal> {
    if case.snapshot.token_not_required.contains(&case.login.connection) {
        return Ok(());
    }
    let attribute = &case.policy.attributes.token;
    let presented = match (&case.login.token_hash, case.login.single(attribute)) {
        (Some(hash), Single::Absent) => hash.clone(),
        (None, Single::Value(token)) => {
            TokenHash::hashed_by(&case.login.hashing, token).map_err(PlanRefusal::cryptography)?
        }
        (None, Single::Absent) => return Err(PlanRefusal::TokenMissing { attribute: attribute.clone() }),
        (_, Single::Ambiguous) | (Some(_), Single::Value(_)) => {
            return Err(PlanRefusal::TokenAmbiguous { attribute: attribute.clone() });
        }
    };
    case.snapshot.organization.check_token(&presented, case.login.at)
}

/// The identity provider and the subject by which the person is found again.
fn stable_identity(case: Case<'_>) -> Result<Identity, PlanRefusal> {
    let (identity, source_name) = match &case.policy.identity.subject_attribute {
        Some(attribute) => (case.login.named_by(attribute), attribute.as_str()),
        None if case.login.is_transient() => return Err(PlanRefusal::SubjectTransient {}),
        None => (case.login.named(), "the NameID"),
    };
    let identity =
        identity.ok_or_else(|| PlanRefusal::SubjectMissing { source_name: source_name.to_owned() })?;
    match identity.is_too_long() {
        true => Err(PlanRefusal::SubjectTooLong {
            source_name: source_name.to_owned(),
            longest: Identity::LONGEST_PART,
        }),
        false => Ok(identity),
    }
}

enum Found<'c> {
    Known(&'c Account),
    ToLink { account: &'c Account, rule: &'static str, because: &'static str },
    Nobody,
}

/// By identity first; by the account that is signed in; by what a takeover says; by e-mail address where that is allowed.
fn find<'c>(
    case: Case<'c>,
    identity: &Identity,
    linking: Option<&AccountId>,
) -> Result<Found<'c>, PlanRefusal> {
    let known = case.snapshot.account_of(identity);
    if let Some(id) = linking {
        return match known {
            Some(account) if account.id == *id => Ok(Found::Known(account)),
            Some(other) => Err(PlanRefusal::IdentityTaken { account: other.id.to_string() }),
            None => signed_in_account(case, id),
        };
    }
    if let Some(account) = known {
        return Ok(Found::Known(account));
    }
    if let Some(account) = taken_over(case, identity)? {
        return Ok(Found::ToLink {
            account,
            rule: "identity.takeovers",
            because: "the connection takes over the people of the one that the account was signed in to over",
        });
    }
    let Some(email) = profile::email(case)? else { return Ok(Found::Nobody) };
    let Some(account) = case.snapshot.account_with(&email) else { return Ok(Found::Nobody) };
    is_not_suspended(account)?;
    match reason_against_linking(case, account, &email) {
        Some(reason) => Err(PlanRefusal::EmailTaken { account: account.id.to_string(), reason }),
        None => Ok(Found::ToLink {
            account,
            rule: "identity.link_by_email",
            because: "the account has the same e-mail address, in a domain that the organization owns",
        }),
    }
}

fn signed_in_account<'c>(case: Case<'c>, id: &AccountId) -> Result<Found<'c>, PlanRefusal> {
    let account = case.snapshot.account(id).ok_or_else(|| PlanRefusal::AccountUnknown {
        organization: case.snapshot.organization.name.clone(),
        account: id.to_string(),
    })?;
    Ok(Found::ToLink {
        account,
        rule: "identity.signed_in",
        because: "the person was signed in to the account and asked for it",
    })
}

/// The account of a person of another connection, which this one takes over: once, so that a second person of the same anchor gets none.
fn taken_over<'c>(case: Case<'c>, identity: &Identity) -> Result<Option<&'c Account>, PlanRefusal> {
    let own = &case.login.connection;
    for takeover in case.policy.identity.takeovers.iter().filter(|takeover| takeover.to == *own) {
        let found = match takeover.by {
            Anchor::Subject => case.snapshot.account_of(&identity.over(takeover.from.clone())),
            Anchor::Email => profile::email(case)?.and_then(|email| {
                let account = case.snapshot.account_with(&email)?;
                reason_against_address(case, account, &email).is_none().then_some(account)
            }),
        };
        let has = |account: &Account, connection: &ConnectionId| {
            account.identities.iter().any(|identity| identity.connection == *connection)
        };
        let found = found.filter(|account| has(account, &takeover.from) && !has(account, own));
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn reason_against_linking(case: Case<'_>, account: &Account, email: &EmailAddress) -> Option<&'static str> {
    if !case.policy.identity.link_by_email {
        return Some("identity.link_by_email is off");
    }
    let is_linked = !account.identities.is_empty();
    let linked = is_linked.then_some("it is linked to somebody already");
    reason_against_address(case, account, email).or(linked)
}

/// Why an e-mail address that an identity provider asserts does not open an account: the one rule for links and takeovers by address. Whoever
/// has a password, or a role above member, signs in otherwise once and links the account by that.
fn reason_against_address(case: Case<'_>, account: &Account, email: &EmailAddress) -> Option<&'static str> {
    if !is_verified(case, email) {
        Some("the domain is not a verified one of the organization")
    } else if account.has_password {
        Some("it has a password")
    } else if account.role != Role::Member {
        Some("it has a role above member")
    } else {
        None
    }
}

fn is_not_suspended(account: &Account) -> Result<(), PlanRefusal> {
    if account.is_active() {
        Ok(())
    } else {
        Err(PlanRefusal::AccountSuspended { account: account.id.to_string() })
    }
}

/// Whether the address is of a domain that this organization has verified, and no other.
fn is_verified(case: Case<'_>, email: &EmailAddress) -> bool {
    case.snapshot.organization.owns(email.domain()) && !is_of_another(case, email.domain())
}

/// Whether another organization has verified the domain.
fn is_of_another(case: Case<'_>, domain: &Domain) -> bool {
    case.snapshot.domains_of_others.contains(domain)
}

/// The hash of its replay record, which is SHA-256 over the issuer, a zero byte
/// and the assertion's ID.
fn assertion_hash(login: &LoginFacts) -> Result<Option<String>, CryptoError> {
    if login.assertion_id.is_empty() {
        return Ok(None);
    }
    let text = [login.issuer.as_str(), "\0", login.assertion_id.as_str()].concat();
    login.hashing.sha256(text.as_bytes()).map(|hash| Some(hexadecimal(&hash)))
}
