//! The texts of the ledger in the form in which they are kept.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_metadata::EntityId;

use crate::instant::{ALLOWANCE, Clock, Moment, Shown};

/// The value that a rule expected, or the actual value. Times are formatted only when somebody reads them: most
/// responses are accepted, and few of their ledgers are read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Text {
    Fixed(&'static str),
    Shared(Arc<str>),
    Written(String),
    /// A number, and what is counted.
    Count(usize, &'static str),
    Time(DateTime<Utc>),
    Bound(Bound),
}

/// The bound that a time is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bound {
    kind: Kind,
    /// The time at the receiver; for an answer that is compared with its request, the issue time of the request.
    now: DateTime<Utc>,
    /// The allowed difference of the clocks, in seconds.
    skew: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    BeforeEnd,
    AfterStart,
    /// `age` is in seconds.
    DoneBy {
        age: Option<i64>,
    },
    IssuedAfter,
}

impl Text {
    /// Returns the text.
    pub(crate) fn as_text(&self) -> Cow<'_, str> {
        match self {
            Text::Fixed(text) => Cow::Borrowed(text),
            Text::Shared(text) => Cow::Borrowed(text),
            Text::Written(text) => Cow::Borrowed(text),
            Text::Count(count, what) => Cow::Owned(format!("{count} {what}")),
            Text::Time(time) => Cow::Owned(Shown(*time).text()),
            Text::Bound(bound) => Cow::Owned(bound.text()),
        }
    }

    /// Limits the length of the kept text, since the sender decides how long its values are.
    pub(crate) fn cut(self) -> Text {
        const LONGEST: usize = 500;
        let text = match &self {
            Text::Shared(text) => text,
            Text::Written(text) => text.as_str(),
            Text::Fixed(_) | Text::Count(..) | Text::Time(_) | Text::Bound(_) => return self,
        };
        if text.len() <= LONGEST {
            return self;
        }
        match text.char_indices().nth(LONGEST).and_then(|(end, _)| text.get(..end)) {
            Some(start) => Text::Written(format!("{start}…")),
            None => self,
        }
    }
}

impl Bound {
    /// An upper bound, `now - skew < end`.
    pub(crate) fn before_end(clock: &Clock) -> Bound {
        Bound::of(Kind::BeforeEnd, clock)
    }

    /// A lower bound, `now + skew >= start`.
    pub(crate) fn after_start(clock: &Clock) -> Bound {
        Bound::of(Kind::AfterStart, clock)
    }

    /// The bound of an instant that only states when something was done, with a maximum age.
    pub(crate) fn done_by(clock: &Clock, age: Option<TimeDelta>) -> Bound {
        Bound::of(Kind::DoneBy { age: age.map(|age| age.num_seconds()) }, clock)
    }

    /// The bound of an answer to a request that was issued at that time.
    pub(crate) fn issued_after(request: DateTime<Utc>, skew: TimeDelta) -> Bound {
        Bound { kind: Kind::IssuedAfter, now: request, skew: skew.num_seconds() }
    }

    fn of(kind: Kind, clock: &Clock) -> Bound {
        Bound { kind, now: clock.now, skew: clock.skew.num_seconds() }
    }

    fn text(&self) -> String {
        let (now, skew) = (Shown(self.now), self.skew);
        match self.kind {
            Kind::BeforeEnd => format!("later than {now} - {skew} s"),
            Kind::AfterStart => format!("not later than {now} + {skew} s"),
            Kind::IssuedAfter => format!("no earlier than the request at {now} - {skew} s"),
            Kind::DoneBy { age } => {
                let mut text = format!("not later than {now} + {skew} s + {} s", ALLOWANCE.num_seconds());
                if let Some(age) = age {
                    let _ = write!(text, ", and at most {age} s ago"); // a String takes everything
                }
                text
            }
        }
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Text {
        Text::Fixed(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text::Written(text)
    }
}

impl From<Cow<'static, str>> for Text {
    fn from(text: Cow<'static, str>) -> Text {
        match text {
            Cow::Borrowed(text) => Text::Fixed(text),
            Cow::Owned(text) => Text::Written(text),
        }
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Text {
        Text::Shared(text)
    }
}

impl From<&EntityId> for Text {
    fn from(entity: &EntityId) -> Text {
        Text::Shared(entity.clone().into())
    }
}

impl From<DateTime<Utc>> for Text {
    fn from(time: DateTime<Utc>) -> Text {
        Text::Time(time)
    }
}

impl From<&Moment> for Text {
    fn from(moment: &Moment) -> Text {
        match moment.at() {
            Some(at) => Text::Time(at),
            None => Text::Written(moment.text()),
        }
    }
}

impl From<Bound> for Text {
    fn from(bound: Bound) -> Text {
        Text::Bound(bound)
    }
}
