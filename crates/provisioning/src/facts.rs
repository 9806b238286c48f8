//! What a planner may know of a login: plain data.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{Attributes, ConnectionId, Login, NameId, Trial};
use vouchsafe_crypto::{CryptoError, Provider};
use vouchsafe_metadata::{EntityId, name_id_format};

use crate::{Identity, Policy, TokenHash, identity::ReceivedNameId, token::Hashing};

/// A login as plain data: what an accepted assertion says of a person.
///
/// It is made from a [`Login`](vouchsafe_assertion::Login), or read from a file of recorded logins to try a
/// policy on. Attributes are kept by name; NameFormat and FriendlyName are not compared; a repeated attribute
/// and repeated values are merged. An attribute that is there without a value is kept with an empty list:
/// absent and empty are two cases.
///
/// The organization's token arrives as one of the attributes. [`sealed`](Self::sealed) replaces it by its
/// hash: do that before you write a login anywhere. `Debug` shows no attribute's value.
///
/// ```
/// use vouchsafe_assertion::ConnectionId;
/// use vouchsafe_metadata::EntityId;
/// use vouchsafe_provisioning::LoginFacts;
///
/// let now = "2026-01-15T09:00:00Z".parse()?;
/// let (connection, issuer) = (ConnectionId::new("acme")?, EntityId::new("http://www.okta.com/exk1")?);
/// let login = LoginFacts::new(connection, issuer, "ada@example.com", now)
///     .with_assertion_id("id1")
///     .with_attribute("user.email", ["ada@example.com"])
///     .with_attribute("department", ["Engineering", "Everyone"]);
/// assert_eq!(login.values("department").map(<[String]>::len), Some(2));
/// assert_eq!(login.values("groups"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LoginFacts {
    /// entityID of the identity provider that signed. It is what the identity provider calls itself: whose it is, the connection says.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Entity"))]
    pub issuer: EntityId,
    /// The connection that the login came over: the one whose key verified the assertion.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))]
    pub connection: ConnectionId,
    /// The NameID's value, as it came; `None` when there was no NameID.
    #[serde(default)]
    pub subject: Option<String>,
    /// The NameID's Format, where it was given.
    #[serde(default)]
    pub subject_format: Option<String>,
    /// The NameID's NameQualifier, where it was given.
    #[serde(default)]
    pub subject_name_qualifier: Option<String>,
    /// The NameID's SPNameQualifier, where it was given.
    #[serde(default)]
    pub subject_sp_name_qualifier: Option<String>,
    /// Entity ID of the service provider that the assertion was made for, where it is known: it qualifies a
    /// persistent NameID without SPNameQualifier (SAML Core 8.3.7).
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Entity>"))]
    pub audience: Option<EntityId>,
    /// ID of the assertion: an idempotency key. Only its hash leaves the planner. Empty: none is known, and
    /// nothing is recognised as applied before.
    #[serde(default)]
    pub assertion_id: String,
    /// From when on the assertion would be refused for its age; the record that it was applied is kept as long
    /// as the replay record. `None`: [`at`](Self::at).
    #[serde(default)]
    pub assertion_expires_at: Option<DateTime<Utc>>,
    /// When the login was accepted.
    pub at: DateTime<Utc>,
    /// Values by attribute name.
    #[serde(default)]
    pub attributes: BTreeMap<String, Vec<String>>,
    /// Hash of the token attribute, once [`sealed`](Self::sealed).
    #[serde(default)]
    pub token_hash: Option<TokenHash>,
    /// A name that the person is to have from now on, of whom nobody else may have it.
    #[serde(skip)]
    pub(crate) new_name: Option<Identity>,
    #[serde(skip)]
    pub(crate) hashing: Hashing,
}

impl LoginFacts {
    /// What a trial says of a person, to be planned and shown: what the sign-in would have changed. A trial signs nobody in, so nothing may be
    /// made of it in a directory; it has no assertion ID.
    #[must_use]
    pub fn of_trial(trial: &Trial) -> Self {
        Self::new(trial.connection().clone(), trial.issuer().clone(), "", trial.judged_at())
            .saying(trial.name_id(), trial.attributes())
            .received(trial.audience(), trial.provider())
    }

