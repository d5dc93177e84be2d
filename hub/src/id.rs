//! New names for things: the one place where the hub takes randomness for them.

use uuid::Builder;

use crate::error::{Error, Kind, Result};

/// A UUIDv7 of the moment (microseconds since 1970): sorts by time, random within a millisecond.
pub fn of_moment(now: i64) -> Result<String> {
    let millis = u64::try_from(now / 1_000).unwrap_or(0);
    Ok(Builder::from_unix_timestamp_millis(millis, &bytes()?).into_uuid().to_string())
}

/// A random name of 32 hexadecimal digits.
pub fn random() -> Result<String> {
    Ok(bytes::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect())
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
    fn names_of_one_moment_differ() {
        assert_ne!(of_moment(0).expect("a name"), of_moment(0).expect("a name"));
    }
}
