//! SCIM resources and tokens in SQL.

use chrono::{DateTime, Utc};
use vouchsafe::{
    ConnectionId,
    provisioning::{
        Account, AccountId, DirectoryGroup, EmailAddress, GroupId, OrganizationId, ScimChange, ScimFact,
        ScimMembers, ScimRecord, Snapshot, TokenHash,
    },
};

use super::{Batch, Engine, Row, Runs, Sql, Transaction, connections, decide, locks, rows, run_one, writes};
use crate::{
    Answer, AuditRecord, Author, Decides, ScimApplied, ScimDecision, ScimFrom, ScimKey, ScimKind, ScimPage,
    ScimResource, ScimStore, ScimToken, SignInError, StoreError,
};

const BY_IDS: Sql = Sql {
    sqlite: "SELECT number, record FROM vouchsafe_scim_resources
             WHERE connection = ? AND kind = ? AND id IN (SELECT value FROM json_each(?)) ORDER BY number",
    postgres: "SELECT number, record FROM vouchsafe_scim_resources
               WHERE connection = ? AND kind = ? AND id = ANY(?) ORDER BY number",
};
const BY_NAME: &str = "
    SELECT number, record FROM vouchsafe_scim_resources
    WHERE connection = ? AND kind = ? AND name = ? ORDER BY number";
const BY_EXTERNAL_ID: &str = "
    SELECT number, record FROM vouchsafe_scim_resources
    WHERE connection = ? AND kind = ? AND external_id = ? ORDER BY number";
const FROM_INDEX: &str = "
    SELECT number, record FROM vouchsafe_scim_resources
    WHERE connection = ? AND kind = ? ORDER BY number LIMIT ? OFFSET ?";
const AFTER_NUMBER: &str = "
    SELECT number, record FROM vouchsafe_scim_resources
    WHERE connection = ? AND kind = ? AND number > ? ORDER BY number LIMIT ?";
const TOTAL: &str = "SELECT count(*) FROM vouchsafe_scim_resources WHERE connection = ? AND kind = ?";

impl<E: Engine> ScimStore for E {
    fn find_scim<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        by: &'a ScimKey,
    ) -> Answer<'a, Vec<ScimResource>> {
        Box::pin(async move {
            let asked = match by {
                ScimKey::Ids(ids) => of_kind(BY_IDS, connection, kind).bind(findable(ids)),
                ScimKey::Name(name) => match ScimResource::name_key(name) {
                    name if is_findable(&name) => of_kind(BY_NAME, connection, kind).bind(name),
                    _ => return Ok(Vec::new()),
                },
                ScimKey::ExternalId(external_id) if is_findable(external_id) => {
                    of_kind(BY_EXTERNAL_ID, connection, kind).bind(external_id.as_str())
                }
                ScimKey::ExternalId(_) => return Ok(Vec::new()),
            };
            self.ask(asked).await?.rows.iter().map(resource).collect()
        })
    }

    fn scim_page<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        from: ScimFrom,
        most: usize,
    ) -> Answer<'a, ScimPage> {
        let asked = match from {
            ScimFrom::Index(index) => of_kind(FROM_INDEX, connection, kind).bind(most).bind(index),
            ScimFrom::After(number) => of_kind(AFTER_NUMBER, connection, kind).bind(number).bind(most),
        };
        let asked = asked.then(TOTAL).bind(connection.as_str()).bind(kind.name());
        self.read(Box::new(move |runs| {
            Box::pin(async move {
                let answered = runs.run(asked).await?;
                let [page, total] = answered.as_slice() else {
                    return Err(StoreError::damaged("answer", "it is not one for each statement"));
                };
                let resources = page.rows.iter().map(resource).collect::<Result<_, _>>()?;
                Ok(ScimPage::new(resources, usize::try_from(total.number()?).unwrap_or(usize::MAX)))
            })
        }))
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

    fn count_scim_members<'a>(&'a self, group: &'a GroupId) -> Answer<'a, usize> {
        const COUNT: &str = "SELECT count(*) FROM vouchsafe_group_members WHERE group_id = ?";
        Box::pin(async move {
            let count = self.ask(Batch::of(COUNT).bind(group.as_str())).await?.number()?;
            Ok(usize::try_from(count).unwrap_or(usize::MAX))
        })
    }

    fn decide_scim(&self, decision: ScimDecision) -> Decides<'_, ScimApplied> {
        self.write::<_, SignInError>(Box::new(move |turn| Box::pin(decided(turn, decision))))
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
        self.write::<(), StoreError>(Box::new(move |turn| {
            Box::pin(async move {
                locks::organization(turn, &token.organization).await?;
                rows::organization_alone(turn, &token.organization).await?;
                if connections::is_retired(turn, &token.connection).await? {
                    return Err(StoreError::connection_retired(&token.connection));
                }
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
        }))
    }

    fn revoke_scim_token<'a>(
        &'a self,
        connection: &'a ConnectionId,
        id: &'a str,
        author: &'a Author,
    ) -> Answer<'a, bool> {
        let (connection, id, author) = (connection.clone(), id.to_owned(), author.clone());
        self.write::<bool, StoreError>(Box::new(move |turn| {
            Box::pin(async move {
                let is_meant = |token: &ScimToken| token.id() == id;
                let known = tokens_of(turn, &connection).await?;
                let Some(token) = known.into_iter().find(is_meant) else { return Ok(false) };
                // As it is when nobody else changes it: a rotation writes the token too.
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
        }))
    }

    fn scim_token_used<'a>(&'a self, hash: &'a TokenHash, at: DateTime<Utc>) -> Answer<'a, ()> {
        const USED: &str = "
            UPDATE vouchsafe_scim_tokens SET last_used_at = ?
            WHERE hash = ? AND coalesce(last_used_at, 0) < ?";
        let at = at.timestamp_millis();
        self.apply(Batch::of(USED).bind(at).bind(hash.to_hex()).bind(at))
    }
}

