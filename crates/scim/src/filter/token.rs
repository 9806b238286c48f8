//! The words of a filter.

use serde_json::Value;

use crate::ScimError;

/// A word of a filter, and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'t> {
    pub(super) offset: usize,
    pub(super) word: Word<'t>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word<'t> {
    Open,
    Close,
    OpenElement,
    CloseElement,
    /// A text in quotes.
    Text(String),
    /// A name, an operator, a number, `true`, `false`, `null`.
    Plain(&'t str),
}

/// Parts a filter into words.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ScimError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let offset = text.len().saturating_sub(rest.len());
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let single = match first {
            '(' => Some(Word::Open),
            ')' => Some(Word::Close),
            '[' => Some(Word::OpenElement),
            ']' => Some(Word::CloseElement),
            _ => None,
        };
        let (word, length) = match single {
            Some(word) => (word, 1),
            None if first == '"' => quoted(rest, offset)?,
            None => plain(rest, offset)?,
        };
        tokens.push(Token { offset, word });
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// A text in quotes, with the escapes of JSON. The length is that of its source.
fn quoted(rest: &str, offset: usize) -> Result<(Word<'_>, usize), ScimError> {
    let wrong = |reason: &str| ScimError::InvalidFilter { offset, reason: reason.to_owned() };
    let mut is_escaped = false;
    for (place, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => {
                let length = place.saturating_add(1);
                let source = rest.get(..length).unwrap_or_default();
                return match serde_json::from_str(source) {
                    Ok(Value::String(text)) => Ok((Word::Text(text), length)),
                    _ => Err(wrong("this text in quotes is not a JSON string")),
                };
            }
            _ => {}
        }
    }
    Err(wrong("the text that begins here has no end"))
}

/// A name, an operator or a number.
fn plain(rest: &str, offset: usize) -> Result<(Word<'_>, usize), ScimError> {
    let is_part = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, ':' | '.' | '_' | '-' | '$' | '+')
    };
    let length = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
    match rest.get(..length) {
        Some(word) if !word.is_empty() => Ok((Word::Plain(word), length)),
        _ => {
            Err(ScimError::InvalidFilter { offset, reason: "this character is not allowed here".to_owned() })
        }
    }
}
