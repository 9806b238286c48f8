//! Decide inside the lock: a pure function from what is stored to a plan, run in the transaction that writes the plan.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::{
    Account, AccountId, Actor, Change, DirectoryGroup, Fact, GroupId, Identity, LoginFacts, OrganizationId,
    Plan, PlanRefusal, Policy, Project, ScimFact, Snapshot, SubjectSource, Team,
};
use vouchsafe::{EntityId, NameIdChange};

use crate::{AuditRecord, SignInError, StoreError, audit, text::fresh_ids};

/// What a decision is about, and with it what its [`Snapshot`] must hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum About {
    /// A login: the organization that has the token that came, or else the connection (but [`StoreError::NoOrganizationFor`] where it would
    /// sign in over a connection of that name, and the stored one of that name is another organization's); of its accounts those of
    /// [`LookUp`](vouchsafe::provisioning::LookUp), with those that its policy takes over; the teams that these are in, and their SCIM groups
    /// where its policy [asks for groups](vouchsafe::provisioning::Admission::asks_for_groups); its teams and projects
    /// of the [names](Policy::names_for) that its policy makes of the login; and which of the domains another organization has verified.
    Login(Box<LoginFacts>),
    /// An account of an organization: that account, every active owner, all teams, and how many seats are taken where that is limited.
    #[non_exhaustive]
    Account {
        /// The organization.
        organization: OrganizationId,
        /// The account.
        account: AccountId,
    },
    /// What an identity provider asks for by SCIM: what [`ScimLookUp`](vouchsafe::provisioning::ScimLookUp) says, and how many seats are taken
    /// where that is limited. It costs what the people that it is about have, and a group its members; not what the organization is large.
    #[non_exhaustive]
    Scim {
        /// The organization.
        organization: OrganizationId,
        /// What is asked for.
        fact: Box<ScimFact>,
    },
    /// All of an organization. It costs what the organization is large.
    Organization(OrganizationId),
}

impl About {
    /// What an identity provider asks for by SCIM.
    #[must_use]
    pub fn scim(organization: OrganizationId, fact: ScimFact) -> Self {
        Self::Scim { organization, fact: Box::new(fact) }
    }
}

/// A decision that is not made yet: what it is about, and a pure function from the state to a plan.
///
/// A store runs it inside the transaction that writes what comes of it. So nothing is decided on what another is about to change, nothing
/// has to be tried again, and nobody holds a plan that is out of date.
///
/// ```
/// use vouchsafe::provisioning::{Actor, Change, Role};
/// use vouchsafe_store::{Decision, Directory, SignInError};
///
/// # async fn example(store: &dyn Directory, owner: vouchsafe::provisioning::AccountId,
/// #     now: chrono::DateTime<chrono::Utc>) -> Result<(), SignInError> {
/// let actor = Actor::Account(owner);
/// let make_admin = Decision::change("acme".into(), "7".into(), Change::SetRole(Role::Admin), actor, "asked for", now);
/// let applied = store.decide(make_admin).await?;
/// println!("{}", applied.plan);
/// # Ok(())
/// # }
/// ```
pub struct Decision {
    about: About,
    decide: Box<Decide>,
}

type Decide = dyn FnOnce(&Snapshot, &Policy) -> Result<Plan, PlanRefusal> + Send;

impl Decision {
    /// A login that was confirmed by other means than [`Directory::sign_in`](crate::Directory::sign_in), planned by the organization's
    /// stored policy. No session is made.
    pub fn login(login: impl Into<LoginFacts>) -> Self {
        let facts = login.into();
        let about = About::Login(Box::new(facts.clone()));
        Self::new(about, move |snapshot, policy| policy.plan(&facts, snapshot))
    }

    /// A change about one account, by somebody.
    #[must_use]
    pub fn change(
        organization: OrganizationId,
        account: AccountId,
        change: Change,
        actor: Actor,
        because: impl Into<String>,
        at: DateTime<Utc>,
    ) -> Self {
        let about = About::Account { organization, account: account.clone() };
        let fact = Fact::change(account, change, actor, because, at);
        Self::new(about, move |snapshot, policy| policy.plan(fact, snapshot))
    }

    /// What becomes of a name that an identity provider manages: the person gets another, or is known by it no longer. `issuer` is the entity
    /// ID of the identity provider. A name that no account has is refused as `provisioning.identity_unknown`, unless the new one is known: then it was
    /// changed before, and the plan changes nothing.
    #[must_use]
    pub fn name_id(person: Identity, issuer: EntityId, change: &NameIdChange, at: DateTime<Utc>) -> Self {
        let connection = person.connection.clone();
        let mut facts = LoginFacts::new(connection.clone(), issuer, person.subject.clone(), at);
        if let SubjectSource::NameId { format, name_qualifier, sp_name_qualifier, .. } = &person.source {
            facts = facts
                .with_subject_format(format)
                .with_subject_qualifiers(name_qualifier.as_deref(), sp_name_qualifier.as_deref());
        }
        let (change, renamed) = match change {
            NameIdChange::New(name) => {
                let renamed = person.renamed(name);
                facts = facts.with_new_name(renamed.clone());
                (Change::RenameIdentity(person.clone(), renamed.clone()), Some(renamed))
            }
            _ => (Change::UnlinkIdentity(person.clone()), None),
        };
        Self::new(About::Login(Box::new(facts)), move |snapshot, policy| {
            let known = snapshot.known_by(&person);
            let done = || renamed.as_ref().and_then(|renamed| snapshot.account_of(renamed));
            let account = known.or_else(|unknown| done().ok_or(unknown))?.id.clone();
            let actor = Actor::IdentityProvider(connection);
            let because = "the identity provider manages its names";
            policy.plan(Fact::change(account, change, actor, because, at), snapshot)
        })
    }

