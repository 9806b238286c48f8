//! What the example `aggregate` starts to measure the peak memory: a process of its own, which links what a service needs to keep a large
//! document, and nothing of the benchmarks.
//!
//! `aggregate_memory find FILE [KEY]` reads the document, verifies it where there is a key, and finds its first entity.
//! `aggregate_memory refresh FILE KEY LATER` restores the signed document, takes the later one as an answer, and finds an entity in what is
//! at hand then. Both print the peak of the process, and what of it are pages of the program and its libraries.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::error::Error;

use vouchsafe::Provider;
use vouchsafe::metadata::{
    Aggregate, AggregateEntity, FetchedMetadata, Refresh, RefreshSchedule, Refreshed, Restored, SpeaksFor,
    TrustedSource, Validators,
};
use vouchsafe::signature::TrustedKey;

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["find", file] => find_in(&Aggregate::read(std::fs::read(file)?)?)?,
        ["find", file, key] => {
            let provider = Provider::rustcrypto();
            let keys = [trusted(key, &provider)?];
            find_in(&Aggregate::read_signed(std::fs::read(file)?, &keys, &provider)?.0)?;
        }
        ["refresh", file, key, later] => refresh(file, key, later)?,
        _ => return Err("find FILE [KEY], or refresh FILE KEY LATER".into()),
    }
    tell_peak();
    Ok(())
}

fn find_in(aggregate: &Aggregate) -> Result<(), Failure> {
    find(aggregate.entities().next())
}

fn find(entity: Option<AggregateEntity<'_>>) -> Result<(), Failure> {
    entity.ok_or("it is not there")?.identity_provider().map_err(ToString::to_string)?;
    Ok(())
}

fn refresh(at_hand: &str, key: &str, later: &str) -> Result<(), Failure> {
    let provider = Provider::rustcrypto();
    let source = TrustedSource::signed_by([trusted(key, &provider)?], SpeaksFor::Everybody);
    let now = "2026-11-29T00:00:00Z".parse()?;
    let mut refresh = Refresh::new(source, RefreshSchedule::default(), now);
    let Restored::Usable(mut at_hand) = refresh.restore(std::fs::read(at_hand)?, now, &provider, now, 1)?
    else {
        return Err("it has ended".into());
    };
    let bytes = std::fs::read(later)?;
    let fetched = FetchedMetadata::Document { bytes, validators: Validators::default() };
    match refresh.answered(fetched, Some(&at_hand), &provider, now, 1) {
        Ok(Refreshed::Changed { metadata, changes, .. }) => {
            std::hint::black_box(changes.len());
            at_hand = metadata;
        }
        Ok(_) => return Err("nothing has changed".into()),
        Err(error) if error.code() == "signature.digest_mismatch" => {}
        Err(error) => return Err(error.into()),
    }
    find(at_hand.entities().next())
}

fn trusted(key: &str, provider: &Provider) -> Result<TrustedKey, Failure> {
    let key = provider.public_key_pem(&std::fs::read_to_string(key)?)?;
    Ok(TrustedKey::new(key, "the federation"))
}

/// Pages of the program are those that are mapped from its file and its libraries.
fn tell_peak() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for name in ["VmHWM:", "RssFile:"] {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        println!("{}", kibibytes.map_or_else(String::new, |number| number.saturating_mul(1024).to_string()));
    }
}
