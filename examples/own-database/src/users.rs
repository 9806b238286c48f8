//! The application's users: a table that was there before SAML, and one for the identities that lead to its rows.
//!
//! docs/YOUR_USERS.md explains the four cases of a sign-in.

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Row, Sqlite, SqlitePool, Transaction};
use vouchsafe::Explain;
use vouchsafe_axum::{Accepted, HttpError};

use crate::sessions::{self, Sessions};

const TABLES: &str = "
create table if not exists users (
    id            integer primary key,
    customer      text not null,
    email         text,
    is_owner      boolean not null default false,
    has_password  boolean not null default false,
    blocked       boolean not null default false
);
create unique index if not exists users_of_address on users (customer, lower(email));
create table if not exists verified_domains (
    domain        text primary key,
    customer      text not null
);
create table if not exists saml_identities (
    identity      text primary key,
    user_id       integer not null references users (id)
);";

/// The tables of users.
#[derive(Clone, Debug)]
pub struct Users(SqlitePool);

/// The reasons why the application refuses somebody whom the identity provider vouches for.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unwelcome {
    /// The row is blocked.
    #[error("the user is blocked")]
    Blocked,
    /// The row with the address may not be taken.
    #[error("another account of the customer has the e-mail address")]
    AddressTaken,
}

impl Explain for Unwelcome {
    fn code(&self) -> &'static str {
        match self {
            Self::Blocked => "app.blocked",
            Self::AddressTaken => "app.address_taken",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Blocked => "Unblock the user in the list of users.",
            Self::AddressTaken => {
                "Verify the domain of the address, and look whether the account has an identity, a password or a higher role."
            }
        }
    }
}

impl From<Unwelcome> for HttpError {
    fn from(unwelcome: Unwelcome) -> HttpError {
        let sentence = match unwelcome {
            Unwelcome::Blocked => "Your account is blocked.",
            Unwelcome::AddressTaken => "An account with your e-mail address exists already.",
        };
        HttpError::refused_with(sentence, unwelcome)
    }
}

impl Users {
    /// The users in this file, which is made if it is not there.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub async fn open(file: &str) -> Result<Users, sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
        Users::over(SqlitePool::connect_with(options).await?).await
    }

    /// Users in memory, which are gone with the process. They have one connection, since each has a memory of its own.
    ///
    /// # Errors
    /// When SQLite cannot be started.
    pub async fn in_memory() -> Result<Users, sqlx::Error> {
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        Users::over(pool.connect("sqlite::memory:").await?).await
    }

    async fn over(pool: SqlitePool) -> Result<Users, sqlx::Error> {
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        sqlx::raw_sql(sessions::TABLE).execute(&pool).await?;
        Ok(Users(pool))
    }

    /// The sessions of the users, in the same database.
    pub(crate) fn sessions(&self) -> Sessions {
        Sessions(self.0.clone())
    }

    /// Adds a user who has not signed in by SAML yet, and returns the id.
    ///
    /// # Errors
    /// When the customer has a user with the address.
    pub async fn add(&self, customer: &str, email: &str, is_owner: bool) -> Result<i64, sqlx::Error> {
        let insert = "insert into users (customer, email, is_owner) values ($1, $2, $3) returning id";
        let row = sqlx::query(insert).bind(customer).bind(email).bind(is_owner).fetch_one(&self.0).await?;
        row.try_get(0)
    }

    /// Records that the domain belongs to the customer. How that is proved is not in this example: docs/SET_UP_PORTAL.md
    /// has pages for it.
    ///
    /// # Errors
    /// When another customer has the domain.
    pub async fn verify_domain(&self, customer: &str, domain: &str) -> Result<(), sqlx::Error> {
        let insert = "insert into verified_domains (domain, customer) values (lower($1), $2)";
        sqlx::query(insert).bind(domain).bind(customer).execute(&self.0).await.map(drop)
    }

    /// Blocks a user: the next sign-in is refused, and no session of the user is found any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn block(&self, id: i64) -> Result<(), sqlx::Error> {
        sqlx::query("update users set blocked = true where id = $1").bind(id).execute(&self.0).await.map(drop)
    }

    /// The id of the user of that login, who is found, or made at the first one.
    pub(crate) async fn sign_in(&self, accepted: &Accepted) -> Result<i64, HttpError> {
        let (identity, login) = (accepted.identity()?, &accepted.login);
        // What is no address is not kept: others may have the same.
        let email = login.attributes().first("user.email").filter(|email| email.contains('@'));
        // Here each customer has one connection, with the customer's name.
        let customer = login.connection().as_str();
        let found = self.find_or_make(customer, &identity.key(), email).await;
        found.map_err(|error| HttpError::unavailable("users", error))?.map_err(HttpError::from)
    }

    async fn find_or_make(
        &self,
        customer: &str,
        identity: &str,
        email: Option<&str>,
    ) -> Result<Result<i64, Unwelcome>, sqlx::Error> {
        // SQLite gives the right to write now, so that two first sign-ins do not both find nobody.
        let mut transaction = self.0.begin_with("begin immediate").await?;
        // Case 1: the person has signed in before.
        let select = "select id, blocked from users join saml_identities on user_id = id where identity = $1";
        if let Some(row) = sqlx::query(select).bind(identity).fetch_optional(&mut *transaction).await? {
            return if row.try_get("blocked")? {
                Ok(Err(Unwelcome::Blocked))
            } else {
                row.try_get("id").map(Ok)
            };
        }
        let id = match with_address(&mut transaction, customer, email).await? {
            Some(Ok(id)) => id,
            Some(Err(unwelcome)) => return Ok(Err(unwelcome)),
            // Case 2: nobody of this customer has the address.
            None => {
                let insert = "insert into users (customer, email) values ($1, $2) returning id";
                let row = sqlx::query(insert).bind(customer).bind(email).fetch_one(&mut *transaction).await?;
                row.try_get(0)?
            }
        };
        let insert = "insert into saml_identities (identity, user_id) values ($1, $2)";
        sqlx::query(insert).bind(identity).bind(id).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Ok(id))
    }
}

/// The row of this customer that has the address, if the person may take it (case 3), or the reason why not (case 4).
async fn with_address(
    transaction: &mut Transaction<'_, Sqlite>,
    customer: &str,
    email: Option<&str>,
) -> Result<Option<Result<i64, Unwelcome>>, sqlx::Error> {
    let Some((_, domain)) = email.and_then(|email| email.rsplit_once('@')) else { return Ok(None) };
    let select = "
        select id, blocked,
            not is_owner and not has_password
            and not exists (select 1 from saml_identities where user_id = id)
            and exists (select 1 from verified_domains where domain = lower($3) and customer = $1) as is_free
        from users where customer = $1 and lower(email) = lower($2)";
    let query = sqlx::query(select).bind(customer).bind(email).bind(domain);
    let Some(row) = query.fetch_optional(&mut **transaction).await? else { return Ok(None) };
    let (is_free, blocked): (bool, bool) = (row.try_get("is_free")?, row.try_get("blocked")?);
    Ok(Some(match (is_free, blocked) {
        (false, _) => Err(Unwelcome::AddressTaken),
        (true, true) => Err(Unwelcome::Blocked),
        (true, false) => Ok(row.try_get("id")?),
    }))
}
