//! Checks the verified domains of all organizations again.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::{Actor, DomainProof, DomainRecord, Organization, OrganizationId, RuleId};

use crate::{ConnectionDecision, Directory, SignInError, StoreError};

/// The result of checking all verified domains.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct RecheckedDomains {
    /// Domains whose record the DNS has.
    pub found: usize,
    /// Domains whose record has been missing for less than [`DomainProof::GRACE`].
    pub missing: usize,
    /// Domains that are no longer proven.
    pub lost: usize,
    /// Domains for which the DNS gave no answer, and those for which there was no time. Nothing changes for them.
    pub unanswered: usize,
    /// Organizations that could not be read or written, and why. Write them to the log. The next call checks them again.
    pub failed: Vec<(OrganizationId, SignInError)>,
}

/// Looks for the records by which the organizations' domains were verified, and stores what has changed. Call it once a day,
/// in one process.
///
/// `resolve` returns the TXT records of a name, each with its strings joined: no records if the DNS says that there are none,
/// and an error if the DNS does not answer, which changes nothing. `DomainResolver::txt_records` of `vouchsafe-client`
/// (feature `dns`) is such a function. The domains are resolved one after the other. If the servers of an organization's
/// domains answer so slowly that they take more than a minute together, the rest of its domains is left for another day; each
/// day it begins with another domain. So no organization uses up the time of the others.
///
/// Each change is in the organization's audit (`organization.domain_proofs`). [`DomainProof`] explains what a lost domain
/// means.
///
/// # Errors
/// [`StoreError`]: the organizations could not be listed.
///
/// ```
/// use vouchsafe_store::{Memory, recheck_domains};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let (store, now) = (Memory::new(), "2026-01-15T09:00:00Z".parse()?);
/// let resolve = |_name: String| async { Ok::<Vec<String>, std::io::Error>(Vec::new()) };
/// let rechecked = recheck_domains(&store, resolve, now).await?;
/// for (organization, error) in &rechecked.failed {
///     eprintln!("the domains of {organization} were not checked: {error}");
/// }
/// assert_eq!(rechecked.lost, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn recheck_domains<F, A, E>(
    store: &(impl Directory + ?Sized),
    resolve: F,
    now: DateTime<Utc>,
) -> Result<RecheckedDomains, StoreError>
where
    F: Fn(String) -> A,
    A: Future<Output = Result<Vec<String>, E>>,
{
    let begin = Instant::now();
    recheck_by(store, resolve, now, &|| begin.elapsed()).await
}

/// How long the domains of one organization may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The same with a clock of its own.
async fn recheck_by<F, A, E>(
    store: &(impl Directory + ?Sized),
    resolve: F,
    now: DateTime<Utc>,
    elapsed: &(impl Fn() -> Duration + Sync + ?Sized),
) -> Result<RecheckedDomains, StoreError>
where
    F: Fn(String) -> A,
    A: Future<Output = Result<Vec<String>, E>>,
{
    let mut rechecked = RecheckedDomains::default();
    for id in store.organizations().await? {
        let end = elapsed().saturating_add(PATIENCE);
        let is_over = || elapsed() >= end;
        if let Err(error) = recheck(store, &id, (&resolve, &is_over), now, &mut rechecked).await {
            rechecked.failed.push((id, error));
        }
    }
    Ok(rechecked)
}

