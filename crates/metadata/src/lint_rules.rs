//! The rules of lint, each as one function, and the functions that apply them to a document and to an entity.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::Provider;
use vouchsafe_xml::{Document, Element, Quoted};

use crate::description::describe;
use crate::index::Index;
use crate::lint::{LintFinding, LintRule, Report, finding};
use crate::placeholder::placeholder;
use crate::read::identity_provider;
use crate::role_description::KINDS;
use crate::source::{Entity, is_role, speaks_saml2};
use crate::time::parse_duration;
use crate::values::{boolean, children, trimmed};
use crate::{
    Binding, Endpoint, EntityAttributes, EntityDescription, EntityKey, IdentityProvider, MetadataError,
    RoleDescription, Scope, Warning,
};

/// Returns the findings about the document as a whole.
pub(crate) fn document(index: &Index, now: DateTime<Utc>) -> Vec<LintFinding> {
    let about = |code, message: String| finding(code, message, None);
    match index.whole().valid_until() {
        Err(error) => vec![about(error.code(), error.to_string())],
        Ok(None) => vec![about(
            LintRule::NoValidUntil.code(),
            "the document does not say how long it is valid".to_owned(),
        )],
        Ok(Some(valid_until)) if valid_until <= now => {
            let error = MetadataError::Expired { valid_until, now };
            vec![about(error.code(), error.to_string())]
        }
        Ok(Some(_)) => Vec::new(),
    }
}

/// Returns the findings about one entity.
pub(crate) fn entity(
    index: &Index,
    metadata: &[u8],
    place: usize,
    now: DateTime<Utc>,
    provider: &Provider,
) -> Vec<LintFinding> {
    let mut report = Report::new(index, metadata, place);
    match index.document(metadata, place).and_then(|document| {
        let subject = Subject::new(index, &document, place, now, provider)?;
        RULES.iter().for_each(|rule| rule(&subject, &mut report));
        Ok(())
    }) {
        Ok(()) => {}
        Err(error) => report.error(&error),
    }
    report.finish()
}

/// An entity that can be described.
pub(crate) struct Subject<'d> {
    entity: Entity<'d>,
    description: EntityDescription,
    /// The result of reading it, if it has the role of an identity provider.
    identity_provider: Option<Result<IdentityProvider, MetadataError>>,
    /// The place of an earlier entity with the same name, from 1.
    first: Option<usize>,
    /// The `validUntil` of the document's root.
    document_valid_until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    provider: &'d Provider,
}

