//! Reads the log of a service: the refused sign-ins, with the reference that each person saw.
//!
//! The log is the operator's own file. Its text about a refusal is used if a recording shows the page of that refusal
//! and nothing else explains it.

use std::collections::VecDeque;

use super::complaint::Complaint;

/// The maximum number of refusals that are kept; the last ones are kept.
const REFUSALS: usize = 1000;
/// The maximum number of bytes of a line that are read, and of characters that are kept of a value.
const LINE: usize = 64 * 1024;
const CHARACTERS: usize = 1000;

/// A refusal in the service's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedRefusal {
    /// The reference that the person saw; `None` for a line that has only the text of an error.
    pub(crate) reference: Option<String>,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl LoggedRefusal {
    /// Returns the complaint about it, if no recording shows the sign-in.
    pub(crate) fn complaint(&self) -> Complaint {
        let message = match &self.reference {
            Some(reference) => format!("the service refused (reference {reference}): {}", self.message),
            None => format!("the text says: {}", self.message),
        };
        Complaint::error(&self.code, message, self.hint.clone())
    }
}

/// The texts by which the line of a refusal is recognised.
const REFUSED: [&str; 3] = ["sign-in refused", "sign-out refused", "change of a name refused"];

/// Reads the refusals in a log, the last ones if there are many; `None` if the text is not a log with refusals.
///
/// Lines are read in the formats of `tracing-subscriber`: text (compact, full or pretty, with or without colours) or
/// JSON. A log collector may have put its own prefix before them.
pub(crate) fn read(text: &str) -> Option<Vec<LoggedRefusal>> {
    let mut kept = VecDeque::new();
    let mut keep = |refusal| {
        if kept.len() == REFUSALS {
            kept.pop_front();
        }
        kept.push_back(refusal);
    };
    let is_refusal = |line: &str| REFUSED.iter().any(|words| line.contains(words));
    for line in text.lines().flat_map(objects).filter(|line| line.len() <= LINE && is_refusal(line)) {
        refusal(&without_colours(line)).map(&mut keep);
    }
    (!kept.is_empty()).then(|| kept.into())
}

/// Reads a text that has only error messages of these libraries: the code in brackets, a colon, and the message. The
/// command `vouchsafe` and many applications write them so.
pub(crate) fn in_words(text: &str) -> Option<Vec<LoggedRefusal>> {
    let lines: Vec<String> = text.lines().take(LINES).map(without_colours).collect();
    let next = |place: usize| lines.get(place.saturating_add(1)).map(String::as_str).unwrap_or_default();
    let told = lines.iter().enumerate().filter_map(|(place, line)| error_in_words(line, next(place)));
    let told: Vec<LoggedRefusal> = told.take(REFUSALS).collect();
    (!told.is_empty()).then_some(told)
}

/// The maximum number of lines that are searched for error messages.
const LINES: usize = 10_000;

/// Splits a line into its objects: an exported log is often one list of objects.
fn objects(line: &str) -> impl Iterator<Item = &str> {
    let is_list = line.trim_start().starts_with("[{");
    let separator = if is_list { "},{" } else { "\n" };
    line.split(separator)
}

fn refusal(line: &str) -> Option<LoggedRefusal> {
    let reference = field(line, "reference")?;
    let code = field(line, "code")?;
    let hint = field(line, "hint")?;
    let ends = [" hint=", ", hint: "];
    let reason = match [" reason=", ", reason: "].iter().find_map(|opening| line.split_once(opening)) {
        Some((_, rest)) => {
            let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
            rest.get(..end).unwrap_or_default().to_owned()
        }
        None => field(line, "reason")?,
    };
    is_reference(&reference).then_some(())?;
    is_code(&code).then(|| LoggedRefusal {
        reference: Some(reference),
        code,
        message: cut(&reason),
        hint: cut(&hint),
    })
}

/// Reads `[code]: message`, with the hint after it or in the next line.
fn error_in_words(line: &str, next: &str) -> Option<LoggedRefusal> {
    let (before, rest) = line.split_once("]: ")?;
    let code = before.rsplit_once('[')?.1;
    let is_known = code.split('.').next().is_some_and(|part| CRATES.contains(&part));
    (is_known && is_code(code)).then_some(())?;
    let openings = ["hint: ", "remedy: "];
    let hint_of = |text: &str| {
        let text = text.trim_start();
        openings.iter().find_map(|opening| text.strip_prefix(opening)).map(cut)
    };
    let split = openings.iter().find_map(|opening| rest.find(opening));
    let (message, behind) = rest.split_at(split.unwrap_or(rest.len()));
    let hint = hint_of(behind).or_else(|| hint_of(next));
    let hint = hint.unwrap_or_else(|| {
        "docs/ERRORS.md says what to change for this code. Give the message itself (a recording, or the Response) to have it judged.".to_owned()
    });
    Some(LoggedRefusal { reference: None, code: code.to_owned(), message: cut(message.trim()), hint })
}

