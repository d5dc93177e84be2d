//! What handlers read requests with: blocking work, limits and cursors, headers. Owns no route.

use actix_web::http::header::HeaderMap;
use actix_web::web;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Answer, Failure};
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;

/// Most items of a page.
const MOST: i64 = 1_000;
const USUAL: i64 = 100;

/// Runs what blocks (the store, files) where it may block.
pub async fn blocking<T: Send + 'static>(
    hub: &web::Data<Hub>,
    body: impl FnOnce(&Hub) -> Result<T> + Send + 'static,
) -> Answer<T> {
    let hub = hub.clone();
    let done = web::block(move || body(&hub)).await;
    let broken = |error| Error::new(Kind::Internal, "the work of a request broke off").because(error);
    Ok(done.map_err(broken)??)
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page of what was read with `limit` plus one, so that it is known whether more follows.
    pub fn cut(mut items: Vec<T>, limit: i64, key: impl Fn(&T) -> String) -> Self {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > most;
        items.truncate(most);
        let next = items.last().filter(|_| more).map(|last| cursor(&key(last)));
        Self { items, next }
    }

    /// The same page of other items.
    pub fn map<U>(self, map: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(map).collect(), next: self.next }
    }
}

/// How many items a page may have.
pub fn limit(asked: Option<i64>) -> Answer<i64> {
    match asked {
        None => Ok(USUAL),
        Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
        Some(_) => Err(query_fault(format!("limit is 1 to {MOST}"), format!("limit 应为 1 至 {MOST}。"))),
    }
}

/// A parameter that cannot be used.
pub fn query_fault(en: impl Into<String>, zh: impl Into<String>) -> Failure {
    Failure::new(Kind::Invalid, "query-invalid", en, zh)
}

/// A query string with a parameter that is unknown or unreadable.
pub fn query_unknown() -> Failure {
    query_fault("a parameter is unknown or cannot be read", "查询参数未知或无法读取。")
}

/// A cursor that goes on after `key`. Opaque to callers, so that what it is made of may change.
pub fn cursor(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

/// What a cursor goes on after.
pub fn after(cursor: Option<&str>) -> Answer<Option<String>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let key = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    key.filter(|key| !key.contains('\0')).map(Some).ok_or_else(cursor_fault)
}

/// A cursor the hub has not given.
pub fn cursor_fault() -> Failure {
    Failure::new(Kind::Invalid, "cursor-invalid", "the cursor is not one the hub has given", "游标不是本系统给出的。")
}

/// A header as text; an error where it is there and is none.
pub fn text_header<'a>(headers: &'a HeaderMap, name: &str) -> Answer<Option<&'a str>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().map_err(|_| header_fault(name))?.trim();
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// A header that holds a whole number.
pub fn number_header(headers: &HeaderMap, name: &str) -> Answer<Option<i64>> {
    let text = text_header(headers, name)?;
    text.map(|text| text.parse::<i64>().ok().filter(|number| *number >= 0).ok_or_else(|| header_fault(name)))
        .transpose()
}

/// A header that cannot be used.
pub fn header_fault(name: &str) -> Failure {
    let en = format!("the header {name} cannot be read");
    Failure::new(Kind::Invalid, "header-invalid", en, format!("请求头 {name} 无法读取。"))
}

/// Undoes percent-encoding of UTF-8; `None` where the escapes or the text are broken.
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?].map(char::from);
        let value = digits[0].to_digit(16)? * 16 + digits[1].to_digit(16)?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_comes_back_out_of_its_escapes() {
        assert_eq!(percent_decoded("%E5%B8%B8%E4%BD%8F_20261101.txt").as_deref(), Some("常住_20261101.txt"));
        assert_eq!(percent_decoded("plain.txt").as_deref(), Some("plain.txt"));
        for broken in ["%", "%4", "%zz", "%ff", "%-1"] {
            assert_eq!(percent_decoded(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_page_has_a_cursor_only_where_more_follows() {
        let page = Page::cut(vec![1, 2, 3], 2, ToString::to_string);
        assert_eq!((page.items, after(page.next.as_deref()).unwrap()), (vec![1, 2], Some("2".to_owned())));
        assert_eq!(Page::cut(vec![1, 2], 2, ToString::to_string).next, None);
    }
}
