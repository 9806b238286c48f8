//! The error of a program, in words.

use std::error::Error;
use std::{fmt, io, iter};

use crate::Explain;

/// An error in words: its message, its code and its hint. Return it from `main`.
///
/// If `main` returns an error, Rust prints it with `Debug`. `Debug` of other errors shows their fields and no hint;
/// `Debug` of this type shows its text. The operator `?` makes it of every error that implements [`Explain`], of
/// [`io::Error`], and of text. For errors of other libraries, use `map_err(|error| error.to_string())?`.
///
/// ```
/// use vouchsafe::{EntityId, Explained, ServiceProvider};
///
/// fn service_provider(address: &str) -> Result<ServiceProvider, Explained> {
///     let name = EntityId::new(format!("{address}/saml/metadata"))?;
///     Ok(ServiceProvider::builder(name).assertion_consumer(&format!("{address}/saml/acs"))?.build()?)
/// }
///
/// let error = service_provider("http://app.example.com").unwrap_err();
/// assert!(format!("{error:?}").ends_with(
///     " [binding.url]. Configure an absolute https URL; http works only for localhost and 127.0.0.1."
/// ));
/// ```
#[derive(Clone)]
pub struct Explained(String);

impl<E: Explain> From<E> for Explained {
    fn from(error: E) -> Explained {
        let mut text = error.to_string();
        // The last cause says what happened, and many messages contain it already.
        let root = iter::successors(error.source(), |cause| (*cause).source()).last();
        if let Some(cause) = root.map(ToString::to_string).filter(|cause| !text.contains(cause.as_str())) {
            text = format!("{text}: {cause}");
        }
        Explained(format!("{text} [{}]. {}", error.code(), error.hint()))
    }
}

impl From<io::Error> for Explained {
    fn from(error: io::Error) -> Explained {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => {
                ". Another program listens at this address: stop it, or choose another port."
            }
            _ => "",
        };
        Explained(format!("{error}{remedy}"))
    }
}

impl From<String> for Explained {
    fn from(text: String) -> Explained {
        Explained(text)
    }
}

impl From<&str> for Explained {
    fn from(text: &str) -> Explained {
        Explained(text.to_owned())
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Explained {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Error for Explained {}
