//! The directory in SQL.

use vouchsafe::provisioning::{
    Account, Domain, LoginFacts, Organization, OrganizationId, Policy, Project, ScimRecord, Snapshot, Team,
};

use super::{
    Batch, Engine, connection_decisions, customers, decide, locks, login,
    refusals::{self, Refused},
    rows, set_up_links, writes,
};
use crate::{
    About, AccountKey, Answer, Applied, AuditRecord, AuditedRefusal, Author, CompletedSignIn,
    ConnectionDecision, Decides, Decision, Directory, NewCustomer, OrganizationConnections, SignIn,
    SignInError, StoreError, Versioned, directory::parsed_policy,
};

impl<E: Engine> Directory for E {
    fn add_customer<'a>(
        &'a self,
        customer: &'a NewCustomer,
        author: &'a Author,
    ) -> Decides<'a, OrganizationConnections> {
        Box::pin(async move {
            let prepared = customer.prepared(author)?;
            let batch = customers::add(&prepared)?;
            let id = prepared.organization.id.clone();
            self.write_for::<_, SignInError>(
                &id,
                Box::new(move |turn| {
                    Box::pin(async move {
                        locks::organization(turn, &prepared.organization.id).await?;
                        locks::connections(turn, &prepared.organization.id).await?;
                        turn.run(batch).await?;
                        Ok(prepared.into_answer())
                    })
                }),
            )
            .await
        })
    }

    fn organization<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<Versioned<Organization>>> {
        Box::pin(only(self, Batch::of(rows::BY_ID).bind(id.as_str())))
    }

    fn organization_by_slug<'a>(&'a self, slug: &'a str) -> Answer<'a, Option<Versioned<Organization>>> {
        Box::pin(only(self, Batch::of(rows::BY_SLUG).bind(Organization::slug_key(slug))))
    }

    fn organization_by_domain<'a>(
        &'a self,
        domain: &'a Domain,
    ) -> Answer<'a, Option<Versioned<Organization>>> {
        Box::pin(only(self, Batch::of(rows::BY_DOMAIN).bind(domain.as_str())))
    }

    fn organizations(&self) -> Answer<'_, Vec<OrganizationId>> {
        Box::pin(async move {
            let answered = self.ask(Batch::of("SELECT id FROM vouchsafe_organizations")).await?;
            let mut ids: Vec<OrganizationId> = answered
                .rows
                .iter()
                .map(|row| row.text(0).map(OrganizationId::new))
                .collect::<Result<_, _>>()?;
            // Each engine sorts texts in its own way.
            ids.sort();
            Ok(ids)
        })
    }

    fn update_organization<'a>(
        &'a self,
        organization: &'a Versioned<Organization>,
        author: &'a Author,
    ) -> Answer<'a, u64> {
        let Versioned { value, version } = organization.clone();
        let author = author.clone();
        let id = value.id.clone();
        self.write_for::<u64, StoreError>(
            &id,
            Box::new(move |turn| {
                Box::pin(async move {
                    set_up_links::require_open(turn, &author).await?;
                    locks::organization(turn, &value.id).await?;
                    let before = rows::organization_alone(turn, &value.id).await?;
                    if before.version != version {
                        return Err(StoreError::conflict(value.id.clone(), version, before.version));
                    }
                    let next = rows::changed(turn, &value.id).await?;
                    let batch = rows::put_organization(Batch::default(), &value)?;
                    let records = AuditRecord::of_organization(&before.organization, &value, &author);
                    turn.run(writes::audit(batch, &records)?).await?;
                    Ok(next)
                })
            }),
        )
    }

    fn policy<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Policy> {
        Box::pin(async move {
            let answered = self.ask(Batch::of(rows::BY_ID).bind(id.as_str())).await?;
            let row = answered.rows.first().ok_or_else(|| StoreError::organization_unknown(id))?;
            rows::policy(row)
        })
    }

    fn policy_text<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<String>> {
        const TEXT: &str = "SELECT policy FROM vouchsafe_organizations WHERE id = ?";
        Box::pin(async move {
            let answered = self.ask(Batch::of(TEXT).bind(id.as_str())).await?;
            let row = answered.rows.first().ok_or_else(|| StoreError::organization_unknown(id))?;
            Ok(row.optional_text(0)?.map(str::to_owned))
        })
    }

    fn replace_policy<'a>(
        &'a self,
        id: &'a OrganizationId,
        before: Option<&'a str>,
        toml: &'a str,
        author: &'a Author,
    ) -> Answer<'a, ()> {
        set_policy(self, id, Some(before.map(str::to_owned)), (toml, author))
    }

    fn set_policy<'a>(&'a self, id: &'a OrganizationId, toml: &'a str, author: &'a Author) -> Answer<'a, ()> {
        set_policy(self, id, None, (toml, author))
    }

    fn add_account<'a>(&'a self, account: &'a Account, author: &'a Author) -> Answer<'a, ()> {
        let organization = &account.organization;
        let (account, added) = (account.clone(), AuditRecord::of_added_account(account, author));
        self.write_for::<(), StoreError>(
            organization,
            Box::new(move |turn| {
                Box::pin(async move {
                    locks::new_account(turn, &account).await?;
                    rows::organization_alone(turn, &account.organization).await?;
                    let batch = writes::add_account(Batch::default(), &account)?;
                    turn.run(writes::audit(batch, &[added])?).await.map(drop)
                })
            }),
        )
    }

    fn add_team<'a>(&'a self, team: &'a Team, author: &'a Author) -> Answer<'a, ()> {
        let organization = &team.organization;
        let (team, added) = (team.clone(), AuditRecord::of_added_team(team, author));
        self.write_for::<(), StoreError>(
            organization,
            Box::new(move |turn| {
                Box::pin(async move {
                    locks::new_name(turn, &team.organization, &team.name).await?;
                    rows::organization_alone(turn, &team.organization).await?;
                    let batch = writes::add_team(Batch::default(), &team)?;
                    turn.run(writes::audit(batch, &[added])?).await.map(drop)
                })
            }),
        )
    }

    fn add_project<'a>(&'a self, project: &'a Project, author: &'a Author) -> Answer<'a, ()> {
        let organization = &project.organization;
        let (project, added) = (project.clone(), AuditRecord::of_added_project(project, author));
        self.write_for::<(), StoreError>(
            organization,
            Box::new(move |turn| {
                Box::pin(async move {
                    locks::new_name(turn, &project.organization, &project.name).await?;
                    rows::organization_alone(turn, &project.organization).await?;
                    let batch = writes::add_project(Batch::default(), &project)?;
                    turn.run(writes::audit(batch, &[added])?).await.map(drop)
                })
            }),
        )
    }

    fn snapshot<'a>(&'a self, facts: &'a LoginFacts) -> Answer<'a, Snapshot> {
        let facts = facts.clone();
        self.read(Box::new(move |runs| {
            Box::pin(async move { Ok(login::read(runs, &facts).await?.snapshot) })
        }))
    }

    fn snapshot_of_trial<'a>(
        &'a self,
        id: &'a OrganizationId,
        policy: &'a Policy,
        facts: &'a LoginFacts,
    ) -> Answer<'a, Snapshot> {
        Box::pin(async move {
            let _permit = self.permit(id).await?;
            let (id, policy, facts) = (id.clone(), policy.clone(), facts.clone());
            self.read(Box::new(move |runs| {
                Box::pin(async move { login::tried(runs, &id, policy, &facts).await })
            }))
            .await
        })
    }

    fn accounts_with<'a>(&'a self, id: &'a OrganizationId, key: &'a AccountKey) -> Answer<'a, Vec<Account>> {
        const BY_EMAIL: &str = "SELECT record FROM vouchsafe_accounts WHERE organization = ? AND email = ?";
        const BY_SUBJECT: &str = "
            SELECT record FROM vouchsafe_accounts WHERE id IN (
                SELECT account FROM vouchsafe_subjects WHERE organization = ? AND connection = ? AND subject = ?
                UNION SELECT account FROM vouchsafe_identities WHERE organization = ? AND identity = ?)
            ORDER BY number";
        Box::pin(async move {
            let organization = id.as_str();
            let asked = match key {
                AccountKey::Email(email) => Batch::of(BY_EMAIL).bind(organization).bind(email.compared()),
                // Texts in PostgreSQL cannot contain the character NUL.
                AccountKey::Subject { subject, .. } if subject.contains('\0') => return Ok(Vec::new()),
                AccountKey::Subject { connection, subject } => Batch::of(BY_SUBJECT)
                    .bind(organization)
                    .bind(connection.as_str())
                    .bind(writes::subject_key(subject))
                    .bind(organization)
                    .bind(ScimRecord::key_of_external_id(connection, subject)),
            };
            let found: Vec<Account> = rows::all_records("account", &self.ask(asked).await?)?;
            Ok(found.into_iter().filter(|account| key.means(account)).collect())
        })
    }

    fn whole<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Snapshot> {
        Box::pin(async move {
            let _permit = self.permit(id).await?;
            let id = id.clone();
            self.read(Box::new(move |runs| Box::pin(async move { rows::whole(runs, &id).await }))).await
        })
    }

    fn sign_in(&self, sign_in: SignIn) -> Decides<'_, CompletedSignIn> {
        Box::pin(async move {
            let connection = sign_in.connection().clone();
            let _permit = self.permit_over(&connection).await?;
            let decided =
                self.write::<_, Refused>(Box::new(move |turn| Box::pin(decide::sign_in(turn, sign_in))));
            refusals::noting(self, decided).await?.into_signed_in()
        })
    }

    fn decide(&self, decision: Decision) -> Decides<'_, Applied> {
        Box::pin(async move {
            let (connection, organization) = match decision.about() {
                About::Login(login) => (Some(login.connection.clone()), None),
                About::Scim { organization, .. }
                | About::Account { organization, .. }
                | About::Organization(organization) => (None, Some(organization.clone())),
            };
            let _permit = match (connection, organization) {
                (Some(connection), _) => self.permit_over(&connection).await?,
                (None, Some(organization)) => self.permit(&organization).await?,
                (None, None) => None,
            };
            let decided =
                self.write::<_, Refused>(Box::new(move |turn| Box::pin(decide::decide(turn, decision))));
            refusals::noting(self, decided).await
        })
    }

    fn decide_connections(&self, decision: ConnectionDecision) -> Decides<'_, OrganizationConnections> {
        Box::pin(connection_decisions::decide(self, decision))
    }

    fn note_refusal<'a>(&'a self, refused: &'a AuditedRefusal) -> Answer<'a, ()> {
        Box::pin(refusals::note(self, refused.clone()))
    }

    fn audit<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Vec<AuditRecord>> {
        Box::pin(decide::audit(self, id))
    }
}

