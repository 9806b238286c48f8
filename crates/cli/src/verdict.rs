//! One Response, the whole straight path: what `response check` and `corpus run` share.

use chrono::{DateTime, Utc};
use vouchsafe::SignatureInquiry;
use vouchsafe::assertion::{
    Claimed, ConnectionId, Expectations, Ledger, Login, Refusal, SignaturePolicy, Trust, authenticate,
};
use vouchsafe::crypto::{PrivateKey, Provider};
use vouchsafe::xml::Limits;

use crate::failure::Failure;
use crate::identity_providers::IdentityProviders;

/// Everything a Response is held against.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) identity_providers: IdentityProviders,
    /// `--danger-unauthenticated-cbc`, for all of them.
    pub(crate) unauthenticated_cbc: bool,
    pub(crate) expectations: Expectations,
    pub(crate) decryption_keys: Vec<PrivateKey>,
    pub(crate) signatures: SignaturePolicy,
    pub(crate) provider: Provider,
    pub(crate) now: DateTime<Utc>,
    /// Whether to look for the cause where a signature fails.
    pub(crate) looks_into_signatures: bool,
}

/// The decision.
pub(crate) enum Verdict {
    Accepted(Box<Login>),
    Refused(No),
}

/// A refusal with what was checked before it.
pub(crate) struct No {
    pub(crate) failure: Failure,
    pub(crate) ledger: Ledger,
}

/// Decides; an `Err` is about the settings, not about the Response.
pub(crate) fn decide(octets: &[u8], settings: &Settings) -> Result<Verdict, Failure> {
    match receive(octets, settings) {
        Ok(login) => Ok(Verdict::Accepted(Box::new(login))),
        Err(no) if no.failure.is_refusal() => Ok(Verdict::Refused(no)),
        Err(no) => Err(no.failure),
    }
}

fn receive(octets: &[u8], settings: &Settings) -> Result<Login, No> {
    let limits = Limits::default();
    let claimed = Claimed::parse(octets, &limits)?;
    claimed.require_success()?;
    let identity_provider = settings.identity_providers.claimed(claimed.issuer())?;
    identity_provider.check_validity(settings.now).map_err(Failure::refused)?;
    let connection = ConnectionId::new("command-line").map_err(Refusal::from)?;
    let trust = Trust::new(connection, &identity_provider, &settings.provider)
        .map_err(Refusal::from)?
        .with_signature_policy(settings.signatures)
        .with_decryption_keys(settings.decryption_keys.clone());
    let trust = if settings.unauthenticated_cbc { trust.danger_accept_unauthenticated_cbc() } else { trust };
    let authentic = authenticate(claimed, &trust, &limits).map_err(|refusal| {
        if !settings.looks_into_signatures {
            return refusal;
        }
        let inquiry = SignatureInquiry::new(&settings.provider, &limits).of(&identity_provider, &trust);
        let name = identity_provider.entity_id();
        settings.identity_providers.witnesses(inquiry, name, &settings.provider).explain(refusal, octets)
    })?;
    let valid = authentic.read()?.validate(&settings.expectations, settings.now)?;
    // Each Response is judged on its own: nothing was seen before it.
    let recorded = valid.replay_key().recorded(true);
    Ok(valid.confirm(recorded)?)
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> No {
        No { ledger: refusal.ledger().clone(), failure: Failure::refused(refusal) }
    }
}

impl From<Failure> for No {
    fn from(failure: Failure) -> No {
        No { failure, ledger: Ledger::default() }
    }
}
