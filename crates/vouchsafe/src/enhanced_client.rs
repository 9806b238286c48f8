//! Sign-ins of enhanced clients (ECP, SAML Profiles 4.2): programs that carry messages between the service and the identity provider themselves.

use std::fmt;

use vouchsafe_metadata::{IdentityProvider, WebAddress};
use vouchsafe_xml::Writer;
use vouchsafe_xml::namespace::{ECP, PAOS, SAML_ASSERTION, SAML_PROTOCOL, SOAP_ENVELOPE};

use crate::error::BindingError;
use crate::relay_state::RelayState;
use crate::service_provider::ServiceProvider;

/// The actor of the header blocks: the next program that reads the envelope (SOAP 1.1, 4.2.2).
const NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";

/// An AuthnRequest in the envelope that an enhanced client receives. The client sends the Body to the SOAP address of
/// its identity provider, and posts the answer to our assertion consumer. `Debug` does not show the envelope: a
/// request may name a person.
#[derive(Clone, PartialEq, Eq)]
pub struct PaosRequest {
    envelope: String,
}

impl fmt::Debug for PaosRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaosRequest").field("bytes", &self.envelope.len()).finish_non_exhaustive()
    }
}

impl PaosRequest {
    /// The content type of the envelope, and of the answer that the client posts.
    pub const CONTENT_TYPE: &str = "application/vnd.paos+xml";

    /// The profile's name: the value in the header `PAOS` that identifies an enhanced client, and of `service` in the
    /// envelope.
    pub const SERVICE: &str = ECP;

    /// The envelope.
    #[must_use]
    pub fn envelope(&self) -> &str {
        &self.envelope
    }

    /// Returns whether the headers of a request identify an enhanced client (SAML Profiles 4.2.3.1): the content type
    /// in `Accept`, and the profile in `PAOS`.
    ///
    /// ```
    /// use vouchsafe::PaosRequest;
    ///
    /// let paos = "ver=\"urn:liberty:paos:2003-08\";\"urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp\"";
    /// assert!(PaosRequest::is_asked_for(Some("text/html; q=0.5, application/vnd.paos+xml"), Some(paos)));
    /// assert!(!PaosRequest::is_asked_for(Some("text/html"), Some(paos)));
    /// ```
    #[must_use]
    pub fn is_asked_for(accept: Option<&str>, paos: Option<&str>) -> bool {
        let (Some(accept), Some(paos)) = (accept, paos) else { return false };
        let mut kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
        kinds.any(|kind| kind.eq_ignore_ascii_case(Self::CONTENT_TYPE))
            && quoted(paos).any(|text| text == PAOS)
            && quoted(paos).any(|text| text == ECP)
    }

    /// Returns whether a `Content-Type` is the one that an enhanced client posts.
    #[must_use]
    pub fn is_content_type(content_type: &str) -> bool {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case(Self::CONTENT_TYPE)
    }
}

/// Returns the texts between quotation marks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// The values of the header blocks around a request.
pub(crate) struct Around<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) assertion_consumer: &'a str,
    pub(crate) identity_provider: &'a IdentityProvider,
    pub(crate) location: &'a WebAddress,
    pub(crate) relay_state: Option<&'a RelayState>,
    pub(crate) is_passive: bool,
}

impl ServiceProvider {
    /// Returns whether enhanced clients are answered:
    /// [`Builder::receive_from_enhanced_clients`](crate::Builder::receive_from_enhanced_clients).
    #[must_use]
    pub fn receives_from_enhanced_clients(&self) -> bool {
        self.config.receives_from_enhanced_clients
    }
}

/// Writes the envelope around a request, which may be signed (SAML Profiles 4.2.4.1).
pub(crate) fn paos_request(request: &str, around: &Around<'_>) -> Result<PaosRequest, BindingError> {
    let mut xml = Writer::new();
    xml.start("S:Envelope").namespace("S", SOAP_ENVELOPE);
    xml.start("S:Header");
    start_block(&mut xml, "paos:Request", ("paos", PAOS));
    xml.attribute("responseConsumerURL", around.assertion_consumer).attribute("service", ECP).end();
    start_block(&mut xml, "ecp:Request", ("ecp", ECP));
    // Without this attribute, a client must not ask the person anything.
    xml.attribute("IsPassive", if around.is_passive { "true" } else { "false" });
    xml.start("saml2:Issuer").namespace("saml2", SAML_ASSERTION).text(around.issuer).end();
    xml.start("saml2p:IDPList").namespace("saml2p", SAML_PROTOCOL);
    xml.start("saml2p:IDPEntry").attribute("ProviderID", around.identity_provider.entity_id().as_str());
    xml.optional_attribute("Name", around.identity_provider.display_name());
    xml.attribute("Loc", around.location.as_str()).end();
    xml.end().end();
    if let Some(state) = around.relay_state {
        start_block(&mut xml, "ecp:RelayState", ("ecp", ECP));
        xml.text(state.as_str()).end();
    }
    xml.end();
    xml.start("S:Body").raw_element(request).end();
    xml.end();
    Ok(PaosRequest { envelope: xml.finish()? })
}

/// Starts a header block that the reader of the envelope must understand.
fn start_block(xml: &mut Writer, name: &str, (prefix, namespace): (&str, &str)) {
    xml.start(name).namespace(prefix, namespace);
    xml.attribute("S:mustUnderstand", "1").attribute("S:actor", NEXT);
}

#[cfg(test)]
mod tests {
    use super::PaosRequest;

    #[test]
    fn an_enhanced_client_says_so_twice() {
        let both = r#"ver="urn:liberty:paos:2003-08";"urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp""#;
        let more = r#"ver="urn:liberty:paos:2006-08","urn:liberty:paos:2003-08" ; "urn:other", "urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp","urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp:2.0:WantAuthnRequestsSigned""#;
        let accept = "text/html, application/vnd.paos+xml";
        for (accept, paos, expected) in [
            (Some(accept), Some(both), true),
            (Some(accept), Some(more), true),
            (Some("APPLICATION/vnd.PAOS+xml; q=1"), Some(both), true),
            (Some(accept), None, false),
            (None, Some(both), false),
            (Some("*/*"), Some(both), false),
            (Some(accept), Some(r#"ver="urn:liberty:paos:2003-08""#), false),
            (Some(accept), Some(r#""urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp""#), false),
            (
                Some(accept),
                Some("urn:liberty:paos:2003-08 urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp"),
                false,
            ),
        ] {
            assert_eq!(PaosRequest::is_asked_for(accept, paos), expected, "{accept:?} {paos:?}");
        }
        assert!(PaosRequest::is_content_type("application/vnd.paos+xml; charset=utf-8"));
        assert!(!PaosRequest::is_content_type("text/xml"));
    }
}
