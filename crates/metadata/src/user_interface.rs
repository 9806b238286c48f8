//! The display of an entity: `mdui:UIInfo` and `mdui:DiscoHints` (Metadata Extensions for Login and Discovery User
//! Interface).

use vouchsafe_xml::{Element, Quoted, Writer};

use crate::bounded::{Bounded, HINTS, LOGO_BYTES, LOGOS, REASONS};
use crate::localized::{self, language};
use crate::values::trimmed;
use crate::{LocalizedText, Warning};

/// Names, logos and explanations for display, and hints for a discovery service.
///
/// ```
/// use vouchsafe_metadata::{Logo, UserInterface};
///
/// let shown = UserInterface::default()
///     .with_display_name("en", "Example Analytics")
///     .with_privacy_statement_url("en", "https://app.example.com/privacy")
///     .with_logo(Logo::new("https://app.example.com/logo.png", 80, 60));
/// assert_eq!(shown.display_name(&["de", "en"]), Some("Example Analytics"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInterface {
    display_names: Vec<LocalizedText>,
    descriptions: Vec<LocalizedText>,
    keywords: Vec<LocalizedText>,
    information_urls: Vec<LocalizedText>,
    privacy_statement_urls: Vec<LocalizedText>,
    logos: Vec<Logo>,
    ip_hints: Vec<String>,
    domain_hints: Vec<String>,
    geolocation_hints: Vec<String>,
}

/// A logo: its address, which is a web address or a `data:` URL, and its size in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    address: String,
    width: u32,
    height: u32,
    language: Option<Box<str>>,
}

impl Logo {
    /// Makes a logo for all languages.
    #[must_use]
    pub fn new(address: impl Into<String>, width: u32, height: u32) -> Logo {
        Logo { address: address.into(), width, height, language: None }
    }

    /// Sets the language of the people for whom it is.
    #[must_use]
    pub fn in_language(self, language: impl Into<Box<str>>) -> Logo {
        Logo { language: Some(language.into()), ..self }
    }

    /// Returns its address. A browser that loads the logo from there tells the owner of that address who views the
    /// page.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns its width in pixels; 0 if the metadata does not state it.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Returns its height in pixels; 0 if the metadata does not state it.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Returns the language of the text in it, if it has any.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }
}

/// # Reading values
impl UserInterface {
    /// Returns the name in the best of these languages ([`LocalizedText::best_of`]).
    #[must_use]
    pub fn display_name(&self, languages: &[&str]) -> Option<&str> {
        LocalizedText::best_of(&self.display_names, languages)
    }

    /// Returns all names.
    #[must_use]
    pub fn display_names(&self) -> &[LocalizedText] {
        &self.display_names
    }

    /// Returns its descriptions, of some sentences each.
    #[must_use]
    pub fn descriptions(&self) -> &[LocalizedText] {
        &self.descriptions
    }

    /// Returns its search words, separated by white space; `+` stands for white space in a word.
    #[must_use]
    pub fn keywords(&self) -> &[LocalizedText] {
        &self.keywords
    }

    /// Returns the addresses of pages about it.
    #[must_use]
    pub fn information_urls(&self) -> &[LocalizedText] {
        &self.information_urls
    }

    /// Returns the addresses of its privacy statements.
    #[must_use]
    pub fn privacy_statement_urls(&self) -> &[LocalizedText] {
        &self.privacy_statement_urls
    }

    /// Returns its logos.
    #[must_use]
    pub fn logos(&self) -> &[Logo] {
        &self.logos
    }

    /// Returns the networks of its users, as CIDR blocks.
    #[must_use]
    pub fn ip_hints(&self) -> &[String] {
        &self.ip_hints
    }

    /// Returns the domains of its users.
    #[must_use]
    pub fn domain_hints(&self) -> &[String] {
        &self.domain_hints
    }

    /// Returns the locations of its users, as `geo:` URIs.
    #[must_use]
    pub fn geolocation_hints(&self) -> &[String] {
        &self.geolocation_hints
    }

    /// Returns whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == UserInterface::default()
    }
}

/// # Building in code
impl UserInterface {
    /// Adds a name.
    #[must_use]
    pub fn with_display_name(mut self, language: &str, name: &str) -> Self {
        self.display_names.push(LocalizedText::new(language, name));
        self
    }

    /// Adds a description.
    #[must_use]
    pub fn with_description(mut self, language: &str, text: &str) -> Self {
        self.descriptions.push(LocalizedText::new(language, text));
        self
    }

    /// Adds search words.
    #[must_use]
    pub fn with_keywords(mut self, language: &str, words: &[&str]) -> Self {
        let words: Vec<String> =
            words.iter().map(|word| word.split_whitespace().collect::<Vec<_>>().join("+")).collect();
        self.keywords.push(LocalizedText::new(language, words.join(" ")));
        self
    }

    /// Adds the address of a page about it.
    #[must_use]
    pub fn with_information_url(mut self, language: &str, address: &str) -> Self {
        self.information_urls.push(LocalizedText::new(language, address));
        self
    }

    /// Adds the address of a statement about personal data.
    #[must_use]
    pub fn with_privacy_statement_url(mut self, language: &str, address: &str) -> Self {
        self.privacy_statement_urls.push(LocalizedText::new(language, address));
        self
    }

    /// Adds a logo.
    #[must_use]
    pub fn with_logo(mut self, logo: Logo) -> Self {
        self.logos.push(logo);
        self
    }
}

