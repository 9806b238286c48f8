//! The binding of a request and its rarely used parts. They can be set for one sign-in or for all sign-ins over a
//! connection.

use serde::{Deserialize, Serialize};
use vouchsafe_metadata::{Binding, EntityId};
use vouchsafe_xml::{Document, Limits, Writer, namespace};

use crate::error::BindingError;

/// The binding of an AuthnRequest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RequestBinding {
    /// HTTP-Redirect.
    Redirect,
    /// HTTP-POST.
    Post,
    /// HTTP-POST-SimpleSign: a form whose fields are signed. Such a request is always signed.
    PostSimpleSign,
}

impl RequestBinding {
    pub(crate) fn binding(self) -> Binding {
        match self {
            RequestBinding::Redirect => Binding::HttpRedirect,
            RequestBinding::Post => Binding::HttpPost,
            RequestBinding::PostSimpleSign => Binding::HttpPostSimpleSign,
        }
    }

    /// Returns the name that errors use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            RequestBinding::Redirect => "HTTP-Redirect",
            RequestBinding::Post => "HTTP-POST",
            RequestBinding::PostSimpleSign => "HTTP-POST-SimpleSign",
        }
    }
}

/// The binding that the answer should use (`ProtocolBinding`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResponseBinding {
    /// HTTP-POST.
    #[default]
    Post,
    /// HTTP-POST-SimpleSign.
    PostSimpleSign,
    /// HTTP-Artifact: the browser brings a reference, and this service requests the Response over SOAP. An answer by
    /// HTTP-POST is also accepted.
    Artifact,
}

impl ResponseBinding {
    pub(crate) fn binding(self) -> Binding {
        match self {
            ResponseBinding::Post => Binding::HttpPost,
            ResponseBinding::PostSimpleSign => Binding::HttpPostSimpleSign,
            ResponseBinding::Artifact => Binding::HttpArtifact,
        }
    }
}

/// The identity providers that may authenticate the person (saml-core-2.0-os 3.4.1.2). It is for an identity provider
/// that asks others, such as a hub.
///
/// ```
/// use vouchsafe::{EntityId, LoginOptions, Scoping};
///
/// let scoping = Scoping::default().proxy_count(1).identity_provider(EntityId::new("https://idp.university.example")?);
/// let options = LoginOptions::default().scoping(scoping);
/// # let _ = options;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scoping {
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_count: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identity_providers: Vec<ScopedProvider>,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_list: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    requesters: Vec<EntityId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopedProvider {
    entity_id: EntityId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl Scoping {
    /// Limits the number of identity providers between the one that is asked and the one that authenticates
    /// (`ProxyCount`); 0 allows none.
    #[must_use]
    pub fn proxy_count(mut self, count: u32) -> Scoping {
        self.proxy_count = Some(count);
        self
    }

    /// Adds an identity provider that may authenticate the person (`IDPEntry`).
    #[must_use]
    pub fn identity_provider(mut self, entity_id: EntityId) -> Scoping {
        self.identity_providers.push(ScopedProvider { entity_id, name: None });
        self
    }

    /// Adds such an identity provider with a name to show (`Name`).
    #[must_use]
    pub fn named_identity_provider(mut self, entity_id: EntityId, name: impl Into<String>) -> Scoping {
        self.identity_providers.push(ScopedProvider { entity_id, name: Some(name.into()) });
        self
    }

    /// Sets the address of the complete list, of which the added identity providers are a part (`GetComplete`).
    #[must_use]
    pub fn complete_list(mut self, address: impl Into<String>) -> Scoping {
        self.complete_list = Some(address.into());
        self
    }

    /// Adds a service on whose behalf the request is made (`RequesterID`).
    #[must_use]
    pub fn requester(mut self, entity_id: EntityId) -> Scoping {
        self.requesters.push(entity_id);
        self
    }

    /// Writes the element. A list needs at least one identity provider, so the address of the complete list is
    /// written only then (3.4.1.3).
    fn write(&self, xml: &mut Writer) {
        xml.start("saml2p:Scoping");
        xml.optional_attribute("ProxyCount", self.proxy_count.map(|count| count.to_string()).as_deref());
        if !self.identity_providers.is_empty() {
            xml.start("saml2p:IDPList");
            for provider in &self.identity_providers {
                xml.start("saml2p:IDPEntry").attribute("ProviderID", provider.entity_id.as_str());
                xml.optional_attribute("Name", provider.name.as_deref()).end();
            }
            if let Some(address) = &self.complete_list {
                xml.element("saml2p:GetComplete", address);
            }
            xml.end();
        }
        for requester in &self.requesters {
            xml.element("saml2p:RequesterID", requester.as_str());
        }
        xml.end();
    }
}

/// The details of one sign-in, or of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RequestDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) binding: Option<RequestBinding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_binding: Option<ResponseBinding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) assertion_consumer_index: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attribute_consuming_service_index: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scoping: Option<Box<Scoping>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) extensions: Vec<String>,
}

impl RequestDetails {
    pub(crate) fn is_default(&self) -> bool {
        *self == RequestDetails::default()
    }

