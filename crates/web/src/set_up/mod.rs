//! The set-up portal (feature `portal`): pages on which an administrator of a customer connects their identity provider, without an account at
//! the service.
//!
//! The service issues a link ([`SetUpLink`](vouchsafe_store::SetUpLink)); whoever opens it chooses the product, copies the values of the service
//! into its console, gives the metadata, tries a sign-in, of which every check and the plan is shown and nothing is changed, and activates the
//! connection. Domains are verified by a record in the DNS. With an active connection the portal shows its certificates and the last
//! refused sign-ins, and replaces the identity provider.
//!
//! The pages are plain HTML, which needs no script.

mod act;
mod brand;
mod domains;
mod error;
mod markup;
mod metadata;
mod overview;
mod pages;
mod trial;
mod visit;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use vouchsafe::console::Console;
use vouchsafe::crypto::Certificate;
use vouchsafe::provisioning::Organization;
use vouchsafe::{ConnectionId, Explain};
use vouchsafe_store::{ConnectionStore, Directory, SetUpStore, StoreError, StoredSettings};

use crate::answers::{answer, see_other};
use crate::form_fields::{FormPart, parts_of};
use crate::single_sign_on::SingleSignOn;
use crate::start_limiter::{Counted, Rate};

pub use brand::{SetUpBrand, SetUpView};
pub use error::SetUpError;
pub(crate) use trial::is_of_set_up;

use markup::STYLE;
use pages::Page;
use visit::Visit;

/// Organizations, connections and set-up links in one store: what `vouchsafe_store::Memory`, `Sqlite` and `Postgres` are.
pub trait SetUpDirectory: SetUpStore + Directory + ConnectionStore {}

impl<T: SetUpStore + Directory + ConnectionStore> SetUpDirectory for T {}

/// The set-up portal of a service, to be given to [`SingleSignOn::set_up_by`]. Clones share everything.
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
    brand: SetUpBrand,
    settings: ChooseSettings,
    load: Option<Ask<Vec<u8>>>,
    resolve: Option<Ask<Vec<String>>>,
    activates_untried: bool,
    asked: Arc<Counted<String>>,
    acted: Arc<Counted<String>>,
}

type ChooseSettings = Arc<dyn Fn(&ConnectionId, &Organization, Console) -> StoredSettings + Send + Sync>;
type Asked<T> = Pin<Box<dyn Future<Output = Result<T, SetUpError>> + Send>>;
type Ask<T> = Arc<dyn Fn(String) -> Asked<T> + Send + Sync>;

/// How often a link has metadata or the DNS asked: so many at once, and then one a second.
const ASKED: Rate = Rate::new(10, 1);
/// How often something is done with a link that is written down: so many at once, and then one a second.
const ACTED: Rate = Rate::new(100, 1);

