//! The set-up portal (feature `portal`): pages on which a customer's administrator connects their identity provider,
//! without an account at the service.
//!
//! The service issues a link ([`SetUpLink`](vouchsafe_store::SetUpLink)). The person who opens it chooses the
//! product, copies the values of the service into its console, and gives the metadata. They then try a sign-in, which
//! shows every check and the plan and changes nothing, and activate the connection. Domains are verified by a record
//! in the DNS. With an active connection the portal shows its certificates and the last refused sign-ins, can
//! replace the identity provider, and shows newer metadata that waits for approval, to be approved or refused.
//!
//! The pages are plain HTML and need no script.

mod act;
mod brand;
mod certificates;
mod domains;
mod error;
mod fields;
mod holder_hints;
mod link_limits;
mod markup;
mod metadata;
mod overview;
mod own_keys;
mod own_users;
mod pages;
mod parsed;
mod place;
mod planned;
mod staged;
mod trial;
mod visit;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use vouchsafe::console::Console;
use vouchsafe::crypto::Certificate;
use vouchsafe::metadata::OwnRollover;
use vouchsafe::provisioning::Organization;
use vouchsafe::{ConnectionId, Explain};
use vouchsafe_store::{ConnectionStore, Directory, SetUpStore, StoreError, StoredSettings};

use crate::answers::{answer, see_other};
use crate::error::HttpError;
use crate::escaped_text::EscapedText;
use crate::form_fields::parts_of;
use crate::single_sign_on::SingleSignOn;

pub use brand::{SetUpBrand, SetUpView};
pub use error::SetUpError;
pub(crate) use trial::is_of_set_up;

use fields::Fields;
use link_limits::LinkLimits;
use markup::STYLE;
use pages::Page;
use visit::Visit;

/// Organizations, connections and set-up links in one store. `vouchsafe_store::Memory`, `Sqlite` and `Postgres`
/// implement it.
pub trait SetUpDirectory: SetUpStore + Directory + ConnectionStore {}

impl<T: SetUpStore + Directory + ConnectionStore> SetUpDirectory for T {}

/// The set-up portal of a service. Pass it to [`SingleSignOn::set_up_by`]. Clones share everything.
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
pub struct SetUp(Arc<Inner>);

struct Inner {
    store: Arc<dyn SetUpDirectory>,
    path: String,
    login: String,
    brand: SetUpBrand,
    settings: ChooseSettings,
    load: Option<Ask<Vec<u8>>>,
    resolve: Option<Ask<Vec<String>>>,
    rollovers: Option<AskRollovers>,
    certificates: Option<ChooseCertificate>,
    activates_untried: bool,
    own_users: bool,
    limits: LinkLimits,
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

    /// Removes links a month after their expiry, and the drafts that they left. Until then, a person who opens one is told
    /// that it has expired.
    pub(crate) async fn sweep(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let before = now.checked_sub_signed(TimeDelta::days(30)).unwrap_or(DateTime::<Utc>::MIN_UTC);
        vouchsafe_store::sweep_set_up_links(self.0.store.as_ref(), before, now).await
    }

    fn changed(self, change: impl FnOnce(&mut Inner)) -> SetUp {
        let mut inner = match Arc::try_unwrap(self.0) {
            Ok(inner) => inner,
            Err(shared) => shared.copied(),
        };
        change(&mut inner);
        SetUp(Arc::new(inner))
    }

