//! From text to a filter: `or` binds least, then `and`, then `not`.

use serde_json::Value;

use super::{
    Comparison, Filter,
    token::{Token, Word, tokens},
};
use crate::{AttributePath, Limits, ScimError};

pub(super) fn parse(text: &str, limits: &Limits) -> Result<Filter, ScimError> {
    if text.len() > limits.filter_bytes {
        let reason = format!("a filter may have at most {} bytes", limits.filter_bytes);
        return Err(ScimError::InvalidFilter { offset: limits.filter_bytes, reason });
    }
    let words = tokens(text)?;
    let mut reader =
        Reader { words: &words, place: 0, end: text.len(), terms: 0, is_in_element: false, limits };
    let filter = reader.any(0)?;
    match reader.next() {
        None => Ok(filter),
        Some(token) => Err(wrong(token.offset, "nothing may follow here but 'and' and 'or'")),
    }
}

struct Reader<'t> {
    words: &'t [Token<'t>],
    place: usize,
    /// Where the text ends.
    end: usize,
    terms: usize,
    /// Whether what is read stands between brackets.
    is_in_element: bool,
    limits: &'t Limits,
}

impl<'t> Reader<'t> {
    fn any(&mut self, depth: usize) -> Result<Filter, ScimError> {
        if depth > self.limits.filter_depth {
            let reason = format!("a filter may be nested at most {} levels deep", self.limits.filter_depth);
            return Err(wrong(self.offset(), reason));
        }
        let mut alternatives = vec![self.all(depth)?];
        while self.takes_word("or") {
            alternatives.push(self.all(depth)?);
        }
        Ok(one_or(alternatives, Filter::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let mut terms = vec![self.term(depth)?];
        while self.takes_word("and") {
            terms.push(self.term(depth)?);
        }
        Ok(one_or(terms, Filter::All))
    }

    fn term(&mut self, depth: usize) -> Result<Filter, ScimError> {
        if self.takes(&Word::Open) {
            return self.group(depth);
        }
        if self.is_negation() && self.takes_word("not") {
            self.require(&Word::Open, "'(' must follow 'not'")?;
            return Ok(Filter::Not(Box::new(self.group(depth)?)));
        }
        self.attribute_expression(depth)
    }

    /// What stands in parentheses, of which the first was read.
    fn group(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let filter = self.any(depth.saturating_add(1))?;
        self.require(&Word::Close, "here ')' is missing")?;
        Ok(filter)
    }

    fn attribute_expression(&mut self, depth: usize) -> Result<Filter, ScimError> {
        self.count_term()?;
        let offset = self.offset();
        let Some(Word::Plain(name)) = self.next().map(|token| &token.word) else {
            return Err(wrong(offset, "here the name of an attribute is missing"));
        };
        let path = AttributePath::parse(name).map_err(|error| wrong(offset, error.to_string()))?;
        if self.takes(&Word::OpenElement) {
            return self.element(path, offset, depth);
        }
        self.comparison(path)
    }

    fn count_term(&mut self) -> Result<(), ScimError> {
        self.terms = self.terms.saturating_add(1);
        if self.terms > self.limits.filter_terms {
            let reason = format!("a filter may have at most {} comparisons", self.limits.filter_terms);
            return Err(wrong(self.offset(), reason));
        }
        Ok(())
    }

    /// What stands behind the name of an attribute.
    fn comparison(&mut self, path: AttributePath) -> Result<Filter, ScimError> {
        let offset = self.offset();
        let Some(Word::Plain(word)) = self.next().map(|token| &token.word) else {
            return Err(wrong(offset, "here an operator such as 'eq' is missing"));
        };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let comparison = Comparison::named(word)
            .ok_or_else(|| wrong(offset, "the operators are eq, ne, co, sw, ew, gt, ge, lt, le and pr"))?;
        let offset = self.offset();
        let value = self.value()?;
        let is_comparable = match comparison {
            Comparison::Equal | Comparison::NotEqual => true,
            Comparison::Contains | Comparison::StartsWith | Comparison::EndsWith => value.is_string(),
            _ => value.is_string() || value.is_number(),
        };
        if !is_comparable {
            return Err(wrong(offset, format!("'{}' does not compare with this value", comparison.name())));
        }
        Ok(Filter::Compare { path, comparison, value })
    }

    fn element(&mut self, path: AttributePath, offset: usize, depth: usize) -> Result<Filter, ScimError> {
        if self.is_in_element || path.part().is_some() {
            return Err(wrong(offset, "brackets must follow an attribute, and cannot be within brackets"));
        }
        self.is_in_element = true;
        let filter = self.any(depth.saturating_add(1))?;
        self.is_in_element = false;
        self.require(&Word::CloseElement, "here ']' is missing")?;
        // `emails[type eq "work"].value eq "x"` is no filter of the RFC, and one of Entra ID's: the element is of the type, and has the value.
        let filter = match self.part()? {
            Some(part) => {
                self.count_term()?;
                Filter::All(vec![filter, self.comparison(part)?])
            }
            None => filter,
        };
        Ok(Filter::Element { path, filter: Box::new(filter) })
    }

    /// A sub-attribute that stands behind brackets.
    fn part(&mut self) -> Result<Option<AttributePath>, ScimError> {
        let offset = self.offset();
        let Some(Word::Plain(word)) = self.words.get(self.place).map(|token| &token.word) else {
            return Ok(None);
        };
        let Some(part) = word.strip_prefix('.') else { return Ok(None) };
        self.place = self.place.saturating_add(1);
        AttributePath::parse(part).map(Some).map_err(|error| wrong(offset, error.to_string()))
    }

    fn value(&mut self) -> Result<Value, ScimError> {
        let offset = self.offset();
        match self.next().map(|token| &token.word) {
            Some(Word::Text(text)) => Ok(Value::String(text.clone())),
            Some(Word::Plain(word)) if word.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
            Some(Word::Plain(word)) if word.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
            Some(Word::Plain(word)) if word.eq_ignore_ascii_case("null") => Ok(Value::Null),
            Some(Word::Plain(word)) => number(word)
                .ok_or_else(|| wrong(offset, "a value is a text in quotes, a number, true, false or null")),
            _ => Err(wrong(offset, "here a value is missing")),
        }
    }

    /// `not` is a name too: it negates where a parenthesis follows.
    fn is_negation(&self) -> bool {
        self.words.get(self.place.saturating_add(1)).is_some_and(|token| token.word == Word::Open)
    }

    fn next(&mut self) -> Option<&'t Token<'t>> {
        let token = self.words.get(self.place)?;
        self.place = self.place.saturating_add(1);
        Some(token)
    }

    fn offset(&self) -> usize {
        self.words.get(self.place).map_or(self.end, |token| token.offset)
    }

    fn takes(&mut self, word: &Word<'_>) -> bool {
        let is_next = self.words.get(self.place).is_some_and(|token| token.word == *word);
        if is_next {
            self.place = self.place.saturating_add(1);
        }
        is_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_it = |token: &Token<'_>| match token.word {
            Word::Plain(plain) => plain.eq_ignore_ascii_case(word),
            _ => false,
        };
        let is_next = self.words.get(self.place).is_some_and(is_it);
        if is_next {
            self.place = self.place.saturating_add(1);
        }
        is_next
    }

    fn require(&mut self, word: &Word<'_>, reason: &str) -> Result<(), ScimError> {
        let offset = self.offset();
        if self.takes(word) { Ok(()) } else { Err(wrong(offset, reason)) }
    }
}

/// A number of JSON. One that is no whole number of 64 bits is read by the standard library, so that it is the same when it is written and read
/// again.
fn number(word: &str) -> Option<Value> {
    match serde_json::from_str(word) {
        Ok(Value::Number(number)) if number.is_f64() => {
            word.parse().ok().and_then(serde_json::Number::from_f64).map(Value::Number)
        }
        Ok(number @ Value::Number(_)) => Some(number),
        _ => None,
    }
}

/// The one filter, or all of them together.
fn one_or(mut filters: Vec<Filter>, together: fn(Vec<Filter>) -> Filter) -> Filter {
    match filters.len() {
        1 => filters.pop().unwrap_or_else(|| together(Vec::new())),
        _ => together(filters),
    }
}

fn wrong(offset: usize, reason: impl Into<String>) -> ScimError {
    ScimError::InvalidFilter { offset, reason: reason.into() }
}