/// Sets a policy. `expected` is the text that must be stored, if that matters.
fn set_policy<'a>(
    engine: &'a impl Engine,
    id: &OrganizationId,
    expected: Option<Option<String>>,
    (toml, author): (&str, &Author),
) -> Answer<'a, ()> {
    let read = parsed_policy(id, Some(toml));
    let (organization, id) = (id, id.clone());
    let (toml, author) = (toml.to_owned(), author.clone());
    engine.write_for::<(), StoreError>(
        organization,
        Box::new(move |turn| {
            Box::pin(async move {
                let policy = read?;
                set_up_links::require_open(turn, &author).await?;
                locks::organization(turn, &id).await?;
                let (mut snapshot, before) = rows::organization_and_policy_text(turn, &id).await?;
                if expected.is_some_and(|expected| expected != before) {
                    return Err(StoreError::policy_conflict(id));
                }
                rows::load_everything(turn, &mut snapshot).await?;
                let is_set = policy.may_be_set(&snapshot);
                is_set.map_err(|source| StoreError::policy_refused(id.clone(), source))?;
                rows::changed(turn, &id).await?;
                let set = Batch::of("UPDATE vouchsafe_organizations SET policy = ? WHERE id = ?")
                    .bind(toml.as_str())
                    .bind(id.as_str());
                let records = AuditRecord::of_policy(&id, before.as_deref(), &toml, &author);
                turn.run(writes::audit(set, &records)?).await.map(drop)
            })
        }),
    )
}

/// The organization that a query answers.
async fn only(engine: &impl Engine, asked: Batch) -> Result<Option<Versioned<Organization>>, StoreError> {
    let answered = engine.ask(asked).await?;
    answered.rows.first().map(rows::organization).transpose()
}
