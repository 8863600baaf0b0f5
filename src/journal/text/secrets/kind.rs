//! The kinds of secret, and what they are called.

use std::fmt;
use std::str::FromStr;

/// What a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A password, a passphrase, a PIN, the code of a door.
    Password,
    /// An API key, a token, a private key.
    Key,
    /// The number of a payment card.
    Card,
    /// An IBAN.
    Account,
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A postal address, or a postcode where one is spoken of.
    Address,
    /// A number that a state gives a person: for taxes, insurance, identity.
    Id,
    /// The full name of somebody who occurs often.
    Name,
    /// What a person's own patterns look for and has no other kind.
    Other,
}

impl Kind {
    /// All of them, in the order of reports.
    pub const ALL: [Kind; 10] = [
        Kind::Password,
        Kind::Key,
        Kind::Card,
        Kind::Account,
        Kind::Phone,
        Kind::Email,
        Kind::Address,
        Kind::Id,
        Kind::Name,
        Kind::Other,
    ];

    /// What a person calls one of them.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Password => "password",
            Kind::Key => "key or token",
            Kind::Card => "payment card",
            Kind::Account => "bank account",
            Kind::Phone => "phone number",
            Kind::Email => "e-mail address",
            Kind::Address => "postal address",
            Kind::Id => "government number",
            Kind::Name => "full name",
            Kind::Other => "other secret",
        }
    }

    /// What a person calls several of them.
    pub fn plural(self) -> &'static str {
        match self {
            Kind::Password => "passwords",
            Kind::Key => "keys or tokens",
            Kind::Card => "payment cards",
            Kind::Account => "bank accounts",
            Kind::Phone => "phone numbers",
            Kind::Email => "e-mail addresses",
            Kind::Address => "postal addresses",
            Kind::Id => "government numbers",
            Kind::Name => "full names",
            Kind::Other => "other secrets",
        }
    }

    /// The word in its placeholders, `[phone 2]`, and its name in files of patterns.
    pub fn stem(self) -> &'static str {
        match self {
            Kind::Password => "password",
            Kind::Key => "key",
            Kind::Card => "card",
            Kind::Account => "account",
            Kind::Phone => "phone",
            Kind::Email => "email",
            Kind::Address => "address",
            Kind::Id => "id",
            Kind::Name => "name",
            Kind::Other => "secret",
        }
    }

    /// Whether it is written mostly in digits, so that what stands beside it may make it part of another number.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Kind::Card | Kind::Account | Kind::Phone | Kind::Id)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    /// Reads a [`name`](Kind::name) or a [`stem`](Kind::stem), in any case.
    fn from_str(text: &str) -> Result<Kind, String> {
        let asked = text.trim().to_lowercase();
        let is_it = |kind: &Kind| kind.name() == asked || kind.stem() == asked;
        Kind::ALL.into_iter().find(is_it).ok_or_else(|| {
            let stems = Kind::ALL.map(Kind::stem).join(", ");
            format!("“{}” is no kind of secret; they are {stems}", text.trim())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_by_either_name() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(kind.stem().to_uppercase().parse(), Ok(kind));
        }
        let problem = "passwrd".parse::<Kind>().unwrap_err();
        assert!(problem.contains("“passwrd”") && problem.contains("password"), "{problem}");
    }
}
