//! The paths that a sign-in may lead to: only paths of this service, from a list.

use std::fmt;

use vouchsafe::Explain;
use vouchsafe::xml::Quoted;

/// The paths to which a browser may be sent after signing in or out. Any other path is replaced by the first of them.
/// The default is `/` alone.
///
/// RelayState, which identity providers choose in IdP-initiated sign-ins, and the query parameter `return` of the
/// login route are both checked here, so neither is an open redirect.
///
/// ```
/// use vouchsafe_web::ReturnPaths;
///
/// let paths = ReturnPaths::new("/")?.under("/projects")?;
/// assert_eq!(paths.choose(Some("/projects/7?tab=runs")).as_str(), "/projects/7?tab=runs");
/// assert_eq!(paths.choose(Some("//evil.example")).as_str(), "/");
/// assert_eq!(paths.choose(Some("https://evil.example/projects")).as_str(), "/");
/// assert_eq!(paths.choose(None).as_str(), "/");
/// assert!(ReturnPaths::new("https://app.example.com/home").is_err());
/// # Ok::<(), vouchsafe_web::ReturnPathError>(())
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

/// A text was configured as a path, and it is not a plain path of this service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a path of this service", Quoted::new(path))]
#[non_exhaustive]
pub struct ReturnPathError {
    /// The text.
    pub path: String,
}

impl ReturnPathError {
    /// Returns the stable code, for logs and alerts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "http.return_path"
    }

    /// Returns what to change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "Give a path that begins with one slash, without the address of the service, such as /projects."
    }
}

impl Explain for ReturnPathError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn hint(&self) -> &'static str {
        self.hint()
    }
}

impl ReturnPaths {
    /// Makes a list with one path, which is the default.
    ///
    /// # Errors
    /// [`ReturnPathError`] if the text is not a path of this service: it must begin with exactly one slash, be printable ASCII without `\`
    /// and `#`, and have no segment `.` or `..`.
    pub fn new(home: &str) -> Result<ReturnPaths, ReturnPathError> {
        Ok(ReturnPaths { home: ReturnPath::new(home)?, ..ReturnPaths::default() })
    }

    /// Adds one path, with any query. A query of the path itself has no effect.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn exact(mut self, path: &str) -> Result<ReturnPaths, ReturnPathError> {
        self.exact.push(without_query(require_path(path)?).to_owned());
        Ok(self)
    }

    /// Adds a path and everything below it: `/projects` allows `/projects` and `/projects/7`, not `/projects-of-others`.
    ///
    /// `/` allows every path, also those of the SAML routes: a sign-in can then lead to the start of another one.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn under(mut self, path: &str) -> Result<ReturnPaths, ReturnPathError> {
        self.under.push(without_query(require_path(path)?).trim_end_matches('/').to_owned());
        Ok(self)
    }

    /// Adds a path that was checked before.
    pub(crate) fn and(mut self, path: &ReturnPath) -> ReturnPaths {
        self.exact.push(without_query(path.as_str()).to_owned());
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

impl Default for ReturnPaths {
    fn default() -> ReturnPaths {
        ReturnPaths { home: ReturnPath("/".to_owned()), exact: Vec::new(), under: Vec::new() }
    }
}

impl ReturnPath {
    /// Checks a path of the application.
    pub(crate) fn new(path: &str) -> Result<ReturnPath, ReturnPathError> {
        Ok(ReturnPath(require_path(path)?.to_owned()))
    }

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

fn require_path(text: &str) -> Result<&str, ReturnPathError> {
    if is_plain_path(text) { Ok(text) } else { Err(ReturnPathError { path: text.to_owned() }) }
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
    fn a_text_that_is_not_a_path_is_refused() {
        for text in ["https://app.example.com/home", "about", "", "//evil.example", "/a/../b", "/a b"] {
            let refused = ReturnPathError { path: text.to_owned() };
            let paths = ReturnPaths::default();
            for made in [ReturnPaths::new(text), paths.clone().exact(text), paths.under(text)] {
                assert_eq!(made.err(), Some(refused.clone()), "{text}");
            }
        }
    }

    #[test]
    fn a_query_of_a_listed_path_has_no_effect() {
        let paths = ReturnPaths::new("/home?tab=1").unwrap().exact("/about?x=1").unwrap();
        for wanted in ["/about", "/about?y=2", "/home"] {
            assert_eq!(paths.choose(Some(wanted)).as_str(), wanted);
        }
        assert_eq!(paths.choose(None).as_str(), "/home?tab=1");
    }

    #[test]
    fn nothing_leads_outside() {
        let paths = ReturnPaths::new("/home").unwrap().exact("/about").unwrap().under("/projects/").unwrap();
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
        assert_eq!(paths.choose(Some(&format!("/projects/{}", "x".repeat(2000)))).as_str(), "/home");
    }
}
