//! What the doctor complains of.

use serde::Serialize;
use vouchsafe_xml::Quoted;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// A sign-in fails for it.
    Error,
    /// It will fail, or fails for some.
    Warning,
    /// Worth knowing.
    Note,
}

/// One thing that is wrong or worth knowing, and what to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Complaint {
    /// How bad it is.
    pub severity: Severity,
    /// The stable code: that of the crate that refuses, `doctor.` and a word, or `quirk.` with the product and the quirk.
    pub code: String,
    /// What is wrong, with what was expected and what came.
    pub message: String,
    /// What to change.
    pub remedy: String,
    /// The setting to change in the product's console, if it is known.
    pub setting: Option<Setting>,
}

/// A setting in a product's console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Setting {
    /// What the console calls it.
    pub name: String,
    /// The value it must have, if one value is right.
    pub value: Option<String>,
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

    /// The value that the setting must have; its name is filled in when the product is known.
    pub(crate) fn with_value(mut self, value: Option<String>) -> Complaint {
        self.setting = value.map(|value| Setting { name: String::new(), value: Some(value) });
        self
    }
}

/// What no other crate has a code for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    Unrecognised,
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
}

impl Own {
    /// The stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Own::Unrecognised => "doctor.unrecognised",
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
        }
    }

    fn severity(self) -> Severity {
        match self {
            Own::UnverifiedSender | Own::CannotOpen => Severity::Note,
            Own::Unencrypted | Own::LongRelayState | Own::AssertionAlone => Severity::Warning,
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
            Own::WebPage => "a web page without a SAML message in it".to_owned(),
            Own::NoMessage => format!("{what} holds no SAML message"),
            Own::OtherXml => format!("an XML document whose root is {what}"),
            Own::UnverifiedSender => format!(
                "judged by the certificate that it brings along, since no metadata of {what} is among the files: this says whether the \
                 message is intact, and nothing about who sent it"
            ),
            Own::NothingToVerifyWith => format!(
                "no metadata of {what} is among the files, and the message brings no certificate along"
            ),
            Own::CannotOpen => {
                "the assertion is encrypted, and no private key was given that opens it".to_owned()
            }
            Own::AssertionAlone => {
                "an Assertion on its own; sign-ins are done with a Response that holds it".to_owned()
            }
            Own::Unencrypted => format!("{what} is not encrypted on its way (http)"),
            Own::LongRelayState => format!("the RelayState has {what} octets; 80 are allowed"),
            Own::AlsoFailed => "another check failed too".to_owned(),
            Own::OlderProtocol => format!("a message of another version of SAML, in the namespace {what}"),
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Own::Unrecognised => {
                "Give the value of the form field SAMLResponse, the XML, the whole address, or the recording as saved by the browser."
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
                "Give the identity provider's metadata as well, to find out whether its certificate is the right one."
            }
            Own::NothingToVerifyWith => "Give the identity provider's metadata as well.",
            Own::CannotOpen => {
                "Give the private key of the certificate that the identity provider encrypts to (--decryption-key)."
            }
            Own::AssertionAlone => "Give the whole Response, as it was posted.",
            Own::Unencrypted => {
                "Use https addresses; browsers warn of forms that are posted to others, and cookies get lost."
            }
            Own::LongRelayState => "Send a short handle and keep the meaning under it (SAML Bindings 3.4.3).",
            Own::AlsoFailed => "Look at the ledger of the refusal.",
            Own::OlderProtocol => "Create the application as SAML 2.0 at the identity provider.",
        }
    }

    /// The complaint, about this.
    pub(crate) fn about(self, what: &str) -> Complaint {
        Complaint::new(self.severity(), self.code(), self.message(what), self.remedy())
    }
}
