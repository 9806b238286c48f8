//! The service that `vouchsafe values` is about, as the arguments describe it.

use vouchsafe::console::ServiceDetails;
use vouchsafe::metadata::EntityId;

use crate::failure::Failure;

/// The values to enter.
#[derive(Debug, clap::Args)]
pub(crate) struct Service {
    /// Entity ID of your service.
    #[arg(long, value_name = "URI")]
    pub(crate) entity_id: String,
    /// Assertion consumer (ACS) of your service.
    #[arg(long, value_name = "URL")]
    pub(crate) acs: String,
    /// Address for logout of your service, if it takes part in single logout.
    #[arg(long, value_name = "URL")]
    pub(crate) slo: Option<String>,
    /// Your service has a key to decrypt assertions with.
    #[arg(long)]
    pub(crate) encrypted: bool,
    /// Leave the attribute `token` out. It is for services with `provisioned_routes`; with `routes` and your own users there is none.
    #[arg(long)]
    pub(crate) without_token: bool,
    /// Write the arguments of the Terraform resource instead (Okta: `okta_app_saml`; Entra ID: `azuread_application`).
    #[arg(long)]
    pub(crate) terraform: bool,
}

/// Makes the service's details, with the library's checks of the entity ID and the addresses.
pub(crate) fn details(service: &Service) -> Result<ServiceDetails, Failure> {
    let id =
        EntityId::new(service.entity_id.as_str()).map_err(|error| Failure::unusable("--entity-id", error))?;
    let mut details =
        ServiceDetails::new(id, &service.acs).map_err(|error| Failure::unusable("--acs", error))?;
    if let Some(location) = &service.slo {
        details = details.with_single_logout(location).map_err(|error| Failure::unusable("--slo", error))?;
    }
    if service.encrypted {
        details = details.encrypted();
    }
    Ok(if service.without_token { details.without_token() } else { details })
}
