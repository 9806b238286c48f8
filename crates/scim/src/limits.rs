//! What one request may cost, in one place.

/// Ceilings of what a client sends. A token's owner is a customer: nothing that one customer sends takes the turn of all others.
///
/// ```
/// use vouchsafe_scim::Limits;
///
/// let mut limits = Limits::default();
/// limits.body_bytes = 256 * 1024;
/// assert_eq!(limits.page, 200);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a body. Entra ID adds up to 1,000 members in one request, of some 100 bytes each.
    pub body_bytes: usize,
    /// Bytes of a filter. The longest that the large clients send is a look-up by a userName of 256 characters, percent-decoded.
    pub filter_bytes: usize,
    /// How deep a filter may be nested.
    pub filter_depth: usize,
    /// How many comparisons a filter may have.
    pub filter_terms: usize,
    /// How many operations one PATCH may have. Okta sends up to 1,000 members in a push of a group, one operation each in the worst case.
    pub patch_operations: usize,
    /// How many values all operations of one PATCH may go through, each for itself: a group has many members, and each operation that has to look at
    /// them looks at all. Who joins and who leaves by name is no such operation.
    pub patch_values: usize,
    /// How many elements a multi-valued attribute of a user may have.
    pub values: usize,
    /// How many attributes an object of a resource, or of an operation, may have.
    pub attributes: usize,
    /// How many attributes may be asked for, or left out, by one request.
    pub projection: usize,
    /// Bytes of a user's attributes as JSON.
    pub resource_bytes: usize,
    /// How many members a group may have.
    pub members: usize,
    /// The most resources on one page, and as many as a request without `count` gets.
    pub page: usize,
    /// How many members all groups on a page may have, and how many groups all people on a page may be in. A page ends before the resource with
    /// which it would have more; it has one at least.
    pub page_members: usize,
    /// How many resources are searched one by one for a filter that is no look-up, or for an order.
    pub search: usize,
    /// How many costly requests of one connection are answered at a time: those that search resources one by one, list a page, or write out more
    /// than a hundred members. More are answered with 429.
    pub costly_per_connection: usize,
    /// How many costly requests of all connections are answered at a time by one process. Each holds some megabytes.
    pub costly: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes: 1024 * 1024,
            filter_bytes: 2_048,
            filter_depth: 8,
            filter_terms: 32,
            patch_operations: 1_000,
            patch_values: 500_000,
            values: 100,
            attributes: 500,
            projection: 64,
            resource_bytes: 64 * 1024,
            members: 20_000,
            page: 200,
            page_members: 20_000,
            search: 20_000,
            costly_per_connection: 4,
            costly: 16,
        }
    }
}
