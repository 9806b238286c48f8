//! The endpoints, over the types of the `http` crate.

mod answer;
mod caller;
mod endpoint;
mod groups;
mod list;
mod render;
mod users;
mod write;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::{Method, Response, request::Parts};
use serde_json::{Map, Value};
use vouchsafe::{Explain as _, crypto::Provider};
use vouchsafe_store::{ScimKind, ScimStore};

use crate::{
    Limits, RequestRate, ScimError,
    query::Query,
    rate::RequestLimiter,
    schema::{resource_types, schemas},
};
use answer::Answered;
use caller::Caller;
use endpoint::Endpoint;

/// A SCIM service provider over a store: every request is an answer, and nothing else.
///
/// The bearer token of a request says which connection it is of, so all customers have one base address. What is asked for is planned by the
/// organization's policy as a sign-in is, and audited; a person who is deactivated has no session and no API token any more when the answer
/// goes out.
///
/// Clones share their limits.
///
/// ```
/// use std::sync::Arc;
/// use http::Request;
/// use vouchsafe::Provider;
/// use vouchsafe_scim::ScimService;
/// use vouchsafe_store::Memory;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let store = Arc::new(Memory::new());
/// let scim = ScimService::new(store, "https://app.example.com/scim/v2", Provider::rustcrypto());
/// let (request, _) = Request::get("https://app.example.com/scim/v2/Users").body(())?.into_parts();
/// let answer = scim.handle(&request, "/Users", &[], "2026-01-15T09:00:00Z".parse()?).await;
/// assert_eq!(answer.status(), 401);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ScimService {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn ScimStore>,
    base: String,
    provider: Provider,
    limits: Limits,
    limiter: RequestLimiter,
}

impl ScimService {
    /// A service whose endpoints clients find below this address.
    pub fn new(store: Arc<dyn ScimStore>, base: impl Into<String>, provider: Provider) -> ScimService {
        let base = base.into().trim_end_matches('/').to_owned();
        let (limits, limiter) = (Limits::default(), RequestLimiter::new(RequestRate::default()));
        ScimService { shared: Arc::new(Shared { store, base, provider, limits, limiter }) }
    }

