//! The last good document of each source, stored in files.

use std::ffi::OsStr;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use vouchsafe::ConnectionId;
use vouchsafe::crypto::{hexadecimal, own_sha256};
use vouchsafe::metadata::FetchedMetadata;

use crate::ClientError;

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
                // A time in the future is that of a clock that was ahead.
                let fetched_at = DateTime::<Utc>::from(std::fs::metadata(&path)?.modified()?).min(Utc::now());
                Ok(Some(Copy { document, fetched_at }))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Removes documents that killed processes have left next to the copies.
    pub(crate) async fn remove_left_over(&self) {
        let folder = self.folder.clone();
        // A failure costs only some space on the disk.
        let _ = blocking(move || {
            for entry in std::fs::read_dir(folder)?.flatten() {
                if is_beside(&entry.path()) && is_left_over(&entry.metadata()?) {
                    std::fs::remove_file(entry.path())?;
                }
            }
            Ok(())
        })
        .await;
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
            let written = std::fs::create_dir_all(&folder).and_then(|()| Beside::write(copy, &document));
            (document, written)
        });
        writing.await.unwrap_or_else(|error| (Vec::new(), Err(std::io::Error::other(error))))
    }

    /// Writes the document next to the copy, if copies are kept and a document was received. This is done before it is
    /// parsed, so that memory holds it only once.
    pub(crate) async fn written_beside(
        copies: Option<&Copies>,
        id: &ConnectionId,
        fetched: Result<FetchedMetadata, ClientError>,
    ) -> (Result<FetchedMetadata, ClientError>, Option<std::io::Result<Beside>>) {
        match (copies, fetched) {
            (Some(copies), Ok(FetchedMetadata::Document { bytes, validators })) => {
                let (bytes, beside) = copies.write_beside(id, bytes).await;
                (Ok(FetchedMetadata::Document { bytes, validators }), Some(beside))
            }
            (_, fetched) => (fetched, None),
        }
    }

    /// Dates the copy anew, because the source has confirmed it.
    async fn confirm(&self, id: &ConnectionId, confirmed_at: DateTime<Utc>) {
        let path = self.path(id);
        // A failure makes the copy look older than it is.
        let _ = blocking(move || {
            std::fs::File::options().write(true).open(path)?.set_modified(confirmed_at.into())
        })
        .await;
    }

    /// Removes the copy, because it is older than the current document and a newer one cannot be written.
    pub(crate) async fn remove(&self, id: &ConnectionId) {
        let path = self.path(id);
        // If this fails too, the next attempt to write the copy replaces it.
        let _ = blocking(move || std::fs::remove_file(path)).await;
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
    /// Writes a new file, because other processes may store their copies in the same folder.
    fn write(copy: PathBuf, document: &[u8]) -> std::io::Result<Beside> {
        let path = copy.with_extension(format!("{:016x}.{BESIDE}", any_number()));
        let mut file = std::fs::File::create_new(&path)?;
        let beside = Beside { path, copy };
        file.write_all(document).map(|()| beside)
    }

    /// Replaces the copy atomically. The copy stays if another process has fetched it later.
    pub(crate) async fn keep(self, fetched_at: DateTime<Utc>) -> std::io::Result<()> {
        blocking(move || {
            if is_of_later(&self.copy, fetched_at.into()) {
                return Ok(());
            }
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

/// Whether the copy of a source is that of its current document.
#[derive(Debug, Default)]
pub(crate) struct LastCopy {
    is_behind: bool,
}

impl LastCopy {
    /// Returns whether the current document could not be written. Then the whole document is asked for, so that it is
    /// written with the next answer.
    pub(crate) fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Keeps a document that was accepted, if the copy is not that of the current document yet, which it is not after
    /// `is_new`; otherwise the copy is dated anew. `confirmed_at` is the time when the source last confirmed the document. If
    /// the document cannot be kept, an older copy is removed, because a key in it may have been withdrawn.
    pub(crate) async fn keep(
        &mut self,
        copies: &Copies,
        id: &ConnectionId,
        beside: Option<std::io::Result<Beside>>,
        is_new: bool,
        confirmed_at: Option<DateTime<Utc>>,
    ) -> std::io::Result<()> {
        self.is_behind |= is_new;
        let Some(confirmed_at) = confirmed_at else { return Ok(()) };
        let beside = match beside {
            _ if !self.is_behind => {
                copies.confirm(id, confirmed_at).await;
                return Ok(());
            }
            Some(beside) => beside,
            None => return Ok(()),
        };
        let kept = async { beside?.keep(confirmed_at).await };
        match kept.await {
            Ok(()) => {
                self.is_behind = false;
                Ok(())
            }
            Err(reason) => {
                copies.remove(id).await;
                Err(reason)
            }
        }
    }
}

/// The extension of documents next to their copies.
const BESIDE: &str = "new";

/// No process writes a document for so long.
const LEFT_OVER_AFTER: Duration = Duration::from_secs(3_600);

/// Returns whether [`Beside::write`] gives such a name to a file.
fn is_beside(path: &Path) -> bool {
    let mut parts = path.file_name().and_then(OsStr::to_str).unwrap_or_default().rsplit('.');
    let is_number = |part: &str| part.len() == 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.next() == Some(BESIDE) && parts.next().is_some_and(is_number)
}

/// Returns whether the copy was fetched after this time. A time in the future is that of a clock that was ahead.
fn is_of_later(copy: &Path, fetched_at: SystemTime) -> bool {
    let modified = std::fs::metadata(copy).and_then(|file| file.modified());
    modified.is_ok_and(|at| at > fetched_at && at <= SystemTime::now())
}

fn is_left_over(file: &std::fs::Metadata) -> bool {
    let age = file.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    age.is_some_and(|age| age > LEFT_OVER_AFTER)
}

/// Returns a number that is different for each process and each document with high probability.
fn any_number() -> u64 {
    static COUNTED: AtomicU64 = AtomicU64::new(0);
    RandomState::new().hash_one((std::process::id(), COUNTED.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two processes that keep their copies in one folder, as while one takes the place of the other.
    #[tokio::test]
    async fn two_processes_share_a_folder() {
        let folder = std::env::temp_dir().join(format!("vouchsafe-shared-copies-{}", any_number()));
        let copies = Copies::new(&folder);
        let id = ConnectionId::new("acme").unwrap();
        let now = Utc::now();
        let (_, one) = copies.write_beside(&id, b"<one/>".to_vec()).await;
        let (_, other) = copies.write_beside(&id, b"<other/>".to_vec()).await;
        let (_, refused) = copies.write_beside(&id, b"<refused/>".to_vec()).await;
        one.unwrap().keep(now).await.unwrap();
        assert_eq!(copies.read(&id).await.unwrap().unwrap().document, b"<one/>");
        drop(refused);
        other.unwrap().keep(now).await.unwrap();
        assert_eq!(copies.read(&id).await.unwrap().unwrap().document, b"<other/>");

        // What somebody else writes at this moment stays, and what was left long ago goes.
        let (_, writing) = copies.write_beside(&id, b"<writing/>".to_vec()).await;
        let long_ago = SystemTime::now() - Duration::from_secs(7_200);
        let left = folder.join("acme-00.0123456789abcdef.new");
        let of_others = folder.join("something.new");
        for file in [&left, &of_others] {
            std::fs::write(file, "<lef").unwrap();
            std::fs::File::options().write(true).open(file).unwrap().set_modified(long_ago).unwrap();
        }
        copies.remove_left_over().await;
        assert!(!left.exists() && of_others.exists());
        writing.unwrap().keep(now).await.unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
