//! A browser that opened a link: its organization, and the progress of the set-up.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use http::request::Parts;
use vouchsafe::console::{Console, ServiceDetails};
use vouchsafe::crypto::{CryptoError, Provider, constant_time_eq, hexadecimal};
use vouchsafe::metadata::KeySighting;
use vouchsafe::provisioning::{AttributeMapping, Organization, Policy};
use vouchsafe::{ConnectionId, ConnectionState};
use vouchsafe_store::{
    Author, ConnectionDecision, OrganizationConnections, SetUpLink, SetUpLinkState, SetUpProgress,
    SetUpSecret, SetUpTrial, SignInError, StoreError, StoredConnection, StoredSettings,
};

use super::changes::{SetUpChange, SetUpEvent, changes};
use super::error::SetUpError;
use super::fields::Fields;
use super::links::require_open;
use super::page::{Next, Page};
use super::parsed::Parsed;
use super::settings::SetUp;
use crate::error::HttpError;
use crate::same_origin::{Source, may_change, source};
use crate::single_sign_on::SingleSignOn;

/// A browser that opened a link, with the data for the pages.
pub(super) struct Visit<'r> {
    pub(super) sso: &'r SingleSignOn,
    pub(super) request: &'r Parts,
    pub(super) now: DateTime<Utc>,
    pub(super) link: SetUpLink,
    pub(super) organization: Organization,
    pub(super) policy: Policy,
    pub(super) connections: Vec<StoredConnection>,
    /// The parsed metadata of the connections that the page shows.
    pub(super) parsed: Parsed,
    /// The token in the forms of this browser's pages.
    pub(super) form_token: String,
}

/// The recorded use of keys, by connection.
pub(super) type Sightings = HashMap<ConnectionId, Vec<KeySighting>>;

/// How long a browser keeps a link open, in seconds.
const KEPT_OPEN: i64 = 8 * 60 * 60;

impl SetUp {
    /// Makes the page to which a link leads. It changes nothing, since programs that check mails also open links. It
    /// names the organization, so that nobody sets up somebody else's.
    pub(super) async fn landing(&self, sso: &SingleSignOn, secret: &str) -> Result<Next, SetUpError> {
        let secret = SetUpSecret::received(secret, sso.service_provider().provider())?;
        let link = self.opened(&secret).await?;
        let is_used = link.state(sso.now()) == SetUpLinkState::Used;
        if !is_used {
            require_open(&link, sso.now())?;
        }
        let organization = self.organization_of(&link).await?;
        Ok(Next::Page(match is_used {
            true => Page::done(&organization.name),
            false => Page::landing(self, &organization.name, &link, secret.reveal()),
        }))
    }

    /// Keeps the link open in this browser.
    pub(super) async fn begin(
        &self,
        sso: &SingleSignOn,
        request: &Parts,
        fields: &Fields,
    ) -> Result<Next, SetUpError> {
        // A page of another site could otherwise make this browser set up somebody else's organization.
        if source(&request.headers, sso.service_provider()) != Source::Own {
            return Err(HttpError::CrossSite.into());
        }
        let secret = fields.given("secret").ok_or(SetUpError::LinkUnknown)?;
        let secret = SetUpSecret::received(secret, sso.service_provider().provider())?;
        let (link, now) = (self.opened(&secret).await?, sso.now());
        if link.state(now) != SetUpLinkState::Used {
            require_open(&link, now)?;
        }
        let left = link.expires_at.signed_duration_since(now).num_seconds();
        let cookie = sso.cookies().open_set_up(secret.reveal(), left.min(KEPT_OPEN));
        let cookie = cookie.ok_or(HttpError::Header { name: "Set-Cookie" })?;
        let answer = crate::answers::see_other(self.path(), [cookie])?;
        Ok(Next::Answer(Box::new(answer)))
    }

