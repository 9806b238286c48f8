//! The text of a report.

use std::fmt;

use vouchsafe_xml::Quoted;

use super::Kind;
use super::report::{Entry, Report, Verdict};

/// Why a service that works does not accept the genuine messages of a test.
const CAUSES: &str = "\
Usual causes: the clock of the service is not that of the target; its entity ID or its assertion consumer is another one; it \
does not trust `IdentityProvider::okta()`; it accepts only answers to its requests, and the test has no `Service::start`. The \
log of the service has the code of each refusal.";

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.proves_nothing() {
            writeln!(
                formatter,
                "THIS PROVES NOTHING: no genuine message was accepted as the person whom it names.\n"
            )?;
        }
        section(formatter, "Genuine messages that were not accepted", self.refused_controls())?;
        if self.refused_controls().next().is_some() {
            writeln!(formatter, "{CAUSES}\n")?;
        }
        section(formatter, "ACCEPTED", self.accepted())?;
        section(formatter, "Inconclusive", self.inconclusive())?;
        left_out(formatter, self.not_applicable())?;
        section(formatter, "Controls", self.accepted_controls())?;
        for name in self.wrongly_declared() {
            writeln!(formatter, "WRONGLY DECLARED to be not applicable: {}\n", Quoted::new(name))?;
        }
        counts(formatter, self)
    }
}

fn section<'e>(
    formatter: &mut fmt::Formatter<'_>,
    title: &str,
    entries: impl Iterator<Item = &'e Entry>,
) -> fmt::Result {
    let mut entries = entries.peekable();
    if entries.peek().is_none() {
        return Ok(());
    }
    writeln!(formatter, "{title}")?;
    for entry in entries {
        writeln!(formatter, "  {}: {}", entry.name, entry.description)?;
        match &entry.verdict {
            Verdict::Accepted { subject, finding: None } => {
                writeln!(formatter, "    accepted as {}", Quoted::new(subject))?;
            }
            Verdict::Accepted { subject, finding: Some(finding) } => {
                writeln!(formatter, "    accepted: {} {}", Quoted::new(subject), Quoted::new(finding))?;
            }
            Verdict::Slow { seconds } => writeln!(formatter, "    took {seconds} s")?,
            Verdict::Inconclusive { reason } | Verdict::NotApplicable { reason, .. } => {
                writeln!(formatter, "    {reason}")?;
            }
            Verdict::Harmless => writeln!(formatter, "    accepted as what it is")?,
            Verdict::Refused => writeln!(formatter, "    refused")?,
        }
    }
    writeln!(formatter)
}

/// What would run attacks that were left out, and why they were left out.
type Reason<'r> = (Option<&'static str>, &'r str);

/// Writes the attacks that were left out, by what would run them and why they were left out.
fn left_out<'e>(formatter: &mut fmt::Formatter<'_>, entries: impl Iterator<Item = &'e Entry>) -> fmt::Result {
    let mut groups: Vec<(Reason<'_>, Vec<&Entry>)> = Vec::new();
    for entry in entries {
        let Verdict::NotApplicable { reason, runs_with } = &entry.verdict else { continue };
        let group = (*runs_with, reason.as_str());
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, members)) => members.push(entry),
            None => groups.push((group, vec![entry])),
        }
    }
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "Not applicable")?;
    for ((runs_with, reason), members) in groups {
        let count = members.len();
        match runs_with {
            Some(method) => writeln!(formatter, "  {count} more with {method}: {reason}")?,
            None => writeln!(formatter, "  {count} declared by the test: {reason}")?,
        }
        for entry in members {
            writeln!(formatter, "    {}: {}", entry.name, entry.description)?;
        }
    }
    writeln!(formatter)
}

/// Writes the table of the kinds, and how many attacks were run.
fn counts(formatter: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(formatter, "{:<30}{:>5}{:>11}{:>10}", "Attacks", "run", "withstood", "accepted")?;
    let mut row = |name: &dyn fmt::Display, wanted: &dyn Fn(&&Entry) -> bool| {
        let of_kind = || report.attacks().filter(wanted);
        let run = of_kind().filter(|entry| !matches!(entry.verdict, Verdict::NotApplicable { .. })).count();
        let withstood =
            of_kind().filter(|entry| matches!(entry.verdict, Verdict::Refused | Verdict::Harmless)).count();
        let accepted = report.accepted().filter(wanted).count();
        writeln!(formatter, "{name:<30}{run:>5}{withstood:>11}{accepted:>10}")
    };
    for kind in Kind::ALL {
        if report.attacks().any(|entry| entry.kind == kind) {
            row(&kind, &|entry| entry.kind == kind)?;
        }
    }
    row(&"all", &|_| true)?;
    let (all, left_out) = (report.attacks().count(), report.not_applicable().count());
    writeln!(
        formatter,
        "{} of {all} attacks run; {left_out} not applicable, listed above",
        all.saturating_sub(left_out)
    )
}
