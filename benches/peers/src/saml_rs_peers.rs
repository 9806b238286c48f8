//! saml-rs and its fork risaml, whose interfaces are alike.

use std::error::Error;
use std::time::SystemTime;

use crate::{ASSERTION_CONSUMER, Handed, SERVICE_PROVIDER, Work};

macro_rules! receiver {
    ($name:ident, $library:ident) => {
        /// The typed interface: an unsolicited response by POST, signed assertions and the audience required, as here.
        pub(crate) fn $name(handed: &Handed) -> Result<Work, Box<dyn Error>> {
            use $library::{
                AcsEndpoint, AssertionSignaturePolicy, AudienceValidationPolicy, BrowserInput, EntityId,
                FormField, IdpDescriptor, MetadataTrustPolicy, ReplayPolicy, Saml, SamlValidationContext,
                SpConfig, SpValidationPolicy, SsoResponse,
            };
            let validation = SpValidationPolicy {
                assertions: AssertionSignaturePolicy::RequireSigned,
                audience: AudienceValidationPolicy::Validate,
                ..SpValidationPolicy::compatibility()
            };
            let config = SpConfig::builder(EntityId::try_new(SERVICE_PROVIDER)?)
                .acs_endpoint(AcsEndpoint::post(ASSERTION_CONSUMER)?)
                .validation(validation)
                .build()?;
            let service_provider = Saml::sp(config)?;
            let identity_provider = IdpDescriptor::from_metadata_xml(
                &handed.metadata,
                MetadataTrustPolicy::UnsignedForCompatibility,
            )?;
            let base64 = handed.base64.clone();
            Ok(Box::new(move || {
                let input = BrowserInput::<SsoResponse>::post(vec![FormField::new("SAMLResponse", &base64)]);
                let context =
                    SamlValidationContext::new(SystemTime::now(), ReplayPolicy::DisabledForCompatibility);
                let session = service_provider.accept_unsolicited_sso(&identity_provider, input, context)?;
                std::hint::black_box(session.name_id());
                Ok(())
            }))
        }
    };
}

receiver!(saml_rs, saml_rs);
receiver!(risaml, risaml);