async fn recheck<F, A, E>(
    store: &(impl Directory + ?Sized),
    id: &OrganizationId,
    (resolve, is_over): (&F, &(dyn Fn() -> bool + Sync)),
    now: DateTime<Utc>,
    rechecked: &mut RecheckedDomains,
) -> Result<(), SignInError>
where
    F: Fn(String) -> A,
    A: Future<Output = Result<Vec<String>, E>>,
{
    let Some(known) = store.organization(id).await? else { return Ok(()) };
    let mut seen = known.value.clone();
    let mut answers = Vec::new();
    for proof in from_another_each_day(&known.value.domain_proofs, now) {
        if known.value.domain_proof(&proof.domain).is_none() {
            continue;
        }
        let answer = if is_over() { None } else { resolve(proof.record_name()).await.ok() };
        let Some(records) = answer else {
            rechecked.unanswered = rechecked.unanswered.saturating_add(1);
            continue;
        };
        match seen.recheck_domain(&proof.domain, &records, now) {
            Some(DomainRecord::Found) => rechecked.found = rechecked.found.saturating_add(1),
            Some(DomainRecord::Missing) => rechecked.missing = rechecked.missing.saturating_add(1),
            Some(_) => rechecked.lost = rechecked.lost.saturating_add(1),
            None => {}
        }
        answers.push((proof.clone(), records));
    }
    if seen.domain_proofs == known.value.domain_proofs {
        return Ok(());
    }
    let actor = Actor::Rule(RuleId::from("domains.recheck"));
    let decision = ConnectionDecision::new(id.clone(), actor, now, move |it, now| {
        answers.iter().for_each(|(proof, records)| see(&mut it.organization, proof, records, now));
        Ok(())
    });
    store.decide_connections(decision).await.map(drop)
}

/// All of them, beginning with another one each day.
fn from_another_each_day(proofs: &[DomainProof], now: DateTime<Utc>) -> impl Iterator<Item = &DomainProof> {
    const A_DAY: i64 = 86_400;
    let day = usize::try_from(now.timestamp().div_euclid(A_DAY)).unwrap_or_default();
    let (before, from) = proofs.split_at(day.checked_rem(proofs.len()).unwrap_or_default());
    from.iter().chain(before)
}

