//! Lint: the problems that a publisher of metadata should look at, and those that would make a sign-in fail.
//!
//! A finding is a row of the table [`ROWS`], with a message of its own; each rule is one function in `lint_rules`.
//! The errors and [`Warning`]s of the readers are findings too, with the same code.

use std::ops::Range;

use crate::index::Index;
use crate::{MetadataError, Warning};

/// The severity of a [`LintFinding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LintSeverity {
    /// A remark.
    Note,
    /// A problem that should be corrected, because some software fails with it.
    Warning,
    /// A sign-in fails, or the entity is not used at all.
    Error,
}

impl LintSeverity {
    /// Returns `note`, `warning` or `error`, as in SARIF.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LintSeverity::Note => "note",
            LintSeverity::Warning => "warning",
            LintSeverity::Error => "error",
        }
    }
}

/// A problem in metadata that its publisher should look at. [`Aggregate::lint`](crate::Aggregate::lint) makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintFinding {
    code: &'static str,
    severity: LintSeverity,
    clause: &'static str,
    message: String,
    remedy: &'static str,
    place: Option<usize>,
    entity_id: Option<String>,
    range: Option<Range<usize>>,
}

impl LintFinding {
    /// Returns a stable code of this kind of finding.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Returns its severity.
    #[must_use]
    pub fn severity(&self) -> LintSeverity {
        self.severity
    }

    /// Returns the clause of the specification with the rule.
    #[must_use]
    pub fn clause(&self) -> &'static str {
        self.clause
    }

    /// Returns the message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns what to change.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        self.remedy
    }

    /// Returns the place of the entity among those of the document, from 1; `None` if it is about the document.
    #[must_use]
    pub fn place(&self) -> Option<usize> {
        self.place
    }

    /// Returns the entityID of the entity, if it has one.
    #[must_use]
    pub fn entity_id(&self) -> Option<&str> {
        self.entity_id.as_deref()
    }

    /// Returns the range of the entity in the document.
    #[must_use]
    pub fn range(&self) -> Option<Range<usize>> {
        self.range.clone()
    }
}

/// The rules that exist only in lint. Errors and warnings of the readers have their own codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LintRule {
    NoValidUntil,
    CacheDuration,
    EntityIdForm,
    Placeholder,
    WeakKey,
    CertificateExpiresSoon,
    PostOnly,
    InsecureSignOn,
    NoAssertionConsumer,
    SeveralDefaults,
    RepeatedIndex,
    SignsWithoutKey,
    NoContact,
    NoDisplayName,
    LogoInsecure,
    ForeignProtocol,
    ConsumerBinding,
    SubjectIdRequirement,
    BroadScope,
}

impl LintRule {
    #[cfg(test)]
    const ALL: [LintRule; 19] = [
        LintRule::NoValidUntil,
        LintRule::CacheDuration,
        LintRule::EntityIdForm,
        LintRule::Placeholder,
        LintRule::WeakKey,
        LintRule::CertificateExpiresSoon,
        LintRule::PostOnly,
        LintRule::InsecureSignOn,
        LintRule::NoAssertionConsumer,
        LintRule::SeveralDefaults,
        LintRule::RepeatedIndex,
        LintRule::SignsWithoutKey,
        LintRule::NoContact,
        LintRule::NoDisplayName,
        LintRule::LogoInsecure,
        LintRule::ForeignProtocol,
        LintRule::ConsumerBinding,
        LintRule::SubjectIdRequirement,
        LintRule::BroadScope,
    ];

    pub(crate) fn code(self) -> &'static str {
        match self {
            LintRule::NoValidUntil => "metadata.no_valid_until",
            LintRule::CacheDuration => "metadata.cache_duration",
            LintRule::EntityIdForm => "metadata.entity_id_form",
            LintRule::Placeholder => "metadata.placeholder",
            LintRule::WeakKey => "metadata.weak_key",
            LintRule::CertificateExpiresSoon => "metadata.certificate_expires_soon",
            LintRule::PostOnly => "metadata.post_only",
            LintRule::InsecureSignOn => "metadata.insecure_sign_on",
            LintRule::NoAssertionConsumer => "metadata.no_assertion_consumer",
            LintRule::SeveralDefaults => "metadata.several_defaults",
            LintRule::RepeatedIndex => "metadata.repeated_index",
            LintRule::SignsWithoutKey => "metadata.signs_without_key",
            LintRule::NoContact => "metadata.no_contact",
            LintRule::NoDisplayName => "metadata.no_display_name",
            LintRule::LogoInsecure => "metadata.logo_insecure",
            LintRule::ForeignProtocol => "metadata.foreign_protocol",
            LintRule::ConsumerBinding => "metadata.consumer_binding",
            LintRule::SubjectIdRequirement => "metadata.subject_id_requirement",
            LintRule::BroadScope => "metadata.broad_scope",
        }
    }
}

