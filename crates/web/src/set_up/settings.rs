//! The settings of the portal, and its paths.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use vouchsafe::console::Console;
use vouchsafe::crypto::Certificate;
use vouchsafe::metadata::OwnRollover;
use vouchsafe::provisioning::Organization;
use vouchsafe::{ConnectionId, Explain};
use vouchsafe_store::{ConnectionStore, Directory, SetUpStore, StoredSettings};

use super::brand::SetUpBrand;
use super::changes::{SetUpEvent, TellChange};
use super::error::SetUpError;
use super::link_limits::LinkLimits;

/// Organizations, connections and set-up links in one store. `vouchsafe_store::Memory`, `Sqlite` and `Postgres`
/// implement it.
pub trait SetUpDirectory: SetUpStore + Directory + ConnectionStore {}

impl<T: SetUpStore + Directory + ConnectionStore> SetUpDirectory for T {}

/// The set-up portal of a service. Pass it to [`SingleSignOn::set_up_by`](crate::SingleSignOn::set_up_by). Clones share everything.
///
/// ```
/// use std::sync::Arc;
/// use vouchsafe::{ConnectionSettings, Unsolicited};
/// use vouchsafe_store::{Memory, StoredSettings};
/// use vouchsafe_web::{SetUp, SetUpBrand};
///
/// # fn load(_: String) -> std::future::Ready<Result<Vec<u8>, vouchsafe::metadata::MetadataError>> { unreachable!() }
/// let set_up = SetUp::new(Arc::new(Memory::new()), "/set-up")
///     .brand(SetUpBrand::new("Loadbench").support("Write to support@loadbench.example."))
///     // With vouchsafe-client: |address| { let client = client.clone(); async move { client.load(&address).await } }
///     .metadata_by(load)
///     .settings(|_, _, _| {
///         let mut settings = StoredSettings::default();
///         settings.sign_in = ConnectionSettings::default().unsolicited(Unsolicited::Restart);
///         settings
///     });
/// # let _ = set_up;
/// ```
#[derive(Clone)]
pub struct SetUp(pub(super) Arc<Inner>);

/// The settings, which clones of a portal share.
pub(super) struct Inner {
    pub(super) store: Arc<dyn SetUpDirectory>,
    pub(super) path: String,
    pub(super) login: String,
    pub(super) brand: SetUpBrand,
    pub(super) settings: ChooseSettings,
    pub(super) load: Option<Ask<Vec<u8>>>,
    pub(super) resolve: Option<Ask<Vec<String>>>,
    pub(super) rollovers: Option<AskRollovers>,
    pub(super) certificates: Option<ChooseCertificate>,
    pub(super) activates_untried: bool,
    pub(super) own_users: bool,
    pub(super) on_change: Option<TellChange>,
    pub(super) limits: LinkLimits,
}

type ChooseSettings = Arc<dyn Fn(&ConnectionId, &Organization, Console) -> StoredSettings + Send + Sync>;
type ChooseCertificate = Arc<dyn Fn(&ConnectionId, &Organization) -> Option<Certificate> + Send + Sync>;
type AskRollovers = Arc<dyn Fn() -> Vec<OwnRollover> + Send + Sync>;
type Asked<T> = Pin<Box<dyn Future<Output = Result<T, SetUpError>> + Send>>;
type Ask<T> = Arc<dyn Fn(String) -> Asked<T> + Send + Sync>;

