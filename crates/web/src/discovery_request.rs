//! The Identity Provider Discovery Service Protocol (sstc-saml-idp-discovery): a service asks which identity provider
//! a person uses.

use vouchsafe::metadata::{Endpoint, EntityDescription, RoleDescription};
use vouchsafe::{EntityId, WebAddress};

use crate::error::HttpError;

/// A request of a service to a discovery service.
///
/// ```
/// use vouchsafe::{EntityId, WebAddress};
/// use vouchsafe_web::DiscoveryRequest;
///
/// let ours = EntityId::new("https://app.example.com/saml/metadata")?;
/// let request = DiscoveryRequest::new(ours).with_return(WebAddress::new("https://app.example.com/saml/discovered?return=%2F")?);
/// let url = request.url(&WebAddress::new("https://discovery.example.org/ds")?);
/// assert!(url.starts_with("https://discovery.example.org/ds?entityID=https%3A%2F%2Fapp.example.com%2Fsaml%2Fmetadata&return="));
/// let query = url.split_once('?').map(|(_, query)| query).unwrap_or_default();
/// assert_eq!(DiscoveryRequest::parse(query)?, request);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveryRequest {
    entity_id: EntityId,
    return_to: Option<WebAddress>,
    parameter: String,
    is_passive: bool,
}

impl DiscoveryRequest {
    /// Makes a request of the service with this entity ID. Without [`with_return`](Self::with_return) the answer goes
    /// to the default address in its metadata.
    #[must_use]
    pub fn new(entity_id: EntityId) -> DiscoveryRequest {
        DiscoveryRequest { entity_id, return_to: None, parameter: ENTITY_ID.to_owned(), is_passive: false }
    }

    /// Sets the address of the answer: an address in the service's metadata, which may have an additional query.
    #[must_use]
    pub fn with_return(self, address: WebAddress) -> Self {
        DiscoveryRequest { return_to: Some(address), ..self }
    }

    /// Requests an answer without asking the person.
    #[must_use]
    pub fn passive(self) -> Self {
        DiscoveryRequest { is_passive: true, ..self }
    }

