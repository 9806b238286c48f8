//! `--crypto` and `--danger-allow`: the implementation of the algorithms, and those that are accepted.

use vouchsafe::crypto::Provider;

use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Algorithms {
    /// Accept an algorithm that is refused by default, by URI; `rsa-1024` stands for short RSA keys. Repeatable.
    #[arg(long, value_name = "URI")]
    danger_allow: Vec<String>,
    #[command(flatten)]
    backend: Backend,
}

/// Only `--crypto`.
#[derive(Debug, clap::Args)]
pub(crate) struct Backend {
    /// The implementation of the algorithms.
    #[arg(long, value_enum, default_value_t = Crypto::Rustcrypto)]
    crypto: Crypto,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Crypto {
    Rustcrypto,
    AwsLc,
}

impl Algorithms {
    pub(crate) fn provider(&self) -> Result<Provider, Failure> {
        self.danger_allow.iter().try_fold(self.backend.provider(), |provider, uri| {
            provider.danger_allow(uri).map_err(|error| Failure::unusable("--danger-allow", error))
        })
    }
}

impl Backend {
    pub(crate) fn provider(&self) -> Provider {
        match self.crypto {
            Crypto::Rustcrypto => Provider::rustcrypto(),
            Crypto::AwsLc => vouchsafe_crypto_aws_lc::provider(),
        }
    }
}