impl SetUp {
    /// Makes a portal at this path, as browsers see it, over a store. The path begins with a slash, and has none at its
    /// end: `/set-up`. Missing and superfluous slashes are corrected. Routes at another path answer
    /// [`SetUpError::Misplaced`].
    #[must_use]
    pub fn new<S: SetUpDirectory + 'static>(store: Arc<S>, path: &str) -> SetUp {
        SetUp(Arc::new(Inner {
            store,
            path: at_root(path),
            login: crate::LOGIN.to_owned(),
            brand: SetUpBrand::default(),
            settings: Arc::new(|_, _, _| StoredSettings::default()),
            load: None,
            resolve: None,
            rollovers: None,
            certificates: None,
            activates_untried: false,
            own_users: false,
            on_change: None,
            limits: LinkLimits::default(),
        }))
    }

    /// Sets the path that starts a sign-in, for the links that the pages show of an organization with several connections.
    /// Default: [`LOGIN`](crate::LOGIN).
    #[must_use]
    pub fn login_at(self, path: &str) -> SetUp {
        self.changed(|inner| path.clone_into(&mut inner.login))
    }

    /// Sets the appearance of its pages.
    #[must_use]
    pub fn brand(self, brand: SetUpBrand) -> SetUp {
        self.changed(|inner| inner.brand = brand)
    }

    /// Sets the settings of a connection that is set up, by its name, its organization and the product: for example
    /// an entity ID or an assertion consumer of its own, and whether it needs the organization's token. Default:
    /// [`StoredSettings::default`].
    ///
    /// They must depend only on the arguments, since the values that the customer copies are computed from them
    /// before there is a connection.
    #[must_use]
    pub fn settings(
        self,
        choose: impl Fn(&ConnectionId, &Organization, Console) -> StoredSettings + Send + Sync + 'static,
    ) -> SetUp {
        self.changed(|inner| inner.settings = Arc::new(choose))
    }

    /// Sets how metadata is loaded from an address that the customer gives. It must refuse addresses of private
    /// networks, and limit size and time, as `vouchsafe-client` does. Without it, the customer gives a file or a
    /// text.
    #[must_use]
    pub fn metadata_by<E, F>(self, load: impl Fn(String) -> F + Send + Sync + 'static) -> SetUp
    where
        E: Explain + Send + Sync + 'static,
        F: Future<Output = Result<Vec<u8>, E>> + Send + 'static,
    {
        self.changed(|inner| inner.load = Some(asking(load)))
    }

    /// Sets how the TXT records of a name are looked up in the DNS; `DomainResolver` of `vouchsafe-client` does this.
    /// Without it, no domain can be verified here.
    #[must_use]
    pub fn records_by<E, F>(self, resolve: impl Fn(String) -> F + Send + Sync + 'static) -> SetUp
    where
        E: Explain + Send + Sync + 'static,
        F: Future<Output = Result<Vec<String>, E>> + Send + 'static,
    {
        self.changed(|inner| inner.resolve = Some(asking(resolve)))
    }

    /// Sets a function that returns the certificate of a connection's [own decryption
    /// key](vouchsafe::Connection::with_decryption_key), if the connection gets one. The customer's administrator copies it
    /// into the console before there is a connection, so the key must exist before that. Once there is a connection, its
    /// own published certificate is shown. Without this function, a connection that gets its key later is set up with the
    /// service's certificate, and its trial fails until the administrator replaces it.
    #[must_use]
    pub fn encryption_certificates(
        self,
        choose: impl Fn(&ConnectionId, &Organization) -> Option<Certificate> + Send + Sync + 'static,
    ) -> SetUp {
        self.changed(|inner| inner.certificates = Some(Arc::new(choose)))
    }

    /// Sets a function that returns the replacements of the service's own keys that are in progress. The portal shows the
    /// step, why the next one is not done sooner, and which field of their console customers' administrators must
    /// change. The function is called for each page.
    ///
    /// Connections with a [decryption key of their own](vouchsafe::Connection::with_decryption_key) are not asked to take
    /// the service's next one.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use std::time::Duration;
    /// use vouchsafe::metadata::{OwnKeyUse, OwnRollover};
    /// use vouchsafe_store::Memory;
    /// use vouchsafe_web::SetUp;
    ///
    /// let signing = OwnRollover::new(OwnKeyUse::Signing, Duration::from_secs(7 * 86_400));
    /// let rollovers = Arc::new(Mutex::new(vec![signing]));
    /// let set_up = SetUp::new(Arc::new(Memory::new()), "/set-up")
    ///     .own_rollovers(move || rollovers.lock().map(|all| all.clone()).unwrap_or_default());
    /// # let _ = set_up;
    /// ```
    #[must_use]
    pub fn own_rollovers(self, ask: impl Fn() -> Vec<OwnRollover> + Send + Sync + 'static) -> SetUp {
        self.changed(|inner| inner.rollovers = Some(Arc::new(ask)))
    }

    /// Allows a connection to be activated without a successful trial, after a confirmation that names what was not
    /// tried. By default this is refused.
    ///
    /// Metadata is often public, so an administrator could activate a connection to another customer's identity
    /// provider. This signs nobody in, but unsolicited responses of that identity provider become ambiguous if both
    /// connections have the same assertion consumer. A required trial does not prevent this: it can be signed by a key of
    /// the administrator's own that stands in the metadata beside the copied one. So give each connection an assertion
    /// consumer of its own, by [`settings`](Self::settings), wherever customers do not trust each other.
    #[must_use]
    pub fn danger_activate_untried(self) -> SetUp {
        self.changed(|inner| inner.activates_untried = true)
    }

    /// Sets a function that is called with each change that the holder of a link made, after the store has it. It cannot
    /// refuse the change. Use it to end the sessions that your service keeps over a connection that was replaced, to write
    /// to the owners of the organization, or to write a log of your own.
    ///
    /// The function is called before the browser is answered, and also if the browser does not wait for the answer. Let it
    /// return soon, and spawn a task for what takes longer. If the process stops at that moment, the function is not
    /// called: the [audit](vouchsafe_store::Directory::audit) of the store has every change.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vouchsafe::ConnectionId;
    /// use vouchsafe_store::Memory;
    /// use vouchsafe_web::{SetUp, SetUpChange};
    ///
    /// /// Deletes the sessions with this connection from a table of the service.
    /// async fn end_sessions_over(connection: ConnectionId) {
    ///     // delete from sessions where connection = $1
    /// #   let _ = connection;
    /// }
    ///
    /// let set_up = SetUp::new(Arc::new(Memory::new()), "/set-up").on_change(|event| {
    ///     if let SetUpChange::Replaced { old, .. } = &event.change {
    ///         tokio::spawn(end_sessions_over(old.clone()));
    ///     }
    /// });
    /// # let _ = set_up;
    /// ```
    #[must_use]
    pub fn on_change(self, tell: impl Fn(&SetUpEvent) + Send + Sync + 'static) -> SetUp {
        self.changed(|inner| inner.on_change = Some(Arc::new(tell)))
    }

    /// The path of the portal, as browsers see it.
    #[must_use]
    pub fn path(&self) -> &str {
        if self.0.path.is_empty() { "/" } else { &self.0.path }
    }

    /// Returns the path that opens a link. Put it after the service's origin, and send the address to the customer's
    /// administrator.
    #[must_use]
    pub fn link_path(&self, secret: &vouchsafe_store::SetUpSecret) -> String {
        self.at(&format!("link/{}", secret.reveal()))
    }

    pub(super) fn changed(self, change: impl FnOnce(&mut Inner)) -> SetUp {
        let mut inner = match Arc::try_unwrap(self.0) {
            Ok(inner) => inner,
            Err(shared) => shared.copied(),
        };
        change(&mut inner);
        SetUp(Arc::new(inner))
    }

    /// Returns the path of a step.
    pub(super) fn at(&self, step: &str) -> String {
        format!("{}/{step}", self.0.path)
    }
}

/// Returns a path that begins with one slash and ends with none; empty for the root.
fn at_root(path: &str) -> String {
    match path.trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}

impl Inner {
    fn copied(&self) -> Inner {
        Inner {
            store: Arc::clone(&self.store),
            path: self.path.clone(),
            login: self.login.clone(),
            brand: self.brand.clone(),
            settings: Arc::clone(&self.settings),
            load: self.load.clone(),
            resolve: self.resolve.clone(),
            rollovers: self.rollovers.clone(),
            certificates: self.certificates.clone(),
            activates_untried: self.activates_untried,
            own_users: self.own_users,
            on_change: self.on_change.clone(),
            limits: self.limits.clone(),
        }
    }
}

fn asking<T, E, F>(ask: impl Fn(String) -> F + Send + Sync + 'static) -> Ask<T>
where
    E: Explain + Send + Sync + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    Arc::new(move |about| {
        let asking = ask(about);
        Box::pin(async move { asking.await.map_err(|error| SetUpError::NotLoaded(Box::new(error))) })
    })
}

impl fmt::Debug for SetUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetUp").field("path", &self.0.path).finish_non_exhaustive()
    }
}
