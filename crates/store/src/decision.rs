//! Decide inside the lock: a pure function from what is stored to a plan, run in the transaction that writes the plan.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::{
    Account, AccountId, Actor, Change, ChangeByHand, DirectoryGroup, Fact, GroupId, Identity, LoginFacts,
    OrganizationId, Plan, PlanRefusal, Policy, Project, ScimFact, Snapshot, SubjectSource, Team,
};
use vouchsafe::{EntityId, NameIdChange};

use crate::{AskedDecision, AuditRecord, SignInError, StoreError, audit, text::fresh_ids};

/// What a decision is about; it determines what its [`Snapshot`] must contain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum About {
    /// A login. The snapshot contains the organization that has the login's token or else the connection
    /// ([`StoreError::NoOrganizationFor`] if the stored connection of that id belongs to another organization), the
    /// accounts of [`LookUp`](vouchsafe::provisioning::LookUp) with those that the policy takes over, the teams that
    /// these accounts are in, their SCIM groups if the policy [asks for
    /// groups](vouchsafe::provisioning::Admission::asks_for_groups), the teams and projects with the
    /// [names](Policy::names_for) that the policy makes of the login, and the domains that another organization has
    /// verified.
    Login(Box<LoginFacts>),
    /// An account of an organization. The snapshot contains that account, every active owner, all teams and, if seats
    /// are limited, the number of seats that are taken.
    #[non_exhaustive]
    Account {
        /// The organization.
        organization: OrganizationId,
        /// The account.
        account: AccountId,
    },
    /// A SCIM request of an identity provider. The snapshot contains what
    /// [`ScimLookUp`](vouchsafe::provisioning::ScimLookUp) says and, if seats are limited, the number of seats that are
    /// taken. The cost depends on the people that the request is about (for a group, its members), not on the size of
    /// the organization.
    #[non_exhaustive]
    Scim {
        /// The organization.
        organization: OrganizationId,
        /// What is asked for.
        fact: Box<ScimFact>,
    },
    /// All of an organization. The cost grows with the size of the organization.
    Organization(OrganizationId),
}

impl About {
    /// A SCIM request of an identity provider. It asks for no token and writes no resource:
    /// [`ScimStore::decide_scim`](crate::ScimStore::decide_scim) does.
    #[must_use]
    pub fn scim(organization: OrganizationId, fact: ScimFact) -> Self {
        Self::Scim { organization, fact: Box::new(fact) }
    }
}

/// A decision that is still to be made: its subject, and a pure function from the state to a plan.
///
/// A store runs it inside the transaction that writes the result. No decision is therefore made on state that another
/// transaction is about to change, nothing has to be retried, and no caller holds a plan that is out of date.
///
/// ```
/// use vouchsafe::provisioning::{Actor, Change, ChangeByHand, Role};
/// use vouchsafe_store::{Decision, Directory, SignInError};
///
/// # async fn example(store: &dyn Directory, owner: vouchsafe::provisioning::AccountId,
/// #     now: chrono::DateTime<chrono::Utc>) -> Result<(), SignInError> {
/// let make_admin = ChangeByHand {
///     account: "7".into(),
///     change: Change::SetRole(Role::Admin),
///     actor: Actor::Account(owner),
///     because: "the owner asked for it".to_owned(),
///     at: now,
/// };
/// let applied = store.decide(Decision::change("acme".into(), make_admin)).await?;
/// println!("{}", applied.plan);
/// # Ok(())
/// # }
/// ```
pub struct Decision {
    about: About,
    asked: AskedDecision,
    decide: Box<Decide>,
}

type Decide = dyn FnOnce(&Snapshot, &Policy) -> Result<Plan, PlanRefusal> + Send;

impl Decision {
    /// A login that was confirmed by other means than [`Directory::sign_in`](crate::Directory::sign_in), planned by the
    /// organization's stored policy. It creates no session.
    pub fn login(login: impl Into<LoginFacts>) -> Self {
        let facts = login.into();
        let (about, asked) = (About::Login(Box::new(facts.clone())), AskedDecision::login(facts.clone()));
        Self::new(about, move |snapshot, policy| policy.plan(&facts, snapshot)).asked_by(asked)
    }