    /// Returns the visit of the browser's link. A link that was used shows that.
    pub(super) async fn visit<'r>(
        &self,
        sso: &'r SingleSignOn,
        request: &'r Parts,
    ) -> Result<Visit<'r>, SetUpError> {
        let provider = sso.service_provider().provider();
        let held = sso.cookies().set_up(&request.headers).ok_or(SetUpError::LinkUnknown)?;
        let secret = SetUpSecret::received(held, provider)?;
        let (link, now) = (self.opened(&secret).await?, sso.now());
        if link.state(now) != SetUpLinkState::Used {
            require_open(&link, now)?;
        }
        self.0.limits.count_request(&link, now)?;
        let form_token = form_token(&secret, provider)?;
        let organization = self.organization_of(&link).await?;
        let policy = self.0.store.policy(&link.organization).await?;
        let connections = self.0.store.connections_of(&link.organization).await?;
        let parsed = Parsed::default();
        Ok(Visit { sso, request, now, link, organization, policy, connections, parsed, form_token })
    }

    /// Checks again that the link works, after something that takes long.
    pub(super) async fn require_still_open(&self, visit: &Visit<'_>) -> Result<(), SetUpError> {
        let link = self.0.store.set_up_link(&visit.link.id).await?.ok_or(SetUpError::LinkUnknown)?;
        require_open(&link, visit.sso.now())
    }

    /// Stores the progress of the link's holder.
    pub(super) async fn advance(
        &self,
        visit: &mut Visit<'_>,
        change: impl FnOnce(&mut SetUpProgress),
    ) -> Result<(), SetUpError> {
        let mut link = visit.link.clone();
        change(&mut link.progress);
        if link.progress != visit.link.progress {
            link.revision = self.0.store.update_set_up_link(&link, &visit.author()).await?;
            visit.link = link;
        }
        Ok(())
    }

    /// Changes the organization's sign-in settings in the name of the link's holder, and tells the application.
    pub(super) async fn decide(
        &self,
        visit: &Visit<'_>,
        decide: impl Fn(&mut OrganizationConnections, DateTime<Utc>) -> Result<(), SignInError>
        + Send
        + Sync
        + 'static,
    ) -> Result<(), SetUpError> {
        let (organization, link, author) =
            (visit.link.organization.clone(), visit.link.id.clone(), visit.author());
        let changed = Arc::<Mutex<Vec<SetUpChange>>>::default();
        let noted = Arc::clone(&changed);
        let noting = move |it: &mut OrganizationConnections, now: DateTime<Utc>| -> Result<(), SignInError> {
            let before = it.clone();
            decide(it, now)?;
            // It is decided again if somebody else changes the organization meanwhile: the last decision is stored.
            *noted.lock().unwrap_or_else(PoisonError::into_inner) = changes(&before, it);
            Ok(())
        };
        let at = author.at;
        let decision = ConnectionDecision::new(organization.clone(), author.actor, at, noting);
        self.0.store.decide_connections(decision).await?;
        let changed = std::mem::take(&mut *changed.lock().unwrap_or_else(PoisonError::into_inner));
        for change in changed {
            self.tell(&SetUpEvent { organization: organization.clone(), link: link.clone(), at, change });
        }
        Ok(())
    }

    /// Tells the application of a change that is stored. If its function panics, the change and what belongs to it are
    /// still carried out.
    fn tell(&self, event: &SetUpEvent) {
        let Some(tell) = &self.0.on_change else { return };
        if catch_unwind(AssertUnwindSafe(|| tell(event))).is_err() {
            let (organization, link) = (&event.organization, &event.link);
            tracing::error!(%organization, link, "the function of SetUp::on_change panicked");
        }
    }

    /// Returns the settings that the link's connection has, or will have.
    pub(super) fn settings_of(&self, visit: &Visit<'_>, console: Console) -> StoredSettings {
        match (visit.draft(), visit.link.progress.connection.as_ref()) {
            (Some(draft), _) => draft.settings.clone(),
            (None, Some(name)) => (self.0.settings)(name, &visit.organization, console),
            (None, None) => StoredSettings::default(),
        }
    }

    /// Returns the service's data for the console.
    pub(super) fn details_of(&self, visit: &Visit<'_>, console: Console) -> ServiceDetails {
        let settings = self.settings_of(visit, console);
        let details = ServiceDetails::of_connection(visit.sso.service_provider(), &settings.sign_in);
        if self.needs_token(&settings) { details } else { details.without_token() }
    }
}

/// Makes the token for the forms of a browser that opened this link. No other site knows it, and it does not reveal
/// the secret.
fn form_token(secret: &SetUpSecret, provider: &Provider) -> Result<String, CryptoError> {
    let text = format!("vouchsafe set-up form {}", secret.reveal());
    Ok(hexadecimal(&provider.sha256(text.as_bytes())?))
}

