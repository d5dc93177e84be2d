//! The HTTP API under `/v1`: departments send, consumers pull, administrators watch and repair. Owns routes, roles and
//! the form of answers; all it does is done elsewhere.
//!
//! Nothing but health answers without a token. What leaves goes through [`crate::leaving`]. No handler blocks a thread
//! that serves others, and no error is written anywhere but in `problem`.

mod auth;
mod changes;
mod communities;
mod deliveries;
mod docs;
mod export;
mod extract;
mod feeds;
mod gather;
mod identity;
mod jobs;
mod matching;
mod metrics;
mod problem;
mod rejections;
mod reports;
mod residents;
mod status;
#[cfg(test)]
mod tests;
mod twice;
mod upload;
mod watch;
mod why;

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::guard;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer, Resource, Route};
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod};

pub use docs::Description;
pub use matching::{Review, reviews};
pub use twice::pairs;

use crate::config::ServerConfig;
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use gather::Gather;
use metrics::Requests;
use problem::Failure;

/// Most bytes of a JSON request; deliveries and records have their own limits.
const JSON: usize = 1 << 20;
/// How long a connection may be idle between two requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long requests at work may take when the server is asked to end, in seconds.
const PATIENCE: u64 = 5;

/// Serves the API on the configured address until the process ends.
pub async fn serve(hub: Arc<Hub>) -> Result<()> {
    let config = hub.config.server.clone();
    let state = State::new(hub);
    // Signals are the process's to hear, which has more to end than this.
    let server = HttpServer::new(move || app(&state))
        .workers(config.workers.max(1))
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(PATIENCE)
        .disable_signals();
    let bound = match tls(&config)? {
        Some(acceptor) => server.bind_openssl(&config.listen, acceptor),
        None => server.bind(&config.listen),
    };
    let server =
        bound.map_err(|error| Error::new(Kind::Config, format!("listening on {}", config.listen)).because(error))?;
    tracing::info!(server.listen = config.listen, server.tls = config.tls_certificate.is_some(), "listening");
    server.run().await.map_err(|error| Error::new(Kind::Internal, "the server ended").because(error))
}

fn tls(config: &ServerConfig) -> Result<Option<SslAcceptorBuilder>> {
    let (Some(certificate), Some(key)) = (&config.tls_certificate, &config.tls_key) else { return Ok(None) };
    let failed = |error: openssl::error::ErrorStack| {
        Error::new(Kind::Config, "server.tls_certificate or server.tls_key").because(error)
    };
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).map_err(failed)?;
    acceptor.set_certificate_chain_file(certificate).map_err(failed)?;
    acceptor.set_private_key_file(key, SslFiletype::PEM).map_err(failed)?;
    acceptor.check_private_key().map_err(failed)?;
    Ok(Some(acceptor))
}

/// What all workers of a server share. Clone is cheap.
#[derive(Clone)]
pub struct State {
    hub: web::Data<Hub>,
    requests: web::Data<Requests>,
    gather: web::Data<Gather>,
}

impl State {
    /// The state of a server of this hub.
    pub fn new(hub: Arc<Hub>) -> Self {
        let gather = web::Data::new(Gather::start(&hub));
        Self { hub: web::Data::from(hub), requests: web::Data::new(Requests::default()), gather }
    }
}

/// The application: routes, roles, trace, log and compression.
pub fn app(
    state: &State,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    App::new()
        .app_data(state.hub.clone())
        .app_data(state.requests.clone())
        .app_data(state.gather.clone())
        .configure(faults)
        .configure(routes)
        .default_service(web::to(|| async { HttpResponse::from_error(Failure::no_route()) }))
        .wrap(from_fn(auth::authenticate))
        .wrap(from_fn(watch::watch))
        .wrap(Compress::default())
}

/// What cannot be read of a request is a problem like any other. The parser's own words may quote the request, so they
/// are not told.
fn faults(config: &mut ServiceConfig) {
    let json = web::JsonConfig::default().limit(JSON).error_handler(|error, _| {
        let large = matches!(
            error,
            actix_web::error::JsonPayloadError::Overflow { .. }
                | actix_web::error::JsonPayloadError::OverflowKnownLength { .. }
        );
        let failure = if large {
            Failure::new(Kind::TooLarge, "body-too-large", "the body is too large", "请求体过大。")
        } else {
            Failure::unreadable("the body is not the JSON this address takes", "请求体不是该地址要求的 JSON。")
        };
        failure.into()
    });
    let query = web::QueryConfig::default().error_handler(|_, _| extract::query_unknown().into());
    let path = web::PathConfig::default().error_handler(|_, _| Failure::no_route().into());
    config.app_data(json).app_data(query).app_data(path);
}

