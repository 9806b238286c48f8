use percent_encoding::percent_decode_str;
use vouchsafe_crypto::base64_decode;
use vouchsafe_xml::{Document, Element, Limits, namespace};

use crate::TestkitError;
use crate::deflate::inflated;
use crate::logout::query;

/// The request of a service provider, read from an `saml2p:AuthnRequest` (SAML core, section 3.4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthnRequest {
    /// The attribute `ID`.
    pub id: String,
    /// The Issuer: the service provider's entity ID.
    pub issuer: String,
    /// The attribute `Version`.
    pub version: String,
    /// The attribute `IssueInstant`, unchanged.
    pub issue_instant: String,
    /// The attribute `Destination`.
    pub destination: Option<String>,
    /// The attribute `AssertionConsumerServiceURL`.
    pub assertion_consumer: Option<String>,
    /// The attribute `AssertionConsumerServiceIndex`.
    pub assertion_consumer_index: Option<String>,
    /// The attribute `ProtocolBinding`.
    pub protocol_binding: Option<String>,
    /// The attribute `ForceAuthn`.
    pub force_authn: bool,
    /// The attribute `IsPassive`.
    pub is_passive: bool,
    /// Whether there is a NameIDPolicy.
    pub has_name_id_policy: bool,
    /// The `Format` of the NameIDPolicy.
    pub name_id_format: Option<String>,
    /// The `AllowCreate` of the NameIDPolicy.
    pub allow_create: Option<bool>,
    /// The AuthnContextClassRefs of the RequestedAuthnContext.
    pub authn_contexts: Vec<String>,
    /// The parameter `RelayState`.
    pub relay_state: Option<String>,
    /// The parameter `SigAlg`, which is present if the query is signed.
    pub signature_algorithm: Option<String>,
    /// The XML text of the request.
    pub xml: String,
}

impl AuthnRequest {
    /// Reads a request that was sent by redirect, from a query or from an address with a query (SAML bindings,
    /// section 3.4.4).
    ///
    /// # Errors
    ///
    /// An error is returned if there is no `SAMLRequest`, or if it is not a deflated AuthnRequest in base64.
    pub fn from_redirect(address_or_query: &str) -> Result<Self, TestkitError> {
        let query = address_or_query.split_once('?').map_or(address_or_query, |(_, query)| query);
        let encoded = parameter(query, "SAMLRequest")
            .ok_or_else(|| TestkitError::message("redirect", "a parameter SAMLRequest", query))?;
        let xml = inflated(&encoded, "SAMLRequest")?;
        Ok(Self {
            relay_state: parameter(query, "RelayState"),
            signature_algorithm: parameter(query, "SigAlg"),
            ..Self::from_xml(&xml)?
        })
    }

    /// Reads a request that was sent by POST, from the fields of the form (SAML bindings, section 3.5.4).
    ///
    /// # Errors
    ///
    /// An error is returned if it is not an AuthnRequest in base64.
    pub fn from_post(saml_request: &str, relay_state: Option<&str>) -> Result<Self, TestkitError> {
        let xml = base64_decode(saml_request.as_bytes())?;
        Ok(Self { relay_state: relay_state.map(str::to_owned), ..Self::from_xml(&xml)? })
    }

    /// Returns the query that sends this request by redirect, with its RelayState and without a signature.
    #[must_use]
    pub fn to_redirect_query(&self) -> String {
        query("SAMLRequest", &self.xml, self.relay_state.as_deref())
    }

    /// Reads a request from XML.
    ///
    /// # Errors
    ///
    /// An error is returned if it is not an AuthnRequest.
    pub fn from_xml(xml: &[u8]) -> Result<Self, TestkitError> {
        let document = Document::parse(xml, &Limits::default())?;
        let root = document.root();
        if !root.is(namespace::SAML_PROTOCOL, "AuthnRequest") {
            return Err(TestkitError::message(
                "message",
                "saml2p:AuthnRequest",
                root.qualified_name().to_string(),
            ));
        }
        let text = |name: &str| root.attribute(name).map(str::to_owned);
        let policy = root.elements().find(|child| child.is(namespace::SAML_PROTOCOL, "NameIDPolicy"));
        Ok(Self {
            id: text("ID").unwrap_or_default(),
            issuer: issuer(root),
            version: text("Version").unwrap_or_default(),
            issue_instant: text("IssueInstant").unwrap_or_default(),
            destination: text("Destination"),
            assertion_consumer: text("AssertionConsumerServiceURL"),
            assertion_consumer_index: text("AssertionConsumerServiceIndex"),
            protocol_binding: text("ProtocolBinding"),
            force_authn: root.attribute("ForceAuthn").is_some_and(is_true),
            is_passive: root.attribute("IsPassive").is_some_and(is_true),
            has_name_id_policy: policy.is_some(),
            name_id_format: policy.and_then(|policy| policy.attribute("Format")).map(str::to_owned),
            allow_create: policy.and_then(|policy| policy.attribute("AllowCreate")).map(is_true),
            authn_contexts: root
                .descendants()
                .filter(|element| element.is(namespace::SAML_ASSERTION, "AuthnContextClassRef"))
                .map(|element| element.text().trim().to_owned())
                .collect(),
            relay_state: None,
            signature_algorithm: None,
            xml: String::from_utf8_lossy(xml).into_owned(),
        })
    }
}

/// Returns the value of a query parameter, decoded.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
}

fn issuer(root: Element<'_>) -> String {
    root.elements()
        .find(|child| child.is(namespace::SAML_ASSERTION, "Issuer"))
        .map(|issuer| issuer.text().trim().to_owned())
        .unwrap_or_default()
}

fn is_true(value: &str) -> bool {
    matches!(value.trim(), "true" | "1")
}
