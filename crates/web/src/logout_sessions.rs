//! What single logout needs: the sessions that end, the store of logouts, and the way to ask identity providers over
//! SOAP.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use vouchsafe::{LogoutRequest, SoapCall};
use vouchsafe_store::LogoutStore;

use crate::error::HttpError;

/// The sessions of an application that an identity provider can end. [`Provisioned`](crate::Provisioned) implements
/// it.
pub trait LogoutSessions: Send + Sync + fmt::Debug {
    /// Ends the sessions over its connection that the request means, by their names and session indexes:
    /// [`LoggedOut::means`](vouchsafe::provisioning::LoggedOut::means) of
    /// [`LoggedOut::of`](vouchsafe::provisioning::LoggedOut::of). Cookies cannot be used to find them: an identity
    /// provider may send the request in an invisible frame, or from its own server. Returns the number of ended
    /// sessions; zero is not an error, since they may have ended before.
    fn end<'a>(&'a self, request: &'a LogoutRequest) -> EndsSessions<'a>;
}

/// The result of [`LogoutSessions::end`].
pub type EndsSessions<'a> = Pin<Box<dyn Future<Output = Result<u64, HttpError>> + Send + 'a>>;

/// The parts that single logout needs.
#[derive(Clone)]
pub(crate) struct SingleLogout {
    pub(crate) store: Arc<dyn LogoutStore>,
    pub(crate) sessions: Arc<dyn LogoutSessions>,
}

pub(crate) type BackChannel =
    Arc<dyn Fn(&SoapCall) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, HttpError>> + Send>> + Send + Sync>;
