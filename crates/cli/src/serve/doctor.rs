//! The doctor's findings about a refused response.

use std::sync::Arc;

use tokio::sync::Semaphore;
use vouchsafe::crypto::base64_decode;
use vouchsafe::doctor::{Doctor, Exhibit};
use vouchsafe::{PostedResponse, ServiceProvider};

use super::trusted::Trusted;

/// The maximum number of responses that are examined at the same time. Further ones are shown without findings.
const TOGETHER: usize = 2;

/// The doctor, with the metadata of the identity providers.
///
/// It has no decryption key: otherwise anybody who posts a response could learn about the content of other people's
/// ciphertext.
#[derive(Debug)]
pub(super) struct Consultation {
    service_provider: ServiceProvider,
    documents: Arc<[(String, Vec<u8>)]>,
    places: Arc<Semaphore>,
}

impl Consultation {
    pub(super) fn new(service_provider: ServiceProvider, trusted: &Trusted) -> Consultation {
        Consultation {
            service_provider,
            documents: trusted.documents().into(),
            places: Arc::new(Semaphore::new(TOGETHER)),
        }
    }

    /// Examines a posted form, if it contains XML. This takes a while, so it runs where no request waits for it.
    pub(super) async fn about(&self, form: &[u8]) -> Option<Exhibit> {
        let response = response(form, &self.service_provider)?;
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let (service_provider, documents) = (self.service_provider.clone(), Arc::clone(&self.documents));
        let examined = tokio::task::spawn_blocking(move || {
            let _until_it_is_over = place;
            examine(&service_provider, &documents, &response)
        });
        examined.await.ok().flatten()
    }
}

/// Returns the XML in a valid form.
fn response(form: &[u8], service_provider: &ServiceProvider) -> Option<Vec<u8>> {
    PostedResponse::from_form(form, service_provider.limits()).ok()?;
    let (_, field) = form_urlencoded::parse(form).find(|(name, _)| name == "SAMLResponse")?;
    let response = base64_decode(field.as_bytes()).ok()?;
    response.trim_ascii_start().starts_with(b"<").then_some(response)
}

fn examine(
    service_provider: &ServiceProvider,
    documents: &[(String, Vec<u8>)],
    response: &[u8],
) -> Option<Exhibit> {
    let now = crate::input::now();
    let doctor = Doctor::new(now)
        .judged_at(now)
        .with_entity_id(service_provider.entity_id().as_str())
        .with_assertion_consumer(service_provider.assertion_consumer())
        .with_provider(service_provider.provider().clone());
    let known = documents.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let files: Vec<(&str, &[u8])> = known.chain([("the response", response)]).collect();
    let mut exhibit = doctor.examine(&files).exhibits.into_iter().nth(documents.len())?;
    // The doctor was not given the keys, so this complaint is not about the response.
    exhibit.complaints.retain(|complaint| complaint.code != "doctor.cannot_open");
    Some(exhibit)
}
