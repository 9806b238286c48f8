//! `vouchsafe metadata sp`: writes our own descriptor.

use chrono::{DateTime, Utc};
use vouchsafe::crypto::Provider;
use vouchsafe::metadata::{Binding, EntityId, ServiceProviderDescriptor};
use vouchsafe::signature::Signer;

use crate::algorithms::Algorithms;
use crate::failure::Failure;
use crate::input;
use crate::metadata_sp_information::Information;
use crate::output::{Answer, Output, Written};
use crate::response_check::instant;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Entity ID of your service.
    #[arg(long, value_name = "URI")]
    entity_id: String,
    /// Address that takes Responses by HTTP-POST. Repeatable: the first is the default.
    #[arg(long, value_name = "URL", required = true)]
    acs: Vec<String>,
    /// Address for logout by HTTP-Redirect and HTTP-POST. Repeatable.
    #[arg(long, value_name = "URL")]
    slo: Vec<String>,
    /// Certificate of the key that signs requests. Repeatable.
    #[arg(long, value_name = "PEM")]
    signing_certificate: Vec<String>,
    /// Certificate to encrypt for. Repeatable: several during a rollover.
    #[arg(long, value_name = "PEM")]
    encryption_certificate: Vec<String>,
    /// Say that the service signs its authentication requests.
    #[arg(long)]
    authn_requests_signed: bool,
    /// Say that an Assertion without its own signature is refused, even in a signed Response. Services that are built with
    /// require_signed_assertion say this.
    #[arg(long)]
    want_assertions_signed: bool,
    /// How long this copy may be used.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    valid_until: Option<DateTime<Utc>>,
    /// Sign the descriptor with this key.
    #[arg(long, value_name = "PEM")]
    sign: Option<String>,
    #[command(flatten)]
    information: Information,
    #[command(flatten)]
    algorithms: Algorithms,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let provider = arguments.algorithms.provider()?;
    let descriptor = descriptor(arguments, &provider)?;
    let written = match &arguments.sign {
        None => descriptor.to_xml(),
        Some(path) => {
            let key = input::private_key(path, &provider)?;
            descriptor.to_signed_xml(&Signer::new(&key), &provider)
        }
    };
    let xml = written.map_err(|error| Failure::unusable("the descriptor", error))?;
    output.document(&Written { document: &xml }, &format!("{xml}\n"))?;
    Ok(Answer::Yes)
}

fn descriptor(arguments: &Arguments, provider: &Provider) -> Result<ServiceProviderDescriptor, Failure> {
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
    if let Some(time) = arguments.valid_until {
        descriptor = descriptor.with_valid_until(time);
    }
    Ok(descriptor
        .with_information(arguments.information.read()?)
        .with_authn_requests_signed(arguments.authn_requests_signed)
        .with_assertions_signed(arguments.want_assertions_signed)
        .with_algorithms_of(provider))
}
