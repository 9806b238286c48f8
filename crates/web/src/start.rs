//! Starts a sign-in.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response};
use vouchsafe::{BrowserBinding, Connection, LoginOptions, PendingRequest, StartedLogin, WebAddress};

use crate::answers::{Context, asks_by_paos, carried, see_other};
use crate::discovery_request::{DiscoveryRequest, discovered, one_value};
use crate::error::HttpError;
use crate::link;
use crate::same_origin::{Source, source};
use crate::single_sign_on::SingleSignOn;
use crate::stores;

/// The query parameter of the [sign-in page](SingleSignOn::sign_in_page) if a sign-in could not be started.
pub const NOT_STARTED: (&str, &str) = ("problem", "organization");

impl SingleSignOn {
    /// Starts a sign-in over a connection: stores the request, binds it to this browser, and answers the redirect or,
    /// for HTTP-POST, the page with its form. An [enhanced client](asks_by_paos) receives the envelope, if the
    /// service provider [supports them](vouchsafe::Builder::receive_from_enhanced_clients).
    ///
    /// The browser later goes to [`LoginOptions::return_to`], if that is on the list of allowed paths.
    ///
    /// # Errors
    /// [`HttpError::TooManyStarts`]; [`HttpError::Binding`] if the connection cannot be used;
    /// [`HttpError::ReservedContext`]; [`HttpError::Store`].
    pub async fn start(
        &self,
        request: &Parts,
        connection: &Connection,
        options: LoginOptions,
    ) -> Result<Response<String>, HttpError> {
        self.count_start(request)?;
        self.start_counted(request, connection, options, None).await
    }

    /// Counts a start for the client, before anything is looked up.
    pub(crate) fn count_start(&self, request: &Parts) -> Result<(), HttpError> {
        self.inner.starts.count_client(self.inner.address_of(request), self.now())
    }

    /// Does the same as [`start`](Self::start) after the client was counted, with one additional cookie.
    pub(crate) async fn start_counted(
        &self,
        request: &Parts,
        connection: &Connection,
        options: LoginOptions,
        more: Option<HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        let started = self.started(request, connection, options)?;
        if link::is_link(&started.pending) {
            return Err(HttpError::ReservedContext);
        }
        self.send(&request.headers, started, more).await
    }

    /// Makes the request of a sign-in for this client.
    pub(crate) fn started(
        &self,
        request: &Parts,
        connection: &Connection,
        options: LoginOptions,
    ) -> Result<StartedLogin, HttpError> {
        let is_enhanced =
            self.service_provider().receives_from_enhanced_clients() && asks_by_paos(&request.headers);
        let options = if is_enhanced { options.for_enhanced_client() } else { options };
        let options = self.noting_session(request, options)?;
        Ok(self.service_provider().start_login(connection, options, self.now())?)
    }

    /// Stores a started sign-in, and lets the browser carry its request.
    pub(crate) async fn send(
        &self,
        headers: &HeaderMap,
        started: StartedLogin,
        more: Option<HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        self.inner.starts.count_over(started.pending.connection(), self.now())?;
        let cookie = self.keep_bound(headers, &started.pending, &started.binding).await?;
        carried(&started.request, std::iter::once(cookie).chain(more))
    }

    /// Stores a request, and returns the cookie that binds it to the browser.
    pub(crate) async fn keep_bound(
        &self,
        headers: &HeaderMap,
        pending: &PendingRequest,
        binding: &BrowserBinding,
    ) -> Result<HeaderValue, HttpError> {
        stores::keep(self.inner.pending.as_ref(), pending).await?;
        let cookie = self.cookies().bind(headers, pending, binding.reveal());
        cookie.ok_or(HttpError::Header { name: "Set-Cookie" })
    }