/// Computes a fingerprint of what was tried: everything of a draft that a sign-in depends on, and which of the
/// organization's connections it renews.
pub(super) fn fingerprint(
    draft: &StoredConnection,
    connections: &[StoredConnection],
    provider: &Provider,
) -> Result<String, SetUpError> {
    let settings = serde_json::to_vec(&draft.settings)
        .map_err(|_| StoreError::damaged("settings", "they have no form"))?;
    let mut tried = provider.sha256(&draft.metadata.document)?.to_vec();
    tried.extend(settings);
    let renewed = renewed_among(connections, draft)?.map(|renewed| renewed.id.as_str());
    tried.extend(renewed.unwrap_or_default().as_bytes());
    Ok(hexadecimal(&provider.sha256(&tried)?).chars().take(32).collect())
}

impl Visit<'_> {
    /// The acting person, for the audit.
    pub(super) fn author(&self) -> Author {
        Author::new(self.link.actor(), self.now)
    }

    /// Returns whether the link only shows that it was used.
    pub(super) fn is_used(&self) -> bool {
        self.link.state(self.now) == SetUpLinkState::Used
    }

    /// Checks that a form comes from a page that was made for this browser, and that the link works.
    pub(super) fn may_post(&self, fields: &Fields) -> Result<(), SetUpError> {
        if !may_change(&self.request.headers, self.sso.service_provider(), true) {
            return Err(HttpError::CrossSite.into());
        }
        let sent = fields.text("form_token").unwrap_or_default();
        if !constant_time_eq(sent.as_bytes(), self.form_token.as_bytes()) {
            return Err(SetUpError::FormToken);
        }
        require_open(&self.link, self.now)
    }

    /// Requires that the link was issued for connections.
    pub(super) fn require_connections(&self) -> Result<(), SetUpError> {
        require_open(&self.link, self.now)?;
        if !self.link.purpose.allows_connections() {
            return Err(SetUpError::Purpose);
        }
        Ok(self.organization.require_entitlement()?)
    }

    /// Requires that the link was issued for domains.
    pub(super) fn require_domains(&self) -> Result<(), SetUpError> {
        require_open(&self.link, self.now)?;
        if self.link.purpose.allows_domains() { Ok(()) } else { Err(SetUpError::Purpose) }
    }

    pub(super) fn console(&self) -> Option<Console> {
        Console::from_id(self.link.progress.product.as_deref()?)
    }

    pub(super) fn require_console(&self) -> Result<Console, SetUpError> {
        self.console().ok_or(SetUpError::NoProduct)
    }

    /// The draft of this link.
    pub(super) fn draft(&self) -> Option<&StoredConnection> {
        let name = self.link.progress.connection.as_ref()?;
        let found = self.connections.iter().find(|connection| connection.id == *name)?;
        is_draft(found, &self.organization).then_some(found)
    }

    pub(super) fn require_draft(&self) -> Result<&StoredConnection, SetUpError> {
        self.draft().ok_or(SetUpError::NoDraft)
    }

    /// The active connections.
    pub(super) fn active(&self) -> impl Iterator<Item = &StoredConnection> {
        self.connections.iter().filter(|connection| connection.state == ConnectionState::Active)
    }

    /// Returns the recorded use of the keys of each active connection, if it is [recorded](SingleSignOn::key_history),
    /// including the last minute.
    pub(super) async fn sightings(&self) -> Result<Sightings, StoreError> {
        let mut sightings = Sightings::new();
        let Some(history) = self.sso.noted_keys() else { return Ok(sightings) };
        self.sso.flush_key_history().await?;
        for active in self.active() {
            sightings.insert(active.id.clone(), history.key_history(&active.id).await?);
        }
        Ok(sightings)
    }

    /// Returns the active connection to a draft's identity provider, whose metadata the draft renews.
    pub(super) fn renewed_by(
        &self,
        draft: &StoredConnection,
    ) -> Result<Option<&StoredConnection>, SetUpError> {
        renewed_among(&self.connections, draft)
    }

    /// Checks that nobody whose refusal this link may not end has refused the draft's document for the connection that
    /// it renews. A store checks the same when the draft is activated.
    pub(super) fn require_not_refused(&self, draft: &StoredConnection) -> Result<(), SetUpError> {
        let Some(renewed) = self.renewed_by(draft)? else { return Ok(()) };
        match renewed.refusal_of_metadata(&draft.metadata) {
            Some(refused) if !refused.may_be_ended_by(&self.link.actor()) => {
                Err(StoreError::refused_by_owner(renewed.id.clone()).into())
            }
            _ => Ok(()),
        }
    }

    /// Returns the last trial of the draft in its current state.
    pub(super) fn trial(&self) -> Option<&SetUpTrial> {
        let (draft, trial) = (self.draft()?, self.link.progress.trial.as_ref()?);
        let provider = self.sso.service_provider().provider();
        let tried = fingerprint(draft, &self.connections, provider).ok()?;
        (trial.connection == draft.id && trial.tried == tried).then_some(trial)
    }

    pub(super) fn is_tried(&self) -> bool {
        self.trial().is_some_and(SetUpTrial::is_good)
    }

    pub(super) fn names(&self) -> AttributeMapping {
        names(&self.policy, self.console(), &self.organization, &self.connections)
    }

    /// Returns whether nothing may have to change in the console: people sign in already, and it is not known yet whether
    /// the link only renews the metadata of their connection.
    pub(super) fn may_only_renew(&self) -> bool {
        self.draft().is_none() && self.active().next().is_some()
    }

    /// Makes an unused name for a connection. A name is used once, by any organization.
    pub(super) fn unused_name(&self) -> Result<ConnectionId, SetUpError> {
        let mut bytes = [0_u8; 6];
        self.sso.service_provider().provider().random(&mut bytes)?;
        let digits = hexadecimal(&bytes);
        // If the application's id cannot be part of a name, or is too long for it, it is left out.
        let named = ConnectionId::new(format!("{}-{digits}", self.organization.id));
        match named.or_else(|_| ConnectionId::new(format!("c-{digits}"))) {
            Ok(name) => Ok(name),
            Err(_) => Err(StoreError::damaged("connection", "it has no name").into()),
        }
    }
}

