//! Asking: a sign-in that starts at the service.

use chrono::{DateTime, Utc};
use vouchsafe_crypto::base64_encode;
use vouchsafe_metadata::{Binding, EntityId, WebAddress};
use vouchsafe_signature::{Signer, sign, sign_query};

use crate::builder::{SignRequests, insecure};
use crate::error::BindingError;
use crate::pending::PendingRequest;
use crate::post_form::PostForm;
use crate::redirect::{self, Redirect, SAML_REQUEST};
use crate::request::{Addressed, LoginOptions, authn_request, message_id, random_handle};
use crate::service_provider::{ServiceProvider, SigningCredential, Trusted};

impl ServiceProvider {
    /// Starts a sign-in by HTTP-Redirect (SAML Bindings 3.4): where to send the browser, and what to remember until it comes back.
    ///
    /// The query is signed when the identity provider wants it, or always if so configured.
    ///
    /// # Errors
    /// [`BindingError::UnknownIdentityProvider`], [`BindingError::NoSingleSignOn`], [`BindingError::NoSigningKey`], [`BindingError::InsecureLocation`], and whatever
    /// randomness or signing raise.
    pub fn start_login(
        &self,
        identity_provider: &EntityId,
        options: LoginOptions,
        now: DateTime<Utc>,
    ) -> Result<(Redirect, PendingRequest), BindingError> {
        let prepared = self.prepare(identity_provider, &Binding::HttpRedirect, options, now)?;
        let mut query = redirect::encode(SAML_REQUEST, &prepared.xml, Some(&prepared.pending.handle))?;
        if let Some(credential) = prepared.signing {
            query =
                sign_query(&query, Signer::algorithm_for(&credential.key), &credential.key, self.provider())?;
        }
        Ok((Redirect::to(&prepared.location, &query)?, prepared.pending))
    }

    /// Starts a sign-in by HTTP-POST (SAML Bindings 3.5): the form the browser posts, and what to remember until it comes back.
    ///
    /// # Errors
    /// As [`start_login`](Self::start_login).
    pub fn start_login_by_post(
        &self,
        identity_provider: &EntityId,
        options: LoginOptions,
        now: DateTime<Utc>,
    ) -> Result<(PostForm, PendingRequest), BindingError> {
        let prepared = self.prepare(identity_provider, &Binding::HttpPost, options, now)?;
        let mut xml = prepared.xml;
        if let Some(credential) = prepared.signing {
            let signer = Signer::new(&credential.key).certificate(&credential.certificate);
            xml = sign(&xml, prepared.pending.request_id(), &signer, self.provider(), self.limits())?;
        }
        let fields = vec![
            (SAML_REQUEST, base64_encode(xml.as_bytes())),
            ("RelayState", prepared.pending.handle().to_owned()),
        ];
        Ok((PostForm::new(prepared.location.as_str().to_owned(), fields), prepared.pending))
    }

    fn prepare(
        &self,
        entity_id: &EntityId,
        binding: &Binding,
        options: LoginOptions,
        now: DateTime<Utc>,
    ) -> Result<Prepared<'_>, BindingError> {
        let trusted = self.require(entity_id)?;
        trusted.identity_provider.check_validity(now)?;
        let location = single_sign_on(trusted, binding)?;
        let request_id = message_id(self.provider())?;
        let xml = authn_request(
            &Addressed {
                id: &request_id,
                issuer: self.entity_id().as_str(),
                destination: location.as_str(),
                assertion_consumer: self.assertion_consumer(),
                issued_at: now,
            },
            &options,
        )?;
        let handle = match options.relay_state {
            Some(handle) => handle,
            None => random_handle(self.provider())?,
        };
        let pending = PendingRequest {
            handle,
            request_id,
            identity_provider: entity_id.clone(),
            issued_at: now,
            expires_at: self.expiry(now),
            requested_context: options.requested_context,
            maximum_authentication_age: options.maximum_authentication_age,
            force_authn: options.force_authn,
            return_to: options.return_to,
        };
        Ok(Prepared { xml, location: location.clone(), pending, signing: self.signing_for(trusted)? })
    }

    /// The credential to sign with, if this identity provider's requests are signed at all.
    fn signing_for(&self, trusted: &Trusted) -> Result<Option<&SigningCredential>, BindingError> {
        let wanted = trusted.identity_provider.wants_authn_requests_signed();
        match &self.config.signing {
            Some(credential) if wanted || self.config.sign_requests == SignRequests::Always => {
                Ok(Some(credential))
            }
            None if wanted => Err(BindingError::NoSigningKey {
                entity_id: trusted.identity_provider.entity_id().as_str().to_owned(),
            }),
            _ => Ok(None),
        }
    }
}

/// A request and everything round it.
struct Prepared<'sp> {
    xml: String,
    location: WebAddress,
    pending: PendingRequest,
    signing: Option<&'sp SigningCredential>,
}

fn single_sign_on<'a>(trusted: &'a Trusted, binding: &Binding) -> Result<&'a WebAddress, BindingError> {
    let identity_provider = &trusted.identity_provider;
    let entity_id = || identity_provider.entity_id().as_str().to_owned();
    let address =
        identity_provider.single_sign_on_at(binding).ok_or_else(|| BindingError::NoSingleSignOn {
            entity_id: entity_id(),
            binding: if *binding == Binding::HttpPost { "HTTP-POST" } else { "HTTP-Redirect" },
        })?;
    if address.is_secure() { Ok(address) } else { Err(insecure(identity_provider, address)) }
}
