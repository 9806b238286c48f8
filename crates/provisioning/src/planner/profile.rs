//! `[attributes]` and `[profile]`: the fields of an account.

use super::{Case, draft::Draft, is_of_another};
use crate::{
    Account, Action, EmailAddress, Follow, PlanRefusal, ProfileField, RuleId,
    facts::Single,
    text::{Shown, is_longer_than},
};

/// The person's e-mail address: the attribute, or a NameID that says it is one.
pub(super) fn email(case: Case<'_>) -> Result<Option<EmailAddress>, PlanRefusal> {
    let attribute = &case.policy.attributes.email;
    let value = match case.login.single(attribute) {
        Single::Value(value) => value,
        Single::Absent => match case.login.subject.as_deref() {
            Some(name) if case.login.is_email_subject() => name.trim(),
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

/// What a new account is called.
pub(super) struct Names {
    pub(super) username: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
}

pub(super) fn names(case: Case<'_>, draft: &mut Draft) -> Names {
    let mut unless_never = |field, follow| {
        let value = named(case, field, draft);
        if follow == Follow::Never { None } else { value }
    };
    Names {
        first_name: unless_never(ProfileField::FirstName, case.policy.profile.first_name),
        last_name: unless_never(ProfileField::LastName, case.policy.profile.last_name),
        username: named(case, ProfileField::Username, draft),
    }
}

/// Sets what follows the identity provider at every sign-in. What did not come is left as it is.
pub(super) fn follow(case: Case<'_>, account: &Account, draft: &mut Draft) -> Result<(), PlanRefusal> {
    if case.policy.profile.email == Follow::EveryLogin {
        match email(case) {
            Ok(None) => {}
            Ok(Some(email)) => follow_email(case, account, &email, draft),
            // The person is known by an identity: an address that decides nothing keeps nobody out.
            Err(PlanRefusal::EmailInvalid { source }) => keep_email(source.reason(), draft),
            Err(refused) => return Err(refused),
        }
    }
    let fields = [
        (ProfileField::Username, case.policy.profile.username, Some(&account.username)),
        (ProfileField::FirstName, case.policy.profile.first_name, account.first_name.as_ref()),
        (ProfileField::LastName, case.policy.profile.last_name, account.last_name.as_ref()),
    ];
    for (field, follow, before) in fields {
        if follow != Follow::EveryLogin {
            continue;
        }
        if let Some(after) = named(case, field, draft)
            && before != Some(&after)
        {
            set(field, before.cloned(), after, draft);
        }
    }
    Ok(())
}

/// An address differs when it does so in more than the case of letters; one that another account has, or that
/// the organization does not admit, is left alone and said.
fn follow_email(case: Case<'_>, account: &Account, email: &EmailAddress, draft: &mut Draft) {
    if EmailAddress::key_of(&account.email) == email.compared() {
        return;
    }
    let admitted = &case.policy.admission.domains;
    if case.snapshot.account_with(email).is_some() {
        keep_email("another account has it", draft);
    } else if is_of_another(case, email.domain()) {
        keep_email("another organization has verified its domain", draft);
    } else if !admitted.is_empty() && !admitted.contains(email.domain()) {
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
fn named(case: Case<'_>, field: ProfileField, draft: &mut Draft) -> Option<String> {
    let attributes = &case.policy.attributes;
    let attribute = match field {
        ProfileField::Email => &attributes.email,
        ProfileField::Username => &attributes.username,
        ProfileField::FirstName => &attributes.first_name,
        ProfileField::LastName => &attributes.last_name,
    };
    match case.login.single(attribute) {
        Single::Value(value) if is_longer_than(value, ProfileField::LONGEST) => {
            let obstacle = format!("has more than {} characters", ProfileField::LONGEST);
            not_set(field, attribute, &obstacle, draft);
            None
        }
        Single::Value(value) => Some(value.to_owned()),
        Single::Absent => None,
        Single::Ambiguous => {
            not_set(field, attribute, "has more than one value", draft);
            None
        }
    }
}

fn not_set(field: ProfileField, attribute: &str, obstacle: &str, draft: &mut Draft) {
    let text = format!("The {} is not set: the attribute {} {obstacle}", field.name(), Shown(attribute));
    draft.note(rule_of(field), text);
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
