//! A sign-in: its organization, its person, and what the person gets.

use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::{CryptoError, hexadecimal};

use super::{
    Context,
    draft::Draft,
    groups,
    newcomer::{self, Newcomer},
    profile, reason_against_address, reason_against_linking, roles,
    rules::Rules,
    settle,
    wanted::Wanted,
};
use crate::{
    Account, AccountId, Action, Anchor, Cause, Create, Identity, LoginFacts, Plan, PlanRefusal, RuleId,
    ScimRecord, Source, SyncMode, TokenHash,
    facts::{GroupClaim, Single},
    text::Shown,
};

/// `linking` is the account that the person is signed in to by other means.
pub(super) fn plan(
    context: Context<'_>,
    login: &LoginFacts,
    linking: Option<&AccountId>,
) -> Result<Plan, PlanRefusal> {
    connection_is_the_organizations(context, login)?;
    // At every sign-in: an organization whose plan no longer includes SAML SSO signs nobody in over it.
    context.snapshot.organization.require_entitlement()?;
    token_is_the_organizations(context, login)?;
    let identity = stable_identity(context, login)?;
    let assertion_hash = assertion_hash(login).map_err(PlanRefusal::cryptography)?;
    let cause = Cause::SignIn { identity: identity.clone(), assertion_hash };
    let mut draft = Draft::new(context, cause, login.at);
    let found = find(context, login, &identity, linking)?;
    let claim = groups::claim(context, login);
    // A person whose account existed before has not shown a group yet.
    let (account, is_first) = match found {
        Found::Known(account) => (Some(account), false),
        Found::ToLink { account, rule, because } => {
            draft.link(account, &identity, rule, because);
            (Some(account), true)
        }
        Found::Nobody => (None, true),
    };
    if let Some(account) = account {
        account.may_be_used()?;
    }
    groups::admit(context, login, &claim, &groups::pushed(context, account, &login.connection), is_first)?;
    match account {
        Some(account) => {
            draft.is_about(account);
            profile::follow(context, login, account, &mut draft)?;
        }
        None => admit(context, login, &identity, &mut draft)?,
    }
    let mut wanted = Wanted::default();
    if account.is_none() {
        default_teams(context, &claim, &mut wanted, &mut draft)?;
    }
    let is_listed = groups::say_what_is_no_list(context, login, &claim, &mut draft);
    if let GroupClaim::Listed(names) = &claim {
        let over = &login.connection;
        let groups = names.iter().map(|name| groups::of_login(name, over)).collect::<Vec<_>>();
        let rules = Rules::of(&context.policy.groups);
        groups::map(context, &rules, &groups, &mut wanted, &mut draft);
        roles::map(context, &rules, &groups, &mut wanted, &mut draft);
    }
    let ends = |source: &Source| reason_to_end(context, login, source).filter(|_| is_listed);
    settle::settle(context, account, &wanted, &ends, &mut draft);
    roles::settle(context, account, &wanted, &ends, &mut draft);
    if account.is_none() {
        newcomer::default_projects(context, &mut draft)?;
    }
    Ok(draft.finish())
}

/// Ends what the groups that came do not give.
fn reason_to_end(context: Context<'_>, login: &LoginFacts, source: &Source) -> Option<String> {
    let sync = context.policy.groups.sync;
    match source {
        _ if sync == SyncMode::Additive => None,
        Source::Group { connection, group } if *connection == login.connection => {
            Some(format!("the group {} does not give it any more", Shown(group)))
        }
        other => settle::reason_to_end_what_others_gave(context, other),
    }
}

/// If only groups put people into teams, and groups came, other sources end.
fn default_teams(
    context: Context<'_>,
    claim: &GroupClaim<'_>,
    wanted: &mut Wanted,
    draft: &mut Draft,
) -> Result<(), PlanRefusal> {
    let is_exclusive = context.policy.groups.sync == SyncMode::Exclusive;
    if !is_exclusive || !matches!(claim, GroupClaim::Listed(_)) {
        return newcomer::default_teams(context, wanted);
    }
    if !context.policy.defaults.teams.is_empty() {
        let text = "Does not join the default teams: groups.sync is exclusive, and the person's groups came";
        draft.note(RuleId::from("defaults.teams"), text);
    }
    Ok(())
}