    fn saying(mut self, name_id: Option<&NameId>, attributes: &Attributes) -> Self {
        let of_name_id = |part: fn(&NameId) -> Option<&str>| name_id.and_then(part).map(str::to_owned);
        self.subject = of_name_id(|name_id| Some(name_id.value()));
        self.subject_format = of_name_id(NameId::format);
        self.subject_name_qualifier = of_name_id(NameId::name_qualifier);
        self.subject_sp_name_qualifier = of_name_id(NameId::sp_name_qualifier);
        attributes.iter().fold(self, |facts, attribute| {
            facts.with_attribute(attribute.name(), attribute.values().iter().cloned())
        })
    }

    fn received(mut self, audience: &EntityId, provider: &Provider) -> Self {
        self.hashing = Hashing::by(provider);
        self.audience = Some(audience.clone());
        self
    }

    /// How many groups a login may bring, each counted once whatever the case of the letters. With more, the groups are not looked at, as
    /// if the identity provider had said that they are too many to be sent: nothing is given for them and nothing is taken away, and a
    /// note of the plan says so. All of a plan is decided and written while nobody else writes.
    pub const MAX_GROUPS: usize = 1_000;

    /// A login over this connection, of a person with this NameID, without attributes.
    pub fn new(
        connection: ConnectionId,
        issuer: EntityId,
        subject: impl Into<String>,
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            issuer,
            connection,
            subject: Some(subject.into()),
            subject_format: None,
            subject_name_qualifier: None,
            subject_sp_name_qualifier: None,
            audience: None,
            assertion_expires_at: None,
            assertion_id: String::new(),
            at,
            attributes: BTreeMap::new(),
            token_hash: None,
            new_name: None,
            hashing: Hashing::default(),
        }
    }

    /// The same, looked up together with whoever has this name already: the person is to have it.
    #[must_use]
    pub fn with_new_name(mut self, name: Identity) -> Self {
        self.new_name = Some(name);
        self
    }

    /// The same login, whose token and assertion ID are hashed by this provider. Those of a [`Login`] have that of its connection
    /// already; without one they are hashed by `vouchsafe-crypto` itself.
    #[must_use]
    pub fn hashed_by(mut self, provider: &Provider) -> Self {
        self.hashing = Hashing::by(provider);
        self
    }

    /// The same login with this NameID format.
    #[must_use]
    pub fn with_subject_format(mut self, format: impl Into<String>) -> Self {
        self.subject_format = Some(format.into());
        self
    }

    /// The same login with these qualifiers of the NameID.
    #[must_use]
    pub fn with_subject_qualifiers(
        mut self,
        name_qualifier: Option<&str>,
        sp_name_qualifier: Option<&str>,
    ) -> Self {
        self.subject_name_qualifier = name_qualifier.map(str::to_owned);
        self.subject_sp_name_qualifier = sp_name_qualifier.map(str::to_owned);
        self
    }

    /// The same login, of an assertion that was made for this service provider.
    #[must_use]
    pub fn with_audience(mut self, service_provider: EntityId) -> Self {
        self.audience = Some(service_provider);
        self
    }

    /// The same login with this assertion ID.
    #[must_use]
    pub fn with_assertion_id(mut self, id: impl Into<String>) -> Self {
        self.assertion_id = id.into();
        self
    }

    /// The same login with these values added to an attribute, which is then there even without a value.
    #[must_use]
    pub fn with_attribute<V: Into<String>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.attributes.entry(name.into()).or_default().extend(values.into_iter().map(Into::into));
        self
    }

    /// The same login without this attribute.
    #[must_use]
    pub fn without_attribute(mut self, name: &str) -> Self {
        self.attributes.remove(name);
        self
    }

    /// The values of an attribute: `None` when it is absent, an empty slice when it came without a value.
    #[must_use]
    pub fn values(&self, name: &str) -> Option<&[String]> {
        self.attributes.get(name).map(Vec::as_slice)
    }

    /// Replaces the token attribute of this name by its hash: the login can then be recorded.
    ///
    /// # Errors
    ///
    /// What the provider answers when it does not do SHA-256.
    pub fn sealed(mut self, token_attribute: &str, provider: &Provider) -> Result<Self, CryptoError> {
        if let Some(token) = self.single(token_attribute).value() {
            self.token_hash = Some(TokenHash::of(token, provider)?);
        }
        self.attributes.remove(token_attribute);
        Ok(self)
    }

    /// Whether the NameID is good for one session only (SAML Core 8.3.8).
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.subject_format.as_deref() == Some(name_id_format::TRANSIENT)
    }

    /// Whether the NameID says that it is an e-mail address (SAML Core 8.3.2).
    #[must_use]
    pub fn is_email_subject(&self) -> bool {
        self.subject_format.as_deref() == Some(name_id_format::EMAIL_ADDRESS)
    }

    /// Whom the NameID names; `None` where there is none, or a blank one.
    pub(crate) fn named(&self) -> Option<Identity> {
        let received = ReceivedNameId {
            value: self.subject.as_deref().filter(|name| !name.trim().is_empty())?,
            format: self.subject_format.as_deref(),
            name_qualifier: self.subject_name_qualifier.as_deref(),
            sp_name_qualifier: self.subject_sp_name_qualifier.as_deref(),
        };
        Some(received.identity(self.connection.clone(), &self.issuer, self.audience.as_ref()))
    }

    /// Whom the one value of an attribute names.
    pub(crate) fn named_by(&self, attribute: &str) -> Option<Identity> {
        let value = self.single(attribute).value()?;
        Some(Identity::of_attribute(self.connection.clone(), attribute, value))
    }

    /// The one value of an attribute that stands for one thing.
    pub(crate) fn single(&self, name: &str) -> Single<'_> {
        let Some(values) = self.values(name) else { return Single::Absent };
        let mut distinct = values.iter().map(|value| value.trim()).filter(|value| !value.is_empty());
        let Some(first) = distinct.next() else { return Single::Absent };
        if distinct.all(|other| other == first) { Single::Value(first) } else { Single::Ambiguous }
    }

    /// What the login says of the person's groups.
    pub(crate) fn groups(&self, policy: &Policy) -> GroupClaim<'_> {
        let Some(attribute) = policy.attributes.groups.as_deref() else { return GroupClaim::NotAsked };
        let overage = policy.attributes.groups_overage.as_deref();
        match self.values(attribute) {
            Some(values) => {
                let mut seen = std::collections::BTreeSet::new();
                let split = policy.groups.split.as_ref();
                let values: Vec<&str> = match (values, split) {
                    ([list], Some(split)) => split.values(list).collect(),
                    (values, _) => values.iter().map(|value| value.trim()).collect(),
                };
                let named = values.into_iter().filter(|value| !value.is_empty());
                // Ids and regexes tell names apart that differ in case alone; what they give together is given once all the same.
                let each_once = named.filter(|name| seen.insert(*name));
                let groups: Vec<&str> = each_once.take(Self::MAX_GROUPS.saturating_add(1)).collect();
                if groups.len() > Self::MAX_GROUPS { GroupClaim::TooMany } else { GroupClaim::Listed(groups) }
            }
            None if overage.is_some_and(|name| self.attributes.contains_key(name)) => GroupClaim::Overage,
            None => GroupClaim::Absent,
        }
    }
}

