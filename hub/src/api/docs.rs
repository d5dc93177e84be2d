//! The API as it describes itself: OpenAPI 3.1 made from the handlers, and a page to browse it. Both want a token, as
//! everything but health does; a browser asks for it (any name, the token as password).

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::Config;

use super::auth::Caller;
use super::problem::{Answer, Failure};
use super::{changes, communities, deliveries, feeds, jobs, metrics, problem, rejections, reports, residents, status};
use crate::config::Agreement;
use crate::entity::EntitySchema;
use crate::error::{Error, Kind};
use crate::hub::Hub;
use crate::leaving::Scope;
use crate::relay::asyncapi;

const PAGE: &str = "/docs/";

/// The description of the API.
#[derive(OpenApi)]
#[openapi(
    info(title = "Hub", description = "Data exchange of a community information platform: departments push feeds, the hub keeps one record per resident and household, consumers pull it. Errors are problem details (RFC 9457) in both languages; lists are pages with `items` and, where more follows, `next`; moments are RFC 3339."),
    paths(
        deliveries::deliver, deliveries::record, deliveries::list, deliveries::get, deliveries::release, deliveries::refuse,
        reports::json, reports::csv, feeds::list, feeds::get, rejections::list, rejections::get, rejections::edit,
        rejections::waive, jobs::list, jobs::get, jobs::retry, residents::residents, residents::resident,
        residents::history, residents::search, residents::households, residents::household, communities::community,
        changes::changes, status::status, status::agreements, status::trace_by_line, status::trace_by_key,
        metrics::metrics, status::healthz, status::readyz, openapi, topics
    ),
    components(schemas(problem::Problem, crate::pipeline::dry_run::DryRun)),
    tags((name = "in", description = "Departments send"), (name = "out", description = "Consumers pull"),
        (name = "feeds", description = "What is expected and what came"), (name = "deliveries"), (name = "rejections"),
        (name = "jobs"), (name = "status"), (name = "health")),
    modifiers(&Tokens), security(("token" = []), ("password" = []))
)]
pub struct Description;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An access token"));
        let basic =
            HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some("Any name, the token as password"));
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
        components.add_security_scheme("password", SecurityScheme::Http(basic.build()));
    }
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "status", responses((status = 200, body = Object)))]
pub async fn openapi(hub: web::Data<Hub>, _: Caller) -> Answer<HttpResponse> {
    let mut description = serde_json::to_value(Description::openapi())
        .map_err(|error| Error::new(Kind::Internal, "describing the API").because(error))?;
    let schemas = [&hub.resident, &hub.household];
    let everything = everything(&schemas);
    let Some(components) = description["components"]["schemas"].as_object_mut() else {
        return Ok(HttpResponse::Ok().json(description));
    };
    if let Value::Object(records) = asyncapi::component_schemas(&[everything], &schemas) {
        components.extend(records);
    }
    let record = json!({
        "description": "What the caller may see: by an agreement, its fields.",
        "anyOf": [{"$ref": "#/components/schemas/data-resident"}, {"$ref": "#/components/schemas/data-household"}],
    });
    for holder in ["Entity", "Change", "Past"] {
        if let Some(data) = components.get_mut(holder).and_then(|schema| schema.pointer_mut("/properties/data")) {
            *data = record.clone();
        }
    }
    Ok(HttpResponse::Ok().json(description))
}

/// An agreement under which records show all there is.
fn everything(schemas: &[&EntitySchema]) -> Agreement {
    let fields = |schema: &&EntitySchema| {
        let names = schema.attributes().map(|attribute| attribute.name.clone()).collect();
        (schema.kind().to_owned(), names)
    };
    Agreement {
        id: "data".to_owned(),
        entities: schemas.iter().map(|schema| schema.kind().to_owned()).collect(),
        fields: schemas.iter().map(fields).collect(),
        communities: vec!["*".to_owned()],
        ..Agreement::default()
    }
}

/// The Kafka topics (AsyncAPI 3) the caller may read; a hub without Kafka has none.
#[utoipa::path(get, path = "/asyncapi.json", tag = "status", responses((status = 200, body = Object)))]
pub async fn topics(hub: web::Data<Hub>, caller: Caller) -> Answer<HttpResponse> {
    let agreements: Vec<Agreement> = match caller.scope(&hub)? {
        Scope::All => hub.config.agreements.clone(),
        Scope::Agreement(agreement) => vec![agreement],
    };
    let kafka = hub.config.kafka.as_ref().filter(|_| agreements.iter().all(|agreement| !agreement.id.is_empty()));
    let Some(kafka) = kafka else { return Err(Failure::no_route()) };
    Ok(HttpResponse::Ok().json(asyncapi::document(kafka, &agreements, &[&hub.resident, &hub.household])))
}

/// The page to browse it with, and what the page loads.
pub async fn page(_: Caller, file: web::Path<String>) -> Answer<HttpResponse> {
    let config = std::sync::Arc::new(Config::new(["/openapi.json"]));
    match utoipa_swagger_ui::serve(&file, config) {
        Ok(Some(found)) => Ok(HttpResponse::Ok().content_type(found.content_type).body(found.bytes.into_owned())),
        _ => Err(Failure::no_route()),
    }
}

/// Sends a reader to the page.
pub async fn to_page(_: Caller) -> HttpResponse {
    HttpResponse::SeeOther().insert_header(("location", PAGE)).finish()
}
