//! What the holder of a link can do about a refusal. The hints of the libraries also speak to the operator of the service,
//! who has the policy and the list of members.

use vouchsafe::console::Console;

/// Returns the hint for a refusal with this code, in the words of the chosen product. `hint` is that of the library.
pub(super) fn hint_to_holder(console: Option<Console>, code: &str, hint: &str) -> String {
    let hint = own_hint(code).unwrap_or(hint);
    console.map_or_else(|| hint.to_owned(), |console| console.hint(code, hint))
}

/// Returns the hint of the portal, if that of the library names something that the holder of a link does not have.
fn own_hint(code: &str) -> Option<&'static str> {
    if code == "refresh.rolled_back" {
        return Some(
            "Download the metadata again in the console of your identity provider, and give that. If it is what you gave, tell whoever sent the \
             link this code: the metadata that is in use was published after it.",
        );
    }
    Some(match code.strip_prefix("provisioning.")? {
        "not_entitled" => "Ask whoever sent the link to switch single sign-on on for your organization.",
        "domain_not_verified" => {
            "Verify the domain of the address on the page \"Domains\", and try again. If your link has no such page, or your organization has \
             no domain, ask whoever sent the link to admit your people."
        }
        "domain_not_allowed" => {
            "Try it as a person with an address of a domain that the service admits, or ask whoever sent the link to admit this domain."
        }
        "domain_of_another" => {
            "Try it as a person with an address of a domain of your own. If this domain is yours, tell whoever sent the link."
        }
        "attribute_missing" => {
            "Let the application at your identity provider send the attribute under the name that the page \"Values\" shows."
        }
        "subject_transient" => {
            "Set the format of the Name ID at your identity provider to emailAddress or persistent."
        }
        "organization_mismatch" | "token_missing" | "token_unknown" | "token_revoked" | "token_expired" => {
            "Let the application at your identity provider send the token of your organization as the attribute that the page \"Values\" shows. \
             If you do not have the token any more, issue another one there."
        }
        "group_blocked" => {
            "Take the person out of the group at your identity provider, or try it as somebody else."
        }
        "group_required" => {
            "Put the person into a group that the service admits, and let your identity provider send the groups under the name that the page \"Values\" \
             shows. Whoever sent the link knows the groups."
        }
        "scim_only" => {
            "Assign the person in the provisioning (SCIM) of your identity provider first, and try again."
        }
        "too_many_removals" => {
            "Look at the groups that your identity provider sends: a filter may have been changed. If they are right, tell whoever sent the link."
        }
        // They are about the service's members and rules, which a link does not show.
        "account_suspended"
        | "account_unknown"
        | "approval_pending"
        | "creation_off"
        | "default_project_missing"
        | "default_team_missing"
        | "email_taken"
        | "identity_taken"
        | "last_owner"
        | "link_session_ended"
        | "other_connection"
        | "password_refused"
        | "scim_account_taken"
        | "scim_not_managed"
        | "scim_takeover_refused"
        | "scim_user_exists"
        | "seat_limit" => {
            "Try it as somebody else who will use the service, or tell whoever sent the link this code: they can change the members and the rules."
        }
        _ => return None,
    })
}
