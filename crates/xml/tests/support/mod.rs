//! Material that is shared by all packages and kept outside the repository.

use std::path::{Path, PathBuf};

/// Returns the folder of shared material. If it is absent, prints this and returns `None`; on the CI server it fails.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = match std::env::var_os("VOUCHSAFE_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    };
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "no shared material at {}", folder.display());
    println!("skipped: no shared material");
    None
}
