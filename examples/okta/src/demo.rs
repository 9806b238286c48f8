//! The service for a browser: beside an identity provider on this machine, or against a real one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;
use vouchsafe::provisioning::Actor;
use vouchsafe_testkit::server::{App as OktaApp, Config, Provisioning, Server, User, start};
use vouchsafe_testkit::{TestkitError, keys};

use crate::app::{App, Place, listen};
use crate::failure::Failure;
use crate::harness::Harness;
use crate::{connect, say, seed, signals};

const SERVICE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const IDENTITY_PROVIDER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7080);

/// What was asked for on the command line.
pub(crate) struct Wanted {
    pub(crate) base_url: Option<String>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) place: Place,
    pub(crate) harness: Option<PathBuf>,
    pub(crate) request_lifetime: Duration,
}

/// With an identity provider like Okta. Acme is connected already; Globex is left for the reader to connect.
pub(crate) async fn with_embedded_okta(wanted: Wanted) -> Result<(), Failure> {
    let file = wanted.harness.clone();
    let (app, listener) = open(wanted).await?;
    let server = identity_provider().await?;
    let okta = server.okta();
    okta.add_user(User::new("ada@acme.example", "Ada", "Lovelace").in_groups(["Everyone", "perf-team"]));
    okta.add_user(User::new("grace@globex.example", "Grace", "Hopper").in_groups(["Everyone"]));
    let our_metadata = app.service_provider().metadata_xml()?;
    // Two customers, so two keys, as two organizations at Okta have.
    let [acme, globex] = [
        ("Loadbench (Acme Rockets)", keys::identity_provider()),
        ("Loadbench (Globex)", keys::other_identity_provider()),
    ]
    .map(|(label, key)| {
        OktaApp::from_metadata(label, our_metadata.as_bytes()).map(|app| okta.add_app(app.with_key(key)))
    });
    let (acme, globex) = (acme?, globex?);
    okta.assign(&acme, "ada@acme.example")?;
    okta.assign(&globex, "grace@globex.example")?;

    let serving = tokio::spawn({
        let app = app.clone();
        async move { app.serve(listener).await }
    });
    let mut harness = Harness::new(&app, server.dashboard_url());
    // The identity provider has new keys at each start, so what a folder remembers of the last one is of no use.
    if connect::active(&app, &"acme".into()).await?.is_none() {
        let token =
            connect::convert(&app, Actor::Operator, &"acme".into(), &okta.metadata_url(&acme)?).await?;
        okta.set_attribute(&acme, "token", &token)?;
        let scim = harness.add(&app, "acme", "acme.example", &token).await?;
        okta.update_app(&acme, |it| it.provisioning = Some(Provisioning::new(app.scim.base(), scim)))?;
        okta.push_user(&acme, "ada@acme.example").await?;
        let address = signals::configure(
            &app,
            Actor::Operator,
            &"acme".into(),
            okta.signals_issuer(),
            &okta.signals_keys_url(),
        )
        .await?;
        okta.update_app(&acme, |it| it.signals_url = Some(address))?;
    } else {
        say(
            "note: the organization acme in this folder is connected to an earlier identity provider; use a new folder",
        );
    }

    if let Some(file) = file {
        let token =
            connect::convert(&app, Actor::Operator, &"globex".into(), &okta.metadata_url(&globex)?).await?;
        okta.set_attribute(&globex, "token", &token)?;
        let scim = harness.add(&app, "globex", "globex.example", &token).await?;
        okta.update_app(&globex, |it| it.provisioning = Some(Provisioning::new(app.scim.base(), scim)))?;
        harness.write(&file)?;
        say(&format!("  both organizations are connected; addresses and secrets are in {}", file.display()));
        say("  Ctrl-C ends it.");
        return until_interrupted(serving).await;
    }

    say("");
    say(&format!("  service            {}/", app.base_url));
    say(&format!("  identity provider  {}", server.dashboard_url()));
    say("");
    say("  Acme Rockets is connected. Start at the identity provider as ada@acme.example and click the app,");
    say("  or at the service: SAML SSO, organization \"acme\".");
    say("");
    say("  Globex is not. Connect it as its admin does:");
    say(&format!(
        "    1. sign in at the service as {} with the password {}",
        seed::owner_email("globex.example"),
        app.owner_password.reveal()
    ));
    say(&format!("    2. give the metadata URL {}", okta.metadata_url(&globex)?));
    say(&format!("    3. paste the token into the app at {}admin", server.dashboard_url()));
    say("    4. sign in as grace@globex.example");
    say("");
    say("  Ctrl-C ends both.");
    until_interrupted(serving).await
}

/// Against a real Okta: Acme is connected to it, and what must be entered there is printed.
pub(crate) async fn with_real_okta(metadata_url: &str, wanted: Wanted) -> Result<(), Failure> {
    let (app, listener) = open(wanted).await?;
    let serving = tokio::spawn({
        let app = app.clone();
        async move { app.serve(listener).await }
    });
    say("");
    say(&format!("  service                      {}/", app.base_url));
    say(&format!("  Single sign-on URL           {}", app.service_provider().assertion_consumer()));
    say(&format!("  Audience URI (SP Entity ID)  {}", app.service_provider().entity_id()));
    say("  Name ID format               EmailAddress");
    say(&format!("  Encryption certificate       {}/settings/encryption-certificate.pem", app.base_url));
    say("  Attribute statements         user.email, user.username, user.first_name, user.last_name, token");
    if connect::active(&app, &"acme".into()).await?.is_none() {
        let token = connect::convert(&app, Actor::Operator, &"acme".into(), metadata_url).await?;
        say(&format!("  token                        {token}"));
        say("");
        say(&format!("  The token is shown this once. {}", crate::token::INSTRUCTION));
    } else {
        say("");
        match connect::reload(&app, Actor::Operator, &"acme".into()).await {
            Ok(()) => say("  The organization acme is connected already, and its metadata was loaded again."),
            Err(failure) => say(&format!(
                "  The organization acme is connected already. Its metadata is that of before, for it could not be loaded again: {failure}"
            )),
        }
        say("  Its token is the old one.");
    }
    say(&format!("  Owner: {}, password {}", seed::owner_email("acme.example"), app.owner_password.reveal()));
    until_interrupted(serving).await
}

async fn open(wanted: Wanted) -> Result<(App, TcpListener), Failure> {
    let listener = listen(wanted.listen, SERVICE).await?;
    let base_url = match wanted.base_url {
        Some(base_url) => base_url,
        None => format!("http://{}", listener.local_addr()?),
    };
    Ok((App::open(&base_url, &wanted.place, wanted.request_lifetime).await?, listener))
}

/// On its usual port, or on a free one.
async fn identity_provider() -> Result<Server, TestkitError> {
    match start(Config::default().listen(IDENTITY_PROVIDER)).await {
        Err(TestkitError::Listen { .. }) => start(Config::default()).await,
        other => other,
    }
}

async fn until_interrupted(serving: tokio::task::JoinHandle<Result<(), Failure>>) -> Result<(), Failure> {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(()),
        ended = serving => ended.map_err(|error| Failure::new(error.to_string()))?,
    }
}
