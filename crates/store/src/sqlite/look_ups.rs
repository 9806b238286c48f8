//! Look-ups by name, many at a time.
//!
//! Every sign-in looks up the request that it answers and the revision of its connection, and every page looks up a
//! session. Each is one row by its primary key, so handing the question to a thread and the connection back to the pool
//! costs more than the answer. All questions that arrive while the last ones are answered therefore go into one
//! statement.

use std::collections::HashMap;

use sqlx::SqlitePool;
use tokio::sync::{mpsc, oneshot};

use super::{Stopped, failed_together};
use crate::{StoreError, sql::Wanted};

/// The most questions in one statement.
const GROUP: usize = 64;

/// Each row says which kind of question it answers. A kind that nobody asked for is not read.
const FIND: &str = "
    SELECT 1, pending.handle, pending.record FROM json_each(?) AS wanted
    CROSS JOIN vouchsafe_pending AS pending ON pending.handle = wanted.value
    UNION ALL
    SELECT 2, session.hash, session.last_used_at || ' ' || session.record FROM json_each(?) AS wanted
    CROSS JOIN vouchsafe_sessions AS session ON session.hash = wanted.value
    WHERE NOT EXISTS (
        SELECT 1 FROM vouchsafe_epochs AS now WHERE now.account = session.account AND now.epoch > session.epoch)
    UNION ALL
    SELECT 3, connection.id, CAST(connection.revision AS TEXT) FROM json_each(?) AS wanted
    CROSS JOIN vouchsafe_connections AS connection ON connection.id = wanted.value";

type Reply = oneshot::Sender<Result<Option<String>, StoreError>>;

#[derive(Debug)]
pub(super) struct LookUps {
    questions: mpsc::Sender<(Wanted, Reply)>,
}

impl LookUps {
    /// Starts on the caller's runtime, and ends when the last clone of the store is dropped.
    pub(super) fn start(pool: SqlitePool) -> Self {
        let (questions, mut waiting) = mpsc::channel(1024);
        tokio::spawn(async move {
            let mut group = Vec::new();
            while waiting.recv_many(&mut group, GROUP).await > 0 {
                answer_all(&pool, std::mem::take(&mut group)).await;
            }
        });
        Self { questions }
    }

    /// Everything that was written before this call is found.
    pub(super) async fn find(&self, wanted: Wanted) -> Result<Option<String>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let stopped = || StoreError::unavailable(Stopped);
        self.questions.send((wanted, reply)).await.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

async fn answer_all(pool: &SqlitePool, group: Vec<(Wanted, Reply)>) {
    let found = find_all(pool, group.iter().map(|(wanted, _)| wanted)).await;
    let mut failure = None;
    let found = found.unwrap_or_else(|error| {
        failure = Some(error);
        HashMap::new()
    });
    for (wanted, reply) in group {
        let answer = match &failure {
            None => Ok(found.get(&wanted).cloned()),
            Some(error) => Err(failed_together(error)),
        };
        // A caller that no longer waits is not answered.
        let _ = reply.send(answer);
    }
}

async fn find_all(
    pool: &SqlitePool,
    wanted: impl Iterator<Item = &Wanted>,
) -> Result<HashMap<Wanted, String>, sqlx::Error> {
    let (mut pending, mut sessions, mut connections) = (Vec::new(), Vec::new(), Vec::new());
    for one in wanted {
        match one {
            Wanted::Pending(handle) => pending.push(handle),
            Wanted::Session(hash) => sessions.push(hash),
            Wanted::Revision(id) => connections.push(id),
        }
    }
    let mut query = sqlx::query_as(FIND);
    for names in [pending, sessions, connections] {
        query = query.bind(serde_json::to_string(&names).map_err(|error| sqlx::Error::Encode(error.into()))?);
    }
    let rows: Vec<(i64, String, String)> = query.fetch_all(pool).await?;
    let named = |(kind, name, value): (i64, String, String)| match kind {
        1 => (Wanted::Pending(name), value),
        2 => (Wanted::Session(name), value),
        _ => (Wanted::Revision(name), value),
    };
    Ok(rows.into_iter().map(named).collect())
}

#[cfg(test)]
mod tests {
    use super::{super::Sqlite, *};
    use crate::PendingStore as _;

    #[tokio::test]
    async fn each_is_found_by_its_key() {
        let steps = Sqlite::in_memory().await.unwrap().steps_of(FIND).await;
        let searches: Vec<_> = steps.iter().filter(|step| step.starts_with("SEARCH")).collect();
        assert_eq!(searches.len(), 4, "{steps:#?}");
        let are_by_key = |step: &&&String| {
            ["handle=?", "hash=?", "account=?", "id=?"].iter().any(|key| step.ends_with(&format!("({key})")))
        };
        assert_eq!(searches.iter().filter(are_by_key).count(), 4, "{steps:#?}");
        assert!(steps.iter().all(|step| !step.starts_with("SCAN") || step.contains("VIRTUAL TABLE")));
    }

    /// Equal keys of different kinds are kept apart, and each question gets its own answer.
    #[tokio::test]
    async fn many_questions_at_once_get_their_own_answers() {
        let store = Sqlite::in_memory().await.unwrap();
        for name in ["a", "b"] {
            sqlx::query("INSERT INTO vouchsafe_pending (handle, record, expires_at) VALUES (?, ?, 0)")
                .bind(name)
                .bind(format!("pending {name}"))
                .execute(&store.pool)
                .await
                .unwrap();
        }
        let insert = "INSERT INTO vouchsafe_sessions (hash, account, record, expires_at) VALUES ('a', '1', 'session', 0)";
        sqlx::query(insert).execute(&store.pool).await.unwrap();
        let find = |wanted| store.look_ups.find(wanted);
        let (pending, other, session, none, connection, again) = tokio::join!(
            find(Wanted::Pending("a".to_owned())),
            find(Wanted::Pending("b".to_owned())),
            find(Wanted::Session("a".to_owned())),
            find(Wanted::Session("b".to_owned())),
            find(Wanted::Revision("a".to_owned())),
            find(Wanted::Pending("a".to_owned())),
        );
        assert_eq!(pending.unwrap().as_deref(), Some("pending a"));
        assert_eq!(other.unwrap().as_deref(), Some("pending b"));
        assert_eq!(session.unwrap().as_deref(), Some("0 session"));
        assert_eq!((none.unwrap(), connection.unwrap()), (None, None));
        assert_eq!(again.unwrap().as_deref(), Some("pending a"));
    }

    #[tokio::test]
    async fn a_closed_store_answers_an_outage_to_each() {
        let store = Sqlite::in_memory().await.unwrap();
        store.close().await;
        let now = chrono::DateTime::UNIX_EPOCH;
        let (one, other) = tokio::join!(store.find_pending("a", now), store.find_pending("b", now));
        for answer in [one, other] {
            assert_eq!(answer.unwrap_err().code(), "store.unavailable");
        }
    }
}
