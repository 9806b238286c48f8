//! The overview: the progress of the set-up, and the active connection with its certificates and the last refused
//! sign-ins.

use vouchsafe::WebAddress;
use vouchsafe::metadata::KeySighting;
use vouchsafe_store::StoredConnection;

use super::certificates::Rollovers;
use super::connection_facts::described;
use super::holder_hints::hint_to_holder;
use super::markup::{Markup, Problem, minute};
use super::page::{Page, shown};
use super::planned::refusal_to_holder;
use super::settings::SetUp;
use super::steps::Step;
use super::visit::{Sightings, Visit};
use crate::answers::login_url;

/// The maximum number of refusals that are shown.
const REFUSALS: usize = 10;

impl SetUp {
    pub(super) fn overview(
        &self,
        visit: &Visit<'_>,
        sightings: &Sightings,
        rollovers: &Rollovers,
        problem: Option<&Problem>,
    ) -> Page {
        if visit.is_used() {
            return Page::done(&visit.organization.name);
        }
        let name = &visit.organization.name;
        Page::new(&format!("Set up single sign-on for {name}"), |page| {
            let page = self.steps(shown(page, problem), visit, Step::Overview);
            let page = match visit.link.purpose.allows_connections() {
                true => {
                    // What waits for a decision comes first.
                    let page =
                        visit.active().fold(page, |page, active| self.newer_metadata(page, active, visit));
                    self.next(self.own_keys(page, rollovers, visit), visit)
                }
                false => page,
            };
            let page = match visit.link.purpose.allows_domains() {
                true => page.card("Domains", |card| {
                    card.paragraph(self.use_of_domains()).link(
                        "button quiet",
                        &self.at("domains"),
                        "Verify a domain",
                    )
                }),
                false => page,
            };
            match visit.link.purpose.allows_connections() {
                true => visit.active().fold(page, |page, active| {
                    self.active_card(page, active, sightings.get(&active.id).map(Vec::as_slice), visit)
                }),
                false => page,
            }
        })
    }

    /// Shows what to do next.
    fn next(&self, page: Markup, visit: &Visit<'_>) -> Markup {
        if let Err(refused) = visit.organization.require_entitlement() {
            return page.problem(&Problem::of(&refused.into(), None, None));
        }
        let is_connected = visit.active().next().is_some();
        let (text, step, button) = match (visit.console(), visit.draft(), visit.is_tried()) {
            (None, ..) if is_connected => (
                "People sign in over the connection below. Choose the product to renew its metadata, or to replace it by another.",
                "product",
                "Renew or replace",
            ),
            (None, ..) => ("Choose the product of your identity provider.", "product", "Begin"),
            (Some(_), None, _) if is_connected => (
                "Give newer metadata of your present identity provider, or copy the values for another one first.",
                "metadata",
                "Go on to the metadata",
            ),
            (Some(_), None, _) => (
                "Copy the values into your console, and give us the metadata of your identity provider.",
                "values",
                "Go on to the values",
            ),
            (Some(_), Some(_), false) => (
                "Try a sign-in. Nobody is signed in by it, and nothing is changed.",
                "trial",
                "Go on to the trial",
            ),
            (Some(_), Some(_), true) => {
                ("The trial was accepted. Activate the connection.", "activate", "Go on to the activation")
            }
        };
        page.card("What comes next", |card| card.paragraph(text).link("button", &self.at(step), button))
    }

    fn active_card(
        &self,
        page: Markup,
        active: &StoredConnection,
        sightings: Option<&[KeySighting]>,
        visit: &Visit<'_>,
    ) -> Markup {
        let page = page.card("Active connection", |card| {
            let card = described(card, active, sightings, visit);
            match visit.active().count() {
                ..=1 => card,
                _ => card.facts(&[("Link for sign-ins over it", &self.sign_in_link(active, visit))]),
            }
        });
        let refused: Vec<[String; 4]> = visit
            .sso
            .refusals()
            .of(&active.id)
            .into_iter()
            .take(REFUSALS)
            .map(|record| {
                let hint = hint_to_holder(visit.console(), record.code, record.hint);
                let at = minute(record.at);
                [
                    at,
                    format!("{} ({})", refusal_to_holder(record.code, &record.message), record.code),
                    hint,
                    record.reference.as_str().to_owned(),
                ]
            })
            .collect();
        page.card("Last refused sign-ins", |card| match refused.is_empty() {
            true => card.paragraph("None is known."),
            false => card.table(
                "The newest first",
                ["When", "What went wrong", "What to change", "Reference"],
                &refused,
            ),
        })
    }

    /// Returns the address that starts a sign-in over a connection.
    fn sign_in_link(&self, active: &StoredConnection, visit: &Visit<'_>) -> String {
        let consumer = WebAddress::new(visit.sso.service_provider().assertion_consumer());
        let origin = consumer.map(|consumer| consumer.origin()).unwrap_or_default();
        format!("{origin}{}", login_url(&self.0.login, active.id.as_str(), ""))
    }
}
