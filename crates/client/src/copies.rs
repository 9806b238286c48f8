//! The last good document of each source, stored in files.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use vouchsafe::ConnectionId;
use vouchsafe::crypto::{hexadecimal, own_sha256};

/// A folder with the last good document of each connection. With it, a process that starts while an identity provider
/// is down can still sign people in.
#[derive(Clone, Debug)]
pub(crate) struct Copies {
    folder: PathBuf,
}

/// A stored document.
pub(crate) struct Copy {
    pub(crate) document: Vec<u8>,
    pub(crate) fetched_at: DateTime<Utc>,
}

impl Copies {
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Copies {
        Copies { folder: folder.into() }
    }

    /// Returns the copy, if there is one that can be read. The modification time of its file is the time when it was
    /// fetched.
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

    /// Writes a received document next to the copy, unchanged, because the parsed form of a signed document has no
    /// signature any more, and because memory should hold it only once. Returns the document too.
    pub(crate) async fn write_beside(
        &self,
        id: &ConnectionId,
        document: Vec<u8>,
    ) -> (Vec<u8>, std::io::Result<Beside>) {
        let (folder, copy) = (self.folder.clone(), self.path(id));
        let writing = tokio::task::spawn_blocking(move || {
            let beside = Beside { path: copy.with_extension("new"), copy };
            let made = std::fs::create_dir_all(&folder);
            let written = made.and_then(|()| std::fs::write(&beside.path, &document)).map(|()| beside);
            (document, written)
        });
        writing.await.unwrap_or_else(|error| (Vec::new(), Err(std::io::Error::other(error))))
    }

    /// Returns the path of a copy. The name of a connection is safe in a path, but two names may differ only in
    /// letter case, which some file systems ignore. So the path contains a hash.
    fn path(&self, id: &ConnectionId) -> PathBuf {
        let [first, second, third, fourth, ..] = own_sha256(id.as_str().as_bytes());
        self.folder.join(format!("{id}-{}.xml", hexadecimal(&[first, second, third, fourth])))
    }
}

/// A document that was written next to the copy. It is removed unless it replaces the copy.
#[derive(Debug)]
pub(crate) struct Beside {
    path: PathBuf,
    copy: PathBuf,
}

impl Beside {
    /// Replaces the copy atomically.
    pub(crate) async fn keep(self, fetched_at: DateTime<Utc>) -> std::io::Result<()> {
        blocking(move || {
            let file = std::fs::File::options().write(true).open(&self.path)?;
            file.set_modified(fetched_at.into())?;
            file.sync_all()?;
            std::fs::rename(&self.path, &self.copy)
        })
        .await
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // If it has replaced the copy, there is no file to remove.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}
