//! One Response, the whole straight path: what `response check` and `corpus run` share.

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

/// Everything a Response is held against.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) identity_providers: IdentityProviders,
    /// The only one that may answer, where it is known.
    pub(crate) asked: Option<EntityId>,
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

/// In words, where the Response claims to come from one that is trusted and was not asked.
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
