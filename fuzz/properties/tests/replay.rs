//! Everything that a fuzzer ever found, the seeds, and a few mutations of them, on stable.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail in any way"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use vouchsafe_fuzz_properties::{
    TARGETS, Target, artifact, doctor, logout_request, receive_past_signature, seeds, signature_locate, soap,
};

#[test]
fn what_was_found_stays_right() {
    for target in TARGETS {
        let files = files(&fuzz().join("regressions").join(target.name));
        for file in &files {
            println!("{}", file.display());
            (target.check)(&std::fs::read(file).unwrap());
        }
        println!("{}: {} regressions", target.name, files.len());
    }
}

#[test]
fn seeds_hold() {
    for target in TARGETS {
        for (number, seed) in (target.seeds)().iter().enumerate() {
            println!("{} seed {number}", target.name);
            (target.check)(seed);
        }
    }
}

/// A property that nothing reaches would hold as well.
#[test]
fn seeds_reach_the_properties() {
    let signed: usize = seeds::signature_locate().iter().map(|seed| signature_locate::accepted(seed)).sum();
    assert!(seeds::doctor().iter().filter(|seed| doctor::healthy(seed)).count() >= 4);
    let (mut accepted, mut refused) = (0, 0);
    for seed in seeds::doctor() {
        let changed = String::from_utf8_lossy(&seed).replace("app.example.com", "app.example.org");
        accepted += usize::from(doctor::judged(&seed) == Some(true));
        refused += usize::from(doctor::judged(changed.as_bytes()) == Some(false));
    }
    assert!(accepted >= 4 && refused >= 4, "{accepted} {refused}");
    let seeds_of = |name: &str| {
        TARGETS.iter().find(|target| target.name == name).map(|target| (target.seeds)()).unwrap()
    };
    let messages: Vec<usize> =
        seeds_of("logout_request").iter().map(|seed| logout_request::accepted(seed)).collect();
    assert!(messages.iter().filter(|&&count| count > 0).count() >= 18, "{messages:?}");
    let envelopes: Vec<bool> = seeds_of("soap").iter().map(|seed| soap::read(seed)).collect();
    assert!(envelopes.iter().filter(|read| **read).count() >= 12, "{envelopes:?}");
    assert!(envelopes.iter().filter(|read| !**read).count() >= 8, "{envelopes:?}");
    let resolved: Vec<usize> = seeds_of("artifact").iter().map(|seed| artifact::resolved(seed)).collect();
    assert!(resolved.iter().filter(|&&count| count > 0).count() >= 6, "{resolved:?}");
    let received = seeds::receive_past_signature();
    let accepted = received.iter().map(|seed| receive_past_signature::accepted(seed));
    let accepted: Vec<usize> = accepted.collect();
    println!("{signed} signatures verify, {accepted:?}");
    assert!(signed >= 16);
    // Each way of signing and encrypting that is right; nothing both asked for and not.
    assert!(accepted.iter().filter(|&&count| count > 0).count() >= 12);
    assert!(accepted.iter().all(|&count| count < 2));
}

/// A smoke test for days without a fuzzer: the same mutations each time.
#[test]
fn seeds_hold_when_they_are_broken() {
    for target in TARGETS {
        let mut state = 7_u32;
        for (number, seed) in (target.seeds)().iter().enumerate() {
            for round in 0..8 {
                println!("{} seed {number} round {round}", target.name);
                (target.check)(&broken(seed, &mut state));
            }
        }
    }
}

#[test]
fn every_target_has_its_binary_and_its_folder() {
    let names: BTreeSet<String> = TARGETS.iter().map(|Target { name, .. }| (*name).to_owned()).collect();
    let binaries = files(&fuzz().join("fuzz_targets"));
    let stems = binaries.iter().map(|file| file.file_stem().unwrap().to_string_lossy().into_owned());
    assert_eq!(stems.collect::<BTreeSet<_>>(), names);
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in &names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no binary of fuzz/Cargo.toml");
    }
    let folders = std::fs::read_dir(fuzz().join("regressions")).unwrap();
    let folders = folders.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let strange: Vec<String> = folders.filter(|name| !names.contains(name)).collect();
    assert!(strange.is_empty(), "regressions of no target: {strange:?}");
}

fn broken(seed: &[u8], state: &mut u32) -> Vec<u8> {
    let mut number = |below: usize| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 8) as usize % below.max(1)
    };
    let mut bytes = seed.to_vec();
    for _ in 0..=number(3) {
        let at = number(bytes.len());
        match number(4) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << number(8),
            1 if !bytes.is_empty() => drop(bytes.drain(at..(at + number(20)).min(bytes.len()))),
            2 => bytes.insert(at, b"<>&\"' /=\0\xff"[number(10)]),
            _ => {
                let piece = seed[at.min(seed.len())..(at + number(200)).min(seed.len())].to_vec();
                let to = number(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
    bytes
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// None if the folder is not there: git keeps no empty ones.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