impl fmt::Debug for LoginFacts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LoginFacts")
            .field("connection", &self.connection)
            .field("issuer", &self.issuer)
            .field("at", &self.at)
            .field("attributes", &self.attributes.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl From<&Login> for LoginFacts {
    fn from(login: &Login) -> Self {
        let (connection, issuer) = (login.connection().clone(), login.issuer().clone());
        let mut facts = Self::new(connection, issuer, "", login.accepted_at())
            .saying(login.name_id(), login.attributes())
            .received(login.audience(), login.provider());
        facts.assertion_id = login.assertion_id().to_owned();
        facts.assertion_expires_at = Some(login.expires_at());
        facts
    }
}

impl From<&LoginFacts> for LoginFacts {
    fn from(facts: &LoginFacts) -> Self {
        facts.clone()
    }
}

/// An attribute that stands for one thing. A blank value is as good as none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Single<'f> {
    Absent,
    Value(&'f str),
    Ambiguous,
}

impl<'f> Single<'f> {
    pub(crate) fn value(self) -> Option<&'f str> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Ambiguous => None,
        }
    }
}

/// What a login says of the person's groups: of which only a list may take anything away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupClaim<'f> {
    /// The policy looks at no groups.
    NotAsked,
    /// No such attribute.
    Absent,
    /// Too many to be sent: Entra ID gives a link instead of the list.
    Overage,
    /// More than [`LoginFacts::MAX_GROUPS`] came.
    TooMany,
    /// These groups, each once, without blanks; possibly none.
    Listed(Vec<&'f str>),
}
