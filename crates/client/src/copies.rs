//! The last good document of each source, in files.

use std::path::PathBuf;

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

    /// Writes a document beside the copy, as it came: what is read of a signed one has no signature any more, and memory holds it once. It gives
    /// the document back.
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

    /// The name of a connection is safe in a path. Two may differ in their case alone, which some file systems do not see.
    fn path(&self, id: &ConnectionId) -> PathBuf {
        let [first, second, third, fourth, ..] = own_sha256(id.as_str().as_bytes());
        self.folder.join(format!("{id}-{}.xml", hexadecimal(&[first, second, third, fourth])))
    }
}

/// A document that was written beside the copy, and is removed unless it takes the place of it.
#[derive(Debug)]
pub(crate) struct Beside {
    path: PathBuf,
    copy: PathBuf,
}

impl Beside {
    /// Puts it in the place of the copy, all of it or nothing.
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
        // It is there no more where it was kept.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}
