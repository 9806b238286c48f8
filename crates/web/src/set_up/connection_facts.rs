//! The description of a connection's metadata, with the table of its certificates.

use chrono::{DateTime, Utc};
use vouchsafe::IdentityProvider;
use vouchsafe::metadata::{KeyEvidence, KeySighting, KeyStanding};
use vouchsafe_store::StoredConnection;

use super::markup::{Markup, Problem, minute};
use super::visit::Visit;

/// Adds the description of a connection's metadata. `sightings` is the recorded use of its keys, if it is recorded.
pub(super) fn described(
    card: Markup,
    connection: &StoredConnection,
    sightings: Option<&[KeySighting]>,
    visit: &Visit<'_>,
) -> Markup {
    let source = connection.metadata.source.url().unwrap_or("a file or a text, which is not loaded again");
    let loaded = minute(connection.metadata.fetched_at);
    let card = card.facts(&[
        ("Identity provider", connection.identity_provider.as_str()),
        ("Metadata from", source),
        ("Loaded", &loaded),
    ]);
    match visit.parsed.get(&connection.id).map(|parsed| &parsed.connection) {
        None => card,
        Some(Ok(read)) => {
            let identity_provider = read.identity_provider();
            let keys = certificates(identity_provider, sightings, visit.now);
            let warnings: Vec<String> =
                identity_provider.warnings(visit.now).iter().map(ToString::to_string).collect();
            let card = card.table("Certificates", ["Certificate (SHA-256)", "Valid until", "State"], &keys);
            if warnings.is_empty() { card } else { card.list(warnings.iter().map(String::as_str)) }
        }
        Some(Err(error)) => card.problem(&Problem::of(error, visit.console(), None)),
    }
}

/// Returns the certificates of an identity provider, with the end of their validity and a note about it. If the use of
/// keys is recorded, the note also says how each key is used.
pub(super) fn certificates(
    identity_provider: &IdentityProvider,
    sightings: Option<&[KeySighting]>,
    now: DateTime<Utc>,
) -> Vec<[String; 3]> {
    let row = |key: KeyEvidence| {
        let until = match (key.key(), key.expires()) {
            (_, Some(end)) => end.format("%Y-%m-%d").to_string(),
            (Some(key), None) if key.certificate().is_none() => "a key without certificate".to_owned(),
            (Some(_), None) => "without end".to_owned(),
            (None, None) => String::new(),
        };
        let mut state: Vec<String> = Vec::new();
        if sightings.is_some() {
            state.push(used(&key));
        }
        state.extend(key.ending());
        if state.is_empty() {
            state.push("good".to_owned());
        }
        let mut state = state.join("; ");
        if let Some(advice) = advice(&key) {
            state.push_str(&format!(". {advice}"));
        }
        [key.fingerprint().to_owned(), until, state]
    };
    KeyEvidence::of(identity_provider, sightings.unwrap_or_default(), now).into_iter().map(row).collect()
}

/// Returns what the administrator of the identity provider should do.
fn advice(key: &KeyEvidence) -> Option<&'static str> {
    match key.standing() {
        KeyStanding::SafeToRemove => Some("You can take it out of the metadata of your identity provider."),
        KeyStanding::Withdrawn if key.was_last_to_sign() => Some(
            "No key of the metadata has signed since. If people cannot sign in, your identity provider still signs with this one: let it sign with a key of its metadata.",
        ),
        KeyStanding::InUse | KeyStanding::Unproven if key.ending().is_some() => {
            Some("Publish the next key in the metadata of your identity provider before it signs with it.")
        }
        _ => None,
    }
}

/// Returns how the identity provider uses a key.
fn used(key: &KeyEvidence) -> String {
    let standing = key.standing();
    match key.sighting() {
        Some(KeySighting { verified: 0, first_seen, .. }) => {
            format!("{standing} (since {})", minute(*first_seen))
        }
        Some(KeySighting { verified, last_verified: Some(last), .. }) => {
            let sign_ins = if *verified == 1 { "sign-in" } else { "sign-ins" };
            format!("{standing} ({verified} {sign_ins}, the last at {})", minute(*last))
        }
        _ => standing.to_string(),
    }
}
