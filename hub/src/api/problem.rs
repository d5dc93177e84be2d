//! Errors as callers read them: problem details (RFC 9457) in both languages. The only place that writes one.
//!
//! Never shows the text of a database or of another library: what it says is a sentence of the hub's own. The cause goes
//! to the log, once, here.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::error::{Error, Kind};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// How long to wait before asking a hub again that could not answer, in seconds.
const RETRY_AFTER: &str = "5";

/// What is wrong with a request, or with the hub (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Names the problem; the code at its end.
    #[serde(rename = "type")]
    #[schema(example = "urn:hub:problem:feed-unknown")]
    kind: String,
    /// The kind of problem.
    title: &'static str,
    /// The same in Chinese.
    title_zh: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong.
    detail: String,
    /// The same in Chinese.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail_zh: Option<String>,
    /// Stable; programs tell problems apart by it.
    #[schema(example = "feed-unknown")]
    code: String,
    /// What to do.
    advice: &'static str,
    /// The same in Chinese.
    advice_zh: &'static str,
    /// What else the code calls for: `reasons` of an edit, `cursor` to go on from.
    #[serde(flatten)]
    #[schema(ignore)]
    more: Map<String, Value>,
}

/// A failed request on its way to the caller.
#[derive(Debug)]
pub struct Failure(Box<Problem>);

/// What a handler comes to.
pub type Answer<T> = Result<T, Failure>;

impl Failure {
    /// A failure of `kind` with a code and a sentence in both languages.
    pub fn new(kind: Kind, code: &'static str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Error::new(kind, en.into()).coded(code, zh.into()).into()
    }

    /// Nothing is at this address.
    pub fn no_route() -> Self {
        Self::new(Kind::NotFound, "route-unknown", "there is nothing at this address", "该地址不存在。")
    }

    /// Something is at this address, but not for this method.
    pub fn no_method() -> Self {
        let failure = Self::new(
            Kind::Invalid,
            "method-unknown",
            "this address does not take this method",
            "该地址不支持此方法。",
        );
        failure.status(StatusCode::METHOD_NOT_ALLOWED)
    }

    /// The body cannot be read as what the route takes.
    pub fn unreadable(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, "body-unreadable", en, zh)
    }

    /// A status that only HTTP knows; never one that the hub's own kinds have.
    pub fn of_status(status: StatusCode) -> Self {
        let kind = match status.as_u16() {
            404 => Kind::NotFound,
            413 => Kind::TooLarge,
            503 => Kind::Unavailable,
            400..500 => Kind::Invalid,
            _ => Kind::Internal,
        };
        let reason = status.canonical_reason().unwrap_or("the request failed").to_lowercase();
        Self::new(kind, "http", reason, format!("请求失败（HTTP {}）。", status.as_u16())).status(status)
    }

    /// Adds a member to the problem.
    #[must_use]
    pub fn with<T: Serialize>(mut self, name: &str, value: &T) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.more.insert(name.to_owned(), value);
        }
        self
    }

    fn status(mut self, status: StatusCode) -> Self {
        self.0.status = status.as_u16();
        (self.0.title, self.0.title_zh) = title(status.as_u16());
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let ours = matches!(error.kind, Kind::Internal | Kind::Config | Kind::Unavailable | Kind::Full);
        if ours {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(error = %error, error.kind = ?error.kind, error.cause = cause, "a request failed");
        }
        let (advice_zh, advice) = error.kind.advice();
        // What a fault of the hub itself was about is for the log: it may name files and tables.
        let told = !matches!(error.kind, Kind::Internal | Kind::Config);
        let code = error.code.map_or_else(|| word(error.kind).to_owned(), str::to_owned);
        let (title, title_zh) = title(error.kind.status());
        Self(Box::new(Problem {
            kind: format!("urn:hub:problem:{code}"),
            title,
            title_zh,
            status: error.kind.status(),
            detail: if told { error.context.into_owned() } else { "the hub could not answer".to_owned() },
            detail_zh: if told {
                error.context_zh.map(std::borrow::Cow::into_owned)
            } else {
                Some("系统未能应答。".to_owned())
            },
            code,
            advice,
            advice_zh,
            more: Map::new(),
        }))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut answer = HttpResponse::build(self.status_code());
        match self.0.status {
            401 => {
                // Bearer for programs; Basic (the token as password) so that a browser asks.
                answer.append_header((header::WWW_AUTHENTICATE, "Bearer realm=\"hub\""));
                answer.append_header((header::WWW_AUTHENTICATE, "Basic realm=\"hub\", charset=\"UTF-8\""));
            }
            503 => {
                answer.insert_header((header::RETRY_AFTER, RETRY_AFTER));
            }
            _ => {}
        }
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        answer.insert_header((header::CACHE_CONTROL, "no-store")).content_type(MEDIA_TYPE).body(body)
    }
}

/// The code of a failure that has none of its own.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "invalid",
        Kind::Unauthorized => "unauthorized",
        Kind::Forbidden => "forbidden",
        Kind::NotFound => "not-found",
        Kind::Conflict => "conflict",
        Kind::Gone => "gone",
        Kind::Unprocessable => "unprocessable",
        Kind::TooLarge => "too-large",
        Kind::Config => "config",
        Kind::Full => "full",
        Kind::Unavailable => "unavailable",
        Kind::Internal => "internal",
    }
}

fn title(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("The request is wrong", "请求有误"),
        401 => ("A token is needed", "需要访问令牌"),
        403 => ("This token may not do that", "该令牌无此权限"),
        404 => ("Not found", "未找到"),
        405 => ("Not with this method", "不支持此方法"),
        406 => ("Not acceptable", "无法按要求的格式应答"),
        409 => ("The present state does not allow it", "当前状态不允许"),
        410 => ("Gone", "已失效"),
        413 => ("Too large", "超出大小限制"),
        422 => ("The content contradicts itself or an earlier request", "内容前后矛盾"),
        500 => ("A fault of the hub", "系统内部错误"),
        503 => ("Not now", "暂不可用"),
        507 => ("Storage is full", "存储空间已满"),
        500.. => ("The hub failed", "系统故障"),
        _ => ("The request failed", "请求失败"),
    }
}
