//! Writes the AuthnRequest (SAML Core 3.4.1), with as few elements as possible, since identity providers process
//! those best.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{RequestedAuthnContext, RequestedName, SessionNameId};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::Binding;
use vouchsafe_xml::{Writer, namespace};

use crate::error::BindingError;
use crate::random::random_hexadecimal;
use crate::relay_state::RelayState;
use crate::request_details::{RequestDetails, request_details};

request_details!(LoginOptions);

/// The options of a sign-in request. The default requests nothing in particular, which every identity provider can
/// answer.
///
/// ```
/// use vouchsafe::LoginOptions;
///
/// let options = LoginOptions::default().force_authn().return_to("/projects/7");
/// # let _ = options;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginOptions {
    pub(crate) force_authn: bool,
    pub(crate) is_passive: bool,
    pub(crate) is_trial: bool,
    pub(crate) for_enhanced_client: bool,
    pub(crate) subject: Option<SessionNameId>,
    pub(crate) name_id_policy: Option<NameIdPolicy>,
    pub(crate) request: RequestDetails,
    pub(crate) context: Option<String>,
    pub(crate) previous_session: Option<String>,
    pub(crate) handle_prefix: &'static str,
    pub(crate) return_to: Option<String>,
    pub(crate) requested_context: Option<RequestedAuthnContext>,
    pub(crate) maximum_authentication_age: Option<Duration>,
}

impl LoginOptions {
    /// Requests a fresh authentication, even if the person has a session at the identity provider (ForceAuthn).
    #[must_use]
    pub fn force_authn(mut self) -> Self {
        self.force_authn = true;
        self
    }

    /// Requests an answer without interaction with the person: the identity provider answers from an existing session
    /// or with an error (IsPassive). That error is an expected answer:
    /// [`Declined::NoPassive`](vouchsafe_assertion::Declined::NoPassive).
    #[must_use]
    pub fn is_passive(mut self) -> Self {
        self.is_passive = true;
        self
    }

    /// Sends this NameIDPolicy. By default there is none, or the connection's: the format is configured at the
    /// identity provider, and many refuse a request that names another (SAML2int SP04). The response is refused if
    /// its name has another Format or SPNameQualifier than requested.
    #[must_use]
    pub fn name_id_policy(mut self, policy: NameIdPolicy) -> Self {
        self.name_id_policy = Some(policy);
        self
    }

    /// Makes the sign-in a trial of the connection: the answer is checked and shown, and signs nobody in. A draft
    /// allows only trials.
    #[must_use]
    pub fn trial(mut self) -> Self {
        self.is_trial = true;
        self
    }

    /// Requests this person (`Subject`), whom the identity provider named before. The response is refused if it is
    /// about somebody else. An account page can use this to make the person prove their identity again.
    #[must_use]
    pub fn subject(mut self, subject: SessionNameId) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Makes the request for an enhanced client, which carries it to the identity provider in an envelope.
    /// `vouchsafe-web` does this automatically if such a client asks.
    #[must_use]
    pub fn for_enhanced_client(mut self) -> Self {
        self.for_enhanced_client = true;
        self
    }

    /// Stores a value of the application with the pending request, such as the identifier of an invitation. It is
    /// never sent.
    #[must_use]
    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// Stores with the pending request which session the browser holds now, so that it can be ended when the answer is
    /// accepted: browsers do not send a session cookie (`SameSite=Lax`) with the identity provider's POST. `hash` is
    /// the SHA-256 of the session's identifier, never the identifier itself. It is never sent. `vouchsafe-web` does
    /// this automatically.
    #[must_use]
    pub fn previous_session(mut self, hash: impl Into<String>) -> Self {
        self.previous_session = Some(hash.into());
        self
    }

    /// Sets the first characters of the handle that is sent as RelayState, so that the answer of a browser without cookies
    /// shows the kind of its request. 128 random bits follow, so no two requests share a handle. Characters other than
    /// ASCII letters, digits and `-`, and all after the 32nd, are left out.
    ///
    /// RelayState cannot be chosen otherwise. Where the person wanted to go is set by [`return_to`](Self::return_to),
    /// and data of the application by [`context`](Self::context).
    #[must_use]
    pub fn handle_prefix(mut self, prefix: &'static str) -> Self {
        self.handle_prefix = prefix;
        self
    }

    /// Sets where the application goes afterwards. It is stored with the pending request and never sent.
    ///
    /// It is not checked. If a browser chose it, check first that it is a path of yours: that it begins with one `/`, and
    /// has no `\` and no control characters. `vouchsafe_web::ReturnPaths` does this.
    #[must_use]
    pub fn return_to(mut self, place: impl Into<String>) -> Self {
        self.return_to = Some(place.into());
        self
    }

