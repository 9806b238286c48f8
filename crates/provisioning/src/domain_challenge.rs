//! How an organization proves that a mail domain is its own: by a DNS record.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_crypto::{CryptoError, Provider, hexadecimal};

use crate::{Domain, DomainProof, Organization, PlanRefusal};

/// A random value that the owner of a domain publishes as a TXT record. Only somebody who controls the domain's DNS can
/// do that.
///
/// The value is not secret, since everybody can read the DNS. It is different for each organization and each time, so
/// an old record or one of another organization proves nothing.
///
/// The service queries the DNS. It passes the TXT records of [`record_name`](Self::record_name), each with its strings
/// joined (RFC 7208 3.3), and decides how often it asks.
///
/// ```
/// use vouchsafe_crypto::Provider;
/// use vouchsafe_provisioning::{Domain, DomainChallenge, Organization, OrganizationId};
///
/// let now = "2026-01-15T09:00:00Z".parse()?;
/// let mut acme = Organization::new(OrganizationId::new("1"), "acme", "Acme");
/// let domain = Domain::parse("acme.example")?;
/// let challenge = DomainChallenge::issue(domain.clone(), &Provider::rustcrypto(), now)?;
/// println!("{} TXT \"{}\"", challenge.record_name(), challenge.record_value());
/// let records = [challenge.record_value()];       // what the DNS answers
/// acme.challenge_domain(challenge)?;
///
/// acme.verify_domain(&domain, &records, now)?;
/// assert!(acme.owns(&domain));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DomainChallenge {
    /// The domain.
    pub domain: Domain,
    /// The random value: 32 hexadecimal digits.
    pub value: String,
    /// When the value was issued.
    pub issued_at: DateTime<Utc>,
    /// The time from which the value proves nothing.
    pub expires_at: DateTime<Utc>,
}

impl DomainChallenge {
    /// How long a value can be verified, since changes in the DNS take time.
    pub const VALIDITY: TimeDelta = TimeDelta::days(7);

    /// A new value for a domain.
    ///
    /// # Errors
    ///
    /// The error of the provider's random source.
    pub fn issue(domain: Domain, provider: &Provider, now: DateTime<Utc>) -> Result<Self, CryptoError> {
        let mut bytes = [0_u8; 16];
        provider.random(&mut bytes)?;
        let expires_at = now.checked_add_signed(Self::VALIDITY).unwrap_or(now);
        Ok(Self { domain, value: hexadecimal(&bytes), issued_at: now, expires_at })
    }

    /// The name of the TXT record. It is not the domain itself, which has other records.
    #[must_use]
    pub fn record_name(&self) -> String {
        record_name(&self.domain)
    }

    /// The content of the TXT record.
    #[must_use]
    pub fn record_value(&self) -> String {
        record_value(&self.value)
    }

    /// Checks whether one of the TXT records under [`record_name`](Self::record_name) has the value.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::DomainChallenge`]: the value has expired, or no record has it.
    pub fn check(&self, records: &[impl AsRef<str>], now: DateTime<Utc>) -> Result<(), PlanRefusal> {
        let refused = |reason| PlanRefusal::DomainChallenge { domain: self.domain.clone(), reason };
        if now >= self.expires_at {
            return Err(refused("the value has expired"));
        }
        match has_record(records, &self.record_value()) {
            true => Ok(()),
            false => Err(refused("no TXT record has the value")),
        }
    }
}

/// Whether one of the TXT records has this content.
pub(crate) fn has_record(records: &[impl AsRef<str>], content: &str) -> bool {
    records.iter().any(|record| record.as_ref().trim() == content)
}

pub(crate) fn record_name(domain: &Domain) -> String {
    format!("_vouchsafe-challenge.{domain}")
}

pub(crate) fn record_value(value: &str) -> String {
    format!("vouchsafe-domain-verification={value}")
}

/// The reason why no more domains are verified.
pub(crate) const TOO_MANY_DOMAINS: &str = "the organization has verified as many domains as it can";

impl Organization {
    /// The most domains that can wait for verification at a time.
    pub const MAX_CHALLENGES: usize = 20;

    /// The most domains that can be verified. All of them are looked up in the DNS every day.
    pub const MAX_DOMAINS: usize = 200;

