//! `vouchsafe metadata sp`: our own descriptor.

use vouchsafe::metadata::{Binding, EntityId, ServiceProviderDescriptor};

use crate::algorithms::Algorithms;
use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output, Written};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Our entity id.
    #[arg(long, value_name = "URI")]
    entity_id: String,
    /// Address that takes Responses by HTTP-POST. Repeatable: the first is the default.
    #[arg(long, value_name = "URL", required = true)]
    acs: Vec<String>,
    /// Address for logout by HTTP-Redirect and HTTP-POST. Repeatable.
    #[arg(long, value_name = "URL")]
    slo: Vec<String>,
    /// Certificate whose key signs our requests. Repeatable.
    #[arg(long, value_name = "PEM")]
    signing_certificate: Vec<String>,
    /// Certificate to encrypt for. Repeatable: several during a rollover.
    #[arg(long, value_name = "PEM")]
    encryption_certificate: Vec<String>,
    /// NameID format we take. Repeatable: the preferred first.
    #[arg(long, value_name = "URI")]
    name_id_format: Vec<String>,
    /// Say that our authentication requests are signed.
    #[arg(long)]
    authn_requests_signed: bool,
    /// Say that an Assertion without a signature of its own is fine in a signed Response.
    #[arg(long)]
    no_want_assertions_signed: bool,
    #[command(flatten)]
    algorithms: Algorithms,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let xml = descriptor(arguments)?.to_xml().map_err(|error| Failure::unusable("the descriptor", error))?;
    output.document(&Written { document: &xml }, &format!("{xml}\n"))?;
    Ok(Answer::Yes)
}

fn descriptor(arguments: &Arguments) -> Result<ServiceProviderDescriptor, Failure> {
    let provider = arguments.algorithms.provider()?;
    let entity_id = EntityId::new(arguments.entity_id.as_str())
        .map_err(|error| Failure::unusable("--entity-id", error))?;
    let bad_acs = |error| Failure::unusable("--acs", error);
    let (first, more) = arguments.acs.split_first().ok_or_else(|| {
        Failure::usage("cli.usage", "--acs is missing", "Give the address that takes Responses.")
    })?;
    let mut descriptor = ServiceProviderDescriptor::builder(entity_id)
        .with_assertion_consumer(Binding::HttpPost, first)
        .map_err(bad_acs)?;
    for location in more {
        descriptor = descriptor.with_assertion_consumer(Binding::HttpPost, location).map_err(bad_acs)?;
    }
    for location in &arguments.slo {
        for binding in [Binding::HttpRedirect, Binding::HttpPost] {
            descriptor = descriptor
                .with_single_logout(binding, location)
                .map_err(|error| Failure::unusable("--slo", error))?;
        }
    }
    for path in &arguments.signing_certificate {
        descriptor = descriptor.with_signing_certificate(input::certificate(path)?);
    }
    for path in &arguments.encryption_certificate {
        descriptor = descriptor.with_encryption_certificate(input::certificate(path)?);
    }
    for format in &arguments.name_id_format {
        descriptor = descriptor.with_name_id_format(format);
    }
    Ok(descriptor
        .with_authn_requests_signed(arguments.authn_requests_signed)
        .with_assertions_signed(!arguments.no_want_assertions_signed)
        .with_algorithms_of(&provider))
}
