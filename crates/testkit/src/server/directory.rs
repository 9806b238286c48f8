use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use vouchsafe_crypto::{KeyKind, PrivateKey};

use super::faults::Faults;
use super::model::{App, AppId, User};
use super::outgoing::Outgoing;
use super::sessions::Sessions;
use crate::{
    Attribute, AuthnRequest, Encryption, IdentityProvider, Issued, KeyPair, Part, TestkitError, keys,
};

/// The identity provider's state: users, applications, and assignments. A clone is a handle to the same state.
///
/// Everything that the pages can do is also possible with this type.
#[derive(Clone, Debug)]
pub struct Okta {
    base_url: Arc<str>,
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    key: KeyPair,
    signals_key: Option<PrivateKey>,
    users: BTreeMap<String, User>,
    apps: BTreeMap<AppId, App>,
    assignments: BTreeSet<(AppId, String)>,
    faults: BTreeMap<AppId, Faults>,
    sessions: Sessions,
    identifiers: u64,
}

/// The reason why a user may not use an application that exists.
pub(super) const NOT_ASSIGNED: &str = "the application is not assigned to the user";

/// An application, as the pages show it.
pub(super) struct AppView {
    pub(super) id: AppId,
    pub(super) app: App,
    pub(super) faults: Faults,
    pub(super) assigned: Vec<String>,
}

impl Okta {
    /// The identity provider of a server that listens on this address.
    pub(super) fn new(address: SocketAddr, key: KeyPair) -> Self {
        let state = State {
            key,
            signals_key: None,
            users: BTreeMap::new(),
            apps: BTreeMap::new(),
            assignments: BTreeSet::new(),
            faults: BTreeMap::new(),
            sessions: Sessions::default(),
            identifiers: 0,
        };
        let base_url = format!("http://{address}").into();
        Self { base_url, port: address.port(), state: Arc::new(Mutex::new(state)) }
    }

    /// Returns the address of the server, such as `http://127.0.0.1:7080`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Adds a user, or replaces the one with the same login. A new user is assigned to no application.
    pub fn add_user(&self, user: User) {
        self.lock().users.insert(user.login.clone(), user);
    }

    /// Returns all users, ordered by login.
    pub fn users(&self) -> Vec<User> {
        self.lock().users.values().cloned().collect()
    }

    /// Returns the user with this login.
    ///
    /// # Errors
    ///
    /// An error is returned if there is none.
    pub fn user(&self, login: &str) -> Result<User, TestkitError> {
        self.lock().user(login).cloned()
    }

    /// Changes a user, for example the groups. The login stays the same.
    ///
    /// # Errors
    ///
    /// An error is returned if there is none.
    pub fn update_user(&self, login: &str, change: impl FnOnce(&mut User)) -> Result<(), TestkitError> {
        let mut state = self.lock();
        let user = state.users.get_mut(login).ok_or_else(|| unknown("user", login))?;
        change(user);
        login.clone_into(&mut user.login);
        Ok(())
    }

    /// Suspends a user. The user is signed out here and cannot sign in.
    ///
    /// # Errors
    ///
    /// An error is returned if there is none.
    pub fn suspend(&self, login: &str) -> Result<(), TestkitError> {
        self.update_user(login, |user| user.suspended = true)?;
        self.lock().sessions.end_all_of(login);
        Ok(())
    }

    /// Lets a suspended user sign in again.
    ///
    /// # Errors
    ///
    /// An error is returned if there is none.
    pub fn activate(&self, login: &str) -> Result<(), TestkitError> {
        self.update_user(login, |user| user.suspended = false)
    }

    /// Removes a user and the user's assignments.
    ///
    /// # Errors
    ///
    /// An error is returned if there is none.
    pub fn remove_user(&self, login: &str) -> Result<(), TestkitError> {
        let mut state = self.lock();
        if state.users.remove(login).is_none() {
            return Err(unknown("user", login));
        }
        state.assignments.retain(|(_, assigned)| assigned != login);
        state.sessions.end_all_of(login);
        Ok(())
    }

