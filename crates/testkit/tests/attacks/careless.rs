//! A service with every door: customers, browsers, accounts, and sign-ins that it starts. It is careful in everything
//! except the mistakes that a test selects.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::task::Poll;

use vouchsafe_crypto::{Certificate, base64_decode};
use vouchsafe_signature::{TrustedKey, verify_query};
use vouchsafe_testkit::attacks::{
    Account, Asked, Browser, Customer, Discovered, Form, Outcome, Received, Service, Session, Started,
};
use vouchsafe_testkit::{ASSERTION_CONSUMER, IdentityProvider, keys};
use vouchsafe_xml::{Document, Element, Limits, namespace};

use crate::weak::{self, Believed, Keys, OTHER_ASSERTION_CONSUMER, SOUND, Weak};

/// The mistakes of the service.
#[derive(Clone, Copy, Default)]
pub(crate) struct Careless {
    /// Any browser can answer a request.
    pub(crate) no_binding: bool,
    /// Any customer's identity provider can answer a request.
    pub(crate) any_customer: bool,
    /// Accounts are found by the e-mail address, whichever identity provider sends it.
    pub(crate) by_address: bool,
    /// Accounts are found by the NameID, whichever identity provider sends it and whatever its qualifiers are.
    pub(crate) by_name: bool,
    /// A message is looked up first, and recorded a moment later.
    pub(crate) two_steps: bool,
    /// Messages are not recorded.
    pub(crate) never_stored: bool,
    /// Trust is never withdrawn.
    pub(crate) trusts_forever: bool,
    /// Any return address is accepted.
    pub(crate) any_return: bool,
    /// The test does not hand the return address on to the service.
    pub(crate) no_return: bool,
    /// Without a key in the metadata, nothing is checked.
    pub(crate) keyless: bool,
    /// Any certificate in the metadata is accepted.
    pub(crate) any_key: bool,
    /// The verified query is decoded again, by another parser.
    pub(crate) decodes_again: bool,
    /// The address of one customer accepts the messages of another.
    pub(crate) any_address: bool,
    /// A refused message leaves a session open.
    pub(crate) opens_early: bool,
}

/// The address to return to that the service allows. Other sign-ins end at [`HOME`].
pub(crate) const ALLOWED: &str = "/orders";
pub(crate) const HOME: &str = "/home";

pub(crate) struct Shop {
    careless: Careless,
    solicited: bool,
    weak: weak::Service,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    count: usize,
    pending: HashMap<String, Pending>,
    bindings: HashSet<(Browser, String)>,
    seen: HashSet<String>,
    /// The accounts with the values by which they are found, in order.
    accounts: Vec<(String, Account)>,
    addresses: Vec<(String, Customer)>,
    sessions: HashMap<Browser, Account>,
    distrusted: HashSet<Customer>,
}

struct Pending {
    request: String,
    customer: Customer,
    return_to: Option<String>,
}

impl Shop {
    pub(crate) fn new(careless: Careless, solicited: bool) -> Shop {
        Shop { careless, solicited, weak: weak::Service::new(SOUND), state: RefCell::default() }
    }

    async fn accept(&self, browser: Browser, form: &Form) -> Option<Outcome> {
        let count = |name: &str| form.fields().iter().filter(|(found, _)| found == name).count();
        if count("SAMLResponse") != 1 || count("RelayState") > 1 {
            return None;
        }
        let believed = self.weak.believe(form)?;
        let customer = customer_of(&believed);
        if self.state.borrow().distrusted.contains(&customer) && !self.careless.trusts_forever {
            return None;
        }
        let address = match customer {
            Customer::Other => OTHER_ASSERTION_CONSUMER,
            _ => ASSERTION_CONSUMER,
        };
        let is_its_own = form.customer() == customer && believed.recipient == address;
        if !is_its_own && !self.careless.any_address {
            return None;
        }
        let account = self.account(customer, &believed);
        if self.careless.opens_early {
            self.state.borrow_mut().sessions.insert(browser, account.clone());
        }
        let location = self.answered(browser, form, customer, &believed)?;
        if !self.is_new(&believed.id).await {
            return None;
        }
        self.state.borrow_mut().sessions.insert(browser, account.clone());
        Some(believed.outcome.into_account(account).leading_to(location))
    }

