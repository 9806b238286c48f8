//! The fields of a form of the portal.

use crate::form_fields::FormPart;

/// The fields of a posted form.
pub(super) struct Fields(Vec<FormPart>);

impl Fields {
    pub(super) fn of(parts: Vec<FormPart>) -> Fields {
        Fields(parts)
    }

    /// Returns the value of a field, if it is present and is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|part| part.name == name && !part.is_file)?;
        std::str::from_utf8(&found.value).ok().map(str::trim)
    }

    /// Returns the text of a field that is not empty.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// Returns the content of an uploaded file.
    pub(super) fn file(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|part| part.name == name && part.is_file)?;
        Some(found.value.as_slice()).filter(|content| !content.is_empty())
    }
}