    /// A change about one account, by somebody.
    #[must_use]
    pub fn change(organization: OrganizationId, by_hand: ChangeByHand) -> Self {
        let about = About::Account { organization, account: by_hand.account.clone() };
        let asked = AskedDecision::change(by_hand.actor.clone(), Some(by_hand.account.clone()), by_hand.at);
        Self::new(about, move |snapshot, policy| policy.plan(by_hand, snapshot)).asked_by(asked)
    }

    /// A change of a name that an identity provider manages: the person gets another name or loses this one. `issuer`
    /// is the entity ID of the identity provider. If no account has the name, it is refused as
    /// `provisioning.identity_unknown`, except when the new name is known: the change was then made before, and the
    /// plan is empty.
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
        let actor = Actor::IdentityProvider(connection);
        let asked = AskedDecision::change(actor.clone(), None, at);
        let named = Self::new(About::Login(Box::new(facts)), move |snapshot, policy| {
            let known = snapshot.known_by(&person);
            let done = || renamed.as_ref().and_then(|renamed| snapshot.account_of(renamed));
            let account = known.or_else(|unknown| done().ok_or(unknown))?.id.clone();
            let because = "the identity provider manages its names".to_owned();
            policy.plan(ChangeByHand { account, change, actor, because, at }, snapshot)
        });
        named.asked_by(asked)
    }

    /// A SCIM request of an identity provider.
    #[must_use]
    pub fn scim(organization: OrganizationId, fact: ScimFact) -> Self {
        let (about, asked) = (About::scim(organization, fact.clone()), AskedDecision::scim(&fact));
        Self::new(about, move |snapshot, policy| policy.plan(fact, snapshot)).asked_by(asked)
    }

    /// Suspends the accounts that nobody has used for as long as the organization's policy says.
    #[must_use]
    pub fn sweep(organization: OrganizationId, at: DateTime<Utc>) -> Self {
        let about = About::Organization(organization);
        Self::new(about, move |snapshot, policy| policy.plan(Fact::sweep(at), snapshot))
    }

    /// A decision that the application defines.
    pub fn new(
        about: About,
        decide: impl FnOnce(&Snapshot, &Policy) -> Result<Plan, PlanRefusal> + Send + 'static,
    ) -> Self {
        Self { about, asked: AskedDecision::by_the_application(), decide: Box::new(decide) }
    }

    fn asked_by(self, asked: AskedDecision) -> Self {
        Self { asked, ..self }
    }

    /// For stores: who asks, for the record that is [written](AskedDecision::refused) if the decision is refused.
    #[must_use]
    pub fn asked(&self) -> AskedDecision {
        self.asked.clone()
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

/// The result of a decision, for a store to write completely or not at all.
///
/// If another organization has verified one of the plan's [`domains_taken`](Plan::domains_taken), nothing is written
/// and the answer is [`StoreError::taken`]: the snapshot of a whole organization does not contain the domains of
/// others.
#[derive(Debug)]
#[non_exhaustive]
pub struct Decided {
    /// The plan.
    pub plan: Plan,
    /// The account that the plan is about, with its id if the plan creates it; `None` if it is about several accounts
    /// or about none.
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
    /// The accounts whose sessions and API tokens all end.
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

    /// For stores: the answer once everything is written.
    #[must_use]
    pub fn into_applied(self) -> Applied {
        Applied { account: self.account, plan: self.plan }
    }
}

/// A plan leaves existing items in place and adds new ones at the end.
fn changed<T: PartialEq>(before: &[T], after: Vec<T>) -> Vec<T> {
    let is_changed = |(place, value): &(usize, T)| before.get(*place) != Some(value);
    after.into_iter().enumerate().filter(is_changed).map(|(_, value)| value).collect()
}

/// The result of a decision that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// The plan, for its explanation and its organization.
    pub plan: Plan,
    /// The account, with its id if the plan created it; `None` if the plan is about several accounts or about none.
    pub account: Option<AccountId>,
}