    /// Adds an application with its own identity provider (entity ID and metadata). It is assigned to nobody.
    ///
    /// The entity ID contains the port of the server, so servers on different ports have different ones. The first
    /// application of a server that is started again on the same port has the same entity ID as before.
    pub fn add_app(&self, app: App) -> AppId {
        let mut state = self.lock();
        let id = AppId(format!("exk{:0>5}{:0>9}0h7", self.port, state.next_identifier()));
        state.apps.insert(id.clone(), app);
        id
    }

    /// Returns the settings of an application.
    ///
    /// # Errors
    ///
    /// An error is returned if there is none.
    pub fn app(&self, app: &AppId) -> Result<App, TestkitError> {
        self.lock().app(app).cloned()
    }

    /// Changes the settings of an application.
    ///
    /// # Errors
    ///
    /// An error is returned if there is none.
    pub fn update_app(&self, app: &AppId, change: impl FnOnce(&mut App)) -> Result<(), TestkitError> {
        let mut state = self.lock();
        change(state.apps.get_mut(app).ok_or_else(|| unknown("application", app.as_str()))?);
        Ok(())
    }

    /// Loads the metadata of an application from an `http` address, and replaces the entity ID, the addresses and the
    /// certificates by those of the metadata. Returns the application as it is now.
    ///
    /// # Errors
    ///
    /// An error is returned if there is no such application, if the address does not answer, or if the answer is not
    /// the metadata of a service provider. Then nothing changes.
    pub async fn load_metadata(&self, app: &AppId, address: &str) -> Result<App, TestkitError> {
        let label = self.app(app)?.label;
        let metadata = Outgoing::new("GET", address, "").send_for_text().await?;
        let loaded = App::from_metadata(label, metadata.as_bytes())?;
        self.update_app(app, |app| {
            app.entity_id = loaded.entity_id;
            app.single_sign_on_url = loaded.single_sign_on_url;
            app.single_logout_url = loaded.single_logout_url;
            app.signature_certificate = loaded.signature_certificate;
            app.encryption_certificate = loaded.encryption_certificate;
        })?;
        self.app(app)
    }

    /// Sets an attribute that is the same for all users, such as `token`; an empty value removes it.
    ///
    /// # Errors
    ///
    /// An error is returned if there is no such application.
    pub fn set_attribute(&self, app: &AppId, name: &str, value: &str) -> Result<(), TestkitError> {
        self.update_app(app, |app| {
            app.fixed_attributes.retain(|(known, _)| known != name);
            if !value.is_empty() {
                app.fixed_attributes.push((name.to_owned(), value.to_owned()));
            }
        })
    }

    /// Assigns an application to a user.
    ///
    /// # Errors
    ///
    /// An error is returned if there is no such user or application.
    pub fn assign(&self, app: &AppId, login: &str) -> Result<(), TestkitError> {
        let mut state = self.lock();
        state.app(app)?;
        state.user(login)?;
        state.assignments.insert((app.clone(), login.to_owned()));
        Ok(())
    }

    /// Removes the assignment of an application. As with a real identity provider, the application is not told.
    pub fn unassign(&self, app: &AppId, login: &str) {
        self.lock().assignments.remove(&(app.clone(), login.to_owned()));
    }

    /// Returns whether a user may use an application.
    pub fn is_assigned(&self, app: &AppId, login: &str) -> bool {
        self.lock().assignments.contains(&(app.clone(), login.to_owned()))
    }

    /// Makes these faults at an application from now on; the default is no fault.
    ///
    /// # Errors
    ///
    /// An error is returned if there is no such application.
    pub fn set_faults(&self, app: &AppId, faults: Faults) -> Result<(), TestkitError> {
        let mut state = self.lock();
        state.app(app)?;
        state.faults.insert(app.clone(), faults);
        Ok(())
    }

    /// Returns the key that signs signals. It is made at the first call.
    pub(super) fn signals_key(&self) -> Result<PrivateKey, TestkitError> {
        let mut state = self.lock();
        let key = match state.signals_key.take() {
            Some(key) => key,
            None => keys::provider().generate_key(KeyKind::P256)?,
        };
        state.signals_key = Some(key.clone());
        Ok(key)
    }

    /// Signs with another key from now on, and publishes it. Applications with a key of their own keep it.
    pub fn set_key(&self, key: &KeyPair) {
        self.lock().key = key.clone();
    }

