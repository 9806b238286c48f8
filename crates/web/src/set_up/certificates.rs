//! The certificates of the service that a customer's administrator gives to the identity provider.

use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};
use vouchsafe::ConnectionId;
use vouchsafe::crypto::Certificate;
use vouchsafe::metadata::{OwnKeyUse, OwnRollover};

use super::error::SetUpError;
use super::markup::Markup;
use super::page::Next;
use super::settings::SetUp;
use super::visit::Visit;
use crate::answers::answer;
use crate::error::HttpError;

/// The replacements of the service's keys that concern the connections of an organization.
#[derive(Default)]
pub(super) struct Rollovers {
    pub(super) all: Vec<OwnRollover>,
    /// The active connections with decryption keys of their own.
    pub(super) with_own_keys: Vec<ConnectionId>,
}

/// The keys to which the identity provider of a connection encrypts.
enum Encryption {
    Own(Certificate),
    Service,
    /// The connection cannot be used, so nothing is offered for it.
    Unknown,
}

impl SetUp {
    /// Returns the certificate to which the identity provider of the link's connection must encrypt: the one in our
    /// metadata for this connection.
    pub(super) async fn encryption_certificate(
        &self,
        visit: &Visit<'_>,
    ) -> Result<Option<Certificate>, SetUpError> {
        let services = || visit.sso.service_provider().encryption_certificates().first().cloned();
        // Metadata that renews that of an active connection is used with the keys of that connection.
        let renewed = match visit.draft() {
            Some(draft) => visit.renewed_by(draft)?.map(|renewed| &renewed.id),
            None => None,
        };
        let Some(name) = renewed.or(visit.link.progress.connection.as_ref()) else { return Ok(services()) };
        Ok(match self.encryption_of(name, visit).await? {
            Encryption::Own(certificate) => Some(certificate),
            Encryption::Service => services(),
            Encryption::Unknown => None,
        })
    }

    async fn encryption_of(&self, name: &ConnectionId, visit: &Visit<'_>) -> Result<Encryption, SetUpError> {
        if visit.connections.iter().any(|connection| connection.id == *name) {
            return match visit.sso.find_connection(name.as_str()).await {
                Ok(Some(connection)) => Ok(match connection.encryption_certificates().first() {
                    Some(own) => Encryption::Own(own.clone()),
                    None => Encryption::Service,
                }),
                Ok(None) => Ok(Encryption::Unknown),
                Err(HttpError::Store(reason)) if !reason.is_outage() => Ok(Encryption::Unknown),
                Err(HttpError::Store(reason)) => Err(reason.into()),
                Err(reason) => Err(reason.into()),
            };
        }
        let chosen = self.0.certificates.as_ref().and_then(|of| of(name, &visit.organization));
        Ok(chosen.map_or(Encryption::Service, Encryption::Own))
    }

    /// Returns the replacements of keys in progress. That of the service's decryption key is left out if every
    /// connection has decryption keys of its own.
    pub(super) async fn rollovers_for(&self, visit: &Visit<'_>) -> Result<Rollovers, SetUpError> {
        let Some(ask) = &self.0.rollovers else { return Ok(Rollovers::default()) };
        let mut rollovers = Rollovers { all: ask(), with_own_keys: Vec::new() };
        if rollovers.all.iter().all(|rollover| rollover.usage != OwnKeyUse::Decryption) {
            return Ok(rollovers);
        }
        let active = visit.active().map(|active| &active.id);
        let is_connected = visit.active().next().is_some();
        // Before there is an active connection, the one that is being set up counts.
        let begun = visit.link.progress.connection.as_ref().filter(|_| !is_connected);
        let mut concerns_somebody = !is_connected && begun.is_none();
        for name in active.chain(begun) {
            match self.encryption_of(name, visit).await? {
                Encryption::Own(_) => rollovers.with_own_keys.push(name.clone()),
                Encryption::Service => concerns_somebody = true,
                Encryption::Unknown => {}
            }
        }
        if !concerns_somebody {
            rollovers.all.retain(|rollover| rollover.usage != OwnKeyUse::Decryption);
        }
        Ok(rollovers)
    }

    /// Returns which certificates the page of the values offers.
    pub(super) async fn our_certificates(&self, visit: &Visit<'_>) -> Result<OurCertificates, SetUpError> {
        Ok(OurCertificates {
            encryption: self.encryption_certificate(visit).await?.is_some(),
            signing: visit.sso.service_provider().signing_certificate().is_some(),
        })
    }

    /// Returns a certificate of ours as a file.
    pub(super) async fn file(&self, visit: &Visit<'_>, step: &str) -> Result<Option<Next>, SetUpError> {
        let service_provider = visit.sso.service_provider();
        let certificate = match step {
            "encryption.pem" => self.encryption_certificate(visit).await?,
            "next-encryption.pem" => service_provider.encryption_certificates().first().cloned(),
            "signing.pem" => service_provider.signing_certificate().cloned(),
            "next-signing.pem" => service_provider.next_signing_certificates().first().cloned(),
            _ => None,
        };
        let Some(certificate) = certificate else { return Ok(None) };
        let mut response = answer(StatusCode::OK, "application/x-pem-file", certificate.to_pem());
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{step}\""))
            .map_err(|_| HttpError::Header { name: "Content-Disposition" })?;
        response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
        Ok(Some(Next::Answer(Box::new(response))))
    }
}

/// The certificates of ours that there are for the link's connection.
pub(super) struct OurCertificates {
    encryption: bool,
    signing: bool,
}

impl OurCertificates {
    /// Adds a card with the files, if there are any.
    pub(super) fn shown(&self, page: Markup, at: impl Fn(&str) -> String) -> Markup {
        let files = [
            (self.encryption, "encryption.pem", "Encryption certificate"),
            (self.signing, "signing.pem", "Signing certificate"),
        ];
        match files.iter().any(|(is_there, ..)| *is_there) {
            true => page.card("Our certificates", |card| {
                files
                    .iter()
                    .filter(|(is_there, ..)| *is_there)
                    .fold(card, |card, (_, file, name)| card.link("", &at(file), name))
            }),
            false => page,
        }
    }
}
