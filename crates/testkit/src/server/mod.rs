//! The identity provider as a small HTTP server: a dashboard of applications, single sign-on in both directions.
//!
//! It is for demos and tests on a loopback address. Users have no passwords: anybody who opens the page can choose
//! any user.
//! The addresses are Okta's:
//!
//! | address | what |
//! |---|---|
//! | `/` | choose a user; then the applications that are assigned to that user, each an icon to click |
//! | `/home/{app}/{exk}` | what the icon does: a Response that nobody asked for (IdP-initiated) |
//! | `/app/{app}/{exk}/sso/saml` | single sign-on by redirect and by POST (SP-initiated) |
//! | `/app/{exk}/sso/saml/metadata` | the metadata of an application's identity provider |
//! | `/app/{app}/{exk}/slo/saml` | single logout by redirect and by POST |
//! | `/oauth2/v1/keys` | the keys that [signals](Signal) are signed with |
//! | `/admin` | users, applications, assignments, attribute `token`, provisioning by SCIM, signals that a person is out, another key, and [`Faults`] on purpose |
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! use vouchsafe_testkit::server::{App, Config, User, start};
//!
//! let server = start(Config::default()).await?;              // 127.0.0.1, a free port
//! let okta = server.okta();
//! okta.add_user(User::new("ada@example.com", "Ada", "Lovelace").in_groups(["Everyone", "perf-team"]));
//! let app = okta.add_app(App::new("k6 Cloud", "https://app.example.com/saml/metadata", "https://app.example.com/saml/acs"));
//! okta.set_attribute(&app, "token", "the organization's token")?;
//! okta.assign(&app, "ada@example.com")?;
//!
//! println!("dashboard: {}", server.dashboard_url());
//! println!("metadata:  {}", okta.metadata_url(&app)?);
//! server.stop().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })
//! # }
//! ```
//!
//! Each application has an identity provider with an entity ID of its own. The entity ID contains the port of the server, so
//! a test of several customers can start one server for each, or add one application for each.

mod directory;
mod faults;
mod guard;
mod handling;
mod html;
mod logout;
mod model;
mod outgoing;
mod pages;
mod provisioning;
mod routes;
mod sessions;
mod signals;
mod start;

pub use directory::Okta;
pub use faults::Faults;
pub use model::{App, AppId, Provisioning, User};
pub use signals::Signal;
pub use start::{Config, Server, start};
