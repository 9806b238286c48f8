//! The messages that an attack sends to an endpoint for logout or for names, and what the endpoint answers.

/// The way in which a message is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Door {
    /// The query of a redirect.
    Redirect,
    /// A form that a browser posts.
    Post,
    /// A SOAP envelope from a server.
    Soap,
}

impl Door {
    pub(super) const ALL: &'static [Door] = &[Door::Redirect, Door::Post, Door::Soap];

    /// Those that a browser uses.
    pub(super) const FRONT: &'static [Door] = &[Door::Redirect, Door::Post];

    pub(super) fn name(self) -> &'static str {
        match self {
            Door::Redirect => "redirect",
            Door::Post => "post",
            Door::Soap => "soap",
        }
    }
}

/// A message that is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// A GET request to the endpoint with this query.
    Redirect(String),
    /// A POST request to it with this form, as `application/x-www-form-urlencoded`.
    Post(String),
    /// A POST request to the SOAP address with this envelope, as `text/xml`.
    Soap(String),
}

/// What an endpoint answered to a message.
///
/// ```
/// use vouchsafe_testkit::attacks::Answered;
///
/// assert_eq!(Answered::of_status(303), Answered::Accepted);
/// assert_eq!(Answered::of_status(403), Answered::Refused);
/// assert_eq!(Answered::of_status(429), Answered::Unavailable);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Answered {
    /// It answered as it answers a message that it believes: with a page, a redirect, or an answer to the identity
    /// provider, whatever the status of that answer is.
    Accepted,
    /// It refused the message.
    Refused,
    /// It did not judge the message: it has too much to do, or has failed. An attack with this answer proves nothing.
    Unavailable,
}

impl Answered {
    /// Returns the answer that an HTTP status means: 200 to 399 are an acceptance, 429 and all from 500 on an outage, and all
    /// others a refusal.
    ///
    /// Some services refuse with a page and status 200, or with a SOAP fault and status 500. Do not use this method for
    /// those.
    #[must_use]
    pub const fn of_status(status: u16) -> Answered {
        match status {
            200..=399 => Answered::Accepted,
            429 | 500.. => Answered::Unavailable,
            _ => Answered::Refused,
        }
    }
}
