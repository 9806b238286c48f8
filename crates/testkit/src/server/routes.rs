//! The addresses of the server, and the answer of each.

use axum::extract::{Form, OriginalUri, Path, State};
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::TimeDelta;
use serde::Deserialize;
use vouchsafe_crypto::KeyKind;

use super::directory::Okta;
use super::faults::Faults;
use super::guard::{only_own_host, only_own_pages};
use super::handling::{COOKIE_NAME, Failure, SIGNING_IN, cookie, now, posted_message};
use super::logout::{sign_out, single_logout};
use super::model::{AppId, Provisioning, User};
use super::pages;
use super::sessions::Participant;
use super::signals::Signal;
use crate::{AuthnRequest, Issued, KeyPair, TestkitError};

pub(super) fn router(okta: Okta) -> axum::Router {
    let own_forms = axum::Router::new()
        .route("/login", post(login))
        .route("/logout", post(sign_out))
        .route("/admin/users", post(add_user))
        .route("/admin/groups", post(set_groups))
        .route("/admin/assign", post(assign))
        .route("/admin/unassign", post(unassign))
        .route("/admin/suspend", post(suspend))
        .route("/admin/activate", post(activate))
        .route("/admin/token", post(set_token))
        .route("/admin/provisioning", post(set_provisioning))
        .route("/admin/push-group", post(push_group))
        .route("/admin/remove-group", post(remove_group))
        .route("/admin/signals", post(set_signals))
        .route("/admin/signal", post(send_signal))
        .route("/admin/key", post(new_key))
        .route("/admin/faults", post(set_faults))
        .route_layer(from_fn_with_state(okta.clone(), only_own_pages));
    axum::Router::new()
        .route("/", get(dashboard))
        .route("/admin", get(admin))
        .route("/home/{app}/{exk}", get(identity_provider_initiated))
        .route("/app/{app}/{exk}/sso/saml", get(sign_on_by_redirect).post(sign_on_by_post))
        .route("/app/{app}/{exk}/slo/saml", get(single_logout).post(single_logout))
        .route("/app/{app}/sso/saml/metadata", get(metadata))
        .route("/oauth2/v1/keys", get(signals_keys))
        .merge(own_forms)
        .layer(from_fn_with_state(okta.clone(), only_own_host))
        .with_state(okta)
}

async fn dashboard(State(okta): State<Okta>, headers: HeaderMap) -> Html<String> {
    match signed_in(&okta, &headers) {
        Some(user) => Html(pages::dashboard(&user, &okta.apps())),
        None => Html(pages::choose_user(&okta.users(), "/", "This identity provider knows no passwords.")),
    }
}

async fn admin(State(okta): State<Okta>) -> Html<String> {
    Html(pages::admin(&okta.users(), &okta.apps(), okta.base_url()))
}

async fn metadata(State(okta): State<Okta>, Path(exk): Path<String>) -> Result<Response, Failure> {
    let metadata = okta.metadata(&okta.find(&exk)?)?;
    Ok(([(CONTENT_TYPE, "application/samlmetadata+xml")], metadata).into_response())
}

async fn identity_provider_initiated(
    State(okta): State<Okta>,
    Path((_, exk)): Path<(String, String)>,
    OriginalUri(address): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let app = okta.find(&exk)?;
    let Some(user) = signed_in(&okta, &headers) else {
        return Ok(choose(&okta, &address));
    };
    let issued = okta.issue(&app, &user.login, None, now())?;
    note(&okta, &headers, &app, &user, &issued);
    let relay_state = okta.app(&app)?.default_relay_state;
    posted(&okta, &app, &issued, relay_state.as_deref())
}

async fn sign_on_by_redirect(
    State(okta): State<Okta>,
    Path((_, exk)): Path<(String, String)>,
    OriginalUri(address): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let app = okta.find(&exk)?;
    let request = AuthnRequest::from_redirect(address.query().unwrap_or_default())?;
    sign_on(&okta, &app, &request, &address, &headers)
}

