//! What test tools need to know of two demo organizations, written as JSON into a file.

use std::path::Path;

use serde::Serialize;
use vouchsafe::provisioning::{Actor, OrganizationId};

use crate::app::App;
use crate::failure::Failure;
use crate::{scim, seed};

/// The addresses and secrets.
#[derive(Serialize)]
pub(crate) struct Harness {
    service: String,
    identity_provider: String,
    organizations: Vec<Organization>,
}

#[derive(Serialize)]
struct Organization {
    slug: String,
    owner: Owner,
    /// The organization's token, as it stands in each assertion.
    token: String,
    scim_base: String,
    scim_token: String,
}

#[derive(Serialize)]
struct Owner {
    email: String,
    password: String,
}

impl Harness {
    pub(crate) fn new(app: &App, identity_provider: String) -> Harness {
        Harness { service: app.base_url.clone(), identity_provider, organizations: Vec::new() }
    }

    /// Adds an organization that is connected, with this token of its own and another for SCIM, which is answered too.
    pub(crate) async fn add(
        &mut self,
        app: &App,
        slug: &str,
        domain: &str,
        token: &str,
    ) -> Result<String, Failure> {
        let scim_token = scim::issue(app, Actor::Operator, &OrganizationId::new(slug)).await?;
        self.organizations.push(Organization {
            slug: slug.to_owned(),
            owner: Owner {
                email: seed::owner_email(domain),
                password: app.owner_password.reveal().to_owned(),
            },
            token: token.to_owned(),
            scim_base: app.scim.base().to_owned(),
            scim_token: scim_token.clone(),
        });
        Ok(scim_token)
    }

    /// Writes the file for its owner alone, whole or not at all: whoever waits for it reads it as soon as it is there.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Failure::new(error.to_string()))?;
        let unfinished = file.with_extension("unfinished");
        std::fs::write(&unfinished, "")?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(0o600))?;
        }
        std::fs::write(&unfinished, text)?;
        std::fs::rename(&unfinished, file)?;
        Ok(())
    }
}
