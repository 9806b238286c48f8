//! The table: RFC 7643, 3.1, 4 and 8.7.1.

use super::{Attribute, Kind, Mutability, Returned};

/// A single text that may be left out.
const TEXT: Attribute = Attribute {
    name: "",
    kind: Kind::String,
    is_many: false,
    is_required: false,
    is_case_exact: false,
    mutability: Mutability::ReadWrite,
    returned: Returned::Default,
    is_unique: false,
    parts: &[],
    canonical: &[],
    references: &[],
    description: "",
};

const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute { name, description, ..TEXT }
}

const fn complex(name: &'static str, parts: &'static [Attribute], description: &'static str) -> Attribute {
    Attribute { name, kind: Kind::Complex, parts, description, ..TEXT }
}

const fn many(name: &'static str, parts: &'static [Attribute], description: &'static str) -> Attribute {
    Attribute { is_many: true, ..complex(name, parts, description) }
}

const fn fixed(attribute: Attribute) -> Attribute {
    Attribute { mutability: Mutability::ReadOnly, ..attribute }
}

const fn exact(attribute: Attribute) -> Attribute {
    Attribute { is_case_exact: true, ..attribute }
}

const fn kind(kind: Kind, attribute: Attribute) -> Attribute {
    Attribute { kind, ..attribute }
}

const fn kinds(canonical: &'static [&'static str]) -> Attribute {
    Attribute { canonical, ..text("type", "What the value is for.") }
}

const VALUE: Attribute = text("value", "The value.");
const DISPLAY: Attribute = text("display", "The value for people.");
const PRIMARY: Attribute =
    kind(Kind::Boolean, text("primary", "Whether this is the preferred one of the values. At most one is."));

/// What every resource has.
pub(super) const COMMON: &[Attribute] = &[
    exact(Attribute {
        returned: Returned::Always,
        is_unique: true,
        is_required: false,
        ..fixed(text("id", "The identifier that this service gave the resource. It is never used again."))
    }),
    exact(text("externalId", "The identifier of the resource at the client.")),
    fixed(complex(
        "meta",
        &[
            exact(fixed(text("resourceType", "The name of the resource type."))),
            fixed(kind(Kind::DateTime, text("created", "When the resource was made."))),
            fixed(kind(Kind::DateTime, text("lastModified", "When the resource was last changed."))),
            exact(fixed(kind(Kind::Reference, text("location", "The address of the resource.")))),
            exact(fixed(text("version", "The version, as in the ETag header."))),
        ],
        "What the service knows of the resource.",
    )),
];

pub(super) const USER: &[Attribute] = &[
    Attribute {
        is_required: true,
        is_unique: true,
        ..text("userName", "The name by which the client knows the person, unique at the connection.")
    },
    complex(
        "name",
        &[
            text("formatted", "The whole name."),
            text("familyName", "The family name."),
            text("givenName", "The given name."),
            text("middleName", "Middle names."),
            text("honorificPrefix", "A title before the name."),
            text("honorificSuffix", "A title after the name."),
        ],
        "The parts of the person's name.",
    ),
    text("displayName", "The name to show."),
    text("nickName", "A casual name."),
    exact(Attribute {
        references: &["external"],
        ..kind(Kind::Reference, text("profileUrl", "A page about the person."))
    }),
    text("title", "The person's position."),
    text("userType", "How the person and the organization belong together, such as contractor."),
    text("preferredLanguage", "A language tag."),
    text("locale", "A language tag for numbers and dates."),
    text("timezone", "A time zone, such as Europe/Berlin."),
    kind(
        Kind::Boolean,
        text(
            "active",
            "Whether the person may use the service. With false all sessions end, and API tokens.",
        ),
    ),
    Attribute {
        mutability: Mutability::WriteOnly,
        returned: Returned::Never,
        ..exact(text("password", "Accepted and not used: nobody signs in with it."))
    },
    // An account has an address. A `userName` that is one does as well, so that nothing here asks for it.
    Attribute {
        is_required: true,
        ..many(
            "emails",
            &[Attribute { is_required: true, ..VALUE }, DISPLAY, kinds(&["work", "home", "other"]), PRIMARY],
            "E-mail addresses. The primary one is the account's; else that of the type work, else the first.",
        )
    },
    many(
        "phoneNumbers",
        &[VALUE, DISPLAY, kinds(&["work", "home", "mobile", "fax", "pager", "other"]), PRIMARY],
        "Telephone numbers.",
    ),
    many("ims", &[VALUE, DISPLAY, kinds(&[]), PRIMARY], "Addresses of instant messaging."),
    many(
        "photos",
        &[
            exact(Attribute { references: &["external"], ..kind(Kind::Reference, VALUE) }),
            DISPLAY,
            kinds(&["photo", "thumbnail"]),
            PRIMARY,
        ],
        "Addresses of pictures.",
    ),
    many(
        "addresses",
        &[
            text("formatted", "The whole address."),
            text("streetAddress", "Street and number."),
            text("locality", "Town."),
            text("region", "State or region."),
            text("postalCode", "Postal code."),
            text("country", "Country, as two letters."),
            kinds(&["work", "home", "other"]),
            PRIMARY,
        ],
        "Postal addresses.",
    ),
    fixed(many(
        "groups",
        &[
            exact(fixed(text("value", "The identifier of the group."))),
            exact(fixed(Attribute {
                references: &["Group"],
                ..kind(Kind::Reference, text("$ref", "The address of the group."))
            })),
            fixed(text("display", "The name of the group.")),
            fixed(Attribute { canonical: &["direct"], ..text("type", "How the person is in the group.") }),
        ],
        "The groups of this connection that the person is in.",
    )),
    many(
        "entitlements",
        &[VALUE, DISPLAY, kinds(&[]), PRIMARY],
        "What the person may have. Kept, and not used.",
    ),
    many("roles", &[VALUE, DISPLAY, kinds(&[]), PRIMARY], "Roles of the person. Kept, and not used."),
    many(
        "x509Certificates",
        &[exact(kind(Kind::Binary, VALUE)), DISPLAY, kinds(&[]), PRIMARY],
        "Certificates. Kept, and not used.",
    ),
];

pub(super) const ENTERPRISE: &[Attribute] = &[
    text("employeeNumber", "The number that the organization gave the person."),
    text("costCenter", "The cost center."),
    text("organization", "The organization."),
    text("division", "The division."),
    text("department", "The department."),
    complex(
        "manager",
        &[
            exact(text("value", "The identifier of the manager.")),
            exact(Attribute {
                references: &["User"],
                ..kind(Kind::Reference, text("$ref", "The address of the manager."))
            }),
            fixed(text("displayName", "The name of the manager.")),
        ],
        "The manager of the person.",
    ),
];

pub(super) const GROUP: &[Attribute] = &[
    Attribute {
        is_required: true,
        is_unique: true,
        ..text("displayName", "The name of the group, unique at the connection.")
    },
    many(
        "members",
        &[
            exact(Attribute {
                mutability: Mutability::Immutable,
                ..text("value", "The identifier of the member, which is a user of the same connection.")
            }),
            exact(Attribute {
                mutability: Mutability::Immutable,
                references: &["User"],
                ..kind(Kind::Reference, text("$ref", "The address of the member."))
            }),
            Attribute {
                mutability: Mutability::Immutable,
                canonical: &["User"],
                ..text("type", "What the member is: User.")
            },
            fixed(text("display", "The name of the member.")),
        ],
        "The people in the group.",
    ),
];
