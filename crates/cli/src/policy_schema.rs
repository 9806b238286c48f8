//! `vouchsafe policy schema`: writes the JSON Schemas of policies, states and facts, with which editors complete and
//! check them.

use vouchsafe_provisioning::{facts_schema, policy_schema, state_schema};

use crate::failure::Failure;
use crate::output::{Answer, Output, json};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The kind of file that the schema is for.
    #[arg(value_enum, default_value_t = What::Policy)]
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// A policy.
    Policy,
    /// The organization, for --state.
    State,
    /// Sign-ins and other facts, for --login and each line of --logins.
    Facts,
}

/// Writes the schema, which is JSON in every format.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let schema = match arguments.what {
        What::Policy => policy_schema(),
        What::State => state_schema(),
        What::Facts => facts_schema(),
    };
    output.document(&schema, &json(&schema)?)?;
    Ok(Answer::Yes)
}
