//! The `vouchsafe` command, a tool for developers and operators over the libraries. It adds no rules of its own.
//!
//! The exit status is 0 for yes, 1 for no, and 2 for wrong usage or unreadable input. Results go to standard output,
//! diagnostics to standard error.

mod acceptance;
mod algorithms;
mod browse;
mod c14n;
mod corpus_run;
mod decrypt;
mod doctor;
mod failure;
mod identity_providers;
mod input;
mod metadata_diff;
mod metadata_find;
mod metadata_finding;
mod metadata_lint;
mod metadata_sarif;
mod metadata_show;
mod metadata_show_information;
mod metadata_sp;
mod metadata_sp_information;
mod metadata_verify;
mod output;
mod policy_check;
mod policy_example;
mod policy_file;
mod policy_plan;
mod policy_replay;
mod policy_schema;
mod redirect_decode;
mod redirect_verify;
mod response_check;
mod rollover;
mod serve;
mod signature_sign;
mod signature_verify;
mod text;
mod usage;
mod values;
mod values_check;
mod values_service;
mod verdict;
mod verdict_json;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::output::{Answer, Format, Output};

/// The text at the end of `--help`.
const STATUS: &str = "\
Files: - is standard input. Results are written to standard output, and messages about problems to standard error.
Exit status: 0 yes, 1 no, 2 wrong usage or unreadable input.

  vouchsafe doctor response.xml metadata.xml        what is wrong with this response?
  vouchsafe values --product okta --entity-id https://app.example.com/saml/metadata --acs https://app.example.com/saml/acs
  vouchsafe serve --base-url http://localhost:8080 --idp-metadata metadata.xml";

/// Checks, explains and makes SAML messages, metadata and policies of provisioning.
#[derive(Debug, Parser)]
#[command(name = "vouchsafe", version, arg_required_else_help = true, after_help = STATUS)]
struct Arguments {
    /// How results are written.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check whether a Response would be accepted.
    #[command(subcommand)]
    Response(Response),
    /// Run test cases, each a Response with the expected verdict.
    #[command(subcommand)]
    Corpus(Corpus),
    /// Write the canonical XML of a document or of one element.
    C14n(c14n::Arguments),
    /// Verify and make XML signatures.
    #[command(subcommand)]
    Signature(Signature),
    /// Decode and verify query strings of the HTTP-Redirect binding.
    #[command(subcommand)]
    Redirect(Redirect),
    /// Decrypt everything that is encrypted in a document.
    Decrypt(decrypt::Arguments),
    /// Show, search, verify, check and compare metadata, and write that of your service.
    #[command(subcommand)]
    Metadata(Metadata),
    /// Check and try policies of provisioning, which say who gets which account, teams and roles.
    #[command(subcommand)]
    Policy(Policy),
    /// Say what a message or metadata is, from which product, what is wrong with it, and what to change.
    Doctor(doctor::Arguments),
    /// Write what to type into an identity provider's console, field by field; or, with --check, compare a connection with the metadata that is published now.
    Values(values::Arguments),
    /// Write what to type into Okta's console: the same as `values --product okta`.
    #[command(subcommand)]
    Okta(Okta),
    /// Say the next step of replacing a key of your service, the reason for it, and when it may be done. The exit status is 1 if it is too early.
    Rollover(rollover::Arguments),
    /// Run a service provider to try an identity provider with: it checks and shows each sign-in, and gives access to nothing.
    Serve(Box<serve::Arguments>),
}

#[derive(Debug, Subcommand)]
enum Response {
    /// Check whether a Response would be accepted, and say why if not.
    Check(response_check::Arguments),
}

#[derive(Debug, Subcommand)]
enum Corpus {
    /// Run every case of a manifest, and write a line for each failure and the numbers of cases.
    Run(corpus_run::Arguments),
}

#[derive(Debug, Subcommand)]
enum Signature {
    /// Verify the enveloped signature of a document.
    Verify(signature_verify::Arguments),
    /// Put an enveloped signature into a document.
    Sign(signature_sign::Arguments),
}

#[derive(Debug, Subcommand)]
enum Redirect {
    /// Show the message in a query string, without verifying it.
    Decode(redirect_decode::Arguments),
    /// Verify the signature of a query string.
    Verify(redirect_verify::Arguments),
}

