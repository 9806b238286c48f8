//! The last good answer about each entity of a metadata query server, stored in files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;
use vouchsafe::ConnectionId;
use vouchsafe::crypto::hexadecimal;
use vouchsafe::metadata::{EntityName, FetchedMetadata};

use crate::ClientError;
use crate::copies::{Beside, Copies, Copy, LastCopy, blocking};

/// A folder with the last good answer about each entity. A process that starts knows from it what was known before, also
/// while the server is down, and while somebody asks for invented names.
///
/// A file is named by the SHA-1 of the entityID, so it is found by both names of an entity. The name proves nothing: a
/// copy is checked like an answer, and is used only if it describes the requested entity.
#[derive(Debug)]
pub(crate) struct EntityCopies {
    copies: Copies,
    folder: PathBuf,
    /// The largest number of copies.
    most: usize,
    /// The copies in the folder. An invented name is looked up here, and not on the disk.
    present: OnceCell<Mutex<HashSet<ConnectionId>>>,
    /// Why the folder could not be read or written.
    failure: Mutex<Option<String>>,
}

impl EntityCopies {
    pub(crate) fn new(folder: PathBuf, most: usize) -> EntityCopies {
        EntityCopies {
            copies: Copies::new(&folder),
            folder,
            most: most.max(1),
            present: OnceCell::new(),
            failure: Mutex::default(),
        }
    }

    pub(crate) fn with_most(self, most: usize) -> EntityCopies {
        EntityCopies { most: most.max(1), ..self }
    }

    /// Returns the copy of an entity, if there is one that can be read.
    pub(crate) async fn read(&self, name: &EntityName) -> Option<Copy> {
        let id = id_of(name)?;
        if !locked(self.present().await).contains(&id) {
            return None;
        }
        self.noting(self.copies.read(&id).await).flatten()
    }

    /// Writes a received document next to the copy, before it is parsed.
    pub(crate) async fn written_beside(
        &self,
        name: &EntityName,
        fetched: Result<FetchedMetadata, ClientError>,
    ) -> (Result<FetchedMetadata, ClientError>, Option<std::io::Result<Beside>>) {
        match id_of(name) {
            Some(id) => Copies::written_beside(Some(&self.copies), &id, fetched).await,
            None => (fetched, None),
        }
    }

    /// Keeps the document of an accepted answer, as [`LastCopy::keep`] does.
    pub(crate) async fn keep(
        &self,
        name: &EntityName,
        last: &mut LastCopy,
        beside: Option<std::io::Result<Beside>>,
        is_new: bool,
        confirmed_at: Option<DateTime<Utc>>,
    ) {
        let Some(id) = id_of(name) else { return };
        let present = self.present().await;
        let is_to_write = is_new || last.is_behind();
        let kept = last.keep(&self.copies, &id, beside, is_new, confirmed_at).await;
        if self.noting(kept).is_none() {
            locked(present).remove(&id);
        } else if is_to_write && !last.is_behind() {
            *locked(&self.failure) = None;
            let is_full = {
                let mut present = locked(present);
                present.insert(id) && present.len() > self.most
            };
            if is_full {
                self.make_room(present).await;
            }
        }
    }

    /// Returns why the folder could not be read or written, unless a copy was written since.
    pub(crate) fn failure(&self) -> Option<String> {
        locked(&self.failure).clone()
    }

    async fn present(&self) -> &Mutex<HashSet<ConnectionId>> {
        let read = async || {
            self.copies.remove_left_over().await;
            Mutex::new(self.list().await.into_iter().map(|(_, id)| id).collect())
        };
        self.present.get_or_init(read).await
    }

    /// Removes one sixteenth of the copies: those that were not confirmed for longest. It counts the files, because other
    /// processes may store their copies in the same folder.
    async fn make_room(&self, present: &Mutex<HashSet<ConnectionId>>) {
        let mut list = self.list().await;
        list.sort();
        let left = self.most.saturating_sub(self.most / 16);
        let too_many = list.len().saturating_sub(left);
        for (_, id) in list.into_iter().take(too_many) {
            locked(present).remove(&id);
            self.copies.remove(&id).await;
        }
    }

    /// Returns the copies in the folder, and the times of their last confirmation.
    async fn list(&self) -> Vec<(SystemTime, ConnectionId)> {
        let folder = self.folder.clone();
        let listed = blocking(move || match std::fs::read_dir(folder) {
            Ok(files) => files
                .flatten()
                .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, id_of_file(&file.path())?)))
                .map(Ok)
                .collect(),
            // The folder is made with the first copy.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        });
        self.noting(listed.await).unwrap_or_default()
    }

    /// Records a failure.
    fn noting<T>(&self, result: std::io::Result<T>) -> Option<T> {
        if let Err(reason) = &result {
            *locked(&self.failure) = Some(reason.to_string());
        }
        result.ok()
    }
}

/// Returns the name of a copy.
fn id_of(name: &EntityName) -> Option<ConnectionId> {
    let sha1 = match name {
        EntityName::SourceId(sha1) => *sha1,
        EntityName::EntityId(entity_id) => match EntityName::source_id_of(entity_id) {
            EntityName::SourceId(sha1) => sha1,
            _ => return None,
        },
        _ => return None,
    };
    ConnectionId::new(hexadecimal(&sha1)).ok()
}

/// Returns the name of the copy that is stored in this file.
fn id_of_file(path: &Path) -> Option<ConnectionId> {
    let (id, _) = path.file_name()?.to_str()?.strip_suffix(".xml")?.split_once('-')?;
    let is_sha1 = id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    ConnectionId::new(id).ok().filter(|_| is_sha1)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
