//! Where a browser goes that gets a Location, as browsers read it (the URL standard), which is not how RFC 3986 does.

use url::Url;

/// Whether a browser that was at an address leaves its origin by this Location.
pub(crate) fn leads_elsewhere(from: &str, location: &str) -> bool {
    // What a header cannot carry ends it: a service that sends it has let the attacker write a header.
    if location.contains(['\r', '\n', '\0']) {
        return true;
    }
    let Ok(from) = Url::parse(from) else { return true };
    match from.join(&with_two_slashes(location)) {
        Ok(to) => to.origin() != from.origin() || !to.username().is_empty() || to.password().is_some(),
        // What cannot be read is not a path of ours.
        Err(_) => true,
    }
}

/// Browsers drop white space at the ends, tabs everywhere, and take any number of slashes and backslashes from two on for
/// two slashes.
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
    use super::leads_elsewhere;

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
}
