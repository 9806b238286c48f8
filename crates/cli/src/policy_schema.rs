//! `vouchsafe policy schema`: a JSON Schema of policies, by which editors complete and check them.

use crate::failure::Failure;
use crate::output::{Answer, Output, Written, json};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let schema = json(&vouchsafe_provisioning::policy_schema())?;
    output.document(&Written { document: &schema }, &schema)?;
    Ok(Answer::Yes)
}
