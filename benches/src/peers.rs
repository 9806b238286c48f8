//! Other libraries, each measured in a process of its own: what they depend on does not agree with what we depend on, nor do their
//! backends with each other. A process waits on its standard input, does a thing so many times and answers how long that took.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use vouchsafe_testkit::{IdentityProvider, keys};

use crate::{Failure, Message, Task};

/// A running process of peers.
#[derive(Clone, Debug)]
pub struct Peers {
    process: Rc<RefCell<Process>>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// Builds the peers with a backend and further features, and says where the program is.
///
/// # Errors
/// When they cannot be built.
pub fn build_peers(features: &str) -> Result<PathBuf, Failure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let target = folder.join("target").join(features.replace([',', ' '], "-"));
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--locked", "--features", features])
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(&folder)
        .status()?;
    if !status.success() {
        return Err(format!("the peers with {features} cannot be built").into());
    }
    Ok(target.join("release").join("vouchsafe-benches-peers"))
}

impl Peers {
    /// Starts the program.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(program: &Path) -> Result<Peers, Failure> {
        Peers::spawn(&mut Command::new(program))
    }

    /// Starts this program once more, to [answer](crate::answer_requests) with the backend of that name.
    ///
    /// # Errors
    /// When it does not start.
    pub fn ourselves(backend: &str) -> Result<Peers, Failure> {
        Peers::spawn(Command::new(std::env::current_exe()?).args(["--answer", backend]))
    }

    fn spawn(command: &mut Command) -> Result<Peers, Failure> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let requests = child.stdin.take().ok_or("no way to ask")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no way to answer")?);
        Ok(Peers { process: Rc::new(RefCell::new(Process { child, requests, answers })) })
    }

    /// Hands a message over: what to call it, and everything a receiver of it needs.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn hand_over(folder: &Path, message: &Message) -> Result<(), Failure> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("response.xml"), message.xml())?;
        std::fs::write(folder.join("response.base64"), message.base64())?;
        std::fs::write(folder.join("metadata.xml"), IdentityProvider::okta().metadata()?)?;
        let key = keys::identity_provider().certificate();
        std::fs::write(folder.join("certificate.pem"), key.to_pem())?;
        Ok(())
    }

    /// A task of this process, such as `receive saml-rs`, on the message in that folder.
    ///
    /// # Errors
    /// Why the peer cannot do it.
    pub fn task(&self, name: &str, folder: &Path) -> Result<PeerTask, Failure> {
        let mut task = PeerTask { peers: self.clone(), request: format!("{name} {}", folder.display()) };
        task.run(1)?;
        Ok(task)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has nothing to lose.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One thing that a peer does.
#[derive(Debug)]
pub struct PeerTask {
    peers: Peers,
    request: String,
}

impl Task for PeerTask {
    fn run(&mut self, times: u32) -> Result<Duration, Failure> {
        let mut process = self.peers.process.borrow_mut();
        writeln!(process.requests, "{} {times}", self.request)?;
        process.requests.flush()?;
        let mut answer = String::new();
        process.answers.read_line(&mut answer)?;
        match answer.trim().parse() {
            Ok(nanoseconds) => Ok(Duration::from_nanos(nanoseconds)),
            Err(_) => Err(format!("{}: {}", self.request, answer.trim()).into()),
        }
    }
}
