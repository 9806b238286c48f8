//! Verifies domains of the organization by a record in the DNS.

use vouchsafe::provisioning::{Domain, DomainChallenge};
use vouchsafe_store::OrganizationConnections;

use super::error::SetUpError;
use super::fields::Fields;
use super::markup::{Input, Kind, Problem, minute};
use super::page::{Next, Page, shown};
use super::settings::SetUp;
use super::steps::Step;
use super::visit::Visit;

impl SetUp {
    /// Carries out an action on a domain.
    pub(super) async fn act_on_domain(
        &self,
        visit: &Visit<'_>,
        step: &str,
        fields: &Fields,
    ) -> Result<Next, SetUpError> {
        visit.require_domains()?;
        let domain = Domain::parse(fields.text("domain").unwrap_or_default())?;
        match step {
            "domains" => {
                let provider = visit.sso.service_provider().provider();
                let challenge = DomainChallenge::issue(domain, provider, visit.now)?;
                self.decide(visit, move |it, _| Ok(it.organization.challenge_domain(challenge.clone())?))
                    .await?;
            }
            "domains/verify" => self.verify(visit, domain).await?,
            "domains/give-up" => {
                // Decided on what is stored: somebody else may have verified the domain since the page was read.
                let take_back = move |it: &mut OrganizationConnections, _| {
                    Ok(it.organization.take_back_challenge(&domain)?)
                };
                self.decide(visit, take_back).await?;
            }
            _ => return Err(SetUpError::StepUnknown),
        }
        Ok(Next::Step("domains"))
    }

    async fn verify(&self, visit: &Visit<'_>, domain: Domain) -> Result<(), SetUpError> {
        let resolve = self.0.resolve.as_ref().ok_or(SetUpError::NoResolver)?;
        let mut known = visit.organization.domain_challenges.iter();
        let records = match known.find(|known| known.domain == domain) {
            Some(challenge) => {
                self.0.limits.count_asked(&visit.link, visit.now)?;
                resolve(challenge.record_name()).await?
            }
            None => Vec::new(),
        };
        self.decide(visit, move |it, now| Ok(it.organization.verify_domain(&domain, &records, now)?)).await
    }

    pub(super) fn domains_page(&self, visit: &Visit<'_>, typed: &str, problem: Option<&Problem>) -> Page {
        let resolves = self.0.resolve.is_some();
        Page::new("Domains of your organization", |page| {
            let page = self.steps(shown(page, problem), visit, Step::Domains);
            let page = page.paragraph(self.use_of_domains());
            let page = visit.organization.verified_domains.iter().fold(page, |page, domain| {
                page.card(domain, |card| {
                    let card = card.success("Verified: the domain is yours.");
                    let domain = Domain::parse(domain.trim());
                    let proof = domain.as_ref().ok().and_then(|domain| visit.organization.domain_proof(domain));
                    match proof.and_then(|proof| Some((proof, proof.missing_since?))) {
                        None => card,
                        Some((proof, since)) => {
                            let since = minute(since);
                            let (name, value) = (proof.record_name(), proof.record_value());
                            card.paragraph("The DNS no longer has the record that shows that the domain is yours. Write it again.")
                                .facts(&[("Name", &name), ("Type", "TXT"), ("Value", &value), ("Gone since", &since)])
                        }
                    }
                })
            });
            let page = visit.organization.domain_challenges.iter().fold(page, |page, challenge| {
                page.card(challenge.domain.as_str(), |card| {
                    let until = minute(challenge.expires_at);
                    let (name, value) = (challenge.record_name(), challenge.record_value());
                    let card = card
                        .paragraph("Not verified yet. Write this record into its DNS, and then look for it. The DNS may take an hour to show it.")
                        .facts(&[("Name", &name), ("Type", "TXT"), ("Value", &value), ("Until", &until)]);
                    let domain = challenge.domain.as_str();
                    let card = match resolves {
                        true => card.form(&self.at("domains/verify"), &visit.form_token, |form| {
                            form.hidden("domain", domain).button("Look for the record")
                        }),
                        false => card,
                    };
                    card.form(&self.at("domains/give-up"), &visit.form_token, |form| {
                        form.hidden("domain", domain).quiet_button("Take it back")
                    })
                })
            });
            page.card("Another domain", |card| {
                card.form(&self.at("domains"), &visit.form_token, |form| {
                    let input = Input {
                        name: "domain",
                        label: "Domain of your people's e-mail addresses",
                        kind: Kind::Text,
                        hint: "For example acme.example",
                        value: typed,
                    };
                    form.input(input, problem).button("Ask for a record")
                })
            })
        })
    }
}
