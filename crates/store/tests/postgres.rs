//! The suite on PostgreSQL, for real: each test in a schema of its own, in the database of `VOUCHSAFE_TEST_POSTGRES_URL`.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod postgres_server;

use postgres_server::{Schema, schema};
use vouchsafe_store::Postgres;

async fn postgres() -> Option<(Postgres, Schema)> {
    let schema = schema().await?;
    Some((Postgres::connect(schema.address()).await.unwrap(), schema))
}

vouchsafe_store::conformance!(where available: postgres);
vouchsafe_store::conformance!(of api_tokens where available: postgres);
vouchsafe_store::conformance!(of forms where available: postgres);
vouchsafe_store::conformance!(of ended_sessions where available: postgres);
vouchsafe_store::conformance!(of set_up_links where available: postgres);
vouchsafe_store::conformance!(of audit_feed where available: postgres);
vouchsafe_store::conformance!(of sign_in_history where available: postgres);
vouchsafe_store::conformance!(of key_history where available: postgres);
vouchsafe_store::conformance!(of scim where available: postgres);
