//! The endpoints, over the types of the `http` crate.

mod answer;
mod caller;
mod change;
mod endpoint;
mod groups;
mod list;
mod order;
mod page;
mod render;
mod users;
mod write;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::{Method, Response, request::Parts};
use serde_json::{Map, Value};
use vouchsafe::{AttemptLimiter, ConnectionId, Explain as _, RequestLimiter, crypto::Provider};
use vouchsafe_store::{ScimKind, ScimStore, WrittenRefusals};

use crate::{
    Limits, RequestRate, ScimError,
    costly::Costly,
    query::Query,
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
/// // The body is asked for when the token of the request has been found to work, and only where the request has one.
/// let body = async |_most: usize| Some(Vec::new());
/// let answer = scim.handle(&request, "/Users", body, chrono::Utc::now).await;
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
    limiter: RequestLimiter<ConnectionId>,
    /// The look-ups of tokens, by their hashes.
    guesses: AttemptLimiter<String>,
    written: WrittenRefusals,
    costly: Costly,
    client_address: ClientAddress,
}

/// How many requests may come over one connection. Entra ID sends up to 25 requests a second and Okta fewer; both are
/// allowed, and one customer does not delay others.
const PER_CONNECTION: RequestRate = RequestRate { per_second: 50, burst: 250 };

/// How many invalid tokens may come from one client address: 30 at once and one a second.
const INVALID_TOKENS: RequestRate = RequestRate { per_second: 1, burst: 30 };

/// How many more may come from all client addresses together: 500 at once and 100 a second. A token that is new to this
/// process comes among them if somebody else at the same address, such as an identity provider's, has used up the address.
const MORE_INVALID_TOKENS: RequestRate = RequestRate { per_second: 100, burst: 500 };

/// Where requests come from.
#[derive(Clone, Default)]
struct ClientAddress(Option<Arc<FindAddress>>);

type FindAddress = dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync;

impl ClientAddress {
    fn of(&self, request: &Parts) -> Option<IpAddr> {
        self.0.as_ref().and_then(|find| find(request))
    }
}

impl fmt::Debug for ClientAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "ClientAddress(..)" } else { "ClientAddress(None)" })
    }
}

impl ScimService {
    /// A service whose endpoints clients find below this address.
    pub fn new(store: Arc<dyn ScimStore>, base: impl Into<String>, provider: Provider) -> ScimService {
        let limits = Limits::default();
        ScimService {
            shared: Arc::new(Shared {
                store,
                base: base.into().trim_end_matches('/').to_owned(),
                provider,
                costly: Costly::new(limits.costly_per_connection, limits.costly),
                limits,
                limiter: RequestLimiter::new(PER_CONNECTION),
                guesses: AttemptLimiter::new(INVALID_TOKENS).and_beyond(MORE_INVALID_TOKENS),
                written: WrittenRefusals::default(),
                client_address: ClientAddress::default(),
            }),
        }
    }

