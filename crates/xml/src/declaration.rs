//! The check of the XML declaration (XML 1.0, 2.8 and 4.3.3).

use crate::{XmlError, names};

/// Checks the text between `<?xml` and `?>` at the very start of the input.
///
/// Version 1.1 is refused: it has other line ends and other characters, so two readers could see different documents.
pub(crate) fn check(content: &str) -> Result<(), XmlError> {
    let mut rest = content;
    let version = pseudo_attribute(&mut rest, "version")?.ok_or(malformed("the version is missing"))?;
    if version != "1.0" {
        return Err(malformed("the version is not 1.0"));
    }
    if let Some(encoding) = pseudo_attribute(&mut rest, "encoding")?
        && !encoding.eq_ignore_ascii_case("UTF-8")
    {
        return Err(XmlError::Encoding { declared: encoding.into() });
    }
    if let Some(standalone) = pseudo_attribute(&mut rest, "standalone")?
        && !matches!(standalone, "yes" | "no")
    {
        return Err(malformed("standalone is neither yes nor no"));
    }
    if rest.bytes().all(names::is_white_space) {
        Ok(())
    } else {
        Err(malformed("it holds more than version, encoding and standalone, in this order"))
    }
}

/// Removes white space, the name, `=` and a quoted value from the front of `rest`, if the name stands there. Returns
/// the value.
fn pseudo_attribute<'t>(rest: &mut &'t str, name: &str) -> Result<Option<&'t str>, XmlError> {
    let trimmed = trim_start(rest);
    let Some(following) = trimmed.strip_prefix(name) else { return Ok(None) };
    if trimmed.len() == rest.len() {
        return Err(malformed("white space is missing"));
    }
    let value =
        trim_start(following).strip_prefix('=').map(trim_start).ok_or(malformed("a “=” is missing"))?;
    let closed = match value.strip_prefix('"') {
        Some(open) => open.split_once('"'),
        None => value.strip_prefix('\'').and_then(|open| open.split_once('\'')),
    };
    let (value, following) = closed.ok_or(malformed("a value is not quoted"))?;
    *rest = following;
    Ok(Some(value))
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

const fn malformed(problem: &'static str) -> XmlError {
    XmlError::Declaration { problem, offset: 0 }
}