    /// The entity ID of the requesting service.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        &self.entity_id
    }

    /// Returns whether the person must not be asked.
    #[must_use]
    pub fn is_passive(&self) -> bool {
        self.is_passive
    }

    /// The address of this discovery service with the request, for the browser.
    #[must_use]
    pub fn url(&self, service: &WebAddress) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(ENTITY_ID, self.entity_id.as_str());
        if let Some(address) = &self.return_to {
            query.append_pair("return", address.as_str());
        }
        if self.parameter != ENTITY_ID {
            query.append_pair("returnIDParam", &self.parameter);
        }
        if self.is_passive {
            query.append_pair("isPassive", "true");
        }
        service.with_query(&query.finish())
    }

    /// Reads the query of a request to a discovery service (2.4.1).
    ///
    /// # Errors
    /// [`HttpError::DiscoveryRequest`] if there is no entityID, a parameter occurs twice, the policy is unknown, the
    /// address is not valid, or the address already has a parameter with the name of the answer.
    pub fn parse(query: &str) -> Result<DiscoveryRequest, HttpError> {
        let one = |name: &str| one_value(query.as_bytes(), name);
        let entity_id = one(ENTITY_ID)?.ok_or_else(|| refused("entityID is missing"))?;
        let entity_id = EntityId::new(entity_id).map_err(|_| refused("entityID cannot be an entity ID"))?;
        if one("policy")?.is_some_and(|policy| policy != SINGLE) {
            return Err(refused("the policy is not known"));
        }
        let is_passive = match one("isPassive")?.as_deref() {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(_) => return Err(refused("isPassive is not a boolean")),
        };
        let parameter = one("returnIDParam")?.unwrap_or_else(|| ENTITY_ID.to_owned());
        if parameter.is_empty() {
            return Err(refused("returnIDParam is empty"));
        }
        let address = one("return")?.map(|text| WebAddress::new(&text)).transpose();
        let return_to = address.map_err(|_| refused("return is not a web address"))?;
        let request = DiscoveryRequest { entity_id, return_to, parameter, is_passive };
        request.return_to.as_ref().map_or(Ok(()), |address| request.require_room_in(address))?;
        Ok(request)
    }

    /// Checks that the address does not have the parameter of the answer already (2.4.3).
    fn require_room_in(&self, address: &WebAddress) -> Result<(), HttpError> {
        match address.query().is_some_and(|query| has(query, &self.parameter)) {
            true => Err(refused("the address for the answer has the parameter of the answer already")),
            false => Ok(()),
        }
    }

    /// Returns the address of the answer, according to the metadata of the requesting service: the requested address
    /// if the metadata has it, with any query, or the default address of the metadata (2.4.1, 2.5). The browser is
    /// never sent anywhere else, and never to an address without TLS.
    ///
    /// # Errors
    /// [`HttpError::DiscoveryRequest`] if the metadata belongs to another entity, or the address is not in it, or
    /// there is none, or it has no TLS, or it has the parameter of the answer already.
    pub fn return_address(&self, metadata: &EntityDescription) -> Result<WebAddress, HttpError> {
        if metadata.entity_id() != self.entity_id.as_str() {
            return Err(refused("the metadata is another entity's"));
        }
        let known: Vec<&Endpoint> =
            metadata.roles().iter().flat_map(RoleDescription::discovery_responses).collect();
        let found = match &self.return_to {
            Some(wanted) => {
                let is_known =
                    known.iter().any(|endpoint| path(endpoint.location()) == path(wanted.as_str()));
                Some(wanted)
                    .filter(|_| is_known)
                    .ok_or_else(|| refused("return is not in the metadata of the service"))?
            }
            None => {
                let default = known.iter().find(|endpoint| endpoint.is_default()).or(known.first());
                default
                    .ok_or_else(|| refused("the metadata of the service has no address for the answer"))?
                    .address()
            }
        };
        if !found.is_secure() {
            return Err(refused("the address for the answer is not https"));
        }
        self.require_room_in(found)?;
        Ok(found.clone())
    }

    /// Returns the address that carries the answer (2.4.3): with the entityID of the chosen identity provider, or
    /// without any if the person was not to be asked.
    #[must_use]
    pub fn answer(&self, address: &WebAddress, chosen: Option<&EntityId>) -> String {
        let Some(chosen) = chosen else { return address.as_str().to_owned() };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(&self.parameter, chosen.as_str());
        address.with_query(&query.finish())
    }
}

/// Reads the entityID in the query of an answer; `None` if the discovery service sent none.
///
/// # Errors
/// [`HttpError::DiscoveryRequest`] if it occurs twice, or is not valid.
pub fn discovered(query: &str) -> Result<Option<EntityId>, HttpError> {
    let found = one_value(query.as_bytes(), ENTITY_ID)?.filter(|value| !value.is_empty());
    found.map(EntityId::new).transpose().map_err(|_| refused("entityID cannot be an entity ID"))
}

/// Returns the value of a parameter that may occur once.
pub(crate) fn one_value(query: &[u8], name: &str) -> Result<Option<String>, HttpError> {
    let mut values = form_urlencoded::parse(query).filter(|(found, _)| found == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (found, None) => Ok(found.map(|value| value.into_owned())),
        (_, Some(_)) => Err(refused("a parameter occurs twice")),
    }
}

fn has(query: &str, parameter: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(found, _)| found == parameter)
}

/// Returns an address without its query.
fn path(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or_default()
}

fn refused(reason: &'static str) -> HttpError {
    HttpError::DiscoveryRequest { reason }
}

const ENTITY_ID: &str = "entityID";

/// The only policy: one identity provider is chosen.
const SINGLE: &str = "urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol:single";