/// Looked through in this order, a pattern costing more than a name: what is asked most stands first.
fn routes(config: &mut ServiceConfig) {
    config
        .service(at("/v1/changes").route(get().to(changes::changes)))
        .service(at("/v1/residents").route(get().to(residents::residents)))
        .service(at("/v1/residents/search").route(web::post().to(residents::search)))
        .service(at("/v1/residents/{id}").route(get().to(residents::resident)))
        .service(at("/v1/residents/{id}/history").route(get().to(residents::history)))
        .service(at("/v1/residents/{id}/why").route(get().to(why::why)))
        .service(at("/v1/residents/{id}/merge").route(web::post().to(identity::merge)))
        .service(at("/v1/households").route(get().to(residents::households)))
        .service(at("/v1/households/{id}").route(get().to(residents::household)))
        .service(at("/v1/feeds").route(get().to(feeds::list)))
        .service(at("/v1/feeds/{department}/{feed}").route(get().to(feeds::get)))
        .service(at("/v1/feeds/{department}/{feed}/deliveries").route(web::post().to(deliveries::deliver)))
        .service(at("/v1/feeds/{department}/{feed}/records").route(web::post().to(deliveries::record)))
        .service(at("/v1/deliveries").route(get().to(deliveries::list)))
        .service(at("/v1/deliveries/{id}").route(get().to(deliveries::get)))
        .service(at("/v1/deliveries/{id}/release").route(web::post().to(deliveries::release)))
        .service(at("/v1/deliveries/{id}/refuse").route(web::post().to(deliveries::refuse)))
        .service(at("/v1/deliveries/{id}/report").route(get().to(reports::json)))
        .service(at("/v1/deliveries/{id}/report.csv").route(get().to(reports::csv)))
        .service(at("/v1/rejections").route(get().to(rejections::list)))
        .service(at("/v1/rejections/{id}").route(get().to(rejections::get)))
        .service(at("/v1/rejections/{id}/edit").route(web::post().to(rejections::edit)))
        .service(at("/v1/rejections/{id}/waive").route(web::post().to(rejections::waive)))
        .service(at("/v1/contributions/{id}/place").route(web::post().to(identity::place)))
        .service(at("/v1/decisions/{id}/revoke").route(web::post().to(identity::revoke)))
        .service(at("/v1/reviews").route(get().to(matching::list)))
        .service(at("/v1/reviews/residents").route(get().to(twice::list)))
        .service(at("/v1/reviews/{contribution}/decide").route(web::post().to(matching::decide)))
        .service(at("/v1/models").route(get().to(matching::models)).route(web::post().to(matching::new_model)))
        .service(at("/v1/match").route(web::post().to(matching::who)))
        .service(at("/v1/jobs").route(get().to(jobs::list)))
        .service(at("/v1/jobs/{id}").route(get().to(jobs::get)))
        .service(at("/v1/jobs/{id}/retry").route(web::post().to(jobs::retry)))
        .service(at("/v1/communities/{code}").route(get().to(communities::community)))
        .service(at("/v1/agreements").route(get().to(status::agreements)))
        .service(at("/v1/status").route(get().to(status::status)))
        .service(at("/v1/trace").route(get().to(status::trace_by_line)).route(web::post().to(status::trace_by_key)))
        .service(at("/metrics").route(get().to(metrics::metrics)))
        .service(at("/healthz").route(get().to(status::healthz)))
        .service(at("/readyz").route(get().to(status::readyz)))
        .service(at("/openapi.json").route(get().to(docs::openapi)))
        .service(at("/asyncapi.json").route(get().to(docs::topics)))
        .service(at("/docs").route(get().to(docs::to_page)))
        .service(at("/docs/{file:.*}").route(get().to(docs::page)));
}

/// GET, and HEAD, which the server answers as GET without the body.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// A route; with another method it answers 405.
fn at(path: &str) -> Resource {
    web::resource(path).default_service(web::to(|| async { HttpResponse::from_error(Failure::no_method()) }))
}
