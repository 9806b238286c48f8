//! Audit records of changes to how an organization signs in.

use chrono::{DateTime, Utc};
use vouchsafe::{
    provisioning::{
        Account, Actor, DomainProof, Organization, OrganizationId, Project, RuleId, Team, TokenRecord,
    },
    xml::Quoted,
};

use crate::audit::cut;
use crate::audit_entry::Entry;
use crate::{
    AuditDetail, AuditRecord, RecordBudget, ScimToken, SetUpLink, StoreError, StoredConnection,
    connection_audit,
};

/// Who asks for a change of the configuration, and when. Both are written to the audit.
///
/// ```
/// use vouchsafe::provisioning::Actor;
/// use vouchsafe_store::{Author, Directory, StoreError};
///
/// # async fn example(store: &dyn Directory, now: chrono::DateTime<chrono::Utc>) -> Result<(), StoreError> {
/// store.set_policy(&"acme".into(), "[admission]\ncreate = 'never'", &Author::new(Actor::Operator, now)).await
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Author {
    /// The person or program.
    pub actor: Actor,
    /// The time of the change.
    pub at: DateTime<Utc>,
}

impl Author {
    /// An author at a time.
    #[must_use]
    pub fn new(actor: Actor, at: DateTime<Utc>) -> Author {
        Author { actor, at }
    }
}

/// For stores: the audit records of configuration changes.
impl AuditRecord {
    /// The record of an API token that was issued or revoked.
    #[must_use]
    pub fn of_api_token(token: &crate::ApiToken, is_issued: bool, author: &Author) -> AuditRecord {
        let (rule, verb) = match is_issued {
            true => ("api_token.issued", "Issues"),
            false => ("api_token.revoked", "Revokes"),
        };
        let change = format!("{verb} the API token {} ({}).", token.id, Quoted::new(&token.name));
        let record = recorded_one(&token.organization, Entry::new(rule, change), author);
        AuditRecord { account: Some(token.account.clone()), ..record }
    }

    /// The records of what differs between two states of a set-up link: it was issued, renewed, revoked or used, and
    /// how far its holder has come.
    #[must_use]
    pub fn of_set_up_link(
        before: Option<&SetUpLink>,
        after: &SetUpLink,
        author: &Author,
    ) -> Vec<AuditRecord> {
        recorded(&after.organization, set_up_link(before, after), author)
    }

    /// The record of an organization that was added.
    #[must_use]
    pub fn of_added_organization(organization: &Organization, author: &Author) -> AuditRecord {
        let entry = Entry::new("organization.added", "Adds the organization.".to_owned());
        recorded_one(&organization.id, entry.values(None, Some(&organization.slug)), author)
    }

    /// The record of an account that was added without a plan.
    #[must_use]
    pub fn of_added_account(account: &Account, author: &Author) -> AuditRecord {
        let entry = Entry::new("account.added", "Adds the account.".to_owned());
        AuditRecord {
            account: Some(account.id.clone()),
            detail: Some(AuditDetail::Account(Box::new(account.clone()))),
            ..recorded_one(&account.organization, entry.values(None, Some(&account.email)), author)
        }
    }

    /// The record of a team that was added without a plan.
    #[must_use]
    pub fn of_added_team(team: &Team, author: &Author) -> AuditRecord {
        let entry = Entry::new("team.added", "Adds the team.".to_owned());
        AuditRecord {
            detail: Some(AuditDetail::Team(Box::new(team.clone()))),
            ..recorded_one(&team.organization, entry.values(None, Some(&team.name)), author)
        }
    }

    /// The record of a project that was added without a plan.
    #[must_use]
    pub fn of_added_project(project: &Project, author: &Author) -> AuditRecord {
        let entry = Entry::new("project.added", "Adds the project.".to_owned());
        AuditRecord {
            detail: Some(AuditDetail::Project(Box::new(project.clone()))),
            ..recorded_one(&project.organization, entry.values(None, Some(&project.name)), author)
        }
    }

    /// The records of everything that differs between two states of an organization's own record: names, entitlement,
    /// seats, domains, conversion, tokens (by their public names, which are not secret) and connections.
    #[must_use]
    pub fn of_organization(before: &Organization, after: &Organization, author: &Author) -> Vec<AuditRecord> {
        let mut entries = own_record(before, after);
        entries.extend(conversion(before, after));
        entries.extend(tokens(before, after));
        entries.extend(difference(
            ("organization.connections", "Signs people in over other connections."),
            listed(&before.connections),
            listed(&after.connections),
        ));
        recorded(&after.id, entries, author)
    }