impl<'d> Subject<'d> {
    pub(crate) fn new(
        index: &'d Index,
        document: &'d Document,
        place: usize,
        now: DateTime<Utc>,
        provider: &'d Provider,
    ) -> Result<Subject<'d>, MetadataError> {
        let entity = index.entity(document, place);
        let first = index.first_of_name(place).map(|first| first.saturating_add(1));
        Ok(Subject {
            description: describe(entity, first)?,
            identity_provider: entity.is_identity_provider().then(|| identity_provider(entity)),
            first,
            document_valid_until: index.whole().valid_until().ok().flatten(),
            entity,
            now,
            provider,
        })
    }

    fn roles(&self) -> impl Iterator<Item = (&RoleDescription, Element<'d>)> {
        let elements = self.entity.element.elements().filter(is_role);
        self.description.roles().iter().zip(elements)
    }

    /// Returns its usable endpoints, with the local name of the element.
    fn endpoints(&self) -> impl Iterator<Item = (&str, &Endpoint)> {
        let all = self.description.roles().iter().flat_map(RoleDescription::endpoints);
        all.filter_map(|(name, endpoint)| Some((name.as_str(), endpoint.as_ref().ok()?)))
    }

    /// Returns its keys, each once.
    fn keys(&self) -> Vec<&EntityKey> {
        let mut keys: Vec<&EntityKey> = Vec::new();
        for role in self.description.roles() {
            for key in role.signing_keys().iter().chain(role.encryption_keys()) {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        keys
    }
}

/// The rules, in the order of the report.
pub(crate) static RULES: &[fn(&Subject<'_>, &mut Report<'_>)] = &[
    it_is_the_first_of_its_name,
    it_can_be_trusted,
    what_readers_say,
    the_entity_id_is_a_uri,
    addresses_are_real,
    it_is_still_valid,
    cache_durations_are_durations,
    keys_are_strong,
    certificates_are_in_date,
    sign_in_can_begin_by_redirect,
    sign_in_is_sent_to_a_secure_address,
    responses_can_be_delivered,
    responses_go_by_form,
    roles_speak_saml_2,
    endpoints_are_usable,
    endpoints_are_secure,
    one_endpoint_is_the_default,
    each_index_is_used_once,
    signed_requests_can_be_verified,
    somebody_can_be_asked,
    it_has_a_name_for_people,
    logos_are_secure,
    one_subject_identifier_is_needed,
    scopes_are_of_somebody,
];

fn it_is_the_first_of_its_name(subject: &Subject<'_>, report: &mut Report<'_>) {
    if let Some(first) = subject.first {
        let entity_id = subject.description.entity_id().to_owned();
        report.error(&MetadataError::DuplicateEntity { entity_id, first });
    }
}

/// Rule: no error may make a sign-in fail: no key, another protocol, a template, or a role that occurs twice.
fn it_can_be_trusted(subject: &Subject<'_>, report: &mut Report<'_>) {
    if let Some(Err(error)) = &subject.identity_provider {
        report.error(error);
    }
}

/// Reports the warnings of the readers, except those of the rules below, which check all roles.
fn what_readers_say(subject: &Subject<'_>, report: &mut Report<'_>) {
    let mut warnings: Vec<Warning> = subject.description.warnings().to_vec();
    for role in subject.description.roles() {
        warnings.extend(role.warnings().iter().cloned());
        let ignored = role.unreadable_keys().iter();
        warnings.extend(ignored.map(|reason| Warning::KeyIgnored { reason: reason.clone() }));
    }
    if let Some(Ok(provider)) = &subject.identity_provider {
        warnings.extend(provider.warnings(subject.now));
    }
    let elsewhere = |warning: &Warning| {
        matches!(
            warning,
            Warning::MetadataExpired { .. }
                | Warning::CertificateExpired { .. }
                | Warning::CertificateNotYetValid { .. }
                | Warning::EndpointInsecure { .. }
                | Warning::EndpointIgnored { .. }
        )
    };
    warnings.iter().filter(|warning| !elsewhere(warning)).for_each(|warning| report.warning(warning));
}

fn the_entity_id_is_a_uri(subject: &Subject<'_>, report: &mut Report<'_>) {
    let (written, id) =
        (subject.entity.element.attribute("entityID").unwrap_or_default(), subject.description.entity_id());
    if written != id {
        report.add(LintRule::EntityIdForm, "EntityDescriptor/@entityID has white space around it");
    }
    let scheme = id.split_once(':').map(|(scheme, _)| scheme).unwrap_or_default();
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|one| one.is_ascii_alphanumeric() || "+-.".contains(one));
    if !is_scheme {
        let message = format!("EntityDescriptor/@entityID {} is not an absolute URI", Quoted::new(id));
        report.add(LintRule::EntityIdForm, message);
    }
}

fn addresses_are_real(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (_, role) in subject.roles() {
        let addresses = role.elements().filter_map(|child| Some((child, child.attribute("Location")?)));
        for (child, location) in addresses {
            let lower_case = location.to_ascii_lowercase();
            let found = placeholder(location).or_else(|| {
                ["changeme", "change-me", "your-domain", "yourdomain"]
                    .into_iter()
                    .find(|word| lower_case.contains(word))
            });
            if let Some(found) = found {
                let (name, location) = (child.local_name(), Quoted::new(location));
                let message =
                    format!("{name}/@Location {location} has a placeholder: {}", Quoted::new(found));
                report.add(LintRule::Placeholder, message);
            }
        }
    }
}

/// Rule: the validity of the entity itself has not ended. The validity of the document is reported once, elsewhere.
fn it_is_still_valid(subject: &Subject<'_>, report: &mut Report<'_>) {
    let own = match &subject.identity_provider {
        Some(Ok(provider)) => provider.valid_until(),
        _ => subject.description.valid_until(),
    };
    let past = own.filter(|valid_until| *valid_until <= subject.now && own != subject.document_valid_until);
    if let Some(valid_until) = past {
        report.error(&MetadataError::Expired { valid_until, now: subject.now });
    }
}

fn cache_durations_are_durations(subject: &Subject<'_>, report: &mut Report<'_>) {
    let element = subject.entity.element;
    for holder in std::iter::once(element).chain(element.elements().filter(is_role)) {
        let value = holder.attribute("cacheDuration");
        if let Some(value) = value.filter(|value| parse_duration(value).is_none()) {
            let (name, value) = (holder.local_name(), Quoted::new(value));
            report.add(LintRule::CacheDuration, format!("{name}/@cacheDuration is {value}, and is not used"));
        }
    }
}

/// Rule: the provider accepts the keys. Otherwise the key is refused at the first sign-in.
fn keys_are_strong(subject: &Subject<'_>, report: &mut Report<'_>) {
    for key in subject.keys() {
        if let Err(error) = key.trusted("", subject.provider) {
            report.add(LintRule::WeakKey, format!("{key} is refused: {error}"));
        }
    }
}

/// The time before the end of a certificate from which it is reported. It takes some weeks until everybody has a new
/// key.
const SOON: TimeDelta = TimeDelta::days(30);

