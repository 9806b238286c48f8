//! A message of ours in the form in which it travels: in a query, a form or an envelope, signed or not.

use vouchsafe_crypto::base64_encode;
use vouchsafe_metadata::{Binding, WebAddress};
use vouchsafe_signature::{MessageParameter, UnsignedForm, sign, sign_form, sign_query};

use crate::enhanced_client::PaosRequest;
use crate::error::BindingError;
use crate::post_form::PostForm;
use crate::redirect::{self, Redirect};
use crate::relay_state::RelayState;
use crate::service_provider::ServiceProvider;
use crate::signing::Signing;

/// A message to the identity provider, in the form in which it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutgoingMessage {
    /// A redirect (SAML Bindings 3.4).
    Redirect(Redirect),
    /// A form that the browser posts (SAML Bindings 3.5).
    Form(PostForm),
    /// A SOAP envelope that an enhanced client carries instead of a browser (SAML Bindings 3.3).
    Envelope(PaosRequest),
}

impl OutgoingMessage {
    /// Returns the redirect, if the message is one.
    #[must_use]
    pub fn redirect(&self) -> Option<&Redirect> {
        match self {
            OutgoingMessage::Redirect(redirect) => Some(redirect),
            OutgoingMessage::Form(_) | OutgoingMessage::Envelope(_) => None,
        }
    }

    /// Returns the form, if the message is one.
    #[must_use]
    pub fn form(&self) -> Option<&PostForm> {
        match self {
            OutgoingMessage::Form(form) => Some(form),
            OutgoingMessage::Redirect(_) | OutgoingMessage::Envelope(_) => None,
        }
    }

    /// Returns the envelope for an enhanced client, if the message is one.
    #[must_use]
    pub fn envelope(&self) -> Option<&PaosRequest> {
        match self {
            OutgoingMessage::Envelope(envelope) => Some(envelope),
            OutgoingMessage::Redirect(_) | OutgoingMessage::Form(_) => None,
        }
    }
}

/// A message that is written and not signed yet.
pub(crate) struct Written<'a> {
    pub(crate) xml: String,
    pub(crate) id: &'a str,
    pub(crate) parameter: MessageParameter,
    pub(crate) relay_state: Option<&'a RelayState>,
}

impl ServiceProvider {
    /// Encodes a message for a binding, and signs it if a signing key is given.
    pub(crate) fn carry(
        &self,
        message: Written<'_>,
        binding: &Binding,
        location: &WebAddress,
        signing: Option<Signing<'_>>,
    ) -> Result<OutgoingMessage, BindingError> {
        match binding {
            Binding::HttpPost => self.form(message, location, signing).map(OutgoingMessage::Form),
            Binding::HttpPostSimpleSign => {
                self.signed_form(message, location, signing).map(OutgoingMessage::Form)
            }
            _ => self.redirect(message, location, signing).map(OutgoingMessage::Redirect),
        }
    }

    fn redirect(
        &self,
        message: Written<'_>,
        location: &WebAddress,
        signing: Option<Signing<'_>>,
    ) -> Result<Redirect, BindingError> {
        let mut query = redirect::encode(message.parameter.name(), &message.xml, message.relay_state);
        if let Some(signing) = signing {
            query = sign_query(&query, signing.algorithm, signing.key, self.provider())?;
        }
        Redirect::to(location, &query)
    }

    fn form(
        &self,
        message: Written<'_>,
        location: &WebAddress,
        signing: Option<Signing<'_>>,
    ) -> Result<PostForm, BindingError> {
        let xml = match signing {
            Some(signing) => self.enveloped(&message.xml, message.id, signing)?,
            None => message.xml,
        };
        let mut fields = vec![(message.parameter.name(), base64_encode(xml.as_bytes()))];
        fields.extend(message.relay_state.map(|state| ("RelayState", state.as_str().to_owned())));
        Ok(PostForm::new(location.as_str().to_owned(), fields))
    }

    /// Makes a form whose fields are signed; the message itself has no signature (SAML V2.0 HTTP POST "SimpleSign"
    /// Binding).
    fn signed_form(
        &self,
        message: Written<'_>,
        location: &WebAddress,
        signing: Option<Signing<'_>>,
    ) -> Result<PostForm, BindingError> {
        let Some(signing) = signing else { return self.form(message, location, None) };
        let unsigned = UnsignedForm {
            parameter: message.parameter,
            message: &message.xml,
            relay_state: message.relay_state.map(RelayState::as_str),
        };
        let form = sign_form(&unsigned, signing.algorithm, signing.key, self.provider())?;
        Ok(PostForm::new(location.as_str().to_owned(), form.fields().to_vec()))
    }

    /// Signs the message itself.
    pub(crate) fn enveloped(
        &self,
        xml: &str,
        id: &str,
        signing: Signing<'_>,
    ) -> Result<String, BindingError> {
        Ok(sign(xml, id, &signing.signer(), self.provider(), self.limits())?)
    }
}
