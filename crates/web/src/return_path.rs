//! The paths that a sign-in may lead to: only paths of this service, from a list.

use std::fmt;

/// The paths to which a browser may be sent after signing in or out. Any other path is replaced by the first of them.
///
/// A text that is no path of this service, such as `about` or an address, allows nothing. The log says so.
///
/// RelayState, which identity providers choose in IdP-initiated sign-ins, and the query parameter `return` of the
/// login route are both checked here, so neither is an open redirect.
///
/// ```
/// use vouchsafe_web::ReturnPaths;
///
/// let paths = ReturnPaths::new("/").under("/projects");
/// assert_eq!(paths.choose(Some("/projects/7?tab=runs")).as_str(), "/projects/7?tab=runs");
/// assert_eq!(paths.choose(Some("//evil.example")).as_str(), "/");
/// assert_eq!(paths.choose(Some("https://evil.example/projects")).as_str(), "/");
/// assert_eq!(paths.choose(None).as_str(), "/");
/// ```
#[derive(Clone, Debug)]
pub struct ReturnPaths {
    home: ReturnPath,
    exact: Vec<String>,
    under: Vec<String>,
}

/// A path that [`ReturnPaths`] chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnPath(String);

impl ReturnPaths {
    /// Makes a list with one path, which is the default. A text that is not a valid path becomes `/`.
    pub fn new(home: &str) -> ReturnPaths {
        let home = if is_usable(home) { home } else { "/" };
        ReturnPaths { home: ReturnPath(home.to_owned()), exact: Vec::new(), under: Vec::new() }
    }

    /// Adds one path, with any query. A query of the path itself has no effect.
    #[must_use]
    pub fn exact(mut self, path: &str) -> ReturnPaths {
        if is_usable(path) {
            self.exact.push(without_query(path).to_owned());
        }
        self
    }

    /// Adds a path and everything below it: `/projects` allows `/projects` and `/projects/7`, not `/projects-of-others`.
    ///
    /// `/` allows every path, also those of the SAML routes: a sign-in can then lead to the start of another one.
    #[must_use]
    pub fn under(mut self, path: &str) -> ReturnPaths {
        if is_usable(path) {
            self.under.push(without_query(path).trim_end_matches('/').to_owned());
        }
        self
    }

    /// Returns the wanted path if it is on the list, or the first path of the list.
    pub fn choose(&self, wanted: Option<&str>) -> ReturnPath {
        wanted.and_then(|wanted| self.allowed(wanted)).unwrap_or_else(|| self.home.clone())
    }

    fn allowed(&self, wanted: &str) -> Option<ReturnPath> {
        if !is_plain_path(wanted) {
            return None;
        }
        let path = without_query(wanted);
        let listed = path == without_query(&self.home.0)
            || self.exact.iter().any(|one| one == path)
            || self.under.iter().any(|one| {
                path.strip_prefix(one.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
        listed.then(|| ReturnPath(wanted.to_owned()))
    }
}

impl ReturnPath {
    /// The path, with its query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Returns whether a text of the application is a path, and logs it if it is not.
fn is_usable(path: &str) -> bool {
    let is_usable = is_plain_path(path);
    if !is_usable {
        tracing::error!(path, "ReturnPaths has a text that is no path of this service: it allows nothing");
    }
    is_usable
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

/// Returns whether a text begins with exactly one slash, is printable ASCII, and contains nothing that a browser
/// reads as another host, a fragment or a step upwards.
fn is_plain_path(text: &str) -> bool {
    text.len() <= 1024
        && text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#')
        && !text.split(['/', '?']).any(is_step)
}

/// Returns whether a segment is `.` or `..`, also percent-encoded: browsers resolve these before they send the
/// request.
fn is_step(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_path_allows_nothing() {
        let paths =
            ReturnPaths::new("https://app.example.com/home").exact("about").under("projects").under("");
        for wanted in ["/about", "/projects", "/projects/7", "/x", "about"] {
            assert_eq!(paths.choose(Some(wanted)).as_str(), "/", "{wanted}");
        }
        let paths = ReturnPaths::new("/home?tab=1").exact("/about?x=1");
        for wanted in ["/about", "/about?y=2", "/home"] {
            assert_eq!(paths.choose(Some(wanted)).as_str(), wanted);
        }
        assert_eq!(paths.choose(None).as_str(), "/home?tab=1");
    }

    #[test]
    fn nothing_leads_outside() {
        let paths = ReturnPaths::new("/home").exact("/about").under("/projects/");
        for good in [
            "/home",
            "/home?x",
            "/about?x=/y",
            "/projects",
            "/projects/1",
            "/projects?x",
            "/projects/a.b/..c",
        ] {
            assert_eq!(paths.choose(Some(good)).as_str(), good);
        }
        for bad in [
            "",
            "home",
            "/",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example/",
            "javascript:x",
            "/projects-x",
            "/projects/../admin",
            "/projects/%2E%2e/admin",
            "/projects/./x",
            "/about/x",
            "/projects/\r\nSet-Cookie: x",
            "/projects/ x",
            "/projects#x",
            "/projects/é",
        ] {
            assert_eq!(paths.choose(Some(bad)).as_str(), "/home", "{bad:?}");
        }
        assert_eq!(ReturnPaths::new("https://evil.example").choose(None).as_str(), "/");
        assert_eq!(paths.choose(Some(&format!("/projects/{}", "x".repeat(2000)))).as_str(), "/home");
    }
}