    /// The record of a new policy, or `None` if the policy did not change. `None` as the earlier policy: there was
    /// none.
    #[must_use]
    pub fn of_policy(
        organization: &OrganizationId,
        before: Option<&str>,
        after: &str,
        author: &Author,
    ) -> Vec<AuditRecord> {
        let what = ("policy.set", "Sets the policy.");
        let entry = difference(what, before.map(str::to_owned), Some(after.to_owned()));
        recorded(organization, entry, author)
    }

    /// The record of a connection that was added.
    pub(crate) fn of_added_connection(connection: &StoredConnection, author: &Author) -> AuditRecord {
        recorded_one(&connection.organization, connection_audit::added(connection), author)
    }

    /// The records of everything that differs between two states of a connection, as far as its budget allows.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for settings that cannot be written.
    pub(crate) fn of_changed_connection(
        before: &StoredConnection,
        after: &StoredConnection,
        budget: &mut RecordBudget,
        author: &Author,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let entries = connection_audit::changed(before, after, budget, author.at)?;
        Ok(recorded(&after.organization, entries, author))
    }

    /// The record of a SCIM token that was issued.
    #[must_use]
    pub fn of_scim_token(token: &ScimToken, author: &Author) -> Vec<AuditRecord> {
        let over = &token.connection;
        let entry =
            Entry::new("scim.token_issued", format!("Issues a SCIM token for the connection {over}."));
        recorded(&token.organization, vec![entry.values(None, Some(token.id()))], author)
    }

    /// The record of a SCIM token that was revoked.
    #[must_use]
    pub fn of_revoked_scim_token(token: &ScimToken, author: &Author) -> Vec<AuditRecord> {
        let over = &token.connection;
        let entry =
            Entry::new("scim.token_revoked", format!("Revokes a SCIM token of the connection {over}."));
        recorded(&token.organization, vec![entry.values(Some(token.id()), None)], author)
    }

    /// The records of what a decision about connections changed in the record of the organization. Its list of connections
    /// is not recorded by itself; the records of the connections contain it.
    pub(crate) fn of_decided_organization(
        before: &Organization,
        after: &Organization,
        author: &Author,
    ) -> Vec<AuditRecord> {
        let entries = [own_record(before, after), conversion(before, after), tokens(before, after)].concat();
        recorded(&after.id, entries, author)
    }
}

fn recorded(
    organization: &OrganizationId,
    entries: impl IntoIterator<Item = Entry>,
    author: &Author,
) -> Vec<AuditRecord> {
    entries.into_iter().map(|entry| recorded_one(organization, entry, author)).collect()
}

/// Makes a record. What owners and the operator write is kept whole, since a change at the end of a long text must be
/// seen, and has limits of its own. What metadata states is shortened: whoever controls its address writes it.
fn recorded_one(organization: &OrganizationId, entry: Entry, author: &Author) -> AuditRecord {
    let is_whole = entry.rule.starts_with("organization.")
        || ["policy.set", "connection.settings"].contains(&entry.rule);
    let kept = |value: String| if is_whole { value } else { cut(value) };
    AuditRecord {
        organization: organization.clone(),
        account: None,
        actor: Some(author.actor.clone()),
        at: author.at,
        rule: RuleId::from(entry.rule),
        change: cut(entry.change),
        before: entry.before.map(kept),
        after: entry.after.map(kept),
        assertion_hash: None,
        detail: None,
    }
}

