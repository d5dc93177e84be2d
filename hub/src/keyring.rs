//! The hub's secret and what is made with it: tokens instead of numbers, keys and hashes.
//!
//! A token is HMAC-SHA-256 cut to 16 bytes. Nothing here ever gives a plaintext back.

use std::fmt;
use std::path::Path;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::error::{Error, Kind};
use crate::id;

/// Sixteen bytes that stand for a key, a number or a record's content; equal tokens mean equal plaintexts in one domain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token(pub [u8; 16]);

/// Eight bytes of a token, as a number: narrow enough for an index of several entries a record. Equal plaintexts have equal
/// tags; once in a great while others have, too.
pub type Tag = i64;

impl Token {
    /// Its first eight bytes.
    pub fn tag(self) -> Tag {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        i64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// The bytes as a vector, as the store keeps them.
    pub fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Reads 16 stored bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::new(Kind::Internal, "a stored token does not have 16 bytes"))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&id::hex(&self.0))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.to_string()
    }
}

impl TryFrom<String> for Token {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut bytes = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return Err("a token has 32 hexadecimal digits".to_owned());
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|error| error.to_string())?;
        }
        Ok(Self(bytes))
    }
}

/// Makes tokens under one secret.
#[derive(Clone)]
pub struct Keyring {
    id: String,
    /// Keyed once; each token starts from a copy of this state.
    keyed: Hmac<Sha256>,
}

impl Keyring {
    /// A keyring of the given secret; for tests and for [`Keyring::open`].
    pub fn new(secret: &[u8]) -> Result<Self, Error> {
        let keyed =
            Hmac::new_from_slice(secret).map_err(|error| Error::new(Kind::Config, "the hub secret").because(error))?;
        let mut keyring = Self { id: String::new(), keyed };
        keyring.id = keyring.token("key-id", &[])?.to_string();
        Ok(keyring)
    }

    /// Reads the secret file, or creates it with 32 random bytes and mode 0600.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |error: std::io::Error| {
            Error::new(Kind::Config, format!("the hub secret {}", path.display())).because(error)
        };
        if !path.exists() {
            create_secret(path).map_err(failed)?;
        }
        Self::new(&std::fs::read(path).map_err(failed)?)
    }

    /// Names the secret without telling it; stored beside the data it made.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The token of `parts` in `domain`; parts may hold any byte, their borders count.
    pub fn token(&self, domain: &str, parts: &[&str]) -> Result<Token, Error> {
        let mut mac = self.keyed.clone();
        for part in std::iter::once(&domain).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let full = mac.finalize().into_bytes();
        let mut cut = [0; 16];
        cut.copy_from_slice(&full[..16]);
        Ok(Token(cut))
    }
}

fn create_secret(path: &Path) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let secret = id::bytes::<32>().map_err(std::io::Error::other)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let fresh = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(&secret)?;
    file.sync_all()?;
    std::fs::rename(fresh, path)
}
