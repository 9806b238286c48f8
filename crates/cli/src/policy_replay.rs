//! `vouchsafe policy replay`: shows the results of recorded sign-ins under a policy, and who gains and loses access
//! under another.

use serde::Serialize;
use vouchsafe::provisioning::{AccessChange, Replay};

use crate::failure::Failure;
use crate::output::{Answer, Output};
use crate::policy_file;
use crate::text::{Line, Style, Text, counted};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The policy, as TOML; - is standard input.
    policy: String,
    /// Recorded sign-ins, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    logins: String,
    /// The organization before the first of them, as JSON.
    #[arg(long, value_name = "FILE")]
    state: String,
    /// Another policy: shows who would gain and lose what under it. Without it, the result is compared with --state.
    #[arg(long, value_name = "FILE")]
    against: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let policy = policy_file::policy(&arguments.policy)?;
    let other = arguments.against.as_deref().map(policy_file::policy).transpose()?;
    let (facts, state) = (policy_file::facts(&arguments.logins)?, policy_file::state(&arguments.state)?);
    let first = policy.replay(facts.clone(), &state);
    let second = other.map(|other| other.replay(facts, &state));
    let changes = match &second {
        Some(second) => AccessChange::between(&first.after, &second.after),
        None => AccessChange::between(&state, &first.after),
    };
    let replayed = Replayed {
        policy: Run::of(&first),
        against: second.as_ref().map(Run::of),
        changes: changes.iter().map(Change::of).collect(),
    };
    output.write(&replayed, || replayed.human())?;
    Ok(if replayed.changes.is_empty() { Answer::Yes } else { Answer::No })
}

#[derive(Serialize)]
struct Replayed {
    policy: Run,
    /// Null without `--against`.
    against: Option<Run>,
    changes: Vec<Change>,
}

#[derive(Serialize)]
struct Run {
    planned: usize,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Refused {
    /// The number of the recorded sign-in, from 1.
    number: usize,
    code: &'static str,
    message: String,
}

#[derive(Serialize)]
struct Change {
    who: String,
    /// `gains` or `loses`.
    direction: &'static str,
    /// `account`, `role`, `team` or `project`.
    kind: &'static str,
    name: String,
    before: Option<&'static str>,
    after: Option<&'static str>,
    #[serde(skip)]
    words: String,
}

impl Run {
    fn of(replay: &Replay) -> Run {
        let refused = replay.refused.iter().map(|(place, refused)| Refused {
            number: place.saturating_add(1),
            code: refused.code(),
            message: refused.to_string(),
        });
        Run { planned: replay.planned, refused: refused.collect() }
    }

    fn say(&self, name: &str, text: &mut Text) {
        text.push(Line::styled(Style::Title, name));
        text.line(format!("  {}", counted(self.planned, "sign-in planned", "sign-ins planned")));
        for refused in &self.refused {
            text.line(format!(
                "  sign-in {} refused: {} ({})",
                refused.number, refused.message, refused.code
            ));
        }
    }
}

impl Change {
    fn of(change: &AccessChange) -> Change {
        Change {
            who: change.who.clone(),
            direction: change.direction.name(),
            kind: change.kind,
            name: change.name.clone(),
            before: change.before,
            after: change.after,
            words: change.to_string(),
        }
    }
}

impl Replayed {
    fn human(&self) -> Text {
        let mut text = Text::new();
        self.policy.say("the policy", &mut text);
        if let Some(against) = &self.against {
            against.say("the other policy", &mut text);
        }
        for change in &self.changes {
            text.line(change.words.clone());
        }
        text.line(match self.changes.len() {
            0 => "nobody gains or loses anything".to_owned(),
            count => counted(count, "change", "changes"),
        });
        text
    }
}
