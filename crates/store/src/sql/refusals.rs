//! Refusals, written to the audit in SQL.

use vouchsafe::provisioning::{LoginFacts, Snapshot};

use super::{Batch, Doing, Engine, Fails, run_one, writes};
use crate::{AskedDecision, AuditedRefusal, ScimDecision, ScimToken, SignInError, StoreError};

/// The reason of a refusal, and its audit record.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: SignInError,
    pub(super) noted: Option<Box<AuditedRefusal>>,
}

impl Refused {
    pub(super) fn of(before: &Snapshot, login: &LoginFacts, error: SignInError) -> Self {
        let noted = AuditedRefusal::of_sign_in(before, login, &error).map(Box::new);
        Self { error, noted }
    }

    /// The same of a SCIM request, which came with this token.
    pub(super) fn of_scim(
        decision: &ScimDecision,
        before: &Snapshot,
        token: Option<&ScimToken>,
        error: SignInError,
    ) -> Self {
        let noted = decision.refused(before, token, &error).map(Box::new);
        Self { error, noted }
    }

    /// The same of a decision.
    pub(super) fn of_decision(asked: &AskedDecision, before: &Snapshot, error: SignInError) -> Self {
        let noted = asked.refused(before, &error).map(Box::new);
        Self { error, noted }
    }
}

/// The result of a decision, or its refusal, which is written to the audit.
pub(super) async fn noting<T>(
    engine: &impl Engine,
    decided: Doing<'_, T, Refused>,
) -> Result<T, SignInError> {
    match decided.await {
        Ok(decided) => Ok(decided),
        Err(Refused { error, noted }) => {
            if let Some(noted) = noted {
                // The decision is refused even if the refusal cannot be written.
                let _ = note(engine, *noted).await;
            }
            Err(error)
        }
    }
}

impl From<StoreError> for Refused {
    fn from(failure: StoreError) -> Self {
        Self::from(SignInError::from(failure))
    }
}

impl From<SignInError> for Refused {
    fn from(error: SignInError) -> Self {
        Self { error, noted: None }
    }
}

impl Fails for Refused {
    #[cfg(feature = "sqlite")]
    fn is_of_the_database(&self) -> bool {
        self.error.is_of_the_database()
    }
}

/// Writes a refusal, unless it was written in this hour or there were too many.
pub(super) async fn note(engine: &impl Engine, refused: AuditedRefusal) -> Result<(), StoreError> {
    const NOTE: &str = "
        INSERT INTO vouchsafe_refusals (organization, hour, who, rule)
        SELECT ?, ?, ?, ? WHERE (SELECT count(*) FROM vouchsafe_refusals WHERE organization = ? AND hour = ?) < ?
        ON CONFLICT DO NOTHING";
    const FORGET: &str = "DELETE FROM vouchsafe_refusals WHERE organization = ? AND hour < ?";
    let organization = refused.organization().as_str();
    let note = Batch::of(NOTE)
        .bind(organization)
        .bind(refused.hour())
        .bind(refused.who())
        .bind(refused.record().rule.as_str())
        .bind(organization)
        .bind(refused.hour())
        .bind(AuditedRefusal::MOST_AN_HOUR);
    let forget = Batch::of(FORGET).bind(organization).bind(refused.hour());
    engine
        .write::<(), StoreError>(Box::new(move |turn| {
            Box::pin(async move {
                if run_one(turn, note).await?.changed == 1 {
                    turn.write(writes::audit(forget, std::slice::from_ref(refused.record()))?);
                }
                Ok(())
            })
        }))
        .await
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use super::*;
    use crate::{Directory as _, Sqlite, audited_refusal::tests::refused};

    #[tokio::test]
    async fn each_person_is_noted_once_an_hour_and_not_everybody() {
        let store = Sqlite::in_memory().await.unwrap();
        for _ in 0..3 {
            note(&store, refused("ada", 7_200)).await.unwrap();
        }
        let count = async || store.audit(&"acme".into()).await.unwrap().len();
        assert_eq!(count().await, 1);
        for number in 0..600 {
            note(&store, refused(&format!("{number}"), 7_201)).await.unwrap();
        }
        assert_eq!(count().await, AuditedRefusal::MOST_AN_HOUR);
        note(&store, refused("ada", 10_800)).await.unwrap();
        assert_eq!(count().await, AuditedRefusal::MOST_AN_HOUR + 1);
        let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM vouchsafe_refusals")
            .fetch_one(store.reading())
            .await
            .unwrap();
        assert_eq!(kept, 1, "what is over is forgotten");
    }
}
