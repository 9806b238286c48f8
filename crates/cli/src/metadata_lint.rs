//! `vouchsafe metadata lint`: shows what the publisher of metadata should check, and what would fail at login.

use chrono::{DateTime, Utc};
use serde::Serialize;
use vouchsafe::metadata::{LintFinding, LintSeverity};

use crate::algorithms::Algorithms;
use crate::failure::Failure;
use crate::input;
use crate::metadata_finding::Finding;
use crate::metadata_sarif::Sarif;
use crate::output::{Answer, Output};
use crate::response_check::instant;
use crate::text::{Line, Style, Text, counted};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The time for all checks. Default: now.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    now: Option<DateTime<Utc>>,
    #[command(flatten)]
    algorithms: Algorithms,
    /// Metadata; - is standard input.
    file: String,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let provider = arguments.algorithms.provider()?;
    let aggregate = input::aggregate(&arguments.file)?;
    let now = arguments.now.unwrap_or_else(input::now);
    let mut lines = Lines::default();
    let findings: Vec<Finding> = aggregate
        .lint(now, &provider)
        .map(|found| Finding::of(&found, lines.of(aggregate.bytes(), &found)))
        .collect();
    let report = Report::of(findings, aggregate.len());
    if output.is_sarif() {
        output.write(&Sarif::of(&report.findings, &arguments.file), Text::new)?;
    } else {
        output.write(&report, || report.human())?;
    }
    Ok(if report.errors == 0 { Answer::Yes } else { Answer::No })
}

#[derive(Serialize)]
struct Report {
    entities: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    findings: Vec<Finding>,
}

impl Report {
    fn of(findings: Vec<Finding>, entities: usize) -> Report {
        let count =
            |severity: LintSeverity| findings.iter().filter(|one| one.severity == severity.as_str()).count();
        let (errors, warnings) = (count(LintSeverity::Error), count(LintSeverity::Warning));
        Report { entities, errors, warnings, notes: count(LintSeverity::Note), findings }
    }

    fn human(&self) -> Text {
        let mut text = Text::new();
        let mut titled = None;
        for finding in &self.findings {
            if titled != Some(finding.place) {
                titled = Some(finding.place);
                let nameless =
                    if finding.place.is_some() { "an entity without an entityID" } else { "the document" };
                let name = finding.entity_id.as_deref().unwrap_or(nameless);
                let line = finding.line.map(|line| format!(" (line {line})")).unwrap_or_default();
                text.push(Line::styled(Style::Title, name).then(line));
            }
            let severity = match finding.severity {
                "error" => Line::of("  ").then_styled(Style::Bad, "error"),
                other => Line::of(format!("  {other}")),
            };
            text.push(severity.then(format!(" [{}]: {}", finding.code, finding.message)));
            text.push(Line::of("    ").then_styled(Style::Quiet, finding.clause));
            text.line(format!("    {}", finding.remedy));
        }
        let (errors, warnings, notes) = (self.errors, self.warnings, self.notes);
        text.line(format!(
            "{}: {}, {}, {}",
            counted(self.entities, "entity", "entities"),
            counted(errors, "error", "errors"),
            counted(warnings, "warning", "warnings"),
            counted(notes, "note", "notes")
        ));
        text
    }
}

/// Counts lines, from one finding to the next.
#[derive(Default)]
struct Lines {
    offset: usize,
    breaks: usize,
}

impl Lines {
    /// Returns the line in which the entity begins.
    fn of(&mut self, bytes: &[u8], finding: &LintFinding) -> Option<usize> {
        let start = finding.range()?.start;
        let between = bytes.get(self.offset..start).unwrap_or_default();
        self.breaks = self.breaks.saturating_add(between.iter().filter(|byte| **byte == b'\n').count());
        self.offset = start;
        Some(self.breaks.saturating_add(1))
    }
}
