//! Announcements within the process.

use std::time::Duration;

use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};

use super::{Sqlite, Stopped};
use crate::{Announcements, Announces, Answer, Revocation, StoreError};

/// The number of announcements that are kept for listeners. A listener that misses one empties its cache.
pub(super) const KEPT: usize = 1024;

/// Within the process only: if several processes share a file, sessions must be looked up in the file.
impl Announces for Sqlite {
    fn announcements(&self) -> Answer<'_, Box<dyn Announcements>> {
        Box::pin(async move { Ok(Box::new(Listening(self.writer.announced())) as Box<dyn Announcements>) })
    }
}

#[derive(Debug)]
struct Listening(Receiver<Revocation>);

impl Announcements for Listening {
    fn until_now(&mut self) -> Answer<'_, Vec<Revocation>> {
        Box::pin(async move {
            let mut told = Vec::new();
            loop {
                match self.0.try_recv() {
                    Ok(revocation) => told.push(revocation),
                    Err(TryRecvError::Lagged(_)) => told.push(Revocation::Some),
                    Err(TryRecvError::Empty) => return Ok(told),
                    Err(TryRecvError::Closed) => return Err(StoreError::unavailable(Stopped)),
                }
            }
        })
    }

    fn next(&mut self, at_most: Duration) -> Answer<'_, Vec<Revocation>> {
        Box::pin(async move {
            match tokio::time::timeout(at_most, self.0.recv()).await {
                Err(_) => Ok(Vec::new()),
                Ok(Ok(revocation)) => Ok(vec![revocation]),
                Ok(Err(RecvError::Lagged(_))) => Ok(vec![Revocation::Some]),
                Ok(Err(RecvError::Closed)) => Err(StoreError::unavailable(Stopped)),
            }
        })
    }
}
