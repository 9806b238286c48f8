//! The server that the tests run against, and a schema of it for each.

use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{Connection as _, PgConnection};

/// Where the address of the server stands.
const ADDRESS: &str = "VOUCHSAFE_TEST_POSTGRES_URL";

/// A schema, which goes with the test.
pub(crate) struct Schema {
    server: String,
    address: String,
    name: String,
}

impl Schema {
    /// The address of the server with this schema.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

/// A new schema, if there is a server. Without one the test says so; under `CI` that is a failure.
pub(crate) async fn schema() -> Option<Schema> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var(ADDRESS) else {
        assert!(std::env::var_os("CI").is_none(), "{ADDRESS} is not set");
        let skipped = format!("skipped: {ADDRESS} is not set\n");
        std::io::stderr().write_all(skipped.as_bytes()).unwrap();
        return None;
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("vouchsafe_test_{}_{number}", std::process::id());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {name}"));
    sqlx::query(create).execute(&mut connection).await.unwrap();
    let separator = if server.contains('?') { '&' } else { '?' };
    let address =
        format!("{server}{separator}options=-c%20search_path%3D{name}%20-c%20application_name%3D{name}");
    Some(Schema { server, address, name })
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // The test's own runtime may be over. What is left behind by a failure here goes with the server.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&server).await.ok()?;
                let drop = sqlx::AssertSqlSafe(format!("DROP SCHEMA {name} CASCADE"));
                sqlx::query(drop).execute(&mut connection).await.ok()
            })
        });
        let _ = dropping.join();
    }
}
