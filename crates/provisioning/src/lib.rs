//! This crate is a planner for just-in-time provisioning: it decides, by a policy, which account, teams, roles and projects a login
//! gives, and says why.
//!
//! Start with these items:
//!
//! * [`Policy`] says who is admitted and what groups mean. It can be written in TOML.
//! * [`Snapshot`] is the part of the stored state that one decision needs.
//! * [`Plan`] is the result: what changes, step by step, each step with its rule. [`PlanRefusal`] says why there is none, and what to
//!   change.
//!
//! ```text
//! LoginFacts + Policy + Snapshot  ->  Plan          what changes, step by step, each with its rule
//!                                 ->  PlanRefusal   why not, and what to change
//! ```
//!
//! [`Policy::plan`] reads nothing and writes nothing: it has no clock, no random source and no state. A store applies the plan in one
//! transaction; [`Snapshot::after`] applies it to a snapshot in memory. These statements are true and are tested with random policies,
//! logins and states:
//!
//! * planning the same login on the resulting state gives an empty plan;
//! * a plan never mentions another organization;
//! * no plan takes away what an administrator gave by hand, and no plan leaves an organization without an owner;
//! * a login that contains less (an attribute is absent) never takes anything away;
//! * a membership stays as long as one of its sources gives it;
//! * a plan depends only on its arguments.
//!
//! Two things bind an assertion to an organization, and they must agree: the connection whose key verified the assertion, and the
//! [`OrganizationToken`], which comes as an attribute and is stored as a hash.
//!
//! An [`Identity`] finds a person: it is the connection with the NameID, its Format and its qualifiers, or the connection with one
//! attribute. An [`EmailAddress`] decides something only if its organization has verified its [`Domain`]. A domain belongs to one
//! organization.
//!
//! ```
//! use vouchsafe_assertion::ConnectionId;
//! use vouchsafe_crypto::Provider;
//! use vouchsafe_metadata::EntityId;
//! use vouchsafe_provisioning::{LoginFacts, Organization, OrganizationId, Policy, Snapshot};
//!
//! let policy = Policy::from_toml(r#"
//!     [groups]
//!     create_teams = true
//!
//!     [[groups.map]]
//!     group = "Engineering"
//!     team = "Builders"
//! "#)?;
//!
//! // What is stored: an organization that has connected its identity provider and verified a domain.
//! let (now, okta) = ("2026-01-15T09:00:00Z".parse()?, EntityId::new("http://www.okta.com/exk1")?);
//! let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
//! acme.entitled = true;
//! acme.verified_domains = vec!["example.com".to_owned()];
//! let token = acme.convert(okta.clone(), &Provider::rustcrypto(), now)?.reveal();
//! let snapshot = Snapshot::new(acme);
//!
//! // What came with a sign-in. In a service, `LoginFacts` is made from a verified login.
//! let login = LoginFacts::new(ConnectionId::new("acme")?, okta, "00u1", now)
//!     .with_attribute("token", [token])
//!     .with_attribute("user.email", ["ada@example.com"])
//!     .with_attribute("groups", ["Engineering", "Everyone"]);
//!
//! let plan = policy.plan(&login, &snapshot)?;
//! assert!(plan.to_string().contains("ada@example.com") && plan.to_string().contains("Builders"));
//! let after = snapshot.after(&plan);
//! assert!(policy.plan(&login, &after)?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod account;
mod action;
mod admission;
mod applying;
mod change;
mod check;
mod check_rules;
mod connecting;
mod connection_list;
#[cfg(feature = "schema")]
mod document;
mod domain_challenge;
mod domain_proof;
mod duration;
mod email;
mod enforcement;
mod entries;
mod fact;
mod facts;
mod groups;
mod hold;
mod identifier;
mod identity;
#[cfg(feature = "schema")]
mod json_places;
mod logged_out;
mod lookup;
mod mapping;
mod membership;
mod names;
mod nearest;
mod number;
mod offboarding;
mod organization;
mod pattern;
mod pattern_weight;
mod place;
mod plan;
mod plan_refusal;
mod plan_refusal_words;
mod planner;
mod policy;
mod policy_error;
mod replay;
mod rule;
#[cfg(feature = "schema")]
mod schema;
mod scim;
mod scim_lookup;
mod snapshot;
mod takeover;
mod team;
mod text;
mod token;

pub use account::{Account, Assignment, Origin, Role, Status};
pub use action::{Action, GroupRef, ProfileField, ProjectRef, TeamRef};
pub use admission::{
    Admission, AdmittedDomains, Approval, Create, DefaultProject, DefaultRole, DefaultTeam, Defaults,
};
pub use change::{Actor, Change};
pub use check::{Finding, Severity};
pub use connection_list::ConnectionList;
#[cfg(feature = "schema")]
pub use document::DocumentError;
pub use domain_challenge::DomainChallenge;
pub use domain_proof::{DomainProof, DomainRecord};
pub use duration::PolicyDuration;
pub use email::{AddressError, Domain, EmailAddress};
pub use enforcement::{Enforcement, Offboarding, Passwords, Sessions};
pub use fact::{ChangeByHand, Fact};
pub use facts::LoginFacts;
pub use groups::{Groups, RoleChoice, SyncMode, Unmapped};
pub use hold::Hold;
pub use identifier::{AccountId, GroupId, OrganizationId, ProjectId, RuleId, TeamId};
pub use identity::{Identity, SubjectSource};
pub use logged_out::{LoggedOut, session_index_text};
pub use lookup::LookUp;
pub use mapping::{AttributeMapping, Preset};
pub use membership::{Grant, Membership, RoleGrant, Source};
pub use organization::{Conversion, Organization};
pub use pattern::{GroupMatch, GroupPattern, Split};
pub use plan::{Cause, Note, Plan, Step};
pub use plan_refusal::PlanRefusal;
pub use policy::{Follow, IdentityRules, Policy, Profile, Version};
pub use policy_error::PolicyError;
pub use replay::{AccessChange, Direction, Replay};
pub use rule::{MappingRule, RoleRule};
#[cfg(feature = "schema")]
pub use schema::{facts_schema, policy_schema, state_schema};
pub use scim::{DirectoryGroup, ScimChange, ScimFact, ScimGroup, ScimMembers, ScimRecord, ScimUser};
pub use scim_lookup::ScimLookUp;
pub use snapshot::Snapshot;
pub use takeover::{Anchor, Takeover};
pub use team::{LinkedProject, Permission, Project, Team};
pub use text::{case_folded, folded_name};
pub use token::{OrganizationToken, TokenHash, TokenRecord};
