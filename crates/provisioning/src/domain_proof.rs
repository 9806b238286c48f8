//! Whether an organization still proves a verified domain.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Domain, DomainChallenge, Organization,
    domain_challenge::{has_record, record_name, record_value},
};

/// The record in the DNS by which a domain was verified, and whether the DNS still has it.
///
/// A domain can change hands, and its new owner receives the mail of its addresses. So the record stays in the DNS, and the
/// service [looks for it again](Organization::recheck_domain) from time to time. If it has been missing for
/// [`GRACE`](Self::GRACE), the organization keeps the domain and its people sign in as before, but no existing account is
/// linked by an email address of the domain until the record is back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DomainProof {
    /// The domain.
    pub domain: Domain,
    /// The random value of the record.
    pub value: String,
    /// When the domain was verified by it.
    pub verified_at: DateTime<Utc>,
    /// Since when the record is missing in the DNS.
    #[serde(default)]
    pub missing_since: Option<DateTime<Utc>>,
    /// Since when the domain is no longer proven.
    #[serde(default)]
    pub lost_at: Option<DateTime<Utc>>,
}

/// The result of looking for a record again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DomainRecord {
    /// The DNS has the record.
    Found,
    /// The record is missing. The domain is proven until [`DomainProof::GRACE`] is over.
    Missing,
    /// The record has been missing for longer than that. The domain is no longer proven.
    Lost,
}

impl DomainProof {
    /// How long a record may be missing: the time to write it again after somebody deleted it.
    pub const GRACE: TimeDelta = TimeDelta::days(7);

    pub(crate) fn of(challenge: DomainChallenge, now: DateTime<Utc>) -> Self {
        let DomainChallenge { domain, value, .. } = challenge;
        Self { domain, value, verified_at: now, missing_since: None, lost_at: None }
    }

    /// The name that the TXT record has.
    #[must_use]
    pub fn record_name(&self) -> String {
        record_name(&self.domain)
    }

    /// What the TXT record says.
    #[must_use]
    pub fn record_value(&self) -> String {
        record_value(&self.value)
    }

    fn see(&mut self, records: &[impl AsRef<str>], now: DateTime<Utc>) -> DomainRecord {
        if has_record(records, &self.record_value()) {
            (self.missing_since, self.lost_at) = (None, None);
            return DomainRecord::Found;
        }
        let since = *self.missing_since.get_or_insert(now);
        if self.lost_at.is_none() && now.signed_duration_since(since) >= Self::GRACE {
            self.lost_at = Some(now);
        }
        if self.lost_at.is_some() { DomainRecord::Lost } else { DomainRecord::Missing }
    }
}

impl Organization {
    /// Returns the record of a verified domain. A domain that the operator entered has none, and is not checked again.
    #[must_use]
    pub fn domain_proof(&self, domain: &Domain) -> Option<&DomainProof> {
        self.domain_proofs.iter().find(|proof| proof.domain == *domain && self.owns(domain))
    }

    /// Whether the organization owns a domain and its record has not been [lost](DomainProof::lost_at).
    #[must_use]
    pub fn proves(&self, domain: &Domain) -> bool {
        self.owns(domain) && self.domain_proof(domain).is_none_or(|proof| proof.lost_at.is_none())
    }