    /// What an identity provider asks for by SCIM.
    #[must_use]
    pub fn scim(organization: OrganizationId, fact: ScimFact) -> Self {
        let about = About::scim(organization, fact.clone());
        Self::new(about, move |snapshot, policy| policy.plan(fact, snapshot))
    }

    /// The suspension of the accounts that nobody has used for as long as the organization's policy says.
    #[must_use]
    pub fn sweep(organization: OrganizationId, at: DateTime<Utc>) -> Self {
        let about = About::Organization(organization);
        Self::new(about, move |snapshot, policy| policy.plan(Fact::sweep(at), snapshot))
    }

    /// A decision of the application's own.
    pub fn new(
        about: About,
        decide: impl FnOnce(&Snapshot, &Policy) -> Result<Plan, PlanRefusal> + Send + 'static,
    ) -> Self {
        Self { about, decide: Box::new(decide) }
    }

    /// What it is about.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// For stores: decides. Call it inside the transaction, with a snapshot that was read in it and the stored policy of the organization.
    ///
    /// # Errors
    /// The refusal, after which the transaction is rolled back.
    pub fn decide(self, snapshot: &Snapshot, policy: &Policy) -> Result<Decided, SignInError> {
        Decided::of((self.decide)(snapshot, policy)?, snapshot)
    }
}

impl fmt::Debug for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Decision").field("about", &self.about).finish_non_exhaustive()
    }
}

/// What was decided, for a store to write, all of it or nothing.
///
/// It is [`StoreError::taken`], and nothing is written, if another organization has verified one of the plan's
/// [`domains_taken`](Plan::domains_taken): a decision about a whole organization was not told.
#[derive(Debug)]
#[non_exhaustive]
pub struct Decided {
    /// The plan.
    pub plan: Plan,
    /// The account that it is about, with its id if the plan makes it; `None` where it is about several, or about none.
    pub account: Option<AccountId>,
    /// The accounts to insert or replace.
    pub accounts: Vec<Account>,
    /// The teams to insert or replace.
    pub teams: Vec<Team>,
    /// The projects to insert or replace.
    pub projects: Vec<Project>,
    /// The groups that were pushed by SCIM, to insert or replace.
    pub groups: Vec<DirectoryGroup>,
    /// The groups to remove.
    pub removed_groups: Vec<GroupId>,
    /// The audit records to add.
    pub audit: Vec<AuditRecord>,
    /// The accounts of which all sessions and API tokens end.
    pub ended_accounts: Vec<AccountId>,
}

impl Decided {
    pub(crate) fn of(plan: Plan, before: &Snapshot) -> Result<Decided, SignInError> {
        if *plan.organization() != before.organization.id {
            return Err(StoreError::damaged("plan", "it is about another organization").into());
        }
        let mut ids = fresh_ids(plan.steps().len())?;
        let after = before.after_with(&plan, &mut || ids.pop().unwrap_or_default());
        before.keeps_an_owner(&after)?;
        before.keeps_its_seats(&after)?;
        let account = plan.account_in(&after);
        let remain = |group: &DirectoryGroup| after.groups.iter().any(|after| after.id == group.id);
        let (staying, removed): (Vec<_>, Vec<_>) = before.groups.iter().cloned().partition(remain);
        let ended = plan.steps().iter().filter(|step| plan.ends_sessions(step));
        let ended = ended.filter_map(|step| plan.account_of(step).or(account.as_ref()));
        Ok(Decided {
            audit: audit::records(&plan, account.as_ref(), &after),
            ended_accounts: ended.cloned().collect::<BTreeSet<_>>().into_iter().collect(),
            accounts: changed(&before.accounts, after.accounts),
            teams: changed(&before.teams, after.teams),
            projects: changed(&before.projects, after.projects),
            groups: changed(&staying, after.groups),
            removed_groups: removed.into_iter().map(|group| group.id).collect(),
            plan,
            account,
        })
    }

    /// For stores: what is answered once everything is written.
    #[must_use]
    pub fn into_applied(self) -> Applied {
        Applied { account: self.account, plan: self.plan }
    }
}

/// A plan leaves what is there in its place, and adds what is new at the end.
fn changed<T: PartialEq>(before: &[T], after: Vec<T>) -> Vec<T> {
    let is_changed = |(place, value): &(usize, T)| before.get(*place) != Some(value);
    after.into_iter().enumerate().filter(is_changed).map(|(_, value)| value).collect()
}

/// What came of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// The plan, for its explanation and its organization.
    pub plan: Plan,
    /// The account, with its id if the plan made it; `None` where the plan is about several, or about none.
    pub account: Option<AccountId>,
}