/// # Reading and writing
impl UserInterface {
    /// Reads the first UIInfo and the first DiscoHints among these extensions.
    pub(crate) fn read<'d>(
        extensions: impl Iterator<Item = Element<'d>> + Clone,
        warnings: &mut Vec<Warning>,
    ) -> UserInterface {
        let mut shown = UserInterface::default();
        if let Some(information) = extensions.clone().find(|one| one.is(MDUI, "UIInfo")) {
            shown.display_names = texts(information, "DisplayName", warnings);
            shown.descriptions = texts(information, "Description", warnings);
            shown.keywords = texts(information, "Keywords", warnings);
            shown.information_urls = texts(information, "InformationURL", warnings);
            shown.privacy_statement_urls = texts(information, "PrivacyStatementURL", warnings);
            shown.logos = logos(information, warnings);
        }
        if let Some(hints) = extensions.clone().find(|one| one.is(MDUI, "DiscoHints")) {
            shown.ip_hints = values(hints, "IPHint", warnings);
            shown.domain_hints = values(hints, "DomainHint", warnings);
            shown.geolocation_hints = values(hints, "GeolocationHint", warnings);
        }
        for name in ["UIInfo", "DiscoHints"] {
            let repeated = extensions.clone().filter(|one| one.is(MDUI, name)).count().saturating_sub(1);
            if repeated > 0 {
                let reason = "it occurs more than once; the first one is read".to_owned();
                warnings.push(Warning::ExtensionIgnored { extension: format!("mdui:{name}"), reason });
            }
        }
        shown
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        let hints = [
            ("mdui:IPHint", &self.ip_hints),
            ("mdui:DomainHint", &self.domain_hints),
            ("mdui:GeolocationHint", &self.geolocation_hints),
        ];
        let has_hints = hints.iter().any(|(_, values)| !values.is_empty());
        let information = UserInterface {
            ip_hints: Vec::new(),
            domain_hints: Vec::new(),
            geolocation_hints: Vec::new(),
            ..self.clone()
        };
        if !information.is_empty() {
            writer.start("mdui:UIInfo").namespace("mdui", MDUI);
            localized::write(writer, "mdui:DisplayName", &self.display_names);
            localized::write(writer, "mdui:Description", &self.descriptions);
            localized::write(writer, "mdui:Keywords", &self.keywords);
            self.logos.iter().for_each(|logo| write_logo(writer, logo));
            localized::write(writer, "mdui:InformationURL", &self.information_urls);
            localized::write(writer, "mdui:PrivacyStatementURL", &self.privacy_statement_urls);
            writer.end();
        }
        if has_hints {
            writer.start("mdui:DiscoHints").namespace("mdui", MDUI);
            for (element, values) in hints {
                values.iter().for_each(|value| _ = writer.element(element, value));
            }
            writer.end();
        }
    }
}

/// Returns whether this module reads this extension.
pub(crate) fn is_known(extension: Element<'_>) -> bool {
    extension.is(MDUI, "UIInfo") || extension.is(MDUI, "DiscoHints")
}

fn texts(holder: Element<'_>, name: &'static str, warnings: &mut Vec<Warning>) -> Vec<LocalizedText> {
    localized::read(holder.elements().filter(|child| child.is(MDUI, name)), name, warnings)
}

fn values(holder: Element<'_>, name: &'static str, warnings: &mut Vec<Warning>) -> Vec<String> {
    let mut values = Bounded::new(name, HINTS);
    for (number, child) in (1_usize..).zip(holder.elements().filter(|child| child.is(MDUI, name))) {
        let text = child.text();
        let value = trimmed(&text);
        if !value.is_empty() {
            values.push(number, value.to_owned());
        }
    }
    values.finish(warnings)
}

fn logos(information: Element<'_>, warnings: &mut Vec<Warning>) -> Vec<Logo> {
    let mut logos = Bounded::new("mdui:Logo", LOGOS);
    let mut ignored = Bounded::new("reasons why a logo is left out", REASONS);
    let elements = information.elements().filter(|child| child.is(MDUI, "Logo"));
    for (number, element) in (1_usize..).zip(elements) {
        let text = element.text();
        // Line breaks in a data: URL only help people who edit the file.
        let address: String = text.split([' ', '\t', '\r', '\n']).collect();
        let size = |name: &str| element.attribute(name).and_then(|text| trimmed(text).parse::<u32>().ok());
        if address.is_empty() {
            ignored.push(number, format!("logo {number} has no address"));
        } else if address.len() > LOGO_BYTES {
            let length = address.len();
            ignored.push(
                number,
                format!("logo {number} has {length} bytes in its address, more than {LOGO_BYTES}"),
            );
        } else {
            let (width, height) = (size("width").unwrap_or_default(), size("height").unwrap_or_default());
            if width == 0 || height == 0 {
                let shown = Quoted::new(&address);
                ignored.push(number, format!("the logo {shown} has no size; it is kept without"));
            }
            let language = Some(language(element)).filter(|tag| !tag.is_empty()).map(Box::from);
            logos.push(number, Logo { address, width, height, language });
        }
    }
    let logos = logos.finish(warnings);
    let extension = "mdui:Logo";
    let ignored = ignored.finish(warnings).into_iter();
    warnings
        .extend(ignored.map(|reason| Warning::ExtensionIgnored { extension: extension.to_owned(), reason }));
    logos
}

fn write_logo(writer: &mut Writer, logo: &Logo) {
    writer.start("mdui:Logo");
    writer.attribute("height", &logo.height.to_string()).attribute("width", &logo.width.to_string());
    writer.optional_attribute("xml:lang", logo.language());
    writer.text(&logo.address).end();
}

/// The namespace of the extension.
pub(crate) const MDUI: &str = "urn:oasis:names:tc:SAML:metadata:ui";
