//! Audit records of changes of an identity provider's metadata.

use chrono::{DateTime, Utc};
use vouchsafe::ConnectionId;
use vouchsafe::metadata::{ChangeSubject, MetadataChange, MetadataError};

use crate::audit_entry::Entry;
use crate::record_budget::{Kind, Untold};
use crate::{ConnectionMetadata, RecordBudget, StoredConnection};

/// The most changes of metadata that get a record each, or that one record lists.
const MOST_CHANGES: usize = 64;

/// Returns the entries for metadata that states something else, as far as the budget of the connection allows. Of very many
/// changes, those that decide who signs in come first, and the last entry counts the others. If there is no room and
/// nothing but descriptions has changed, there is no entry, and the changes are counted in the budget.
pub(crate) fn changed(
    before: &StoredConnection,
    after: &StoredConnection,
    budget: &mut RecordBudget,
    at: DateTime<Utc>,
) -> Vec<Entry> {
    let id = &after.id;
    let Differences { not_compared, changes } = Differences::of(after, &before.metadata, &after.metadata);
    let room = budget.take(changes.len().min(MOST_CHANGES), at);
    let (listed, others) = changes.split_at(room.min(changes.len()));
    for change in others {
        budget.leave_out(Kind::of(change), at);
    }
    let mut entries = Vec::new();
    let is_of_another_source = before.metadata.source != after.metadata.source;
    if is_of_another_source || not_compared.is_some() || others.is_empty() || !listed.is_empty() {
        let entry = Entry::new("connection.metadata", format!("Gives the connection {id} other metadata."));
        entries.push(entry.values(before.metadata.source.url(), after.metadata.source.url()));
    }
    entries.extend(not_compared);
    entries.extend(listed.iter().map(|change| metadata_change(id, change)));
    if !entries.is_empty() || others.iter().any(|change| Kind::of(change).is_told_at_once()) {
        entries.extend(untold(after, budget, at));
    }
    entries
}

/// Returns the entry for metadata that ends sooner, whatever else it changes, since sign-ins may then end sooner. A later end
/// is written with each document, and is not recorded.
pub(crate) fn earlier_end(
    before: &StoredConnection,
    after: &StoredConnection,
    budget: &mut RecordBudget,
    at: DateTime<Utc>,
) -> Option<Entry> {
    let end = |of: &ConnectionMetadata| of.end(&after.identity_provider).flatten();
    let (was, is) = (end(&before.metadata), end(&after.metadata)?);
    if was.is_some_and(|was| is >= was) {
        return None;
    }
    if budget.take(1, at) == 0 {
        budget.leave_out(Kind::End, at);
        return None;
    }
    let change = format!("Ends the validity of the metadata of the connection {} sooner.", after.id);
    let told = |end: DateTime<Utc>| end.to_rfc3339();
    let entry = Entry::new("connection.metadata_end", change);
    Some(entry.values(was.map(told).as_deref(), Some(&told(is))))
}

/// Returns the entry that counts the changes without an entry of their own, if there are any. It names the document, so that
/// it can be compared later, and lists the keys, addresses and scopes that are there now.
pub(crate) fn untold(
    after: &StoredConnection,
    budget: &mut RecordBudget,
    at: DateTime<Utc>,
) -> Option<Entry> {
    let Untold { counts, since } = budget.tell()?;
    let number = counts.values().fold(0_usize, |sum, count| sum.saturating_add(*count));
    let counts: Vec<String> =
        counts.iter().map(|(kind, count)| format!("{} {count}", kind.plural())).collect();
    let since = if since < at { format!(" since {}", since.to_rfc3339()) } else { String::new() };
    let change = format!(
        "Changes {number} more things in the metadata of the connection {}{since}, which are not listed ({}). What the document states has the digest {}.",
        after.id,
        counts.join(", "),
        after.digest(&after.metadata)
    );
    Some(Entry::new("connection.metadata_more", change).values(None, Some(&stated(after))))
}

/// Returns the keys, addresses and scopes of a connection's metadata in one text.
fn stated(connection: &StoredConnection) -> String {
    let nothing = ConnectionMetadata { document: [].into(), ..connection.metadata.clone() };
    let compared = nothing.comparison_with(&connection.metadata, &connection.identity_provider);
    let mut stated = compared.map(|compared| compared.changes).unwrap_or_default();
    stated.retain(|change| Kind::of(change).is_told_at_once());
    stated.sort_by_key(Kind::of);
    stated.iter().filter_map(MetadataChange::after).take(MOST_CHANGES).collect::<Vec<_>>().join("; ")
}

/// Returns the changes that newer metadata of a connection makes, in one text.
pub(crate) fn listed(
    connection: &StoredConnection,
    before: &ConnectionMetadata,
    newer: &ConnectionMetadata,
) -> String {
    let Differences { not_compared, changes } = Differences::of(connection, before, newer);
    let (listed, others) = changes.split_at(changes.len().min(MOST_CHANGES));
    let listed = listed.iter().map(|change| metadata_change(&connection.id, change));
    let mut told: Vec<String> =
        not_compared.into_iter().chain(listed).map(|entry| entry.difference()).collect();
    if !others.is_empty() {
        let (number, digest) = (others.len(), connection.digest(newer));
        told.push(format!("{number} more changes; what the document states has the digest {digest}"));
    }
    told.join("; ")
}

/// The differences in the identity provider's keys, endpoints, scopes and other statements. Dates change with each document
/// and are left out.
struct Differences {
    /// The entry for documents that cannot be compared.
    not_compared: Option<Entry>,
    /// The changes, sorted by kind.
    changes: Vec<MetadataChange>,
}

impl Differences {
    fn of(
        connection: &StoredConnection,
        before: &ConnectionMetadata,
        newer: &ConnectionMetadata,
    ) -> Differences {
        let StoredConnection { id, identity_provider, .. } = connection;
        if before.document.is_empty() || newer.document.is_empty() {
            return Differences { not_compared: None, changes: Vec::new() };
        }
        let not_compared = |error: &MetadataError| {
            let change = format!(
                "The metadata of the connection {id} cannot be compared with the earlier one: {error}"
            );
            let entry = Entry::new("connection.metadata_not_compared", change);
            entry.values(Some(&connection.digest(before)), Some(&connection.digest(newer)))
        };
        let compared = match before.comparison_with(newer, identity_provider) {
            Ok(compared) => compared,
            Err(error) => {
                return Differences { not_compared: Some(not_compared(&error)), changes: Vec::new() };
            }
        };
        let mut changes = compared.changes;
        changes.retain(|change| change.subject() != ChangeSubject::ValidUntil);
        // A stable sort keeps the order among changes of one kind.
        changes.sort_by_key(|change| (Kind::of(change), change.after().is_none()));
        Differences { not_compared: compared.unreadable.as_ref().map(not_compared), changes }
    }
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
    use vouchsafe::EntityId;
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

    fn connection(metadata: &ConnectionMetadata) -> StoredConnection {
        let (id, okta) =
            (ConnectionId::new("acme").unwrap(), EntityId::new(Kit::okta().entity_id()).unwrap());
        StoredConnection::new(id, "acme".into(), okta, metadata.clone())
    }

    /// The entries after the first one, which says that there is other metadata.
    fn entries(before: &ConnectionMetadata, after: &ConnectionMetadata) -> Vec<Entry> {
        let mut budget = RecordBudget::default();
        let entries = changed(&connection(before), &connection(after), &mut budget, after.fetched_at);
        assert_eq!((entries[0].rule, budget.untold()), ("connection.metadata", 0));
        entries.into_iter().skip(1).collect()
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