    /// Returns the request that is answered, and the address to return to.
    fn answered(
        &self,
        browser: Browser,
        form: &Form,
        customer: Customer,
        believed: &Believed,
    ) -> Option<String> {
        let mut state = self.state.borrow_mut();
        let bound = |handle: &&str| {
            self.careless.no_binding || state.bindings.contains(&(browser, (*handle).to_owned()))
        };
        let handle = form.relay_state().filter(bound).map(str::to_owned);
        let Some(pending) = handle.and_then(|handle| state.pending.remove(&handle)) else {
            let unsolicited = believed.request.is_none() && !self.solicited;
            return unsolicited.then(|| self.way_back(form.relay_state()));
        };
        let answers = believed.request.as_ref() == Some(&pending.request);
        if !answers || pending.customer != customer && !self.careless.any_customer {
            return None;
        }
        Some(self.way_back(pending.return_to.as_deref()))
    }

    fn way_back(&self, wanted: Option<&str>) -> String {
        wanted.filter(|path| self.careless.any_return || *path == ALLOWED).unwrap_or(HOME).to_owned()
    }

    async fn is_new(&self, id: &str) -> bool {
        if self.careless.never_stored {
            return true;
        }
        if self.careless.two_steps {
            let seen = self.state.borrow().seen.contains(id);
            wait().await;
            self.state.borrow_mut().seen.insert(id.to_owned());
            return !seen;
        }
        self.state.borrow_mut().seen.insert(id.to_owned())
    }

    /// Returns the account of a person. It is made if there is none.
    fn account(&self, customer: Customer, believed: &Believed) -> Account {
        let Outcome::Accepted { subject, attributes, .. } = &believed.outcome else { panic!("refused") };
        let address = attributes.iter().find(|(name, _)| name == "user.email").map(|(_, value)| value);
        let address = address.map(|value| value.trim().to_lowercase()).unwrap_or_default();
        let key = match self.careless {
            Careless { by_address: true, .. } => address.clone(),
            Careless { by_name: true, .. } => subject.clone(),
            _ => format!("{customer:?} {}", believed.name),
        };
        let mut state = self.state.borrow_mut();
        state.addresses.push((address, customer));
        if let Some((_, account)) = state.accounts.iter().find(|(found, _)| *found == key) {
            return account.clone();
        }
        let account = Account::new(format!("{customer:?}"), format!("account {}", state.accounts.len()));
        state.accounts.push((key, account.clone()));
        account
    }
}

impl Service for Shop {
    async fn post(&self, browser: Browser, form: &Form) -> Outcome {
        self.accept(browser, form).await.unwrap_or(Outcome::Refused)
    }

    async fn start(&self, browser: Browser, customer: Customer, return_to: Option<&str>) -> Started {
        if !self.solicited {
            return Started::NoDoor;
        }
        let mut state = self.state.borrow_mut();
        state.count += 1;
        let (request, handle) = (format!("_request{}", state.count), format!("handle{}", state.count));
        state.bindings.insert((browser, handle.clone()));
        let return_to = return_to.filter(|_| !self.careless.no_return).map(str::to_owned);
        state.pending.insert(handle.clone(), Pending { request: request.clone(), customer, return_to });
        Asked::new(request).with_relay_state(handle).into()
    }

    async fn session(&self, browser: Browser) -> Session {
        self.state.borrow().sessions.get(&browser).cloned().map_or(Session::Nobody, Session::Of)
    }

    async fn set_trusted(&self, customer: Customer, trusted: bool) -> bool {
        let distrusted = &mut self.state.borrow_mut().distrusted;
        if trusted {
            distrusted.remove(&customer)
        } else {
            distrusted.insert(customer)
        };
        true
    }