    /// The same service with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> ScimService {
        self.changed(|shared| {
            shared.costly = Costly::new(limits.costly_per_connection, limits.costly);
            shared.limits = limits;
        })
    }

    /// Returns the service with this rate of requests over one connection: by default 250 at once and 50 a second. Further ones
    /// are answered with 429.
    #[must_use]
    pub fn with_rate(self, rate: RequestRate) -> ScimService {
        self.changed(|shared| shared.limiter = RequestLimiter::new(rate))
    }

    /// Returns the service with these rates of invalid tokens: from one client address, by default 30 at once and one a second,
    /// and beyond it from all of them together, by default 500 at once and 100 a second. Further ones are answered with 429.
    /// Valid tokens are not counted, and tokens that this process found valid before are always looked up. If the [client
    /// address](Self::with_client_address) is not known, these limits do not apply.
    #[must_use]
    pub fn with_failed_token_rates(self, per_client: RequestRate, beyond: RequestRate) -> ScimService {
        self.changed(|shared| shared.guesses = AttemptLimiter::new(per_client).and_beyond(beyond))
    }

    /// Returns the service with a function that finds the client's address of a request; of an IPv6 address the first 64 bits
    /// count. By default the address is not known, and invalid tokens are not limited. The log says so once.
    ///
    /// Behind a proxy, the address of the TCP connection is the proxy's for every client. Read the header that the proxy writes,
    /// and only if the proxy removes what clients write there.
    #[must_use]
    pub fn with_client_address(
        self,
        find: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> ScimService {
        self.changed(|shared| shared.client_address = ClientAddress(Some(Arc::new(find))))
    }

    fn changed(self, change: impl FnOnce(&mut Shared)) -> ScimService {
        let Shared { store, base, provider, limits, limiter, guesses, costly, client_address, written: _ } =
            &*self.shared;
        let mut copy = Shared {
            store: Arc::clone(store),
            base: base.clone(),
            provider: provider.clone(),
            limits: limits.clone(),
            limiter: RequestLimiter::new(limiter.rate()),
            guesses: guesses.renewed(),
            written: WrittenRefusals::default(),
            costly: costly.clone(),
            client_address: client_address.clone(),
        };
        change(&mut copy);
        ScimService { shared: Arc::new(copy) }
    }

    /// Returns the base address, below which the endpoints are.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.shared.base
    }

    /// Answers a request. `path` is the path after the base, such as `/Users/1`; the method, the query and the headers are those of the
    /// request.
    ///
    /// `body` reads the body. It is called with the most bytes that the body may have, when the bearer token has been found to work and there
    /// is room for a request of its connection, and only for a method that has a body; it answers `None` if the body has more bytes.
    ///
    /// `now` is asked for the time before and after the body is read, since a client may send its body slowly. A token that was revoked or
    /// expired meanwhile is no longer valid, and the audit has the later time.
    pub async fn handle<B: Future<Output = Option<Vec<u8>>>>(
        &self,
        request: &Parts,
        path: &str,
        body: impl FnOnce(usize) -> B,
        now: impl Fn() -> DateTime<Utc>,
    ) -> Response<Vec<u8>> {
        let answered = self.answered(request, path, body, now).await;
        let answered = answered.unwrap_or_else(|error| {
            self.log(&error, &request.method);
            Answered::error(&error)
        });
        answered.into_response(request)
    }

    async fn answered<B: Future<Output = Option<Vec<u8>>>>(
        &self,
        request: &Parts,
        path: &str,
        body: impl FnOnce(usize) -> B,
        now: impl Fn() -> DateTime<Utc>,
    ) -> Result<Answered, ScimError> {
        let caller = Caller::of(self, request, now()).await?;
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
                let (object, caller) = self.whole(&caller, request, body, now).await?;
                self.list(&caller, kind, &Query::of_body(&object, limits)?).await
            }
            (Endpoint::All(kind), &Method::GET) => {
                self.list(&caller, kind, &Query::of_address(query, limits)?).await
            }
            (Endpoint::All(kind), &Method::POST) => {
                let projection = Query::of_address(query, limits)?.projection;
                let (object, caller) = self.whole(&caller, request, body, now).await?;
                self.create(&caller, kind, object, &projection).await
            }
            (Endpoint::One(kind, id), &Method::GET) => {
                self.read(&caller, kind, &id, &Query::of_address(query, limits)?.projection).await
            }
            (Endpoint::One(kind, id), &Method::PUT) => {
                let projection = Query::of_address(query, limits)?.projection;
                let (object, caller) = self.whole(&caller, request, body, now).await?;
                self.replace(&caller, (kind, &id), object, &projection, request).await
            }
            (Endpoint::One(kind, id), &Method::PATCH) => {
                let projection = Query::of_address(query, limits)?.projection;
                let (object, caller) = self.whole(&caller, request, body, now).await?;
                self.patch(&caller, (kind, &id), Value::Object(object), &projection, request).await
            }
            (Endpoint::One(kind, id), &Method::DELETE) => self.delete(&caller, kind, &id, request).await,
            (Endpoint::Bulk, _) => Err(ScimError::NotImplemented { what: "a bulk request" }),
            (Endpoint::Me, _) => Err(ScimError::NotImplemented { what: "/Me" }),
            (Endpoint::SearchAll, _) => Err(ScimError::NotImplemented { what: "a search over all kinds" }),
            _ => Err(ScimError::MethodNotAllowed { method: crate::error::shortened(method.as_str()) }),
        }
    }

    /// The body, and the caller as it is when the body is there.
    async fn whole<B: Future<Output = Option<Vec<u8>>>>(
        &self,
        caller: &Caller,
        request: &Parts,
        body: impl FnOnce(usize) -> B,
        now: impl Fn() -> DateTime<Utc>,
    ) -> Result<(Map<String, Value>, Caller), ScimError> {
        let object = self.object(request, body).await?;
        Ok((object, caller.after_body(self, now()).await?))
    }

    /// The body as a JSON object.
    async fn object<B: Future<Output = Option<Vec<u8>>>>(
        &self,
        request: &Parts,
        body: impl FnOnce(usize) -> B,
    ) -> Result<Map<String, Value>, ScimError> {
        answer::require_json(&request.headers)?;
        let most = self.shared.limits.body_bytes;
        let body = body(most).await.filter(|body| body.len() <= most);
        let body = body.ok_or(ScimError::TooLarge { most })?;
        match serde_json::from_slice(&body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(ScimError::syntax("the body is not a JSON object")),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(ScimError::syntax(format!("it is not JSON at line {line}, column {column}")))
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
