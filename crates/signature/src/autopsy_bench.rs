//! This module does the work of an autopsy: it tries keys and hypotheses, and pays for each of them before it is
//! tried.

use std::sync::Arc;

use vouchsafe_crypto::{Certificate, Provider, PublicKey, SignatureAlgorithm, base64_decode, base64_encode};

use crate::TrustedKey;
use crate::autopsy_budget::{AutopsyBudget, Metered, Stopped, TEXT};
use crate::autopsy_case::{DigestedContent, FailedSignature, Maker};
use crate::autopsy_explanation::Explanation;
use crate::autopsy_readings::{Covered, Readings};
use crate::profile::Parts;

/// The largest number of keys that are tried with each hypothesis about `ds:SignedInfo`.
const SUSPECTS: usize = 6;
/// The tools of an autopsy, and how much work was done.
pub(crate) struct Bench<'a> {
    pub(crate) provider: &'a Provider,
    pub(crate) budget: &'a mut AutopsyBudget,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) verifications: usize,
    pub(crate) digests: usize,
}

/// A key that may have made the value, with the result if it did.
struct Suspect<'k> {
    key: &'k PublicKey,
    maker: Maker,
}

impl Suspect<'_> {
    /// Returns the result if the key made the value over another text that no accident explains.
    fn over_other(&self) -> Maker {
        match &self.maker {
            Maker::Trusted { label, fingerprint } => {
                Maker::TrustedOverOther { label: Arc::clone(label), fingerprint: fingerprint.clone() }
            }
            other => other.clone(),
        }
    }
}

/// The key that made a value, over any text.
#[derive(Clone, Copy)]
enum Opened<'s, 'k> {
    By(&'s Suspect<'k>),
    ByNone,
    /// It is unknown: the kind of key does not show it, or there are more suspects than [`SUSPECTS`].
    Unknown,
}

/// A signature value, with the algorithm and the bytes that it may be over.
struct Claim<'c> {
    algorithm: SignatureAlgorithm,
    bytes: &'c [u8],
    value: &'c [u8],
    /// Whether operations must be left for hypotheses.
    reserve: bool,
}