    /// The ready-made start of a sign-in. It reads `organization`, the typed text, and `return`, a path, from the form in
    /// `body`; if there is no body, as with a link, from the query. Use a form for a field in which people type an e-mail
    /// address, since queries are written into logs and histories.
    ///
    /// If no sign-in can be started, the answer is always the same, with the same status as a successful start: a
    /// redirect to the sign-in page with [`NOT_STARTED`]. Too many starts are answered with status 429, and an outage
    /// with 503.
    pub async fn login(&self, request: &Parts, body: &[u8]) -> Response<String> {
        let fields = match body {
            [] => request.uri.query().unwrap_or_default().as_bytes(),
            body => body,
        };
        let field = |name: &str| {
            form_urlencoded::parse(fields).find(|(found, _)| found == name).map(|(_, value)| value)
        };
        let (asked, wanted) = (field("organization").unwrap_or_default(), field("return"));
        let mut context = Context::of(&request.headers);
        context.return_to = wanted.as_deref().map(str::to_owned);
        // A page of another site cannot make a browser send the headers of an enhanced client.
        if self.must_confirm(&request.headers) && !context.is_enhanced_client {
            // The content of a form is not copied into addresses.
            let is_link = request.method == Method::GET && !asked.is_empty();
            let said = is_link.then_some(("organization", asked.as_ref()));
            return see_other(&self.way_back(wanted.as_deref(), said), [])
                .unwrap_or_else(|error| self.refuse_in(&context, &error));
        }
        let started = self.start_for(request, &asked, wanted.as_deref(), &mut context).await;
        started.unwrap_or_else(|error| {
            let is_for_later = error.status().is_server_error() || error.retry_after().is_some();
            if is_for_later || context.wants_json || context.is_enhanced_client {
                return self.refuse_in(&context, &error);
            }
            self.record(&context, &error);
            see_other(&self.way_back(wanted.as_deref(), Some(NOT_STARTED)), [])
                .unwrap_or_else(|error| self.refuse_in(&context, &error))
        })
    }

    /// Returns whether the person must confirm the sign-in on the sign-in page, because a page of another site
    /// started it.
    pub(crate) fn must_confirm(&self, headers: &HeaderMap) -> bool {
        self.inner.confirms_cross_site_starts && source(headers, self.service_provider()) == Source::Foreign
    }

    async fn start_for(
        &self,
        request: &Parts,
        asked: &str,
        wanted: Option<&str>,
        context: &mut Context,
    ) -> Result<Response<String>, HttpError> {
        self.count_start(request)?;
        let connection = self.discover(asked).await?.ok_or(HttpError::UnknownConnection)?;
        context.connection = Some(connection.id().clone());
        let return_to = self.inner.return_paths.choose(wanted);
        if wanted.is_some_and(|wanted| wanted != return_to.as_str()) {
            tracing::debug!(return_to = return_to.as_str(), "ReturnPaths does not allow the wanted path");
        }
        let options = self.inner.options_for(request, &connection).return_to(return_to.as_str());
        self.start_counted(request, &connection, options, None).await
    }

    /// Sends the browser to a discovery service, where the person chooses an identity provider. `return_to` is a path
    /// of the application for afterwards. The answer comes to the first [discovery
    /// response](vouchsafe::metadata::ServiceInformation::with_discovery_response) address of our metadata, where
    /// [`discovered`](Self::discovered) processes it.
    ///
    /// # Errors
    /// [`HttpError::DiscoveryRequest`] if our metadata has no address for the answer.
    pub fn ask_discovery_service(
        &self,
        service: &WebAddress,
        return_to: Option<&str>,
    ) -> Result<Response<String>, HttpError> {
        let responses = self.service_provider().information().discovery_responses();
        let address = responses.first().ok_or(HttpError::DiscoveryRequest {
            reason: "our metadata has no address for the answer of a discovery service",
        })?;
        let with_place = return_to.map(|path| {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("return", path).finish();
            WebAddress::new(&address.address().with_query(&query))
        });
        let address = with_place.unwrap_or_else(|| Ok(address.address().clone()));
        let address = address.map_err(vouchsafe::BindingError::from)?;
        let request = DiscoveryRequest::new(self.service_provider().entity_id().clone()).with_return(address);
        see_other(&request.url(service), [])
    }

    /// Processes the answer of a discovery service: starts a sign-in over the connection that is found by the
    /// entityID, as [`login`](Self::login) does with what a person typed. Without an entityID the browser is sent to
    /// the sign-in page.
    pub async fn discovered(&self, request: &Parts) -> Response<String> {
        let query = request.uri.query().unwrap_or_default();
        let read = discovered(query).and_then(|chosen| Ok((chosen, one_value(query.as_bytes(), "return")?)));
        let (chosen, return_to) = match read {
            Ok(read) => read,
            Err(error) => return self.refuse(&request.headers, error),
        };
        let Some(chosen) = chosen else {
            return see_other(&self.way_back(return_to.as_deref(), None), [])
                .unwrap_or_else(|error| self.refuse(&request.headers, error));
        };
        let wanted = return_to.as_deref().map(|path| ("return", path));
        let fields = form_urlencoded::Serializer::new(String::new())
            .append_pair("organization", chosen.as_str())
            .extend_pairs(wanted)
            .finish();
        self.login(request, fields.as_bytes()).await
    }
}
