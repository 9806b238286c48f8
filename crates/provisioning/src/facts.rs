//! What a planner may know about a login, as plain data.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{Attributes, ConnectionId, Login, NameId, Trial};
use vouchsafe_crypto::{CryptoError, Provider};
use vouchsafe_metadata::{EntityId, name_id_format};

use crate::{Identity, Policy, TokenHash, identity::ReceivedNameId, token::Hashing};

/// A login as plain data: the contents of an accepted assertion about a person.
///
/// It is made from a [`Login`](vouchsafe_assertion::Login), or read from a file of recorded logins to try a policy.
/// Attributes are kept by name; NameFormat and FriendlyName are ignored. A repeated attribute and repeated values are
/// merged. An attribute without a value is kept with an empty list, since absent and empty are different cases.
///
/// The organization's token arrives as one of the attributes. [`sealed`](Self::sealed) replaces it by its hash; do this
/// before you store a login anywhere. `Debug` shows no attribute values.
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
    /// entityID of the identity provider that signed. An identity provider chooses it itself; only the connection says
    /// whose it is.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Entity"))]
    pub issuer: EntityId,
    /// The connection that the login came over: the one whose key verified the assertion.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))]
    pub connection: ConnectionId,
    /// The NameID's value as it was received; `None` if there was no NameID.
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
    /// Entity ID of the service provider that the assertion was made for, where known. It qualifies a persistent NameID
    /// without SPNameQualifier (SAML Core 8.3.7).
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Entity>"))]
    pub audience: Option<EntityId>,
    /// ID of the assertion, used as an idempotency key. Only its hash leaves the planner. If it is empty, the planner
    /// cannot recognise a login that was applied before.
    #[serde(default)]
    pub assertion_id: String,
    /// The time from which the assertion would be refused for its age. The record that it was applied is kept as long
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
    /// A new name for the person, which nobody else may have.
    #[serde(skip)]
    pub(crate) new_name: Option<Identity>,
    #[serde(skip)]
    pub(crate) hashing: Hashing,
}

impl LoginFacts {
    /// The facts of a trial, to plan and show what the sign-in would have changed. A trial signs nobody in, so its plan
    /// must not be written to a directory; it has no assertion ID.
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

    /// The most groups of a login, each counted once, ignoring case. A login with more is treated as if the identity
    /// provider had said that there were too many to send: the groups give nothing and take nothing away, and a note of
    /// the plan says so. The limit exists because a plan is made and written while nobody else can write.
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

    /// The same login with a new name for the person: the account that already has this name is looked up too.
    #[must_use]
    pub fn with_new_name(mut self, name: Identity) -> Self {
        self.new_name = Some(name);
        self
    }

    /// The same login whose token and assertion ID are hashed by this provider. The facts of a [`Login`] use the
    /// provider of its connection; other facts use `vouchsafe-crypto` by default.
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

    /// The same login with these values added to an attribute. The attribute exists afterwards even without a value.
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

    /// The values of an attribute: `None` if it is absent, an empty slice if it has no value.
    #[must_use]
    pub fn values(&self, name: &str) -> Option<&[String]> {
        self.attributes.get(name).map(Vec::as_slice)
    }

    /// Replaces the token attribute of this name by its hash, so that the login can be stored.
    ///
    /// # Errors
    ///
    /// The error of the provider if it has no SHA-256.
    pub fn sealed(mut self, token_attribute: &str, provider: &Provider) -> Result<Self, CryptoError> {
        if let Some(token) = self.single(token_attribute).value() {
            self.token_hash = Some(TokenHash::of(token, provider)?);
        }
        self.attributes.remove(token_attribute);
        Ok(self)
    }

    /// Whether the NameID is valid for one session only (SAML Core 8.3.8).
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.subject_format.as_deref() == Some(name_id_format::TRANSIENT)
    }

    /// Whether the NameID's Format says that it is an e-mail address (SAML Core 8.3.2).
    #[must_use]
    pub fn is_email_subject(&self) -> bool {
        self.subject_format.as_deref() == Some(name_id_format::EMAIL_ADDRESS)
    }

    /// The person that the NameID identifies; `None` if it is absent or blank.
    pub(crate) fn named(&self) -> Option<Identity> {
        let received = ReceivedNameId {
            value: self.subject.as_deref().filter(|name| !name.trim().is_empty())?,
            format: self.subject_format.as_deref(),
            name_qualifier: self.subject_name_qualifier.as_deref(),
            sp_name_qualifier: self.subject_sp_name_qualifier.as_deref(),
        };
        Some(received.identity(self.connection.clone(), &self.issuer, self.audience.as_ref()))
    }

    /// The person that the single value of an attribute identifies.
    pub(crate) fn named_by(&self, attribute: &str) -> Option<Identity> {
        let value = self.single(attribute).value()?;
        Some(Identity::of_attribute(self.connection.clone(), attribute, value))
    }

    /// The single value of an attribute.
    pub(crate) fn single(&self, name: &str) -> Single<'_> {
        let Some(values) = self.values(name) else { return Single::Absent };
        let mut distinct = values.iter().map(|value| value.trim()).filter(|value| !value.is_empty());
        let Some(first) = distinct.next() else { return Single::Absent };
        if distinct.all(|other| other == first) { Single::Value(first) } else { Single::Ambiguous }
    }

    /// All groups that the login contains, however many they are, each once.
    pub(crate) fn all_groups(&self, policy: &Policy) -> Vec<&str> {
        let attribute = policy.attributes.groups.as_deref();
        let values = attribute.and_then(|attribute| self.values(attribute)).unwrap_or_default();
        let mut seen = std::collections::BTreeSet::new();
        let values: Vec<&str> = match (values, policy.groups.split.as_ref()) {
            ([list], Some(split)) => split.values(list).collect(),
            (values, _) => values.iter().map(|value| value.trim()).collect(),
        };
        let named = values.into_iter().filter(|value| !value.is_empty());
        // Ids and regular expressions distinguish names that differ only in case; what such names give together is still
        // given once.
        named.filter(|name| seen.insert(*name)).collect()
    }

    /// The groups of the person, as far as the login contains them.
    pub(crate) fn groups(&self, policy: &Policy) -> GroupClaim<'_> {
        let Some(attribute) = policy.attributes.groups.as_deref() else { return GroupClaim::NotAsked };
        let overage = policy.attributes.groups_overage.as_deref();
        match self.values(attribute) {
            Some(_) => {
                let groups = self.all_groups(policy);
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

/// An attribute that must have a single value. A blank value counts as none.
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

/// What a login contains about the person's groups. Only a list may take anything away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupClaim<'f> {
    /// The policy does not use groups.
    NotAsked,
    /// The attribute is absent.
    Absent,
    /// There are too many to send: Entra ID sends a link in place of the list.
    Overage,
    /// There are more than [`LoginFacts::MAX_GROUPS`].
    TooMany,
    /// These groups, each once and without blanks; possibly none.
    Listed(Vec<&'f str>),
}
