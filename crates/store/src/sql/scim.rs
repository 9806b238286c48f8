//! SCIM resources and tokens in SQL.

mod search;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use vouchsafe::{
    ConnectionId,
    provisioning::{Account, AccountId, GroupId, OrganizationId, TokenHash},
};

use super::{
    Batch, Engine, Row, Sql, Transaction, connection_rows, decide, decided, locks,
    refusals::{self, Refused},
    rows::{self, findable},
    run_one,
    scim_tokens::{put_token, token, token_and_state, tokens_of},
    writes,
};
use crate::{
    Answer, AuditRecord, Author, Decides, ScimApplied, ScimDecision, ScimKey, ScimKind, ScimPage,
    ScimResource, ScimStore, ScimToken, StoreError,
};

impl<E: Engine> ScimStore for E {
    fn find_scim<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        by: &'a ScimKey,
        page: ScimPage,
    ) -> Answer<'a, Vec<ScimResource>> {
        Box::pin(async move {
            let asked = search::find(connection, kind, by, page);
            self.ask(asked).await?.rows.iter().map(resource).collect()
        })
    }

    fn count_scim<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        by: &'a ScimKey,
    ) -> Answer<'a, usize> {
        Box::pin(async move {
            let count = self.ask(search::count(connection, kind, by)).await?.number()?;
            Ok(usize::try_from(count).unwrap_or(usize::MAX))
        })
    }

    fn scim_names<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        ids: &'a [String],
    ) -> Answer<'a, BTreeMap<String, String>> {
        // PostgreSQL cannot parse JSON that contains an escaped NUL. Such a resource is rare and is read here as a
        // whole.
        const NAMES: Sql = Sql {
            sqlite: "SELECT id, record -> 'name' FROM vouchsafe_scim_resources
                     WHERE connection = ? AND kind = ? AND id IN (SELECT value FROM json_each(?))",
            postgres: r"SELECT id, CASE WHEN record LIKE '%\\u0000%' THEN record ELSE (record::json -> 'name')::text END
                        FROM vouchsafe_scim_resources WHERE connection = ? AND kind = ? AND id = ANY(?)",
        };
        Box::pin(async move {
            let asked = Batch::of(NAMES).bind(connection.as_str()).bind(kind.name()).bind(findable(ids));
            let answered = self.ask(asked).await?;
            answered.rows.iter().map(|row| Ok((row.text(0)?.to_owned(), name_in(row.text(1)?)?))).collect()
        })
    }

    fn scim_accounts<'a>(
        &'a self,
        organization: &'a OrganizationId,
        accounts: &'a [AccountId],
    ) -> Answer<'a, Vec<Account>> {
        const ACCOUNTS: Sql = Sql {
            sqlite: "SELECT record FROM vouchsafe_accounts
                     WHERE organization = ? AND id IN (SELECT value FROM json_each(?))",
            postgres: "SELECT record FROM vouchsafe_accounts WHERE organization = ? AND id = ANY(?)",
        };
        Box::pin(async move {
            let ids: Vec<String> = accounts.iter().map(|id| id.as_str().to_owned()).collect();
            let asked = Batch::of(ACCOUNTS).bind(organization.as_str()).bind(findable(&ids));
            let answered = self.ask(asked).await?;
            answered.rows.iter().map(|row| rows::from_json("account", row.text(0)?)).collect()
        })
    }

    fn scim_members<'a>(&'a self, groups: &'a [GroupId]) -> Answer<'a, Vec<(GroupId, AccountId)>> {
        const MEMBERS: Sql = Sql {
            sqlite: "SELECT group_id, account FROM vouchsafe_group_members
                     WHERE group_id IN (SELECT value FROM json_each(?)) ORDER BY group_id, account",
            postgres: "SELECT group_id, account FROM vouchsafe_group_members
                       WHERE group_id = ANY(?) ORDER BY group_id, account",
        };
        Box::pin(async move {
            let ids: Vec<String> = groups.iter().map(|id| id.as_str().to_owned()).collect();
            let answered = self.ask(Batch::of(MEMBERS).bind(findable(&ids))).await?;
            let member = |row: &Row| Ok((GroupId::new(row.text(0)?), AccountId::new(row.text(1)?)));
            answered.rows.iter().map(member).collect()
        })
    }

    fn count_scim_members<'a>(&'a self, groups: &'a [GroupId]) -> Answer<'a, BTreeMap<GroupId, usize>> {
        const COUNTS: Sql = Sql {
            sqlite: "SELECT group_id, count(*) FROM vouchsafe_group_members
                     WHERE group_id IN (SELECT value FROM json_each(?)) GROUP BY group_id",
            postgres: "SELECT group_id, count(*) FROM vouchsafe_group_members
                       WHERE group_id = ANY(?) GROUP BY group_id",
        };
        Box::pin(async move {
            let ids: Vec<String> = groups.iter().map(|id| id.as_str().to_owned()).collect();
            let answered = self.ask(Batch::of(COUNTS).bind(findable(&ids))).await?;
            answered.rows.iter().map(|row| counted(row, GroupId::new)).collect()
        })
    }

    fn count_scim_groups<'a>(&'a self, accounts: &'a [AccountId]) -> Answer<'a, BTreeMap<AccountId, usize>> {
        const COUNTS: Sql = Sql {
            sqlite: "SELECT account, count(*) FROM vouchsafe_group_members
                     WHERE account IN (SELECT value FROM json_each(?)) GROUP BY account",
            postgres: "SELECT account, count(*) FROM vouchsafe_group_members
                       WHERE account = ANY(?) GROUP BY account",
        };
        Box::pin(async move {
            let ids: Vec<String> = accounts.iter().map(|id| id.as_str().to_owned()).collect();
            let answered = self.ask(Batch::of(COUNTS).bind(findable(&ids))).await?;
            answered.rows.iter().map(|row| counted(row, AccountId::new)).collect()
        })
    }

    fn decide_scim(&self, decision: ScimDecision) -> Decides<'_, ScimApplied> {
        Box::pin(async move {
            let _permit = self.permit(&decision.organization.clone()).await?;
            let decided = self.write::<_, Refused>(Box::new(move |turn| Box::pin(decided(turn, decision))));
            refusals::noting(self, decided).await
        })
    }

    fn scim_token<'a>(&'a self, hash: &'a TokenHash) -> Answer<'a, Option<ScimToken>> {
        const BY_HASH: &str = "SELECT record, last_used_at FROM vouchsafe_scim_tokens WHERE hash = ?";
        Box::pin(async move {
            let answered = self.ask(Batch::of(BY_HASH).bind(hash.to_hex())).await?;
            answered.rows.first().map(token).transpose()
        })
    }

    fn scim_tokens<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Vec<ScimToken>> {
        let connection = connection.clone();
        self.read(Box::new(move |runs| {
            Box::pin(async move {
                let mut tokens = tokens_of(runs, &connection).await?;
                ScimToken::sort(&mut tokens);
                Ok(tokens)
            })
        }))
    }

    fn add_scim_token<'a>(
        &'a self,
        token: &'a ScimToken,
        others_end: Option<DateTime<Utc>>,
        author: &'a Author,
    ) -> Answer<'a, ()> {
        const ADD: &str =
            "INSERT INTO vouchsafe_scim_tokens (hash, connection, organization, record) VALUES (?, ?, ?, ?)";
        let (token, author) = (token.clone(), author.clone());
        let organization = token.organization.clone();
        self.write_for::<(), StoreError>(
            &organization,
            Box::new(move |turn| {
                Box::pin(async move {
                    locks::organization(turn, &token.organization).await?;
                    let known = rows::organization_alone(turn, &token.organization).await?;
                    let stored = connection_rows::owner_and_state(turn, &token.connection).await?;
                    let stored = stored.as_ref().map(|(owner, state)| (owner, *state));
                    token.may_be_added(&known.organization, stored)?;
                    let mut batch = Batch::default();
                    if let Some(end) = others_end {
                        for mut other in tokens_of(turn, &token.connection).await? {
                            other.end_by(end);
                            batch = put_token(batch, &other)?;
                        }
                    }
                    let batch = batch
                        .then(ADD)
                        .if_taken("the SCIM token")
                        .bind(token.record.hash.to_hex())
                        .bind(token.connection.as_str())
                        .bind(token.organization.as_str())
                        .bind(rows::to_json("SCIM token", &token)?);
                    turn.write(writes::audit(batch, &AuditRecord::of_scim_token(&token, &author))?);
                    Ok(())
                })
            }),
        )
    }

    fn revoke_scim_token<'a>(
        &'a self,
        connection: &'a ConnectionId,
        id: &'a str,
        author: &'a Author,
    ) -> Answer<'a, bool> {
        let (connection, id, author) = (connection.clone(), id.to_owned(), author.clone());
        Box::pin(async move {
            let _permit = self.permit_over(&connection.clone()).await?;
            let revoke = self.write::<bool, StoreError>(Box::new(move |turn| {
                Box::pin(async move {
                    let is_meant = |token: &ScimToken| token.id() == id;
                    let known = tokens_of(turn, &connection).await?;
                    let Some(token) = known.into_iter().find(is_meant) else { return Ok(false) };
                    // Reads it under a lock, since a rotation writes the token too.
                    locks::organization(turn, &token.organization).await?;
                    let known = tokens_of(turn, &connection).await?;
                    let Some(mut token) = known.into_iter().find(is_meant) else { return Ok(false) };
                    if !token.revoke(author.at) {
                        return Ok(false);
                    }
                    let batch = put_token(Batch::default(), &token)?;
                    turn.write(writes::audit(batch, &AuditRecord::of_revoked_scim_token(&token, &author))?);
                    Ok(true)
                })
            }));
            revoke.await
        })
    }

    fn scim_token_used<'a>(&'a self, hash: &'a TokenHash, at: DateTime<Utc>) -> Answer<'a, ()> {
        const USED: &str = "
            UPDATE vouchsafe_scim_tokens SET last_used_at = ?
            WHERE hash = ? AND coalesce(last_used_at, 0) < ?";
        let at = at.timestamp_millis();
        self.apply(Batch::of(USED).bind(at).bind(hash.to_hex()).bind(at))
    }
}

