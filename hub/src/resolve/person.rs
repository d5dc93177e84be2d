//! Person keys: (type, issuer, number). One function derives their tokens, so that a key asserted by a record and the
//! same key named in a reference or asked for by a search are always the same token.

use super::name::narrow;
use super::{KEY_INVALID, NO_KEY};
use crate::error::Result;
use crate::identity::CitizenNumber;
use crate::keyring::{Keyring, Token};

/// Type of a citizen's identity card in the code table `id_type`, scheme CV02.01.101; what an absent type means.
pub const CITIZEN: &str = "01";

/// Passport: the one type whose numbers several states issue.
const PASSPORT: &str = "03";
/// Officer card, HK/Macau and Taiwan travel permits: one issuer, no check digit that we know.
const OTHER_CARDS: [&str; 3] = ["04", "06", "07"];
const CHINA: &str = "CHN";

/// A person key in plain text.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonKey {
    /// Code of the type.
    pub kind: String,
    /// The issuing state (alpha-3).
    pub issuer: String,
    /// The number in the form that is compared.
    pub number: String,
}

impl PersonKey {
    /// Reads a key, or says why there is none (`no-key`, `key-invalid`).
    ///
    /// A household register, a driving licence and "other" documents are no person keys: the first names a household,
    /// the others have no one numbering. A passport needs its issuer, which is the holder's nationality.
    pub fn read(kind: Option<&str>, nationality: Option<&str>, number: &str) -> Result<Self, &'static str> {
        let kind = kind.map_or(CITIZEN, str::trim);
        if kind == CITIZEN {
            let number = CitizenNumber::parse(&narrow(number)).map_err(|_| KEY_INVALID)?;
            return Ok(Self::citizen(&number));
        }
        let issuer = match nationality.map(str::trim) {
            _ if OTHER_CARDS.contains(&kind) => CHINA,
            Some(state) if kind == PASSPORT && !state.is_empty() => state,
            _ => return Err(NO_KEY),
        };
        let number: String =
            narrow(number).chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
        // Shorter, or with other signs, it is a remark ("无", "办理中") or what a spreadsheet left of a number.
        let numbered = number.len() >= 5 && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !numbered || !number.bytes().any(|byte| byte.is_ascii_digit()) {
            return Err(KEY_INVALID);
        }
        Ok(Self { kind: kind.to_owned(), issuer: issuer.to_ascii_uppercase(), number: number.to_ascii_uppercase() })
    }

    /// The key of a citizen number.
    pub fn citizen(number: &CitizenNumber) -> Self {
        Self { kind: CITIZEN.to_owned(), issuer: CHINA.to_owned(), number: number.as_str().to_owned() }
    }

    /// Its token.
    pub fn token(&self, keyring: &Keyring) -> Result<Token> {
        person_token(keyring, &self.kind, &self.issuer, &self.number)
    }
}

/// The token of a person key; the only place that derives it: HMAC of the domain `person` over type, issuer and number.
pub fn person_token(keyring: &Keyring, kind: &str, issuer: &str, number: &str) -> Result<Token> {
    keyring.token("person", &[kind, issuer, number])
}

/// The token of a citizen number as text; `None` unless form, birth date and check digit are right.
pub fn citizen_token(keyring: &Keyring, number: &str) -> Result<Option<Token>> {
    let key = PersonKey::read(None, None, number).ok();
    key.map(|key| key.token(keyring)).transpose()
}
