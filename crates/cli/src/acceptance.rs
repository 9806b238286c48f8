//! What is accepted of a Response: the options that several commands have in common.

use std::time::Duration;

use vouchsafe::crypto::{PrivateKey, Provider};

use crate::algorithms::Algorithms;
use crate::failure::Failure;
use crate::input;

/// The options of `response check` and `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Acceptance {
    /// How far the clocks may differ.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    skew: u32,
    /// Refuse a Response that is not signed itself.
    #[arg(long)]
    pub(crate) require_signed_response: bool,
    /// Refuse an Assertion that is not signed itself.
    #[arg(long)]
    pub(crate) require_signed_assertion: bool,
    #[command(flatten)]
    pub(crate) decryption: Decryption,
}

/// The options of those, and of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Decryption {
    /// Private key that opens encrypted Assertions. Repeatable: the keys are tried in turn.
    #[arg(long = "decryption-key", value_name = "PEM")]
    pub(crate) keys: Vec<String>,
    /// Open AES-CBC that no signature covers.
    #[arg(long = "danger-unauthenticated-cbc")]
    pub(crate) unauthenticated_cbc: bool,
    #[command(flatten)]
    algorithms: Algorithms,
}

impl Acceptance {
    pub(crate) fn skew(&self) -> Duration {
        Duration::from_secs(u64::from(self.skew))
    }
}

impl Decryption {
    pub(crate) fn provider(&self) -> Result<Provider, Failure> {
        self.algorithms.provider()
    }

    /// Reads the private keys.
    pub(crate) fn private_keys(&self, provider: &Provider) -> Result<Vec<PrivateKey>, Failure> {
        input::private_keys(&self.keys, provider)
    }
}
