//! The reference that connects the page that a person sees with the line in the log.

use vouchsafe::{Provider, crypto::hexadecimal};

/// A reference that a person can give to the support, and that the support finds in the log: 64 random bits as
/// `1a2b3c4d-5e6f7081`.
///
/// The extensions of the refusing response also contain it, for a layer of the application.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference(String);

impl Reference {
    /// Makes a new reference.
    pub fn new(provider: &Provider) -> Reference {
        let mut bytes = [0_u8; 8];
        if provider.random(&mut bytes).is_err() {
            return Reference("none".to_owned());
        }
        let digits = hexadecimal(&bytes);
        let (first, second) = digits.split_at(8);
        Reference(format!("{first}-{second}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
