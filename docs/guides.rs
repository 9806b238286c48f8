//! The guides, as documentation of their own: `cargo test -p vouchsafe-guides` compiles their code and follows their links.
//!
//! | guide | for |
//! |---|---|
//! | [`first_login`] | from an empty folder to a person who is signed in |
//! | [`your_users`] | a users table and sessions of your own |
//! | [`many_customers`] | each customer with an identity provider |
//! | [`frameworks`] | axum, actix-web, any other, none |
//! | [`testing`] | a test kit and the attacks for your own tests |
//! | [`operating`] | errors, logs and metrics |
//! | [`production`] | a checklist |
//! | [`offboarding`] | when somebody leaves a customer |
//! | [`scim`] | people and groups that an identity provider pushes, and signals |
//! | [`logout`] | single logout, with sessions of your own too, and names that change |
//! | [`stores`] | which store for what |
//! | [`migrating`] | from samael and from saml-rs, call by call |

#[doc = include_str!("FIRST_LOGIN.md")]
pub mod first_login {}

#[doc = include_str!("YOUR_USERS.md")]
pub mod your_users {}

#[doc = include_str!("MANY_CUSTOMERS.md")]
pub mod many_customers {}

#[doc = include_str!("FRAMEWORKS.md")]
pub mod frameworks {}

#[doc = include_str!("TESTING.md")]
pub mod testing {}

#[doc = include_str!("OPERATING.md")]
pub mod operating {}

#[doc = include_str!("PRODUCTION.md")]
pub mod production {}

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