/// The fixed part of a kind of finding.
#[derive(Debug)]
struct Row {
    code: &'static str,
    severity: LintSeverity,
    clause: &'static str,
    remedy: &'static str,
}

const fn row(code: &'static str, severity: LintSeverity, clause: &'static str, remedy: &'static str) -> Row {
    Row { code, severity, clause, remedy }
}

use LintSeverity::{Error, Note, Warning as Warn};

/// The table has one row for each code. For an error, the remedy is its hint. `SDP` is the SAML2int deployment
/// profile, `IIP` Kantara's implementation profile, `MDIOP` the Metadata Interoperability Profile.
#[rustfmt::skip]
static ROWS: &[Row] = &[
    row("metadata.expired", Error, "saml-metadata-2.0-os 2.3.1, 2.3.2, 2.4.1; SDP-MD03", "Publish a new document with a later validUntil; everybody who honours it has stopped using this one."),
    row("metadata.no_valid_until", Note, "SDP-MD03", "Publish a validUntil some days or weeks ahead and renew it, so that an old copy with a revoked key cannot be replayed for ever."),
    row("metadata.cache_duration", Warn, "saml-metadata-2.0-os 2.3.1, 2.3.2, 2.4.1", "Write cacheDuration as an xs:duration, such as PT6H."),
    row("metadata.entity_id_form", Warn, "saml-metadata-2.0-os 2.2.1; saml-core-2.0-os 8.3.6", "Use an https URL of a domain of your own, or a URN, without white space around it; it is compared byte by byte."),
    row("metadata.template", Error, "saml-metadata-2.0-os 2.3.2", "Publish the metadata of the tenant, with its own entityID."),
    row("metadata.placeholder", Warn, "saml-metadata-2.0-os 2.2.2", "Put the real value in the place of the placeholder."),
    row("metadata.weak_key", Error, "SDP-MD06, SDP-MD07", "Make a new key, RSA of 2048 bits and more or an elliptic curve, and publish its certificate beside this one before the change."),
    row("metadata.certificate_expired", Warn, "MDIOP 2.6.1; IIP-MD12", "The key is used all the same, but some software looks at the date: plan a roll-over to a new certificate."),
    row("metadata.certificate_expires_soon", Note, "MDIOP 2.6.1", "Publish the next certificate now, beside this one, and change the key after everybody has refreshed."),
    row("metadata.certificate_not_yet_valid", Note, "MDIOP 2.6.1", "Nothing, if the key is announced ahead; the date of the certificate does not count."),
    row("metadata.key_ignored", Warn, "saml-metadata-2.0-os 2.4.1.1; MDIOP 2.5.1", "Write the certificate in ds:KeyInfo/ds:X509Data/ds:X509Certificate, or remove the KeyDescriptor."),
    row("metadata.certificate_left_out", Note, "MDIOP 2.5.1", "Publish the certificate of the key alone, without its chain."),
    row("metadata.other_key_left_out", Warn, "XML-DSig 4.4.4; MDIOP 2.5.1", "If the identity provider signs with it, now or later, publish it in a KeyDescriptor of its own before; otherwise remove it."),
    row("metadata.several_certificates", Warn, "XML-DSig 4.4.4", "Write each certificate in an element of its own."),
    row("metadata.several_keys", Warn, "MDIOP 2.5.1", "Write a KeyDescriptor for each key."),
    row("metadata.no_single_sign_on", Error, "saml-metadata-2.0-os 2.4.3; SDP-IDP33", "Publish a SingleSignOnService with HTTP-Redirect: without one no sign-in can begin at a service."),
    row("metadata.post_only", Warn, "SDP-IDP02", "Publish a SingleSignOnService with HTTP-Redirect as well: many services send \
                                                  requests only by it."),
    row("metadata.insecure_sign_on", Error, "saml-metadata-2.0-os 2.4.3; SDP-IDP03", "Publish a SingleSignOnService with an https address: nobody is sent to another one, so no sign-in can begin at a service."),
    row("metadata.no_assertion_consumer", Error, "saml-metadata-2.0-os 2.4.4; SDP-SP08", "Publish an AssertionConsumerService with HTTP-POST: without one no response can be delivered."),
    row("metadata.endpoint_insecure", Warn, "SDP-IDP03, SDP-SP09", "Publish the https address."),
    row("metadata.endpoint_ignored", Warn, "saml-metadata-2.0-os 2.2.2", "Write Binding, and Location as an absolute https address."),
    row("metadata.several_defaults", Warn, "saml-metadata-2.0-os 2.2.3", "Leave isDefault=\"true\" on one endpoint of the kind."),
    row("metadata.repeated_index", Warn, "saml-metadata-2.0-os 2.2.3", "Give each endpoint of the kind an index of its own."),
    row("metadata.signs_without_key", Error, "saml-metadata-2.0-os 2.4.4", "Publish the signing certificate, or set AuthnRequestsSigned to false: nobody can verify the requests."),
    row("metadata.no_signing_key", Error, "saml-metadata-2.0-os 2.4.1.1; SDP-MD08", "Publish the signing certificate."),
    row("metadata.protocol", Error, "saml-metadata-2.0-os 2.4.1", "Name urn:oasis:names:tc:SAML:2.0:protocol in protocolSupportEnumeration."),
    row("metadata.several_roles", Error, "saml-metadata-2.0-os 2.4.1", "Publish one IDPSSODescriptor for SAML 2.0."),
    row("metadata.role_without_protocol", Warn, "saml-metadata-2.0-os 2.4.1", "Name the protocol in protocolSupportEnumeration."),
    row("metadata.duplicate_entity", Warn, "saml-metadata-2.0-os 2.3.1", "Remove the outdated descriptor: the first one is used, and other software takes another."),
    row("metadata.entity_id", Error, "saml-metadata-2.0-os 2.3.2", "Write the entityID."),
    row("metadata.namespace", Error, "saml-metadata-2.0-os 1.2", "Declare the namespace urn:oasis:names:tc:SAML:2.0:metadata on the element."),
    row("metadata.attribute", Error, "saml-metadata-2.0-os 1.3", "Correct the attribute."),
    row("metadata.schema", Warn, "saml-schema-metadata-2.0", "Follow the schema: other software refuses the entity for it."),
    row("metadata.boolean_spelling", Warn, "XML Schema, Part 2, 3.2.2", "Write true or false in small letters."),
    row("metadata.scope_ignored", Warn, "shibmd:Scope", "Write regexp as true or false."),
    row("metadata.extension_ignored", Warn, "saml-metadata-2.0-os 2.3.1; the specification of the extension", "Correct the extension; the rest of the entity is used."),
    row("metadata.affiliation", Note, "saml-metadata-2.0-os 2.5", "Nothing, if the group is for others: no sign-in goes by an affiliation here."),
    row("metadata.foreign_bindings", Error, "saml-metadata-2.0-os 2.4.3; SDP-IDP33", "Publish a SingleSignOnService with HTTP-Redirect: without a binding of SAML 2.0 no sign-in can begin at a service."),
    row("metadata.left_out", Warn, "limits of Vouchsafe", "Remove what is outdated."),
    row("metadata.no_contact", Note, "SDP-MD11", "Publish a ContactPerson of type technical or support with an e-mail address."),
    row("metadata.no_display_name", Note, "SDP-MD09", "Publish mdui:DisplayName, or an Organization with OrganizationDisplayName: people choose by it."),
    row("metadata.foreign_protocol", Warn, "saml-metadata-2.0-os 2.4.1", "Name urn:oasis:names:tc:SAML:2.0:protocol in protocolSupportEnumeration, or remove the role: nobody of SAML 2.0 uses it."),
    row("metadata.consumer_binding", Error, "saml-profiles-2.0-os 4.1.2, 4.1.4.3", "Publish the AssertionConsumerService with HTTP-POST: a response does not fit into an address, and the profile forbids HTTP-Redirect for it."),
    row("metadata.subject_id_requirement", Warn, "saml-subject-id-attr-v1.0 3.5.1", "Write one value: subject-id, pairwise-id, any or none."),
    row("metadata.broad_scope", Warn, "shibmd:Scope; SDP-IDP16", "Write the expression so that it matches only the domains of \
                                                                  the identity provider, such as ^(.+\\.)?example\\.org$."),
    row("metadata.logo_insecure", Note, "SDP-MD10", "Give the https address of the logo: browsers leave out others on https pages."),
];

