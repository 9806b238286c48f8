//! What the page of the chooser shows.

use vouchsafe::metadata::Logo;

/// The content of the chooser's page.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ChooserView<'a> {
    /// The application's name.
    pub name: &'a str,
    /// The text that was searched.
    pub search: &'a str,
    /// Where the person wants to go after the sign-in.
    pub return_to: Option<&'a str>,
    /// The identity providers to choose from.
    pub choices: &'a [ShownChoice<'a>],
    /// The number of matches, including those that are not shown.
    pub total: usize,
}

/// An identity provider to choose.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShownChoice<'a> {
    /// The name in the person's language.
    pub name: &'a str,
    /// The entityID.
    pub entity_id: &'a str,
    /// Whether another identity provider of the list has the same name, [also one that is not
    /// shown](crate::IdentityProviderList::is_ambiguous). Show the entityID too then, because an identity provider can use
    /// the name of another.
    pub is_ambiguous: bool,
    /// The logo, if one may be shown.
    pub logo: Option<&'a Logo>,
    /// The address that starts the sign-in there.
    pub address: String,
}
