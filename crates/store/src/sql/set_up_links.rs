//! Set-up links in SQL.

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::{Actor, OrganizationId};

use super::{Answered, Batch, Engine, Sql, Transaction, memoranda::changed, rows, run_one, writes};
use crate::{
    Answer, AuditRecord, Author, SetUpLink, SetUpSecret, SetUpStore, StoreError,
    text::milliseconds_rounded_up,
};

const ADD: &str = "
    INSERT INTO vouchsafe_set_up_links (hash, id, organization, issued_at, expires_at, record)
    VALUES (?, ?, ?, ?, ?, ?)";

const BY_HASH: &str = "SELECT record FROM vouchsafe_set_up_links WHERE hash = ?";

const BY_ID: &str = "SELECT record FROM vouchsafe_set_up_links WHERE id = ?";

const OF_ORGANIZATION: &str = "
    SELECT record FROM vouchsafe_set_up_links WHERE organization = ? ORDER BY issued_at, id";

/// A link, locked for a change.
const TO_CHANGE: Sql = Sql {
    sqlite: "SELECT record FROM vouchsafe_set_up_links WHERE id = ?",
    postgres: "SELECT record FROM vouchsafe_set_up_links WHERE id = $1 FOR UPDATE",
};

/// A link, locked against changes.
const AS_IT_IS: Sql = Sql {
    sqlite: "SELECT record FROM vouchsafe_set_up_links WHERE id = ?",
    postgres: "SELECT record FROM vouchsafe_set_up_links WHERE id = $1 FOR SHARE",
};

const CHANGE: &str = "UPDATE vouchsafe_set_up_links SET expires_at = ?, record = ? WHERE id = ?";

const OVER: &str = "
    SELECT record FROM vouchsafe_set_up_links WHERE expires_at <= ? ORDER BY expires_at, id LIMIT ?";

/// Rows are locked in one order to avoid deadlocks.
const DELETE_OVER: Sql = Sql {
    sqlite: "
        DELETE FROM vouchsafe_set_up_links WHERE id IN (SELECT value FROM json_each(?)) AND expires_at <= ?",
    postgres: "
        DELETE FROM vouchsafe_set_up_links WHERE number IN (
            SELECT number FROM vouchsafe_set_up_links WHERE id = ANY($1::text[]) AND expires_at <= $2
            ORDER BY number FOR UPDATE)",
};

impl<E: Engine> SetUpStore for E {
    fn add_set_up_link<'a>(
        &'a self,
        secret: &'a SetUpSecret,
        link: &'a SetUpLink,
        author: &'a Author,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let first = link.first();
            let add = Batch::of(ADD)
                .if_taken("the set-up link")
                .bind(secret.hash())
                .bind(first.id.as_str())
                .bind(first.organization.as_str())
                .bind(first.issued_at.timestamp_millis())
                .bind(milliseconds_rounded_up(first.expires_at))
                .bind(rows::to_json("set-up link", &first)?);
            let batch = writes::audit(add, &AuditRecord::of_set_up_link(None, &first, author))?;
            self.write_for::<(), StoreError>(
                &link.organization,
                Box::new(move |turn| {
                    Box::pin(async move {
                        rows::organization_alone(turn, &first.organization).await?;
                        turn.run(batch).await.map(drop)
                    })
                }),
            )
            .await
        })
    }

    fn find_set_up_link<'a>(&'a self, secret: &'a SetUpSecret) -> Answer<'a, Option<SetUpLink>> {
        Box::pin(async move { first(&self.ask(Batch::of(BY_HASH).bind(secret.hash())).await?) })
    }

    fn set_up_link<'a>(&'a self, id: &'a str) -> Answer<'a, Option<SetUpLink>> {
        Box::pin(async move {
            // Texts in PostgreSQL cannot contain the character NUL.
            match id.contains('\0') {
                true => Ok(None),
                false => first(&self.ask(Batch::of(BY_ID).bind(id)).await?),
            }
        })
    }

    fn set_up_links_of<'a>(&'a self, organization: &'a OrganizationId) -> Answer<'a, Vec<SetUpLink>> {
        Box::pin(async move {
            let answered = self.ask(Batch::of(OF_ORGANIZATION).bind(organization.as_str())).await?;
            rows::all_records("set-up link", &answered)
        })
    }

    fn update_set_up_link<'a>(&'a self, link: &'a SetUpLink, author: &'a Author) -> Answer<'a, u64> {
        let (changed, author) = (link.clone(), author.clone());
        self.write_for::<u64, StoreError>(
            &link.organization,
            Box::new(move |turn| {
                Box::pin(async move {
                    let before = run_one(turn, Batch::of(TO_CHANGE).bind(changed.id.as_str())).await?;
                    let before = first(&before)?.ok_or_else(StoreError::set_up_link_unknown)?;
                    let next = changed.in_place_of(&before)?;
                    let change = Batch::of(CHANGE)
                        .bind(milliseconds_rounded_up(next.expires_at))
                        .bind(rows::to_json("set-up link", &next)?)
                        .bind(next.id.as_str());
                    let records = AuditRecord::of_set_up_link(Some(&before), &next, &author);
                    turn.run(writes::audit(change, &records)?).await?;
                    Ok(next.revision)
                })
            }),
        )
    }

    fn set_up_links_over(&self, before: DateTime<Utc>) -> Answer<'_, Vec<SetUpLink>> {
        let asked = Batch::of(OVER)
            .bind(before.timestamp_millis())
            .bind(i64::try_from(SetUpLink::MOST_OVER).unwrap_or(i64::MAX));
        Box::pin(async move { rows::all_records("set-up link", &self.ask(asked).await?) })
    }

    fn delete_set_up_links<'a>(&'a self, ids: &'a [String], before: DateTime<Utc>) -> Answer<'a, u64> {
        let delete = Batch::of(DELETE_OVER).bind(ids.to_vec()).bind(before.timestamp_millis());
        Box::pin(changed(self, delete))
    }
}

/// Refuses what the holder of a link asks for if the link does not work any more: it may have been revoked since the request
/// came. Whoever revokes it waits for this transaction, or this one for them. The links may be in another store; then
/// nothing is known about them here.
pub(super) async fn require_open(turn: &mut dyn Transaction, author: &Author) -> Result<(), StoreError> {
    let Actor::SetUpLink(id) = &author.actor else { return Ok(()) };
    SetUpLink::require_open(as_it_is(turn, id).await?.as_ref(), author.at)
}

/// Refuses to end what a link left if the link was renewed since it was found to be over. Whoever renews it waits for this
/// transaction, or this one for them.
pub(super) async fn require_over(
    turn: &mut dyn Transaction,
    id: &str,
    before: DateTime<Utc>,
) -> Result<(), StoreError> {
    SetUpLink::require_over(as_it_is(turn, id).await?.as_ref(), before)
}

/// A link that nobody changes during the transaction.
async fn as_it_is(turn: &mut dyn Transaction, id: &str) -> Result<Option<SetUpLink>, StoreError> {
    // Texts in PostgreSQL cannot contain the character NUL.
    match id.contains('\0') {
        true => Ok(None),
        false => first(&run_one(turn, Batch::of(AS_IT_IS).bind(id)).await?),
    }
}

fn first(answered: &Answered) -> Result<Option<SetUpLink>, StoreError> {
    answered.rows.first().map(|row| rows::from_json("set-up link", row.text(0)?)).transpose()
}
