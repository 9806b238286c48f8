//! What a large aggregate costs beside the least that it can: `aggregate [ENTITIES] [FOLDER]`.
//!
//! The document is made from a seed, and written to FOLDER (by default one among the system's temporary files), so that processes of their own can
//! show their peak memory: the example `aggregate_memory`, which must have been built (`cargo build --release -p vouchsafe-benches --examples`). Times are those of the processor, where the system tells them.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use quick_xml::Reader;
use quick_xml::events::Event;
use vouchsafe::crypto::DigestAlgorithm;
use vouchsafe::metadata::{Aggregate, EntityName};
use vouchsafe::signature::{Signer, TrustedKey, sign};
use vouchsafe::xml::Limits;
use vouchsafe_benches::{Failure, Federation, processor_time};

const SEED: u64 = 20_261_128;
const ROUNDS: usize = 15;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    let entities: usize = first.as_deref().unwrap_or("10000").parse()?;
    let folder: PathBuf =
        arguments.next().map_or_else(|| std::env::temp_dir().join("vouchsafe-aggregate"), Into::into);
    let xml = Federation::new(SEED).aggregate(entities);
    let name: EntityName = Federation::entity_id(middle(entities)).parse()?;
    println!("{entities} entities, {} bytes, seed {SEED}", xml.len());
    println!();
    println!("| what | median, ms | least, ms | of a bare pass, by the least |");
    println!("|---|---:|---:|---:|");

    let floor = measure(ROUNDS, || (), |()| pass_over(&xml))?;
    row("one pass of quick-xml", &floor, &floor);
    let found = measure(
        ROUNDS,
        || xml.clone(),
        |document| {
            let aggregate = Aggregate::read(document)?;
            let entity = aggregate.find(&name).ok_or("it is not there")?;
            std::hint::black_box(entity.identity_provider().map_err(ToString::to_string)?);
            Ok(aggregate)
        },
    )?;
    row("index, and find one identity provider", &found, &floor);

    let provider = vouchsafe_crypto_aws_lc::provider();
    let digested = measure(
        ROUNDS,
        || (),
        |()| {
            pass_over(&xml)?;
            std::hint::black_box(provider.digest(DigestAlgorithm::Sha256, xml.as_bytes())?);
            Ok(())
        },
    )?;
    row("one pass of quick-xml, and SHA-256", &digested, &floor);
    let key = vouchsafe_testkit::keys::identity_provider().private_key();
    let signed = sign(&xml, "_federation", &Signer::new(key), &provider, &Limits::metadata())?;
    let trusted = [TrustedKey::new(key.public_key().clone(), "the federation")];
    let verified = measure(
        ROUNDS,
        || signed.clone(),
        |document| Ok(Aggregate::read_signed(document, &trusted, &provider)?.0),
    )?;
    row("verify the signature, and index", &verified, &floor);
    let ratio = |at: usize| {
        let [verified, digested] =
            [&verified, &digested].map(|times| times.get(at).map(Duration::as_secs_f64));
        verified.zip(digested).map_or(f64::NAN, |(verified, digested)| verified / digested)
    };
    println!();
    println!("verifying takes {:.2} ({:.2}) times one pass and SHA-256", ratio(ROUNDS / 2), ratio(0));

    let aggregate = Aggregate::read(xml.as_str())?;
    look_ups(&aggregate, &name)?;
    let (plain, sealed, pem) = (folder.join("plain.xml"), folder.join("signed.xml"), folder.join("key.pem"));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(&plain, &xml)?;
    std::fs::write(&sealed, &signed)?;
    std::fs::write(&pem, key.public_key().to_pem())?;
    peak("index and find", "find", &[&plain], xml.len())?;
    peak("verify", "find", &[&sealed, &pem], signed.len())?;

    // Each third entity has another endpoint; and the same with a byte of the last entity changed after it was signed.
    let later = folder.join("later.xml");
    let changed = xml.replace("/saml/sso/HTTP-POST\"", "/saml/sso/http-post\"").replace("PT6H", "PT7H");
    let changed = sign(&changed, "_federation", &Signer::new(key), &provider, &Limits::metadata())?;
    std::fs::write(&later, &changed)?;
    peak("a refresh that is taken", "refresh", &[&sealed, &pem, &later], changed.len())?;
    let place = changed.rfind("mailto:support").ok_or("no contact")?;
    let mut spoilt = changed.into_bytes();
    *spoilt.get_mut(place).ok_or("no contact")? = b'M';
    std::fs::write(&later, &spoilt)?;
    peak("a refresh that fails", "refresh", &[&sealed, &pem, &later], spoilt.len())?;
    for file in [plain, sealed, pem, later] {
        std::fs::remove_file(file)?;
    }
    Ok(())
}

/// An identity provider in the middle: every third is one.
fn middle(entities: usize) -> usize {
    let half = entities / 2;
    half.saturating_sub(half % 3)
}

/// Tags are looked at and nothing else.
fn pass_over(xml: &str) -> Result<(), Failure> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(()),
            event => drop(std::hint::black_box(event)),
        }
    }
}

/// What `prepare` makes and what `run` makes of it are not timed when they are dropped.
fn measure<P, T>(
    rounds: usize,
    prepare: impl Fn() -> P,
    run: impl Fn(P) -> Result<T, Failure>,
) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let prepared = prepare();
        let (start, clock) = (processor_time(), Instant::now());
        let made = run(prepared)?;
        times.push(match (start, processor_time()) {
            (Some(start), Some(end)) => end.saturating_sub(start),
            _ => clock.elapsed(),
        });
        drop(made);
    }
    times.sort_unstable();
    Ok(times)
}

fn row(what: &str, times: &[Duration], floor: &[Duration]) {
    let milliseconds = |time: Option<&Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
    let least = |times: &[Duration]| milliseconds(times.first());
    let median = milliseconds(times.get(times.len() / 2));
    println!("| {what} | {median:.1} | {:.1} | {:.2} |", least(times), least(times) / least(floor));
}

/// In an index whose entity has been read before.
fn look_ups(aggregate: &Aggregate, name: &EntityName) -> Result<(), Failure> {
    const TIMES: u32 = 100_000;
    let start = Instant::now();
    for _ in 0..TIMES {
        let found = aggregate.find(std::hint::black_box(name)).ok_or("it is not there")?;
        std::hint::black_box(found.identity_provider().map_err(ToString::to_string)?);
    }
    println!("a look-up in the warm index: {:.0} ns", start.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES));
    Ok(())
}

/// The peak of a process that does this with the files.
fn peak(words: &str, what: &str, files: &[&Path], size: usize) -> Result<(), Failure> {
    let program =
        std::env::current_exe()?.with_file_name(format!("aggregate_memory{}", std::env::consts::EXE_SUFFIX));
    let output = std::process::Command::new(program).arg(what).args(files).output();
    let output = output.map_err(|error| format!("the example aggregate_memory cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let &[all, program] = numbers.as_slice() else {
        println!("{words}: this system does not tell the peak memory");
        return Ok(());
    };
    #[expect(clippy::cast_precision_loss, reason = "some hundred MB")]
    let size = size as f64;
    let (own, code) = (all - program, program / 1e6);
    println!(
        "{words}: peak memory {:.1} MB, {:.2} of the file; without the {code:.1} MB of the program itself {:.1} MB, {:.2}",
        all / 1e6,
        all / size,
        own / 1e6,
        own / size
    );
    Ok(())
}
