//! The directory in SQLite.

use vouchsafe::provisioning::{
    Account, Domain, LoginFacts, Organization, OrganizationId, Policy, Project, Snapshot, Team,
};

use super::{
    OrFailed as _, Sqlite, batch::Batch, connections, decide, index, login, rows, turn::Runs as _, writes,
};
use crate::{
    Answer, Applied, AuditRecord, Author, CompletedSignIn, ConnectionDecision, Decides, Decision, Directory,
    OrganizationConnections, SignIn, StoreError, Versioned, directory::parsed_policy,
};

impl Directory for Sqlite {
    fn add_organization<'a>(&'a self, organization: &'a Organization) -> Answer<'a, ()> {
        let organization = organization.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let batch = Batch::of(
                    "INSERT INTO vouchsafe_organizations (id, slug, version, record) VALUES (?, ?, 0, ?)",
                )
                .if_taken("the organization's id or slug")
                .bind(organization.id.as_str())
                .bind(Organization::slug_key(&organization.slug))
                .bind(rows::to_json("organization", &organization)?);
                connection.run(index::put(batch, &organization)?).await.map(drop)
            })
        })
    }

    fn organization<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<Versioned<Organization>>> {
        Box::pin(async move { rows::organization(&mut *self.pool.acquire().await.or_failed()?, id).await })
    }

    fn organization_by_slug<'a>(&'a self, slug: &'a str) -> Answer<'a, Option<Versioned<Organization>>> {
        const BY: &str = "SELECT id FROM vouchsafe_organizations WHERE slug = ?";
        Box::pin(async move { self.only(sqlx::query_scalar(BY).bind(Organization::slug_key(slug))).await })
    }

    fn organization_by_domain<'a>(
        &'a self,
        domain: &'a Domain,
    ) -> Answer<'a, Option<Versioned<Organization>>> {
        const BY: &str = "SELECT organization FROM vouchsafe_domains WHERE domain = ?";
        Box::pin(async move { self.only(sqlx::query_scalar(BY).bind(domain.as_str())).await })
    }

    fn organizations(&self) -> Answer<'_, Vec<OrganizationId>> {
        Box::pin(async move {
            let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM vouchsafe_organizations ORDER BY id")
                .fetch_all(&self.pool)
                .await
                .or_failed()?;
            Ok(ids.into_iter().map(OrganizationId::new).collect())
        })
    }

    fn update_organization<'a>(
        &'a self,
        organization: &'a Versioned<Organization>,
        author: &'a Author,
    ) -> Answer<'a, u64> {
        let Versioned { value, version } = organization.clone();
        let author = author.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let before = rows::organization_alone(connection, &value.id).await?.organization;
                let next = rows::next_version(connection, &value.id, version).await?;
                let batch = rows::put_organization(Batch::default(), &value)?;
                let records = AuditRecord::of_organization(&before, &value, &author);
                connection.run(writes::audit(batch, &records)?).await?;
                Ok(next)
            })
        })
    }

    fn policy<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Policy> {
        Box::pin(async move { rows::policy(&mut *self.pool.acquire().await.or_failed()?, id).await })
    }

    fn set_policy<'a>(&'a self, id: &'a OrganizationId, toml: &'a str, author: &'a Author) -> Answer<'a, ()> {
        let read = parsed_policy(id, Some(toml));
        let (id, toml, author) = (id.clone(), toml.to_owned(), author.clone());
        self.write(move |connection| {
            Box::pin(async move {
                read?;
                rows::changed(connection, &id).await?;
                let before: Option<String> =
                    sqlx::query_scalar("SELECT policy FROM vouchsafe_organizations WHERE id = ?")
                        .bind(id.as_str())
                        .fetch_one(&mut *connection)
                        .await
                        .or_failed()?;
                sqlx::query("UPDATE vouchsafe_organizations SET policy = ? WHERE id = ?")
                    .bind(&toml)
                    .bind(id.as_str())
                    .execute(&mut *connection)
                    .await
                    .or_failed()?;
                let records = AuditRecord::of_policy(&id, before.as_deref(), &toml, &author);
                connection.run(writes::audit(Batch::default(), &records)?).await?;
                Ok(())
            })
        })
    }

    fn add_account<'a>(&'a self, account: &'a Account) -> Answer<'a, ()> {
        let account = account.clone();
        self.write(move |connection| {
            Box::pin(async move {
                rows::organization_alone(connection, &account.organization).await?;
                connection.run(writes::add_account(Batch::default(), &account)?).await.map(drop)
            })
        })
    }

    fn add_team<'a>(&'a self, team: &'a Team) -> Answer<'a, ()> {
        let team = team.clone();
        self.write(move |connection| {
            Box::pin(async move {
                rows::organization_alone(connection, &team.organization).await?;
                connection.run(writes::add_team(Batch::default(), &team)?).await.map(drop)
            })
        })
    }

    fn add_project<'a>(&'a self, project: &'a Project) -> Answer<'a, ()> {
        let project = project.clone();
        self.write(move |connection| {
            Box::pin(async move {
                rows::organization_alone(connection, &project.organization).await?;
                connection.run(writes::add_project(Batch::default(), &project)?).await.map(drop)
            })
        })
    }

    fn snapshot<'a>(&'a self, facts: &'a LoginFacts) -> Answer<'a, Snapshot> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await.or_failed()?;
            Ok(login::read(&mut *transaction, facts).await?.snapshot)
        })
    }

    fn whole<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Snapshot> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await.or_failed()?;
            rows::whole(&mut transaction, id).await
        })
    }

    fn sign_in(&self, sign_in: SignIn) -> Decides<'_, CompletedSignIn> {
        self.take_turn(move |turn| Box::pin(decide::sign_in(turn, sign_in)))
    }

    fn decide(&self, decision: Decision) -> Decides<'_, Applied> {
        self.take_turn(move |turn| Box::pin(decide::decide(turn, decision)))
    }

    fn decide_connections(&self, decision: ConnectionDecision) -> Decides<'_, OrganizationConnections> {
        self.write(move |connection| Box::pin(connections::decide(connection, decision)))
    }

    fn audit<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Vec<AuditRecord>> {
        Box::pin(decide::audit(self, id))
    }
}

type OneId<'q> = sqlx::query::QueryScalar<'q, sqlx::Sqlite, String, sqlx::sqlite::SqliteArguments>;

impl Sqlite {
    /// The organization whose id a query answers, if it answers one.
    async fn only(&self, query: OneId<'_>) -> Result<Option<Versioned<Organization>>, StoreError> {
        let mut transaction = self.pool.begin().await.or_failed()?;
        let ids = query.fetch_all(&mut *transaction).await.or_failed()?;
        match ids.as_slice() {
            [id] => rows::organization(&mut transaction, &OrganizationId::from(id.as_str())).await,
            _ => Ok(None),
        }
    }
}
