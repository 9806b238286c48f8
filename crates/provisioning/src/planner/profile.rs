//! `[attributes]` and `[profile]`: the fields of an account.

use super::{Context, domain_is_admitted, draft::Draft, is_of_another};
use crate::{
    Account, Action, EmailAddress, Follow, LoginFacts, PlanRefusal, ProfileField, Role, RuleId, ScimUser,
    facts::Single,
    text::{Shown, is_longer_than},
};

/// The person's e-mail address: the attribute, or a NameID whose Format says that it is one.
pub(super) fn email(context: Context<'_>, login: &LoginFacts) -> Result<Option<EmailAddress>, PlanRefusal> {
    let attribute = &context.policy.attributes.email;
    let value = match login.single(attribute) {
        Single::Value(value) => value,
        Single::Absent => match login.subject.as_deref() {
            Some(name) if login.is_email_subject() => name.trim(),
            _ => return Ok(None),
        },
        Single::Ambiguous => {
            return Err(PlanRefusal::AttributeAmbiguous {
                field: "e-mail address",
                attribute: attribute.clone(),
            });
        }
    };
    EmailAddress::parse(value).map(Some).map_err(|source| PlanRefusal::EmailInvalid { source })
}

/// The address of a person in SCIM: that of `emails`, or a `userName` that is an address.
pub(super) fn scim_email(user: &ScimUser) -> Result<Option<EmailAddress>, PlanRefusal> {
    match user.email.as_deref().map(str::trim).filter(|email| !email.is_empty()) {
        Some(email) => {
            EmailAddress::parse(email).map(Some).map_err(|source| PlanRefusal::EmailInvalid { source })
        }
        None => Ok(EmailAddress::parse(user.user_name.trim()).ok()),
    }
}

/// The names of a person.
#[derive(Default)]
pub(super) struct Names {
    pub(super) username: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
}

/// The names of a new account.
pub(super) fn names(context: Context<'_>, login: &LoginFacts, draft: &mut Draft) -> Names {
    new_names(context, draft, |field, draft| attribute_value(context, login, field, draft))
}

/// The names of a new account that SCIM creates.
pub(super) fn scim_names(context: Context<'_>, user: &ScimUser, draft: &mut Draft) -> Names {
    new_names(context, draft, |field, draft| scim_value(user, field, draft))
}

fn new_names(
    context: Context<'_>,
    draft: &mut Draft,
    mut value: impl FnMut(ProfileField, &mut Draft) -> Option<String>,
) -> Names {
    let mut unless_never = |field, follow| {
        let value = value(field, draft);
        if follow == Follow::Never { None } else { value }
    };
    Names {
        first_name: unless_never(ProfileField::FirstName, context.policy.profile.first_name),
        last_name: unless_never(ProfileField::LastName, context.policy.profile.last_name),
        username: unless_never(ProfileField::Username, Follow::EveryLogin),
    }
}

/// Sets the fields that follow the identity provider at every sign-in. Attributes that did not come change nothing.
pub(super) fn follow(
    context: Context<'_>,
    login: &LoginFacts,
    account: &Account,
    draft: &mut Draft,
) -> Result<(), PlanRefusal> {
    if context.policy.profile.email == Follow::EveryLogin {
        let kept_because = context.policy.enforcement.is_break_glass(account).then_some(
            "it is a break-glass account, which the policy names by its address: change both by hand",
        );
        follow_if_address(context, account, (email(context, login), kept_because), draft)?;
    }
    follow_names(context, account, draft, |field, draft| attribute_value(context, login, field, draft));
    Ok(())
}

/// The same with SCIM's data. A bearer token is enough for SCIM, so it cannot change the address of a privileged
/// account.
pub(super) fn follow_scim(
    context: Context<'_>,
    user: &ScimUser,
    account: &Account,
    draft: &mut Draft,
) -> Result<(), PlanRefusal> {
    if context.policy.profile.email == Follow::EveryLogin {
        follow_if_address(context, account, (scim_email(user), reason_to_keep(context, account)), draft)?;
    }
    follow_names(context, account, draft, |field, draft| scim_value(user, field, draft));
    Ok(())
}

