//! `vouchsafe values --product ...`: shows what to enter into an identity provider's console, field by field, or
//! writes it for Terraform.
//!
//! The attribute names are those of the product's preset of `[attributes]`, so that the service finds them without
//! further configuration.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;
use vouchsafe::console::{Console, ConsoleAttribute, ConsoleField, ConsoleValues};
use vouchsafe::provisioning::AttributeMapping;

use crate::failure::Failure;
use crate::output::{Answer, Output};
use crate::text::{Line, Style, Text};
use crate::values_check::{self, Check};
use crate::values_service::{Service, details};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The product whose console the values are for.
    #[arg(long, value_parser = consoles(), required_unless_present = "check")]
    product: Option<Console>,
    #[command(flatten)]
    service: Service,
    #[command(flatten)]
    check: Check,
}

#[derive(Serialize)]
struct Terraform {
    terraform: String,
}

/// Runs `vouchsafe values`.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    match (&arguments.check.check, arguments.product) {
        (Some(live), _) => values_check::run(live, &arguments.check, &arguments.service, output),
        (None, Some(product)) => show(product, &arguments.service, output),
        // The parser of arguments asks for one of them.
        (None, None) => {
            Err(Failure::usage("cli.usage", "no product is given", "See vouchsafe values --help."))
        }
    }
}

/// Runs `vouchsafe okta values`, the short form.
pub(crate) fn run_okta(service: &Service, output: &Output) -> Result<Answer, Failure> {
    show(Console::Okta, service, output)
}

fn show(console: Console, service: &Service, output: &Output) -> Result<Answer, Failure> {
    let details = details(service)?;
    let names = AttributeMapping::preset(console.preset());
    if service.terraform {
        let Some(terraform) = console.terraform(&details, &names) else {
            let message = format!("no Terraform resource is known for {}", console.name());
            return Err(Failure::usage(
                "cli.terraform",
                message,
                "Leave --terraform out for the values of the console.",
            ));
        };
        output.document(&Terraform { terraform: terraform.clone() }, &terraform)?;
        return Ok(Answer::Yes);
    }
    let values = console.values(&details, &names);
    output.write(&values, || human(&values, &names.token))?;
    Ok(Answer::Yes)
}

/// Returns the known consoles by their short names.
fn consoles() -> impl TypedValueParser<Value = Console> {
    let known = PossibleValuesParser::new(Console::ALL.iter().map(|console| console.id()));
    known.try_map(|id| Console::from_id(&id).ok_or("no console has this name"))
}

/// One row of the table.
struct Row<'v> {
    section: &'static str,
    name: &'v str,
    value: &'v str,
    note: String,
}

/// Writes a table for each section. `token` is the name of the attribute that not every service asks for.
fn human(values: &ConsoleValues, token: &str) -> Text {
    let fields = values.fields.iter().map(|ConsoleField { section, field, value, note, .. }| Row {
        section,
        name: field,
        value,
        note: (*note).to_owned(),
    });
    let attributes =
        values.attributes.iter().map(|ConsoleAttribute { section, name, value, note, .. }| {
            let only = "only with `provisioned_routes`, otherwise --without-token";
            Row {
                section,
                name,
                value,
                note: if name == token { format!("{only}; {note}") } else { (*note).to_owned() },
            }
        });
    let rows: Vec<Row<'_>> = fields.chain(attributes).collect();
    let mut text = Text::new();
    text.push(Line::styled(Style::Title, values.product).then(format!(": {}", values.console)));
    for section in rows.chunk_by(|one, next| one.section == next.section) {
        text.push(Line::styled(Style::Title, section.first().map_or("", |row| row.section)));
        let width = section.iter().map(|row| row.name.chars().count()).max().unwrap_or_default().max(NAMES);
        for Row { name, value, note, .. } in section {
            let value = if value.is_empty() { "(empty)" } else { *value };
            let note = if note.is_empty() { String::new() } else { format!("  ({note})") };
            text.push(Line::of(format!("  {name:<width$}  {value}")).then_styled(Style::Quiet, note));
        }
    }
    text
}

/// The minimum width of the column of names.
const NAMES: usize = 47;
