//! The existing account of a person whom an identity provider creates or changes by SCIM.

use vouchsafe_assertion::ConnectionId;

use super::{Context, profile, reason_against_account, reason_against_address, reason_against_linking};
use crate::{Account, AccountId, Anchor, EmailAddress, PlanRefusal, ScimFact, ScimUser, Takeover};

/// An account that the identity provider of the connection may change.
pub(super) fn managed<'c>(
    context: Context<'c>,
    fact: &ScimFact,
    account: &AccountId,
) -> Result<&'c Account, PlanRefusal> {
    let account = context.names.known_account(account)?;
    let reason = match account.scim_record(&fact.connection) {
        _ if account.is_managed_over(&fact.connection) => return Ok(account),
        Some(_) => "it was deleted by SCIM",
        None => "neither SCIM created it, nor does its person sign in over the connection",
    };
    let (account, connection) = (account.id.to_string(), fact.connection.clone());
    Err(PlanRefusal::ScimNotManaged { account, connection, reason })
}

/// The existing account of a person that is created, if there is one: an account that signs in over the connection with
/// that name or id, an account that the connection takes over, or an account that may be linked by email address.
pub(super) fn find<'c>(
    context: Context<'c>,
    fact: &ScimFact,
    user: &ScimUser,
) -> Result<Option<&'c Account>, PlanRefusal> {
    let over = &fact.connection;
    if let Some(account) = only(context, |account| has_subject(account, over, user), over)? {
        return Ok(Some(account));
    }
    let before = known_before(context, fact, user)?;
    if let Some(KnownBefore::ById(account)) = before {
        return match reason_against_account(account) {
            None => Ok(Some(account)),
            Some(reason) => Err(refused(account, reason)),
        };
    }
    let by_address = by_address(context, fact, user)?;
    match before {
        Some(KnownBefore::ByName(account)) if by_address.is_none_or(|found| found.id != account.id) => {
            Err(refused(account, "only the userName is the same, and a name may be given to the next person"))
        }
        _ => Ok(by_address),
    }
}

fn refused(account: &Account, reason: &'static str) -> PlanRefusal {
    PlanRefusal::ScimTakeoverRefused { account: account.id.to_string(), reason }
}

/// The one account for which `is_meant` is true and that has no SCIM record over the connection. If the `userName` belongs
/// to one account and the `externalId` to another, neither is used.
fn only<'c>(
    context: Context<'c>,
    is_meant: impl Fn(&Account) -> bool,
    over: &ConnectionId,
) -> Result<Option<&'c Account>, PlanRefusal> {
    let mut found = context
        .snapshot
        .accounts()
        .filter(|account| account.scim_record(over).is_none() && is_meant(account));
    let account = found.next();
    match found.next() {
        Some(other) => Err(PlanRefusal::ScimUserExists { account: other.id.to_string() }),
        None => Ok(account),
    }
}

/// Whether the person of the account signs in over a connection with the `userName` or the `externalId` as the subject.
fn has_subject(account: &Account, over: &ConnectionId, user: &ScimUser) -> bool {
    let names = [Some(user.user_name.trim()), user.external_id.as_deref()];
    account.subjects(over).any(|subject| names.contains(&Some(subject)))
}