fn certificates_are_in_date(subject: &Subject<'_>, report: &mut Report<'_>) {
    let date = |seconds: Option<i64>| DateTime::from_timestamp(seconds?, 0);
    for certificate in subject.keys().into_iter().filter_map(EntityKey::certificate) {
        let own = certificate.subject().to_string();
        let days_left = |last: &DateTime<Utc>| last.signed_duration_since(subject.now);
        match (date(certificate.not_before()), date(certificate.not_after())) {
            (_, Some(not_after)) if not_after < subject.now => {
                report.warning(&Warning::CertificateExpired { subject: own, not_after });
            }
            (Some(not_before), _) if subject.now < not_before => {
                report.warning(&Warning::CertificateNotYetValid { subject: own, not_before });
            }
            (_, Some(not_after)) if days_left(&not_after) <= SOON => {
                let (name, days) = (Quoted::new(&own), days_left(&not_after).num_days());
                report.add(
                    LintRule::CertificateExpiresSoon,
                    format!("the certificate {name} expires in {days} days"),
                );
            }
            _ => {}
        }
    }
}

fn sign_in_can_begin_by_redirect(subject: &Subject<'_>, report: &mut Report<'_>) {
    let takes = |wanted: &Binding| {
        let mut services = subject.endpoints().filter(|(name, _)| *name == "SingleSignOnService");
        services.any(|(_, endpoint)| endpoint.binding() == wanted)
    };
    if takes(&Binding::HttpPost) && !takes(&Binding::HttpRedirect) {
        report
            .add(LintRule::PostOnly, "sign-in requests are accepted by HTTP-POST, and not by HTTP-Redirect");
    }
}

/// Rule: one address for sign-in requests by browser is secure. Nobody is sent to the others.
fn sign_in_is_sent_to_a_secure_address(subject: &Subject<'_>, report: &mut Report<'_>) {
    let by_browser = |endpoint: &Endpoint| {
        matches!(endpoint.binding(), Binding::HttpRedirect | Binding::HttpPost | Binding::HttpPostSimpleSign)
    };
    let services = || {
        let all = subject.endpoints().filter(|(name, _)| *name == "SingleSignOnService");
        all.map(|(_, endpoint)| endpoint).filter(|endpoint| by_browser(endpoint))
    };
    if services().next().is_some() && !services().any(Endpoint::is_secure) {
        let message = "every SingleSignOnService for browsers has an http address on another machine";
        report.add(LintRule::InsecureSignOn, message);
    }
}

fn responses_can_be_delivered(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (role, _) in subject.roles().filter(|(role, _)| role.name() == "SPSSODescriptor") {
        if consumers(role).next().is_none() {
            report
                .add(LintRule::NoAssertionConsumer, "SPSSODescriptor has no usable AssertionConsumerService");
        }
    }
}

/// Rule: responses are not sent by redirect, because the address of a browser has no room for them
/// (saml-profiles-2.0-os 4.1.2).
fn responses_go_by_form(subject: &Subject<'_>, report: &mut Report<'_>) {
    let by_redirect = |endpoint: &&Endpoint| *endpoint.binding() == Binding::HttpRedirect;
    for (role, _) in subject.roles() {
        for endpoint in consumers(role).filter(by_redirect) {
            let location = Quoted::new(endpoint.location());
            report.add(
                LintRule::ConsumerBinding,
                format!("AssertionConsumerService {location} is by HTTP-Redirect"),
            );
        }
    }
}

fn consumers(role: &RoleDescription) -> impl Iterator<Item = &Endpoint> {
    let named = role.endpoints().iter().filter(|(name, _)| name == "AssertionConsumerService");
    named.filter_map(|(_, endpoint)| endpoint.as_ref().ok())
}

/// Rule: roles support SAML 2.0. For an identity provider this is an error, which its reader reports.
fn roles_speak_saml_2(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (role, element) in subject.roles() {
        let is_judged = KINDS.contains(&role.name()) && role.name() != "IDPSSODescriptor";
        if is_judged && !role.protocols().is_empty() && !speaks_saml2(element) {
            let (name, protocols) = (role.name(), role.protocols().join(" "));
            let message = format!("{name} speaks only other protocols: {}", Quoted::new(&protocols));
            report.add(LintRule::ForeignProtocol, message);
        }
    }
}

fn one_subject_identifier_is_needed(subject: &Subject<'_>, report: &mut Report<'_>) {
    let attributes = subject.description.entity_attributes();
    let values: Vec<&str> = attributes.values(EntityAttributes::SUBJECT_ID_REQUIREMENT).collect();
    let is_one = values.len() == 1 && attributes.subject_id_requirement().is_some();
    if !values.is_empty() && !is_one {
        let message = format!("subject-id:req is {}", Quoted::new(&values.join(", ")));
        report.add(LintRule::SubjectIdRequirement, message);
    }
}