#[derive(Deserialize)]
struct PostedRequest {
    #[serde(rename = "SAMLRequest")]
    request: String,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
}

/// Handles a request that was posted. It is stored in the address while the user is asked, as if it had been sent by
/// redirect.
async fn sign_on_by_post(
    State(okta): State<Okta>,
    Path((_, exk)): Path<(String, String)>,
    OriginalUri(address): OriginalUri,
    headers: HeaderMap,
    Form(form): Form<PostedRequest>,
) -> Result<Response, Failure> {
    let app = okta.find(&exk)?;
    let request = AuthnRequest::from_post(&form.request, form.relay_state.as_deref())?;
    let query = request.to_redirect_query();
    let address = format!("{}?{query}", address.path())
        .parse()
        .map_err(|_| TestkitError::message("SAMLRequest", "one that fits an address", request.id.clone()))?;
    sign_on(&okta, &app, &request, &address, &headers)
}

fn sign_on(
    okta: &Okta,
    app: &AppId,
    request: &AuthnRequest,
    address: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let just_asked = cookie(headers).is_some_and(|cookie| okta.sessions(|open| open.take_fresh(cookie)));
    let user = signed_in(okta, headers).filter(|_| just_asked || !request.force_authn);
    let issued = match user {
        Some(user) => {
            let issued = okta.issue(app, &user.login, Some(request), now())?;
            note(okta, headers, app, &user, &issued);
            issued
        }
        None if request.is_passive => okta.refuse_passive(app, request, now())?,
        None => return Ok(choose(okta, address)),
    };
    posted(okta, app, &issued, request.relay_state.as_deref())
}

fn choose(okta: &Okta, address: &Uri) -> Response {
    let return_to = address.path_and_query().map_or("/", |path| path.as_str());
    Html(pages::choose_user(&okta.users(), return_to, "Then you go on to the application.")).into_response()
}

fn posted(okta: &Okta, app: &AppId, issued: &Issued, relay_state: Option<&str>) -> Result<Response, Failure> {
    let action = okta.app(app)?.single_sign_on_url;
    posted_message(SIGNING_IN, &action, ("SAMLResponse", &issued.to_base64()), relay_state)
}

/// Records that the session of this browser was used to sign in to an application. The session index of an encrypted
/// assertion is not known here; in this case all of the user's sessions there are meant.
fn note(okta: &Okta, headers: &HeaderMap, app: &AppId, user: &User, issued: &Issued) {
    let index = issued.xml().split_once("SessionIndex=\"").and_then(|(_, rest)| rest.split_once('"'));
    if let Some(cookie) = cookie(headers) {
        let session_index = index.map(|(index, _)| index.to_owned());
        let participant = Participant { app: app.clone(), name_id: user.email.clone(), session_index };
        okta.sessions(|open| open.used(cookie, participant));
    }
}

#[derive(Deserialize)]
struct Login {
    user: String,
    #[serde(rename = "return", default)]
    return_to: String,
}

async fn login(State(okta): State<Okta>, Form(form): Form<Login>) -> Result<Response, Failure> {
    let user = okta.user(&form.user)?;
    if user.suspended {
        let app = "anything".to_owned();
        return Err(Failure(TestkitError::NotAllowed {
            user: user.login,
            app,
            reason: "the user is suspended",
        }));
    }
    let cookie = okta.sessions(|open| open.begin(&user.login));
    let cookie = format!("{COOKIE_NAME}={cookie}; Path=/; HttpOnly; SameSite=Lax");
    Ok(([(SET_COOKIE, cookie)], Redirect::to(local(&form.return_to))).into_response())
}

#[derive(Deserialize)]
struct NewUser {
    email: String,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: String,
}

