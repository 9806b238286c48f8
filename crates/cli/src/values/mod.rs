//! `vouchsafe values --product ...`: what to type into an identity provider's console, field by field, or to give to Terraform.
//!
//! The names of attributes are those of the product's preset of `[attributes]`, so that the service finds them without more configuration.

mod microsoft;
mod okta;
mod others;
mod terraform;

use serde::Serialize;
use vouchsafe::doctor::catalogue;
use vouchsafe::metadata::{Binding, EntityId, ServiceProviderDescriptor};
use vouchsafe::provisioning::{AttributeMapping, Preset};

use crate::failure::Failure;
use crate::output::{Answer, Output};
use crate::text::{Line, Style, Text};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Whose console.
    #[arg(long, value_enum)]
    product: Product,
    #[command(flatten)]
    service: Service,
}

/// What is to be entered.
#[derive(Debug, clap::Args)]
pub(crate) struct Service {
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
    /// Write the arguments of the Terraform resource instead (Okta: `okta_app_saml`; Entra ID: `azuread_application`).
    #[arg(long)]
    terraform: bool,
}

/// Products whose consoles are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Product {
    Okta,
    Entra,
    Google,
    Adfs,
    Keycloak,
    Onelogin,
    Pingone,
    Jumpcloud,
}

/// One field of a console.
#[derive(Serialize)]
struct Field {
    section: &'static str,
    field: &'static str,
    value: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'static str,
}

/// One attribute of the assertion.
#[derive(Serialize)]
struct Attribute {
    section: &'static str,
    name: String,
    value: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'static str,
}

#[derive(Serialize)]
struct Values<'a> {
    product: &'a str,
    console: &'a str,
    fields: Vec<Field>,
    attributes: Vec<Attribute>,
}

#[derive(Serialize)]
struct Terraform {
    terraform: String,
}

/// `vouchsafe values`.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    show(arguments.product, &arguments.service, output)
}

/// `vouchsafe okta values`, its short form.
pub(crate) fn run_okta(service: &Service, output: &Output) -> Result<Answer, Failure> {
    show(Product::Okta, service, output)
}

fn show(product: Product, service: &Service, output: &Output) -> Result<Answer, Failure> {
    check(service)?;
    let names = AttributeMapping::preset(product.preset());
    if service.terraform {
        let Some(terraform) = terraform::of(product, service, &names) else {
            let message = format!("no Terraform resource is known for {}", product.name());
            return Err(Failure::usage(
                "cli.terraform",
                message,
                "Leave --terraform out for the values of the console.",
            ));
        };
        output.document(&Terraform { terraform: terraform.clone() }, &terraform)?;
        return Ok(Answer::Yes);
    }
    let (fields, attributes) = match product {
        Product::Okta => (okta::fields(service), okta::attributes(&names)),
        Product::Entra => (microsoft::entra_fields(service), microsoft::entra_attributes(&names)),
        Product::Adfs => (microsoft::adfs_fields(service), microsoft::adfs_attributes(&names)),
        Product::Google => (others::google_fields(service), others::google_attributes(&names)),
        Product::Keycloak => (others::keycloak_fields(service), others::keycloak_attributes(&names)),
        Product::Onelogin => (others::onelogin_fields(service), others::onelogin_attributes(&names)),
        Product::Pingone => (others::pingone_fields(service), others::pingone_attributes(&names)),
        Product::Jumpcloud => (others::jumpcloud_fields(service), others::jumpcloud_attributes(&names)),
    };
    let values = Values { product: product.name(), console: product.console(), fields, attributes };
    output.write(&values, || values.human())?;
    Ok(Answer::Yes)
}

impl Product {
    fn id(self) -> &'static str {
        match self {
            Product::Okta => "okta",
            Product::Entra => "entra",
            Product::Google => "google",
            Product::Adfs => "adfs",
            Product::Keycloak => "keycloak",
            Product::Onelogin => "onelogin",
            Product::Pingone => "pingone",
            Product::Jumpcloud => "jumpcloud",
        }
    }

    fn preset(self) -> Preset {
        match self {
            Product::Okta => Preset::Okta,
            Product::Entra => Preset::Entra,
            Product::Google => Preset::Google,
            Product::Adfs => Preset::Adfs,
            Product::Keycloak => Preset::Keycloak,
            Product::Onelogin => Preset::Onelogin,
            Product::Pingone => Preset::Pingone,
            Product::Jumpcloud => Preset::Jumpcloud,
        }
    }

    /// Its name in the catalogue of products.
    fn name(self) -> &'static str {
        catalogue().iter().find(|one| one.id == self.id()).map_or(self.id(), |one| one.name.as_str())
    }

    /// Where its settings are.
    fn console(self) -> &'static str {
        catalogue().iter().find(|one| one.id == self.id()).map_or("", |one| one.console.as_str())
    }
}

/// The library's own checks of a name and of addresses.
fn check(service: &Service) -> Result<(), Failure> {
    let id =
        EntityId::new(service.entity_id.as_str()).map_err(|error| Failure::unusable("--entity-id", error))?;
    let descriptor = ServiceProviderDescriptor::builder(id)
        .with_assertion_consumer(Binding::HttpPost, &service.acs)
        .map_err(|error| Failure::unusable("--acs", error))?;
    if let Some(location) = &service.slo {
        descriptor
            .with_single_logout(Binding::HttpPost, location)
            .map_err(|error| Failure::unusable("--slo", error))?;
    }
    Ok(())
}

/// Fields of one section of a console.
fn section<const COUNT: usize>(
    section: &'static str,
    rows: [(&'static str, &str, &'static str); COUNT],
) -> Vec<Field> {
    rows.into_iter()
        .map(|(field, value, note)| Field { section, field, value: value.to_owned(), note })
        .collect()
}

/// Attributes of one section of a console: the name, the value, a note.
fn attributes<const COUNT: usize>(
    section: &'static str,
    rows: [(&str, &'static str, &'static str); COUNT],
) -> Vec<Attribute> {
    rows.into_iter()
        .map(|(name, value, note)| Attribute { section, name: name.to_owned(), value, note })
        .collect()
}

/// Said of every product for what has one right value.
const EXACTLY: &str = "exactly so, with or without the trailing slash";
/// The certificates of our metadata.
const ENCRYPTION_CERTIFICATE: &str = "the encryption certificate of our metadata";
const SIGNING_CERTIFICATE: &str = "the signing certificate of our metadata";
/// The value of the attribute by which a service knows the organization.
const TOKEN: &str = "the organization's token";

impl Values<'_> {
    fn human(&self) -> Text {
        let mut text = Text::new();
        let console = format!(": {}", self.console);
        text.push(Line::styled(Style::Title, self.product).then(console));
        let mut title = "";
        let mut row = |section: &'static str, name: &str, value: &str, note: &str, text: &mut Text| {
            if section != title {
                title = section;
                text.push(Line::styled(Style::Title, section));
            }
            let value = if value.is_empty() { "(empty)" } else { value };
            let note = if note.is_empty() { String::new() } else { format!("  ({note})") };
            text.push(Line::of(format!("  {name:<48} {value}")).then_styled(Style::Quiet, note));
        };
        for Field { section, field, value, note } in &self.fields {
            row(section, field, value, note, &mut text);
        }
        for Attribute { section, name, value, note } in &self.attributes {
            row(section, name, value, note, &mut text);
        }
        text
    }
}
