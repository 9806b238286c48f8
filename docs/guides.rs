//! The guides as a crate: `cargo test -p vouchsafe-guides` compiles their code and checks their links.
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
//! | [`rollover`] | keys that change: the identity provider's and yours |
//! | [`offboarding`] | what to do when somebody leaves a customer |
//! | [`scim`] | people and groups that an identity provider pushes, and signals |
//! | [`logout`] | single logout, also with your own sessions, and names that change |
//! | [`artifacts`] | responses by artifact |
//! | [`enhanced_clients`] | programs that are not browsers |
//! | [`stores`] | which store to use |
//! | [`migrating`] | from samael and from saml-rs, call by call |

#[doc = include_str!("FIRST_LOGIN.md")]
pub mod first_login {}

#[doc = include_str!("YOUR_USERS.md")]
pub mod your_users {}

#[doc = include_str!("MANY_CUSTOMERS.md")]
pub mod many_customers {}

#[doc = include_str!("SET_UP_PORTAL.md")]
pub mod set_up_portal {}

#[doc = include_str!("FRAMEWORKS.md")]
pub mod frameworks {}

#[doc = include_str!("TESTING.md")]
pub mod testing {}

#[doc = include_str!("OPERATING.md")]
pub mod operating {}

#[doc = include_str!("PRODUCTION.md")]
pub mod production {}

#[doc = include_str!("ROLLOVER.md")]
pub mod rollover {}

#[doc = include_str!("OFFBOARDING.md")]
pub mod offboarding {}

#[doc = include_str!("SCIM.md")]
pub mod scim {}

#[doc = include_str!("MIGRATING.md")]
pub mod migrating {}

#[doc = include_str!("STORES.md")]
pub mod stores {}

#[doc = include_str!("LOGOUT.md")]
pub mod logout {}

#[doc = include_str!("ARTIFACTS.md")]
pub mod artifacts {}

#[doc = include_str!("ENHANCED_CLIENTS.md")]
pub mod enhanced_clients {}