impl Bench<'_> {
    /// Finds the key that made the value: over `ds:SignedInfo` as received, else with an accident undone, else by
    /// another algorithm.
    pub(crate) fn maker(
        &mut self,
        parts: &Parts<'_>,
        readings: &Readings<'_>,
        failed: &FailedSignature<'_>,
    ) -> (Maker, Option<Explanation>) {
        let Ok(value) = base64_decode(parts.signature_value.as_bytes()) else { return (Maker::Nobody, None) };
        let embedded = self.embedded_keys();
        let suspects = suspects(failed.trusted, failed.known, &embedded);
        let Ok(signed_info) = self.text(|out| readings.write(Covered::SignedInfo, out)) else {
            return (Maker::Undecided, None);
        };
        let as_it_came =
            Claim { algorithm: parts.algorithm, bytes: &signed_info, value: &value, reserve: true };
        for suspect in &suspects {
            match self.fits(&as_it_came, suspect) {
                Ok(true) => return (suspect.maker.clone(), None),
                Ok(false) => {}
                Err(_) => return (Maker::Undecided, None),
            }
        }
        let Ok(opened) = self.opened(&as_it_came, &suspects) else { return (Maker::Undecided, None) };
        let candidates: Vec<&Suspect<'_>> = match opened {
            Opened::By(maker) => vec![maker],
            Opened::ByNone => Vec::new(),
            Opened::Unknown => suspects.iter().collect(),
        };
        let explained = match self.over_other_text(&as_it_came, readings, &candidates) {
            None => self.by_other_algorithm(&as_it_came, &suspects),
            found => found,
        };
        match (explained, opened) {
            (Some((maker, explanation)), _) => (maker, Some(explanation)),
            (None, Opened::By(suspect)) => (suspect.over_other(), None),
            (None, _) => (Maker::Nobody, None),
        }
    }

    /// Finds which of the first suspects made the value, over any text. A value of RSA PKCS#1 v1.5 shows this by
    /// itself.
    fn opened<'s, 'k>(
        &mut self,
        claim: &Claim<'_>,
        suspects: &'s [Suspect<'k>],
    ) -> Result<Opened<'s, 'k>, Stopped> {
        let mut all_tell = true;
        for (place, suspect) in suspects.iter().filter(|one| claim.algorithm.fits(one.key.kind())).enumerate()
        {
            if place >= SUSPECTS {
                return Ok(Opened::Unknown);
            }
            match suspect.key.made_value(claim.algorithm, claim.value) {
                None => all_tell = false,
                Some(made) => {
                    self.budget.operation(0, false)?;
                    self.verifications = self.verifications.saturating_add(1);
                    if made {
                        return Ok(Opened::By(suspect));
                    }
                }
            }
        }
        Ok(if all_tell { Opened::ByNone } else { Opened::Unknown })
    }

    /// Tries the suspects on `ds:SignedInfo` with an accident undone. Returns `None` if none fits, or if the budget
    /// is spent.
    fn over_other_text(
        &mut self,
        as_it_came: &Claim<'_>,
        readings: &Readings<'_>,
        suspects: &[&Suspect<'_>],
    ) -> Option<(Maker, Explanation)> {
        let algorithm = as_it_came.algorithm;
        let fitting = suspects.iter().filter(|suspect| algorithm.fits(suspect.key.kind())).take(SUSPECTS);
        let fitting: Vec<_> = fitting.collect();
        if fitting.is_empty() {
            return None;
        }
        let text = std::str::from_utf8(as_it_came.bytes).ok();
        for reading in readings.otherwise(Covered::SignedInfo) {
            let mut explanation = None;
            let bytes = self
                .text(|out| {
                    explanation = readings.write_otherwise(&reading, Covered::SignedInfo, text, out);
                })
                .ok()?;
            let Some(explanation) = explanation.filter(|_| bytes != as_it_came.bytes) else { continue };
            let claim = Claim { bytes: &bytes, reserve: false, ..*as_it_came };
            for suspect in &fitting {
                if self.fits(&claim, suspect).ok()? {
                    return Some((suspect.maker.clone(), explanation));
                }
            }
        }
        None
    }

    /// Tries the suspects with algorithms that the signature does not name.
    fn by_other_algorithm(
        &mut self,
        as_it_came: &Claim<'_>,
        suspects: &[Suspect<'_>],
    ) -> Option<(Maker, Explanation)> {
        for algorithm in SignatureAlgorithm::ALL.into_iter().filter(|other| *other != as_it_came.algorithm) {
            let claim = Claim { algorithm, reserve: false, ..*as_it_came };
            for suspect in suspects.iter().filter(|one| algorithm.fits(one.key.kind())).take(SUSPECTS) {
                if self.fits(&claim, suspect).ok()? {
                    return Some((
                        suspect.maker.clone(),
                        Explanation::OtherAlgorithm { uri: algorithm.uri() },
                    ));
                }
            }
        }
        None
    }

    /// Collects the written text, unless it is longer than [`TEXT`].
    fn text(&mut self, write: impl FnOnce(&mut Metered<'_>)) -> Result<Vec<u8>, Stopped> {
        let mut out = self.budget.meter().kept();
        write(&mut out);
        out.finish()?.text.ok_or_else(|| self.budget.stop(Stopped::Length { limit: TEXT }))
    }

    fn fits(&mut self, claim: &Claim<'_>, suspect: &Suspect<'_>) -> Result<bool, Stopped> {
        if !claim.algorithm.fits(suspect.key.kind()) {
            return Ok(false);
        }
        self.budget.operation(claim.bytes.len(), claim.reserve)?;
        self.verifications = self.verifications.saturating_add(1);
        Ok(self.provider.verify(claim.algorithm, suspect.key, claim.bytes, claim.value).is_ok())
    }

    /// Finds what happened to the content: as received, else with an accident undone. Also returns how many of its
    /// characters are U+FFFD.
    pub(crate) fn content(&mut self, parts: &Parts<'_>, readings: &Readings<'_>) -> (DigestedContent, usize) {
        let undecided = |reason: String| (DigestedContent::Undecided { reason }, 0);
        let context = self.provider.digest_context(parts.digest);
        let (expected, context) = match (base64_decode(parts.digest_value.as_bytes()), context) {
            (Ok(expected), Ok(context)) => (expected, context),
            (Err(error), _) | (_, Err(error)) => return undecided(error.to_string()),
        };
        let mut out = self.budget.meter().digested(context).kept();
        readings.write(Covered::Content, &mut out);
        let taken = match out.finish() {
            Ok(taken) => taken,
            Err(stopped) => return undecided(stopped.to_string()),
        };
        self.digests = self.digests.saturating_add(1);
        let actual = taken.digest.as_ref().map(AsRef::as_ref).unwrap_or_default();
        if expected.len() != actual.len() {
            let (is, should) = (expected.len(), actual.len());
            let reason = format!("the DigestValue has {is} bytes, and {} makes {should}", parts.digest.uri());
            return undecided(reason);
        }
        if actual == expected {
            return (DigestedContent::AsDigested, taken.lost_characters);
        }
        let text = taken.text.and_then(|text| String::from_utf8(text).ok());
        let content = match self.content_otherwise(parts, readings, text.as_deref(), &expected) {
            Some(explanation) => DigestedContent::Explained(explanation),
            None => {
                DigestedContent::Changed { expected: base64_encode(&expected), actual: base64_encode(actual) }
            }
        };
        (content, taken.lost_characters)
    }

    /// Returns the accident that must be undone. `None` if no accident explains the content, or if the budget is
    /// spent. `text` is the content if it is short enough.
    fn content_otherwise(
        &mut self,
        parts: &Parts<'_>,
        readings: &Readings<'_>,
        text: Option<&str>,
        expected: &[u8],
    ) -> Option<Explanation> {
        if text.is_none() {
            self.budget.stop(Stopped::Length { limit: TEXT });
        }
        for reading in readings.otherwise(Covered::Content) {
            let mut out = self.budget.meter().digested(self.provider.digest_context(parts.digest).ok()?);
            let explanation = readings.write_otherwise(&reading, Covered::Content, text, &mut out);
            let digest = out.finish().ok()?.digest;
            self.digests = self.digests.saturating_add(usize::from(explanation.is_some()));
            if explanation.is_some() && digest.is_some_and(|digest| digest.as_ref() == expected) {
                return explanation;
            }
        }
        None
    }

    /// Returns the keys of the message's certificates, if they can be used.
    fn embedded_keys(&self) -> Vec<(usize, PublicKey)> {
        let keys = self.certificates.iter().map(|certificate| certificate.public_key(self.provider));
        keys.enumerate().filter_map(|(place, key)| Some((place, key.ok()?))).collect()
    }
}

/// Orders the suspects: first the trusted keys, then the known key that is in a certificate of the message (usually
/// the right one), then the keys of those certificates that nobody knows, then the other known keys.
fn suspects<'k>(
    trusted: &'k [TrustedKey],
    known: &'k [TrustedKey],
    embedded: &'k [(usize, PublicKey)],
) -> Vec<Suspect<'k>> {
    let named =
        |key: &TrustedKey| embedded.iter().any(|(_, other)| other.spki_der() == key.public_key().spki_der());
    let of_known = |key: &'k TrustedKey| Suspect {
        key: key.public_key(),
        maker: Maker::Known { label: key.shared_label(), fingerprint: key.fingerprint().clone() },
    };
    let mut suspects: Vec<Suspect<'k>> = trusted
        .iter()
        .map(|key| Suspect {
            key: key.public_key(),
            maker: Maker::Trusted { label: key.shared_label(), fingerprint: key.fingerprint().clone() },
        })
        .collect();
    suspects.extend(known.iter().filter(|key| named(key)).map(of_known));
    suspects.extend(
        embedded
            .iter()
            .map(|(certificate, key)| Suspect { key, maker: Maker::Embedded { certificate: *certificate } }),
    );
    suspects.extend(known.iter().filter(|key| !named(key)).map(of_known));
    suspects
}