#[derive(Debug, Subcommand)]
enum Metadata {
    /// Show roles, endpoints, keys with fingerprints and dates, and extensions.
    Show(metadata_show::Arguments),
    /// Show one entity of an aggregate, with the time and the memory that it took.
    Find(metadata_find::Arguments),
    /// Verify that the document is signed at its root and still valid.
    Verify(metadata_verify::Arguments),
    /// List what the publisher should look at and what would fail at a sign-in, with severity, clause and remedy. The exit status is 1 if there is
    /// an error.
    Lint(metadata_lint::Arguments),
    /// List what newer metadata would change: keys, endpoints, dates, scopes. The exit status is 1 if something differs.
    Diff(metadata_diff::Arguments),
    /// Write the metadata of your service.
    Sp(Box<metadata_sp::Arguments>),
}

#[derive(Debug, Subcommand)]
enum Policy {
    /// Check a policy, and list what is wrong or suspicious with line, column and remedy.
    Check(policy_check::Arguments),
    /// Show what a sign-in would change, and why. Nothing is applied.
    Plan(policy_plan::Arguments),
    /// Apply recorded sign-ins, and show who gains and loses what, also under another policy.
    Replay(policy_replay::Arguments),
    /// Write files to start from: a policy, an organization and sign-ins that work together.
    Example(policy_example::Arguments),
    /// Write the JSON Schemas of policies, states and facts, for editors.
    Schema(policy_schema::Arguments),
}

#[derive(Debug, Subcommand)]
enum Okta {
    /// The same as `values --product okta`.
    Values(values_service::Service),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return ExitCode::from(usage::told(error, std::env::args_os().skip(1))),
    };
    let output = Output::new(arguments.format);
    let answer = run(arguments.command, &output).unwrap_or_else(|failure| output.failure(&failure));
    ExitCode::from(answer.status())
}

fn run(command: Command, output: &Output) -> Result<Answer, Failure> {
    if output.is_sarif() && !matches!(command, Command::Metadata(Metadata::Lint(_))) {
        let message = "SARIF is the format of findings, which only `metadata lint` writes";
        return Err(Failure::usage("cli.format", message, "Use --format human or --format json."));
    }
    match command {
        Command::Response(Response::Check(arguments)) => response_check::run(&arguments, output),
        Command::Corpus(Corpus::Run(arguments)) => corpus_run::run(&arguments, output),
        Command::C14n(arguments) => c14n::run(&arguments, output),
        Command::Signature(Signature::Verify(arguments)) => signature_verify::run(&arguments, output),
        Command::Signature(Signature::Sign(arguments)) => signature_sign::run(&arguments, output),
        Command::Redirect(Redirect::Decode(arguments)) => redirect_decode::run(&arguments, output),
        Command::Redirect(Redirect::Verify(arguments)) => redirect_verify::run(&arguments, output),
        Command::Decrypt(arguments) => decrypt::run(&arguments, output),
        Command::Metadata(Metadata::Show(arguments)) => metadata_show::run(&arguments, output),
        Command::Metadata(Metadata::Find(arguments)) => metadata_find::run(&arguments, output),
        Command::Metadata(Metadata::Verify(arguments)) => metadata_verify::run(&arguments, output),
        Command::Metadata(Metadata::Lint(arguments)) => metadata_lint::run(&arguments, output),
        Command::Metadata(Metadata::Diff(arguments)) => metadata_diff::run(&arguments, output),
        Command::Metadata(Metadata::Sp(arguments)) => metadata_sp::run(&arguments, output),
        Command::Policy(Policy::Check(arguments)) => policy_check::run(&arguments, output),
        Command::Policy(Policy::Plan(arguments)) => policy_plan::run(&arguments, output),
        Command::Policy(Policy::Replay(arguments)) => policy_replay::run(&arguments, output),
        Command::Policy(Policy::Example(arguments)) => policy_example::run(&arguments, output),
        Command::Policy(Policy::Schema(arguments)) => policy_schema::run(&arguments, output),
        Command::Doctor(arguments) => doctor::run(&arguments, output),
        Command::Values(arguments) => values::run(&arguments, output),
        Command::Okta(Okta::Values(service)) => values::run_okta(&service, output),
        Command::Rollover(arguments) => rollover::run(&arguments, output),
        Command::Serve(arguments) => serve::run(&arguments, output),
    }
}