/// Whom a fact names, where it is decided on a part of the organization.
#[derive(Debug, Default)]
pub(super) struct Named {
    ids: Vec<String>,
    keys: Vec<String>,
    email: Option<String>,
}

/// Whom a fact names; `None`: it is about all of the organization.
pub(super) async fn named(runs: &mut dyn Transaction, fact: &ScimFact) -> Result<Option<Named>, StoreError> {
    const GROUP: &str = "SELECT record FROM vouchsafe_groups WHERE id = ? AND connection = ?";
    let over = &fact.connection;
    match &fact.change {
        ScimChange::SetUser { account, user, .. } => {
            let external_id = user.external_id.as_deref();
            let keys = external_id.map(|id| ScimRecord::key_of_external_id(over, id)).into_iter();
            // A userName that is an address stands for one that is not given.
            let email = user.email.as_deref().unwrap_or(&user.user_name);
            Ok(Some(Named {
                ids: vec![account.as_str().to_owned()],
                keys: keys.chain([ScimRecord::key_of_user_name(over, &user.user_name)]).collect(),
                email: Some(EmailAddress::key_of(email)),
            }))
        }
        ScimChange::DeleteUser { account, .. } => {
            Ok(Some(Named { ids: vec![account.as_str().to_owned()], ..Named::default() }))
        }
        ScimChange::SetGroup { id, group, members: ScimMembers::Changed { join, leave, .. }, .. }
            if is_findable(id.as_str()) =>
        {
            let asked = Batch::of(GROUP).bind(id.as_str()).bind(over.as_str());
            let answered = run_one(runs, asked).await?;
            let known: Vec<DirectoryGroup> = rows::all_records("group", &answered)?;
            // Another name may give other teams to everybody who is in it.
            let is_the_same = known.first().is_some_and(|known| {
                known.name == group.name.trim() && known.external_id == group.external_id
            });
            let ids = join.iter().chain(leave).map(|id| id.as_str().to_owned());
            Ok(is_the_same.then(|| Named { ids: ids.collect(), ..Named::default() }))
        }
        _ => Ok(None),
    }
}

