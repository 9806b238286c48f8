//! A writer of XML text.

use crate::scope::misbound;
use crate::{Document, Limits, NamespaceScope, XmlError, names, namespace};

/// Builds XML text element by element, and escapes all values.
///
/// This crate can parse the written text: names and characters are checked, prefixes must be declared, and an
/// attribute may not occur twice. The first mistake is stored and returned by [`finish`](Self::finish), so that calls
/// can be chained.
///
/// ```
/// use vouchsafe_xml::Writer;
/// let mut writer = Writer::new();
/// writer.start("p:a").namespace("p", "urn:p").attribute("id", "1 < 2");
/// writer.start("p:b").text("R&D").end();
/// writer.end();
/// assert_eq!(writer.finish()?, r#"<p:a xmlns:p="urn:p" id="1 &lt; 2"><p:b>R&amp;D</p:b></p:a>"#);
/// # Ok::<(), vouchsafe_xml::XmlError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Writer {
    text: String,
    open: Vec<Open>,
    /// The declarations in scope: prefix and namespace name.
    bindings: Vec<(String, String)>,
    /// The start tag that is not closed yet.
    tag: Option<Tag>,
    has_root: bool,
    mistake: Option<XmlError>,
}

#[derive(Clone, Debug)]
struct Open {
    name: String,
    /// The length of `bindings` outside the element.
    bindings: usize,
}

#[derive(Clone, Debug, Default)]
struct Tag {
    attributes: Vec<String>,
}

impl Writer {
    /// Makes a writer of one element, the root.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a writer of one element in a place where these prefixes are bound already, so that it need not declare
    /// them.
    #[must_use]
    pub fn in_scope(scope: &NamespaceScope) -> Self {
        let bindings = scope.bindings().map(|(prefix, name)| (prefix.to_owned(), name.to_owned())).collect();
        Self { bindings, ..Self::default() }
    }

    /// Starts an element.
    pub fn start(&mut self, qualified_name: &str) -> &mut Self {
        self.attempt(|writer| {
            writer.close_tag()?;
            writer.begin_root(qualified_name)?;
            qualified(qualified_name)?;
            writer.open.push(Open { name: qualified_name.into(), bindings: writer.bindings.len() });
            writer.tag = Some(Tag::default());
            writer.text.push('<');
            writer.text.push_str(qualified_name);
            Ok(())
        })
    }

    /// Declares a prefix on the element just started. The empty prefix is the default namespace.
    pub fn namespace(&mut self, prefix: &str, name: &str) -> &mut Self {
        self.attempt(|writer| {
            if let Some(problem) = misbound(prefix, name) {
                return Err(mistake(problem, prefix));
            }
            let first = writer.open.last().map_or(0, |open| open.bindings);
            let own = writer.bindings.get(first..).unwrap_or_default();
            if writer.tag.is_none() {
                return Err(mistake(
                    "a declaration must follow directly after the start of an element",
                    prefix,
                ));
            }
            if own.iter().any(|(bound, _)| bound == prefix) {
                return Err(mistake("the prefix is declared twice on one element", prefix));
            }
            let declared = if prefix.is_empty() { "xmlns".into() } else { format!("xmlns:{prefix}") };
            writer.push_attribute(&declared, name)?;
            writer.bindings.push((prefix.into(), name.into()));
            Ok(())
        })
    }

    /// Adds an attribute to the element just started.
    pub fn attribute(&mut self, qualified_name: &str, value: &str) -> &mut Self {
        self.attempt(|writer| {
            let prefix = qualified(qualified_name)?;
            if prefix == "xmlns" || qualified_name == "xmlns" {
                return Err(mistake("a declaration is written with namespace()", qualified_name));
            }
            let Some(tag) = &mut writer.tag else {
                return Err(mistake(
                    "an attribute belongs right behind the start of an element",
                    qualified_name,
                ));
            };
            tag.attributes.push(qualified_name.into());
            writer.push_attribute(qualified_name, value)
        })
    }

