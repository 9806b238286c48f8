//! `vouchsafe policy example`: writes example files that work together.

use crate::failure::Failure;
use crate::output::{Answer, Output, Written};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Which file.
    #[arg(value_enum)]
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// A policy, as TOML with comments.
    Policy,
    /// The organization that the policy is for, for --state.
    State,
    /// A first sign-in, for --login.
    Login,
    /// Recorded sign-ins, one a line, for --logins.
    Logins,
}

impl What {
    fn document(self) -> &'static str {
        match self {
            What::Policy => include_str!("policy_example/policy.toml"),
            What::State => include_str!("policy_example/state.json"),
            What::Login => include_str!("policy_example/login.json"),
            What::Logins => include_str!("policy_example/logins.jsonl"),
        }
    }
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let document = arguments.what.document();
    output.document(&Written { document }, document)?;
    Ok(Answer::Yes)
}
