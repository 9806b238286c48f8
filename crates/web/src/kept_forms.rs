//! The settings for kept forms.

use std::sync::Arc;
use std::time::Duration;

use vouchsafe_store::{FormLimits, FormStore, Memory};

use crate::form_network::NetworkKey;
use crate::return_path::{ReturnPath, ReturnPathError};

/// The settings for kept forms: the path of the page that posts them again, their store, and the limits.
///
/// ```
/// use std::sync::Arc;
/// use vouchsafe_store::Memory;
/// use vouchsafe_web::KeptForms;
///
/// let forms = KeptForms::at("/saml/form")?.bytes_each(32 * 1024).count(100).per_client_address(10, 256 * 1024);
/// // Any store of the crate does, and those of databases serve several processes.
/// let forms = forms.over(Arc::new(Memory::new()));
/// # let _ = forms;
/// # Ok::<(), vouchsafe_web::ReturnPathError>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeptForms {
    pub(crate) path: ReturnPath,
    pub(crate) most_bytes_each: usize,
    count: u64,
    bytes: u64,
    per_client_address: Option<(u64, u64)>,
    pub(crate) lifetime: Duration,
    pub(crate) left_out: Vec<String>,
    pub(crate) store: Arc<dyn FormStore>,
    pub(crate) network_key: NetworkKey,
}

impl KeptForms {
    /// Makes settings with the page at this path, as browsers see it, where [`KEPT_FORM`](crate::KEPT_FORM) is
    /// routed. By default a form may have 64 KiB, there may be 256 forms with 8 MiB altogether, a quarter of that from
    /// one client address, and they are kept for 10 minutes in the memory of the process.
    ///
    /// # Errors
    /// [`ReturnPathError`] if the text is not a path of this service.
    pub fn at(path: &str) -> Result<KeptForms, ReturnPathError> {
        Ok(KeptForms {
            path: ReturnPath::new(path)?,
            most_bytes_each: 64 << 10,
            count: 256,
            bytes: 8 << 20,
            per_client_address: None,
            lifetime: Duration::from_secs(600),
            left_out: Vec::new(),
            store: Arc::new(Memory::new()),
            network_key: NetworkKey::default(),
        })
    }

    /// Sets the store. If several processes share one address, they must share the store, since the browser may
    /// return to another process.
    #[must_use]
    pub fn over(self, store: Arc<dyn FormStore>) -> KeptForms {
        KeptForms { store, ..self }
    }

    /// Sets the maximum size of a form in bytes, as it was posted.
    #[must_use]
    pub fn bytes_each(self, most: usize) -> KeptForms {
        KeptForms { most_bytes_each: most, ..self }
    }

    /// Sets the maximum size of all forms together in bytes, as they are stored. For a new form, the oldest forms of the
    /// networks with the most are removed.
    #[must_use]
    pub fn bytes(self, most: u64) -> KeptForms {
        KeptForms { bytes: most, ..self }
    }

    /// Sets the maximum number of forms. For a new form, the oldest forms of the networks with the most are removed.
    #[must_use]
    pub fn count(self, most: u64) -> KeptForms {
        KeptForms { count: most, ..self }
    }

    /// Sets the maximum number and the maximum size in bytes of the forms from one client address; of an IPv6 address,
    /// the first 48 bits count, since one customer may have many networks of 64 bits. The default is a quarter of the limits for all. If the
    /// [client address](crate::SingleSignOn::client_address) is not known, this limit does not apply, and a client that posts
    /// many forms removes those of others. No cookie can take its place, since such a client drops its cookies.
    #[must_use]
    pub fn per_client_address(self, count: u64, bytes: u64) -> KeptForms {
        KeptForms { per_client_address: Some((count, bytes)), ..self }
    }

    /// Sets the key of the numbers by which the store distinguishes the networks of clients: 32 random bytes. Whoever does not
    /// have the key cannot compute which networks have the same number. Give it to processes that share the
    /// [store](Self::over), so that the limit for one client address counts the forms of all of them. By default each
    /// process makes one of its own.
    #[must_use]
    pub fn network_key(self, key: [u8; 32]) -> KeptForms {
        KeptForms { network_key: NetworkKey::of(key), ..self }
    }

    pub(crate) fn limits(&self) -> FormLimits {
        let quarter = |of: u64| of.div_ceil(4);
        // A form is larger when it is sealed, and one must fit.
        let one = u64::try_from(self.most_bytes_each).unwrap_or(u64::MAX).saturating_mul(2);
        let default = || (quarter(self.count), quarter(self.bytes).max(one));
        let (forms_of_network, bytes_of_network) = self.per_client_address.unwrap_or_else(default);
        FormLimits { forms: self.count, bytes: self.bytes, forms_of_network, bytes_of_network }
    }

    /// Sets how long a form is kept.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> KeptForms {
        KeptForms { lifetime, ..self }
    }

    /// Excludes a field, such as a password or a token of the session that has ended.
    #[must_use]
    pub fn without_field(mut self, name: &str) -> KeptForms {
        self.left_out.push(name.to_owned());
        self
    }

    /// The store of the forms.
    #[must_use]
    pub fn store(&self) -> &dyn FormStore {
        self.store.as_ref()
    }

    /// The maximum number of bytes of a body that should be read for keeping.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.most_bytes_each
    }

    pub(crate) fn path(&self) -> &ReturnPath {
        &self.path
    }
}
