//! A resolution service on loopback, which gives the answers of the current attack.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use vouchsafe_xml::{Document, Limits};

use crate::{ARTIFACT_INDEX, IdentityProvider};

/// Returns the answer to a question with this ID, an envelope.
pub(super) type Answers = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// The longest time that a question may take to arrive.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most bytes of a question that are read.
const LARGEST: usize = 256 * 1024;

/// A resolution service on a loopback port. The service under attack sends its artifacts to it. It stops when this
/// value is dropped.
///
/// ```
/// use vouchsafe_testkit::IdentityProvider;
/// use vouchsafe_testkit::attacks::artifact::Resolver;
///
/// let resolver = Resolver::start()?;
/// let okta = resolver.at(IdentityProvider::okta());
/// assert!(okta.metadata()?.contains(resolver.address()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Resolver {
    address: String,
    socket: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<Option<Answers>>,
    questions: AtomicUsize,
    is_over: AtomicBool,
    /// The connections that are not answered, if none is.
    held: Option<Mutex<Vec<TcpStream>>>,
    /// Wakes up the task that waits for a question.
    waiting: Mutex<Option<Waker>>,
}

impl Resolver {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// An error is returned if no port is available.
    pub fn start() -> io::Result<Resolver> {
        Resolver::with(Shared::default())
    }

    /// Listens, and answers no question: its connections stay open.
    pub(in super::super) fn silent() -> io::Result<Resolver> {
        Resolver::with(Shared { held: Some(Mutex::default()), ..Shared::default() })
    }

    fn with(shared: Shared) -> io::Result<Resolver> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let socket = listener.local_addr()?;
        let shared = Arc::new(shared);
        let answering = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if answering.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), one) = (stream, Arc::clone(&answering)) else { continue };
                // Each client has a thread, so a slow client does not delay the others.
                thread::spawn(move || one.serve(stream));
            }
        });
        Ok(Resolver { address: format!("http://{socket}/artifact"), socket, shared })
    }

    /// Returns its address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the identity provider with this resolution service in its metadata, under the index of its artifacts.
    pub fn at(&self, identity_provider: IdentityProvider) -> IdentityProvider {
        identity_provider.with_artifact_resolution(ARTIFACT_INDEX, &self.address)
    }

    /// Returns how many questions have arrived.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.shared.questions.load(Ordering::Relaxed)
    }

    /// Polls these futures until each of them is done or waits for an answer to its question. Returns whether there was
    /// a question.
    pub(in super::super) async fn until_asked<F: Future>(&self, asking: &mut Vec<Pin<Box<F>>>) -> bool {
        poll_fn(|context| {
            *self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(context.waker().clone());
            asking.retain_mut(|one| one.as_mut().poll(context).is_pending());
            if self.questions() >= asking.len() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.questions() > 0
    }

    pub(super) fn answer_with(&self, answers: Answers) {
        *self.shared.answers.lock().unwrap_or_else(PoisonError::into_inner) = Some(answers);
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // This wakes up the thread, which then stops. If the connection fails, the thread has stopped already.
        let _ = TcpStream::connect(self.socket);
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Shared {
    /// Answers one question. A request that is not valid HTTP is not answered.
    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let Some(id) = question(&mut stream) else { return };
        self.questions.fetch_add(1, Ordering::Relaxed);
        if let Some(waker) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
        if let Some(held) = &self.held {
            return held.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
        }
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let body = answers.map(|answers| answers(&id)).unwrap_or_default();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
    }
}

/// Returns the ID of the ArtifactResolve in the body of a POST.
fn question(stream: &mut TcpStream) -> Option<String> {
    let mut received = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        received.extend_from_slice(buffer.get(..read)?);
        if received.len() > LARGEST {
            return None;
        }
        let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let (head, body) = received.split_at_checked(end.checked_add(4)?)?;
        let head = String::from_utf8_lossy(head).to_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse().ok()?;
        if let Some(body) = body.get(..length) {
            return id_of(body);
        }
    }
}

fn id_of(envelope: &[u8]) -> Option<String> {
    let document = Document::parse(envelope, &Limits::default()).ok()?;
    let question = document.elements().find(|one| one.local_name() == "ArtifactResolve")?;
    question.attribute("ID").map(str::to_owned)
}
