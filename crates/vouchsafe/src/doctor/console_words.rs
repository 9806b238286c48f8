//! Puts hints into the words of a product's console: the parts in parentheses about Okta are replaced by the
//! product's own words.

use super::catalogue::Product;
use super::complaint::{Complaint, Setting};
use super::found::Found;

/// The phrases of hints in the words of Okta's console, and the setting of the catalogue that each names. The first
/// phrase that matches counts for its part of the text. If a product lacks the setting, the parenthesis is removed.
const PHRASES: [(&str, &str); 17] = [
    ("Assignments", "assignment"),
    ("System Log", "log"),
    ("Encryption Certificate", "encryption_certificate"),
    ("Assertion Encryption", "encryption_certificate"),
    ("Encryption Algorithm", "encryption_algorithm"),
    ("Key Transport Algorithm", "encryption_algorithm"),
    ("Signature Algorithm", "signature_algorithm"),
    ("Digest Algorithm", "signature_algorithm"),
    ("SAML Signing Certificates", "certificate"),
    ("Audience URI", "audience"),
    ("Single sign-on URL", "assertion_consumer"),
    ("\"Response\" Signed", "sign_response"),
    ("Assertion Signature", "sign_assertion"),
    ("Authentication context class", "authn_context"),
    ("Identity Provider Issuer", "issuer"),
    ("SAML Issuer ID", "issuer"),
    ("Name ID format", "name_id"),
];
/// The phrases that name no setting of an application.
const LOGOUT: &str = "Single Logout";
const METADATA: &str = "Metadata URL";

impl Product {
    /// Returns the console's name for the setting that an error is about.
    pub(super) fn setting(&self, code: &str) -> Option<&str> {
        self.settings.get(setting_of(code)?).map(String::as_str)
    }

    /// Returns the place in the console of the setting that an error is about.
    pub(super) fn place_of_setting(&self, code: &str) -> &str {
        setting_of(code).and_then(|setting| self.places.get(setting)).unwrap_or(&self.console)
    }

    /// Returns a remedy in the words of the product's console.
    pub(crate) fn in_its_words(&self, code: &str, remedy: &str) -> String {
        if self.id == "okta" {
            return remedy.to_owned();
        }
        let mut said: Vec<&str> = Vec::new();
        reworded(remedy, |words| {
            let mut own = self.named(words);
            // If the product has no such setting, nothing is added.
            if own.is_empty() && names_in(words).is_empty() {
                own.extend(self.setting(code));
            }
            own.retain(|name| !said.contains(name));
            said.extend(own.iter().copied());
            (!own.is_empty()).then(|| format!(" ({}: {})", self.name, own.join("; ")))
        })
    }

    /// Returns the product's names for the settings that a text names in Okta's words.
    fn named(&self, in_the_words_of_okta: &str) -> Vec<&str> {
        let mut own: Vec<&str> = Vec::new();
        for name in names_in(in_the_words_of_okta) {
            let word = match name {
                METADATA => Some(self.metadata.as_str()),
                name => self.settings.get(name).map(String::as_str),
            };
            own.extend(word.filter(|word| !own.contains(word)));
        }
        own
    }
}

impl Found {
    /// Puts the hints of a log into the words of a product's console, or of none.
    pub(crate) fn in_the_words_of(mut self, product: Option<&Product>) -> Found {
        if let Found::Log { refusals, .. } = &mut self {
            for refusal in refusals {
                refusal.hint = match product {
                    Some(product) => product.in_its_words(&refusal.code, &refusal.hint),
                    None => in_no_words(&refusal.hint),
                };
            }
        }
        self
    }
}

/// Replaces or removes the parts of a text in parentheses that are in the words of Okta's console.
fn reworded<'r>(text: &'r str, mut words: impl FnMut(&'r str) -> Option<String>) -> String {
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, found)) = rest.split_once(" (Okta: ") {
        let Some(end) = closing(found) else { break };
        new.push_str(before);
        new.extend(words(found.get(..end).unwrap_or_default()));
        rest = found.get(end..).and_then(|after| after.strip_prefix(')')).unwrap_or_default();
    }
    new.push_str(rest);
    new
}

