//! Two instances of the service on one PostgreSQL and one Redis, one of which is killed: the command that also measures them.

use std::process::Command;

use sqlx::{Connection as _, PgConnection};

#[tokio::test]
async fn two_instances_share_a_database_and_one_is_killed() {
    let address = |name: &str| {
        let address = std::env::var(name).ok();
        assert!(address.is_some() || std::env::var_os("CI").is_none(), "{name} is not set");
        address
    };
    let postgres = address("VOUCHSAFE_TEST_POSTGRES_URL");
    let (Some(postgres), Some(redis)) = (postgres, address("VOUCHSAFE_TEST_REDIS_URL")) else {
        eprintln!("skipped: VOUCHSAFE_TEST_POSTGRES_URL or VOUCHSAFE_TEST_REDIS_URL is not set");
        return;
    };
    let schema = format!("vouchsafe_instances_{}", std::process::id());
    let mut connection = PgConnection::connect(&postgres).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
        .execute(&mut connection)
        .await
        .unwrap();
    let separator = if postgres.contains('?') { '&' } else { '?' };
    let store = format!("{postgres}{separator}options=-c%20search_path%3D{schema}");
    let ran = Command::new(env!("CARGO_BIN_EXE_okta"))
        .args(["--load", "20", "200", "--store", &store, "--pending", &redis])
        .output()
        .unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE")))
        .execute(&mut connection)
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(
        told.contains("no response was accepted twice") && told.contains("suspended at another machine"),
        "{told}"
    );
}
