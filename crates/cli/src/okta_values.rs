//! `vouchsafe okta values`: what to type into Okta's console, field by field.

use serde::Serialize;
use vouchsafe::metadata::{Binding, EntityId, ServiceProviderDescriptor};

use crate::failure::Failure;
use crate::output::{Answer, Output};
use crate::text::{Line, Style, Text};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Our entity id.
    #[arg(long, value_name = "URI")]
    entity_id: String,
    /// Our assertion consumer.
    #[arg(long, value_name = "URL")]
    acs: String,
    /// Our address for logout, when logout is wanted.
    #[arg(long, value_name = "URL")]
    slo: Option<String>,
    /// We have a key to decrypt assertions with.
    #[arg(long)]
    encrypted: bool,
}

/// One field of the console.
#[derive(Serialize)]
struct Field {
    section: &'static str,
    field: &'static str,
    value: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'static str,
}

#[derive(Serialize)]
struct Values {
    fields: Vec<Field>,
    attribute_statements: Vec<Statement>,
    group_attribute_statements: Vec<Group>,
}

#[derive(Serialize)]
struct Statement {
    name: &'static str,
    name_format: &'static str,
    value: &'static str,
}

#[derive(Serialize)]
struct Group {
    name: &'static str,
    name_format: &'static str,
    filter: &'static str,
    value: &'static str,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    check(arguments)?;
    let values = Values {
        fields: fields(arguments),
        attribute_statements: ATTRIBUTES
            .map(|(name, value)| Statement { name, name_format: "Basic", value })
            .into_iter()
            .collect(),
        group_attribute_statements: vec![Group {
            name: "groups",
            name_format: "Basic",
            filter: "Matches regex",
            value: ".*",
        }],
    };
    output.write(&values, || values.human())?;
    Ok(Answer::Yes)
}

/// The library's own checks of a name and of addresses.
fn check(arguments: &Arguments) -> Result<(), Failure> {
    let id = EntityId::new(arguments.entity_id.as_str())
        .map_err(|error| Failure::unusable("--entity-id", error))?;
    let descriptor = ServiceProviderDescriptor::builder(id)
        .with_assertion_consumer(Binding::HttpPost, &arguments.acs)
        .map_err(|error| Failure::unusable("--acs", error))?;
    if let Some(location) = &arguments.slo {
        descriptor
            .with_single_logout(Binding::HttpPost, location)
            .map_err(|error| Failure::unusable("--slo", error))?;
    }
    Ok(())
}

fn fields(arguments: &Arguments) -> Vec<Field> {
    let field =
        |field, value: &str, note| Field { section: "SAML Settings", field, value: value.to_owned(), note };
    let mut fields = vec![
        field("Single sign-on URL", &arguments.acs, "exactly so, with or without the trailing slash"),
        field("Use this for Recipient URL and Destination URL", "checked", ""),
        field("Audience URI (SP Entity ID)", &arguments.entity_id, "exactly so"),
        field("Default RelayState", "", "leave empty, or a path that the service allows"),
        field("Name ID format", "EmailAddress", ""),
        field("Application username", "Email", ""),
        field("Update application username on", "Create and update", ""),
    ];
    let advanced = |field, value: &str, note| Field {
        section: "Advanced Settings",
        field,
        value: value.to_owned(),
        note,
    };
    fields.extend([
        advanced("Response", "Signed", ""),
        advanced("Assertion Signature", "Signed", ""),
        advanced("Signature Algorithm", "RSA-SHA256", ""),
        advanced("Digest Algorithm", "SHA256", ""),
    ]);
    if arguments.encrypted {
        fields.extend([
            advanced("Assertion Encryption", "Encrypted", ""),
            advanced("Encryption Algorithm", "AES256-GCM", "a CBC algorithm needs a signed Response"),
            advanced("Key Transport Algorithm", "RSA-OAEP", ""),
            advanced("Encryption Certificate", "the encryption certificate of our metadata", "upload as PEM"),
        ]);
    } else {
        fields.push(advanced("Assertion Encryption", "Unencrypted", ""));
    }
    match &arguments.slo {
        Some(location) => fields.extend([
            advanced("Enable Single Logout", "checked", ""),
            advanced("Single Logout URL", location, ""),
            advanced("SP Issuer", &arguments.entity_id, "exactly the Issuer of our LogoutRequest"),
            advanced("Signature Certificate", "the signing certificate of our metadata", "upload as PEM"),
        ]),
        None => fields.push(advanced("Enable Single Logout", "unchecked", "")),
    }
    fields.extend([
        advanced("Assertion Inline Hook", "None", ""),
        advanced("Authentication context class", "PasswordProtectedTransport", ""),
        advanced("Honor Force Authentication", "Yes", ""),
        advanced("SAML Issuer ID", "http://www.okta.com/${org.externalKey}", "as offered"),
    ]);
    fields
}

impl Values {
    fn human(&self) -> Text {
        let mut text = Text::new();
        let mut section = "";
        for field in &self.fields {
            if field.section != section {
                section = field.section;
                text.push(Line::styled(Style::Title, section));
            }
            let value = if field.value.is_empty() { "(empty)" } else { &field.value };
            let note = if field.note.is_empty() { String::new() } else { format!("  ({})", field.note) };
            text.push(Line::of(format!("  {:<48} {value}", field.field)).then_styled(Style::Quiet, note));
        }
        text.push(Line::styled(Style::Title, "Attribute Statements (name, format, value)"));
        for Statement { name, name_format, value } in &self.attribute_statements {
            text.line(format!("  {name:<20} {name_format:<8} {value}"));
        }
        text.push(Line::styled(Style::Title, "Group Attribute Statements (name, format, filter)"));
        for Group { name, name_format, filter, value } in &self.group_attribute_statements {
            text.line(format!("  {name:<20} {name_format:<8} {filter} {value}"));
        }
        text
    }
}

const ATTRIBUTES: [(&str, &str); 5] = [
    ("user.email", "user.email"),
    ("user.username", "user.login"),
    ("user.first_name", "user.firstName"),
    ("user.last_name", "user.lastName"),
    ("token", "\"the organization's token\""),
];
