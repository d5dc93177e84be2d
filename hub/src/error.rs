//! What is wrong with an operation. What is wrong with a record is data (`reason`), never an error.

use std::borrow::Cow;
use std::fmt;

/// The kinds of failure; each knows whether to try again, its HTTP status and what an administrator should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request or command is wrong in itself.
    Invalid,
    /// No or unknown credentials.
    Unauthorized,
    /// Credentials without this right.
    Forbidden,
    /// What was asked for is not here.
    NotFound,
    /// The present state forbids it.
    Conflict,
    /// A cursor of another epoch or a thing removed for good.
    Gone,
    /// Well-formed, but contradicts what was said before or itself.
    Unprocessable,
    /// A limit on size was passed.
    TooLarge,
    /// The configuration or a data file is wrong.
    Config,
    /// Disk or database is full.
    Full,
    /// The database, the broker or another hub is away or busy.
    Unavailable,
    /// A fault of the hub itself, or stored data that contradicts itself.
    Internal,
}

/// What the job runner does after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Try again later, with growing pauses.
    Retry,
    /// Wait until a person has acted.
    Person,
    /// Never try again.
    GiveUp,
}

impl Kind {
    /// What the job runner does after it.
    pub fn policy(self) -> Policy {
        match self {
            Self::Unavailable | Self::Full => Policy::Retry,
            Self::Config | Self::Internal => Policy::Person,
            _ => Policy::GiveUp,
        }
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Gone => 410,
            Self::TooLarge => 413,
            Self::Unprocessable => 422,
            Self::Full => 507,
            Self::Unavailable => 503,
            Self::Config | Self::Internal => 500,
        }
    }

    /// The sentence an administrator reads, Chinese then English.
    pub fn advice(self) -> (&'static str, &'static str) {
        match self {
            Self::Invalid => ("请求有误，请按说明改正后重发。", "Correct the request and send it again."),
            Self::Unauthorized => ("请提供有效的访问令牌。", "Send a valid token."),
            Self::Forbidden => ("该令牌无此权限，请联系管理员。", "This token may not do that; ask an administrator."),
            Self::NotFound => ("所请求的对象不存在。", "There is no such thing here."),
            Self::Conflict => ("当前状态不允许此操作。", "The present state does not allow this."),
            Self::Gone => ("该游标已失效，请重新全量同步。", "This cursor is no longer valid; synchronise anew."),
            Self::TooLarge => ("超出大小限制。", "A size limit was passed."),
            Self::Config => ("配置有误，请运行 hub check。", "The configuration is wrong; run `hub check`."),
            Self::Full => {
                ("存储空间已满，请清理后等待自动重试。", "Storage is full; free space, the hub tries again by itself.")
            }
            Self::Unavailable => {
                ("依赖的服务暂不可用，将自动重试。", "A service the hub needs is away; it tries again by itself.")
            }
            Self::Unprocessable => (
                "内容前后矛盾，请核对后重发。",
                "The content contradicts itself or an earlier request; check it and send again.",
            ),
            Self::Internal => {
                ("内部错误，请查看日志并运行 hub verify。", "An internal fault; see the log and run `hub verify`.")
            }
        }
    }
}

/// A failed operation.
#[derive(Debug)]
pub struct Error {
    /// What kind of failure it is.
    pub kind: Kind,
    /// Stable code where callers tell cases apart, such as `total-mismatch`; the kind's name otherwise.
    pub code: Option<&'static str>,
    /// What was being done, without personal data.
    pub context: Cow<'static, str>,
    /// The same for people who read Chinese, where the fault is theirs to mend.
    pub context_zh: Option<Cow<'static, str>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of an operation of the hub.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of `kind` while doing `context`.
    pub fn new(kind: Kind, context: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, code: None, context: context.into(), context_zh: None, source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds a stable code and the Chinese sentence.
    #[must_use]
    pub fn coded(mut self, code: &'static str, zh: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code);
        self.context_zh = Some(zh.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.context)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}