/// The reason why the address of an account does not follow SCIM: password resets are sent to the address.
fn reason_to_keep(context: Context<'_>, account: &Account) -> Option<&'static str> {
    if account.has_password {
        Some("the account has a password, and SCIM does not change its address")
    } else if account.role != Role::Member {
        Some("the account has a role above member, and SCIM does not change its address")
    } else if context.policy.enforcement.is_break_glass(account) {
        Some("it is a break-glass account, and SCIM does not change its address")
    } else {
        None
    }
}

fn follow_names(
    context: Context<'_>,
    account: &Account,
    draft: &mut Draft,
    value: impl Fn(ProfileField, &mut Draft) -> Option<String>,
) {
    let profile = &context.policy.profile;
    let fields = [
        (ProfileField::Username, profile.username, Some(&account.username)),
        (ProfileField::FirstName, profile.first_name, account.first_name.as_ref()),
        (ProfileField::LastName, profile.last_name, account.last_name.as_ref()),
    ];
    for (field, follow, before) in fields {
        if follow != Follow::EveryLogin {
            continue;
        }
        if let Some(after) = value(field, draft)
            && before != Some(&after)
        {
            set(field, before.cloned(), after, draft);
        }
    }
}

fn follow_if_address(
    context: Context<'_>,
    account: &Account,
    (email, kept_because): (Result<Option<EmailAddress>, PlanRefusal>, Option<&'static str>),
    draft: &mut Draft,
) -> Result<(), PlanRefusal> {
    match email {
        Ok(None) => {}
        Ok(Some(email)) => follow_email(context, account, (&email, kept_because), draft),
        // The person is known, so an address that decides nothing does not refuse the sign-in.
        Err(PlanRefusal::EmailInvalid { source }) => keep_email(source.reason(), draft),
        Err(refused) => return Err(refused),
    }
    Ok(())
}

/// An address differs if it differs in more than case. An address that another account has, or that the organization
/// does not admit, is not used, and a note says so.
fn follow_email(
    context: Context<'_>,
    account: &Account,
    (email, kept_because): (&EmailAddress, Option<&'static str>),
    draft: &mut Draft,
) {
    if EmailAddress::key_of(&account.email) == email.compared() {
        return;
    }
    if let Some(reason) = kept_because {
        keep_email(reason, draft);
    } else if context.snapshot.account_with(email).is_some() {
        keep_email("another account has it", draft);
    } else if is_of_another(context, email.domain()) {
        keep_email("another organization has verified its domain", draft);
    } else if domain_is_admitted(context, email).is_err() {
        keep_email("its domain is not one that the organization admits", draft);
    } else {
        set(ProfileField::Email, Some(account.email.clone()), email.as_str().to_owned(), draft);
    }
}

fn keep_email(obstacle: &str, draft: &mut Draft) {
    let text = format!("The e-mail address stays as it is, another one came: {obstacle}");
    draft.note(rule_of(ProfileField::Email), text);
}

/// The value for a field other than the e-mail address.
fn attribute_value(
    context: Context<'_>,
    login: &LoginFacts,
    field: ProfileField,
    draft: &mut Draft,
) -> Option<String> {
    let attributes = &context.policy.attributes;
    let attribute = match field {
        ProfileField::Email => &attributes.email,
        ProfileField::Username => &attributes.username,
        ProfileField::FirstName => &attributes.first_name,
        ProfileField::LastName => &attributes.last_name,
    };
    match login.single(attribute) {
        Single::Value(value) => fits(field, value, &format!("the attribute {}", Shown(attribute)), draft),
        Single::Absent => None,
        Single::Ambiguous => {
            not_set(field, &format!("the attribute {} has more than one value", Shown(attribute)), draft);
            None
        }
    }
}

fn scim_value(user: &ScimUser, field: ProfileField, draft: &mut Draft) -> Option<String> {
    let value = match field {
        ProfileField::Email => user.email.as_deref(),
        ProfileField::Username => Some(user.user_name.as_str()),
        ProfileField::FirstName => user.first_name.as_deref(),
        ProfileField::LastName => user.last_name.as_deref(),
    };
    let value = value.map(str::trim).filter(|value| !value.is_empty())?;
    fits(field, value, "what SCIM says", draft)
}

fn fits(field: ProfileField, value: &str, what: &str, draft: &mut Draft) -> Option<String> {
    if is_longer_than(value, ProfileField::LONGEST) {
        not_set(field, &format!("{what} has more than {} characters", ProfileField::LONGEST), draft);
        return None;
    }
    Some(value.to_owned())
}

fn not_set(field: ProfileField, obstacle: &str, draft: &mut Draft) {
    draft.note(rule_of(field), format!("The {} is not set: {obstacle}", field.name()));
}

fn set(field: ProfileField, before: Option<String>, after: String, draft: &mut Draft) {
    let action = Action::SetField { field, before, after };
    draft.step(rule_of(field), action, "it follows the identity provider");
}

fn rule_of(field: ProfileField) -> RuleId {
    RuleId::from(match field {
        ProfileField::Email => "profile.email",
        ProfileField::Username => "profile.username",
        ProfileField::FirstName => "profile.first_name",
        ProfileField::LastName => "profile.last_name",
    })
}
