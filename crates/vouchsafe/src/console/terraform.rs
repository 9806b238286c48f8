//! The arguments of Terraform resources: `okta_app_saml` of the provider `okta/okta`, and `azuread_application` of `hashicorp/azuread`.

use vouchsafe_provisioning::AttributeMapping;

use super::{Console, ServiceDetails};

/// Writes the resource, if one is known for the product.
pub(super) fn of(console: Console, service: &ServiceDetails, names: &AttributeMapping) -> Option<String> {
    match console {
        Console::Okta => Some(okta(service, names)),
        Console::Entra => Some(entra(service)),
        _ => None,
    }
}

fn okta(service: &ServiceDetails, names: &AttributeMapping) -> String {
    let mut lines = Vec::new();
    if service.has_token {
        lines.extend(
            [r#"variable "organization_token" {"#, "  type      = string", "  sensitive = true", "}", ""]
                .map(str::to_owned),
        );
    }
    lines.extend([
        r#"resource "okta_app_saml" "service" {"#.to_owned(),
        argument("label", &text("the name under the icon")),
        argument("sso_url", &text(service.assertion_consumer())),
        argument("recipient", &text(service.assertion_consumer())),
        argument("destination", &text(service.assertion_consumer())),
        argument("audience", &text(service.entity_id())),
        argument("subject_name_id_template", r#""$${user.email}""#),
        argument("subject_name_id_format", &text("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress")),
        argument("response_signed", "true"),
        argument("assertion_signed", "true"),
        argument("signature_algorithm", &text("RSA_SHA256")),
        argument("digest_algorithm", &text("SHA256")),
        argument("honor_force_authn", "true"),
        argument(
            "authn_context_class_ref",
            &text("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"),
        ),
    ]);
    if let Some(location) = service.single_logout() {
        lines.push(argument("single_logout_issuer", &text(service.entity_id())));
        lines.push(argument("single_logout_url", &text(location)));
        lines.push(argument("single_logout_certificate", "file(\"signing-certificate.txt\")"));
    }
    if service.is_encrypted {
        lines.push("  # The encryption of assertions is not among the arguments of this resource: switch it on in the console.".to_owned());
    }
    let token = r#""\"${var.organization_token}\"""#;
    let statements = [
        (&names.email, r#""user.email""#),
        (&names.username, r#""user.login""#),
        (&names.first_name, r#""user.firstName""#),
        (&names.last_name, r#""user.lastName""#),
        (&names.token, token),
    ];
    for (name, value) in statements.into_iter().filter(|(_, value)| service.has_token || *value != token) {
        lines.push(String::new());
        lines.push("  attribute_statements {".to_owned());
        lines.push("    type      = \"EXPRESSION\"".to_owned());
        lines.push(format!("    name      = {}", text(name)));
        lines.push("    namespace = \"urn:oasis:names:tc:SAML:2.0:attrname-format:basic\"".to_owned());
        lines.push(format!("    values    = [{value}]"));
        lines.push("  }".to_owned());
    }
    let groups = names.groups.as_deref().unwrap_or_default();
    lines.push(String::new());
    lines.push("  attribute_statements {".to_owned());
    lines.push("    type         = \"GROUP\"".to_owned());
    lines.push(format!("    name         = {}", text(groups)));
    lines.push("    namespace    = \"urn:oasis:names:tc:SAML:2.0:attrname-format:basic\"".to_owned());
    lines.push("    filter_type  = \"REGEX\"".to_owned());
    lines.push("    filter_value = \".*\"".to_owned());
    lines.push("  }".to_owned());
    lines.push("}".to_owned());
    lines.join("\n") + "\n"
}

fn entra(service: &ServiceDetails) -> String {
    let mut lines = vec![
        r#"resource "azuread_application" "service" {"#.to_owned(),
        argument("display_name", &text("the name of the application")),
        argument("identifier_uris", &format!("[{}]", text(service.entity_id()))),
        argument("group_membership_claims", "[\"ApplicationGroup\"]"),
        String::new(),
        "  web {".to_owned(),
        format!("    redirect_uris = [{}]", text(service.assertion_consumer())),
    ];
    if let Some(location) = service.single_logout() {
        lines.push(format!("    logout_url    = {}", text(location)));
    }
    lines.extend(
        [
            "  }",
            "}",
            "",
            r#"resource "azuread_service_principal" "service" {"#,
            "  client_id                     = azuread_application.service.client_id",
            "  app_role_assignment_required  = true",
            "  preferred_single_sign_on_mode = \"saml\"",
            "",
            "  feature_tags {",
            "    enterprise            = true",
            "    custom_single_sign_on = true",
            "  }",
            "}",
            "",
            r#"resource "azuread_service_principal_token_signing_certificate" "service" {"#,
            "  service_principal_id = azuread_service_principal.service.id",
            "}",
            "",
            "# Claims, the token and the Signing Option are set in the console: `vouchsafe values --product entra` without --terraform.",
        ]
        .map(str::to_owned),
    );
    lines.join("\n") + "\n"
}

fn argument(name: &str, value: &str) -> String {
    format!("  {name:<24} = {value}")
}

/// Writes a string of HCL. Quotation marks, backslashes, and the start of an interpolation are escaped.
fn text(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn nothing_in_a_string_is_an_interpolation() {
        assert_eq!(text(r#"a"b\${c}%{d}"#), r#""a\"b\\$${c}%%{d}""#);
    }
}
