//! The address that a browser opens for a Location header. Browsers follow the URL standard, which differs from RFC
//! 3986.

use url::Url;

/// Returns whether this Location makes a browser at the address `from` leave its origin.
pub(crate) fn leads_elsewhere(from: &str, location: &str) -> bool {
    // A header cannot contain these characters: a service that sends them lets the attacker write headers.
    if location.contains(['\r', '\n', '\0']) {
        return true;
    }
    let Ok(from) = Url::parse(from) else { return true };
    match from.join(&with_two_slashes(location)) {
        Ok(to) => to.origin() != from.origin() || !to.username().is_empty() || to.password().is_some(),
        // A text that cannot be parsed is not a path of the service.
        Err(_) => true,
    }
}

/// Returns whether two Locations make a browser at the address `from` open the same address.
pub(crate) fn is_same(from: &str, one: &str, other: &str) -> bool {
    let opened = |location: &str| Url::parse(from).ok()?.join(&with_two_slashes(location)).ok();
    opened(one).is_some_and(|place| opened(other) == Some(place))
}

/// Converts a Location as browsers do: white space at the ends and tabs everywhere are dropped, and two or more
/// slashes or backslashes count as two slashes.
fn with_two_slashes(location: &str) -> String {
    let plain: String =
        location.trim_matches(|letter| letter <= ' ').chars().filter(|c| *c != '\t').collect();
    let rest = plain.trim_start_matches(['/', '\\']);
    match plain.len().saturating_sub(rest.len()) {
        0 | 1 => plain,
        _ => format!("//{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_same, leads_elsewhere};

    #[test]
    fn locations_are_read_as_browsers_do() {
        for (location, elsewhere) in [
            ("/", false),
            ("/home?to=https://evil.example", false),
            ("home", false),
            ("https://app.example.com/x", false),
            ("https:/x", false),
            ("https://app.example.com:443/", false),
            ("https://app.example.com:8443/", true),
            ("http://app.example.com/", true),
            ("https://evil.example/", true),
            ("//evil.example", true),
            ("/\\evil.example", true),
            ("///evil.example", true),
            ("//", true),
            ("https:x", false),
            ("\\\\evil.example", true),
            ("/\t/evil.example", true),
            (" //evil.example", true),
            ("https:\\\\evil.example", true),
            ("https://app.example.com@evil.example/", true),
            ("https://user@app.example.com/", true),
            ("javascript:alert(1)", true),
            ("data:text/html,x", true),
            ("/\r\nSet-Cookie: x", true),
        ] {
            assert_eq!(
                leads_elsewhere("https://app.example.com/saml/acs", location),
                elsewhere,
                "{location:?}"
            );
        }
    }

    #[test]
    fn a_path_and_its_address_are_the_same() {
        let from = "https://app.example.com/saml/acs";
        assert!(is_same(from, "/home", "https://app.example.com:443/home"));
        assert!(!is_same(from, "/home", "/home?x") && !is_same(from, "/home", "/"));
        assert!(!is_same("no address", "/home", "/home"));
    }
}
