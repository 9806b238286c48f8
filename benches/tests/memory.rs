//! How much memory a hostile message makes a receive need at once. Counted, not timed, so that the number is the same on every machine.

use std::collections::BTreeMap;

use vouchsafe::Limits;
use vouchsafe_benches::{Receiver, SHAPES};

/// Beyond what the process had before, and the message itself.
const MOST: u64 = 64 * 1024 * 1024;

#[test]
fn no_message_within_the_limits_needs_more_than_64_mebibytes() {
    let receiver = Receiver::new(&vouchsafe_crypto_aws_lc::provider()).unwrap();
    let mut over = Vec::new();
    let mut answers = BTreeMap::new();
    for shape in SHAPES {
        let message = shape.message(shape.count).unwrap();
        let size = message.xml().len();
        let memory = allocation_counter::measure(|| drop(receiver.receive_message(&message)));
        let answer = receiver.answer(&message);
        println!("{}: {size} bytes, {} bytes at most, {answer}", shape.name, memory.bytes_max);
        // A message that is too long is refused unread, and shows nothing.
        if memory.bytes_max > MOST || size > Limits::default().input_bytes {
            over.push((shape.name, memory.bytes_max));
        }
        answers.insert(shape.name, answer);
    }
    assert!(over.is_empty(), "{over:?}");
    // They reach what they are made for: the canonical form is refused, or it is written and what it says is read.
    for refused in ["escaped name, used by each element", "escaped name, refused", "quotes in an attribute"] {
        assert_eq!(answers.get(refused).map(String::as_str), Some("xml.limit"), "{refused}");
    }
    for accepted in
        ["group values", "small elements", "certificates in KeyInfo", "escaped name, just allowed"]
    {
        assert_eq!(answers.get(accepted).map(String::as_str), Some("accepted"), "{accepted}");
    }
}
