//! `vouchsafe policy plan`: shows what a sign-in would change, and why. Nothing is applied.

use serde::Serialize;
use vouchsafe::provisioning::Plan;

use crate::failure::Failure;
use crate::output::{Answer, Output};
use crate::policy_file;
use crate::text::Text;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The policy, as TOML; - is standard input.
    policy: String,
    /// The sign-in, as JSON.
    #[arg(long, value_name = "FILE")]
    login: String,
    /// The organization with its accounts, teams and projects, as JSON.
    #[arg(long, value_name = "FILE")]
    state: String,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let policy = policy_file::policy(&arguments.policy)?;
    let (login, state) = (policy_file::login(&arguments.login)?, policy_file::state(&arguments.state)?);
    let plan = policy.plan(login, &state).map_err(Failure::refused)?;
    let planned = Planned::of(&plan);
    output.write(&planned, || {
        let mut text = Text::new();
        for line in plan.explanation() {
            text.line(line);
        }
        text
    })?;
    Ok(Answer::Yes)
}

#[derive(Serialize)]
struct Planned {
    verdict: &'static str,
    /// Null for an account that the plan would make.
    account: Option<String>,
    steps: Vec<PlannedStep>,
    notes: Vec<Note>,
}

#[derive(Serialize)]
struct PlannedStep {
    rule: String,
    change: String,
    because: String,
}

#[derive(Serialize)]
struct Note {
    rule: String,
    text: String,
}

impl Planned {
    fn of(plan: &Plan) -> Planned {
        Planned {
            verdict: "planned",
            account: plan.account().map(ToString::to_string),
            steps: plan
                .steps()
                .iter()
                .map(|step| PlannedStep {
                    rule: step.rule.to_string(),
                    change: step.action.to_string(),
                    because: step.because.clone(),
                })
                .collect(),
            notes: plan
                .notes()
                .iter()
                .map(|note| Note { rule: note.rule.to_string(), text: note.text.clone() })
                .collect(),
        }
    }
}