    /// Requests exactly one of these authentication context classes, the preferred first (RequestedAuthnContext,
    /// Comparison="exact"). The response is refused if it names another. By default any class is accepted, since
    /// Entra ID fails on exact requests in common configurations.
    #[must_use]
    pub fn requested_contexts<I: IntoIterator<Item = S>, S: Into<String>>(self, classes: I) -> Self {
        self.requested_context(RequestedAuthnContext::exact(classes))
    }

    /// Requests an authentication context by any comparison, such as `minimum`. The response is checked by the order
    /// of strength in `requested`.
    ///
    /// ```
    /// use vouchsafe::LoginOptions;
    /// use vouchsafe::assertion::{Comparison, RequestedAuthnContext};
    ///
    /// let order = ["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "https://refeds.org/profile/mfa"];
    /// let at_least = RequestedAuthnContext::compared(Comparison::Minimum, [order[0]], order)?;
    /// let options = LoginOptions::default().requested_context(at_least);
    /// # let _ = options;
    /// # Ok::<(), vouchsafe::assertion::AssertionError>(())
    /// ```
    #[must_use]
    pub fn requested_context(mut self, requested: RequestedAuthnContext) -> Self {
        self.requested_context = Some(requested);
        self
    }

    /// Refuses the response if the person signed in at the identity provider longer ago than this, in whole seconds.
    /// This limit is not sent: add [`force_authn`](Self::force_authn) to make people sign in again, or request that
    /// after a refusal.
    #[must_use]
    pub fn maximum_authentication_age(mut self, age: Duration) -> Self {
        self.maximum_authentication_age = Some(Duration::from_secs(age.as_secs()));
        self
    }

    /// Demands no less than these: their authentication context and their person are requested in place of its own, a
    /// fresh authentication if they request one, and the shorter maximum age counts.
    /// [`PendingRequest::demands`](crate::PendingRequest::demands) returns those of an earlier request.
    ///
    /// ```
    /// use vouchsafe::LoginOptions;
    ///
    /// let first = LoginOptions::default().requested_contexts(["https://refeds.org/profile/mfa"]);
    /// let second = LoginOptions::default().force_authn();
    /// assert_eq!(second.clone().at_least(&first), first.force_authn());
    /// ```
    #[must_use]
    pub fn at_least(mut self, demands: &LoginOptions) -> Self {
        self.force_authn |= demands.force_authn;
        self.requested_context = demands.requested_context.clone().or(self.requested_context);
        self.subject = demands.subject.clone().or(self.subject);
        let ages = [demands.maximum_authentication_age, self.maximum_authentication_age];
        self.maximum_authentication_age = ages.into_iter().flatten().min();
        self
    }
}

/// The requested kind of name identifier (SAML Core 3.4.1.1).
///
/// ```
/// use vouchsafe::NameIdPolicy;
///
/// let policy = NameIdPolicy::default().allow_create();
/// # let _ = policy;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NameIdPolicy {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sp_name_qualifier: Option<String>,
    allow_create: bool,
}

impl NameIdPolicy {
    /// Requests this Format, such as [`name_id_format::PERSISTENT`](vouchsafe_metadata::name_id_format::PERSISTENT).
    #[must_use]
    pub fn format(mut self, format: impl Into<String>) -> Self {
        self.format = Some(format.into());
        self
    }

    /// Requests a name in the namespace of this service provider or affiliation.
    #[must_use]
    pub fn sp_name_qualifier(mut self, qualifier: impl Into<String>) -> Self {
        self.sp_name_qualifier = Some(qualifier.into());
        self
    }

    /// Allows the identity provider to create a new identifier for the person (AllowCreate).
    #[must_use]
    pub fn allow_create(mut self) -> Self {
        self.allow_create = true;
        self
    }

    /// Adds what this policy requests to the name that the answer is compared with.
    pub(crate) fn asked(&self, asked: RequestedName) -> RequestedName {
        let asked = match &self.format {
            Some(format) => asked.with_format(format),
            None => asked,
        };
        match &self.sp_name_qualifier {
            Some(qualifier) => asked.with_sp_name_qualifier(qualifier),
            None => asked,
        }
    }

    fn write(&self, xml: &mut Writer) {
        xml.start("saml2p:NameIDPolicy");
        if let Some(format) = &self.format {
            xml.attribute("Format", format);
        }
        if let Some(qualifier) = &self.sp_name_qualifier {
            xml.attribute("SPNameQualifier", qualifier);
        }
        if self.allow_create {
            xml.attribute("AllowCreate", "true");
        }
        xml.end();
    }
}

