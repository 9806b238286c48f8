//! Google Workspace, Keycloak, OneLogin, PingOne and JumpCloud.

use vouchsafe_provisioning::AttributeMapping;

use super::{
    ConsoleAttribute, ConsoleField, ENCRYPTION_CERTIFICATE, EXACTLY, SIGNING_CERTIFICATE, ServiceDetails,
    TOKEN, attributes, section,
};

pub(super) fn google_fields(service: &ServiceDetails) -> Vec<ConsoleField> {
    section(
        "Service provider details",
        [
            ("ACS URL", service.assertion_consumer(), EXACTLY),
            ("Entity ID", service.entity_id(), "exactly so"),
            ("Start URL (optional)", "", "leave empty, or a path that the service allows"),
            ("Signed response", "checked", "the Assertion alone is signed otherwise"),
            ("Name ID format", "EMAIL", ""),
            ("Name ID", "Basic Information > Primary email", ""),
        ],
    )
}

pub(super) fn google_attributes(names: &AttributeMapping) -> Vec<ConsoleAttribute> {
    let mut all = attributes(
        "Attribute mapping (app attribute, Google Directory attribute)",
        [
            (&names.email, "Basic Information > Primary email", ""),
            (&names.username, "Basic Information > Primary email", ""),
            (&names.first_name, "Basic Information > First name", ""),
            (&names.last_name, "Basic Information > Last name", ""),
            (
                &names.token,
                TOKEN,
                "Google sends no constants: a custom attribute of the directory that every person has",
            ),
        ],
    );
    let groups = names.groups.as_deref().unwrap_or_default();
    all.extend(attributes(
        "Group membership (app attribute, Google groups)",
        [(groups, "the groups that the service needs to know", "")],
    ));
    all
}

pub(super) fn keycloak_fields(service: &ServiceDetails) -> Vec<ConsoleField> {
    let mut fields = section(
        "Create client",
        [("Client type", "SAML", ""), ("Client ID", service.entity_id(), "exactly our entity ID")],
    );
    fields.extend(section(
        "Settings",
        [
            ("Valid redirect URIs", service.assertion_consumer(), EXACTLY),
            ("Master SAML Processing URL", service.assertion_consumer(), ""),
            ("Name ID format", "email", ""),
            ("Force name ID format", "On", ""),
            ("Include AuthnStatement", "On", ""),
            ("Sign documents", "On", ""),
            ("Sign assertions", "On", ""),
            ("Signature algorithm", "RSA_SHA256", ""),
            ("Front channel logout", if service.single_logout().is_some() { "On" } else { "Off" }, ""),
        ],
    ));
    fields.extend(section(
        "Keys",
        [(
            "Client signature required",
            "Off",
            "or On, with our signing certificate imported, where we sign requests",
        )],
    ));
    fields.extend(if service.is_encrypted {
        section("Keys", [("Encrypt assertions", "On", "import the encryption certificate of our metadata")])
    } else {
        section("Keys", [("Encrypt assertions", "Off", "")])
    });
    fields.extend(section(
        "Advanced",
        [("Assertion Consumer Service POST Binding URL", service.assertion_consumer(), "")],
    ));
    if let Some(location) = service.single_logout() {
        fields.extend(section("Advanced", [("Logout Service POST Binding URL", location, "")]));
    }
    fields
}

pub(super) fn keycloak_attributes(names: &AttributeMapping) -> Vec<ConsoleAttribute> {
    let groups = names.groups.as_deref().unwrap_or_default();
    attributes(
        "Client scopes > the dedicated scope > Mappers (SAML attribute name, mapper)",
        [
            (&names.email, "Predefined: X500 email", "or User Property: email"),
            (&names.username, "User Property: username", ""),
            (&names.first_name, "Predefined: X500 givenName", "or User Property: firstName"),
            (&names.last_name, "Predefined: X500 surname", "or User Property: lastName"),
            (&names.token, TOKEN, "Hardcoded attribute"),
            (groups, "Group list", "Single Group Attribute: On; Full group path: Off"),
        ],
    )
}

pub(super) fn onelogin_fields(service: &ServiceDetails) -> Vec<ConsoleField> {
    let validator = format!("^{}$", regular_expression(service.assertion_consumer()));
    let mut fields = section(
        "Configuration",
        [
            ("RelayState", "", "leave empty, or a path that the service allows"),
            ("Audience (EntityID)", service.entity_id(), "exactly so"),
            ("Recipient", service.assertion_consumer(), EXACTLY),
            ("ACS (Consumer) URL Validator", &validator, "a regular expression"),
            ("ACS (Consumer) URL", service.assertion_consumer(), EXACTLY),
            ("Single Logout URL", service.single_logout().unwrap_or_default(), ""),
            ("SAML initiator", "Service Provider", ""),
            ("SAML nameID format", "Email", ""),
            ("SAML signature element", "Both", ""),
            ("Encrypt assertion", if service.is_encrypted { "checked" } else { "unchecked" }, ""),
        ],
    );
    if service.is_encrypted {
        fields.extend(section(
            "Configuration",
            [
                ("SAML encryption method", "AES-256-CBC", "made acceptable by the signed Response"),
                ("SAML encryption > Public key", ENCRYPTION_CERTIFICATE, ""),
            ],
        ));
    }
    fields.extend(section(
        "SSO",
        [("SAML Signature Algorithm", "SHA-256", "SHA-1 is the default, and refused")],
    ));
    fields
}

