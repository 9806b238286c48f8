//! A Response that an enhanced client posts in a SOAP envelope (PAOS, saml-bindings-2.0-os 3.3, saml-profiles-2.0-os
//! 4.2).

use std::fmt;

use vouchsafe_xml::namespace::{ECP, PAOS};
use vouchsafe_xml::{Canonicalization, Document, Element, Limits, canonicalize};

use crate::error::AssertionError;
use crate::message::{MessageError, soap};
use crate::reading::elements_named;
use crate::refusal::Refusal;

/// The post of an enhanced client: a Response as a document of its own, and the RelayState. Nothing of it is verified
/// yet: the Response is processed like a posted one, starting with [`Claimed::parse`](crate::Claimed::parse).
///
/// ```
/// use vouchsafe_assertion::PaosResponse;
/// use vouchsafe_xml::Limits;
///
/// let envelope = r#"<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Header>
///     <ecp:RelayState xmlns:ecp="urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp" S:mustUnderstand="1">9f2c</ecp:RelayState>
/// </S:Header><S:Body><Response/></S:Body></S:Envelope>"#;
/// let brought = PaosResponse::read(envelope.as_bytes(), &Limits::default())?;
/// assert_eq!(brought.relay_state.as_deref(), Some("9f2c"));
/// # Ok::<(), vouchsafe_assertion::Refusal>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaosResponse {
    /// The Response, with the namespaces that were bound around it.
    pub bytes: Vec<u8>,
    /// The value of `ecp:RelayState`. It is untrusted.
    pub relay_state: Option<String>,
}

impl PaosResponse {
    /// Reads an envelope. Only the header blocks of PAOS and of the profile are understood.
    ///
    /// # Errors
    /// A [`Refusal`] if the bytes are not acceptable XML (`xml.*`), `message.soap` if the envelope is not valid, and
    /// `message.soap_fault` if the client posts a fault, for example because the identity provider's answer named
    /// another address.
    pub fn read(envelope: &[u8], limits: &Limits) -> Result<PaosResponse, Refusal> {
        let document = Document::parse(envelope, limits)?;
        let (header, message) =
            soap::envelope(document.root(), is_understood).map_err(AssertionError::from)?;
        let mut bytes = Vec::new();
        canonicalize(message, Canonicalization::INCLUSIVE_WITH_COMMENTS, &[], None, &mut bytes)?;
        Ok(PaosResponse { bytes, relay_state: header.map(relay_state).transpose()?.flatten() })
    }
}

/// Returns whether a header block is known. `ecp:Response` is for the client, which may leave it in the envelope.
fn is_understood(block: Element<'_>) -> bool {
    block.is(PAOS, "Response") || block.is(ECP, "RelayState") || block.is(ECP, "Response")
}

fn relay_state(header: Element<'_>) -> Result<Option<String>, AssertionError> {
    let mut found = elements_named(header, ECP, "RelayState");
    match (found.next(), found.next()) {
        (state, None) => Ok(state.map(|state| state.text().into_owned())),
        (_, Some(_)) => Err(MessageError::Soap { reason: "a Header holds at most one RelayState" }.into()),
    }
}

impl fmt::Debug for PaosResponse {
    /// Shows only the size, because the Response is a bearer token until it is used.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaosResponse").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}
