//! `mdrpi:RegistrationInfo`: the registration of an entity (SAML V2.0 Metadata Extensions for Registration and
//! Publication Information).

use chrono::{DateTime, Utc};
use vouchsafe_xml::{Element, Quoted, Writer};

use crate::localized;
use crate::time::parse_date_time;
use crate::value_writers::instant;
use crate::values::trimmed;
use crate::{LocalizedText, Warning};

/// The registration of an entity: by whom, when, and by which rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    authority: String,
    instant: Option<DateTime<Utc>>,
    policies: Vec<LocalizedText>,
}

impl Registration {
    /// Returns the registrar, such as `https://www.switch.ch/aai`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns when the entity was registered.
    #[must_use]
    pub fn instant(&self) -> Option<DateTime<Utc>> {
        self.instant
    }

    /// Returns the addresses of the registration policies.
    #[must_use]
    pub fn policies(&self) -> &[LocalizedText] {
        &self.policies
    }

    /// Reads the first registration among these extensions.
    pub(crate) fn read<'d>(
        mut extensions: impl Iterator<Item = Element<'d>>,
        warnings: &mut Vec<Warning>,
    ) -> Option<Registration> {
        let found = extensions.find(|one| is_known(*one))?;
        let mut ignored = |reason: String| {
            warnings
                .push(Warning::ExtensionIgnored { extension: "mdrpi:RegistrationInfo".to_owned(), reason });
        };
        let authority = found.attribute("registrationAuthority").map(trimmed).unwrap_or_default();
        if authority.is_empty() {
            ignored("it has no registrationAuthority".to_owned());
            return None;
        }
        let written = found.attribute("registrationInstant");
        let instant = written.and_then(parse_date_time);
        if let (Some(written), None) = (written, instant) {
            ignored(format!("its registrationInstant {} is not an xs:dateTime", Quoted::new(written)));
        }
        let policies = found.elements().filter(|child| child.is(MDRPI, "RegistrationPolicy"));
        let policies = localized::read(policies, "mdrpi:RegistrationPolicy", warnings);
        Some(Registration { authority: authority.to_owned(), instant, policies })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.start("mdrpi:RegistrationInfo").namespace("mdrpi", MDRPI);
        writer.attribute("registrationAuthority", &self.authority);
        let instant = self.instant.map(instant);
        writer.optional_attribute("registrationInstant", instant.as_deref());
        localized::write(writer, "mdrpi:RegistrationPolicy", &self.policies);
        writer.end();
    }
}

/// Returns whether this module reads this extension.
pub(crate) fn is_known(extension: Element<'_>) -> bool {
    extension.is(MDRPI, "RegistrationInfo")
}

/// The namespace of the extension.
pub(crate) const MDRPI: &str = "urn:oasis:names:tc:SAML:metadata:rpi";