pub(super) fn onelogin_attributes(names: &AttributeMapping) -> Vec<ConsoleAttribute> {
    let groups = names.groups.as_deref().unwrap_or_default();
    attributes(
        "Parameters (field, value; each with \"Include in SAML assertion\")",
        [
            ("NameID value", "Email", ""),
            (&names.email, "Email", ""),
            (&names.username, "Username", ""),
            (&names.first_name, "First Name", ""),
            (&names.last_name, "Last Name", ""),
            (&names.token, TOKEN, "a Macro"),
            (groups, "User Roles", "Multi-value parameter"),
        ],
    )
}

pub(super) fn pingone_fields(service: &ServiceDetails) -> Vec<ConsoleField> {
    let mut fields = section(
        "Configuration",
        [
            ("ACS URLs", service.assertion_consumer(), EXACTLY),
            ("Entity ID", service.entity_id(), "exactly so"),
            ("Signing Key", "Sign Assertion & Response", ""),
            ("Signing Algorithm", "RSA_SHA256", ""),
            ("Subject NameID Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", ""),
            ("Assertion Validity Duration in Seconds", "300", ""),
            ("Target Application URL", "", "leave empty, or a path that the service allows"),
            (
                "Enforce Signed AuthnRequest",
                "unchecked",
                "or checked, with our signing certificate, where we sign requests",
            ),
        ],
    );
    if service.is_encrypted {
        fields.extend(section(
            "Configuration",
            [
                ("Enable Encryption", "checked", ""),
                ("Enable Encryption > Algorithm", "AES_256", "made acceptable by the signed Response"),
                ("Enable Encryption > Certificate", ENCRYPTION_CERTIFICATE, ""),
            ],
        ));
    }
    if let Some(location) = service.single_logout() {
        fields.extend(section(
            "Configuration",
            [
                ("SLO Endpoint", location, ""),
                ("SLO Binding", "HTTP POST", ""),
                ("Verification Certificate", SIGNING_CERTIFICATE, ""),
            ],
        ));
    }
    fields
}

pub(super) fn pingone_attributes(names: &AttributeMapping) -> Vec<ConsoleAttribute> {
    let groups = names.groups.as_deref().unwrap_or_default();
    attributes(
        "Attribute Mappings (application attribute, PingOne mapping)",
        [
            ("saml_subject", "Email Address", ""),
            (&names.email, "Email Address", ""),
            (&names.username, "Username", ""),
            (&names.first_name, "Given Name", ""),
            (&names.last_name, "Family Name", ""),
            (&names.token, TOKEN, "an expression with the token as its constant value"),
            (groups, "Group Names", ""),
        ],
    )
}

pub(super) fn jumpcloud_fields(service: &ServiceDetails) -> Vec<ConsoleField> {
    let mut fields = section(
        "SSO",
        [
            ("IdP Entity ID", "a name of your own, such as JumpCloud-NAME", "it becomes the Issuer"),
            ("SP Entity ID", service.entity_id(), "exactly so; letter case counts"),
            ("ACS URLs", service.assertion_consumer(), EXACTLY),
            ("SAMLSubject NameID", "email", ""),
            ("SAMLSubject NameID Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", ""),
            ("Signature Algorithm", "RSA-SHA256", ""),
            ("Sign", "Assertion and Response", ""),
            ("Default RelayState", "", "leave empty, or a path that the service allows"),
        ],
    );
    if service.is_encrypted {
        fields.extend(section(
            "SSO",
            [("SP Certificate", ENCRYPTION_CERTIFICATE, "and encryption of the assertion")],
        ));
    }
    fields
}

pub(super) fn jumpcloud_attributes(names: &AttributeMapping) -> Vec<ConsoleAttribute> {
    let mut all = attributes(
        "User Attribute Mapping (service provider attribute name, JumpCloud attribute name)",
        [
            (&names.email, "email", ""),
            (&names.username, "username", ""),
            (&names.first_name, "firstname", ""),
            (&names.last_name, "lastname", ""),
        ],
    );
    let groups = names.groups.as_deref().unwrap_or_default();
    all.extend(attributes("Constant Attributes (name, value)", [(&names.token, TOKEN, "")]));
    all.extend(attributes("Group Attributes", [(groups, "include group attribute: checked", "")]));
    all
}

/// Escapes a text so that a regular expression matches only this text.
fn regular_expression(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if !(character.is_alphanumeric() || matches!(character, ':' | '_' | '-' | '%' | '&' | '=' | '~')) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::regular_expression;

    #[test]
    fn what_means_something_in_a_regular_expression_is_escaped() {
        assert_eq!(
            regular_expression("https://app.example.com/saml/acs/?a=(1)+"),
            r"https:\/\/app\.example\.com\/saml\/acs\/\?a=\(1\)\+"
        );
    }
}
