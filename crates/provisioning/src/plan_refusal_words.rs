//! Code and hint of each refusal.

use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::CryptoError;

use crate::{AccountId, Domain, PlanRefusal, domain_challenge::TOO_MANY_DOMAINS};

impl PlanRefusal {
    /// The state of the connection does not allow the operation.
    #[must_use]
    pub fn connection_state(connection: ConnectionId, state: &'static str, wanted: &'static str) -> Self {
        Self::ConnectionState { connection, state, wanted }
    }

    /// The session in which the person asked for the link has ended.
    #[must_use]
    pub fn link_session_ended(account: &AccountId) -> Self {
        Self::LinkSessionEnded { account: account.to_string() }
    }

    /// The account waits for somebody's approval.
    #[must_use]
    pub fn approval_pending(account: &AccountId) -> Self {
        Self::ApprovalPending { account: account.to_string() }
    }

    /// A stable word for logs, metrics and tests.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotEntitled { .. } => "provisioning.not_entitled",
            Self::AlreadyConverted { .. } => "provisioning.already_converted",
            Self::NotConverted { .. } => "provisioning.not_converted",
            Self::OrganizationMismatch { .. } => "provisioning.organization_mismatch",
            Self::OtherConnection { .. } => "provisioning.other_connection",
            Self::ConnectionState { .. } => "provisioning.connection_state",
            Self::LastConnection { .. } => "provisioning.last_connection",
            Self::TokenMissing { .. } => "provisioning.token_missing",
            Self::TokenAmbiguous { .. } => "provisioning.token_ambiguous",
            Self::TokenUnknown { .. } => "provisioning.token_unknown",
            Self::TokenRevoked { .. } => "provisioning.token_revoked",
            Self::TokenExpired { .. } => "provisioning.token_expired",
            Self::SubjectTransient { .. } => "provisioning.subject_transient",
            Self::SubjectMissing { .. } => "provisioning.subject_missing",
            Self::SubjectTooLong { .. } => "provisioning.subject_too_long",
            Self::AccountSuspended { .. } => "provisioning.account_suspended",
            Self::CreationOff { .. } => "provisioning.creation_off",
            Self::DomainNotAllowed { .. } => "provisioning.domain_not_allowed",
            Self::DomainOfAnother { .. } => "provisioning.domain_of_another",
            Self::SeatLimit { .. } => "provisioning.seat_limit",
            Self::AttributeMissing { .. } => "provisioning.attribute_missing",
            Self::AttributeAmbiguous { .. } => "provisioning.attribute_ambiguous",
            Self::EmailInvalid { source } => source.code(),
            Self::EmailTaken { .. } => "provisioning.email_taken",
            Self::IdentityTaken { .. } => "provisioning.identity_taken",
            Self::IdentityUnknown { .. } => "provisioning.identity_unknown",
            Self::LinkSessionEnded { .. } => "provisioning.link_session_ended",
            Self::AccountUnknown { .. } => "provisioning.account_unknown",
            Self::TeamUnknown { .. } => "provisioning.team_unknown",
            Self::LastOwner { .. } => "provisioning.last_owner",
            Self::LastBreakGlass { .. } => "provisioning.last_break_glass",
            Self::DefaultTeamMissing { .. } => "provisioning.default_team_missing",
            Self::DefaultProjectMissing { .. } => "provisioning.default_project_missing",
            Self::ApprovalPending { .. } => "provisioning.approval_pending",
            Self::ScimOnly { .. } => "provisioning.scim_only",
            Self::GroupBlocked { .. } => "provisioning.group_blocked",
            Self::GroupRequired { .. } => "provisioning.group_required",
            Self::TooManyRemovals { .. } => "provisioning.too_many_removals",
            Self::DomainNotVerified { .. } => "provisioning.domain_not_verified",
            Self::ScimUserExists { .. } => "provisioning.scim_user_exists",
            Self::ScimTakeoverRefused { .. } => "provisioning.scim_takeover_refused",
            Self::ScimAccountTaken { .. } => "provisioning.scim_account_taken",
            Self::GroupsNotSent { .. } => "provisioning.groups_not_sent",
            Self::ScimNotManaged { .. } => "provisioning.scim_not_managed",
            Self::GroupUnknown { .. } => "provisioning.group_unknown",
            Self::GroupName { .. } => "provisioning.group_name",
            Self::PasswordRefused { .. } => "provisioning.password_refused",
            Self::InvitationRefused { .. } => "provisioning.invitation_refused",
            Self::EnforcementUntested { .. } => "provisioning.enforcement_untested",
            Self::BreakGlassUnknown { .. } => "provisioning.break_glass_unknown",
            Self::DomainVerified { .. } => "provisioning.domain_verified",
            Self::TokenLimit { .. } => "provisioning.token_limit",
            Self::DomainChallenge { .. } => "provisioning.domain_challenge",
            Self::Cryptography { source } => source.code(),
        }
    }

    /// What the operator or the customer's administrator should change, in the words of their consoles.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotEntitled { .. } => {
                "Add SAML SSO to the organization's plan (Enterprise, or the add-on)."
            }
            Self::AlreadyConverted { .. } => "Rotate the token instead of converting again.",
            Self::NotConverted { .. } => {
                "Convert the organization to SAML first: its admin gives the identity provider's metadata URL and \
                 gets a token."
            }
            Self::OrganizationMismatch { .. } => {
                "Each organization has an app of its own at its identity provider. Let this app send this organization's own token as the attribute \
                 that [attributes] of the policy names."
            }
            Self::OtherConnection { .. } => {
                "Add the connection to the organization's connections if it is its own. If it is another customer's, somebody there uses \
                 this organization's entity ID and token: rotate the token."
            }
            Self::ConnectionState { .. } => {
                "A draft can be tested and activated, and an active connection can be retired. A retired one stays retired: add \
                 another one."
            }
            Self::LastConnection { .. } => {
                "Activate another connection first, or replace this one by it. To end SAML SSO, disconnect the organization."
            }
            Self::TokenMissing { .. } => {
                "Let the app at the identity provider send the organization's token as a constant value of that attribute (in Okta's console in \
                 double quotes). `vouchsafe values` prints where each product's console has it."
            }
            Self::TokenAmbiguous { .. } => {
                "Send the token once: look for a second attribute of that name in the identity provider's console."
            }
            Self::TokenUnknown { .. } => {
                "Compare the token in the identity provider's console with the token that the service showed; when it is lost, \
                 rotate it and paste the new one."
            }
            Self::TokenRevoked { .. } | Self::TokenExpired { .. } => {
                "Let the app at the identity provider send the organization's current token (in Okta's console in double quotes)."
            }
            Self::SubjectTransient { .. } => {
                "Set the Name ID format at the identity provider to emailAddress or persistent. Or choose an attribute that stays the same \
                 as identity.subject_attribute in the policy."
            }
            Self::SubjectMissing { .. } => {
                "Let the identity provider fill the Name ID (Okta: Application username; Entra ID: Unique User Identifier) from a field that every \
                 assigned person has."
            }
            Self::SubjectTooLong { .. } => {
                "Let the identity provider fill the Name ID from a field that is short and stays the same, such as a login name. Look whether the field has a \
                 list or a whole document in it."
            }
            Self::AccountSuspended { .. } => {
                "Reactivate the account in the organization's members, or unassign the person from the app at the \
                 identity provider."
            }
            Self::CreationOff { .. } => {
                "Create the account first, or set admission.create = \"always\" in the policy."
            }
            Self::DomainNotAllowed { .. } => {
                "Add the domain to admission.domains in the policy, or unassign the person from the app."
            }
            Self::DomainOfAnother { .. } => {
                "A person signs in to the organization that has verified the domain of their address. If the domain is \
                 this organization's, have it verified for this one."
            }
            Self::SeatLimit { .. } => "Add seats to the plan, or suspend accounts that are not used.",
            Self::AttributeMissing { .. } => {
                "Let the app at the identity provider send the attribute: `vouchsafe values --product NAME` prints what its console has to say. Or set \
                 the name that it has there under [attributes] in the policy."
            }
            Self::AttributeAmbiguous { .. } => {
                "Send one value: look for a second attribute of that name in the identity provider's console."
            }
            Self::EmailInvalid { source } => source.hint(),
            Self::EmailTaken { .. } => {
                "Let the person sign in with the password and link the account, or set identity.link_by_email in the policy for \
                 accounts without password, role or other link. If SCIM created the account, or this began for everybody at \
                 once, let the identity provider send as Name ID the userName or externalId of SCIM, or the Name ID that it sent \
                 before."
            }
            Self::IdentityTaken { .. } => "Unlink the person from that account first.",
            Self::IdentityUnknown { .. } => {
                "Nothing has to be done: the identity provider changes the name of somebody who does not sign in here."
            }
            Self::LinkSessionEnded { .. } => {
                "The person signs in with the password again and links the account from there. If they did not sign out, look in the audit \
                 whether the account was suspended meanwhile."
            }
            Self::AccountUnknown { .. } => {
                "Link an account of the organization whose token the assertion has."
            }
            Self::TeamUnknown { .. } => "Choose a team of the organization; it may have been deleted.",
            Self::LastOwner { .. } => "Make another member owner first.",
            Self::LastBreakGlass { .. } => {
                "Name another active owner with a password in enforcement.break_glass first, or suspend the account by hand."
            }
            Self::DefaultTeamMissing { .. } => {
                "Create the team, or take it out of defaults.teams in the policy."
            }
            Self::DefaultProjectMissing { .. } => {
                "Create the project, or take it out of defaults.projects in the policy."
            }
            Self::ApprovalPending { .. } => "Approve the account in the organization's members.",
            Self::ScimOnly { .. } => {
                "Assign the person in the identity provider's provisioning (SCIM), or set admission.create = \"always\" in the policy."
            }
            Self::GroupBlocked { .. } => {
                "Take the person out of the group at the identity provider, or the group out of admission.blocked_groups in the policy."
            }
            Self::GroupRequired { .. } => {
                "Put the person into one of the groups at the identity provider, and let it send groups as the attribute that [attributes] of the policy names. Or change admission.required_groups in the policy."
            }
            Self::TooManyRemovals { .. } => {
                "Look at the groups that the identity provider sends: a filter may have been changed. If so many are to end, raise groups.max_removals in the policy until they have."
            }
            Self::DomainNotVerified { .. } => {
                "Verify the domain for the organization (a DNS TXT record). Or name it in admission.domains in the policy."
            }
            Self::ScimUserExists { .. } => {
                "Give the person another userName at the identity provider, or update the resource that exists."
            }
            Self::ScimAccountTaken { .. } => {
                "If the account has a password, let the person sign in with it and link the account. Otherwise compare the userName, \
                 the externalId and the address of both people at the identity provider, and push the person again."
            }
            Self::GroupsNotSent { .. } => {
                "Let the identity provider send only the groups that are assigned to the application (Entra ID: Groups assigned to the \
                 application), or push them by SCIM."
            }
            Self::ScimTakeoverRefused { .. } => {
                "Let the person sign in over the new connection once, and push the person again. Give somebody else with the same userName or externalId another one at the identity provider."
            }
            Self::ScimNotManaged { .. } => {
                "Let the person sign in to the account with the password and link it, or set identity.link_by_email in the policy for accounts without password, role or other link."
            }
            Self::GroupUnknown { .. } => "Push the group again from the identity provider.",
            Self::GroupName { .. } => "Give the group another name at the identity provider.",
            Self::PasswordRefused { .. } => {
                "Sign in over the identity provider. The policy's enforcement.passwords and enforcement.break_glass say who else may use a password."
            }
            Self::InvitationRefused { .. } => "Assign the person to the app at the identity provider.",
            Self::EnforcementUntested { .. } => {
                "Let an owner sign in over the organization's connection first, or name in enforcement.break_glass an active owner with a password."
            }
            Self::BreakGlassUnknown { .. } => {
                "Name the e-mail address of an active owner with a password, and try the policy by `vouchsafe policy check --state`."
            }
            Self::DomainVerified { .. } => {
                "Look at the domains again: somebody has verified this one meanwhile. The operator of the service gives up a verified domain."
            }
            Self::TokenLimit { .. } => {
                "Wait until earlier tokens have ended (a day after they were replaced), revoke those that nobody uses, or \
                 replace all of them at once without an overlap."
            }
            Self::DomainChallenge { reason, .. } if *reason == TOO_MANY_DOMAINS => {
                "Have the operator of the service give up domains that are not used any more."
            }
            Self::DomainChallenge { .. } => {
                "Ask for a new value, write it into the DNS as the TXT record that is shown, and check again when the DNS has it."
            }
            Self::Cryptography { source } => source.hint(),
        }
    }

    /// A constant sentence that the person at the browser may see.
    #[must_use]
    pub fn public_message(&self) -> &'static str {
        "You could not be signed in. Please ask your administrator."
    }

    pub(crate) fn cryptography(source: CryptoError) -> Self {
        Self::Cryptography { source }
    }
}

/// Domains, as a message lists them.
pub(crate) fn listed(domains: &[Domain]) -> String {
    match domains.is_empty() {
        true => "none".to_owned(),
        false => domains.iter().map(Domain::as_str).collect::<Vec<_>>().join(", "),
    }
}
