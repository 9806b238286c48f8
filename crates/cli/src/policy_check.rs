//! `vouchsafe policy check`: checks whether the policy can be read, and reports what its author should look at.

use serde::Serialize;
use vouchsafe::provisioning::{Finding, Policy, PolicyError, Severity};

use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output};
use crate::policy_file;
use crate::text::{Text, counted};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The policy, as TOML; - is standard input.
    policy: String,
    /// The organization that the policy is for, as JSON: checks that everything the policy names exists.
    #[arg(long, value_name = "FILE")]
    state: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let text = input::text(&arguments.policy)?;
    let state = arguments.state.as_deref().map(policy_file::state).transpose()?;
    let checked = match Policy::check(&text, state.as_ref()) {
        Ok(findings) => Checked { findings: findings.iter().map(Found::of).collect() },
        Err(error) => Checked { findings: vec![Found::unreadable(&error)] },
    };
    output.write(&checked, || checked.human())?;
    let is_wrong = checked.findings.iter().any(|finding| finding.severity == Severity::Error.name());
    Ok(if is_wrong { Answer::No } else { Answer::Yes })
}

#[derive(Serialize)]
struct Checked {
    findings: Vec<Found>,
}

#[derive(Serialize)]
struct Found {
    severity: &'static str,
    /// Null if the policy cannot be read.
    path: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
    message: String,
    #[serde(skip)]
    words: String,
}

impl Found {
    fn of(finding: &Finding) -> Found {
        Found {
            severity: finding.severity.name(),
            path: Some(finding.path.clone()),
            line: finding.line,
            column: finding.column,
            message: finding.message.clone(),
            words: finding.to_string(),
        }
    }

    fn unreadable(error: &PolicyError) -> Found {
        Found {
            severity: Severity::Error.name(),
            path: None,
            line: Some(error.line()),
            column: Some(error.column()),
            message: error.message().to_owned(),
            words: error.to_string(),
        }
    }
}

impl Checked {
    fn human(&self) -> Text {
        let mut text = Text::new();
        for finding in &self.findings {
            text.line(finding.words.clone());
        }
        text.line(match self.findings.len() {
            0 => "no findings".to_owned(),
            count => counted(count, "finding", "findings"),
        });
        text
    }
}