    /// Stores a value that was just issued. An earlier value for the same domain proves nothing afterwards.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::DomainChallenge`] for too many domains at a time, and if
    /// [`MAX_DOMAINS`](Self::MAX_DOMAINS) are verified.
    pub fn challenge_domain(&mut self, challenge: DomainChallenge) -> Result<(), PlanRefusal> {
        self.domain_challenges
            .retain(|known| known.domain != challenge.domain && challenge.issued_at < known.expires_at);
        self.require_room_for(&challenge.domain)?;
        if self.domain_challenges.len() >= Self::MAX_CHALLENGES {
            let reason = "too many other domains wait for their verification";
            return Err(PlanRefusal::DomainChallenge { domain: challenge.domain, reason });
        }
        self.domain_challenges.push(challenge);
        Ok(())
    }

    /// Marks a domain as verified if the TXT records have the value. A store refuses the domain if it belongs to
    /// another organization. Leave the record in the DNS: [`recheck_domain`](Self::recheck_domain) looks for it.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::DomainChallenge`]: no value was issued, it has expired, or no record has it.
    pub fn verify_domain(
        &mut self,
        domain: &Domain,
        records: &[impl AsRef<str>],
        now: DateTime<Utc>,
    ) -> Result<(), PlanRefusal> {
        let known = self.domain_challenges.iter().find(|known| known.domain == *domain);
        let reason = "no value was asked for";
        let known = known.ok_or_else(|| PlanRefusal::DomainChallenge { domain: domain.clone(), reason })?;
        known.check(records, now)?;
        self.require_room_for(domain)?;
        let proof = DomainProof::of(known.clone(), now);
        self.domain_challenges.retain(|known| known.domain != *domain);
        self.domain_proofs.retain(|known| known.domain != *domain);
        self.domain_proofs.push(proof);
        if !self.owns(domain) {
            self.verified_domains.push(domain.to_string());
        }
        Ok(())
    }

    fn require_room_for(&self, domain: &Domain) -> Result<(), PlanRefusal> {
        if self.owns(domain) || self.verified_domains.len() < Self::MAX_DOMAINS {
            return Ok(());
        }
        Err(PlanRefusal::DomainChallenge { domain: domain.clone(), reason: TOO_MANY_DOMAINS })
    }

    /// Takes back the request for a domain that is not verified. A verified domain decides who can sign in and stays.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::DomainVerified`].
    pub fn take_back_challenge(&mut self, domain: &Domain) -> Result<(), PlanRefusal> {
        if self.owns(domain) {
            return Err(PlanRefusal::DomainVerified { domain: domain.clone() });
        }
        self.domain_challenges.retain(|known| known.domain != *domain);
        Ok(())
    }

