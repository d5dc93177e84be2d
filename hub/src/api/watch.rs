//! What goes around every request: a trace context taken over and answered (W3C), one line in the log, a count, and the
//! promise that an error is a problem. The log names the route's pattern, never the path: paths may hold what persons are
//! found by.

use std::time::Instant;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, ResponseError, web};
use tracing::Instrument;

use super::auth::Caller;
use super::metrics::Requests;
use super::problem::{Failure, MEDIA_TYPE};
use crate::id;

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Watches one request.
pub async fn watch<B: MessageBody + 'static>(
    requests: web::Data<Requests>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let started = Instant::now();
    let method = named(request.method());
    let context = TraceContext::of(request.headers());
    let span = tracing::info_span!("request", trace.id = context.trace, span.id = context.span);
    // The request may not be kept beside the call: the router wants it for itself.
    let mut answer = match next.call(request).instrument(span.clone()).await {
        Ok(answer) => problem_or(answer),
        Err(error) => {
            let status = error.as_response_error().status_code();
            requests.count(method, "unknown", status.as_u16(), started.elapsed());
            return Err(Failure::of_status(status).into());
        }
    };
    if let Ok(value) = HeaderValue::from_str(&context.text()) {
        answer.headers_mut().insert(TRACE_PARENT, value);
    }
    // The pattern is known only after routing.
    let route = answer.request().match_pattern().unwrap_or_else(|| "unknown".to_owned());
    let (status, took) = (answer.status().as_u16(), started.elapsed());
    let token = answer.request().extensions().get::<Caller>().map(|caller| caller.token.clone());
    requests.count(method, &route, status, took);
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        tracing::info!(
            http.method = method,
            http.route = route,
            http.status = status,
            took_ms,
            token.id = token,
            "answered"
        );
    });
    Ok(answer)
}

/// The method as it is counted and logged: a stranger may invent any number of others.
fn named(method: &Method) -> &'static str {
    const NAMES: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    NAMES.iter().find(|known| **known == method.as_str()).unwrap_or(&"OTHER")
}

/// An error that no handler of the hub has worded (a page that is not there, a method that is not taken) as a problem.
fn problem_or<B: MessageBody>(answer: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    let status = answer.status();
    let is_problem = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == MEDIA_TYPE);
    let is_health = status.is_server_error() && answer.request().path() == "/readyz";
    if !(status.is_client_error() || status.is_server_error()) || is_problem || is_health {
        return answer.map_into_left_body();
    }
    let failure = if status == 404 { Failure::no_route() } else { Failure::of_status(status) };
    answer.into_response(failure.error_response()).map_into_right_body()
}

/// A W3C trace context with a span of this hub's own.
struct TraceContext {
    trace: String,
    span: String,
    flags: String,
}

impl TraceContext {
    /// Goes on with the caller's trace, or begins one.
    fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get(TRACE_PARENT).and_then(|value| value.to_str().ok()).and_then(parsed);
        let (trace, flags) = sent.unwrap_or_else(|| (random::<16>(), "00".to_owned()));
        Self { trace, span: random::<8>(), flags }
    }

    fn text(&self) -> String {
        format!("00-{}-{}-{}", self.trace, self.span, self.flags)
    }
}

/// Trace id and flags of a `traceparent`; `None` where it breaks the rules, and then it counts as not sent.
fn parsed(text: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = text.trim().split('-').collect();
    let [version, trace, span, flags] = parts.as_slice() else { return None };
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let good = hex(version, 2) && *version == "00" && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    (good && !zero(trace) && !zero(span)).then(|| ((*trace).to_owned(), (*flags).to_owned()))
}

fn random<const N: usize>() -> String {
    // A trace id need not be secret, only not all zero.
    id::hex(&id::bytes::<N>().unwrap_or([1; N]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_on_under_a_span_of_our_own() {
        let mut headers = HeaderMap::new();
        let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        headers.insert(TRACE_PARENT, HeaderValue::from_static(sent));
        let context = TraceContext::of(&headers);
        assert_eq!((context.trace.as_str(), context.flags.as_str()), ("4bf92f3577b34da6a3ce929d0e0e4736", "01"));
        assert_ne!(context.span, "00f067aa0ba902b7");
        assert!(parsed(&context.text()).is_some());
    }

    #[test]
    fn a_broken_trace_context_counts_as_none() {
        let zero = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        for broken in ["", "00-1-2-3", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", zero.as_str()] {
            assert_eq!(parsed(broken), None, "{broken}");
        }
    }
}
