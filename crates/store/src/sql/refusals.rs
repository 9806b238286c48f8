//! Refused sign-ins in SQL.

use vouchsafe::provisioning::{LoginFacts, Snapshot};

use super::{Batch, Engine, Fails, run_one, writes};
use crate::{RefusedSignIn, SignInError, StoreError};

/// Why a sign-in came to nothing, and what the audit says of it.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: SignInError,
    pub(super) noted: Option<Box<RefusedSignIn>>,
}

impl Refused {
    pub(super) fn of(before: &Snapshot, login: &LoginFacts, error: SignInError) -> Self {
        let noted = RefusedSignIn::of(before, login, &error).map(Box::new);
        Self { error, noted }
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

/// Notes a refusal, unless it was noted in this hour, or too many were.
pub(super) async fn note(engine: &impl Engine, refused: RefusedSignIn) -> Result<(), StoreError> {
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
        .bind(RefusedSignIn::MOST_AN_HOUR);
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
    use crate::{Directory as _, Sqlite, refused_sign_in::tests::refused};

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
        assert_eq!(count().await, RefusedSignIn::MOST_AN_HOUR);
        note(&store, refused("ada", 10_800)).await.unwrap();
        assert_eq!(count().await, RefusedSignIn::MOST_AN_HOUR + 1);
        let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM vouchsafe_refusals")
            .fetch_one(store.reading())
            .await
            .unwrap();
        assert_eq!(kept, 1, "what is over is forgotten");
    }
}
