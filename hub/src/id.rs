//! Names for things, new ones and those made of bytes: the one place where the hub takes randomness for them.

use uuid::Builder;

use crate::error::{Error, Kind, Result};

/// A UUIDv7 of the moment (microseconds since 1970): sorts by time, random within a millisecond.
pub fn of_moment(now: i64) -> Result<String> {
    let millis = u64::try_from(now / 1_000).unwrap_or(0);
    Ok(Builder::from_unix_timestamp_millis(millis, &bytes()?).into_uuid().to_string())
}

/// A random name of 32 hexadecimal digits.
pub fn random() -> Result<String> {
    Ok(hex(&bytes::<16>()?))
}

/// Bytes as a name: two lower-case hexadecimal digits each.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Random bytes of the cryptographic library.
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    openssl::rand::rand_bytes(&mut bytes)
        .map_err(|error| Error::new(Kind::Internal, "taking random bytes").because(error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_names_sort_later() {
        let names: Vec<String> =
            (0..50).map(|milli| of_moment(1_700_000_000_000_000 + milli * 1_000).expect("a name")).collect();
        assert!(names.is_sorted());
    }

    #[test]
    fn bytes_are_named_by_their_hexadecimal_digits() {
        assert_eq!(hex(&[0, 0x0f, 0xa0, 0xff]), "000fa0ff");
    }

    #[test]
    fn names_of_one_moment_differ() {
        assert_ne!(of_moment(0).expect("a name"), of_moment(0).expect("a name"));
    }
}