fn admit(
    context: Context<'_>,
    login: &LoginFacts,
    identity: &Identity,
    draft: &mut Draft,
) -> Result<(), PlanRefusal> {
    let email = profile::email(context, login)?.ok_or_else(|| PlanRefusal::AttributeMissing {
        field: "e-mail address",
        attribute: context.policy.attributes.email.clone(),
    })?;
    match context.policy.admission.create {
        Create::Always => {}
        Create::ScimOnly => return Err(PlanRefusal::ScimOnly {}),
        Create::Never => return Err(PlanRefusal::CreationOff {}),
    }
    super::domain_is_admitted(context, &email)?;
    let names = profile::names(context, login, draft);
    newcomer::create(
        context,
        Newcomer { email, names, because: "this is the person's first sign-in" },
        draft,
    );
    let link = Action::LinkIdentity { identity: identity.clone() };
    draft.step(RuleId::from("admission.create"), link, "later sign-ins find the account by it");
    Ok(())
}

/// Any identity provider can use any entity ID, and everybody who has signed in once may know a token. The key that
/// signed belongs to the connection, so the connection decides; the entity ID only helps to choose between two error
/// messages.
fn connection_is_the_organizations(context: Context<'_>, login: &LoginFacts) -> Result<(), PlanRefusal> {
    let organization = &context.snapshot.organization;
    let name = || organization.name.clone();
    let Some(expected) = organization.identity_provider() else {
        return Err(PlanRefusal::NotConverted { organization: name() });
    };
    if organization.signs_in_over(&login.connection) {
        return Ok(());
    }
    if *expected != login.issuer {
        return Err(PlanRefusal::OrganizationMismatch {
            organization: name(),
            expected: expected.to_string(),
            actual: login.issuer.to_string(),
        });
    }
    Err(PlanRefusal::OtherConnection { organization: name(), connection: login.connection.clone() })
}

/// The connection was the organization's own already. If its settings require no token, the token is not checked.
fn token_is_the_organizations(context: Context<'_>, login: &LoginFacts) -> Result<(), PlanRefusal> {
    if context.snapshot.token_not_required.contains(&login.connection) {
        return Ok(());
    }
    let attribute = &context.policy.attributes.token;
    let presented = match (&login.token_hash, login.single(attribute)) {
        (Some(hash), Single::Absent) => hash.clone(),
        (None, Single::Value(token)) => {
            TokenHash::hashed_by(&login.hashing, token).map_err(PlanRefusal::cryptography)?
        }
        (None, Single::Absent) => return Err(PlanRefusal::TokenMissing { attribute: attribute.clone() }),
        (_, Single::Ambiguous) | (Some(_), Single::Value(_)) => {
            return Err(PlanRefusal::TokenAmbiguous { attribute: attribute.clone() });
        }
    };
    context.snapshot.organization.check_token(&presented, login.at)
}

/// The identity provider and the subject by which the person is found again.
fn stable_identity(context: Context<'_>, login: &LoginFacts) -> Result<Identity, PlanRefusal> {
    let (identity, source_name) = match &context.policy.identity.subject_attribute {
        Some(attribute) => (login.named_by(attribute), attribute.as_str()),
        None if login.is_transient() => return Err(PlanRefusal::SubjectTransient {}),
        None => (login.named(), "the NameID"),
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

/// The rule by which a person signs in to the account that SCIM created.
const BY_SCIM: &str = "identity.scim";

/// The rule by which a person signs in to an account with their address.
const BY_EMAIL: &str = "identity.link_by_email";

enum Found<'c> {
    Known(&'c Account),
    ToLink { account: &'c Account, rule: &'static str, because: &'static str },
    Nobody,
}

/// Finds the account by identity first, then the account that the person is signed in to, then by SCIM, then by a
/// takeover, and by e-mail address where that is allowed.
fn find<'c>(
    context: Context<'c>,
    login: &LoginFacts,
    identity: &Identity,
    linking: Option<&AccountId>,
) -> Result<Found<'c>, PlanRefusal> {
    let known = context.snapshot.account_of(identity);
    let pushed = pushed_as(context, &login.connection, identity);
    if let Some(id) = linking {
        return match known {
            Some(account) if account.id == *id => Ok(Found::Known(account)),
            Some(other) => Err(PlanRefusal::IdentityTaken { account: other.id.to_string() }),
            None => match pushed {
                Some(pushed) if pushed.id != *id => Err(PlanRefusal::ScimAccountTaken {
                    account: pushed.id.to_string(),
                    reason: "another account is to be linked",
                }),
                _ => Ok(Found::ToLink {
                    account: context.snapshot.known_account(id)?,
                    rule: "identity.signed_in",
                    because: "the person was signed in to the account and asked for it",
                }),
            },
        };
    }
    if let Some(account) = known {
        return Ok(Found::Known(account));
    }
    if let Some(account) = pushed {
        account.may_be_used()?;
        return match reason_against_pushed(account, &login.connection) {
            Some(reason) => Err(PlanRefusal::ScimAccountTaken { account: account.id.to_string(), reason }),
            None => Ok(Found::ToLink {
                account,
                rule: BY_SCIM,
                because: "the identity provider created the account by SCIM for this person",
            }),
        };
    }
    if let Some(account) = taken_over(context, login, identity)? {
        return Ok(Found::ToLink {
            account,
            rule: "identity.takeovers",
            because: "the connection takes over the people of the one that the account was signed in to over",
        });
    }
    let Some(email) = profile::email(context, login)? else { return Ok(Found::Nobody) };
    let Some(account) = context.snapshot.account_with(&email) else { return Ok(Found::Nobody) };
    account.may_be_used()?;
    match reason_against_linking(context, account, &email, is_linked_to_another(account, &login.connection)) {
        Some(reason) => Err(PlanRefusal::EmailTaken { account: account.id.to_string(), reason }),
        None => Ok(Found::ToLink {
            account,
            rule: BY_EMAIL,
            because: "the account has the same e-mail address, in a domain that the organization owns",
        }),
    }
}

/// The account of which SCIM over the connection says that it is this person's: its `externalId` or `userName` is the
/// subject. Also an account that SCIM has deleted, unless its name may belong to somebody else by now.
fn pushed_as<'c>(context: Context<'c>, over: &ConnectionId, identity: &Identity) -> Option<&'c Account> {
    let subject = identity.subject.trim();
    let find = |key: String| {
        let mut accounts = context.snapshot.accounts();
        accounts.find(|account| account.scim_record(over).is_some_and(|record| record.keys().contains(&key)))
    };
    find(ScimRecord::key_of_external_id(over, subject))
        .or_else(|| find(ScimRecord::key_of_user_name(over, subject)))
}