/// Names, plan and verified domains.
fn own_record(before: &Organization, after: &Organization) -> Vec<Entry> {
    let text = |text: &str| Some(text.to_owned());
    let entitled = |is: bool| text(if is { "entitled" } else { "not entitled" });
    let seats = |limit: Option<u32>| limit.map(|limit| limit.to_string());
    [
        difference(("organization.name", "Renames the organization."), text(&before.name), text(&after.name)),
        difference(
            ("organization.slug", "Gives the organization another slug."),
            text(&before.slug),
            text(&after.slug),
        ),
        difference(
            ("organization.entitlement", "Changes whether the plan includes SAML SSO."),
            entitled(before.entitled),
            entitled(after.entitled),
        ),
        difference(
            ("organization.seats", "Changes how many accounts the plan allows."),
            seats(before.seat_limit),
            seats(after.seat_limit),
        ),
        difference(
            ("organization.domains", "Changes the verified domains."),
            listed(&before.verified_domains),
            listed(&after.verified_domains),
        ),
        difference(
            ("organization.domain_challenges", "Asks for records in the DNS that verify domains."),
            listed(before.domain_challenges.iter().map(|challenge| &challenge.domain)),
            listed(after.domain_challenges.iter().map(|challenge| &challenge.domain)),
        ),
        difference(
            (
                "organization.domain_proofs",
                "The DNS answers otherwise about the records of verified domains.",
            ),
            listed(missing_records(before)),
            listed(missing_records(after)),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The domains of which the DNS has the record no more, each with since when.
fn missing_records(organization: &Organization) -> impl Iterator<Item = String> {
    organization.domain_proofs.iter().filter_map(|proof| {
        let DomainProof { domain, missing_since, lost_at, .. } = proof;
        let lost = lost_at.map(|at| format!("{domain} is no longer proven since {}", at.to_rfc3339()));
        lost.or_else(|| missing_since.map(|at| format!("{domain} has no record since {}", at.to_rfc3339())))
    })
}

fn difference(
    (rule, change): (&'static str, &str),
    before: Option<String>,
    after: Option<String>,
) -> Option<Entry> {
    (before != after).then(|| Entry { before, after, ..Entry::new(rule, change) })
}

fn listed<T: ToString>(all: impl IntoIterator<Item = T>) -> Option<String> {
    let all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn conversion(before: &Organization, after: &Organization) -> Vec<Entry> {
    let entry = match (before.identity_provider(), after.identity_provider()) {
        (None, Some(now)) => {
            let entry = Entry::new("organization.converted", "Converts the organization to SAML.");
            Some(entry.values(None, Some(now.as_str())))
        }
        (Some(was), None) => {
            let entry = Entry::new("organization.disconnected", "Disconnects the organization from SAML.");
            Some(entry.values(Some(was.as_str()), None))
        }
        _ => None,
    };
    entry.into_iter().collect()
}

fn tokens(before: &Organization, after: &Organization) -> Vec<Entry> {
    let earlier = |token: &TokenRecord| before.tokens.iter().find(|earlier| earlier.hash == token.hash);
    let entry = |token: &TokenRecord| match earlier(token) {
        None => Some(Entry::new("token.issued", format!("Issues the token {}.", token.id))),
        Some(earlier) if earlier.revoked_at != token.revoked_at => {
            Some(Entry::new("token.revoked", format!("Revokes the token {}.", token.id)))
        }
        Some(earlier) if earlier.expires_at != token.expires_at => {
            let end = token.expires_at.map(|end| end.to_rfc3339());
            let entry = Entry::new("token.rotated", format!("Lets the token {} end.", token.id));
            Some(entry.values(None, end.as_deref()))
        }
        Some(_) => None,
    };
    after.tokens.iter().filter_map(entry).collect()
}

fn set_up_link(before: Option<&SetUpLink>, after: &SetUpLink) -> Vec<Entry> {
    let id = &after.id;
    let end = |link: &SetUpLink| link.expires_at.to_rfc3339();
    let Some(before) = before else {
        let entry = Entry::new("set_up_link.issued", format!("Issues the set-up link {id}."));
        return vec![entry.values(None, Some(&end(after)))];
    };
    let is_renewed =
        before.expires_at != after.expires_at || (before.used_at.is_some() && after.used_at.is_none());
    let renewed = is_renewed.then(|| {
        let entry = Entry::new("set_up_link.renewed", format!("Renews the set-up link {id}."));
        entry.values(Some(&end(before)), Some(&end(after)))
    });
    let revoked = (before.revoked_at.is_none() && after.revoked_at.is_some())
        .then(|| Entry::new("set_up_link.revoked", format!("Revokes the set-up link {id}.")));
    let used = (before.used_at.is_none() && after.used_at.is_some())
        .then(|| Entry::new("set_up_link.used", format!("Finishes the set-up by the link {id}.")));
    let (was, is) = (&before.progress, &after.progress);
    let product = difference(
        ("set_up_link.product", "Chooses the product of the identity provider."),
        was.product.clone(),
        is.product.clone(),
    );
    let trial = is.trial.as_ref().filter(|trial| was.trial.as_ref() != Some(trial)).map(|trial| {
        let entry =
            Entry::new("set_up_link.trial", format!("Tries the connection {} out.", trial.connection));
        entry.values(None, Some(trial.refused.as_deref().unwrap_or("accepted")))
    });
    [renewed, product.filter(|_| !is_renewed), trial, used, revoked].into_iter().flatten().collect()
}
