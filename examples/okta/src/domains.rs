//! The domains of an organization: which are shown to be its own, and what to write into the DNS for another one.

use axum::extract::{Form as Posted, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;
use vouchsafe::provisioning::{Domain, DomainChallenge, Organization};
use vouchsafe_axum::SignedIn;
use vouchsafe_client::DomainResolver;
use vouchsafe_store::{Author, Directory, recheck_domains};

use crate::app::App;
use crate::failure::Failure;
use crate::html::{Form, Input, Page};
use crate::settings;

/// Where the records of domains are looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dns {
    /// The DNS, by the resolvers of this machine.
    Real,
    /// Nowhere: the domains of the demonstration are in no DNS, so every record that was asked for is taken to be there.
    Played,
}

impl Dns {
    async fn records(&self, challenge: &DomainChallenge) -> Result<Vec<String>, Failure> {
        match self {
            Dns::Real => Ok(DomainResolver::from_system()?.txt_records(&challenge.record_name()).await?),
            Dns::Played => Ok(vec![challenge.record_value()]),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Named {
    domain: String,
}

pub(crate) async fn page(State(app): State<App>, signed_in: SignedIn) -> Response {
    show(&app, &signed_in, None, "")
        .await
        .map_or_else(IntoResponse::into_response, IntoResponse::into_response)
}

/// Asks for a record in the DNS of a domain.
pub(crate) async fn challenge(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(named): Posted<Named>,
) -> Response {
    let asked = async {
        let domain = Domain::parse(named.domain.trim())?;
        let challenge = DomainChallenge::issue(domain, app.service_provider().provider(), Utc::now())?;
        change(&app, &signed_in, |organization| Ok(organization.challenge_domain(challenge)?)).await
    };
    finish(&app, &signed_in, asked.await, &named.domain).await
}

/// Looks whether the record is there.
pub(crate) async fn verify(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(named): Posted<Named>,
) -> Response {
    let verified = async {
        let domain = Domain::parse(&named.domain)?;
        let snapshot = settings::require_owner(&app, &signed_in).await?;
        let mut known = snapshot.organization.domain_challenges.iter();
        let challenge = known.find(|known| known.domain == domain);
        let challenge = challenge.ok_or_else(|| Failure::new("Nothing was asked for of that domain."))?;
        let records = app.dns.records(challenge).await?;
        change(&app, &signed_in, |organization| {
            Ok(organization.verify_domain(&domain, &records, Utc::now())?)
        })
        .await
    };
    finish(&app, &signed_in, verified.await, "").await
}

pub(crate) async fn give_up(
    State(app): State<App>,
    signed_in: SignedIn,
    Posted(named): Posted<Named>,
) -> Response {
    let given_up = async {
        let domain = Domain::parse(&named.domain)?;
        change(&app, &signed_in, |organization| {
            organization.give_up_domain(&domain);
            Ok(())
        })
        .await
    };
    finish(&app, &signed_in, given_up.await, "").await
}

async fn change(
    app: &App,
    signed_in: &SignedIn,
    change: impl FnOnce(&mut Organization) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let id = settings::require_owner(app, signed_in).await?.organization.id;
    let found = app.store.organization(&id).await?;
    let mut organization = found.ok_or_else(|| Failure::new("The organization is gone."))?;
    change(&mut organization.value)?;
    let author = Author::new(settings::by(signed_in), Utc::now());
    app.store.update_organization(&organization, &author).await?;
    Ok(())
}

async fn finish(app: &App, signed_in: &SignedIn, outcome: Result<(), Failure>, typed: &str) -> Response {
    match outcome {
        Ok(()) => Redirect::to("/settings/domains").into_response(),
        Err(failure) => match show(app, signed_in, Some(&failure.to_string()), typed).await {
            Ok(page) => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
            Err(failure) => failure.into_response(),
        },
    }
}

async fn show(app: &App, signed_in: &SignedIn, problem: Option<&str>, typed: &str) -> Result<Page, Failure> {
    let snapshot = settings::require_owner(app, signed_in).await?;
    let organization = &snapshot.organization;
    let page = Page::new("Domains")
        .navigation(&settings::email_of(&snapshot, signed_in), true)
        .heading("Domains of the organization");
    let page = problem.iter().fold(page, |page, problem| page.problem(problem));
    let verified = organization.verified_domains.iter().fold(page, |page, domain| {
        page.card(domain, |page| {
            let page = page.paragraph(
                "Verified: new people with addresses of it are admitted, and sent to your identity provider.",
            );
            let page = gone(organization, domain).iter().fold(page, |page, gone| page.problem(gone));
            button(page, "/settings/domains/give-up", domain, "Give the domain up")
        })
    });
    let waiting = organization.domain_challenges.iter().fold(verified, |page, challenge| {
        page.card(challenge.domain.as_str(), |page| {
            let until = challenge.expires_at.format("%Y-%m-%d %H:%M UTC").to_string();
            let page = page
                .paragraph("Not verified yet. Write this record into its DNS, and then look for it.")
                .facts(&[
                    ("Name", &challenge.record_name()),
                    ("Type", "TXT"),
                    ("Value", &challenge.record_value()),
                    ("Until", &until),
                ]);
            let page =
                button(page, "/settings/domains/verify", challenge.domain.as_str(), "Look for the record");
            button(page, "/settings/domains/give-up", challenge.domain.as_str(), "Give it up")
        })
    });
    let note = match app.dns {
        Dns::Real => {
            "The record proves that the domain is yours. Leave it in the DNS: it is looked for every day."
        }
        Dns::Played => {
            "This is a demonstration: its domains are in no DNS, and every record is taken to be there."
        }
    };
    Ok(waiting.card("Another domain", |page| {
        page.form(&Form {
            method: "post",
            action: "/settings/domains",
            hidden: &[],
            inputs: &[Input {
                name: "domain",
                label: "Domain",
                kind: "text",
                placeholder: "acme.example",
                autocomplete: "off",
                value: typed,
                wrong: problem.is_some() && !typed.is_empty(),
            }],
            button: "Ask for a record",
            quiet: false,
        })
        .note(note)
    }))
}

/// What the owner has to do where the record of a verified domain is gone.
fn gone(organization: &Organization, domain: &str) -> Option<String> {
    let domain = Domain::parse(domain.trim()).ok()?;
    let proof = organization.domain_proof(&domain)?;
    let since = proof.missing_since?.format("%Y-%m-%d %H:%M UTC");
    let end = match proof.lost_at {
        Some(_) => "until it is there, nobody gets an account that exists by an address of the domain",
        None => "after seven days nobody gets an account that exists by an address of the domain",
    };
    let (name, value) = (proof.record_name(), proof.record_value());
    Some(format!("The DNS has had no record {name} TXT \"{value}\" since {since}. Write it again: {end}."))
}

/// Looks for the records of all verified domains.
pub(crate) async fn recheck(app: &App) {
    let Dns::Real = app.dns else { return };
    let resolver = match DomainResolver::from_system() {
        Ok(resolver) => resolver,
        Err(error) => return tracing::error!(reason = %error, "the domains could not be looked for"),
    };
    let resolve = |name: String| {
        let resolver = resolver.clone();
        async move { resolver.txt_records(&name).await }
    };
    match recheck_domains(&app.store, resolve, Utc::now()).await {
        Ok(came) => {
            tracing::info!(
                found = came.found,
                missing = came.missing,
                lost = came.lost,
                unanswered = came.unanswered,
                failed = came.failed.len(),
                "the records of verified domains were looked for"
            );
            for (organization, reason) in &came.failed {
                tracing::error!(%organization, %reason, "the domains of an organization could not be looked for");
            }
        }
        Err(error) => tracing::error!(reason = %error, "the domains could not be looked for"),
    }
}

fn button(page: Page, action: &str, domain: &str, text: &str) -> Page {
    let hidden = [("domain", domain)];
    page.form(&Form { method: "post", action, hidden: &hidden, inputs: &[], button: text, quiet: true })
}
