//! Our part beside the peers.

use std::path::Path;

use vouchsafe::Provider;
use vouchsafe::signature::verify;
use vouchsafe::xml::Document;

use crate::{Failure, Message, Receiver, Work};

/// The work of `receive vouchsafe` and `verify vouchsafe` on a message that was [handed over](crate::Peers::hand_over).
///
/// # Errors
/// When the files are not there, or the task is another.
pub fn our_work(task: &str, folder: &Path, provider: &Provider) -> Result<Work, Failure> {
    let message = Message::read(folder)?;
    let receiver = Receiver::of_folder(folder, provider)?;
    match task {
        "receive vouchsafe" => Ok(Box::new(move || {
            std::hint::black_box(receiver.receive_message(&message)?);
            Ok(())
        })),
        "verify vouchsafe" => Ok(Box::new(move || {
            let document = Document::parse(message.xml().as_bytes(), receiver.limits())?;
            verify_all(&document, &receiver)
        })),
        _ => Err(format!("“{task}” is not known").into()),
    }
}

/// Verifies both signatures: what a library of signatures does.
///
/// # Errors
/// When one does not hold.
pub fn verify_all(document: &Document, receiver: &Receiver) -> Result<(), Failure> {
    let root = document.root();
    let assertion = root.elements().find(|child| child.local_name() == "Assertion");
    for element in std::iter::once(root).chain(assertion) {
        let verified = verify(element, receiver.trusted_keys(), receiver.provider(), receiver.limits())?;
        let _ = std::hint::black_box(verified);
    }
    Ok(())
}
