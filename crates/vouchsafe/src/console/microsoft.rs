//! Microsoft Entra ID, and AD FS.

use vouchsafe_provisioning::AttributeMapping;

use super::{
    ConsoleAttribute, ConsoleField, ENCRYPTION_CERTIFICATE, EXACTLY, SIGNING_CERTIFICATE, ServiceDetails,
    TOKEN, attributes, section,
};

pub(super) fn entra_fields(service: &ServiceDetails) -> Vec<ConsoleField> {
    let basic = "Basic SAML Configuration";
    let mut fields = section(
        basic,
        [
            ("Identifier (Entity ID)", service.entity_id(), "exactly so, and the default of several"),
            ("Reply URL (Assertion Consumer Service URL)", service.assertion_consumer(), EXACTLY),
            (
                "Sign on URL (Optional)",
                "",
                "leave empty, or the address at which the service starts a sign-in",
            ),
            ("Relay State (Optional)", "", "leave empty, or a path that the service allows"),
        ],
    );
    if let Some(location) = service.single_logout() {
        fields.extend(section(basic, [("Logout Url (Optional)", location, "")]));
    }
    fields.extend(section(
        "SAML Certificates",
        [
            ("Token signing certificate > Edit > Signing Option", "Sign SAML response and assertion", ""),
            ("Token signing certificate > Edit > Signing Algorithm", "SHA-256", ""),
        ],
    ));
    if service.is_encrypted {
        fields.extend(section(
            "Token encryption",
            [(
                "Import Certificate, then Activate token encryption",
                ENCRYPTION_CERTIFICATE,
                "as a .cer file",
            )],
        ));
    }
    fields
}

pub(super) fn entra_attributes(names: &AttributeMapping) -> Vec<ConsoleAttribute> {
    let groups = names.groups.as_deref().unwrap_or_default();
    attributes(
        "Attributes & Claims (name, source attribute)",
        [
            (
                "Unique User Identifier (Name ID)",
                "user.mail",
                "Name identifier format: Email address; user.objectid with Persistent where addresses change",
            ),
            (&names.email, "user.mail", "as offered"),
            (&names.username, "user.userprincipalname", "as offered"),
            (&names.first_name, "user.givenname", "as offered"),
            (&names.last_name, "user.surname", "as offered"),
            (
                &names.token,
                TOKEN,
                "Add new claim: Namespace empty, the token as a constant, in double quotes",
            ),
            (
                groups,
                "Groups assigned to the application",
                "Add a group claim: the object IDs come, unless the names are chosen as Source attribute",
            ),
        ],
    )
}

pub(super) fn adfs_fields(service: &ServiceDetails) -> Vec<ConsoleField> {
    let mut fields = section(
        "Relying Party Trust > Properties",
        [
            ("Identifiers > Relying party identifiers", service.entity_id(), "exactly so"),
            ("Endpoints > Add SAML > Endpoint type", "SAML Assertion Consumer", ""),
            ("Endpoints > Add SAML > Binding", "POST", ""),
            ("Endpoints > Add SAML > Trusted URL", service.assertion_consumer(), EXACTLY),
            ("Advanced > Secure hash algorithm", "SHA-256", ""),
        ],
    );
    if let Some(location) = service.single_logout() {
        fields.extend(section(
            "Relying Party Trust > Properties",
            [
                ("Endpoints > Add SAML > Endpoint type", "SAML Logout", "Binding: POST"),
                ("Endpoints > Add SAML > Trusted URL", location, ""),
                ("Signature > Add", SIGNING_CERTIFICATE, "logout messages must be signed"),
            ],
        ));
    }
    fields.extend(if service.is_encrypted {
        section(
            "Relying Party Trust > Properties",
            [("Encryption > Certificate", ENCRYPTION_CERTIFICATE, "")],
        )
    } else {
        section(
            "Relying Party Trust > Properties",
            [("Encryption > Certificate", "none", "Remove, if there is one")],
        )
    });
    fields.extend(section(
        "PowerShell",
        [(
            "Set-AdfsRelyingPartyTrust -TargetName NAME",
            "-SamlResponseSignature MessageAndAssertion",
            "the Assertion alone is signed otherwise",
        )],
    ));
    fields
}

pub(super) fn adfs_attributes(names: &AttributeMapping) -> Vec<ConsoleAttribute> {
    let groups = names.groups.as_deref().unwrap_or_default();
    attributes(
        "Edit Claim Issuance Policy (outgoing claim type, rule)",
        [
            (
                &names.email,
                "Send LDAP Attributes as Claims: E-Mail-Addresses",
                "Outgoing claim type: E-Mail Address",
            ),
            (
                &names.username,
                "Send LDAP Attributes as Claims: User-Principal-Name",
                "Outgoing claim type: UPN",
            ),
            (
                &names.first_name,
                "Send LDAP Attributes as Claims: Given-Name",
                "Outgoing claim type: Given Name",
            ),
            (&names.last_name, "Send LDAP Attributes as Claims: Surname", "Outgoing claim type: Surname"),
            (
                groups,
                "Send LDAP Attributes as Claims: Token-Groups - Unqualified Names",
                "Outgoing claim type: Group",
            ),
            ("Name ID", "Transform an Incoming Claim: E-Mail Address", "Outgoing name ID format: Email"),
            (
                &names.token,
                TOKEN,
                "Send Claims Using a Custom Rule: => issue(Type = \"token\", Value = \"...\");",
            ),
        ],
    )
}
