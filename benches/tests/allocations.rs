//! How often a receive asks for memory. Counted, not timed, so that the number is the same on every machine.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use vouchsafe::Provider;
use vouchsafe_benches::{Message, Receiver, Shape};

/// A ceiling that may fall; to raise it is a decision.
const CEILING: u64 = 150;

#[test]
fn a_receive_of_a_doubly_signed_response_allocates_little() {
    for provider in [Provider::rustcrypto(), vouchsafe_crypto_aws_lc::provider()] {
        let count = allocations(&provider, Shape::BothSigned);
        println!("{}: {count} allocations", provider.name());
        assert!(count <= CEILING, "{count} allocations with {}", provider.name());
    }
}

fn allocations(provider: &Provider, shape: Shape) -> u64 {
    let receiver = Receiver::new(provider).unwrap();
    let message = Message::issue(shape, 1).unwrap();
    receiver.receive_message(&message).unwrap();
    allocation_counter::measure(|| {
        receiver.receive_message(&message).unwrap();
    })
    .count_total
}
