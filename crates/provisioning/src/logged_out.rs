//! Whose sessions a logout ends.

use std::fmt;

use vouchsafe_assertion::{ConnectionId, LogoutRequest};

use crate::identity::{Identity, SubjectSource, optional, part, short_key};

/// The sessions that a logout ends. `Debug` shows the connection only.
///
/// A logout request of an identity provider means a session over its connection if
///
/// * its name is that of the session, with its Format and both qualifiers (SAML Core 3.3.4), and one of its session
///   indexes is one of the session's. A request without an index, and a session without one, match every index; or
/// * its name omits parts that the session's name has, and is otherwise equal, and one of its session indexes is one of
///   the session's. Entra ID repeats the value of the NameID without its Format, and others omit the qualifiers. The
///   index shows that no other person of that value is meant; or
/// * the connection [ends sessions by their index alone](LogoutRequest::ends_by_session_index), and one of its session
///   indexes is one of the session's.
///
/// A part of a name that is present and differs makes it another name.
///
/// ```
/// use vouchsafe_assertion::ConnectionId;
/// use vouchsafe_provisioning::{Identity, LoggedOut};
///
/// let ada = Identity::new(ConnectionId::new("okta")?, "ada");
/// let logout = LoggedOut::sessions(ada.clone(), ["s1"]);
/// assert!(logout.means(&ada, &["s1".to_owned()]) && !logout.means(&ada, &["s2".to_owned()]));
/// assert!(LoggedOut::all_of(ada.clone()).means(&ada, &["s2".to_owned()]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LoggedOut {
    person: Identity,
    /// The parts of the name that the request has, if it omits one.
    parts: Option<Parts>,
    session_indexes: Vec<String>,
    by_session_index: bool,
}

/// The parts of a NameID as they were received. An omitted one matches any.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Parts {
    format: Option<String>,
    name_qualifier: Option<String>,
    sp_name_qualifier: Option<String>,
}

impl LoggedOut {
    /// The sessions that a request means.
    #[must_use]
    pub fn of(request: &LogoutRequest) -> Self {
        let (name, connection) = (request.name_id(), request.connection().clone());
        let person = Identity::of_name_id(name, connection, request.issuer(), request.audience());
        let owned = |part: Option<&str>| part.map(str::to_owned);
        Self::sessions(person, request.session_indexes())
            .named_with(owned(name.format()), owned(name.name_qualifier()), owned(name.sp_name_qualifier()))
            .by_session_index(request.ends_by_session_index())
    }

    /// All sessions of a person.
    #[must_use]
    pub fn all_of(person: Identity) -> Self {
        Self { person, parts: None, session_indexes: Vec::new(), by_session_index: false }
    }

    /// The sessions of a person that have one of these indexes, or none; without an index, all of them.
    #[must_use]
    pub fn sessions(person: Identity, indexes: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let indexes = indexes.into_iter().map(|index| session_index_text(index.as_ref()).to_owned());
        Self { session_indexes: indexes.collect(), ..Self::all_of(person) }
    }

    /// The same, by a name of which the request has these parts. An omitted part matches any, for a session with one of
    /// the indexes.
    #[must_use]
    pub fn named_with(
        mut self,
        format: Option<String>,
        name_qualifier: Option<String>,
        sp_name_qualifier: Option<String>,
    ) -> Self {
        self.parts =
            Some(Parts { format, name_qualifier, sp_name_qualifier }).filter(|parts| !parts.is_whole());
        self
    }

    /// The same, where the indexes alone decide.
    #[must_use]
    pub fn by_session_index(mut self, alone: bool) -> Self {
        self.by_session_index = alone;
        self
    }

    /// The person whom the request names, with omitted parts filled in.
    #[must_use]
    pub fn person(&self) -> &Identity {
        &self.person
    }