/// Domains that nobody uses, under top-level domains and public suffixes that many use.
const UNUSED_DOMAINS: [&str; 8] = [
    "nobody-has-this.invalid",
    "nobody-has-this.com",
    "nobody-has-this.org",
    "nobody-has-this.net",
    "nobody-has-this.edu",
    "nobody-has-this.ac.uk",
    "nobody-has-this.co.uk",
    "nobody-has-this.edu.au",
];

/// Rule: scopes belong to the entity. An expression that matches a domain that nobody has also matches the domains of
/// others.
fn scopes_are_of_somebody(subject: &Subject<'_>, report: &mut Report<'_>) {
    let of_roles = subject.description.roles().iter().flat_map(RoleDescription::scopes);
    let scopes = subject.description.scopes().iter().chain(of_roles);
    let is_broad =
        |scope: &&Scope| scope.is_pattern() && UNUSED_DOMAINS.iter().any(|domain| scope.matches(domain));
    for scope in scopes.filter(is_broad) {
        let message = format!("the scope {} matches the domains of others", Quoted::new(scope.value()));
        report.add(LintRule::BroadScope, message);
    }
}

fn endpoints_are_usable(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (element, endpoint) in subject.description.roles().iter().flat_map(RoleDescription::endpoints) {
        if let Err(reason) = endpoint {
            report.warning(&Warning::EndpointIgnored { element: element.clone(), reason: reason.clone() });
        }
    }
}

fn endpoints_are_secure(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (element, endpoint) in subject.endpoints().filter(|(_, endpoint)| !endpoint.is_secure()) {
        let location = endpoint.location().to_owned();
        report.warning(&Warning::EndpointInsecure { element: element.to_owned(), location });
    }
}

fn one_endpoint_is_the_default(subject: &Subject<'_>, report: &mut Report<'_>) {
    for role in subject.description.roles() {
        for (name, count) in counted(role, |endpoint| endpoint.is_default().then_some(0)) {
            report
                .add(LintRule::SeveralDefaults, format!("{count} endpoints {name} have isDefault=\"true\""));
        }
    }
}

fn each_index_is_used_once(subject: &Subject<'_>, report: &mut Report<'_>) {
    for role in subject.description.roles() {
        for (name, count) in counted(role, Endpoint::index) {
            report.add(LintRule::RepeatedIndex, format!("{count} endpoints {name} have the same index"));
        }
    }
}

/// Returns the kinds of endpoints of which several have the same value, with their number.
fn counted(role: &RoleDescription, value: impl Fn(&Endpoint) -> Option<u16>) -> Vec<(&str, usize)> {
    let mut all: Vec<(&str, u16)> = role
        .endpoints()
        .iter()
        .filter_map(|(name, endpoint)| Some((name.as_str(), value(endpoint.as_ref().ok()?)?)))
        .collect();
    all.sort_unstable();
    let same = all.chunk_by(|one, other| one == other).filter(|same| same.len() > 1);
    same.filter_map(|same| same.first().map(|(name, _)| (*name, same.len()))).collect()
}

fn signed_requests_can_be_verified(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (role, element) in subject.roles().filter(|(role, _)| role.name() == "SPSSODescriptor") {
        let signs = boolean(element, "AuthnRequestsSigned").ok().flatten().is_some_and(|flag| flag.value);
        if signs && role.signing_keys().is_empty() {
            let message = "SPSSODescriptor/@AuthnRequestsSigned is true, and there is no signing key";
            report.add(LintRule::SignsWithoutKey, message);
        }
    }
}

fn somebody_can_be_asked(subject: &Subject<'_>, report: &mut Report<'_>) {
    let mut contacts = children(subject.entity.element, "ContactPerson");
    let is_for_it = |contact: Element<'_>| {
        let kind = contact.attribute("contactType").map(trimmed);
        matches!(kind, Some("technical" | "support"))
            && children(contact, "EmailAddress").any(|address| !trimmed(&address.text()).is_empty())
    };
    if !contacts.any(is_for_it) {
        report.add(LintRule::NoContact, "there is no technical or support contact with an e-mail address");
    }
}

fn it_has_a_name_for_people(subject: &Subject<'_>, report: &mut Report<'_>) {
    if subject.description.display_name().is_none() {
        report.add(LintRule::NoDisplayName, "there is no name for people to read");
    }
}

fn logos_are_secure(subject: &Subject<'_>, report: &mut Report<'_>) {
    let logos = subject.description.roles().iter().flat_map(|role| role.user_interface().logos());
    for logo in logos.filter(|logo| logo.address().to_ascii_lowercase().starts_with("http:")) {
        report.add(LintRule::LogoInsecure, format!("the logo is at {}", Quoted::new(logo.address())));
    }
}
