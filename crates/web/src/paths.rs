//! The paths of the routes of a service.

/// The path of our metadata (GET).
pub const METADATA: &str = "/saml/metadata";
/// The path that starts a sign-in, with `organization`, the typed text, and `return`, a path. Use GET with a query
/// for links, and POST with a form for a field in which people type an e-mail address, since queries are written into
/// logs and histories.
pub const LOGIN: &str = "/saml/login";
/// The assertion consumer (POST; GET for artifacts).
pub const ASSERTION_CONSUMER: &str = "/saml/acs";
/// The assertion consumer of a connection that has one of its own (POST, GET).
pub const CONNECTION_ASSERTION_CONSUMER: &str = "/saml/{connection}/acs";
/// The path of our metadata for the identity provider of one connection (GET).
pub const CONNECTION_METADATA: &str = "/saml/{connection}/metadata";
/// The path that ends the session here, and then that at the identity provider if it takes part in single logout
/// (POST from a page of this service).
pub const LOGOUT: &str = "/saml/logout";
/// The path for logout messages of identity providers by browser (GET and POST).
pub const SINGLE_LOGOUT: &str = "/saml/slo";
/// The path for logout requests of identity providers over SOAP (POST).
pub const SINGLE_LOGOUT_SOAP: &str = "/saml/slo/soap";
/// The single logout address of a connection that has one of its own (GET and POST).
pub const CONNECTION_SINGLE_LOGOUT: &str = "/saml/{connection}/slo";
/// The SOAP address for logout of a connection that has one of its own (POST).
pub const CONNECTION_SINGLE_LOGOUT_SOAP: &str = "/saml/{connection}/slo/soap";
/// The path for messages of identity providers about names by browser: their requests, and their answers to ours (GET
/// and POST).
pub const NAME_ID: &str = "/saml/name-id";
/// The path for requests of identity providers about names over SOAP (POST).
pub const NAME_ID_SOAP: &str = "/saml/name-id/soap";
/// The address for names of a connection that has one of its own (GET and POST).
pub const CONNECTION_NAME_ID: &str = "/saml/{connection}/name-id";
/// The SOAP address for names of a connection that has one of its own (POST).
pub const CONNECTION_NAME_ID_SOAP: &str = "/saml/{connection}/name-id/soap";
/// The page with a button that posts a kept form again after a sign-in (GET).
pub const KEPT_FORM: &str = "/saml/form";
/// The path that links the account of the session to its person at the identity provider (POST from a page of this
/// service).
pub const LINK: &str = "/saml/link";
/// The path for the answer of a discovery service (GET).
pub const DISCOVERED: &str = "/saml/discovered";
/// The page to choose an identity provider, if there is a [`Chooser`](crate::Chooser) (GET).
pub const CHOOSER: &str = "/saml/choose";
/// The list of all identity providers to choose from as JSON, if there is a [`Chooser`](crate::Chooser) (GET).
pub const DISCOVERY_FEED: &str = "/saml/discofeed";

/// The paths of the routes that `vouchsafe-axum` and `vouchsafe-actix` make. They are relative to the path under
/// which the routes are nested.
///
/// The service provider's entity ID and assertion consumer, and those of connections, are configured separately, as
/// addresses that browsers see.
///
/// ```
/// use vouchsafe_web::Paths;
///
/// let paths = Paths::default().login("/sso/start").assertion_consumer("/sso/callback");
/// assert_eq!(paths.login, "/sso/start");
/// assert_eq!(paths.metadata, "/saml/metadata");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Paths {
    /// The path of our metadata. Default: [`METADATA`].
    pub metadata: String,
    /// The path that starts a sign-in. Default: [`LOGIN`].
    pub login: String,
    /// The path to which responses are posted. Default: [`ASSERTION_CONSUMER`].
    pub assertion_consumer: String,
    /// The path to which responses are posted over a connection that has an assertion consumer of its own. Default:
    /// [`CONNECTION_ASSERTION_CONSUMER`].
    pub connection_assertion_consumer: String,
    /// The path of our metadata for one connection. Default: [`CONNECTION_METADATA`].
    pub connection_metadata: String,
    /// The path that ends a session, if sessions are those of [`Provisioned`](crate::Provisioned). Default:
    /// [`LOGOUT`].
    pub logout: String,
    /// The path for logout messages of identity providers by browser. Default: [`SINGLE_LOGOUT`].
    pub single_logout: String,
    /// The path for logout requests of identity providers over SOAP. Default: [`SINGLE_LOGOUT_SOAP`].
    pub single_logout_soap: String,
    /// The path for logout messages by browser of a connection that has an address of its own. Default:
    /// [`CONNECTION_SINGLE_LOGOUT`].
    pub connection_single_logout: String,
    /// The path for logout requests over SOAP of a connection that has an address of its own. Default:
    /// [`CONNECTION_SINGLE_LOGOUT_SOAP`].
    pub connection_single_logout_soap: String,
    /// The path for messages about names by browser. Default: [`NAME_ID`].
    pub name_id: String,
    /// The path for requests about names over SOAP. Default: [`NAME_ID_SOAP`].
    pub name_id_soap: String,
    /// The path for messages about names by browser of a connection that has an address of its own. Default:
    /// [`CONNECTION_NAME_ID`].
    pub connection_name_id: String,
    /// The path for requests about names over SOAP of a connection that has an address of its own. Default:
    /// [`CONNECTION_NAME_ID_SOAP`].
    pub connection_name_id_soap: String,
    /// The page that posts a kept form again. Default: [`KEPT_FORM`].
    pub kept_form: String,
    /// The path that links an account, if sessions are those of [`Provisioned`](crate::Provisioned). Default:
    /// [`LINK`].
    pub link: String,
    /// The path for the answer of a discovery service. Default: [`DISCOVERED`].
    pub discovered: String,
    /// The page to choose an identity provider, if there is a [`Chooser`](crate::Chooser). Default: [`CHOOSER`].
    pub chooser: String,
    /// The list of all identity providers as JSON. Default: [`DISCOVERY_FEED`].
    pub discovery_feed: String,
}