    /// The connection.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.person.connection
    }

    /// The session indexes, without surrounding white space. If there is none, all sessions of the person are meant.
    #[must_use]
    pub fn session_indexes(&self) -> &[String] {
        &self.session_indexes
    }

    /// Whether the logout ends a session of this person with these indexes.
    #[must_use]
    pub fn means(&self, person: &Identity, session_indexes: &[impl AsRef<str>]) -> bool {
        let has_index = session_indexes.iter().any(|own| {
            let own = session_index_text(own.as_ref());
            self.session_indexes.iter().any(|index| index == own)
        });
        let is_every_index = self.session_indexes.is_empty() || session_indexes.is_empty();
        match self.person == *person {
            true => has_index || is_every_index,
            false => has_index && (self.is_any_name_over(person) || self.names(person)),
        }
    }

    /// Whether a session of this person has the value of the name, and is not meant only because of the rest of the
    /// name or because of its indexes. A service that ends no session can tell so.
    #[must_use]
    pub fn has_value_of(&self, person: &Identity) -> bool {
        let is_name = matches!(person.source, SubjectSource::NameId { .. });
        is_name && self.person.connection == person.connection && self.person.subject == person.subject
    }

    fn is_any_name_over(&self, person: &Identity) -> bool {
        self.by_session_index && self.person.connection == person.connection
    }

    fn names(&self, person: &Identity) -> bool {
        let Some(parts) = &self.parts else { return false };
        let SubjectSource::NameId { format, name_qualifier, sp_name_qualifier } = &person.source else {
            return false;
        };
        let is_equal_or_omitted =
            |part: &Option<String>, own: Option<&String>| part.is_none() || part.as_ref() == own;
        self.has_value_of(person)
            && is_equal_or_omitted(&parts.format, Some(format))
            && is_equal_or_omitted(&parts.name_qualifier, name_qualifier.as_ref())
            && is_equal_or_omitted(&parts.sp_name_qualifier, sp_name_qualifier.as_ref())
    }

    /// For stores: the keys of the names under which the logout is remembered, each with the session indexes. A session
    /// looks for it under [`Identity::logout_keys`].
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let has_indexes = !self.session_indexes.is_empty();
        let parts = self.parts.as_ref().filter(|_| has_indexes);
        let by_parts = parts.map(|parts| parts.key(&self.person.connection, &self.person.subject));
        [self.person.key()].into_iter().chain(by_parts).chain(self.any_name_key()).collect()
    }

    /// For stores: the one of the [keys](Self::keys) that everybody over the connection has in common, if the indexes alone
    /// decide. The logout is remembered under it with each of its indexes and never with every index.
    #[must_use]
    pub fn any_name_key(&self) -> Option<String> {
        self.is_of_any_name().then(|| any_name_over(&self.person.connection))
    }

    /// Whether sessions of other names may be meant too.
    #[must_use]
    pub fn is_of_any_name(&self) -> bool {
        self.by_session_index && !self.session_indexes.is_empty()
    }
}

impl fmt::Debug for LoggedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LoggedOut").field("connection", self.connection()).finish_non_exhaustive()
    }
}

impl Identity {
    /// For stores: the keys of the names under which logouts are remembered that may mean a session of this person. The
    /// first is its own [key](Self::key): a logout under it also means a session without an index. The others mean only a
    /// session with one of the indexes.
    #[must_use]
    pub fn logout_keys(&self) -> Vec<String> {
        let mut keys = vec![self.key()];
        if let SubjectSource::NameId { format, name_qualifier, sp_name_qualifier } = &self.source {
            let or_omitted = |part: Option<&String>| {
                std::iter::once(None).chain(part.map(|part| Some(part.clone()))).collect::<Vec<_>>()
            };
            for format in or_omitted(Some(format)) {
                for name_qualifier in or_omitted(name_qualifier.as_ref()) {
                    for sp_name_qualifier in or_omitted(sp_name_qualifier.as_ref()) {
                        let (format, name_qualifier) = (format.clone(), name_qualifier.clone());
                        let parts = Parts { format, name_qualifier, sp_name_qualifier };
                        keys.extend((!parts.is_whole()).then(|| parts.key(&self.connection, &self.subject)));
                    }
                }
            }
        }
        keys.push(any_name_over(&self.connection));
        keys
    }

    /// For stores: a key that persons over one connection have in common if their NameIDs have the same value. A logout
    /// that means any of them locks it.
    #[must_use]
    pub fn value_key(&self) -> String {
        let [connection, subject] = [self.connection.as_str(), &self.subject].map(part);
        short_key(format!("value {connection} {subject}"), &self.connection)
    }
}

impl Parts {
    fn is_whole(&self) -> bool {
        self.format.is_some() && self.name_qualifier.is_some() && self.sp_name_qualifier.is_some()
    }

    fn key(&self, connection: &ConnectionId, value: &str) -> String {
        let parts = [&self.format, &self.name_qualifier, &self.sp_name_qualifier];
        let [format, name_qualifier, sp_name_qualifier] = parts.map(|part| optional(part.as_deref()));
        let [named, value] = [connection.as_str(), value].map(part);
        let whole = format!("named-with {named} {format} {name_qualifier} {sp_name_qualifier} {value}");
        short_key(whole, connection)
    }
}

fn any_name_over(connection: &ConnectionId) -> String {
    format!("any-name {}", part(connection.as_str()))
}

