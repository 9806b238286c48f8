//! The limits of what one request may cost, in one place.

/// Limits of what a client sends. They ensure that one customer's requests do not delay those of others.
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
    /// The most bytes of a body. Entra ID adds up to 1,000 members in one request, of about 100 bytes each.
    pub body_bytes: usize,
    /// The most bytes of a filter. The longest that large clients send is a look-up by a userName of 256 characters,
    /// percent-encoded.
    pub filter_bytes: usize,
    /// The deepest nesting of a filter.
    pub filter_depth: usize,
    /// The most comparisons in a filter.
    pub filter_terms: usize,
    /// The most operations in one PATCH. Okta pushes up to 1,000 members of a group at a time, in the worst case with
    /// one operation each.
    pub patch_operations: usize,
    /// The most values that all operations of one PATCH may look at together. A group has many members, and each
    /// operation that has to search them looks at all. Adding or removing members by their ids is not such an
    /// operation.
    pub patch_values: usize,
    /// The most elements of a multi-valued attribute of a user.
    pub values: usize,
    /// The most attributes of an object in a resource or an operation.
    pub attributes: usize,
    /// The most attributes that one request may include or exclude.
    pub projection: usize,
    /// The most bytes of a user's attributes as JSON.
    pub resource_bytes: usize,
    /// The most members of a group.
    pub members: usize,
    /// The most resources on one page, and the number on a page of a request without `count`.
    pub page: usize,
    /// The most bytes of all resources on a page together, as they are written in the answer. A page ends before the resource
    /// that would exceed this, and contains at least one resource; `itemsPerPage` says how many it has.
    pub page_bytes: usize,
    /// The most members of all groups on a page together, and the most groups of all people on a page together. A page
    /// ends before the resource that would exceed this, and contains at least one resource.
    pub page_members: usize,
    /// The most resources that are searched one by one for a filter that is not a look-up, or for sorting.
    pub search: usize,
    /// The most costly requests of one connection that are answered at a time: those that search resources one by one,
    /// list a page, or write more than a hundred members. Further ones are answered with 429.
    pub costly_per_connection: usize,
    /// The most costly requests of all connections that one process answers at a time. Each needs some megabytes of
    /// memory.
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
            page_bytes: 4 * 1024 * 1024,
            page_members: 20_000,
            search: 20_000,
            costly_per_connection: 4,
            costly: 16,
        }
    }
}
