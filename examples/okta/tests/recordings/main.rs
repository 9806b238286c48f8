//! Ten sign-ins that fail, recorded in headless Chromium at this example, and what `vouchsafe doctor` says of each: its first line names the
//! cause, without the log of the service where the recording shows it, and never another than that log does.
//!
//! The recordings are made by `record.mjs` each time, since keys, times and cookies are in them. It runs where `VOUCHSAFE_RECORDINGS` names a
//! folder in which `playwright-core` is installed and the command `vouchsafe` was built (`.ci/run recordings`); elsewhere it says that it was
//! skipped.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "this is a test: it may panic, and says how far it came"
)]

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The recordings, the code of the cause that is told without the log, that with the log, and what the first line says.
const CAUSES: [(&str, &str, &str, &str); 10] = [
    ("replay", "doctor.posted_twice", "doctor.posted_twice", "was sent before, by request"),
    ("late-answer", "doctor.late_answer", "doctor.late_answer", "a request of this service waits 1 s"),
    ("lost-cookie", "doctor.lost_cookie", "doctor.lost_cookie", "came with the Response"),
    (
        "wrong-token",
        "doctor.refused_here",
        "provisioning.token_unknown",
        "the token in the assertion is not one of",
    ),
    ("missing-token", "doctor.refused_here", "provisioning.token_missing", "has no attribute “token”"),
    (
        "wrong-audience",
        "assertion.audience",
        "assertion.audience",
        "they differ only in the slash at the end",
    ),
    (
        "other-tenants-key",
        "signature.not_verified",
        "signature.not_verified",
        "another identity provider's key made it",
    ),
    ("clock", "assertion.not_yet_valid", "assertion.not_yet_valid", "about 1 h"),
    (
        "unassigned-person",
        "page.okta.not_assigned",
        "page.okta.not_assigned",
        "the application is not assigned to the person",
    ),
    (
        "rolled-key",
        "signature.not_verified",
        "signature.not_verified",
        "the key of a certificate in the message made it",
    ),
];

#[test]
fn the_first_line_names_the_cause_of_each_recording() {
    let Some(tools) = std::env::var_os("VOUCHSAFE_RECORDINGS").map(PathBuf::from) else {
        println!(
            "skipped: set VOUCHSAFE_RECORDINGS to a folder with playwright-core, as .ci/run recordings does"
        );
        return;
    };
    let output = tools.join("recordings");
    let _ = std::fs::remove_dir_all(&output);
    // In the second example a request expires after a second, which only the late answer is to reach.
    let in_time = Recordings::make(&tools, output.join("in-time"), None);
    let late = Recordings::make(&tools, output.join("late"), Some("1"));

    for (name, without_log, with_log, says) in CAUSES {
        let recordings = if name == "late-answer" { &late } else { &in_time };
        let log = recordings.folder.join("service.log");
        for (log, code) in [(None, without_log), (Some(log.as_path()), with_log)] {
            let line = recordings.first_line(name, log, 1);
            println!("{line}\n");
            assert!(line.starts_with(&format!("something is wrong: [{code}]: ")), "{name}: {line}");
            let is_told = line.contains(says);
            // What the recording cannot tell, the first line says that it cannot.
            assert!(is_told || line.contains("nothing in the recording says why"), "{name}: {line}");
            assert!(is_told || code == "doctor.refused_here", "{name}: {line}");
        }
    }
    let line = in_time.first_line("good", None, 0);
    assert_eq!(line, "nothing is wrong");
}

/// The recordings of one run of the example, with everything that a support desk has beside them.
struct Recordings {
    folder: PathBuf,
    /// How many seconds a request waits for its answer, if it is not as long as usual.
    lifetime: Option<&'static str>,
}

impl Recordings {
    fn make(tools: &Path, folder: PathBuf, lifetime: Option<&'static str>) -> Recordings {
        std::fs::create_dir_all(&folder).unwrap();
        let recordings = Recordings { folder, lifetime };
        let example = Example::start(&recordings);
        // A module is looked up beside the script.
        let script = tools.join("record.mjs");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/record.mjs");
        std::fs::copy(source, &script).unwrap();
        let recorded = Command::new("node")
            .arg(script)
            .args([example.printed("service "), example.printed("identity provider ")])
            .arg(&recordings.folder)
            .args(lifetime)
            .output()
            .unwrap();
        assert!(recorded.status.success(), "{recorded:?}");
        recordings
    }

    /// The option of the service, and of the doctor, that says how long a request waits.
    fn request_lifetime(&self) -> impl Iterator<Item = &str> {
        self.lifetime.into_iter().flat_map(|seconds| ["--request-lifetime", seconds])
    }

    /// What the command says first of a recording: its first line, with what of it was broken into further ones.
    fn first_line(&self, name: &str, log: Option<&Path>, status: i32) -> String {
        let vouchsafe = Path::new(env!("CARGO_BIN_EXE_okta")).with_file_name("vouchsafe");
        let files = ["acme.xml", "globex.xml", "service.xml"].map(|file| self.folder.join(file));
        let Output { stdout, stderr, status: ended } = Command::new(&vouchsafe)
            .arg("doctor")
            .arg(self.folder.join(format!("{name}.har")))
            .args(files)
            .args(log)
            .args(self.request_lifetime())
            .arg("--decryption-key")
            .arg(self.folder.join("data/decryption-key.pem"))
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}; build it first", vouchsafe.display()));
        assert_eq!(ended.code(), Some(status), "{name}: {}", String::from_utf8_lossy(&stderr));
        let stdout = String::from_utf8(stdout).unwrap();
        let mut lines = stdout.lines();
        let first = lines.next().unwrap_or_default().to_owned();
        lines
            .take_while(|line| line.starts_with("  "))
            .fold(first, |line, more| format!("{line} {}", more.trim()))
    }
}

/// A process of the example. It ends with the value.
struct Example {
    child: Child,
    lines: Vec<String>,
}

impl Example {
    /// Starts it, and reads what it prints until it waits for browsers.
    fn start(recordings: &Recordings) -> Example {
        let mut child = Command::new(env!("CARGO_BIN_EXE_okta"))
            .args(["--listen", "127.0.0.1:0"])
            .args(recordings.request_lifetime())
            .arg("--data")
            .arg(recordings.folder.join("data"))
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .stderr(File::create(recordings.folder.join("service.log")).unwrap())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            let is_last = line.contains("Ctrl-C ends both.");
            lines.push(line);
            if is_last {
                break;
            }
        }
        assert!(child.try_wait().unwrap().is_none(), "the example ended: {lines:?}");
        Example { child, lines }
    }

    /// The address that it printed after these words.
    fn printed(&self, before: &str) -> &str {
        let mut lines = self.lines.iter().filter_map(|line| line.trim_start().strip_prefix(before));
        lines.next().unwrap().trim().trim_end_matches('/')
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