/// The session index without the white space of XML around it, which is how indexes are compared and stored. An identity
/// provider may break the line around an element's text, and not within an attribute.
///
/// ```
/// assert_eq!(vouchsafe_provisioning::session_index_text("\n  s1\n"), "s1");
/// assert_eq!(vouchsafe_provisioning::session_index_text("\u{a0}s1"), "\u{a0}s1");
/// ```
#[must_use]
pub fn session_index_text(index: &str) -> &str {
    index.trim_matches([' ', '\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use vouchsafe_metadata::name_id_format;

    use super::*;

    fn ada() -> Identity {
        let ada = Identity::new(ConnectionId::new("entra").unwrap(), "ada");
        ada.with_format(name_id_format::EMAIL_ADDRESS).with_qualifiers(None, Some("https://app.example"))
    }

    fn indexes(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn request(value: &str, parts: [Option<&str>; 3], asked: &[&str]) -> LoggedOut {
        let [format, name_qualifier, sp_name_qualifier] = parts.map(|part| part.map(str::to_owned));
        let named = Identity::new(ConnectionId::new("entra").unwrap(), value);
        let filled = named.with_format(format.as_deref().unwrap_or(name_id_format::UNSPECIFIED));
        let filled = filled.with_qualifiers(name_qualifier.as_deref(), sp_name_qualifier.as_deref());
        LoggedOut::sessions(filled, asked).named_with(format, name_qualifier, sp_name_qualifier)
    }

    #[test]
    fn an_omitted_part_matches_with_an_index() {
        let (email, own) = (Some(name_id_format::EMAIL_ADDRESS), Some("https://app.example"));
        let cases = [
            ("ada", [None, None, None], &["s1"][..], true),
            ("ada", [email, None, None], &["s1"], true),
            ("ada", [email, None, own], &[], true),
            ("ada", [email, None, own], &["s1"], true),
            ("ada", [email, None, own], &["s2"], false),
            ("ada", [None, None, own], &["s2", "s1"], true),
            // Without an index, another person of the same value may be meant.
            ("ada", [None, None, None], &[], false),
            ("ada", [None, None, None], &["s2"], false),
            ("Ada", [None, None, None], &["s1"], false),
            // A part that is present and differs is another name.
            ("ada", [Some(name_id_format::PERSISTENT), None, None], &["s1"], false),
            ("ada", [Some(name_id_format::UNSPECIFIED), None, None], &["s1"], false),
            ("ada", [None, Some("https://idp.example"), None], &["s1"], false),
            ("ada", [email, None, Some("https://other.example")], &["s1"], false),
        ];
        for (value, parts, asked, expected) in cases {
            let request = request(value, parts, asked);
            assert_eq!(request.means(&ada(), &["s1"]), expected, "{value} {parts:?} {asked:?}");
            // A session without an index is meant by its whole name only.
            let is_whole = *request.person() == ada();
            assert_eq!(request.means(&ada(), &[] as &[String]), is_whole, "{value} {parts:?} {asked:?}");
            let finds = |own: &[String]| {
                let keys = request.keys();
                let of_session = ada().logout_keys();
                let with_index = keys.iter().any(|key| of_session.contains(key));
                let is_own = keys.contains(&ada().key());
                let has_index = own.iter().any(|own| request.session_indexes().contains(own));
                let is_every = request.session_indexes().is_empty() || own.is_empty();
                (is_own && (has_index || is_every)) || (with_index && has_index)
            };
            for own in [indexes(&["s1"]), indexes(&["s2", "s3"]), Vec::new()] {
                assert_eq!(finds(&own), request.means(&ada(), &own), "{value} {parts:?} {asked:?} {own:?}");
            }
        }
    }

    #[test]
    fn an_index_alone_decides_where_the_connection_says_so() {
        let other = |asked: &[&str]| request("H0EPlI1h", [None, None, None], asked);
        assert!(!other(&["s1"]).means(&ada(), &["s1"]));
        let by_index = other(&["s1"]).by_session_index(true);
        assert!(by_index.means(&ada(), &["s1"]) && !by_index.means(&ada(), &["s2"]));
        assert!(by_index.keys().iter().any(|key| ada().logout_keys().contains(key)));
        assert!(!by_index.means(&ada(), &[] as &[String]));
        assert!(!by_index.means(&ada().over(ConnectionId::new("okta").unwrap()), &["s1"]));
        assert!(!other(&[]).by_session_index(true).means(&ada(), &["s1"]), "no index names a session");
    }

    #[test]
    fn white_space_around_an_index_does_not_count() {
        let request = LoggedOut::sessions(ada(), ["\n    s1\n  "]);
        assert_eq!(request.session_indexes(), ["s1"]);
        assert!(request.means(&ada(), &[" s1"]) && !request.means(&ada(), &["s 1"]));
    }
}
