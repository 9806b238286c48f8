//! The guides: how to build a service with these crates, how to operate it, and how to connect each product.
//!
//! | guide | for |
//! |---|---|
//! | [`first_login`] | from an empty folder to a person who is signed in |
//! | [`your_users`] | your own users table and sessions |
//! | [`many_customers`] | a service whose customers have their own identity providers |
//! | [`set_up_portal`] | a link with which a customer's administrator connects an identity provider |
//! | [`frameworks`] | axum, actix-web, any other framework, no framework |
//! | [`testing`] | the test kit and the attacks in your own tests |
//! | [`operating`] | errors, logs and metrics |
//! | [`production`] | a checklist before you deploy |
//! | [`stores`] | which store to use |
//! | [`metadata`] | documents of identity providers, aggregates, and how they are kept fresh |
//! | [`rollover`] | keys that change: the identity provider's and yours |
//! | [`policy`] | who may sign in, and what they get: policies with their plans |
//! | [`scim`] | people and groups that an identity provider pushes, and signals |
//! | [`offboarding`] | what to do when somebody leaves a customer |
//! | [`logout`] | single logout, also with your own sessions, and names that change |
//! | [`artifacts`] | responses by artifact |
//! | [`enhanced_clients`] | programs that are not browsers |
//! | [`troubleshooting`] | how to find out why a sign-in fails |
//! | [`migrating`] | from samael and from saml-rs, call by call |
//! | [`glossary`] | the words of SAML and of this project |
//!
//! How to connect an identity provider in fifteen minutes: [Okta](okta), [Microsoft Entra ID](entra), [Google Workspace](google), [AD FS](adfs), [Keycloak](keycloak), [OneLogin](onelogin), [PingOne](pingone) and [JumpCloud](jumpcloud).

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/FIRST_LOGIN.md")]
pub mod first_login {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/YOUR_USERS.md")]
pub mod your_users {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/MANY_CUSTOMERS.md")]
pub mod many_customers {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/SET_UP_PORTAL.md")]
pub mod set_up_portal {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/FRAMEWORKS.md")]
pub mod frameworks {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/TESTING.md")]
pub mod testing {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/OPERATING.md")]
pub mod operating {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/PRODUCTION.md")]
pub mod production {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/STORES.md")]
pub mod stores {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/METADATA.md")]
pub mod metadata {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/ROLLOVER.md")]
pub mod rollover {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/POLICY.md")]
pub mod policy {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/SCIM.md")]
pub mod scim {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/OFFBOARDING.md")]
pub mod offboarding {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/LOGOUT.md")]
pub mod logout {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/ARTIFACTS.md")]
pub mod artifacts {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/ENHANCED_CLIENTS.md")]
pub mod enhanced_clients {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/TROUBLESHOOTING.md")]
pub mod troubleshooting {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/MIGRATING.md")]
pub mod migrating {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/GLOSSARY.md")]
pub mod glossary {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/OKTA.md")]
pub mod okta {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/ENTRA.md")]
pub mod entra {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/GOOGLE.md")]
pub mod google {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/ADFS.md")]
pub mod adfs {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/KEYCLOAK.md")]
pub mod keycloak {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/ONELOGIN.md")]
pub mod onelogin {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/PINGONE.md")]
pub mod pingone {}

#[doc = include_str!("../guides/links.md")]
#[doc = include_str!("../guides/JUMPCLOUD.md")]
pub mod jumpcloud {}