    async fn post_trusting(&self, metadata: &str, form: &Form) -> Option<Outcome> {
        let document = Document::parse(metadata.as_bytes(), &Limits::default()).unwrap();
        let certificates = certificates(&document, self.careless.any_key);
        if certificates.is_empty() {
            let weak = Weak { keys: Keys::Nobody, ..SOUND };
            return Some(match self.careless.keyless {
                true => weak::Service::new(weak).post(form),
                false => Outcome::Refused,
            });
        }
        let keys = certificates.iter().filter_map(|one| one.public_key(keys::provider()).ok()).collect();
        Some(weak::Service::trusting(SOUND, keys).post(form))
    }

    async fn receive_query(&self, query: &str) -> Received {
        let key = keys::identity_provider().private_key().public_key().clone();
        let trusted = [TrustedKey::new(key, "the identity provider's")];
        // The second parser first searches the signed parameters, by their names as written.
        let named = |parameter: &&str| {
            let name = parameter.split('=').next().unwrap_or_default();
            ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature"].contains(&name)
        };
        let signed = match self.careless.decodes_again {
            true => query.split('&').filter(named).collect::<Vec<_>>().join("&"),
            false => query.to_owned(),
        };
        let Ok(verified) = verify_query(&signed, &trusted, &vouchsafe_crypto::Provider::rustcrypto()) else {
            return Received::Refused;
        };
        let (mut message, mut relay_state) =
            (verified.message().to_owned(), verified.relay_state().map(str::to_owned));
        if self.careless.decodes_again {
            for (name, value) in parameters(query.trim_start_matches('?')) {
                match name.as_str() {
                    "SAMLRequest" => message = value,
                    "RelayState" => relay_state = Some(value),
                    _ => {}
                }
            }
        }
        match inflated(&message) {
            Some(message) => Received::believed(message, relay_state.as_deref()),
            None => Received::Refused,
        }
    }

    async fn discover(&self, address: &str) -> Discovered {
        let state = self.state.borrow();
        let known = state.addresses.iter().rev().find(|(found, _)| found == address);
        let customer = match known {
            Some((_, customer)) if self.careless.by_address => *customer,
            _ if address.ends_with("@example.com") => Customer::First,
            _ => return Discovered::Nobody,
        };
        Discovered::At(match customer {
            Customer::First => IdentityProvider::okta().single_sign_on().to_owned(),
            _ => format!("{}?SAMLRequest=x", IdentityProvider::other().single_sign_on()),
        })
    }
}

fn customer_of(believed: &Believed) -> Customer {
    match believed.issuer == IdentityProvider::other().entity_id() {
        true => Customer::Other,
        false => Customer::First,
    }
}

/// Returns the certificates for signatures, or all certificates.
fn certificates(metadata: &Document, any: bool) -> Vec<Certificate> {
    let is = |element: Element<'_>, name: &str| any || element.is(namespace::SAML_METADATA, name);
    let roles = metadata.root().elements().filter(|role| is(*role, "IDPSSODescriptor"));
    let descriptors: Vec<Element<'_>> = match any {
        true => metadata.elements().collect(),
        false => roles.flat_map(|role| role.elements()).filter(|child| is(*child, "KeyDescriptor")).collect(),
    };
    let signs = |usage: Option<&str>| any || matches!(usage, None | Some("signing"));
    descriptors
        .into_iter()
        .filter(|descriptor| signs(descriptor.attribute("use")))
        .flat_map(|descriptor| {
            let mut found =
                descriptor.descendants().filter(|element| element.local_name() == "X509Certificate");
            let first = found.next();
            first.into_iter().chain(found.filter(move |_| any)).collect::<Vec<_>>()
        })
        .filter_map(|element| Certificate::from_base64(&element.text()).ok())
        .collect()
}

fn parameters(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
    };
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn inflated(message: &str) -> Option<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let bytes = base64_decode(message).ok()?;
    let limited = flate2::read::DeflateDecoder::new(bytes.as_slice()).take(1 << 20);
    let mut limited = limited;
    limited.read_to_string(&mut text).ok()?;
    text.ends_with('>').then_some(text)
}

/// Lets the other tasks run once.
async fn wait() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
