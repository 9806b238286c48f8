//! samael, on OpenSSL and libxmlsec1.

use std::error::Error;

use samael::metadata::EntityDescriptor;
use samael::service_provider::ServiceProviderBuilder;

use crate::{ASSERTION_CONSUMER, Handed, SERVICE_PROVIDER, Work};

pub(crate) fn receive(handed: &Handed) -> Result<Work, Box<dyn Error>> {
    let identity_provider: EntityDescriptor = handed.metadata.parse()?;
    let service_provider = ServiceProviderBuilder::default()
        .entity_id(SERVICE_PROVIDER.to_owned())
        .acs_url(ASSERTION_CONSUMER.to_owned())
        .allow_idp_initiated(true)
        .idp_metadata(identity_provider)
        .build()?;
    let base64 = handed.base64.clone();
    Ok(Box::new(move || {
        std::hint::black_box(service_provider.parse_base64_response(&base64, None)?);
        Ok(())
    }))
}