/// Applies the records to the current organization. A domain that was given up or verified again meanwhile stays as it is.
fn see(organization: &mut Organization, proof: &DomainProof, records: &[String], now: DateTime<Utc>) {
    let current = organization.domain_proof(&proof.domain);
    if current.is_some_and(|current| current.value == proof.value) {
        organization.recheck_domain(&proof.domain, records, now);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use chrono::TimeDelta;
    use vouchsafe::Provider;
    use vouchsafe::provisioning::{Domain, DomainChallenge};

    use super::*;
    use crate::{Author, Memory};

    /// What the DNS answers by name; a name that is not there is not answered.
    type Dns = BTreeMap<String, Vec<String>>;

    fn start() -> DateTime<Utc> {
        "2026-01-15T09:00:00Z".parse().unwrap()
    }

    /// An organization that has verified a domain, whose record is in the DNS.
    async fn with_domain(store: &impl Directory, id: &str, dns: &mut Dns) -> Domain {
        let mut organization = Organization::new(OrganizationId::new(id), id, id);
        let domain = Domain::parse(&format!("{id}.example")).unwrap();
        let challenge = DomainChallenge::issue(domain.clone(), &Provider::rustcrypto(), start()).unwrap();
        let records = vec![challenge.record_value()];
        dns.insert(challenge.record_name(), records.clone());
        organization.challenge_domain(challenge).unwrap();
        organization.verify_domain(&domain, &records, start()).unwrap();
        store.add_organization(&organization, &Author::new(Actor::Operator, start())).await.unwrap();
        domain
    }

    async fn look(store: &impl Directory, dns: &Dns, now: DateTime<Utc>) -> [usize; 5] {
        let resolve = |name: String| {
            let answer = dns.get(&name).cloned().ok_or("nobody answers");
            async move { answer }
        };
        let came = recheck_domains(store, resolve, now).await.unwrap();
        [came.found, came.missing, came.lost, came.unanswered, came.failed.len()]
    }

    async fn a_record_that_goes_is_noted_and_its_domain_lost_after_a_while(store: impl Directory) {
        let mut dns = Dns::new();
        let acme = with_domain(&store, "acme", &mut dns).await;
        with_domain(&store, "globex", &mut dns).await;
        let mut plain = Organization::new(OrganizationId::new("plain"), "plain", "Plain");
        plain.verified_domains.push("plain.example".to_owned());
        store.add_organization(&plain, &Author::new(Actor::Operator, start())).await.unwrap();
        let id = OrganizationId::new("acme");
        let noted = async || {
            let records = store.audit(&id).await.unwrap();
            records.iter().filter(|record| record.rule.as_str() == "organization.domain_proofs").count()
        };
        let day = |number: i64| start().checked_add_signed(TimeDelta::days(number)).unwrap();
        assert_eq!(look(&store, &dns, day(1)).await, [2, 0, 0, 0, 0]);
        // The servers of the domain fail for a year: nothing is lost.
        let record = dns.remove("_vouchsafe-challenge.acme.example").unwrap();
        assert_eq!(look(&store, &dns, day(2)).await, [1, 0, 0, 1, 0]);
        assert_eq!(look(&store, &dns, day(367)).await, [1, 0, 0, 1, 0]);
        assert_eq!(noted().await, 0);
        // The DNS answers that it has other records.
        dns.insert("_vouchsafe-challenge.acme.example".to_owned(), vec!["v=spf1 -all".to_owned()]);
        for number in 368..375 {
            assert_eq!(look(&store, &dns, day(number)).await, [1, 1, 0, 0, 0], "day {number}");
        }
        assert_eq!(noted().await, 1);
        let proves = async || store.organization(&id).await.unwrap().unwrap().value.proves(&acme);
        assert!(proves().await);
        assert_eq!(look(&store, &dns, day(375)).await, [1, 0, 1, 0, 0]);
        assert_eq!(look(&store, &dns, day(376)).await, [1, 0, 1, 0, 0]);
        assert!(!proves().await);
        assert_eq!(noted().await, 2);
        let records = store.audit(&id).await.unwrap();
        let last = records.last().unwrap();
        assert_eq!(last.actor, Some(Actor::Rule(RuleId::from("domains.recheck"))));
        assert!(last.after.as_deref().unwrap().contains("acme.example is no longer proven since"));
        // It is back.
        dns.insert("_vouchsafe-challenge.acme.example".to_owned(), record);
        assert_eq!(look(&store, &dns, day(377)).await, [2, 0, 0, 0, 0]);
        assert!(proves().await);
        assert_eq!(noted().await, 3);
    }

    /// Servers that answer just before each time limit do not keep the other organizations from being checked.
    #[tokio::test]
    async fn one_organization_takes_a_minute_and_no_more() {
        let (store, mut dns) = (Memory::new(), Dns::new());
        let author = Author::new(Actor::Operator, start());
        let mut slow = Organization::new(OrganizationId::new("a-slow"), "a-slow", "Slow");
        for number in 0..20 {
            let domain = Domain::parse(&format!("d{number}.slow.example")).unwrap();
            let challenge = DomainChallenge::issue(domain.clone(), &Provider::rustcrypto(), start()).unwrap();
            let records = vec![challenge.record_value()];
            dns.insert(challenge.record_name(), records.clone());
            slow.challenge_domain(challenge).unwrap();
            slow.verify_domain(&domain, &records, start()).unwrap();
        }
        store.add_organization(&slow, &author).await.unwrap();
        with_domain(&store, "globex", &mut dns).await;
        let mut seen = std::collections::BTreeSet::new();
        for day in 1..=20 {
            let (clock, asked) = (Mutex::new(Duration::ZERO), Mutex::new(Vec::new()));
            let resolve = |name: String| {
                if name.contains("slow") {
                    *clock.lock().unwrap() += Duration::from_millis(9_900);
                }
                let answer = dns.get(&name).cloned().ok_or("nobody answers");
                asked.lock().unwrap().push(name);
                std::future::ready(answer)
            };
            let now = start().checked_add_signed(TimeDelta::days(day)).unwrap();
            let came = recheck_by(&store, resolve, now, &|| *clock.lock().unwrap()).await.unwrap();
            assert_eq!([came.found, came.unanswered], [8, 13], "day {day}");
            seen.extend(asked.into_inner().unwrap());
        }
        assert_eq!(seen.len(), 21, "each has its day");
    }

    #[tokio::test]
    async fn in_memory() {
        a_record_that_goes_is_noted_and_its_domain_lost_after_a_while(Memory::new()).await;
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn in_sqlite() {
        let store = crate::Sqlite::in_memory().await.unwrap();
        a_record_that_goes_is_noted_and_its_domain_lost_after_a_while(store).await;
    }
}
