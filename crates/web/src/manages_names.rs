//! What an application does when an identity provider changes or ends the name of a person.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use vouchsafe::{ManageNameIdRequest, NameIdOrder, NameIdStatus, StatusAnswer};

use crate::error::HttpError;

/// The names of an application's people that identity providers manage. [`Provisioned`](crate::Provisioned)
/// implements it.
pub trait ManagesNames: Send + Sync + fmt::Debug {
    /// Ends the sessions under the old name of a request, since single logout finds them by the name. An assertion that
    /// was issued before the request ([`ManageNameIdRequest::issued_at`]) and arrives after it still has the old name:
    /// treat it like one that arrives after a logout. Change no account: it is called over each connection that has the
    /// key, and a stranger can have configured one of them.
    fn end_sessions<'a>(&'a self, request: &'a ManageNameIdRequest) -> Managed<'a, ()>;

    /// An identity provider gives a person a new name, or states that the old one is no longer used. Compare the
    /// whole name, over its connection. Carry the change out at once, since the answer states the result.
    ///
    /// It is called after [`end_sessions`](Self::end_sessions), and only if no other connection to the identity
    /// provider has the key that signed the request, or if the request came to an address of its connection.
    fn requested<'a>(&'a self, request: &'a ManageNameIdRequest) -> Managed<'a, NameIdStatus>;

    /// An identity provider confirmed a [request of this service](crate::SingleSignOn::order_name_id).
    fn confirmed<'a>(&'a self, answer: &'a StatusAnswer, order: &'a NameIdOrder) -> Managed<'a, ()>;
}

/// The result of [`ManagesNames`].
pub type Managed<'a, T> = Pin<Box<dyn Future<Output = Result<T, HttpError>> + Send + 'a>>;
