//! The directory in SQLite.

use vouchsafe::provisioning::{
    Account, Domain, LoginFacts, LookUp, Organization, OrganizationId, Plan, Policy, Project, Snapshot, Team,
};

use super::{Sqlite, apply, rows};
use crate::{
    Answer, Applied, AuditRecord, Directory, StoreError, StoredMetadata, Versioned, directory::parsed_policy,
};

impl Directory for Sqlite {
    fn add_organization<'a>(&'a self, organization: &'a Organization) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut transaction = self.write().await?;
            sqlx::query(
                "INSERT INTO organizations (id, slug, identity_provider, version, record) VALUES (?, ?, ?, 0, ?)",
            )
            .bind(organization.id.as_str())
            .bind(&organization.slug)
            .bind(organization.identity_provider().map(|issuer| issuer.as_str()))
            .bind(rows::to_json("organization", organization)?)
            .execute(&mut *transaction)
            .await
            .map_err(|error| rows::unique("the organization's id or slug")(error.into()))?;
            rows::put_index(&mut transaction, organization).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn organization<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<Versioned<Organization>>> {
        Box::pin(async move { rows::organization(&mut *self.pool.acquire().await?, id).await })
    }

    fn organization_by_slug<'a>(&'a self, slug: &'a str) -> Answer<'a, Option<Versioned<Organization>>> {
        Box::pin(async move {
            self.only(sqlx::query_scalar("SELECT id FROM organizations WHERE slug = ?").bind(slug)).await
        })
    }

