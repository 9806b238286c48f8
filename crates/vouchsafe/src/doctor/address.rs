//! Shows addresses without the secrets in them.

/// The parameters whose values are bearer tokens, passwords or whole messages, in lower case.
const SECRET: [&str; 30] = [
    "samlresponse",
    "samlrequest",
    "samlart",
    "relaystate",
    "signature",
    "assertion",
    "wresult",
    "wctx",
    "code",
    "state",
    "nonce",
    "token",
    "id_token",
    "access_token",
    "refresh_token",
    "id_token_hint",
    "sessiontoken",
    "session_token",
    "client_secret",
    "secret",
    "password",
    "passwd",
    "pwd",
    "apikey",
    "api_key",
    "key",
    "sig",
    "jwt",
    "ticket",
    "session",
];
/// The maximum length of a parameter's name, in characters.
const NAME: usize = 40;

/// Removes the query, the fragment and the user information from an address. Other texts are not changed.
pub(crate) fn without_query(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    if !matches!(scheme, "http" | "https") {
        return text.to_owned();
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path: Vec<&str> = path.split('/').map(|part| if is_token(part) { "…" } else { part }).collect();
    format!("{scheme}://{host}{}", path.join("/"))
}

/// Returns whether a part is a JSON Web Token, or too long to be a name.
fn is_token(part: &str) -> bool {
    part.len() > 80 || (part.starts_with("eyJ") && part.contains('.'))
}

/// Removes the values of secret parameters from a text that quotes addresses or forms.
pub(crate) fn masked(text: &str) -> String {
    let text = without_users(text);
    if !text.contains('=') {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('=') {
        shown.push_str(before);
        shown.push('=');
        let is_end = |letter: char| {
            letter.is_whitespace()
                || matches!(letter, '&' | '#' | '"' | '\'' | '”' | '“' | '<' | '>' | ';' | ',')
        };
        let value = after.split(is_end).next().unwrap_or_default();
        if is_secret(before) && !value.is_empty() {
            shown.push('…');
            rest = after.get(value.len()..).unwrap_or_default();
        } else {
            rest = after;
        }
    }
    shown.push_str(rest);
    shown
}

/// Removes the user information, which may have a password, from the addresses in a text.
fn without_users(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let is_end =
            |letter: char| letter.is_whitespace() || matches!(letter, '/' | '?' | '#' | '"' | '”' | '<');
        let authority = after.split(is_end).next().unwrap_or_default();
        let user = authority.rfind('@').map_or(0, |at| at.saturating_add(1));
        rest = after.get(user..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

/// Returns whether a text ends with the name of a secret parameter of a query or a form.
fn is_secret(before: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let begin = before.trim_end_matches(is_part).len();
    let name = before.get(begin..).unwrap_or_default();
    let mark = before.get(..begin).and_then(|text| text.chars().next_back());
    // The text may itself be a query or a form, which begins with a parameter.
    let is_parameter = matches!(mark, None | Some('?' | '&' | '#' | ';'));
    let name = name.to_ascii_lowercase();
    let is_of_saml = name.starts_with("saml");
    name.len() <= NAME && (is_parameter || is_of_saml) && SECRET.contains(&name.as_str())
}

/// Returns the host of an address, with its port.
pub(crate) fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// Returns whether an address is http, and not of this machine.
pub(crate) fn is_open(url: &str) -> bool {
    url.strip_prefix("http://").is_some_and(|rest| {
        let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
        !matches!(host, "localhost" | "127.0.0.1" | "[")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_an_address_is_left_out() {
        for (address, shown) in [
            ("https://sp.example.com/acs?SAMLResponse=abc#x", "https://sp.example.com/acs"),
            ("https://ada:secret@sp.example.com:8443/a/b", "https://sp.example.com:8443/a/b"),
            ("https://sp.example.com/reset/eyJhbGciOiJub25lIn0.e30.", "https://sp.example.com/reset/…"),
            ("https://sp.example.com", "https://sp.example.com"),
            ("a/file?x=1.xml", "a/file?x=1.xml"),
            ("urn:example:a?b=c", "urn:example:a?b=c"),
        ] {
            assert_eq!(without_query(address), shown);
        }
        for (text, shown) in [
            ("found “https://a.example/cb?code=s3cr3t&x=1”", "found “https://a.example/cb?code=…&x=1”"),
            ("SAMLResponse=PHNhbWw&RelayState=st4te", "SAMLResponse=…&RelayState=…"),
            (
                "https://a.example/?id=7#access_token=abc&token_type=b",
                "https://a.example/?id=7#access_token=…&token_type=b",
            ),
            ("https://a.example/?Password=x y", "https://a.example/?Password=… y"),
            ("change: Audience = https://sp.example.com", "change: Audience = https://sp.example.com"),
            ("the key=value of nobody", "the key=value of nobody"),
            ("code=abc&x=1", "code=…&x=1"),
            ("CN=Okta, O=Okta", "CN=Okta, O=Okta"),
            ("a=?code=", "a=?code="),
            (
                "“https://ada:x@a.example/b” and https://b.example/@c",
                "“https://a.example/b” and https://b.example/@c",
            ),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
