//! How much memory a customer takes in the registry before it is used. Counted, not timed, so that the number is the same on every
//! machine.

use vouchsafe::Connections;
use vouchsafe_benches::Customers;

const CUSTOMERS: usize = 2_000;

/// For each, in bytes, with its share of the registry.
const MOST: i64 = 4 * 1024;

#[test]
fn a_connection_takes_at_most_4_kibibytes_until_it_is_used() {
    let customers = Customers::new().unwrap();
    let connections = Connections::new();
    let memory = allocation_counter::measure(|| {
        for number in 0..CUSTOMERS {
            connections.put(customers.connection(number).unwrap());
        }
    });
    assert_eq!(connections.len(), CUSTOMERS);
    let each = memory.bytes_current / i64::try_from(CUSTOMERS).unwrap();
    println!("{each} bytes for each of {CUSTOMERS} connections");
    assert!(each <= MOST, "{each} bytes");

    // Who is replaced gives the memory back.
    let replaced = allocation_counter::measure(|| {
        for number in 0..CUSTOMERS {
            connections.put(customers.connection(number).unwrap());
        }
    });
    assert_eq!(connections.len(), CUSTOMERS);
    assert!(replaced.bytes_current <= 64 * 1024, "{} bytes more", replaced.bytes_current);
}
