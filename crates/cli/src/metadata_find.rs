//! `vouchsafe metadata find`: shows one entity of an aggregate, with the time and the memory that it took.

use std::time::{Duration, Instant};

use serde::Serialize;
use vouchsafe::metadata::{Aggregate, EntityName, MetadataError};
use vouchsafe::xml::Quoted;

use crate::failure::Failure;
use crate::input;
use crate::metadata_show::{Entity, Trust};
use crate::output::{Answer, Output};
use crate::text::{Line, Style, Text};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Metadata; - is standard input.
    file: String,
    /// The entity ID, or {sha1} and the SHA-1 of it in hexadecimal digits.
    #[arg(value_name = "ENTITY-ID|{sha1}HEX")]
    entity: String,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let name: EntityName =
        arguments.entity.parse().map_err(|error: MetadataError| Failure::unusable("ENTITY-ID", error))?;
    let bytes = input::bytes(&arguments.file)?;
    let start = Instant::now();
    let aggregate = Aggregate::read(bytes).map_err(|error| Failure::unusable(&arguments.file, error))?;
    let (index, start) = (start.elapsed(), Instant::now());
    let Some(found) = aggregate.find(&name) else {
        let failure = Failure::refused(aggregate.unknown(&name));
        return Err(match similar(&aggregate, &arguments.entity) {
            similar if similar.is_empty() => failure,
            similar => failure.caused_by(
                format_args!("similar: {}", similar.join(", ")),
                "Give one of the similar entity IDs as it is written.",
            ),
        });
    };
    let description = found.description().map_err(Failure::refused)?;
    let provider = description.is_identity_provider().then(|| found.identity_provider());
    let find = start.elapsed();
    let shown = Found {
        place: found.place(),
        entities: aggregate.len(),
        bytes: aggregate.bytes().len(),
        entity_bytes: found.range().map_or(0, |range| range.len()),
        index_microseconds: microseconds(index),
        find_microseconds: microseconds(find),
        peak_memory_bytes: peak_memory(),
        entity: Entity::of(&description, provider.is_some()),
        identity_provider: provider.map(|read| Trust::of(read, input::now())),
    };
    output.write(&shown, || shown.human())?;
    Ok(Answer::Yes)
}

/// Returns some entity IDs that contain the text, in whatever letter case.
fn similar(aggregate: &Aggregate, text: &str) -> Vec<String> {
    let sought = text.to_lowercase();
    let names = aggregate.entities().filter_map(|entity| entity.entity_id());
    let similar = names.filter(|name| name.to_lowercase().contains(sought.trim_end_matches('/')));
    similar.take(SIMILAR).map(|name| Quoted::new(name).to_string()).collect()
}

/// The largest number of similar entity IDs in an error.
const SIMILAR: usize = 5;

#[derive(Serialize)]
struct Found {
    /// The position among the entities of the document, from 1.
    place: usize,
    /// The number of entities.
    entities: usize,
    bytes: usize,
    entity_bytes: usize,
    /// The time to find the positions of the entities.
    index_microseconds: u64,
    /// The time to look this entity up and to read it.
    find_microseconds: u64,
    /// The peak memory of the command, if the system reports it.
    peak_memory_bytes: Option<u64>,
    entity: Entity,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_provider: Option<Trust>,
}

impl Found {
    fn human(&self) -> Text {
        let mut text = Text::new();
        self.entity.human(&mut text);
        if let Some(trust) = &self.identity_provider {
            trust.human(&mut text);
        }
        let place = format!(
            "entity {} of {}: {} bytes of {}",
            self.place, self.entities, self.entity_bytes, self.bytes
        );
        text.push(Line::styled(Style::Quiet, place));
        let mut cost = format!("index {} µs, find {} µs", self.index_microseconds, self.find_microseconds);
        if let Some(peak) = self.peak_memory_bytes {
            cost.push_str(&format!(", peak memory {} KiB", peak / 1024));
        }
        text.push(Line::styled(Style::Quiet, cost));
        text
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Returns the peak of the resident memory, as Linux reports it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