    /// Removes a domain and its challenge, and answers whether it was verified. Its people are no longer admitted or
    /// linked by it.
    pub fn give_up_domain(&mut self, domain: &Domain) -> bool {
        self.domain_challenges.retain(|known| known.domain != *domain);
        self.domain_proofs.retain(|known| known.domain != *domain);
        let owned = self.owns(domain);
        self.verified_domains.retain(|own| Domain::parse(own.trim()).as_ref() != Ok(domain));
        owned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OrganizationId;

    fn now() -> DateTime<Utc> {
        "2026-01-15T09:00:00Z".parse().unwrap()
    }

    fn issue(domain: &str, at: DateTime<Utc>) -> DomainChallenge {
        DomainChallenge::issue(Domain::parse(domain).unwrap(), &Provider::rustcrypto(), at).unwrap()
    }

    fn acme() -> Organization {
        Organization::new(OrganizationId::new("1"), "acme", "Acme")
    }

    fn code(result: Result<(), PlanRefusal>) -> String {
        result.map_or_else(|refused| refused.to_string(), |()| String::new())
    }

    #[test]
    fn only_the_latest_value_of_the_same_organization_verifies_and_once() {
        let (mut acme, mut globex) = (acme(), acme());
        let first = issue("acme.example", now());
        let domain = first.domain.clone();
        acme.challenge_domain(first.clone()).unwrap();
        globex.challenge_domain(issue("acme.example", now())).unwrap();
        let records = ["v=spf1 -all".to_owned(), format!(" {} ", first.record_value())];
        assert!(code(globex.verify_domain(&domain, &records, now())).contains("no TXT record"));
        let nothing: [&str; 0] = [];
        assert!(code(acme.verify_domain(&domain, &nothing, now())).contains("no TXT record"));
        let second = issue("acme.example", now());
        assert_ne!(first.value, second.value);
        acme.challenge_domain(second.clone()).unwrap();
        assert!(
            code(acme.verify_domain(&domain, &records, now())).contains("no TXT record"),
            "the first is over"
        );
        assert_eq!(acme.domain_challenges.len(), 1);
        acme.verify_domain(&domain, &[second.record_value()], now()).unwrap();
        assert!(acme.owns(&domain) && acme.domain_challenges.is_empty());
        assert!(
            code(acme.verify_domain(&domain, &[second.record_value()], now())).contains("no value was asked")
        );
        assert_eq!(acme.verified_domains, ["acme.example"]);
        assert!(acme.give_up_domain(&domain) && !acme.owns(&domain) && !acme.give_up_domain(&domain));
    }

    #[test]
    fn a_value_ends_and_a_part_of_it_is_none() {
        let challenge = issue("acme.example", now());
        let records = [challenge.record_value()];
        assert!(challenge.check(&records, challenge.expires_at - TimeDelta::nanoseconds(1)).is_ok());
        assert!(code(challenge.check(&records, challenge.expires_at)).contains("expired"));
        for wrong in [challenge.value.clone(), format!("{}0", records[0]), records[0].to_uppercase()] {
            assert!(challenge.check(&[wrong], now()).is_err());
        }
        assert_eq!(challenge.record_name(), "_vouchsafe-challenge.acme.example");
        assert_eq!(challenge.value.len(), 32);
    }

    #[test]
    fn so_many_domains_wait_at_a_time() {
        let mut acme = acme();
        for number in 0..Organization::MAX_CHALLENGES {
            acme.challenge_domain(issue(&format!("d{number}.example"), now())).unwrap();
        }
        assert!(acme.challenge_domain(issue("more.example", now())).is_err());
        acme.challenge_domain(issue("d0.example", now())).unwrap();
        let later = now() + DomainChallenge::VALIDITY;
        acme.challenge_domain(issue("more.example", later)).unwrap();
        assert_eq!(acme.domain_challenges.len(), 1, "those that have expired are forgotten");
    }

    /// A link that is made for it could otherwise verify one a second, and each is looked up every day.
    #[test]
    fn so_many_domains_are_verified() {
        let mut acme = acme();
        for number in 0..Organization::MAX_DOMAINS {
            let challenge = issue(&format!("d{number}.example"), now());
            let (domain, records) = (challenge.domain.clone(), [challenge.record_value()]);
            acme.challenge_domain(challenge).unwrap();
            acme.verify_domain(&domain, &records, now()).unwrap();
        }
        let refused = acme.challenge_domain(issue("more.example", now())).unwrap_err();
        assert_eq!(refused.code(), "provisioning.domain_challenge");
        assert!(refused.hint().contains("give up domains"), "{refused}");
        acme.challenge_domain(issue("d0.example", now())).unwrap();
        acme.give_up_domain(&Domain::parse("d0.example").unwrap());
        acme.challenge_domain(issue("more.example", now())).unwrap();
    }

    #[test]
    fn only_what_is_not_verified_is_taken_back() {
        let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
        let domain = Domain::parse("acme.example").unwrap();
        let ask = || DomainChallenge::issue(domain.clone(), &Provider::rustcrypto(), now()).unwrap();
        acme.challenge_domain(ask()).unwrap();
        acme.take_back_challenge(&domain).unwrap();
        assert!(acme.domain_challenges.is_empty());
        let challenge = ask();
        acme.challenge_domain(challenge.clone()).unwrap();
        acme.verify_domain(&domain, &[challenge.record_value()], now()).unwrap();
        let before = acme.clone();
        assert_eq!(acme.take_back_challenge(&domain).unwrap_err().code(), "provisioning.domain_verified");
        assert_eq!(acme, before);
    }
}
