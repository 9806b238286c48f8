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
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The recordings, the code of the cause that is told without the log, that with the log, and what the first line says.
const CAUSES: [(&str, &str, &str, &str); 10] = [
    ("replay", "doctor.posted_twice", "doctor.posted_twice", "was sent before, by request"),
    ("late-answer", "doctor.late_answer", "doctor.late_answer", "a request of this service waits 3 s"),
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
    std::fs::create_dir_all(&output).unwrap();
    let example = Example::start(&output);
    // A module is looked up beside the script.
    let script = tools.join("record.mjs");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/record.mjs"), &script)
        .unwrap();
    let recorded = Command::new("node")
        .arg(script)
        .args([&example.service, &example.identity_provider])
        .arg(&output)
        .output()
        .unwrap();
    assert!(recorded.status.success(), "{recorded:?}");
    drop(example);

    for (name, without_log, with_log, says) in CAUSES {
        let log = output.join("service.log");
        for (log, code) in [(None, without_log), (Some(log.as_path()), with_log)] {
            let line = first_line(&output, name, log, 1);
            println!("{line}\n");
            assert!(line.starts_with(&format!("something is wrong: [{code}]: ")), "{name}: {line}");
            let is_told = line.contains(says);
            // What the recording cannot tell, the first line says that it cannot.
            assert!(is_told || line.contains("nothing in the recording says why"), "{name}: {line}");
            assert!(is_told || code == "doctor.refused_here", "{name}: {line}");
        }
    }
    let line = first_line(&output, "good", None, 0);
    assert_eq!(line, "nothing is wrong");
}

/// What the command says first of a recording, with everything that a support desk has beside it: its first line, with what of it was broken
/// into further ones.
fn first_line(output: &Path, name: &str, log: Option<&Path>, status: i32) -> String {
    let vouchsafe = Path::new(env!("CARGO_BIN_EXE_okta")).with_file_name("vouchsafe");
    let files = ["acme.xml", "globex.xml", "service.xml"].map(|file| output.join(file));
    let Output { stdout, stderr, status: ended } = Command::new(&vouchsafe)
        .arg("doctor")
        .arg(output.join(format!("{name}.har")))
        .args(files)
        .args(log)
        .args(["--request-lifetime", "3", "--decryption-key"])
        .arg(output.join("data/decryption-key.pem"))
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

/// The example, in which a request waits three seconds for its answer.
struct Example {
    child: Child,
    service: String,
    identity_provider: String,
}

impl Example {
    fn start(output: &Path) -> Example {
        let printed = output.join("printed.txt");
        let child = Command::new(env!("CARGO_BIN_EXE_okta"))
            .args(["--listen", "127.0.0.1:0", "--request-lifetime", "3", "--data"])
            .arg(output.join("data"))
            .env_remove("RUST_LOG")
            .stdout(File::create(&printed).unwrap())
            .stderr(File::create(output.join("service.log")).unwrap())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut example = Example { child, service: String::new(), identity_provider: String::new() };
        let begun = Instant::now();
        loop {
            let text = std::fs::read_to_string(&printed).unwrap();
            let address = |name: &str| {
                let line = text.lines().find_map(|line| line.trim_start().strip_prefix(name))?;
                Some(line.trim().trim_end_matches('/').to_owned())
            };
            if text.contains("Ctrl-C ends both.") {
                example.service = address("service ").unwrap();
                example.identity_provider = address("identity provider ").unwrap();
                return example;
            }
            let ended = example.child.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < Duration::from_secs(60), "{ended:?}: {text}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
