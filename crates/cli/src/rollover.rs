//! `vouchsafe rollover`: shows the next step in replacing a key of our own, and when it may be done.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use vouchsafe::metadata::{OwnKeyUse, OwnRollover, OwnRolloverAdvice, OwnRolloverStep};

use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output};
use crate::response_check::instant;
use crate::text::Text;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What the key is for.
    #[arg(long = "use", value_enum)]
    usage: Use,
    /// The number of hours after which every identity provider has read the service's metadata again.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    readers: u32,
    /// The time at which every process had the next decryption key.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    loaded: Option<DateTime<Utc>>,
    /// The time at which the service's metadata contained the next certificate.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    published: Option<DateTime<Utc>>,
    /// Every identity provider has confirmed that it has the next certificate.
    #[arg(long)]
    confirmed: bool,
    /// The time since which the next key signs.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    switched: Option<DateTime<Utc>>,
    /// When something was last decrypted with the old key.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    old_last_used: Option<DateTime<Utc>>,
    /// When the old key was removed.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    removed: Option<DateTime<Utc>>,
    /// The time for all checks. Default: now.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    now: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Use {
    /// It signs the requests of the service.
    Signing,
    /// Assertions are encrypted to it.
    Decryption,
}

#[derive(Serialize)]
struct Next {
    step: &'static str,
    why: &'static str,
    /// Null if the step may be done at once.
    not_before: Option<String>,
    how: &'static str,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let usage = match arguments.usage {
        Use::Signing => OwnKeyUse::Signing,
        Use::Decryption => OwnKeyUse::Decryption,
    };
    let readers = Duration::from_secs(u64::from(arguments.readers).saturating_mul(3_600));
    let mut rollover = OwnRollover::new(usage, readers);
    rollover.loaded_at = arguments.loaded;
    rollover.published_at = arguments.published;
    rollover.confirmed_by_all = arguments.confirmed;
    rollover.switched_at = arguments.switched;
    rollover.old_last_used = arguments.old_last_used;
    rollover.removed_at = arguments.removed;
    let advice = rollover.next_step(arguments.now.unwrap_or_else(input::now));
    let next = Next {
        step: name(advice.step()),
        why: advice.why(),
        not_before: advice.not_before().map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)),
        how: how(usage, advice.step()),
    };
    output.write(&next, || next.human(&advice))?;
    Ok(if next.not_before.is_some() { Answer::No } else { Answer::Yes })
}

impl Next {
    fn human(&self, advice: &OwnRolloverAdvice) -> Text {
        let mut text = Text::new();
        text.line(advice.to_string());
        if !self.how.is_empty() {
            text.line(format!("  {}", self.how));
        }
        text
    }
}

fn name(step: OwnRolloverStep) -> &'static str {
    match step {
        OwnRolloverStep::LoadNext => "load_next",
        OwnRolloverStep::PublishNext => "publish_next",
        OwnRolloverStep::SwitchOver => "switch_over",
        OwnRolloverStep::RemoveOld => "remove_old",
        _ => "done",
    }
}

/// Returns the step in terms of the service provider's builder.
fn how(usage: OwnKeyUse, step: OwnRolloverStep) -> &'static str {
    match (usage, step) {
        (OwnKeyUse::Signing, OwnRolloverStep::PublishNext) => {
            "signing_key(old), next_signing_certificate(next); then --published TIME"
        }
        (OwnKeyUse::Signing, OwnRolloverStep::SwitchOver) => {
            "signing_key(next), next_signing_certificate(old); then --switched TIME"
        }
        (OwnKeyUse::Signing, OwnRolloverStep::RemoveOld) => "signing_key(next) alone; then --removed TIME",
        (_, OwnRolloverStep::LoadNext) => {
            "decryption_key(old), unpublished_decryption_key(next) in every process; then --loaded TIME"
        }
        (_, OwnRolloverStep::PublishNext) => {
            "decryption_key(next), unpublished_decryption_key(old); then --published TIME"
        }
        (_, OwnRolloverStep::RemoveOld) => "decryption_key(next) alone; then --removed TIME",
        _ => "",
    }
}
