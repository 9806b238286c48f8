//! The last good document of each source, in files.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use vouchsafe::ConnectionId;
use vouchsafe::crypto::{hexadecimal, own_sha256};

/// A folder in which the last good document of each connection is kept, so that a process that starts while an identity provider is down signs
/// people in all the same.
#[derive(Clone, Debug)]
pub(crate) struct Copies {
    folder: PathBuf,
}

/// A document as it was kept.
pub(crate) struct Copy {
    pub(crate) document: Vec<u8>,
    pub(crate) fetched_at: DateTime<Utc>,
}

impl Copies {
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Copies {
        Copies { folder: folder.into() }
    }

    /// The copy, if there is one that can be read. Its file's time is when it was fetched.
    pub(crate) async fn read(&self, id: &ConnectionId) -> std::io::Result<Option<Copy>> {
        let path = self.path(id);
        blocking(move || match std::fs::read(&path) {
            Ok(document) => {
                let fetched_at = std::fs::metadata(&path)?.modified()?.into();
                Ok(Some(Copy { document, fetched_at }))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Puts a document in the place of the copy, all of it or nothing.
    pub(crate) async fn write(
        &self,
        id: &ConnectionId,
        document: Vec<u8>,
        fetched_at: DateTime<Utc>,
    ) -> std::io::Result<()> {
        let (folder, path) = (self.folder.clone(), self.path(id));
        blocking(move || {
            std::fs::create_dir_all(&folder)?;
            let beside = path.with_extension("new");
            let written = put(&beside, &document, fetched_at).and_then(|()| std::fs::rename(&beside, &path));
            if written.is_err() {
                // What is half written is no copy; there may be none.
                let _ = std::fs::remove_file(&beside);
            }
            written
        })
        .await
    }

    /// The name of a connection is safe in a path. Two may differ in their case alone, which some file systems do not see.
    fn path(&self, id: &ConnectionId) -> PathBuf {
        let [first, second, third, fourth, ..] = own_sha256(id.as_str().as_bytes());
        self.folder.join(format!("{id}-{}.xml", hexadecimal(&[first, second, third, fourth])))
    }
}

fn put(path: &Path, document: &[u8], fetched_at: DateTime<Utc>) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(document)?;
    file.set_modified(fetched_at.into())?;
    file.sync_all()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}