    /// Returns the identity provider of an application: its entity ID, address and key.
    ///
    /// # Errors
    ///
    /// An error is returned if there is no such application.
    pub fn identity_provider(&self, app: &AppId) -> Result<IdentityProvider, TestkitError> {
        let state = self.lock();
        state.app(app)?;
        Ok(self.identity_provider_of(&state, app))
    }

    /// Returns the metadata of an application's identity provider.
    ///
    /// # Errors
    ///
    /// An error is returned if there is no such application.
    pub fn metadata(&self, app: &AppId) -> Result<String, TestkitError> {
        self.identity_provider(app)?.metadata()
    }

    /// Returns the address of that metadata, which a customer's administrator copies.
    ///
    /// # Errors
    ///
    /// An error is returned if there is no such application.
    pub fn metadata_url(&self, app: &AppId) -> Result<String, TestkitError> {
        self.lock().app(app)?;
        Ok(format!("{}/app/{app}/sso/saml/metadata", self.base_url))
    }

    /// Returns the address of an application's icon. Opening it signs the user in to the application (IdP-initiated).
    ///
    /// # Errors
    ///
    /// An error is returned if there is no such application.
    pub fn app_url(&self, app: &AppId) -> Result<String, TestkitError> {
        let state = self.lock();
        Ok(format!("{}/home/{}/{app}", self.base_url, slug(&state.app(app)?.label)))
    }

    /// Issues the Response that signs a user in to an application, with or without a request.
    ///
    /// # Errors
    ///
    /// An error is returned if the user or application is unknown, if the user is suspended or not assigned, or if
    /// the request is not from this application.
    pub fn issue(
        &self,
        app: &AppId,
        login: &str,
        request: Option<&AuthnRequest>,
        now: DateTime<Utc>,
    ) -> Result<Issued, TestkitError> {
        let mut state = self.lock();
        let user = state.user(login)?.clone();
        let settings = state.app(app)?.clone();
        let faults = state.faults.get(app).cloned().unwrap_or_default();
        let now = now.checked_add_signed(faults.clock).unwrap_or(now);
        let reason = if user.suspended {
            Some("the user is suspended")
        } else if !state.assignments.contains(&(app.clone(), user.login.clone())) {
            Some(NOT_ASSIGNED)
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(TestkitError::NotAllowed { user: user.login, app: settings.label, reason });
        }
        if let Some(request) = request {
            check(request, &settings)?;
        }
        let mut response = self
            .identity_provider_of(&state, app)
            .response()
            .at(now)
            .service_provider(&settings.entity_id, &settings.single_sign_on_url)
            .response_id(state.next_message_id(now))
            .assertion_id(state.next_message_id(now))
            .name_id(&user.email)
            .session_index(request.map_or_else(|| state.next_message_id(now), |request| request.id.clone()));
        drop(state);
        for (name, value) in [
            ("user.email", &user.email),
            ("user.username", &user.login),
            ("user.first_name", &user.first_name),
            ("user.last_name", &user.last_name),
        ] {
            response = response.attribute(Attribute::new(name, [value]));
        }
        for (name, value) in &settings.fixed_attributes {
            response = response.attribute(Attribute::new(name, [value]));
        }
        if let Some(name) = settings.group_attribute.as_ref().filter(|_| !user.groups.is_empty()) {
            response = response.attribute(Attribute::new(name, user.groups));
        }
        if let Some(request) = request {
            response = response.in_response_to(&request.id);
        }
        if let Some(audience) = &faults.audience {
            response = response.audience(audience);
        }
        if let Some(key) = &faults.signs_with {
            response = response.key(key);
        }
        if let Some(certificate) = &settings.encryption_certificate {
            response = response.encrypt(Encryption::to(certificate));
        }
        response.issue()
    }

    /// Issues the Response to a request that could only be answered by asking the user (SAML core, section 3.4.1.5).
    pub(super) fn refuse_passive(
        &self,
        app: &AppId,
        request: &AuthnRequest,
        now: DateTime<Utc>,
    ) -> Result<Issued, TestkitError> {
        let settings = self.app(app)?;
        check(request, &settings)?;
        let response_id = self.lock().next_message_id(now);
        let status = "urn:oasis:names:tc:SAML:2.0:status:";
        self.identity_provider(app)?
            .response()
            .at(now)
            .service_provider(&settings.entity_id, &settings.single_sign_on_url)
            .response_id(response_id)
            .in_response_to(&request.id)
            .status([format!("{status}Responder"), format!("{status}NoPassive")])
            .omit(Part::Assertion)
            .issue()
    }