/// Adds a person, and assigns every application to a new one: whoever adds a person here wants to sign in as that
/// person. Known people keep their assignments.
async fn add_user(State(okta): State<Okta>, Form(form): Form<NewUser>) -> Result<Redirect, Failure> {
    let user = User::new(form.email.trim(), form.first_name.trim(), form.last_name.trim());
    let login = user.login.clone();
    let is_known = okta.user(&login).is_ok();
    okta.add_user(user);
    if !is_known {
        for view in okta.apps() {
            okta.assign(&view.id, &login)?;
        }
        push_everywhere(&okta, &login).await?;
    }
    Ok(Redirect::to("/admin"))
}

#[derive(Deserialize)]
struct Groups {
    user: String,
    groups: String,
}

async fn set_groups(State(okta): State<Okta>, Form(form): Form<Groups>) -> Result<Redirect, Failure> {
    let names = form.groups.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    okta.update_user(&form.user, |user| user.groups = names.collect())?;
    Ok(Redirect::to("/admin"))
}

#[derive(Deserialize)]
struct Assignment {
    app: String,
    user: String,
}

async fn assign(State(okta): State<Okta>, Form(form): Form<Assignment>) -> Result<Redirect, Failure> {
    let app = okta.find(&form.app)?;
    okta.assign(&app, &form.user)?;
    okta.push_user(&app, &form.user).await?;
    Ok(Redirect::to("/admin"))
}

async fn unassign(State(okta): State<Okta>, Form(form): Form<Assignment>) -> Result<Redirect, Failure> {
    let app = okta.find(&form.app)?;
    okta.unassign(&app, &form.user);
    okta.push_user(&app, &form.user).await?;
    Ok(Redirect::to("/admin"))
}

#[derive(Deserialize)]
struct ProvisioningForm {
    app: String,
    #[serde(default)]
    base_url: String,
    #[serde(default)]
    token: String,
}

/// Sets the provisioning. If both fields are empty, nothing is pushed any more. An empty token field keeps the token.
async fn set_provisioning(
    State(okta): State<Okta>,
    Form(form): Form<ProvisioningForm>,
) -> Result<Redirect, Failure> {
    let app = okta.find(&form.app)?;
    let (base_url, token) = (form.base_url.trim(), form.token.trim());
    okta.update_app(&app, |app| {
        let known = app.provisioning.take().map(|known| known.token).unwrap_or_default();
        let token = if token.is_empty() { known } else { token.to_owned() };
        app.provisioning = (!base_url.is_empty()).then(|| Provisioning::new(base_url, token));
    })?;
    Ok(Redirect::to("/admin"))
}

#[derive(Deserialize)]
struct PushedGroup {
    app: String,
    group: String,
}

async fn push_group(State(okta): State<Okta>, Form(form): Form<PushedGroup>) -> Result<Redirect, Failure> {
    okta.push_group(&okta.find(&form.app)?, form.group.trim()).await?;
    Ok(Redirect::to("/admin"))
}

async fn remove_group(State(okta): State<Okta>, Form(form): Form<PushedGroup>) -> Result<Redirect, Failure> {
    okta.remove_pushed_group(&okta.find(&form.app)?, form.group.trim()).await?;
    Ok(Redirect::to("/admin"))
}

#[derive(Deserialize)]
struct SignalsForm {
    app: String,
    #[serde(default)]
    base_url: String,
}

/// Sets the address for signals. If it is empty, no signals are sent any more.
async fn set_signals(State(okta): State<Okta>, Form(form): Form<SignalsForm>) -> Result<Redirect, Failure> {
    let base_url = form.base_url.trim();
    okta.update_app(&okta.find(&form.app)?, |app| {
        app.signals_url = (!base_url.is_empty()).then(|| base_url.to_owned());
    })?;
    Ok(Redirect::to("/admin"))
}

#[derive(Deserialize)]
struct SignalForm {
    app: String,
    user: String,
    signal: String,
}