/// The reason why a person does not sign in to the account that SCIM gave them. Another account is not made for them
/// either: SCIM would then suspend the wrong one.
fn reason_against_pushed(account: &Account, over: &ConnectionId) -> Option<&'static str> {
    if account.scim_record(over).is_some_and(|record| record.deleted) {
        Some("SCIM has deleted the person")
    } else if account.has_password {
        Some("it has a password")
    } else if account.signs_in_over(over) {
        Some("another person signs in to it over the connection")
    } else {
        None
    }
}

/// Whether the account belongs to a person who has signed in, or whom another connection pushed. One that was only pushed
/// over this connection belongs to the person whom the identity provider means by its address, if addresses may decide.
/// One that was deleted by SCIM still belongs to its person; the next person with the address is somebody else.
fn is_linked_to_another(account: &Account, over: &ConnectionId) -> bool {
    !account.identities.is_empty()
        || account.scim.iter().any(|record| record.deleted || record.connection != *over)
}

/// Whether the record is about the person with this subject.
fn is_about(record: &ScimRecord, subject: &str) -> bool {
    record.has_external_id(subject) || record.is_named(subject)
}

/// The account of a person of another connection that this one takes over. It is taken over once, so a second person
/// with the same anchor gets none, and neither does a person other than the one to whom SCIM over this connection gave it.
fn taken_over<'c>(
    context: Context<'c>,
    login: &LoginFacts,
    identity: &Identity,
) -> Result<Option<&'c Account>, PlanRefusal> {
    let own = &login.connection;
    for takeover in context.policy.identity.takeovers.iter().filter(|takeover| takeover.to == *own) {
        let found = match takeover.by {
            Anchor::Subject => context.snapshot.account_of(&identity.over(takeover.from.clone())),
            Anchor::Email => profile::email(context, login)?.and_then(|email| {
                let account = context.snapshot.account_with(&email)?;
                reason_against_address(context, account, &email).is_none().then_some(account)
            }),
        };
        let is_of_another = |account: &Account| {
            account.scim_record(own).is_some_and(|record| !is_about(record, identity.subject.trim()))
        };
        let found = found.filter(|account| {
            account.signs_in_over(&takeover.from) && !account.signs_in_over(own) && !is_of_another(account)
        });
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The hash of its replay record: SHA-256 over the issuer, a zero byte and the assertion's ID.
fn assertion_hash(login: &LoginFacts) -> Result<Option<String>, CryptoError> {
    if login.assertion_id.is_empty() {
        return Ok(None);
    }
    let text = [login.issuer.as_str(), "\0", login.assertion_id.as_str()].concat();
    login.hashing.sha256(text.as_bytes()).map(|hash| Some(hexadecimal(&hash)))
}