impl Default for Paths {
    fn default() -> Paths {
        Paths {
            metadata: METADATA.to_owned(),
            login: LOGIN.to_owned(),
            assertion_consumer: ASSERTION_CONSUMER.to_owned(),
            connection_assertion_consumer: CONNECTION_ASSERTION_CONSUMER.to_owned(),
            connection_metadata: CONNECTION_METADATA.to_owned(),
            logout: LOGOUT.to_owned(),
            single_logout: SINGLE_LOGOUT.to_owned(),
            single_logout_soap: SINGLE_LOGOUT_SOAP.to_owned(),
            connection_single_logout: CONNECTION_SINGLE_LOGOUT.to_owned(),
            connection_single_logout_soap: CONNECTION_SINGLE_LOGOUT_SOAP.to_owned(),
            name_id: NAME_ID.to_owned(),
            name_id_soap: NAME_ID_SOAP.to_owned(),
            connection_name_id: CONNECTION_NAME_ID.to_owned(),
            connection_name_id_soap: CONNECTION_NAME_ID_SOAP.to_owned(),
            kept_form: KEPT_FORM.to_owned(),
            link: LINK.to_owned(),
            discovered: DISCOVERED.to_owned(),
            chooser: CHOOSER.to_owned(),
            discovery_feed: DISCOVERY_FEED.to_owned(),
        }
    }
}

impl Paths {
    /// Sets [`metadata`](Self::metadata).
    pub fn metadata(self, path: &str) -> Paths {
        Paths { metadata: path.to_owned(), ..self }
    }

    /// Sets [`login`](Self::login).
    pub fn login(self, path: &str) -> Paths {
        Paths { login: path.to_owned(), ..self }
    }

    /// Sets [`assertion_consumer`](Self::assertion_consumer).
    pub fn assertion_consumer(self, path: &str) -> Paths {
        Paths { assertion_consumer: path.to_owned(), ..self }
    }

    /// Sets [`connection_assertion_consumer`](Self::connection_assertion_consumer). The path has the parameter `{connection}`, the connection's
    /// name; a parameter with another name gets this one.
    pub fn connection_assertion_consumer(self, path: &str) -> Paths {
        Paths { connection_assertion_consumer: with_connection(path), ..self }
    }

    /// Sets [`connection_metadata`](Self::connection_metadata). The path has the parameter `{connection}`, the connection's name.
    pub fn connection_metadata(self, path: &str) -> Paths {
        Paths { connection_metadata: with_connection(path), ..self }
    }

    /// Sets [`logout`](Self::logout).
    pub fn logout(self, path: &str) -> Paths {
        Paths { logout: path.to_owned(), ..self }
    }

    /// Sets [`single_logout`](Self::single_logout).
    pub fn single_logout(self, path: &str) -> Paths {
        Paths { single_logout: path.to_owned(), ..self }
    }

    /// Sets [`single_logout_soap`](Self::single_logout_soap).
    pub fn single_logout_soap(self, path: &str) -> Paths {
        Paths { single_logout_soap: path.to_owned(), ..self }
    }

    /// Sets [`connection_single_logout`](Self::connection_single_logout). The path has the parameter `{connection}`, the connection's name.
    pub fn connection_single_logout(self, path: &str) -> Paths {
        Paths { connection_single_logout: with_connection(path), ..self }
    }

