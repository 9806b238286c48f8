//! The doctor with its settings.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use vouchsafe_crypto::{PrivateKey, Provider};
use vouchsafe_xml::Limits;

/// Examines files together. Metadata among them defines whom to trust and who we are, and certificates (PEM) give
/// further keys.
///
/// Only whole files of metadata and whole certificates are used in this way. Metadata inside a message, a page or a
/// recording is examined, but never defines whom to trust or who we are. Two different descriptions of one entity are
/// an error, and neither is used. A value to enter into a console is never taken from a message.
#[derive(Clone, Debug)]
pub struct Doctor {
    pub(crate) now: DateTime<Utc>,
    pub(crate) judged_at: Option<DateTime<Utc>>,
    pub(crate) entity_id: Option<String>,
    pub(crate) assertion_consumer: Option<String>,
    pub(crate) single_logout: Option<String>,
    pub(crate) decryption_keys: Vec<PrivateKey>,
    pub(crate) unauthenticated_cbc: bool,
    pub(crate) keeps_messages: bool,
    pub(crate) request_lifetime: RequestLifetime,
    pub(crate) provider: Provider,
    pub(crate) limits: Limits,
}

impl Doctor {
    /// Makes a doctor with the current time.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Doctor {
        Doctor {
            now: now.trunc_subsecs(0),
            judged_at: None,
            entity_id: None,
            assertion_consumer: None,
            single_logout: None,
            decryption_keys: Vec::new(),
            unauthenticated_cbc: false,
            keeps_messages: false,
            request_lifetime: RequestLifetime::default(),
            provider: Provider::rustcrypto(),
            limits: Limits::default(),
        }
    }

    /// Examines everything as of this time, also metadata and certificates. Without it, a message is examined as of
    /// the time when it was recorded or issued, since people ask the doctor later; the rest is examined as of now.
    #[must_use]
    pub fn judged_at(mut self, time: DateTime<Utc>) -> Doctor {
        self.judged_at = Some(time);
        self
    }

    /// Sets our entity ID. Without it, the doctor uses that of the only service provider whose metadata is among the
    /// files. If there is none, audiences are not compared with anything, and the doctor reports that.
    #[must_use]
    pub fn with_entity_id(mut self, entity_id: impl Into<String>) -> Doctor {
        self.entity_id = Some(entity_id.into());
        self
    }

    /// Sets our assertion consumer. Without it, it comes from the same source as the entity ID, or is not compared
    /// with anything.
    #[must_use]
    pub fn with_assertion_consumer(mut self, url: impl Into<String>) -> Doctor {
        self.assertion_consumer = Some(url.into());
        self
    }

    /// Sets our address for logout messages. Without it, it comes from the same source as the entity ID, or is not
    /// compared with anything.
    #[must_use]
    pub fn with_single_logout(mut self, url: impl Into<String>) -> Doctor {
        self.single_logout = Some(url.into());
        self
    }

    /// Sets how long a request of ours waits for its answer: the value of
    /// [`Builder::request_lifetime`](crate::Builder::request_lifetime). Default: ten minutes.
    #[must_use]
    pub fn with_request_lifetime(mut self, lifetime: Duration) -> Doctor {
        self.request_lifetime = RequestLifetime(Some(lifetime));
        self
    }

    /// Sets the private keys that decrypt encrypted assertions.
    #[must_use]
    pub fn with_decryption_keys(mut self, keys: Vec<PrivateKey>) -> Doctor {
        self.decryption_keys = keys;
        self
    }

    /// Sets the cryptography, with the policy about algorithms.
    #[must_use]
    pub fn with_provider(mut self, provider: Provider) -> Doctor {
        self.provider = provider;
        self
    }

    /// Decrypts AES-CBC that no signature covers. If strangers can use this doctor, it becomes a padding oracle for
    /// them.
    #[must_use]
    pub fn danger_unauthenticated_cbc(mut self) -> Doctor {
        self.unauthenticated_cbc = true;
        self
    }

    /// Keeps the text of each message, to show it to the person who gave it: [`Exhibit::message`](super::Exhibit::message). The text holds
    /// personal data.
    #[must_use]
    pub fn keeping_messages(mut self) -> Doctor {
        self.keeps_messages = true;
        self
    }
}

/// How long a request waits for its answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestLifetime(pub(crate) Option<Duration>);

impl RequestLifetime {
    /// The default of `Builder::request_lifetime`, in seconds.
    const USUAL: i64 = 600;

    pub(crate) fn seconds(self) -> i64 {
        self.0.map_or(Self::USUAL, |told| i64::try_from(told.as_secs()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for RequestLifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        match self.0 {
            Some(_) => write!(f, "a request of this service waits {seconds} s"),
            None => write!(f, "a request waits {seconds} s unless it is configured otherwise"),
        }
    }
}