    fn at(&self, step: &str) -> String {
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

impl SingleSignOn {
    /// Lets customers set their connections up in this [portal](SetUp).
    #[must_use]
    pub fn set_up_by(self, set_up: SetUp) -> SingleSignOn {
        self.changed(|inner| inner.set_up = Some(set_up))
    }

    /// Answers a request to the set-up portal. `step` is the path below that of the portal, and the URI of `request` the one
    /// that was asked for, outside of any nesting. Without [`set_up_by`](Self::set_up_by) the status is 404.
    ///
    /// The body of the metadata form is as large as the metadata, usually about 10 KiB; the HTTP server limits it.
    pub async fn set_up(&self, request: &Parts, step: &str, body: &[u8]) -> Response<String> {
        let Some(set_up) = &self.inner.set_up else {
            return answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", String::new());
        };
        set_up.answered(self, request, step.trim_matches('/'), body).await
    }

    /// Answers a request to the set-up portal whose body could not be read, because it is too large for example, with a
    /// page of the portal.
    pub fn set_up_unread(&self, request: &Parts, error: HttpError) -> Response<String> {
        match &self.inner.set_up {
            Some(set_up) => set_up.refused(self, request, SetUpError::Unread(error.to_string())),
            None => answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", String::new()),
        }
    }
}

/// The result of a step.
enum Next {
    Page(Page),
    /// A redirect to another step.
    Step(&'static str),
    /// An answer that was already made.
    Answer(Box<Response<String>>),
}

impl SetUp {
    async fn answered(
        &self,
        sso: &SingleSignOn,
        request: &Parts,
        step: &str,
        body: &[u8],
    ) -> Response<String> {
        if let Err(error) = self.require_place(request.uri.path(), step) {
            tracing::error!(code = error.code(), reason = %error, hint = error.hint(), "the set-up portal is misplaced");
            return self.refused(sso, request, error);
        }
        let is_post = request.method == Method::POST;
        if !is_post && request.method != Method::GET && request.method != Method::HEAD {
            return answer(StatusCode::METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", String::new());
        }
        if !is_post && step == "style.css" {
            return answer(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned());
        }
        let content_type = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let parts = match is_post {
            true => parts_of(content_type.unwrap_or_default(), body).map(|(_, parts)| parts),
            false => Some(Vec::new()),
        };
        let Some(parts) = parts else { return self.refused(sso, request, SetUpError::Form) };
        let fields = Fields::of(parts);
        let opened = match (is_post, step.split_once('/')) {
            (false, Some(("link", secret))) => self.landing(sso, secret).await,
            (true, _) if step == "begin" => self.begin(sso, request, &fields).await,
            _ => match self.visit(sso, request).await {
                Ok(mut visit) => return self.visited(&mut visit, step, is_post.then_some(&fields)).await,
                Err(error) => Err(error),
            },
        };
        match opened {
            Ok(next) => self.shown(sso, request, "", next),
            Err(error) => self.refused(sso, request, error),
        }
    }

    /// Answers a browser that opened a link. `fields` is the posted form.
    async fn visited(&self, visit: &mut Visit<'_>, step: &str, fields: Option<&Fields>) -> Response<String> {
        let outcome = match fields {
            None => match self.file(visit, step).await {
                Ok(None) => self.page(visit, step).await.map(Next::Page),
                Ok(Some(file)) => Ok(file),
                Err(error) => Err(error),
            },
            Some(fields) => match visit.may_post(fields) {
                Ok(()) => self.act(visit, step, fields).await,
                Err(error) => Err(error),
            },
        };
        let (sso, request) = (visit.sso, visit.request);
        let organization = visit.organization.name.clone();
        match outcome {
            Ok(next) => self.shown(sso, request, &organization, next),
            Err(error) if error.outage().is_some() => self.refused(sso, request, error),
            Err(error) => {
                tracing::info!(link = %visit.link.id, organization = %visit.organization.id, code = error.code(), step, "set-up step refused");
                // The page of the form is shown again, with the problem at its field.
                let page = match (&error, fields) {
                    (
                        SetUpError::LinkOver { .. }
                        | SetUpError::StepUnknown
                        | SetUpError::Purpose
                        // Nothing is parsed for somebody who comes too often.
                        | SetUpError::TooOften { .. },
                        _,
                    )
                    | (_, None) => None,
                    (_, Some(fields)) if self.count_look(visit).is_ok() => {
                        self.page_again(visit, step, fields, &error).await.ok()
                    }
                    (_, Some(_)) => None,
                };
                let page = page.unwrap_or_else(|| Page::problem(&error, visit.console(), self.path()));
                let response = self.shown(sso, request, &organization, Next::Page(page.with(error.status())));
                later(response, &error)
            }
        }
    }

    /// Answers a problem of a browser without an opened link, a form that could not be read, or an outage, of which only
    /// the log has the details.
    fn refused(&self, sso: &SingleSignOn, request: &Parts, error: SetUpError) -> Response<String> {
        let error = match error.outage() {
            Some(failure) => {
                tracing::error!(code = failure.code(), reason = %failure, "the set-up portal cannot answer");
                SetUpError::Unavailable
            }
            None => {
                tracing::info!(code = error.code(), "set-up link refused");
                error
            }
        };
        let back =
            if matches!(error, SetUpError::Unread(_) | SetUpError::Unavailable) { self.path() } else { "" };
        let page = Page::problem(&error, None, back).with(error.status());
        later(self.shown(sso, request, "", Next::Page(page)), &error)
    }

    fn shown(&self, sso: &SingleSignOn, request: &Parts, organization: &str, next: Next) -> Response<String> {
        let page = match next {
            Next::Answer(response) => return *response,
            Next::Step(step) => {
                let place = if step.is_empty() { self.path().to_owned() } else { self.at(step) };
                return see_other(&place, []).unwrap_or_else(|error| sso.refuse(&request.headers, error));
            }
            Next::Page(page) => page,
        };
        let stylesheet = self.at("style.css");
        let view = SetUpView {
            title: EscapedText::new(&page.title),
            organization: EscapedText::new(organization),
            content: &page.content.into_html(),
            stylesheet: EscapedText::new(&stylesheet),
        };
        let mut response = answer(page.status, "text/html; charset=utf-8", self.0.brand.render(&view));
        let headers = response.headers_mut();
        match HeaderValue::from_str(&self.0.brand.content_security_policy()) {
            Ok(policy) => headers.insert(CONTENT_SECURITY_POLICY, policy),
            Err(_) => {
                return sso.refuse(&request.headers, HttpError::Header { name: "Content-Security-Policy" });
            }
        };
        // Our own forms send a referrer, and other sites receive no address of these pages.
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.extend(page.cookie.into_iter().map(|cookie| (http::header::SET_COOKIE, cookie)));
        response
    }
}

/// After how many seconds a request may be sent again that failed by an outage.
const AFTER_AN_OUTAGE: u64 = 5;

/// Says when the next attempt is useful, if that is known.
fn later(mut response: Response<String>, error: &SetUpError) -> Response<String> {
    let seconds = match error {
        SetUpError::TooOften { retry_after } => *retry_after,
        SetUpError::Unavailable => AFTER_AN_OUTAGE,
        _ => return response,
    };
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
