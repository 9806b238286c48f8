//! The findings of the doctor.

use serde::Serialize;
use vouchsafe_xml::Quoted;

use super::address::masked;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// A sign-in fails because of it.
    Error,
    /// Sign-ins will fail, or fail for some people.
    Warning,
    /// It is worth knowing.
    Note,
}

/// One thing that is wrong or worth knowing, and what to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Complaint {
    /// The severity.
    pub severity: Severity,
    /// The stable code: that of the crate that refuses, or `doctor.` and a word, or `quirk.` with the product and the
    /// quirk.
    pub code: String,
    /// What is wrong, with the expected and the actual value.
    pub message: String,
    /// What to change.
    pub remedy: String,
    /// The setting to change in the product's console, if it is known.
    pub setting: Option<Setting>,
}

/// A setting in a product's console.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Setting {
    /// The name of the setting in the console.
    pub name: String,
    /// The value that the setting must have, if only one value is right.
    pub value: Option<String>,
    /// The place of the setting in the console.
    pub place: String,
}

/// A value that the operator gave, by an option or by a whole file of metadata. Only such values are recommended for
/// a console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told(String);

impl Told {
    pub(crate) fn new(text: impl Into<String>) -> Told {
        Told(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Complaint {
    pub(crate) fn new(
        severity: Severity,
        code: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Complaint {
        Complaint {
            severity,
            code: code.to_owned(),
            message: message.into(),
            remedy: remedy.into(),
            setting: None,
        }
    }

    pub(crate) fn error(code: &str, message: impl Into<String>, remedy: impl Into<String>) -> Complaint {
        Complaint::new(Severity::Error, code, message, remedy)
    }

    /// Removes the secrets in addresses.
    pub(crate) fn mask(&mut self) {
        self.message = masked(&self.message);
        self.remedy = masked(&self.remedy);
    }

    /// Sets the value that the setting must have. Its name is filled in when the product is known.
    pub(crate) fn with_value(mut self, value: Option<&Told>) -> Complaint {
        self.setting =
            value.map(|told| Setting { value: Some(told.as_str().to_owned()), ..Setting::default() });
        self
    }
}

/// The complaints for which no other crate has a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    Unrecognised,
    UnknownReference,
    WebPage,
    NoMessage,
    OtherXml,
    UnverifiedSender,
    NothingToVerifyWith,
    CannotOpen,
    AssertionAlone,
    Unencrypted,
    LongRelayState,
    OlderProtocol,
    AlsoFailed,
    MetadataInMessage,
    CertificateInText,
    TwoDescriptions,
    NotCompared,
    Disagreement,
    MoreMessages,
    NotLookedInto,
    ResponseByRedirect,
    WhiteSpace,
    SamlTracer,
    BrokenArtifact,
    ArtifactAddress,
    ArtifactSource,
    PartialLogout,
    AnsweredNo,
    AnotherService,
    NoNameId,
    OurNameIsTheirs,
    SeveralServices,
    PrivateKey,
    PrivateKeyBeside,
    OtherBase64,
    Placeholder,
}

impl Own {
    /// Returns the stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Own::Unrecognised => "doctor.unrecognised",
            Own::UnknownReference => "doctor.unknown_reference",
            Own::WebPage => "doctor.web_page",
            Own::NoMessage => "doctor.no_message",
            Own::OtherXml => "doctor.other_xml",
            Own::UnverifiedSender => "doctor.unverified_sender",
            Own::NothingToVerifyWith => "doctor.nothing_to_verify_with",
            Own::CannotOpen => "doctor.cannot_open",
            Own::AssertionAlone => "doctor.assertion_alone",
            Own::Unencrypted => "doctor.unencrypted_address",
            Own::LongRelayState => "doctor.long_relay_state",
            Own::OlderProtocol => "doctor.older_protocol",
            Own::AlsoFailed => "doctor.also_failed",
            Own::MetadataInMessage => "doctor.metadata_in_message",
            Own::CertificateInText => "doctor.certificate_in_text",
            Own::TwoDescriptions => "doctor.two_descriptions",
            Own::NotCompared => "doctor.not_compared",
            Own::Disagreement => "doctor.disagreement",
            Own::MoreMessages => "doctor.more_messages",
            Own::NotLookedInto => "doctor.not_looked_into",
            Own::ResponseByRedirect => "doctor.response_by_redirect",
            Own::WhiteSpace => "doctor.white_space",
            Own::SamlTracer => "doctor.saml_tracer",
            Own::BrokenArtifact => "doctor.broken_artifact",
            Own::ArtifactAddress => "doctor.artifact_address",
            Own::ArtifactSource => "doctor.artifact_source",
            Own::PartialLogout => "doctor.partial_logout",
            Own::AnsweredNo => "doctor.answered_no",
            Own::AnotherService => "doctor.another_service",
            Own::NoNameId => "doctor.no_name_id",
            Own::OurNameIsTheirs => "doctor.our_name_is_theirs",
            Own::SeveralServices => "doctor.several_services",
            Own::PrivateKey | Own::OtherBase64 => "doctor.unrecognised",
            Own::PrivateKeyBeside => "doctor.private_key",
            Own::Placeholder => "doctor.placeholder",
        }
    }

    fn severity(self) -> Severity {
        match self {
            Own::CannotOpen | Own::NotCompared | Own::MoreMessages | Own::NotLookedInto | Own::SamlTracer => {
                Severity::Note
            }
            Own::AnotherService => Severity::Note,
            Own::PrivateKey | Own::PrivateKeyBeside | Own::Placeholder => Severity::Warning,
            Own::PartialLogout | Own::NoNameId | Own::SeveralServices => Severity::Warning,
            Own::Unencrypted | Own::LongRelayState | Own::AssertionAlone | Own::Disagreement => {
                Severity::Warning
            }
            Own::UnverifiedSender | Own::MetadataInMessage | Own::CertificateInText | Own::WhiteSpace => {
                Severity::Warning
            }
            _ => Severity::Error,
        }
    }

    fn message(self, what: &str) -> String {
        let what = Quoted::new(what);
        match self {
            Own::Unrecognised => {
                "neither XML, nor base64 of it, an address with a SAML message, a posted form, or a HAR file"
                    .to_owned()
            }
            Own::UnknownReference => {
                format!("the log has no refusal with the reference {what}")
            }
            Own::WebPage => "a web page without a SAML message in it".to_owned(),
            Own::NoMessage => format!("{what} holds no SAML message"),
            Own::OtherXml => format!("an XML document whose root is {what}"),
            Own::UnverifiedSender => format!(
                "judged by the certificate in the message, because no metadata of {what} is among the files: this says whether \
                 the message is intact, and nothing about who sent it"
            ),
            Own::NothingToVerifyWith => format!(
                "no metadata of {what} is among the files, and the message has no certificate"
            ),
            Own::CannotOpen => {
                "the assertion is encrypted, and no private key was given that decrypts it".to_owned()
            }
            Own::AssertionAlone => {
                "an Assertion without its Response; a sign-in needs the Response".to_owned()
            }
            Own::Unencrypted => format!("{what} is not encrypted on its way (http)"),
            Own::LongRelayState => format!("the RelayState has {what} bytes; 80 are allowed"),
            Own::AlsoFailed => "another check failed too".to_owned(),
            Own::MetadataInMessage => {
                "metadata inside a message or a recording: anybody can have put it there, so it is not used for the other files".to_owned()
            }
            Own::CertificateInText => {
                "a certificate inside another text: anybody can have put it there, so no file is verified with it".to_owned()
            }
            Own::TwoDescriptions => {
                format!("the files describe the entity {what} in two different ways, so neither description is used")
            }
            Own::NotCompared => format!("not compared with anything, because the expected values were not given: {what}"),
            Own::Disagreement => "two parts of the messages do not agree".to_owned(),
            Own::MoreMessages => format!("only the first {what} messages of the recording were looked at"),
            Own::NotLookedInto => "why the signature fails was not looked into: that was done for other messages already".to_owned(),
            Own::ResponseByRedirect => "the Response came by HTTP-Redirect".to_owned(),
            Own::BrokenArtifact => "the field SAMLart does not hold an artifact of type 4".to_owned(),
            Own::ArtifactAddress => "the address for artifacts does not fit".to_owned(),
            Own::ArtifactSource => "the artifact comes from no known identity provider".to_owned(),
            Own::PartialLogout => "a partial logout".to_owned(),
            Own::AnsweredNo => "the answer has a status other than Success".to_owned(),
            Own::NoNameId => "the assertion has no NameID, so that it names nobody but by its attributes".to_owned(),
            Own::OurNameIsTheirs => {
                format!("the entity ID that was given as ours, {what}, is that of an identity provider in the files")
            }
            Own::PrivateKey => "no SAML message: it looks like a private key".to_owned(),
            Own::PrivateKeyBeside => "the file has a private key beside the certificate".to_owned(),
            Own::Placeholder => "a placeholder that was not filled in".to_owned(),
            Own::OtherBase64 => "no SAML message: it can be read as base64, and is neither XML nor compressed XML".to_owned(),
            Own::SeveralServices => "the files describe several services, and it was not said which of them is this one".to_owned(),
            Own::AnotherService => format!("a sign-in at another service, {what}: it says nothing about this one"),
            Own::SamlTracer => {
                "out of an export of SAML-tracer, which has no times: it is judged as of the moment it was issued".to_owned()
            }
            Own::WhiteSpace => "something begins or ends with white space, which is part of it".to_owned(),
            Own::OlderProtocol => format!("a message of another version of SAML, in the namespace {what}"),
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Own::Unrecognised => {
                "Give the value of the form field SAMLResponse, the XML, the whole address, or the recording as saved by the browser."
            }
            Own::UnknownReference => {
                "Compare the reference letter by letter with the page of the person, and give the log of the time at which the person tried, of every \
                 instance of the service. Of a log, the last 1,000 refusals are read: of a longer one, give the part of that time."
            }
            Own::WebPage => {
                "Probably a sign-in or error page was saved in the place of the metadata. Download the metadata from where the console shows \
                 its address, without following a sign-in."
            }
            Own::NoMessage => {
                "Start the recording before the sign-in, with \"Preserve log\" (Chrome, Edge) or \"Persist Logs\" (Firefox) on, and save it \
                 with the content of requests."
            }
            Own::OtherXml => "Give a SAML Response, request, or metadata.",
            Own::UnverifiedSender => {
                "Give the identity provider's metadata as well, as downloaded from its console: anybody can make a message that is intact."
            }
            Own::NothingToVerifyWith => {
                "Give the identity provider's metadata as well, as downloaded from its console."
            }
            Own::CannotOpen => {
                "Give the private key of the certificate that the identity provider encrypts to (--decryption-key)."
            }
            Own::AssertionAlone => "Give the whole Response, as it was posted.",
            Own::Unencrypted => {
                "Use https addresses; browsers warn about forms that are posted to http addresses, and cookies get lost."
            }
            Own::LongRelayState => {
                "Send a short handle, and store your own data under it (SAML Bindings 3.4.3)."
            }
            Own::AlsoFailed => "Look at the ledger of the refusal.",
            Own::MetadataInMessage => {
                "To have it used, download the metadata from where the identity provider's console shows its address, and give it as a file of \
                 its own."
            }
            Own::CertificateInText => {
                "Compare its fingerprint with the identity provider's console first; if it is there, download it there and give that file."
            }
            Own::TwoDescriptions => {
                "Find out which of the files came from the console of this entity itself, and give that one alone: the newer one, if the other is an older \
                 copy (`vouchsafe metadata diff` shows what changed). If somebody sent the other, it may be an attempt to have a foreign certificate \
                 trusted."
            }
            Own::NotCompared => {
                "Give the entity ID and the assertion consumer of this service (--entity-id, --acs), or its own metadata as a file."
            }
            Own::Disagreement => {
                "Neither value proves which of them is right. Compare both with the configuration of this service, and give its \
                 entity ID and assertion consumer (--entity-id, --acs) to have them judged."
            }
            Own::MoreMessages => "Record the one sign-in that fails, from its beginning.",
            Own::NotLookedInto => "Give this message in a file of its own.",
            Own::ResponseByRedirect => {
                "Set the binding of the assertion consumer at the identity provider to HTTP-POST: HTTP-Redirect must not carry a Response (SAML \
                 Profiles 4.1.2)."
            }
            Own::BrokenArtifact => {
                "An artifact is base64 of 44 bytes, percent-encoded in a query: give the whole address, and look for a limit on its way (SAML Bindings 3.6.4)."
            }
            Own::ArtifactAddress => "Load the metadata of the identity provider from its console again.",
            Own::ArtifactSource => "Give the identity provider's metadata as well.",
            Own::PartialLogout => {
                "The sign-out of this service is done. Other services that the person was signed in to could not be told: the identity provider's log says which \
                 (Okta: Reports, System Log). Close the browser to be sure."
            }
            Own::AnsweredNo => "The log of the party that answered says why.",
            Own::NoNameId => {
                "Have the identity provider send a NameID that stays the same (Okta: \"Name ID format\" and \"Application username\"), unless people are found by \
                 an attribute here."
            }
            Own::OurNameIsTheirs => {
                "Give the entity ID of this service (--entity-id): the audience of a Response, and the Issuer of the requests that are sent from here."
            }
            Own::PrivateKey => {
                "Name it by --decryption-key where it opens encrypted assertions; nothing else here needs it. A private key never leaves its machine: treat it \
                 as disclosed if it was sent to anybody."
            }
            Own::PrivateKeyBeside => {
                "Give the certificate alone. A private key never leaves its machine: treat it as disclosed if the file was sent to anybody."
            }
            Own::Placeholder => {
                "Correct the expression of the attribute or of the name at the identity provider: it is sent as it was typed, for everybody the same."
            }
            Own::OtherBase64 => {
                "Give the whole value of the field SAMLResponse as it came: the case of its letters counts, and nothing may be missing at its beginning. A \
                 signature, a digest or a RelayState looks like base64 too, and is not a message."
            }
            Own::SeveralServices => {
                "Give the metadata of the one service that the sign-in is at, or its entity ID (--entity-id)."
            }
            Own::AnotherService => {
                "Record the one sign-in that fails, or give the entity ID of the other service."
            }
            Own::SamlTracer => {
                "Save the recording of the browser itself as a HAR file to have these judged as well."
            }
            Own::WhiteSpace => {
                "Have the identity provider send the value without spaces and line breaks around it: compared as it is, it names another person \
                 or group."
            }
            Own::OlderProtocol => "Create the application as SAML 2.0 at the identity provider.",
        }
    }

    /// Makes the complaint about this subject.
    pub(crate) fn about(self, what: &str) -> Complaint {
        Complaint::new(self.severity(), self.code(), self.message(what), self.remedy())
    }
}