    /// Adds an attribute, if there is a value.
    pub fn optional_attribute(&mut self, qualified_name: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.attribute(qualified_name, value),
            None => self,
        }
    }

    /// Adds text to the innermost open element.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.attempt(|writer| {
            writer.close_tag()?;
            if writer.open.is_empty() {
                return Err(mistake("the text is in an element", text));
            }
            refuse_illegal(text)?;
            for character in text.chars() {
                match character {
                    '&' => writer.text.push_str("&amp;"),
                    '<' => writer.text.push_str("&lt;"),
                    '>' => writer.text.push_str("&gt;"),
                    '\r' => writer.text.push_str("&#13;"),
                    other => writer.text.push(other),
                }
            }
            Ok(())
        })
    }

    /// Adds an element that contains only text.
    pub fn element(&mut self, qualified_name: &str, text: &str) -> &mut Self {
        self.start(qualified_name).text(text).end()
    }

    /// Adds an element that is written already, byte for byte. It is parsed to check that it is one element whose
    /// prefixes are declared in itself or here.
    pub fn raw_element(&mut self, element: &str) -> &mut Self {
        self.attempt(|writer| {
            writer.close_tag()?;
            writer.begin_root(element)?;
            let scope = NamespaceScope::from_declared(writer.bindings_in_scope());
            Document::parse_in_scope(element.as_bytes(), &scope, &Limits::metadata())?;
            writer.text.push_str(element);
            Ok(())
        })
    }

    /// Ends the innermost open element.
    pub fn end(&mut self) -> &mut Self {
        self.attempt(|writer| {
            let is_empty = writer.check_tag()?;
            let Some(open) = writer.open.pop() else {
                return Err(mistake("there is no element to end", ""));
            };
            if is_empty {
                writer.text.push_str("/>");
            } else {
                writer.text.extend(["</", &open.name, ">"]);
            }
            writer.bindings.truncate(open.bindings);
            Ok(())
        })
    }

    /// Returns the text.
    ///
    /// # Errors
    /// The first mistake that was made, or an error if elements are left open or if there is no element.
    pub fn finish(self) -> Result<String, XmlError> {
        match (self.mistake, self.open.last()) {
            (Some(mistake), _) => Err(mistake),
            (None, Some(open)) => Err(mistake("the element is not ended", &open.name)),
            (None, None) if !self.has_root => Err(XmlError::NoRoot),
            (None, None) => Ok(self.text),
        }
    }

    /// Runs a step, unless a mistake was made before, and stores the mistake of the step.
    fn attempt(&mut self, step: impl FnOnce(&mut Self) -> Result<(), XmlError>) -> &mut Self {
        if self.mistake.is_none() {
            self.mistake = step(self).err();
        }
        self
    }

    fn begin_root(&mut self, what: &str) -> Result<(), XmlError> {
        if self.open.is_empty() && self.has_root {
            return Err(mistake("there is a root element already", what));
        }
        self.has_root = true;
        Ok(())
    }

    fn push_attribute(&mut self, name: &str, value: &str) -> Result<(), XmlError> {
        refuse_illegal(value)?;
        self.text.extend([" ", name, "=\""]);
        for character in value.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                '\t' => self.text.push_str("&#9;"),
                '\n' => self.text.push_str("&#10;"),
                '\r' => self.text.push_str("&#13;"),
                other => self.text.push(other),
            }
        }
        self.text.push('"');
        Ok(())
    }

    /// Closes the start tag, if one is open, so that content can follow.
    fn close_tag(&mut self) -> Result<(), XmlError> {
        if self.check_tag()? {
            self.text.push('>');
        }
        Ok(())
    }

    /// Checks the open start tag, if there is one, after all its declarations are known.
    fn check_tag(&mut self) -> Result<bool, XmlError> {
        let Some(tag) = self.tag.take() else { return Ok(false) };
        if let Some(open) = self.open.last() {
            self.bound(qualified(&open.name)?)?;
        }
        let mut expanded = Vec::with_capacity(tag.attributes.len());
        for name in &tag.attributes {
            let prefix = qualified(name)?;
            let bound = if prefix.is_empty() { "" } else { self.bound(prefix)? };
            expanded.push((bound, name.rsplit(':').next().unwrap_or_default()));
        }
        expanded.sort_unstable();
        match expanded.windows(2).find(|pair| pair.first() == pair.last()) {
            Some(pair) => Err(mistake("the attribute occurs twice", pair.first().map_or("", |name| name.1))),
            None => Ok(true),
        }
    }

    fn bound(&self, prefix: &str) -> Result<&str, XmlError> {
        if prefix == "xml" {
            return Ok(namespace::XML);
        }
        match self.bindings.iter().rev().find(|(bound, _)| bound == prefix) {
            Some((_, name)) => Ok(name),
            None if prefix.is_empty() => Ok(""),
            None => Err(mistake("the prefix is not declared", prefix)),
        }
    }

    /// Returns the namespace of each prefix in scope, each prefix once.
    fn bindings_in_scope(&self) -> Vec<(String, String)> {
        let mut bindings: Vec<(String, String)> = Vec::new();
        for (prefix, name) in self.bindings.iter().rev() {
            if !bindings.iter().any(|(bound, _)| bound == prefix) {
                bindings.push((prefix.clone(), name.clone()));
            }
        }
        bindings.retain(|(prefix, name)| !name.is_empty() && prefix != "xml");
        bindings
    }
}

/// Returns the prefix of a qualified name.
fn qualified(name: &str) -> Result<&str, XmlError> {
    match names::prefix_length(name) {
        Ok(length) => Ok(name.get(..length).unwrap_or_default()),
        Err(names::NotAName) => Err(mistake("it is not a name", name)),
    }
}

fn refuse_illegal(text: &str) -> Result<(), XmlError> {
    match names::first_illegal(text) {
        Some(_) => Err(mistake("it holds a character that XML does not allow", text)),
        None => Ok(()),
    }
}

fn mistake(problem: &'static str, name: &str) -> XmlError {
    XmlError::Writer { problem, name: name.into() }
}
