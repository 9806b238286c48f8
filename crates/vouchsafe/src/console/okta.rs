//! Okta.

use vouchsafe_provisioning::AttributeMapping;

use super::{
    ConsoleAttribute, ConsoleField, ENCRYPTION_CERTIFICATE, EXACTLY, SIGNING_CERTIFICATE, ServiceDetails,
    attributes as rows, section,
};

const ADVANCED: &str = "Advanced Settings";

pub(super) fn fields(service: &ServiceDetails) -> Vec<ConsoleField> {
    let mut fields = section(
        "SAML Settings",
        [
            ("Single sign-on URL", service.assertion_consumer(), EXACTLY),
            ("Use this for Recipient URL and Destination URL", "checked", ""),
            ("Audience URI (SP Entity ID)", service.entity_id(), "exactly so"),
            ("Default RelayState", "", "leave empty, or a path that the service allows"),
            ("Name ID format", "EmailAddress", ""),
            ("Application username", "Email", ""),
            ("Update application username on", "Create and update", ""),
        ],
    );
    fields.extend(section(
        ADVANCED,
        [
            ("Response", "Signed", ""),
            ("Assertion Signature", "Signed", ""),
            ("Signature Algorithm", "RSA-SHA256", ""),
            ("Digest Algorithm", "SHA256", ""),
        ],
    ));
    fields.extend(if service.is_encrypted {
        section(
            ADVANCED,
            [
                ("Assertion Encryption", "Encrypted", ""),
                ("Encryption Algorithm", "AES256-GCM", "a CBC algorithm needs a signed Response"),
                ("Key Transport Algorithm", "RSA-OAEP", ""),
                ("Encryption Certificate", ENCRYPTION_CERTIFICATE, "upload as PEM"),
            ],
        )
    } else {
        section(ADVANCED, [("Assertion Encryption", "Unencrypted", "")])
    });
    fields.extend(match service.single_logout() {
        Some(location) => section(
            ADVANCED,
            [
                ("Enable Single Logout", "checked", ""),
                ("Single Logout URL", location, ""),
                ("SP Issuer", service.entity_id(), "exactly the Issuer of our LogoutRequest"),
                ("Signature Certificate", SIGNING_CERTIFICATE, "upload as PEM"),
            ],
        ),
        None => section(ADVANCED, [("Enable Single Logout", "unchecked", "")]),
    });
    fields.extend(section(
        ADVANCED,
        [
            ("Assertion Inline Hook", "None", ""),
            ("Authentication context class", "PasswordProtectedTransport", ""),
            ("Honor Force Authentication", "Yes", ""),
            ("SAML Issuer ID", "http://www.okta.com/${org.externalKey}", "as offered"),
        ],
    ));
    fields
}

pub(super) fn attributes(names: &AttributeMapping) -> Vec<ConsoleAttribute> {
    let mut all = rows(
        "Attribute Statements (name, value)",
        [
            (&names.email, "user.email", "Name format: Basic"),
            (&names.username, "user.login", "Name format: Basic"),
            (&names.first_name, "user.firstName", "Name format: Basic"),
            (&names.last_name, "user.lastName", "Name format: Basic"),
            (&names.token, "\"the organization's token\"", "Name format: Basic; in double quotes"),
        ],
    );
    let groups = names.groups.as_deref().unwrap_or_default();
    all.extend(rows(
        "Group Attribute Statements (name, filter)",
        [(groups, "Matches regex .*", "Name format: Basic; a narrower filter sends fewer groups")],
    ));
    all
}