/// The sender, the receiver, the ID and the time of a message of ours.
pub(crate) struct Ends<'a> {
    pub(crate) id: &'a str,
    pub(crate) issuer: &'a str,
    /// The address that receives the message. The answer to a call over SOAP has none.
    pub(crate) destination: Option<&'a str>,
    pub(crate) issued_at: DateTime<Utc>,
}

/// Starts a message of ours, with the attributes that all of them have (SAML Core 3.2.1, 3.2.2).
pub(crate) fn start_message(xml: &mut Writer, name: &str, ends: &Ends<'_>) {
    xml.start(name);
    xml.namespace("saml2p", namespace::SAML_PROTOCOL);
    xml.namespace("saml2", namespace::SAML_ASSERTION);
    xml.attribute("ID", ends.id);
    xml.attribute("Version", "2.0");
    xml.attribute("IssueInstant", &written(ends.issued_at));
    if let Some(destination) = ends.destination {
        xml.attribute("Destination", destination);
    }
}

/// Formats a time as messages contain it (xs:dateTime, in whole seconds).
pub(crate) fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What a request asks for, from the sign-in and from the connection.
pub(crate) struct Asked<'a> {
    pub(crate) assertion_consumer: &'a str,
    pub(crate) answer_by: &'a Binding,
    pub(crate) force_authn: bool,
    pub(crate) is_passive: bool,
    pub(crate) subject: Option<&'a SessionNameId>,
    pub(crate) name_id_policy: Option<&'a NameIdPolicy>,
    pub(crate) requested_context: &'a RequestedAuthnContext,
    pub(crate) details: &'a RequestDetails,
}

/// Writes the request, in the order of the schema.
pub(crate) fn authn_request(ends: &Ends<'_>, asked: &Asked<'_>) -> Result<String, BindingError> {
    let mut xml = Writer::new();
    start_message(&mut xml, "saml2p:AuthnRequest", ends);
    xml.optional_attribute("ForceAuthn", asked.force_authn.then_some("true"));
    xml.optional_attribute("IsPassive", asked.is_passive.then_some("true"));
    asked.details.write_attributes(&mut xml, asked.assertion_consumer, asked.answer_by);
    xml.element("saml2:Issuer", ends.issuer);
    asked.details.write_extensions(&mut xml);
    if let Some(subject) = asked.subject {
        xml.start("saml2:Subject");
        write_name_id(&mut xml, subject);
        xml.end();
    }
    if let Some(policy) = asked.name_id_policy {
        policy.write(&mut xml);
    }
    let requested = asked.requested_context;
    if !requested.is_any() {
        xml.start("saml2p:RequestedAuthnContext");
        xml.attribute("Comparison", requested.comparison().as_str());
        for class in requested.classes() {
            xml.element("saml2:AuthnContextClassRef", class);
        }
        xml.end();
    }
    asked.details.write_scoping(&mut xml);
    xml.end();
    Ok(xml.finish()?)
}

/// Writes a name byte for byte as it came, since AD FS compares all of it.
pub(crate) fn write_name_id(xml: &mut Writer, name_id: &SessionNameId) {
    xml.start("saml2:NameID");
    xml.optional_attribute("NameQualifier", name_id.name_qualifier.as_deref());
    xml.optional_attribute("SPNameQualifier", name_id.sp_name_qualifier.as_deref());
    xml.optional_attribute("Format", name_id.format.as_deref());
    xml.optional_attribute("SPProvidedID", name_id.sp_provided_id.as_deref());
    xml.text(&name_id.value);
    xml.end();
}

/// Makes an ID that cannot be guessed: `_` and 160 random bits (SAML Core 1.3.4 requires 128 to 160).
pub(crate) fn message_id(provider: &Provider) -> Result<String, BindingError> {
    Ok(format!("_{}", random_hexadecimal::<20>(provider)?))
}

/// Makes a handle for RelayState: 128 random bits, 32 characters.
pub(crate) fn random_handle(provider: &Provider) -> Result<RelayState, BindingError> {
    prefixed_handle(provider, "")
}

/// Makes such a handle after a prefix.
pub(crate) fn prefixed_handle(provider: &Provider, prefix: &str) -> Result<RelayState, BindingError> {
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || *character == '-';
    let mut handle: String = prefix.chars().filter(is_plain).take(32).collect();
    handle.push_str(&random_hexadecimal::<16>(provider)?);
    RelayState::new(&handle)
}
