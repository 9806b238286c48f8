//! The log of a service: the sign-ins that it refused, by the reference that each person was shown.
//!
//! It is the operator's own file. What it says of a refusal is told where a recording shows the page of that refusal and nothing else
//! explains it.

use std::collections::VecDeque;

use super::complaint::Complaint;

/// Refusals of a log that are kept: the last ones.
const REFUSALS: usize = 1000;
/// Bytes of a line that are looked at, and characters of what is kept of it.
const LINE: usize = 64 * 1024;
const CHARACTERS: usize = 1000;

/// A refusal as the service logged it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedRefusal {
    pub(crate) reference: String,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl LoggedRefusal {
    /// The complaint about it, where no recording shows the sign-in.
    pub(crate) fn complaint(&self) -> Complaint {
        let message =
            format!("the service refused a sign-in (reference {}): {}", self.reference, self.message);
        Complaint::error(&self.code, message, self.hint.clone())
    }
}

/// The refusals in a log, the last of many; `None`: it is no log of refusals.
///
/// Lines are read as `tracing-subscriber` writes them, as text (with or without colours) or as JSON.
pub(crate) fn read(text: &str) -> Option<Vec<LoggedRefusal>> {
    let mut kept = VecDeque::new();
    for line in text.lines().filter(|line| line.len() <= LINE && line.contains("sign-in refused")) {
        let Some(refusal) = refusal(&without_colours(line)) else { continue };
        if kept.len() == REFUSALS {
            kept.pop_front();
        }
        kept.push_back(refusal);
    }
    (!kept.is_empty()).then(|| kept.into())
}

fn refusal(line: &str) -> Option<LoggedRefusal> {
    let reference = field(line, "reference")?;
    let code = field(line, "code")?;
    let hint = field(line, "hint")?;
    let reason = match line.split_once(" reason=") {
        Some((_, rest)) => rest.split_once(" hint=").map_or(rest, |(reason, _)| reason).to_owned(),
        None => field(line, "reason")?,
    };
    let is_code = code.split('.').count() > 1
        && code.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_'));
    let cut = |text: String| text.chars().take(CHARACTERS).collect();
    is_reference(&reference).then_some(())?;
    is_code.then(|| LoggedRefusal { reference, code, message: cut(reason), hint: cut(hint) })
}

/// Whether it is written as the references of refusals are: 8 hexadecimal digits, a hyphen, 8 more.
pub(crate) fn is_reference(text: &str) -> bool {
    text.len() == 17
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 => byte == b'-',
            _ => byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'),
        })
}

/// The value of a field: `name="value"`, `name=value` or `"name":"value"`.
fn field(line: &str, name: &str) -> Option<String> {
    let openings = [format!("\"{name}\":"), format!(" {name}=")];
    let rest = openings.iter().find_map(|opening| line.split_once(opening.as_str()))?.1;
    let Some(quoted) = rest.trim_start().strip_prefix('"') else {
        return rest.split([' ', ',', '}']).next().map(str::to_owned);
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => value.push(characters.next().filter(|escaped| *escaped != 'n').unwrap_or(' ')),
            other => value.push(other),
        }
    }
}

/// A line without the sequences by which a terminal shows colours.
fn without_colours(line: &str) -> String {
    let mut pieces = line.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('m').map_or(piece, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: (&str, &str, &str, &str) = (
        "1a2b3c4d-5e6f7081",
        "assertion.not_a_response",
        "expected a samlp:Response, found “a”",
        "Name \"Single sign-on URL\".",
    );

    #[test]
    fn lines_are_read_as_text_and_as_json() {
        let text = "2026-11-29T01:59:52.588552Z  WARN vouchsafe_web::answers: sign-in refused reference=\"1a2b3c4d-5e6f7081\" \
                    code=\"assertion.not_a_response\" reason=expected a samlp:Response, found “a” hint=\"Name \\\"Single sign-on URL\\\".\" failed_checks=\"\"";
        let coloured = text.replace("reference=", "\u{1b}[3mreference\u{1b}[0m\u{1b}[2m=\u{1b}[0m");
        let json = r#"{"timestamp":"2026-11-29T02:00:00Z","level":"WARN","fields":{"message":"sign-in refused","reference":"1a2b3c4d-5e6f7081","code":"assertion.not_a_response","reason":"expected a samlp:Response, found “a”","hint":"Name \"Single sign-on URL\"."}}"#;
        for line in [text, &coloured, json] {
            let log = format!("something else\n{line}\n");
            let read = read(&log).unwrap_or_else(|| panic!("{line}"));
            let one = &read[0];
            let found = (one.reference.as_str(), one.code.as_str(), one.message.as_str(), one.hint.as_str());
            assert_eq!(found, EXPECTED, "{line}");
        }
    }

    #[test]
    fn what_is_no_refusal_is_left_out() {
        for line in [
            "sign-in refused",
            "sign-in refused reference=\"x\" code=\"a.b\" reason=x hint=\"h\"",
            "sign-in refused reference=\"1a2b3c4d-5e6f7081\" code=\"<b>\" reason=x hint=\"h\"",
            "sign-in refused reference=\"1a2b3c4d-5e6f7081\" code=\"a.b",
        ] {
            assert!(read(line).is_none(), "{line}");
        }
        let line = |place: usize| {
            format!("sign-in refused reference=\"{place:08}-00000000\" code=\"a.b\" reason=x hint=\"h\"\n")
        };
        let many: String = (0..3 * REFUSALS).map(line).collect();
        let read = read(&many).unwrap();
        assert_eq!((read.len(), read[0].reference.as_str()), (REFUSALS, "00002000-00000000"));
    }
}
