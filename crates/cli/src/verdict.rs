//! Checks one Response by all rules, for `response check` and `corpus run`.

use chrono::{DateTime, Utc};
use vouchsafe::SignatureInquiry;
use vouchsafe::assertion::{
    Claimed, ConnectionId, Expectations, Ledger, Login, Refusal, SignaturePolicy, Trust, authenticate,
};
use vouchsafe::crypto::{PrivateKey, Provider};
use vouchsafe::metadata::EntityId;
use vouchsafe::xml::Limits;

use crate::failure::Failure;
use crate::identity_providers::IdentityProviders;

/// The data that a Response is checked against.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) identity_providers: IdentityProviders,
    /// The only identity provider that may answer, if it is known.
    pub(crate) asked: Option<EntityId>,
    /// `--danger-unauthenticated-cbc`, for all identity providers.
    pub(crate) unauthenticated_cbc: bool,
    pub(crate) expectations: Expectations,
    pub(crate) decryption_keys: Vec<PrivateKey>,
    pub(crate) signatures: SignaturePolicy,
    pub(crate) provider: Provider,
    pub(crate) now: DateTime<Utc>,
    /// Whether to search for the cause if a signature fails.
    pub(crate) looks_into_signatures: bool,
}

/// The decision.
pub(crate) enum Verdict {
    Accepted(Box<Login>),
    Refused(No),
}

/// A refusal with the checks that were made before it.
pub(crate) struct No {
    pub(crate) failure: Failure,
    pub(crate) ledger: Ledger,
}

/// Checks a Response. An `Err` is about the settings, and not about the Response.
pub(crate) fn decide(bytes: &[u8], settings: &Settings) -> Result<Verdict, Failure> {
    match receive(bytes, settings) {
        Ok(login) => Ok(Verdict::Accepted(Box::new(login))),
        Err(no) if no.failure.is_refusal() => Ok(Verdict::Refused(no)),
        Err(no) => Err(no.failure),
    }
}

fn receive(bytes: &[u8], settings: &Settings) -> Result<Login, No> {
    let claimed = Claimed::parse(bytes, &Limits::default())?;
    claimed.require_success()?;
    let another = another_than_asked(&claimed, settings);
    judge(claimed, bytes, settings).map_err(|no| match another {
        Some(cause) if no.failure.code == "assertion.issuer" => {
            let hint = "Only the identity provider that the request was sent to may answer it. If --asked names the wrong one, correct it; \
                        otherwise somebody answers in the place of another.";
            No { failure: no.failure.caused_by(cause, hint), ..no }
        }
        _ => no,
    })
}

/// Returns a text if the Response claims to come from a trusted identity provider that was not asked.
fn another_than_asked(claimed: &Claimed, settings: &Settings) -> Option<&'static str> {
    let asked = settings.asked.as_ref()?;
    let issuer = claimed.issuer().filter(|issuer| *issuer != asked)?;
    settings.identity_providers.claimed(Some(issuer)).ok()?;
    Some("that identity provider is trusted too, and was not asked")
}

fn judge(claimed: Claimed, bytes: &[u8], settings: &Settings) -> Result<Login, No> {
    let limits = Limits::default();
    let identity_provider =
        settings.identity_providers.claimed(settings.asked.as_ref().or(claimed.issuer()))?;
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
        settings.identity_providers.witnesses(inquiry, name, &settings.provider).explain(refusal, bytes)
    })?;
    let valid = authentic.read()?.validate(&settings.expectations, settings.now)?;
    // Each Response is checked on its own, so it counts as new.
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