impl SetUp {
    /// The portal at this path, as browsers see it, over a store.
    #[must_use]
    pub fn new<S: SetUpDirectory + 'static>(store: Arc<S>, path: &str) -> SetUp {
        SetUp(Arc::new(Inner {
            store,
            path: path.trim_end_matches('/').to_owned(),
            brand: SetUpBrand::default(),
            settings: Arc::new(|_, _, _| StoredSettings::default()),
            load: None,
            resolve: None,
            activates_untried: false,
            asked: Arc::new(Counted::new(ASKED)),
            acted: Arc::new(Counted::new(ACTED)),
        }))
    }

    /// How its pages look.
    #[must_use]
    pub fn brand(self, brand: SetUpBrand) -> SetUp {
        self.changed(|inner| inner.brand = brand)
    }

    /// The settings of a connection that is set up, by its name, its organization and the product: such as an entity ID or an assertion consumer
    /// of its own, and whether it needs the organization's token. By default those of [`StoredSettings::default`].
    ///
    /// They must depend on the arguments alone, since the values that the customer copies are made of them before there is a connection.
    #[must_use]
    pub fn settings(
        self,
        choose: impl Fn(&ConnectionId, &Organization, Console) -> StoredSettings + Send + Sync + 'static,
    ) -> SetUp {
        self.changed(|inner| inner.settings = Arc::new(choose))
    }

    /// How metadata is loaded from an address that the customer gives. It must refuse addresses of private networks, and be bounded in size and time:
    /// `vouchsafe-client` is. Without it the customer gives a file or a text.
    #[must_use]
    pub fn metadata_by<E, F>(self, load: impl Fn(String) -> F + Send + Sync + 'static) -> SetUp
    where
        E: Explain + Send + Sync + 'static,
        F: Future<Output = Result<Vec<u8>, E>> + Send + 'static,
    {
        self.changed(|inner| inner.load = Some(asking(load)))
    }

    /// How the TXT records of a name are looked up in the DNS: `DomainResolver` of `vouchsafe-client` does. Without it no domain is verified here.
    #[must_use]
    pub fn records_by<E, F>(self, resolve: impl Fn(String) -> F + Send + Sync + 'static) -> SetUp
    where
        E: Explain + Send + Sync + 'static,
        F: Future<Output = Result<Vec<String>, E>> + Send + 'static,
    {
        self.changed(|inner| inner.resolve = Some(asking(resolve)))
    }

    /// Lets a connection be activated that was not tried out with success, in a second step that says what was not tried. By default it is refused.
    ///
    /// Who activates a connection to the identity provider of another customer, whose metadata is often public, is not able to sign anybody in, and makes
    /// unsolicited responses of that identity provider ambiguous where both have one assertion consumer. A trial is proof against that; without it give
    /// each connection an assertion consumer of its own, by [`settings`](Self::settings).
    #[must_use]
    pub fn danger_activate_untried(self) -> SetUp {
        self.changed(|inner| inner.activates_untried = true)
    }

    /// The path of the portal, as browsers see it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The path that opens a link, for the address that is sent to the customer's administrator: behind the origin of the service.
    #[must_use]
    pub fn link_path(&self, secret: &vouchsafe_store::SetUpSecret) -> String {
        self.at(&format!("link/{}", secret.reveal()))
    }

    /// Forgets links a month after their time: until then whoever opens one is told that it has expired.
    pub(crate) async fn sweep(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let before = now.checked_sub_signed(TimeDelta::days(30)).unwrap_or(DateTime::<Utc>::MIN_UTC);
        self.0.store.sweep_set_up_links(before).await
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

impl Inner {
    fn copied(&self) -> Inner {
        Inner {
            store: Arc::clone(&self.store),
            path: self.path.clone(),
            brand: self.brand.clone(),
            settings: Arc::clone(&self.settings),
            load: self.load.clone(),
            resolve: self.resolve.clone(),
            activates_untried: self.activates_untried,
            asked: Arc::clone(&self.asked),
            acted: Arc::clone(&self.acted),
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
    /// Has customers set their connections up in this [portal](SetUp).
    #[must_use]
    pub fn set_up_by(self, set_up: SetUp) -> SingleSignOn {
        self.changed(|inner| inner.set_up = Some(set_up))
    }

    /// Answers a request to the set-up portal. `step` is the path below that of the portal. Without [`set_up_by`](Self::set_up_by) there is nothing.
    ///
    /// The body of the metadata's form is as large as the metadata, which is some 10 KiB, and as large as the HTTP server lets it be.
    pub async fn set_up(&self, request: &Parts, step: &str, body: &[u8]) -> Response<String> {
        let Some(set_up) = &self.inner.set_up else {
            return answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", String::new());
        };
        set_up.answered(self, request, step.trim_matches('/'), body).await
    }
}

/// What a step leads to.
enum Next {
    Page(Page),
    /// Another step.
    Step(&'static str),
    /// Something that is made elsewhere.
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
        let fields = Fields(parts);
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

    /// A request of a browser that opened a link. `fields`: what it posted.
    async fn visited(&self, visit: &mut Visit<'_>, step: &str, fields: Option<&Fields>) -> Response<String> {
        let outcome = match fields {
            None => self
                .page(visit, step)
                .await
                .map(Next::Page)
                .or_else(|error| self.file(visit, step).ok_or(error)),
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
                // The page from which the form came, with what is wrong at its field.
                let page = match (&error, fields) {
                    (SetUpError::LinkOver { .. } | SetUpError::StepUnknown | SetUpError::Purpose, _)
                    | (_, None) => None,
                    (_, Some(fields)) => self.page_again(visit, step, fields, &error).await.ok(),
                };
                let page = page.unwrap_or_else(|| Page::problem(&error, visit.console(), &self.at("")));
                self.shown(sso, request, &organization, Next::Page(page.with(error.status())))
            }
        }
    }

    /// A problem of a browser that has opened no link, or an outage.
    fn refused(&self, sso: &SingleSignOn, request: &Parts, error: SetUpError) -> Response<String> {
        match error {
            SetUpError::Store(error) if error.is_outage() => sso.refuse(&request.headers, error),
            SetUpError::Directory(vouchsafe_store::SignInError::Store(error)) if error.is_outage() => {
                sso.refuse(&request.headers, error)
            }
            error => {
                tracing::info!(code = error.code(), "set-up link refused");
                let retry_after = match &error {
                    SetUpError::TooOften { retry_after } => Some(*retry_after),
                    _ => None,
                };
                let page = Page::problem(&error, None, "").with(error.status());
                let mut response = self.shown(sso, request, "", Next::Page(page));
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
                }
                response
            }
        }
    }

    fn shown(&self, sso: &SingleSignOn, request: &Parts, organization: &str, next: Next) -> Response<String> {
        let page = match next {
            Next::Answer(response) => return *response,
            Next::Step(step) => {
                let place = if step.is_empty() { self.0.path.clone() } else { self.at(step) };
                return see_other(&place, []).unwrap_or_else(|error| sso.refuse(&request.headers, error));
            }
            Next::Page(page) => page,
        };
        let stylesheet = self.at("style.css");
        let view = SetUpView {
            title: &page.title,
            organization,
            content: &page.content.into_html(),
            stylesheet: &stylesheet,
        };
        let mut response = answer(page.status, "text/html; charset=utf-8", self.0.brand.render(&view));
        let headers = response.headers_mut();
        match HeaderValue::from_str(&self.0.brand.content_security_policy()) {
            Ok(policy) => headers.insert(CONTENT_SECURITY_POLICY, policy),
            Err(_) => {
                return sso
                    .refuse(&request.headers, crate::HttpError::Header { name: "Content-Security-Policy" });
            }
        };
        // Our own forms say where they come from, and nobody else is told an address of these pages.
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.extend(page.cookie.into_iter().map(|cookie| (http::header::SET_COOKIE, cookie)));
        response
    }

    /// A certificate of ours.
    fn file(&self, visit: &Visit<'_>, step: &str) -> Option<Next> {
        let service_provider = visit.sso.service_provider();
        let certificate: &Certificate = match step {
            "encryption.pem" => service_provider.encryption_certificates().first()?,
            "signing.pem" => service_provider.signing_certificate()?,
            _ => return None,
        };
        let mut response = answer(StatusCode::OK, "application/x-pem-file", certificate.to_pem());
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{step}\"")).ok()?;
        response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
        Some(Next::Answer(Box::new(response)))
    }
}

/// What a form sent.
struct Fields(Vec<FormPart>);

impl Fields {
    /// The value of a field, if it is there and text.
    fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|part| part.name == name && !part.is_file)?;
        std::str::from_utf8(&found.value).ok().map(str::trim)
    }

    /// The text of a field that is not empty.
    fn given(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// The content of a file that was chosen.
    fn file(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|part| part.name == name && part.is_file)?;
        Some(found.value.as_slice()).filter(|content| !content.is_empty())
    }
}
