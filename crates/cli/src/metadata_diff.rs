//! `vouchsafe metadata diff`: shows what a refresh would change.

use serde::Serialize;
use vouchsafe::metadata::MetadataChange;

use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output};
use crate::text::{Line, Style, Text, counted};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The metadata at hand; - is standard input.
    old: String,
    /// The metadata that would take its place.
    new: String,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let [old, new] = [&arguments.old, &arguments.new].map(|file| input::aggregate(file));
    let changes = Changes { changes: old?.changes_to(&new?).iter().map(Change::of).collect() };
    output.write(&changes, || changes.human())?;
    Ok(if changes.changes.is_empty() { Answer::Yes } else { Answer::No })
}

#[derive(Serialize)]
struct Changes {
    changes: Vec<Change>,
}

#[derive(Serialize)]
struct Change {
    /// Null if the change is about the document.
    entity_id: Option<String>,
    /// `entity`, `key`, `endpoint`, `valid_until`, `scope` or `statement`.
    subject: &'static str,
    before: Option<String>,
    after: Option<String>,
    #[serde(skip)]
    words: String,
}

impl Change {
    fn of(change: &MetadataChange) -> Change {
        Change {
            entity_id: change.entity_id().map(str::to_owned),
            subject: change.subject().as_str(),
            before: change.before().map(str::to_owned),
            after: change.after().map(str::to_owned),
            words: change.to_string(),
        }
    }
}

impl Changes {
    fn human(&self) -> Text {
        let mut text = Text::new();
        let mut entity = None;
        for change in &self.changes {
            if change.entity_id != entity {
                entity.clone_from(&change.entity_id);
                text.push(Line::styled(Style::Title, entity.as_deref().unwrap_or("the document")));
            }
            text.line(format!("  {}", change.words));
        }
        text.line(match self.changes.len() {
            0 => "nothing changes".to_owned(),
            count => counted(count, "change", "changes"),
        });
        text
    }
}
