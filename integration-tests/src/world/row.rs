//! One row of a feed: columns in the feed's order, and repeated groups.

/// A row as the department would send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    columns: Vec<(&'static str, Option<String>)>,
    groups: Vec<Row>,
}

impl Row {
    /// A row of these columns, all blank.
    pub(super) fn blank(columns: &[&'static str]) -> Self {
        Self { columns: columns.iter().map(|&column| (column, Some(String::new()))).collect(), groups: Vec::new() }
    }

    /// Sets a column; panics if the feed has none of that name.
    #[must_use]
    pub fn with(mut self, column: &str, value: &str) -> Self {
        *self.column(column) = Some(value.to_owned());
        self
    }

    /// Leaves a column out: no element, no key; blank where the format has fixed columns.
    #[must_use]
    pub fn without(mut self, column: &str) -> Self {
        *self.column(column) = None;
        self
    }

    /// Adds an item of the row's repeated group.
    #[must_use]
    pub fn and(mut self, item: Self) -> Self {
        self.groups.push(item);
        self
    }

    /// Leaves out all items of the repeated group.
    #[must_use]
    pub fn and_nothing(mut self) -> Self {
        self.groups.clear();
        self
    }

    /// What a column holds; blank if it is left out.
    pub fn value(&self, column: &str) -> &str {
        let found = self.columns.iter().find(|(name, _)| *name == column);
        found.unwrap_or_else(|| panic!("no column {column}")).1.as_deref().unwrap_or_default()
    }

    /// The columns that are there, in order.
    pub(super) fn present(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.columns.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)))
    }

    /// All columns in order, blank for those left out.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(_, value)| value.as_deref().unwrap_or_default())
    }

    /// The items of the repeated group.
    pub(super) fn items(&self) -> &[Self] {
        &self.groups
    }

    fn column(&mut self, column: &str) -> &mut Option<String> {
        let found = self.columns.iter_mut().find(|(name, _)| *name == column);
        &mut found.unwrap_or_else(|| panic!("the feed has no column {column}")).1
    }
}

/// Text as XML writes it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
