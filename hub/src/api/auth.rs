//! Who calls, and what that role may ask for. Every route asks here; nothing but health answers without a token.
//!
//! A token comes as `Authorization: Bearer`, or as the password of Basic so that a browser can show the documentation.
//! It never stands in a URL. What belongs to others is answered as if it were not there.

use std::future::{Ready, ready};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, ResponseError, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::extract::blocking;
use super::problem::{Answer, Failure};
use crate::access::{self, Role};
use crate::error::{Error, Kind};
use crate::hub::Hub;
use crate::leaving::Scope;

/// The routes that answer without a token.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// What it may ask for.
    pub role: Role,
    /// The token's id.
    pub token: String,
    /// How it is named in deliveries and decisions.
    pub name: String,
}

impl Caller {
    /// Goes on only for an administrator.
    pub fn administrator(&self) -> Answer<()> {
        if self.role == Role::Administrator { Ok(()) } else { Err(forbidden()) }
    }

    /// The department whose deliveries may be seen; `None` for those of all departments.
    pub fn department(&self) -> Answer<Option<&str>> {
        match &self.role {
            Role::Administrator => Ok(None),
            Role::Department(department) => Ok(Some(department)),
            Role::Consumer(_) => Err(forbidden()),
        }
    }

    /// Goes on only for who may see this feed; for others it is as if `missing` were true.
    pub fn feed(&self, feed: &str, missing: impl FnOnce() -> Error) -> Answer<()> {
        match self.department()? {
            Some(department) if feed.split('/').next() != Some(department) => Err(missing().into()),
            _ => Ok(()),
        }
    }

    /// What may leave to the caller; a department is no consumer.
    pub fn scope(&self, hub: &Hub) -> Answer<Scope> {
        match &self.role {
            Role::Administrator => Ok(Scope::All),
            Role::Consumer(agreement) => Ok(Scope::of_agreement(&hub.config, agreement)),
            Role::Department(_) => Err(forbidden()),
        }
    }
}

fn forbidden() -> Failure {
    Failure::new(
        Kind::Forbidden,
        "role-forbidden",
        "the role of this token does not have this right",
        "该令牌的角色无此权限。",
    )
}

impl FromRequest for Caller {
    type Error = Failure;
    type Future = Ready<Answer<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or_else(unauthorized))
    }
}

fn unauthorized() -> Failure {
    Failure::new(
        Kind::Unauthorized,
        "token-unknown",
        "no token, or one that is not known or no longer valid",
        "缺少访问令牌，或令牌无效。",
    )
}

/// Lets a request through with its [`Caller`], or answers 401.
pub async fn authenticate<B: MessageBody>(
    hub: web::Data<Hub>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if OPEN.contains(&request.path()) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let known = known(hub, &request).await.and_then(|caller| holds_no_nul(&request).map(|()| caller));
    match known {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            Ok(next.call(request).await?.map_into_left_body())
        }
        Err(failure) => Ok(request.into_response(failure.error_response()).map_into_right_body()),
    }
}

/// No name of the hub holds a NUL, and PostgreSQL's text cannot: it goes no further than here.
fn holds_no_nul(request: &ServiceRequest) -> Answer<()> {
    let uri = request.uri();
    if uri.path().contains("%00") || uri.query().is_some_and(|query| query.contains("%00")) {
        let (en, zh) = ("the address holds a NUL character", "地址中含有空字符（NUL）。");
        return Err(Failure::new(Kind::Invalid, "address-invalid", en, zh));
    }
    Ok(())
}

async fn known(hub: web::Data<Hub>, request: &ServiceRequest) -> Answer<Caller> {
    let sent = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (text, basic) = sent.and_then(secret_text).ok_or_else(unauthorized)?;
    if basic && is_cross_site(request) {
        return Err(forbidden());
    }
    let token = match access::recalled(&hub, &text)? {
        Some(token) => token,
        None => blocking(&hub, move |hub| access::verify(hub, &text)).await?.ok_or_else(unauthorized)?,
    };
    Ok(Caller { role: token.role()?, name: token.name().to_owned(), token: token.id.clone() })
}

/// The secret text of an `Authorization` header, and whether a browser may have sent it unasked.
fn secret_text(header: &str) -> Option<(String, bool)> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some((rest.trim().to_owned(), false));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (_, password) = decoded.split_once(':')?;
    Some((password.to_owned(), true))
}

/// A browser adds a remembered Basic password to what another site's page sends; that page's wishes are not the user's.
fn is_cross_site(request: &ServiceRequest) -> bool {
    let site = request.headers().get("sec-fetch-site").and_then(|value| value.to_str().ok());
    site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
}