/// The largest number of errors, and of other findings, that are reported for one entity.
const MOST: usize = 100;

/// The findings about one entity.
pub(crate) struct Report<'i> {
    index: &'i Index,
    metadata: &'i [u8],
    place: usize,
    findings: Vec<LintFinding>,
    left_out: usize,
}

impl<'i> Report<'i> {
    pub(crate) fn new(index: &'i Index, metadata: &'i [u8], place: usize) -> Report<'i> {
        Report { index, metadata, place, findings: Vec::new(), left_out: 0 }
    }

    pub(crate) fn add(&mut self, rule: LintRule, message: impl Into<String>) {
        self.push(self.made(rule.code(), message.into()));
    }

    pub(crate) fn warning(&mut self, warning: &Warning) {
        self.push(self.made(warning.code(), warning.to_string()));
    }

    /// Adds an error. The entity is not used because of it, unless it is a duplicate.
    pub(crate) fn error(&mut self, error: &MetadataError) {
        let mut made = self.made(error.code(), error.to_string());
        if !matches!(error, MetadataError::DuplicateEntity { .. }) {
            (made.severity, made.remedy) = (Error, error.hint());
        }
        self.push(made);
    }

    fn made(&self, code: &'static str, message: String) -> LintFinding {
        finding(code, message, Some((self.index, self.metadata, self.place)))
    }

    /// Adds a finding once, however many roles have it. Errors have their own limit, so that no number of warnings hides
    /// one.
    fn push(&mut self, made: LintFinding) {
        if self.findings.contains(&made) {
            return;
        }
        let is_error = |finding: &LintFinding| finding.severity == Error;
        let of_its_kind = self.findings.iter().filter(|known| is_error(known) == is_error(&made)).count();
        if of_its_kind < MOST {
            self.findings.push(made);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    pub(crate) fn finish(mut self) -> Vec<LintFinding> {
        if self.left_out > 0 {
            let (limit, first, count) = (MOST, MOST.saturating_add(1), self.left_out);
            let rest = Warning::LeftOut { what: "findings", limit, first, count };
            self.findings.push(self.made(rest.code(), rest.to_string()));
        }
        self.findings
    }
}

/// Makes a finding about the entity at a place of a document, or about the document as a whole.
pub(crate) fn finding(
    code: &'static str,
    message: String,
    entity: Option<(&Index, &[u8], usize)>,
) -> LintFinding {
    let known = ROWS.iter().find(|row| row.code == code);
    LintFinding {
        code,
        severity: known.map_or(Error, |row| row.severity),
        clause: known.map_or("XML 1.0; Namespaces in XML", |row| row.clause),
        message,
        remedy: known.map_or("", |row| row.remedy),
        place: entity.map(|(.., place)| place.saturating_add(1)),
        entity_id: entity
            .and_then(|(index, metadata, place)| index.entity_id(metadata, place).map(str::to_owned)),
        range: entity.and_then(|(index, _, place)| index.range(place)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_one_row() {
        for rule in LintRule::ALL {
            assert_eq!(ROWS.iter().filter(|row| row.code == rule.code()).count(), 1, "{rule:?}");
        }
        for row in ROWS {
            assert_eq!(ROWS.iter().filter(|other| other.code == row.code).count(), 1, "{}", row.code);
            assert!(!row.clause.is_empty() && row.remedy.ends_with('.'), "{}", row.code);
        }
    }
}
