//! Audit records of changes of an identity provider's metadata.

use vouchsafe::metadata::{ChangeSubject, MetadataChange, MetadataError};
use vouchsafe::{ConnectionId, EntityId};

use crate::ConnectionMetadata;
use crate::audit_entry::Entry;

/// The most changes of metadata that get a record each.
const MOST_CHANGES: usize = 64;

/// Returns entries for the differences in the identity provider's keys, endpoints and scopes. Dates change with each
/// document and are left out. Of very many changes, those that decide who signs in come first, and one entry counts the
/// others.
pub(crate) fn metadata_changes(
    id: &ConnectionId,
    identity_provider: &EntityId,
    before: &ConnectionMetadata,
    after: &ConnectionMetadata,
) -> Vec<Entry> {
    if before.document.is_empty() || after.document.is_empty() {
        return Vec::new();
    }
    let digest = |of: &ConnectionMetadata| of.digest(identity_provider);
    let not_compared = |error: &MetadataError| {
        let change =
            format!("The metadata of the connection {id} cannot be compared with the earlier one: {error}");
        let entry = Entry::new("connection.metadata_not_compared", change);
        entry.values(Some(&digest(before)), Some(&digest(after)))
    };
    let compared = match before.comparison_with(after, identity_provider) {
        Ok(compared) => compared,
        Err(error) => return vec![not_compared(&error)],
    };
    let mut changes = compared.changes;
    changes.retain(|change| change.subject() != ChangeSubject::ValidUntil);
    // A stable sort keeps the order among changes of one kind.
    changes.sort_by_key(|change| (Kind::of(change), change.after().is_none()));
    let (listed, more) = changes.split_at(changes.len().min(MOST_CHANGES));
    let entries = listed.iter().map(|change| metadata_change(id, change));
    let first = compared.unreadable.as_ref().map(not_compared);
    first.into_iter().chain(entries).chain(more_changes(id, more, &digest(after))).collect()
}

/// The kinds of changes. The first ones decide who can sign in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Key,
    SingleSignOn,
    Scope,
    Description,
    OtherEndpoint,
}

impl Kind {
    const ALL: [Kind; 5] =
        [Kind::Key, Kind::SingleSignOn, Kind::Scope, Kind::Description, Kind::OtherEndpoint];

    fn of(change: &MetadataChange) -> Kind {
        let is_single_sign_on = || {
            let values = [change.before(), change.after()];
            values.into_iter().flatten().any(|value| value.starts_with("SingleSignOnService"))
        };
        match change.subject() {
            ChangeSubject::Key => Kind::Key,
            ChangeSubject::Endpoint if is_single_sign_on() => Kind::SingleSignOn,
            ChangeSubject::Endpoint => Kind::OtherEndpoint,
            ChangeSubject::Scope => Kind::Scope,
            _ => Kind::Description,
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Kind::Key => "keys",
            Kind::SingleSignOn => "single sign-on addresses",
            Kind::Scope => "scopes",
            Kind::Description => "descriptions",
            Kind::OtherEndpoint => "other endpoints",
        }
    }
}

/// Returns the entry that counts the changes without an entry of their own, and names the document, so that it can be
/// compared later.
fn more_changes(id: &ConnectionId, more: &[MetadataChange], digest: &str) -> Option<Entry> {
    let count = |kind: Kind| more.iter().filter(|change| Kind::of(change) == kind).count();
    let counts = Kind::ALL.map(|kind| (kind, count(kind))).into_iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(kind, count)| format!("{} {count}", kind.plural())).collect();
    let change = format!(
        "Changes {} more things in the metadata of the connection {id}, which are not listed ({}). What the document states has the digest {digest}.",
        more.len(),
        counts.join(", ")
    );
    (!more.is_empty()).then(|| Entry::new("connection.metadata_more", change))
}

fn metadata_change(id: &ConnectionId, change: &MetadataChange) -> Entry {
    let (rule, what) = match change.subject() {
        ChangeSubject::Key => ("connection.key", "a key"),
        ChangeSubject::Endpoint => ("connection.endpoint", "an endpoint"),
        ChangeSubject::Scope => ("connection.scope", "a scope"),
        ChangeSubject::Statement => ("connection.statement", "a statement"),
        _ => ("connection.entity", "the description"),
    };
    let verb = match (change.before(), change.after()) {
        (None, Some(_)) => "Adds",
        (Some(_), None) => "Removes",
        _ => "Changes",
    };
    let entry = Entry::new(rule, format!("{verb} {what} of the identity provider of the connection {id}."));
    entry.values(change.before(), change.after())
}