/// The plan and the resource, in one transaction.
async fn decided(turn: &mut dyn Transaction, decision: ScimDecision) -> Result<ScimApplied, Refused> {
    const ADD: &str = "
        INSERT INTO vouchsafe_scim_resources (connection, kind, id, name, external_id, record)
        VALUES (?, ?, ?, ?, ?, ?)";
    const CHANGE: &str = "
        UPDATE vouchsafe_scim_resources SET name = ?, external_id = ?, record = ?
        WHERE connection = ? AND kind = ? AND id = ?";
    const REMOVE: &str = "DELETE FROM vouchsafe_scim_resources WHERE connection = ? AND kind = ? AND id = ?";
    const TAKEN: &str = "the name of the SCIM resource";
    let over_directory = decision.decision();
    let (snapshot, policy, asked_domains) = decide::read(turn, over_directory.about()).await?;
    let (token, state) = token_and_state(turn, &decision.token).await?;
    let refused = |error| Refused::of_scim(&decision, &snapshot, token.as_ref(), error);
    decision.is_still_acceptable(token.as_ref(), state).map_err(refused)?;
    let decided = over_directory.decide(&snapshot, &policy).map_err(refused)?;
    decide::domains_are_free(turn, &decided, &snapshot, &asked_domains).await?;
    let (connection, kind) = (decision.fact.connection.as_str(), decision.kind());
    let stored = match decision.resource_id(&decided) {
        Some(id) => stored(turn, &decision.fact.connection, kind, id).await?,
        None => None,
    };
    let written = decision.written(stored.as_ref(), &decided)?;
    let batch = decided::statements(Batch::default(), &decided, &snapshot)?;
    let batch = search::index(batch, (connection, kind), written.as_ref(), stored.as_ref());
    turn.write(match (&written, &stored) {
        (None, None) => batch,
        (None, Some(gone)) => batch.then(REMOVE).bind(connection).bind(kind.name()).bind(gone.id.as_str()),
        (Some(written), Some(stored)) if written == stored => batch,
        (Some(written), Some(_)) => batch
            .then(CHANGE)
            .if_taken(TAKEN)
            .bind(ScimResource::name_key(&written.name))
            .bind(written.external_id.as_deref())
            .bind(rows::to_json("SCIM resource", written)?)
            .bind(connection)
            .bind(kind.name())
            .bind(written.id.as_str()),
        (Some(written), None) => batch
            .then(ADD)
            .if_taken(TAKEN)
            .bind(connection)
            .bind(kind.name())
            .bind(written.id.as_str())
            .bind(ScimResource::name_key(&written.name))
            .bind(written.external_id.as_deref())
            .bind(rows::to_json("SCIM resource", written)?),
    });
    Ok(ScimApplied::new(decided.plan, written))
}

async fn stored(
    runs: &mut dyn Transaction,
    connection: &ConnectionId,
    kind: ScimKind,
    id: &str,
) -> Result<Option<ScimResource>, StoreError> {
    let asked = search::find(connection, kind, &ScimKey::id(id), ScimPage::first(1));
    run_one(runs, asked).await?.rows.first().map(resource).transpose()
}

fn resource(row: &Row) -> Result<ScimResource, StoreError> {
    let mut resource: ScimResource = rows::from_json("SCIM resource", row.text(1)?)?;
    resource.number = row.integer(0)?.unsigned_abs();
    Ok(resource)
}

/// The name of a resource, from its JSON or from that of the whole resource.
fn name_in(json: &str) -> Result<String, StoreError> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Read {
        Name(String),
        Whole { name: String },
    }
    rows::from_json("SCIM resource", json).map(|read| match read {
        Read::Name(name) | Read::Whole { name } => name,
    })
}

/// The pairs of owner and number.
fn counted<T>(row: &Row, of: impl FnOnce(String) -> T) -> Result<(T, usize), StoreError> {
    Ok((of(row.text(0)?.to_owned()), usize::try_from(row.integer(1)?).unwrap_or(usize::MAX)))
}
