//! Test material that is not part of the repository: vectors of other projects, and recorded messages.

use std::path::{Path, PathBuf};

/// Returns the folder of shared test material: the environment variable `VOUCHSAFE_SHARED`, or the folder `shared`
/// next to the workspace. If there is none, the calling test prints "skipped" and returns.
///
/// ```no_run
/// let Some(folder) = vouchsafe_testkit::shared::folder() else { return };
/// let manifest = std::fs::read_to_string(folder.join("corpus/manifest.json")).unwrap();
/// ```
///
/// # Panics
///
/// It panics if `CI` is set and the folder is absent, because a skipped test would not be noticed there.
#[must_use]
#[expect(clippy::panic, clippy::print_stderr, reason = "this is for tests, which report in no other way")]
pub fn folder() -> Option<PathBuf> {
    let folder = match std::env::var_os("VOUCHSAFE_SHARED") {
        Some(named) => PathBuf::from(named),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    };
    if folder.is_dir() {
        return Some(folder);
    }
    if std::env::var_os("CI").is_some_and(|value| !value.is_empty()) {
        panic!("no shared material at {}: set VOUCHSAFE_SHARED", folder.display());
    }
    eprintln!("skipped: no shared material");
    None
}