/// The first words of the codes of these libraries.
const CRATES: [&str; 15] = [
    "assertion",
    "autopsy",
    "binding",
    "client",
    "crypto",
    "doctor",
    "encryption",
    "message",
    "metadata",
    "policy",
    "provisioning",
    "signature",
    "store",
    "web",
    "xml",
];

fn is_code(code: &str) -> bool {
    code.split('.').count() > 1
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_'))
}

fn cut(text: &str) -> String {
    text.chars().take(CHARACTERS).collect()
}

/// Returns whether a text has the form of a refusal's reference: 8 hexadecimal digits, a hyphen, 8 more.
///
/// ```
/// use vouchsafe::doctor::is_reference;
///
/// assert!(is_reference("1a2b3c4d-5e6f7081"));
/// assert!(!is_reference("1a2b3c4d"));
/// ```
#[must_use]
pub fn is_reference(text: &str) -> bool {
    text.len() == 17
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 => byte == b'-',
            _ => byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'),
        })
}

/// Returns the value of a field: `name="value"`, `name=value`, `name: "value"` or `"name":"value"`.
fn field(line: &str, name: &str) -> Option<String> {
    let openings = [format!("\"{name}\":"), format!(" {name}="), format!(" {name}: ")];
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

/// Removes the terminal's colour sequences from a line.
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
        let pretty = "  2026-11-29T02:00:00.1Z  WARN vouchsafe_web::answers: sign-in refused, reference: \"1a2b3c4d-5e6f7081\", \
                      code: \"assertion.not_a_response\", reason: expected a samlp:Response, found “a”, hint: \"Name \\\"Single sign-on URL\\\".\", failed_checks: \"\"";
        let list = format!("[{json},{json}]");
        let collected = format!("Nov 29 02:00:00 host app[12]: {text}");
        let bracketed = format!(
            "[2026-11-29T02:00:00Z WARN  vouchsafe_web::answers] {}",
            text.get(text.find("sign-in").unwrap()..).unwrap()
        );
        let signed_out = text.replace("sign-in refused", "sign-out refused");
        let about_a_name = text.replace("sign-in refused", "change of a name refused");
        for line in [text, &coloured, json, pretty, &list, &collected, &bracketed, &signed_out, &about_a_name]
        {
            let log = format!("something else\n{line}\n");
            let read = read(&log).unwrap_or_else(|| panic!("{line}"));
            let one = &read[0];
            let reference = one.reference.as_deref().unwrap_or_default();
            let found = (reference, one.code.as_str(), one.message.as_str(), one.hint.as_str());
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
        assert_eq!((read.len(), read[0].reference.as_deref()), (REFUSALS, Some("00002000-00000000")));
    }

    /// Text that the command wrote, or that an application logs of an error, is read.
    #[test]
    fn the_words_of_an_error_are_read() {
        for (text, code, message, hint) in [
            (
                "refused [assertion.audience]: AudienceRestriction: expected “a”, found “b”\n  hint: Set it.",
                "assertion.audience",
                "AudienceRestriction: expected “a”, found “b”",
                "Set it.",
            ),
            (
                "[2026-11-29 02:00:00] ERROR [signature.not_verified]: no key",
                "signature.not_verified",
                "no key",
                "docs/ERRORS.md",
            ),
            (
                "error[binding.base64]: the field hint: Encode it.",
                "binding.base64",
                "the field",
                "Encode it.",
            ),
        ] {
            let read = in_words(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (read[0].reference.as_deref(), read[0].code.as_str(), read[0].message.as_str()),
                (None, code, message)
            );
            assert!(read[0].hint.starts_with(hint), "{}", read[0].hint);
        }
        for none in
            ["[a.b]: x", "[assertion]: x", "[assertion.x] x", "see [metadata.yaml]: x y".get(..6).unwrap()]
        {
            assert!(in_words(none).is_none(), "{none}");
        }
    }
}
