//! Where the routes of the portal are, compared with the path in its links.

use super::error::SetUpError;
use super::settings::SetUp;

impl SetUp {
    /// Checks that the links of the portal lead to its routes. `asked` is the path that was asked for, and `step` the part of it
    /// below the routes. A proxy may have removed the beginning of the path that the browser asked for.
    pub(super) fn require_place(&self, asked: &str, step: &str) -> Result<(), SetUpError> {
        let path = self.0.path.as_str();
        // What was encoded is not compared.
        if asked.contains('%') {
            return Ok(());
        }
        let Some(routed) = asked.trim_end_matches('/').strip_suffix(step) else { return Ok(()) };
        let routed = routed.trim_end_matches('/');
        let is_whole = asked.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let is_in_place = if is_whole { routed == path } else { path.ends_with(routed) };
        if is_in_place {
            return Ok(());
        }
        let routed = if routed.is_empty() { "/" } else { routed };
        Err(SetUpError::Misplaced { routed: routed.to_owned(), path: self.path().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_routes_are_where_the_links_lead() {
        let place = |path: &str, asked: &str, step: &str| {
            let portal = SetUp::new(Arc::new(vouchsafe_store::Memory::new()), path);
            portal.require_place(asked, step).is_ok()
        };
        for (path, asked, step) in [
            ("/set-up", "/set-up", ""),
            ("/set-up", "/set-up/", ""),
            ("/set-up", "/set-up/link/x", "link/x"),
            ("/", "/", ""),
            ("/", "/link/x", "link/x"),
            // A proxy removes /app, or the whole path.
            ("/app/set-up", "/set-up/link/x", "link/x"),
            ("/app/set-up", "/link/x", "link/x"),
            // What was encoded is not compared.
            ("/set-up", "/portal/a%20b", "a b"),
            ("/set-up", "/set-up/%2F", ""),
            ("/set-up", "/set-up/%2Fbegin", "begin"),
        ] {
            assert!(place(path, asked, step), "{path} {asked} {step}");
        }
        for (path, asked, step) in [
            ("/set-up", "/portal", ""),
            ("/set-up", "/portal/link/x", "link/x"),
            ("/set-up", "/app/set-up/link/x", "link/x"),
            ("/set-up", "/up/link/x", "link/x"),
            ("/set-up", "/set-up/set-up/link/x", "link/x"),
            ("/set-up", "/set-up/link/x", "set-up/link/x"),
            ("/", "/set-up/link/x", "link/x"),
        ] {
            assert!(!place(path, asked, step), "{path} {asked} {step}");
        }
    }
}