    /// Signs the user with this name out here, whichever application requested it.
    pub(super) fn end_sessions_of(&self, name_id: &str) {
        let mut state = self.lock();
        let users = state.users.values().filter(|user| user.email == name_id);
        let logins: Vec<String> = users.map(|user| user.login.clone()).collect();
        for login in logins {
            state.sessions.end_all_of(&login);
        }
    }

    pub(super) fn sessions<T>(&self, use_them: impl FnOnce(&mut Sessions) -> T) -> T {
        use_them(&mut self.lock().sessions)
    }

    pub(super) fn apps(&self) -> Vec<AppView> {
        let state = self.lock();
        let assigned = |id: &AppId| {
            state.assignments.iter().filter(|(app, _)| app == id).map(|(_, login)| login.clone()).collect()
        };
        state
            .apps
            .iter()
            .map(|(id, app)| AppView {
                id: id.clone(),
                app: app.clone(),
                faults: state.faults.get(id).cloned().unwrap_or_default(),
                assigned: assigned(id),
            })
            .collect()
    }

    /// Returns the application with this name in an address.
    pub(super) fn find(&self, id: &str) -> Result<AppId, TestkitError> {
        let id = AppId(id.to_owned());
        self.app(&id).map(|_| id)
    }

    fn identity_provider_of(&self, state: &State, app: &AppId) -> IdentityProvider {
        let settings = state.apps.get(app);
        let name = settings.map(|app| slug(&app.label)).unwrap_or_default();
        let key = settings.and_then(|app| app.key.as_ref()).unwrap_or(&state.key);
        let single_sign_on = format!("{}/app/{name}/{app}/sso/saml", self.base_url);
        let identity_provider =
            IdentityProvider::new(format!("http://www.okta.com/{app}"), single_sign_on, key);
        match settings.and_then(|app| app.single_logout_url.as_ref()) {
            Some(_) => {
                identity_provider.with_single_logout(format!("{}/app/{name}/{app}/slo/saml", self.base_url))
            }
            None => identity_provider,
        }
    }

    /// Locks the state. A panic in another thread leaves no change half done here.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn user(&self, login: &str) -> Result<&User, TestkitError> {
        self.users.get(login).ok_or_else(|| unknown("user", login))
    }

    fn app(&self, app: &AppId) -> Result<&App, TestkitError> {
        self.apps.get(app).ok_or_else(|| unknown("application", app.as_str()))
    }

    /// Returns `id` and digits, as Okta does. It differs for all messages of this server and of servers started
    /// later.
    fn next_message_id(&mut self, now: DateTime<Utc>) -> String {
        let mut random = [0_u8; 8];
        // Without randomness, the clock and the counter still make it unique.
        let _ = keys::provider().random(&mut random);
        format!("id{}{:04}{:020}", now.timestamp_millis(), self.next_identifier(), u64::from_be_bytes(random))
    }

    fn next_identifier(&mut self) -> u64 {
        self.identifiers = self.identifiers.saturating_add(1);
        self.identifiers
    }
}

/// Checks a request. Okta answers only requests of the application, and only to the address that the administrator
/// entered.
fn check(request: &AuthnRequest, app: &App) -> Result<(), TestkitError> {
    if request.issuer != app.entity_id {
        let expected = format!(
            "the application's entity ID “{}” as Issuer (it is set at /admin, or when the identity provider is started)",
            app.entity_id
        );
        return Err(TestkitError::message("AuthnRequest", expected, &request.issuer));
    }
    match &request.assertion_consumer {
        Some(url) if *url != app.single_sign_on_url => {
            let expected = format!(
                "the application's single sign-on URL “{}” (it is set at /admin, or when the identity provider is started)",
                app.single_sign_on_url
            );
            Err(TestkitError::message("AuthnRequest", expected, url))
        }
        _ => Ok(()),
    }
}

/// Returns a label as it is written in addresses: letters and digits, and underscores for all other characters.
pub(super) fn slug(label: &str) -> String {
    label.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

fn unknown(what: &'static str, name: &str) -> TestkitError {
    TestkitError::Unknown { what, name: name.to_owned() }
}