    /// Sets [`connection_single_logout_soap`](Self::connection_single_logout_soap). The path has the parameter `{connection}`.
    pub fn connection_single_logout_soap(self, path: &str) -> Paths {
        Paths { connection_single_logout_soap: with_connection(path), ..self }
    }

    /// Sets [`name_id`](Self::name_id).
    pub fn name_id(self, path: &str) -> Paths {
        Paths { name_id: path.to_owned(), ..self }
    }

    /// Sets [`name_id_soap`](Self::name_id_soap).
    pub fn name_id_soap(self, path: &str) -> Paths {
        Paths { name_id_soap: path.to_owned(), ..self }
    }

    /// Sets [`connection_name_id`](Self::connection_name_id). The path has the parameter `{connection}`, the connection's name.
    pub fn connection_name_id(self, path: &str) -> Paths {
        Paths { connection_name_id: with_connection(path), ..self }
    }

    /// Sets [`connection_name_id_soap`](Self::connection_name_id_soap). The path has the parameter `{connection}`.
    pub fn connection_name_id_soap(self, path: &str) -> Paths {
        Paths { connection_name_id_soap: with_connection(path), ..self }
    }

    /// Sets [`kept_form`](Self::kept_form).
    pub fn kept_form(self, path: &str) -> Paths {
        Paths { kept_form: path.to_owned(), ..self }
    }

    /// Sets [`link`](Self::link).
    pub fn link(self, path: &str) -> Paths {
        Paths { link: path.to_owned(), ..self }
    }

    /// Sets [`discovered`](Self::discovered).
    pub fn discovered(self, path: &str) -> Paths {
        Paths { discovered: path.to_owned(), ..self }
    }

    /// Sets [`chooser`](Self::chooser).
    pub fn chooser(self, path: &str) -> Paths {
        Paths { chooser: path.to_owned(), ..self }
    }

    /// Sets [`discovery_feed`](Self::discovery_feed).
    pub fn discovery_feed(self, path: &str) -> Paths {
        Paths { discovery_feed: path.to_owned(), ..self }
    }
}

/// Names the parameter of a path `{connection}`, by which the routes find it: the only parameter, or else the last one.
fn with_connection(path: &str) -> String {
    const NAMED: &str = "{connection}";
    if path.contains(NAMED) {
        return path.to_owned();
    }
    match path.rsplit_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?.1))) {
        Some((before, after)) => format!("{before}{NAMED}{after}"),
        None => {
            tracing::error!(
                path,
                "the path for connections has no parameter {{connection}}: no connection is found there"
            );
            path.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameter_of_a_connection_has_its_name() {
        for (given, expected) in [
            ("/saml/{connection}/acs", "/saml/{connection}/acs"),
            ("/saml/{id}/acs", "/saml/{connection}/acs"),
            ("/t/{tenant}/saml/{id}", "/t/{tenant}/saml/{connection}"),
            ("/t/{connection}/saml/{id}", "/t/{connection}/saml/{id}"),
            ("/saml/acs", "/saml/acs"),
        ] {
            assert_eq!(
                Paths::default().connection_assertion_consumer(given).connection_assertion_consumer,
                expected
            );
        }
    }

    /// Each method sets its own path and does not change the others.
    #[test]
    fn every_path_can_be_renamed() {
        let renamed = Paths::default()
            .metadata("/1")
            .login("/2")
            .assertion_consumer("/3")
            .connection_assertion_consumer("/4")
            .connection_metadata("/5")
            .logout("/6")
            .link("/7")
            .single_logout("/8")
            .single_logout_soap("/9")
            .connection_single_logout("/10")
            .connection_single_logout_soap("/11")
            .name_id("/12")
            .name_id_soap("/13")
            .connection_name_id("/14")
            .connection_name_id_soap("/15")
            .kept_form("/16")
            .discovered("/17")
            .chooser("/18")
            .discovery_feed("/19");
        let expected = Paths {
            metadata: "/1".to_owned(),
            login: "/2".to_owned(),
            assertion_consumer: "/3".to_owned(),
            connection_assertion_consumer: "/4".to_owned(),
            connection_metadata: "/5".to_owned(),
            logout: "/6".to_owned(),
            link: "/7".to_owned(),
            single_logout: "/8".to_owned(),
            single_logout_soap: "/9".to_owned(),
            connection_single_logout: "/10".to_owned(),
            connection_single_logout_soap: "/11".to_owned(),
            discovered: "/17".to_owned(),
            chooser: "/18".to_owned(),
            discovery_feed: "/19".to_owned(),
            name_id: "/12".to_owned(),
            name_id_soap: "/13".to_owned(),
            connection_name_id: "/14".to_owned(),
            connection_name_id_soap: "/15".to_owned(),
            kept_form: "/16".to_owned(),
        };
        assert_eq!(renamed, expected);
    }
}
