//! The set-up portal (feature `portal`): pages on which a customer's administrator connects their identity provider,
//! without an account at the service.
//!
//! The service issues a link ([`SetUpLink`](vouchsafe_store::SetUpLink)). The person who opens it chooses the
//! product, copies the values of the service into its console, and gives the metadata. They then try a sign-in, which
//! shows every check and the plan and changes nothing, and activate the connection. Domains are verified by a record
//! in the DNS. With an active connection the portal shows its certificates and the last refused sign-ins, can
//! replace the identity provider, and shows newer metadata that waits for approval, to be approved or refused.
//!
//! The pages are plain HTML and need no script.

mod act;
mod activation;
mod answers;
mod brand;
mod certificates;
mod changes;
mod connection_facts;
mod domains;
mod error;
mod fields;
mod holder_hints;
mod link_limits;
mod links;
mod markup;
mod metadata;
mod overview;
mod own_keys;
mod own_users;
mod page;
mod pages;
mod parsed;
mod place;
mod planned;
mod requirements;
mod response;
pub(crate) mod settings;
mod staged;
mod steps;
mod trial;
mod visit;

use http::request::Parts;
use http::{Method, Response, StatusCode};

use crate::answers::answer;
use crate::error::HttpError;
use crate::single_sign_on::SingleSignOn;
use crate::work::to_the_end;

pub use brand::{SetUpBrand, SetUpView};
pub use changes::{SetUpChange, SetUpEvent};
pub use error::SetUpError;
pub use settings::{SetUp, SetUpDirectory};
pub(crate) use trial::is_of_set_up;

impl SingleSignOn {
    /// Lets customers set their connections up in this [portal](SetUp).
    #[must_use]
    pub fn set_up_by(self, set_up: SetUp) -> SingleSignOn {
        self.changed(|inner| inner.set_up = Some(set_up))
    }

    /// Answers a request to the set-up portal. `step` is the path below that of the portal, and the URI of `request` the one
    /// that was asked for, outside of any nesting. Without [`set_up_by`](Self::set_up_by) the status is 404.
    ///
    /// The body of the metadata form is as large as the metadata, usually about 10 KiB; the HTTP server limits it.
    pub async fn set_up(&self, request: &Parts, step: &str, body: &[u8]) -> Response<String> {
        let Some(set_up) = &self.inner.set_up else {
            return answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", String::new());
        };
        let step = step.trim_matches('/');
        if request.method != Method::POST {
            return set_up.answered(self, request, step, body).await;
        }
        // A form is carried out as a whole, also if the browser does not wait for the answer.
        let (sso, portal, request_there) = (self.clone(), set_up.clone(), request.clone());
        let (step, body) = (step.to_owned(), body.to_vec());
        let done = async move { Ok(portal.answered(&sso, &request_there, &step, &body).await) };
        to_the_end(done).await.unwrap_or_else(|error| set_up.refused(self, request, error.into()))
    }

    /// Answers a request to the set-up portal whose body could not be read, because it is too large for example, with a
    /// page of the portal.
    pub fn set_up_unread(&self, request: &Parts, error: HttpError) -> Response<String> {
        match &self.inner.set_up {
            Some(set_up) => set_up.refused(self, request, SetUpError::Unread(error.to_string())),
            None => answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", String::new()),
        }
    }
}