/// Removes the words of every console from a remedy.
pub(super) fn in_no_words(remedy: &str) -> String {
    reworded(remedy, |_| None)
}

/// Names the setting of a complaint in general words, if no product is recognised.
pub(super) fn in_general_words(complaint: &mut Complaint) {
    complaint.remedy = in_no_words(&complaint.remedy);
    let value = complaint.setting.take().and_then(|setting| setting.value);
    let Some(name) = setting_of(&complaint.code).map(in_general) else { return };
    let place = if setting_of(&complaint.code) == Some("log") { LOG } else { ANY_CONSOLE };
    complaint.setting = Some(Setting { name: name.to_owned(), value, place: place.to_owned() });
}

/// The place of settings if the console is not known.
pub(super) const ANY_CONSOLE: &str =
    "the SAML settings of this application in the identity provider's console";

const LOG: &str = "the identity provider's console";

/// Returns the names that most consoles use for a setting.
fn in_general(setting: &str) -> &'static str {
    match setting {
        "audience" => "the audience (also: SP entity ID, identifier, audience restriction)",
        "assertion_consumer" => {
            "the address of the assertion consumer (also: ACS URL, reply URL, single sign-on URL, recipient)"
        }
        "sign_response" => "whether responses are signed",
        "sign_assertion" => "whether assertions are signed",
        "signature_algorithm" => "the algorithm of signatures: RSA-SHA256",
        "encryption_certificate" => "the certificate that assertions are encrypted for (ours)",
        "encryption_algorithm" => "the algorithm of encryption: AES-256-GCM with RSA-OAEP",
        "certificate" => "the signing certificate",
        "name_id" => "the NameID: its format and its value",
        "issuer" => "the issuer (also: IdP entity ID)",
        "authn_context" => "the authentication context class",
        "logout" => "the single logout address and the certificate of this service",
        _ => "the log of sign-ins",
    }
}

/// Returns the settings that a text in the words of Okta's console names.
fn names_in(text: &str) -> Vec<&'static str> {
    let settings = PHRASES.iter().filter(|(phrase, _)| text.contains(phrase)).map(|(_, name)| *name);
    let others = [(LOGOUT, "logout"), (METADATA, METADATA)];
    settings
        .chain(others.into_iter().filter(|(phrase, _)| text.contains(phrase)).map(|(_, name)| name))
        .collect()
}

/// Returns the setting of the identity provider that an error is about.
fn setting_of(code: &str) -> Option<&'static str> {
    Some(match code {
        "assertion.audience" => "audience",
        "assertion.recipient" | "assertion.destination" => "assertion_consumer",
        "assertion.unsigned" | "assertion.response_unsigned" | "encryption.unauthenticated_cbc" => {
            "sign_response"
        }
        "assertion.assertion_unsigned" => "sign_assertion",
        "signature.algorithm" | "signature.parameter" | "autopsy.other_algorithm" | "autopsy.undecided" => {
            "signature_algorithm"
        }
        "encryption.failed" | "doctor.cannot_open" => "encryption_certificate",
        "encryption.refused_algorithm" => "encryption_algorithm",
        "signature.not_verified"
        | "signature.no_fitting_key"
        | "autopsy.newer_certificate"
        | "autopsy.older_certificate"
        | "autopsy.unknown_certificate"
        | "autopsy.nobodys_key"
        | "metadata.no_signing_key"
        | "metadata.certificate_expired" => "certificate",
        "assertion.name_id" | "assertion.name_id_policy" => "name_id",
        "assertion.issuer" | "assertion.unknown_issuer" | "assertion.unexpected_issuer" => "issuer",
        "assertion.authn_context" => "authn_context",
        "assertion.status" | "doctor.answered_no" | "doctor.partial_logout" => "log",
        "message.destination" | "message.unsigned" => "logout",
        _ => return None,
    })
}