/// The account of a person of a connection that this one takes over by subject.
#[derive(Clone, Copy)]
enum KnownBefore<'c> {
    /// The `externalId` is the person's over the other connection, which identifies the person.
    ById(&'c Account),
    /// Only the `userName` is the person's over the other connection.
    ByName(&'c Account),
}

/// Finds the person of another connection that this one takes over by subject. As at a first sign-in, an account is taken
/// over once, and an account that the other connection deleted is not taken over.
fn known_before<'c>(
    context: Context<'c>,
    fact: &ScimFact,
    user: &ScimUser,
) -> Result<Option<KnownBefore<'c>>, PlanRefusal> {
    let own = &fact.connection;
    let is_meant = |account: &Account, is_known: &dyn Fn(&Account, &ConnectionId) -> bool| {
        !account.signs_in_over(own)
            && takeovers(context, own, Anchor::Subject)
                .any(|one| account.is_managed_over(&one.from) && is_known(account, &one.from))
    };
    let has_id = |account: &Account| is_meant(account, &|account, from| has_id(account, from, user));
    let has_name = |account: &Account| is_meant(account, &|account, from| has_name(account, from, user));
    let found = only(context, |account| has_id(account) || has_name(account), own)?;
    Ok(found.map(|account| match has_id(account) {
        true => KnownBefore::ById(account),
        false => KnownBefore::ByName(account),
    }))
}

/// Whether the `externalId` is the subject with which the person signs in over the other connection, or the `externalId`
/// of the person there.
fn has_id(account: &Account, from: &ConnectionId, user: &ScimUser) -> bool {
    let Some(id) = user.external_id.as_deref() else { return false };
    let record = account.scim_record(from);
    account.subjects(from).any(|subject| subject == id)
        || record.is_some_and(|record| record.has_external_id(id))
}

/// Whether the `userName` is the subject with which the person signs in over the other connection, or the `userName` of
/// the person there.
fn has_name(account: &Account, from: &ConnectionId, user: &ScimUser) -> bool {
    let name = user.user_name.trim();
    account.subjects(from).any(|subject| subject == name)
        || account.scim_record(from).is_some_and(|record| record.is_named(name))
}

/// The account with the address of the person, if it may become theirs.
fn by_address<'c>(
    context: Context<'c>,
    fact: &ScimFact,
    user: &ScimUser,
) -> Result<Option<&'c Account>, PlanRefusal> {
    let over = &fact.connection;
    let Some(email) = profile::scim_email(user)? else { return Ok(None) };
    let Some(account) = context.snapshot.account_with(&email) else { return Ok(None) };
    if is_taken_over(context, fact, account, &email) {
        return Ok(Some(account));
    }
    let is_linked = !account.identities.is_empty() || !account.scim.is_empty();
    let reason = match is_theirs(context, account, over, &email) {
        true => reason_against_account(account),
        false => reason_against_linking(context, account, &email, is_linked),
    };
    match reason {
        None => Ok(Some(account)),
        Some(reason) => Err(PlanRefusal::EmailTaken { account: account.id.to_string(), reason }),
    }
}

/// Whether the account with the address is the person's who signs in over the connection: the address is the subject, or
/// the organization lets addresses decide. Otherwise the person with the address may be another one than who signs in, such
/// as the next one who got it.
fn is_theirs(context: Context<'_>, account: &Account, over: &ConnectionId, email: &EmailAddress) -> bool {
    let is_subject = |subject: &str| EmailAddress::parse(subject.trim()).as_ref() == Ok(email);
    account.scim_record(over).is_none()
        && account.signs_in_over(over)
        && super::is_verified(context, email)
        && (context.policy.identity.link_by_email || account.subjects(over).any(is_subject))
}

/// Whether the account with the address belongs to a person of another connection that this one takes over by address:
/// as at a first sign-in, and once. An account that the other connection deleted is not taken over.
fn is_taken_over(context: Context<'_>, fact: &ScimFact, account: &Account, email: &EmailAddress) -> bool {
    let own = &fact.connection;
    takeovers(context, own, Anchor::Email).any(|takeover| account.is_managed_over(&takeover.from))
        && !account.signs_in_over(own)
        && account.scim_record(own).is_none()
        && reason_against_address(context, account, email).is_none()
}

/// The takeovers of a connection by an anchor.
fn takeovers<'c>(context: Context<'c>, own: &ConnectionId, by: Anchor) -> impl Iterator<Item = &'c Takeover> {
    let all = context.policy.identity.takeovers.iter();
    all.filter(move |takeover| takeover.to == *own && takeover.by == by)
}