    fn organization_by_domain<'a>(
        &'a self,
        domain: &'a Domain,
    ) -> Answer<'a, Option<Versioned<Organization>>> {
        Box::pin(async move {
            const BY: &str = "SELECT organization FROM domains WHERE domain = ?";
            self.only(sqlx::query_scalar(BY).bind(domain.as_str())).await
        })
    }

    fn organizations(&self) -> Answer<'_, Vec<OrganizationId>> {
        Box::pin(async move {
            let ids: Vec<String> =
                sqlx::query_scalar("SELECT id FROM organizations ORDER BY id").fetch_all(&self.pool).await?;
            Ok(ids.into_iter().map(OrganizationId::new).collect())
        })
    }

    fn update_organization<'a>(&'a self, organization: &'a Versioned<Organization>) -> Answer<'a, u64> {
        Box::pin(async move {
            let Versioned { value, version } = organization;
            let mut transaction = self.write().await?;
            let next = rows::next_version(&mut transaction, &value.id, *version).await?;
            sqlx::query("UPDATE organizations SET slug = ?, identity_provider = ?, record = ? WHERE id = ?")
                .bind(&value.slug)
                .bind(value.identity_provider().map(|issuer| issuer.as_str()))
                .bind(rows::to_json("organization", value)?)
                .bind(value.id.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(|error| rows::unique("the organization's slug")(error.into()))?;
            rows::put_index(&mut transaction, value).await?;
            transaction.commit().await?;
            Ok(next)
        })
    }

    fn policy<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Policy> {
        Box::pin(async move {
            let toml: Option<Option<String>> =
                sqlx::query_scalar("SELECT policy FROM organizations WHERE id = ?")
                    .bind(id.as_str())
                    .fetch_optional(&self.pool)
                    .await?;
            let toml = toml.ok_or_else(|| StoreError::OrganizationUnknown { organization: id.clone() })?;
            parsed_policy(id, toml.as_deref())
        })
    }

    fn set_policy<'a>(&'a self, id: &'a OrganizationId, toml: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            parsed_policy(id, Some(toml))?;
            let mut transaction = self.write().await?;
            rows::changed(&mut transaction, id).await?;
            sqlx::query("UPDATE organizations SET policy = ? WHERE id = ?")
                .bind(toml)
                .bind(id.as_str())
                .execute(&mut *transaction)
                .await?;
            Ok(transaction.commit().await?)
        })
    }

    fn metadata<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<StoredMetadata>> {
        Box::pin(async move {
            let record: Option<Option<String>> =
                sqlx::query_scalar("SELECT metadata FROM organizations WHERE id = ?")
                    .bind(id.as_str())
                    .fetch_optional(&self.pool)
                    .await?;
            let record =
                record.ok_or_else(|| StoreError::OrganizationUnknown { organization: id.clone() })?;
            record.map(|record| rows::from_json("metadata", &record)).transpose()
        })
    }

    fn set_metadata<'a>(&'a self, id: &'a OrganizationId, metadata: &'a StoredMetadata) -> Answer<'a, ()> {
        Box::pin(async move {
            let updated = sqlx::query("UPDATE organizations SET metadata = ? WHERE id = ?")
                .bind(rows::to_json("metadata", metadata)?)
                .bind(id.as_str())
                .execute(&self.pool)
                .await?;
            if updated.rows_affected() == 0 {
                return Err(StoreError::OrganizationUnknown { organization: id.clone() });
            }
            Ok(())
        })
    }

    fn put_account<'a>(&'a self, account: &'a Account) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut transaction = self.write().await?;
            rows::changed(&mut transaction, &account.organization).await?;
            let put = rows::put_account(&mut transaction, account).await;
            put.map_err(rows::unique("the account's e-mail address or identity"))?;
            Ok(transaction.commit().await?)
        })
    }

    fn put_team<'a>(&'a self, team: &'a Team) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut transaction = self.write().await?;
            rows::changed(&mut transaction, &team.organization).await?;
            rows::put_team(&mut transaction, team).await.map_err(rows::unique("the team's name"))?;
            Ok(transaction.commit().await?)
        })
    }

    fn put_project<'a>(&'a self, project: &'a Project) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut transaction = self.write().await?;
            rows::changed(&mut transaction, &project.organization).await?;
            rows::put_project(&mut transaction, project).await.map_err(rows::unique("the project's name"))?;
            Ok(transaction.commit().await?)
        })
    }

    fn snapshot<'a>(&'a self, login: &'a LoginFacts) -> Answer<'a, Snapshot> {
        Box::pin(async move {
            const FIND: &str = "
                SELECT organization FROM (
                    SELECT 1 AS rank, organization FROM tokens WHERE hash IN (SELECT value FROM json_each(?1))
                    UNION ALL
                    SELECT 2 AS rank, id AS organization FROM organizations WHERE identity_provider = ?2)
                ORDER BY rank, organization LIMIT 1";
            let look_up = LookUp::of(login).map_err(StoreError::cryptography)?;
            let hashes: Vec<String> = look_up.token_hashes.iter().map(|hash| hash.to_hex()).collect();
            let mut transaction = self.pool.begin().await?;
            let found: Option<String> = sqlx::query_scalar(FIND)
                .bind(rows::to_json("look-up", &hashes)?)
                .bind(login.issuer.as_str())
                .fetch_optional(&mut *transaction)
                .await?;
            let found =
                found.ok_or_else(|| StoreError::NoOrganizationFor { issuer: login.issuer.to_string() })?;
            rows::snapshot(&mut transaction, &OrganizationId::new(found), Some(&look_up)).await
        })
    }

    fn whole<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Snapshot> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            rows::snapshot(&mut transaction, id, None).await
        })
    }

    fn apply<'a>(&'a self, plan: &'a Plan) -> Answer<'a, Applied> {
        Box::pin(apply::apply(self, plan))
    }

    fn audit<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Vec<AuditRecord>> {
        Box::pin(apply::audit(self, id))
    }
}

type OneId<'q> = sqlx::query::QueryScalar<'q, sqlx::Sqlite, String, sqlx::sqlite::SqliteArguments>;

impl Sqlite {
    /// The organization whose id a query answers, if it answers one.
    async fn only(&self, query: OneId<'_>) -> Result<Option<Versioned<Organization>>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let ids = query.fetch_all(&mut *transaction).await?;
        match ids.as_slice() {
            [id] => rows::organization(&mut transaction, &OrganizationId::from(id.as_str())).await,
            _ => Ok(None),
        }
    }
}