    /// Checks a verified domain again with the records that the DNS has under [`record_name`](DomainProof::record_name) now.
    /// Call it only if the DNS answered: a failure of the resolver says nothing about the record. Returns `None` if the
    /// domain was not verified by a record.
    ///
    /// ```
    /// use vouchsafe_crypto::Provider;
    /// use vouchsafe_provisioning::{Domain, DomainChallenge, DomainProof, DomainRecord, Organization, OrganizationId};
    ///
    /// let now = "2026-01-15T09:00:00Z".parse()?;
    /// let mut acme = Organization::new(OrganizationId::new("1"), "acme", "Acme");
    /// let domain = Domain::parse("acme.example")?;
    /// let challenge = DomainChallenge::issue(domain.clone(), &Provider::rustcrypto(), now)?;
    /// let records = [challenge.record_value()];
    /// acme.challenge_domain(challenge)?;
    /// acme.verify_domain(&domain, &records, now)?;
    ///
    /// let nothing: [&str; 0] = [];
    /// assert_eq!(acme.recheck_domain(&domain, &nothing, now), Some(DomainRecord::Missing));
    /// assert!(acme.proves(&domain));
    /// let later = now + DomainProof::GRACE;
    /// assert_eq!(acme.recheck_domain(&domain, &nothing, later), Some(DomainRecord::Lost));
    /// assert!(acme.owns(&domain) && !acme.proves(&domain));
    /// assert_eq!(acme.recheck_domain(&domain, &records, later), Some(DomainRecord::Found));
    /// assert!(acme.proves(&domain));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recheck_domain(
        &mut self,
        domain: &Domain,
        records: &[impl AsRef<str>],
        now: DateTime<Utc>,
    ) -> Option<DomainRecord> {
        self.domain_proof(domain)?;
        let proof = self.domain_proofs.iter_mut().find(|proof| proof.domain == *domain)?;
        Some(proof.see(records, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OrganizationId;
    use vouchsafe_crypto::Provider;

    fn now() -> DateTime<Utc> {
        "2026-01-15T09:00:00Z".parse().unwrap()
    }

    /// Acme with a verified domain, and the record that verified it.
    fn acme() -> (Organization, Domain, [String; 1]) {
        let mut acme = Organization::new(OrganizationId::new("1"), "acme", "Acme");
        let domain = Domain::parse("acme.example").unwrap();
        let challenge = DomainChallenge::issue(domain.clone(), &Provider::rustcrypto(), now()).unwrap();
        let records = [challenge.record_value()];
        acme.challenge_domain(challenge).unwrap();
        acme.verify_domain(&domain, &records, now()).unwrap();
        (acme, domain, records)
    }

    #[test]
    fn a_record_may_be_gone_for_a_while_and_comes_back() {
        let nothing: [&str; 0] = [];
        let (mut acme, domain, records) = acme();
        let after = |time: TimeDelta| now() + time;
        let almost = DomainProof::GRACE - TimeDelta::nanoseconds(1);
        assert_eq!(acme.recheck_domain(&domain, &nothing, now()), Some(DomainRecord::Missing));
        assert_eq!(acme.recheck_domain(&domain, &["other"], after(almost)), Some(DomainRecord::Missing));
        assert!(acme.proves(&domain));
        // One look at it begins the grace anew.
        assert_eq!(acme.recheck_domain(&domain, &records, after(almost)), Some(DomainRecord::Found));
        let gone = almost + TimeDelta::days(1);
        assert_eq!(acme.recheck_domain(&domain, &nothing, after(gone)), Some(DomainRecord::Missing));
        let over = gone + DomainProof::GRACE;
        assert_eq!(acme.recheck_domain(&domain, &nothing, after(over)), Some(DomainRecord::Lost));
        assert_eq!(acme.domain_proof(&domain).unwrap().lost_at, Some(after(over)));
        // Since when stays as it is, also for a clock that goes back.
        for later in [over + TimeDelta::days(1), TimeDelta::zero()] {
            assert_eq!(acme.recheck_domain(&domain, &nothing, after(later)), Some(DomainRecord::Lost));
            assert_eq!(acme.domain_proof(&domain).unwrap().lost_at, Some(after(over)));
        }
        assert!(acme.owns(&domain) && !acme.proves(&domain));
        assert_eq!(acme.recheck_domain(&domain, &records, after(over)), Some(DomainRecord::Found));
        assert!(acme.proves(&domain));
    }

    #[test]
    fn a_new_value_or_none_takes_the_place_of_the_old_one() {
        let nothing: [&str; 0] = [];
        let (mut acme, domain, records) = acme();
        acme.recheck_domain(&domain, &nothing, now());
        acme.recheck_domain(&domain, &nothing, now() + DomainProof::GRACE);
        let challenge = DomainChallenge::issue(domain.clone(), &Provider::rustcrypto(), now()).unwrap();
        let new = [challenge.record_value()];
        acme.challenge_domain(challenge).unwrap();
        acme.verify_domain(&domain, &new, now()).unwrap();
        assert!(acme.proves(&domain) && acme.domain_proofs.len() == 1 && acme.verified_domains.len() == 1);
        assert_eq!(acme.recheck_domain(&domain, &records, now()), Some(DomainRecord::Missing), "the old one");
        assert!(acme.give_up_domain(&domain) && acme.domain_proofs.is_empty());
        assert_eq!(acme.recheck_domain(&domain, &new, now()), None);
        // What the operator entered is not looked for, and counts.
        acme.verified_domains.push("Acme.Example".to_owned());
        assert_eq!(acme.recheck_domain(&domain, &nothing, now()), None);
        assert!(acme.proves(&domain));
    }
}