#[cfg(test)]
mod tests {
    use vouchsafe_testkit::IdentityProvider as Kit;

    use super::*;
    use crate::MetadataSource;

    fn stored(xml: &str) -> ConnectionMetadata {
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        ConnectionMetadata::new(xml.as_bytes().to_vec(), MetadataSource::Uploaded, now)
    }

    /// The metadata of the kit's identity provider, with so many logout endpoints and scopes more.
    fn metadata(kit: &Kit, logouts: usize, scopes: usize) -> String {
        let logout = |number: usize| {
            format!(
                r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/a/{number}"/>"#
            )
        };
        let scope = |number: usize| {
            format!(r#"<s:Scope xmlns:s="urn:mace:shibboleth:metadata:1.0">s{number}.example.com</s:Scope>"#)
        };
        let xml = kit.metadata().unwrap();
        let logouts: String = (0..logouts).map(logout).collect();
        let scopes: String = (0..scopes).map(scope).collect();
        let xml = xml.replacen(
            "<md:KeyDescriptor",
            &format!("<md:Extensions>{scopes}</md:Extensions><md:KeyDescriptor"),
            1,
        );
        let last_key = "</md:KeyDescriptor>";
        let (before, after) = xml.rsplit_once(last_key).unwrap();
        format!("{before}{last_key}{logouts}{after}")
    }

    fn entries(before: &ConnectionMetadata, after: &ConnectionMetadata) -> Vec<Entry> {
        let entity_id = EntityId::new(Kit::okta().entity_id()).unwrap();
        metadata_changes(&ConnectionId::new("acme").unwrap(), &entity_id, before, after)
    }

    /// Somebody hides a new key and a new address among changes that nobody reads.
    #[test]
    fn what_decides_who_signs_in_comes_first_and_the_rest_is_counted() {
        let okta = Kit::okta();
        let evil =
            Kit::new(okta.entity_id(), "https://evil.example/sso", vouchsafe_testkit::keys::attacker());
        let (before, after) = (stored(&metadata(&okta, 0, 0)), stored(&metadata(&evil, 100, 50)));
        let entries = entries(&before, &after);
        assert_eq!(entries.len(), MOST_CHANGES + 1);
        let rules: Vec<&str> = entries.iter().map(|entry| entry.rule).collect();
        let last_key = rules.iter().rposition(|rule| *rule == "connection.key").unwrap();
        assert!(rules[..=last_key].iter().all(|rule| *rule == "connection.key"), "{rules:?}");
        let address = entries.iter().position(|entry| {
            entry.after.as_deref().is_some_and(|after| after.contains("https://evil.example/sso"))
        });
        assert!(address.unwrap() < rules.iter().position(|rule| *rule == "connection.scope").unwrap());
        assert_eq!(rules.iter().filter(|rule| **rule == "connection.scope").count(), 50);
        let listed = rules.iter().filter(|rule| **rule == "connection.endpoint").count();
        let single_sign_on = entries
            .iter()
            .filter_map(|entry| entry.after.as_ref().or(entry.before.as_ref()))
            .filter(|value| value.starts_with("SingleSignOnService"))
            .count();
        let not_listed = 100 - (listed - single_sign_on);
        let last = &entries.last().unwrap().change;
        assert!(last.contains(&format!("Changes {not_listed} more things")), "{last}");
        assert!(last.contains(&format!("(other endpoints {not_listed})")), "{last}");
        let entity_id = EntityId::new(okta.entity_id()).unwrap();
        assert!(last.contains(&after.digest(&entity_id)), "{last}");
    }

    /// If the present metadata cannot be read, everything that the newer one brings is listed.
    #[test]
    fn a_document_that_cannot_be_compared_is_a_record() {
        let okta = EntityId::new(Kit::okta().entity_id()).unwrap();
        let (broken, good) = (stored("<broken"), stored(&metadata(&Kit::okta(), 0, 1)));
        for (before, after) in [(&broken, &good), (&good, &broken)] {
            let entries = entries(before, after);
            let entry = &entries[0];
            assert_eq!(entry.rule, "connection.metadata_not_compared");
            let digests = [before, after].map(|one| Some(one.digest(&okta)));
            assert_eq!([entry.before.clone(), entry.after.clone()], digests);
            let rules: Vec<&str> = entries.iter().map(|entry| entry.rule).collect();
            for rule in ["connection.key", "connection.endpoint", "connection.scope", "connection.entity"] {
                assert_eq!(rules.contains(&rule), std::ptr::eq(after, &good), "{rule}: {rules:?}");
            }
        }
    }
}
