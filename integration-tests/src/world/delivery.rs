//! A delivery: bytes, and the headers they are sent with.

/// What a department sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `department/feed`.
    pub feed: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Delivery {
    pub(super) fn new(feed: &'static str, bytes: Vec<u8>) -> Self {
        Self { feed, bytes, headers: Vec::new() }
    }

    /// A file of a feed that is not one of the six.
    pub fn of(feed: &'static str, bytes: Vec<u8>) -> Self {
        Self::new(feed, bytes)
    }

    /// The department.
    pub fn department(&self) -> &'static str {
        self.feed.split('/').next().unwrap_or_default()
    }

    /// Where it is sent.
    pub fn path(&self) -> String {
        format!("/v1/feeds/{}/deliveries", self.feed)
    }

    /// Its headers.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Sets a header, in place of one of the same name.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(had, _)| !had.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a header out.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(had, _)| !had.eq_ignore_ascii_case(name));
        self
    }

    /// Other bytes under the same headers.
    #[must_use]
    pub fn with_bytes(mut self, bytes: Vec<u8>) -> Self {
        self.bytes = bytes;
        self
    }

    /// Only the first `tenths` tenths of the bytes, as after a broken connection.
    #[must_use]
    pub fn cut_at(mut self, tenths: usize) -> Self {
        self.bytes.truncate(self.bytes.len() * tenths / 10);
        self
    }
}