    /// Returns these details, with the connection's values for those that are not set.
    pub(crate) fn or(self, connection: &RequestDetails) -> RequestDetails {
        let other = connection.clone();
        RequestDetails {
            binding: self.binding.or(other.binding),
            response_binding: self.response_binding.or(other.response_binding),
            assertion_consumer_index: self.assertion_consumer_index.or(other.assertion_consumer_index),
            attribute_consuming_service_index: self
                .attribute_consuming_service_index
                .or(other.attribute_consuming_service_index),
            provider_name: self.provider_name.or(other.provider_name),
            scoping: self.scoping.or(other.scoping),
            extensions: if self.extensions.is_empty() { other.extensions } else { self.extensions },
        }
    }

    /// Checks details that were read from a store, since no setter validated them.
    pub(crate) fn check(&self) -> Result<(), BindingError> {
        self.extensions.iter().try_for_each(|element| require_extension(element))
    }

    /// Writes where the answer goes: by URL and binding (SAML2int SP05), or by an index, which excludes both
    /// (saml-core-2.0-os 3.4.1). The index is only for browsers: an enhanced client brings the answer by another
    /// binding.
    pub(crate) fn write_attributes(&self, xml: &mut Writer, assertion_consumer: &str, answer_by: &Binding) {
        match self.assertion_consumer_index.filter(|_| *answer_by != Binding::Paos) {
            Some(index) => xml.attribute("AssertionConsumerServiceIndex", &index.to_string()),
            None => xml
                .attribute("AssertionConsumerServiceURL", assertion_consumer)
                .attribute("ProtocolBinding", answer_by.uri()),
        };
        let index = self.attribute_consuming_service_index.map(|index| index.to_string());
        xml.optional_attribute("AttributeConsumingServiceIndex", index.as_deref());
        xml.optional_attribute("ProviderName", self.provider_name.as_deref());
    }

    pub(crate) fn write_extensions(&self, xml: &mut Writer) {
        if !self.extensions.is_empty() {
            xml.start("saml2p:Extensions");
            for element in &self.extensions {
                xml.raw_element(element);
            }
            xml.end();
        }
    }

    pub(crate) fn write_scoping(&self, xml: &mut Writer) {
        if let Some(scoping) = &self.scoping {
            scoping.write(xml);
        }
    }
}

/// Requires one element in a namespace other than SAML's own two (saml-core-2.0-os 3.2.1).
pub(crate) fn require_extension(element: &str) -> Result<(), BindingError> {
    let document = Document::parse(element.as_bytes(), &Limits::default())?;
    let own = [namespace::SAML_PROTOCOL, namespace::SAML_ASSERTION, ""];
    match own.contains(&document.root().namespace()) {
        true => Err(BindingError::Extension { namespace: document.root().namespace().to_owned() }),
        false => Ok(()),
    }
}

/// The methods that a sign-in and a connection have in common.
macro_rules! request_details {
    ($owner:ident) => {
        impl $owner {
            /// Sets the binding of requests. Default: HTTP-Redirect, or a binding that the identity provider accepts
            /// instead.
            #[must_use]
            pub fn binding(mut self, binding: $crate::request_details::RequestBinding) -> Self {
                self.request.binding = Some(binding);
                self
            }

            /// Sets the binding that the answer should use (`ProtocolBinding`). Default: HTTP-POST.
            #[must_use]
            pub fn response_binding(mut self, binding: $crate::request_details::ResponseBinding) -> Self {
                self.request.response_binding = Some(binding);
                self
            }

            /// Names the assertion consumer by its index in our metadata instead of its address. The identity
            /// provider must have that metadata. By default it is named by address and binding, as SAML2int requires.
            #[must_use]
            pub fn assertion_consumer_index(mut self, index: u16) -> Self {
                self.request.assertion_consumer_index = Some(index);
                self
            }

            /// Requests the attributes of the `AttributeConsumingService` with this index in our metadata.
            #[must_use]
            pub fn attribute_consuming_service_index(mut self, index: u16) -> Self {
                self.request.attribute_consuming_service_index = Some(index);
                self
            }

            /// Sets the name of this service for the identity provider to show (`ProviderName`).
            #[must_use]
            pub fn provider_name(mut self, name: impl Into<String>) -> Self {
                self.request.provider_name = Some(name.into());
                self
            }

            /// Sets the identity providers that may authenticate the person.
            #[must_use]
            pub fn scoping(mut self, scoping: $crate::request_details::Scoping) -> Self {
                self.request.scoping = Some(Box::new(scoping));
                self
            }

            /// Adds an element to the `Extensions` of the request: XML with its namespace declarations, in a
            /// namespace other than SAML's own. Its effect depends on the identity provider.
            ///
            /// # Errors
            /// [`BindingError::Xml`](crate::BindingError::Xml), [`BindingError::Extension`](crate::BindingError::Extension).
            pub fn extension(mut self, element: impl Into<String>) -> Result<Self, $crate::BindingError> {
                let element = element.into();
                $crate::request_details::require_extension(&element)?;
                self.request.extensions.push(element);
                Ok(self)
            }
        }
    };
}
pub(crate) use request_details;