/// Finds the parenthesis that closes the one before the text.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1_usize;
    text.char_indices().find_map(|(place, letter)| {
        match letter {
            '(' => open = open.saturating_add(1),
            ')' => open = open.saturating_sub(1),
            _ => {}
        }
        (open == 0).then_some(place)
    })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::doctor::catalogue;

    /// Phrases that only Okta has, or for which other products have different words in the same text.
    const WITHOUT: [&str; 4] = [
        "\"Honor Force Authentication\" Yes",
        "the filter of the group attribute statement",
        "\"Single Sign-On URL\"",
        "Edit SAML settings > Advanced",
    ];

    /// Hints use only the words of Okta's console; the words of other consoles are in the catalogue.
    const OTHERS: [&str; 8] =
        ["Entra", "Google", "AD FS", "ADFS", "Keycloak", "OneLogin", "PingOne", "JumpCloud"];

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                sources(&entry, found);
            } else if entry.extension().is_some_and(|extension| extension == "rs")
                && !entry.ends_with("console_words.rs")
            {
                found.push(entry);
            }
        }
    }

    /// Returns each text in parentheses after "Okta:" in the hints of every crate.
    fn said_of_okta() -> Vec<String> {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut files = Vec::new();
        for name in
            ["assertion", "client", "crypto", "encryption", "metadata", "signature", "vouchsafe", "web"]
        {
            sources(&crates.join(name).join("src"), &mut files);
        }
        let mut said = Vec::new();
        for file in files {
            let source = std::fs::read_to_string(&file).unwrap();
            let lines = source.lines().map(str::trim).filter(|line| !line.starts_with("//"));
            let code: String = lines.map(|line| line.strip_suffix('\\').unwrap_or(line)).collect();
            for found in code.split(" (Okta: ").skip(1) {
                let text = closing(found).and_then(|end| found.get(..end));
                said.extend(
                    text.filter(|text| !text.is_empty() && *text != " ")
                        .map(|text| text.replace("\\\"", "\"")),
                );
            }
        }
        said
    }

    /// For the most common products, no hint keeps Okta's words or loses its words.
    #[test]
    fn six_consoles_have_words_for_everything_that_hints_name() {
        let said = said_of_okta();
        assert!(said.len() > 40, "{}", said.len());
        for product in ["entra", "google", "adfs", "keycloak", "onelogin", "pingone"] {
            let product = catalogue().iter().find(|one| one.id == product).unwrap();
            for text in &said {
                let is_known = !names_in(text).is_empty() || WITHOUT.contains(&text.as_str());
                assert!(is_known, "no phrase for {text:?}");
                let names_another = OTHERS.iter().find(|other| text.contains(*other));
                assert_eq!(names_another, None, "{text}");
                let lacks: Vec<_> = names_in(text)
                    .into_iter()
                    .filter(|name| *name != METADATA && !product.settings.contains_key(*name))
                    .collect();
                assert!(lacks.is_empty(), "{}: no words for {lacks:?} in {text}", product.id);
                let hint = format!("Do it (Okta: {text}).");
                let words = product.in_its_words("x.y", &hint);
                assert!(!words.contains("Okta"), "{words}");
                assert!(WITHOUT.contains(&text.as_str()) || words.contains(&product.name), "{words}");
            }
        }
    }

    #[test]
    fn each_parenthesis_gets_words_of_its_own() {
        let entra = catalogue().iter().find(|one| one.id == "entra").unwrap();
        let hint = "Assign them (Okta: \"Assignments\") and read the log (Okta: Reports, System Log).";
        assert_eq!(
            entra.in_its_words("assertion.status", hint),
            "Assign them (Microsoft Entra ID: Users and groups > Add user/group) and read the log (Microsoft Entra ID: Monitoring > Sign-in logs)."
        );
        let duo = catalogue().iter().find(|one| one.id == "duo").unwrap();
        let class = "Set the class there (Okta: \"Authentication context class\").";
        assert_eq!(duo.in_its_words("assertion.status", class), "Set the class there.");
        assert_eq!(in_no_words(hint), "Assign them and read the log.");
        let twice = "Choose (Okta: \"Encryption Algorithm\") and (Okta: \"Key Transport Algorithm\").";
        assert_eq!(entra.in_its_words("x", twice).matches("Microsoft").count(), 1);
    }
}
