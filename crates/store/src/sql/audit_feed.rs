//! The audit as a feed in SQL.
//!
//! PostgreSQL numbers records when they are written, and a transaction that began earlier may commit later: a reader
//! that used this number would miss records. Records therefore get their position when they are first read, for all
//! that are committed by then, one reader at a time. SQLite writes in one order.

use vouchsafe::provisioning::OrganizationId;

use super::{Batch, Engine, Row, Runs, Sql, decide::audit_record, locks, run_one};
use crate::{Answer, AuditCursor, AuditEntry, AuditFeed, StoreError};

const PLACE: &str = "
    UPDATE vouchsafe_audit SET place = placed.place FROM (
        SELECT number, (SELECT coalesce(max(place), 0) FROM vouchsafe_audit) + row_number() OVER (ORDER BY number) AS place
        FROM vouchsafe_audit WHERE place IS NULL) AS placed
    WHERE vouchsafe_audit.number = placed.number";

macro_rules! after {
    ($place:literal, $where:literal) => {
        concat!(
            "SELECT account, actor, at, rule, change, before, after, assertion_hash, detail, organization, ",
            $place,
            " FROM vouchsafe_audit WHERE ",
            $where,
            $place,
            " > ? ORDER BY ",
            $place,
            " LIMIT ?"
        )
    };
}

const OF_ALL: Sql = Sql { sqlite: after!("number", ""), postgres: after!("place", "") };

const OF_ONE: Sql = Sql {
    sqlite: after!("number", "organization = ? AND "),
    postgres: after!("place", "organization = ? AND "),
};

impl<E: Engine> AuditFeed for E {
    fn audit_after<'a>(
        &'a self,
        organization: Option<&'a OrganizationId>,
        after: AuditCursor,
        most: usize,
    ) -> Answer<'a, Vec<AuditEntry>> {
        let asked = match organization {
            Some(organization) => Batch::of(OF_ONE).bind(organization.as_str()),
            None => Batch::of(OF_ALL),
        };
        let asked = asked.bind(after.place()).bind(most);
        self.write::<_, StoreError>(Box::new(move |turn| {
            Box::pin(async move {
                if !turn.is_alone() {
                    locks::audit(turn).await?;
                    run_one(turn, Batch::of(PLACE)).await?;
                }
                read(turn, asked).await
            })
        }))
    }

    fn audit_delivered<'a>(&'a self, receiver: &'a str) -> Answer<'a, AuditCursor> {
        let asked = Batch::of("SELECT place FROM vouchsafe_audit_receivers WHERE name = ?").bind(receiver);
        Box::pin(async move { Ok(AuditCursor::new(self.ask(asked).await?.number()?.unsigned_abs())) })
    }

    fn keep_audit_delivered<'a>(&'a self, receiver: &'a str, until: AuditCursor) -> Answer<'a, ()> {
        const KEEP: &str = "
            INSERT INTO vouchsafe_audit_receivers (name, place) VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET place = excluded.place
            WHERE excluded.place > vouchsafe_audit_receivers.place";
        self.apply(Batch::of(KEEP).bind(receiver).bind(until.place()))
    }
}

async fn read(runs: &mut dyn Runs, asked: Batch) -> Result<Vec<AuditEntry>, StoreError> {
    let answered = run_one(runs, asked).await?;
    let entry = |row: &Row| {
        let record = audit_record(OrganizationId::new(row.text(9)?), row)?;
        Ok(AuditEntry::new(AuditCursor::new(row.integer(10)?.unsigned_abs()), record))
    };
    answered.rows.iter().map(entry).collect()
}