/// Returns the attribute names: those of the organization's policy, or, if it has none of its own and nobody signs in
/// yet, the usual ones of the product. Another product's names would end the attributes of the connections that are active.
pub(super) fn names(
    policy: &Policy,
    console: Option<Console>,
    organization: &Organization,
    connections: &[StoredConnection],
) -> AttributeMapping {
    // A connection that is paused stays in the organization's list.
    let is_first = organization.own_connections().is_empty()
        && connections.iter().all(|one| one.state != ConnectionState::Active);
    match console {
        Some(console) if is_first && *policy == Policy::default() => {
            AttributeMapping::preset(console.preset())
        }
        _ => policy.attributes.clone(),
    }
}

/// Returns the active connection to a draft's identity provider. If there are several, it is not known which of them the
/// metadata is for.
pub(super) fn renewed_among<'c>(
    connections: &'c [StoredConnection],
    draft: &StoredConnection,
) -> Result<Option<&'c StoredConnection>, SetUpError> {
    let is_renewed = |one: &&StoredConnection| {
        one.state == ConnectionState::Active && one.identity_provider == draft.identity_provider
    };
    let renewed: Vec<&StoredConnection> = connections.iter().filter(is_renewed).collect();
    match renewed.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => Err(SetUpError::SeveralToRenew {
            connections: several.iter().map(|one| one.id.clone()).collect(),
        }),
    }
}

/// Checks that a draft has the settings with which people will sign in. It got them together with its metadata: a copy
/// of those of the connection that it was to renew (`copied_from`), or else those that `chosen` has now.
pub(super) fn require_present_settings(
    draft: &StoredConnection,
    connections: &[StoredConnection],
    chosen: &StoredSettings,
    copied_from: Option<&ConnectionId>,
) -> Result<(), SetUpError> {
    let given = &draft.settings;
    let renewed = renewed_among(connections, draft)?;
    // Settings of a connection that was retired since were not chosen for another one.
    if copied_from.is_some_and(|from| renewed.is_none_or(|renewed| renewed.id != *from)) {
        return Err(SetUpError::OtherSettings);
    }
    let is_present = match renewed.map(|renewed| &renewed.settings) {
        Some(present) if !present.metadata.wants_same_proof_as(&given.metadata) => {
            return Err(SetUpError::OtherProof);
        }
        Some(present) => present.sign_in == given.sign_in && present.token_required == given.token_required,
        // At the address of a connection that is retired every response is refused. An operator may have changed the
        // other settings of the draft.
        None => chosen.sign_in.own_assertion_consumer() == given.sign_in.own_assertion_consumer(),
    };
    if is_present { Ok(()) } else { Err(SetUpError::OtherSettings) }
}

/// Returns whether a connection was not active yet. One that an operator made a draft again, so that nobody signs in over it,
/// stays in the organization's list, and a link does not change it.
pub(super) fn is_draft(connection: &StoredConnection, organization: &Organization) -> bool {
    matches!(connection.state, ConnectionState::Draft | ConnectionState::Tested)
        && !organization.signs_in_over(&connection.id)
}
