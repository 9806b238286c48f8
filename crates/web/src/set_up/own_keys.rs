//! Replacement of the service's own keys: the current step, and what the customer's administrator must change in their
//! console.

use vouchsafe::ConnectionId;
use vouchsafe::console::Console;
use vouchsafe::metadata::{OwnKeyUse, OwnRollover, OwnRolloverAdvice, OwnRolloverStep};

use super::certificates::Rollovers;
use super::markup::{Markup, minute};
use super::settings::SetUp;
use super::visit::Visit;

impl SetUp {
    /// Adds a card for each key that is being replaced.
    pub(super) fn own_keys(&self, page: Markup, rollovers: &Rollovers, visit: &Visit<'_>) -> Markup {
        rollovers.all.iter().fold(page, |page, rollover| {
            let advice = rollover.next_step(visit.now);
            match advice.step() {
                OwnRolloverStep::Done => page,
                _ => page.card(heading(rollover.usage), |card| {
                    let card = self.replaced(card, rollover, &advice, visit);
                    match (rollover.usage, rollovers.with_own_keys.as_slice()) {
                        (OwnKeyUse::Decryption, [_, ..]) => card.note(&unconcerned(&rollovers.with_own_keys)),
                        _ => card,
                    }
                }),
            }
        })
    }

    fn replaced(
        &self,
        card: Markup,
        rollover: &OwnRollover,
        advice: &OwnRolloverAdvice,
        visit: &Visit<'_>,
    ) -> Markup {
        let next = match advice.not_before() {
            Some(time) => format!("We {}, not before {}.", what_we_do(advice.step()), minute(time)),
            None => format!("We {}.", what_we_do(advice.step())),
        };
        let is_published = rollover.published_at.is_some_and(|time| time <= visit.now);
        let published = match rollover.published_at.map(minute) {
            None => "not yet".to_owned(),
            Some(time) if is_published => format!("since {time}"),
            Some(time) => format!("not before {time}"),
        };
        let card = card.facts(&[
            ("The next certificate is in our metadata", &published),
            ("Our next step", &next),
            (if advice.not_before().is_some() { "Why not sooner" } else { "Why" }, &sentence(advice.why())),
        ]);
        match is_published && is_theirs(rollover.usage, advice.step()) {
            true => self.theirs(card, rollover.usage, visit),
            false => card.note("There is nothing for you to do now."),
        }
    }

    /// Adds what the administrator must do, with the fields of the console if the product is known.
    fn theirs(&self, card: Markup, usage: OwnKeyUse, visit: &Visit<'_>) -> Markup {
        let file = match usage {
            OwnKeyUse::Decryption => "next-encryption.pem",
            _ => "next-signing.pem",
        };
        let card = card.paragraph(
            "What you do: if your identity provider loads our metadata by itself, nothing. Otherwise give it the next certificate.",
        );
        let card = match visit.console() {
            Some(console) => self.fields(card, console, usage, visit),
            None => card.note("Choose your product, and this page shows the field of its console.").link(
                "button quiet",
                &self.at("product"),
                "Choose the product",
            ),
        };
        card.link("", &self.at(file), "The next certificate (PEM)")
    }

    fn fields(&self, card: Markup, console: Console, usage: OwnKeyUse, visit: &Visit<'_>) -> Markup {
        let fields = console.certificate_fields(&self.details_of(visit, console), usage);
        let rows: Vec<[String; 3]> = fields
            .into_iter()
            .map(|field| {
                [field.section.to_owned(), field.field.to_owned(), "the next certificate".to_owned()]
            })
            .collect();
        match rows.is_empty() {
            true => card.note(&format!("{} keeps no certificate of ours for this.", console.name())),
            false => card.table(
                &format!("In {}: {}", console.name(), console.place()),
                ["Section", "Field", "What to give"],
                &rows,
            ),
        }
    }
}

/// Returns a reason as a sentence.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters.chain(['.'])).collect()
}

fn unconcerned(with_own_keys: &[ConnectionId]) -> String {
    let names: Vec<&str> = with_own_keys.iter().map(ConnectionId::as_str).collect();
    format!("These connections have a key of their own, and keep its certificate: {}.", names.join(", "))
}

fn heading(usage: OwnKeyUse) -> &'static str {
    match usage {
        OwnKeyUse::Decryption => "We replace the key that opens encrypted assertions",
        _ => "We replace the key that signs our requests",
    }
}

fn what_we_do(step: OwnRolloverStep) -> &'static str {
    match step {
        OwnRolloverStep::LoadNext => "give the next key to all of our machines",
        OwnRolloverStep::PublishNext => "put the next certificate into our metadata",
        OwnRolloverStep::SwitchOver => "sign with the next key",
        _ => "remove the old key",
    }
}

/// Whether administrators of identity providers must act: the next certificate is published, and the old key is kept for
/// those that do not have it yet.
fn is_theirs(usage: OwnKeyUse, step: OwnRolloverStep) -> bool {
    match usage {
        OwnKeyUse::Decryption => step == OwnRolloverStep::RemoveOld,
        _ => step == OwnRolloverStep::SwitchOver,
    }
}
