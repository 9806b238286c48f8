//! `vouchsafe values --check METADATA`: what a connection has, held against the metadata that its identity provider publishes now.

use chrono::{DateTime, Utc};
use serde::Serialize;
use vouchsafe::metadata::{EntityId, IdentityProvider, LintSeverity, MetadataError};
use vouchsafe::{Connection, ConnectionId, MetadataFinding, ServiceProvider, SignRequests};
use vouchsafe_client::Client;

use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output};
use crate::response_check::instant;
use crate::text::{Line, Style, Text, counted};
use crate::values_service::Service;

/// The connection that is checked.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Hold the connection against the metadata that its identity provider publishes now: what would fail at the next sign-in, and what after a
    /// change of keys. 1 if sign-ins fail.
    #[arg(long, value_name = "FILE|URL", conflicts_with_all = ["product", "encrypted", "terraform"], requires = "idp_metadata")]
    pub(crate) check: Option<String>,
    /// The metadata that the connection has; - is standard input.
    #[arg(long, value_name = "FILE", requires = "check", conflicts_with = "product")]
    idp_metadata: Option<String>,
    /// Private key that signs the requests and logout messages of your service.
    #[arg(long, value_name = "PEM", requires_all = ["check", "certificate"], conflicts_with = "product")]
    key: Option<String>,
    /// Certificate of that key.
    #[arg(long, value_name = "PEM", requires = "key", conflicts_with = "product")]
    certificate: Option<String>,
    /// Your service signs every request, and not only if the identity provider wants it.
    #[arg(long, requires = "key", conflicts_with = "product")]
    sign_requests: bool,
    /// The time for all checks. Default: now.
    #[arg(long, value_name = "RFC3339", value_parser = instant, requires = "check", conflicts_with = "product")]
    now: Option<DateTime<Utc>>,
}

pub(crate) fn run(live: &str, check: &Check, service: &Service, output: &Output) -> Result<Answer, Failure> {
    let service_provider = service_provider(check, service)?;
    let known = check.idp_metadata.as_deref().unwrap_or_default();
    let known = IdentityProvider::from_metadata(&input::bytes(known)?)
        .map_err(|error| Failure::unusable("--idp-metadata", error))?;
    let published = published(live, known.entity_id())?;
    let id = ConnectionId::new("checked").map_err(|error| Failure::unusable("a connection", error))?;
    let connection = Connection::new(id, known);
    let now = check.now.unwrap_or_else(input::now);
    let findings = service_provider.check_metadata(&connection, &published, now);
    let report = Report::of(&connection, &findings);
    output.write(&report, || report.human())?;
    Ok(if report.errors == 0 { Answer::Yes } else { Answer::No })
}

fn service_provider(check: &Check, service: &Service) -> Result<ServiceProvider, Failure> {
    let entity_id =
        EntityId::new(service.entity_id.as_str()).map_err(|error| Failure::unusable("--entity-id", error))?;
    let mut builder = ServiceProvider::builder(entity_id)
        .assertion_consumer(&service.acs)
        .map_err(|error| Failure::unusable("--acs", error))?;
    if let Some(location) = &service.slo {
        builder = builder.single_logout(location).map_err(|error| Failure::unusable("--slo", error))?;
    }
    if let (Some(key), Some(certificate)) = (&check.key, &check.certificate) {
        let key = input::private_key(key, &vouchsafe::Provider::rustcrypto())?;
        builder = builder.signing_key(key, input::certificate(certificate)?);
    }
    if check.sign_requests {
        builder = builder.sign_requests(SignRequests::Always);
    }
    builder.build().map_err(|error| Failure::unusable("--key, --certificate and --slo", error))
}

/// What the identity provider publishes now: in a document of its own, or in one of several, under the name that the connection knows.
fn published(live: &str, entity_id: &EntityId) -> Result<IdentityProvider, Failure> {
    let bytes = match live.starts_with("https://") || live.starts_with("http://") {
        true => loaded(live)?,
        false => input::bytes(live)?,
    };
    // The other entities of a federation do not count, and some of them may be broken.
    match IdentityProvider::from_metadata_entity(&bytes, entity_id) {
        Err(unknown @ MetadataError::UnknownEntity { entities, .. }) => {
            match IdentityProvider::from_metadata(&bytes) {
                // That the document is of another entity is a finding.
                Ok(other) => Ok(other),
                // What is wrong with one of several others does not matter.
                Err(_) if entities > 1 => Err(Failure::refused(unknown)),
                Err(error) => Err(Failure::unusable(live, error)),
            }
        }
        read => read.map_err(|error| Failure::unusable(live, error)),
    }
}

/// Whoever runs the command chose the address, which may be one of this machine.
fn loaded(address: &str) -> Result<Vec<u8>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::usage(
            "cli.runtime",
            format!("{address} cannot be loaded: {error}"),
            "Load it into a file, and give that.",
        )
    })?;
    let client =
        Client::with_loopback().map_err(|error| Failure::unusable(address, error))?.for_federations();
    runtime.block_on(client.load(address)).map_err(|error| Failure::unusable("--check", error))
}

#[derive(Serialize)]
struct Report {
    entity_id: String,
    errors: usize,
    warnings: usize,
    notes: usize,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Finding {
    severity: &'static str,
    code: &'static str,
    message: String,
    remedy: &'static str,
}

impl Report {
    fn of(connection: &Connection, findings: &[MetadataFinding]) -> Report {
        let count = |severity| findings.iter().filter(|one| one.severity() == severity).count();
        Report {
            entity_id: connection.identity_provider().entity_id().to_string(),
            errors: count(LintSeverity::Error),
            warnings: count(LintSeverity::Warning),
            notes: count(LintSeverity::Note),
            findings: findings.iter().map(Finding::of).collect(),
        }
    }

    fn human(&self) -> Text {
        let mut text = Text::new();
        text.push(Line::styled(Style::Title, self.entity_id.as_str()));
        for finding in &self.findings {
            let severity = match finding.severity {
                "error" => Line::of("  ").then_styled(Style::Bad, "error"),
                other => Line::of(format!("  {other}")),
            };
            text.push(severity.then(format!(" [{}]: {}", finding.code, finding.message)));
            text.line(format!("    {}", finding.remedy));
        }
        if self.findings.is_empty() {
            text.push(Line::styled(Style::Good, "  the connection agrees with what is published"));
        }
        text.line(format!(
            "{}, {}, {}",
            counted(self.errors, "error", "errors"),
            counted(self.warnings, "warning", "warnings"),
            counted(self.notes, "note", "notes")
        ));
        text
    }
}

impl Finding {
    fn of(finding: &MetadataFinding) -> Finding {
        Finding {
            severity: finding.severity().as_str(),
            code: finding.code(),
            message: finding.to_string(),
            remedy: finding.remedy(),
        }
    }
}