    /// The same service with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> ScimService {
        let limiter = RequestLimiter::new(self.shared.limiter.rate());
        self.changed(|shared| Shared { limits, limiter, ..shared })
    }

    /// The same service that takes requests of one connection at this rate.
    #[must_use]
    pub fn with_rate(self, rate: RequestRate) -> ScimService {
        self.changed(|shared| Shared { limiter: RequestLimiter::new(rate), ..shared })
    }

    fn changed(self, change: impl FnOnce(Shared) -> Shared) -> ScimService {
        let Shared { store, base, provider, limits, limiter } = &*self.shared;
        let copy = Shared {
            store: Arc::clone(store),
            base: base.clone(),
            provider: provider.clone(),
            limits: limits.clone(),
            limiter: RequestLimiter::new(limiter.rate()),
        };
        ScimService { shared: Arc::new(change(copy)) }
    }

    /// The address that the endpoints stand below.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.shared.base
    }

    /// The most bytes that a body may have: whoever reads it need not read more.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.shared.limits.body_bytes
    }

    /// Answers a request. `path` is what stands behind the base, such as `/Users/1`; the method, the query and the headers are those of the
    /// request.
    pub async fn handle(
        &self,
        request: &Parts,
        path: &str,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Response<Vec<u8>> {
        let answered = self.answered(request, path, body, now).await;
        let answered = answered.unwrap_or_else(|error| {
            self.log(&error, &request.method);
            Answered::error(&error)
        });
        answered.into_response(request)
    }

    async fn answered(
        &self,
        request: &Parts,
        path: &str,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Answered, ScimError> {
        let caller = Caller::of(self, request, now).await?;
        let endpoint = Endpoint::of(path)?;
        let method = &request.method;
        let (limits, query) = (&self.shared.limits, request.uri.query());
        match (endpoint, method) {
            (Endpoint::Configuration, &Method::GET) => {
                not_filtered(query)?;
                Ok(Answered::document(answer::configuration(&self.shared.base, limits)))
            }
            (Endpoint::ResourceTypes(name), &Method::GET) => {
                not_filtered(query)?;
                Answered::documents(resource_types(&self.shared.base), name.as_deref())
            }
            (Endpoint::Schemas(name), &Method::GET) => {
                not_filtered(query)?;
                Answered::documents(schemas(&self.shared.base), name.as_deref())
            }
            (Endpoint::Search(kind), &Method::POST) => {
                let query = Query::of_body(&self.object(request, body)?, limits)?;
                self.list(&caller, kind, &query).await
            }
            (Endpoint::All(kind), &Method::GET) => {
                self.list(&caller, kind, &Query::of_address(query, limits)?).await
            }
            (Endpoint::All(kind), &Method::POST) => {
                let projection = Query::of_address(query, limits)?.projection;
                let object = self.object(request, body)?;
                self.create(&caller, kind, object, &projection).await
            }
            (Endpoint::One(kind, id), &Method::GET) => {
                self.read(&caller, kind, &id, &Query::of_address(query, limits)?.projection).await
            }
            (Endpoint::One(kind, id), &Method::PUT) => {
                let projection = Query::of_address(query, limits)?.projection;
                let object = self.object(request, body)?;
                self.replace(&caller, (kind, &id), object, &projection, request).await
            }
            (Endpoint::One(kind, id), &Method::PATCH) => {
                let projection = Query::of_address(query, limits)?.projection;
                let patch = Value::Object(self.object(request, body)?);
                self.patch(&caller, (kind, &id), patch, &projection, request).await
            }
            (Endpoint::One(kind, id), &Method::DELETE) => self.delete(&caller, kind, &id, request).await,
            (Endpoint::Bulk, _) => Err(ScimError::NotImplemented { what: "a bulk request" }),
            (Endpoint::Me, _) => Err(ScimError::NotImplemented { what: "/Me" }),
            (Endpoint::SearchAll, _) => Err(ScimError::NotImplemented { what: "a search over all kinds" }),
            _ => Err(ScimError::MethodNotAllowed { method: crate::error::shortened(method.as_str()) }),
        }
    }

    /// The body as a JSON object.
    fn object(&self, request: &Parts, body: &[u8]) -> Result<Map<String, Value>, ScimError> {
        let most = self.shared.limits.body_bytes;
        if body.len() > most {
            return Err(ScimError::TooLarge { most });
        }
        answer::require_json(&request.headers)?;
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(ScimError::syntax("the body is no JSON object")),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(ScimError::syntax(format!("it is no JSON at line {line}, column {column}")))
            }
        }
    }

    /// What failed here is told in the log; what the client did wrong it is told itself.
    fn log(&self, error: &ScimError, method: &Method) {
        match error {
            ScimError::Store(source) => {
                tracing::error!(code = error.code(), %method, error = %source, "a SCIM request failed");
            }
            ScimError::Cryptography(source) => {
                tracing::error!(code = error.code(), %method, error = %source, "a SCIM request failed");
            }
            _ => tracing::info!(code = error.code(), %method, "a SCIM request was refused"),
        }
    }

    fn location(&self, kind: ScimKind, id: &str) -> String {
        use crate::schema::Described as _;
        format!("{}/{}/{id}", self.shared.base, kind.endpoint())
    }
}

/// What describes the service is not filtered: 403 (RFC 7644, 4).
fn not_filtered(query: Option<&str>) -> Result<(), ScimError> {
    let mut parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    match parameters.any(|(name, _)| name.eq_ignore_ascii_case("filter")) {
        true => Err(ScimError::FilterNotTaken),
        false => Ok(()),
    }
}