async fn send_signal(State(okta): State<Okta>, Form(form): Form<SignalForm>) -> Result<Redirect, Failure> {
    let signal =
        if form.signal == "session-revoked" { Signal::SessionRevoked } else { Signal::UniversalLogout };
    okta.send(signal, &okta.find(&form.app)?, &form.user).await?;
    Ok(Redirect::to("/admin"))
}

async fn signals_keys(State(okta): State<Okta>) -> Result<Response, Failure> {
    let keys = okta.signals_keys()?.to_string();
    Ok(([(CONTENT_TYPE, "application/json")], keys).into_response())
}

#[derive(Deserialize)]
struct Person {
    user: String,
}

async fn suspend(State(okta): State<Okta>, Form(form): Form<Person>) -> Result<Redirect, Failure> {
    okta.suspend(&form.user)?;
    push_everywhere(&okta, &form.user).await?;
    Ok(Redirect::to("/admin"))
}

/// Pushes a user to every application that has provisioning.
async fn push_everywhere(okta: &Okta, login: &str) -> Result<(), Failure> {
    for view in okta.apps() {
        okta.push_user(&view.id, login).await?;
    }
    Ok(())
}

async fn activate(State(okta): State<Okta>, Form(form): Form<Person>) -> Result<Redirect, Failure> {
    okta.activate(&form.user)?;
    push_everywhere(&okta, &form.user).await?;
    Ok(Redirect::to("/admin"))
}

#[derive(Deserialize)]
struct Token {
    app: String,
    #[serde(default)]
    token: String,
}

async fn set_token(State(okta): State<Okta>, Form(form): Form<Token>) -> Result<Redirect, Failure> {
    okta.set_attribute(&okta.find(&form.app)?, "token", form.token.trim())?;
    Ok(Redirect::to("/admin"))
}

#[derive(Deserialize)]
struct OfApp {
    app: String,
}

/// Makes a new certificate, as when the old one expires soon. It is published and used at once.
async fn new_key(State(okta): State<Okta>, Form(form): Form<OfApp>) -> Result<Redirect, Failure> {
    let app = okta.find(&form.app)?;
    let key = KeyPair::generate(KeyKind::Rsa { bits: 2048 }, "vouchsafe-testkit")?;
    okta.update_app(&app, |app| app.key = Some(key))?;
    Ok(Redirect::to("/admin"))
}

#[derive(Deserialize)]
struct WantedFaults {
    app: String,
    #[serde(default)]
    audience: String,
    #[serde(default)]
    seconds_ahead: String,
    /// The application whose key signs.
    #[serde(default)]
    signs_as: String,
}

async fn set_faults(State(okta): State<Okta>, Form(form): Form<WantedFaults>) -> Result<Redirect, Failure> {
    let app = okta.find(&form.app)?;
    let mut faults = Faults::default();
    if !form.audience.trim().is_empty() {
        faults = faults.audience(form.audience.trim());
    }
    if let Ok(seconds) = form.seconds_ahead.trim().parse::<i32>() {
        faults = faults.clock_ahead(TimeDelta::seconds(seconds.into()));
    }
    if !form.signs_as.is_empty() {
        faults = faults.signs_with(okta.identity_provider(&okta.find(&form.signs_as)?)?.key());
    }
    okta.set_faults(&app, faults)?;
    Ok(Redirect::to("/admin"))
}

/// Returns the address to continue at after signing in. It is an address of this server, whatever the form contains.
fn local(return_to: &str) -> &str {
    let inside = return_to.starts_with("/home/") || return_to.starts_with("/app/");
    if inside && !return_to.contains(['\\', '\r', '\n']) { return_to } else { "/" }
}

fn signed_in(okta: &Okta, headers: &HeaderMap) -> Option<User> {
    let login = okta.sessions(|open| open.login(cookie(headers)?))?;
    okta.user(&login).ok().filter(|user| !user.suspended)
}