/// Loads those, every active owner, and what they could be given.
pub(super) async fn load_named(
    runs: &mut dyn Transaction,
    named: &Named,
    snapshot: &mut Snapshot,
) -> Result<(), StoreError> {
    const ACCOUNTS: Sql = Sql {
        sqlite: "
            WITH ids (id) AS (
                SELECT value FROM json_each(?)
                UNION SELECT id FROM vouchsafe_accounts WHERE organization = ? AND email = ?
                UNION SELECT id FROM vouchsafe_accounts WHERE organization = ? AND active = 1 AND is_owner = 1
                UNION SELECT account FROM vouchsafe_identities
                    WHERE organization = ? AND identity IN (SELECT value FROM json_each(?)))
            SELECT record FROM vouchsafe_accounts WHERE id IN (SELECT id FROM ids) AND +organization = ?
            ORDER BY number",
        postgres: "
            WITH ids (id) AS (
                SELECT unnest(?::text[])
                UNION SELECT id FROM vouchsafe_accounts WHERE organization = ? AND email = ?
                UNION SELECT id FROM vouchsafe_accounts WHERE organization = ? AND active = 1 AND is_owner = 1
                UNION SELECT account FROM vouchsafe_identities WHERE organization = ? AND identity = ANY(?))
            SELECT record FROM vouchsafe_accounts WHERE id IN (SELECT id FROM ids) AND organization = ?
            ORDER BY number",
    };
    let organization = snapshot.organization.id.as_str();
    let asked = Batch::of(ACCOUNTS)
        .bind(findable(&named.ids))
        .bind(organization)
        .bind(named.email.as_deref().filter(|email| is_findable(email)))
        .bind(organization)
        .bind(organization)
        .bind(findable(&named.keys))
        .bind(organization);
    snapshot.accounts = rows::all_records("account", &run_one(runs, asked).await?)?;
    rows::load_all_but_accounts(runs, snapshot).await?;
    rows::load_seats(runs, snapshot).await
}

/// The plan and the resource, in one transaction.
async fn decided(turn: &mut dyn Transaction, decision: ScimDecision) -> Result<ScimApplied, SignInError> {
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
    let decided = over_directory.decide(&snapshot, &policy)?;
    decide::domains_are_free(turn, &decided, &snapshot, &asked_domains).await?;
    let (connection, kind) = (decision.fact.connection.as_str(), decision.kind());
    let stored = match decision.resource_id(&decided) {
        Some(id) => stored(turn, &decision.fact.connection, kind, id).await?,
        None => None,
    };
    let written = decision.written(stored.as_ref(), &decided)?;
    let batch = writes::decided(Batch::default(), &decided, &snapshot)?;
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
    let asked = of_kind(BY_IDS, connection, kind).bind(findable(&[id.to_owned()]));
    run_one(runs, asked).await?.rows.first().map(resource).transpose()
}

async fn tokens_of(
    runs: &mut (impl Runs + ?Sized),
    connection: &ConnectionId,
) -> Result<Vec<ScimToken>, StoreError> {
    const OF_CONNECTION: &str = "SELECT record, last_used_at FROM vouchsafe_scim_tokens WHERE connection = ?";
    let answered = run_one(runs, Batch::of(OF_CONNECTION).bind(connection.as_str())).await?;
    answered.rows.iter().map(token).collect()
}

/// Ends what an identity provider pushes with. The organization is locked.
pub(super) async fn end_tokens(
    turn: &mut dyn Transaction,
    batch: Batch,
    connection: &ConnectionId,
    author: &Author,
) -> Result<Batch, StoreError> {
    let mut batch = batch;
    for mut token in tokens_of(turn, connection).await? {
        if token.revoke(author.at) {
            batch = put_token(batch, &token)?;
            batch = writes::audit(batch, &AuditRecord::of_revoked_scim_token(&token, author))?;
        }
    }
    Ok(batch)
}

fn put_token(batch: Batch, token: &ScimToken) -> Result<Batch, StoreError> {
    let batch = batch.then("UPDATE vouchsafe_scim_tokens SET record = ? WHERE hash = ?");
    Ok(batch.bind(rows::to_json("SCIM token", token)?).bind(token.record.hash.to_hex()))
}

fn of_kind(sql: impl Into<Sql>, connection: &ConnectionId, kind: ScimKind) -> Batch {
    Batch::of(sql).bind(connection.as_str()).bind(kind.name())
}

fn resource(row: &Row) -> Result<ScimResource, StoreError> {
    let mut resource: ScimResource = rows::from_json("SCIM resource", row.text(1)?)?;
    resource.number = row.integer(0)?.unsigned_abs();
    Ok(resource)
}

fn token(row: &Row) -> Result<ScimToken, StoreError> {
    let mut token: ScimToken = rows::from_json("SCIM token", row.text(0)?)?;
    token.last_used_at = row.optional_integer(1)?.and_then(DateTime::from_timestamp_millis);
    Ok(token)
}

/// No text in PostgreSQL has the character NUL, so that nothing is found by one that has it.
fn is_findable(text: &str) -> bool {
    !text.contains('\0')
}

fn findable(texts: &[String]) -> Vec<String> {
    texts.iter().filter(|text| is_findable(text)).cloned().collect()
}
