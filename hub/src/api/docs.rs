//! The API as it describes itself: OpenAPI 3.1 made from the handlers, and a page to browse it. Both want a token, as
//! everything but health does; a browser asks for it (any name, the token as password).

use std::io::{Cursor, Read};

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

use super::auth::Caller;
use super::problem::{Answer, Failure};
use super::{
    changes, communities, deliveries, feeds, identity, jobs, matching, metrics, problem, rejections, reports,
    residents, status, twice, why,
};
use crate::config::Agreement;
use crate::entity::EntitySchema;
use crate::error::{Error, Kind};
use crate::hub::Hub;
use crate::leaving::Scope;
use crate::relay::asyncapi;

const PAGE: &str = "/docs/";
const INITIALIZER: &str = "swagger-initializer.js";
/// What the page loads, and as what.
const PAGE_FILES: &[(&str, &str)] = &[
    ("index.html", "text/html; charset=utf-8"),
    ("index.css", "text/css; charset=utf-8"),
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui-standalone-preset.js", "text/javascript; charset=utf-8"),
    (INITIALIZER, "text/javascript; charset=utf-8"),
    ("favicon-16x16.png", "image/png"),
    ("favicon-32x32.png", "image/png"),
];
/// Opens this hub's description in the place of the archive's example.
const OPEN_DESCRIPTION: &str = r##"window.onload = () => {
  window.ui = SwaggerUIBundle({
    // Not relative: the page may have been opened with the password in its address, and a fetch may not.
    url: location.origin + "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    layout: "StandaloneLayout"
  });
};
"##;

/// The description of the API.
#[derive(OpenApi)]
#[openapi(
    info(title = "Hub", description = "Data exchange of a community information platform: departments push feeds, the hub keeps one record per resident and household, consumers pull it. Errors are problem details (RFC 9457) in both languages; lists are pages with `items` and, where more follows, `next`; moments are RFC 3339."),
    paths(
        deliveries::deliver, deliveries::record, deliveries::list, deliveries::get, deliveries::release, deliveries::refuse,
        reports::json, reports::csv, feeds::list, feeds::get, rejections::list, rejections::get, rejections::edit,
        rejections::waive, jobs::list, jobs::get, jobs::retry, residents::residents, residents::resident,
        residents::history, residents::search, residents::households, residents::household, communities::community,
        changes::changes, why::why, identity::merge, identity::place, identity::revoke, matching::list, matching::decide, matching::who, twice::list, matching::models, matching::new_model, status::status, status::agreements, status::trace_by_line, status::trace_by_key,
        metrics::metrics, status::healthz, status::readyz, openapi, topics
    ),
    components(schemas(problem::Problem, crate::pipeline::dry_run::DryRun)),
    tags((name = "in", description = "Departments send"), (name = "out", description = "Consumers pull"),
        (name = "feeds", description = "What is expected and what came"), (name = "deliveries"), (name = "rejections"),
        (name = "identity", description = "Who is who, and what clerks decide of it"), (name = "jobs"), (name = "status"), (name = "health")),
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

/// The page to browse it with, and what the page loads: the files of Swagger UI, from the archive in the binary.
pub async fn page(_: Caller, file: web::Path<String>) -> Answer<HttpResponse> {
    let name = if file.is_empty() { "index.html" } else { file.as_str() };
    let Some((_, content_type)) = PAGE_FILES.iter().find(|(known, _)| *known == name) else {
        return Err(Failure::no_route());
    };
    let body = if name == INITIALIZER { OPEN_DESCRIPTION.as_bytes().to_vec() } else { page_file(name)? };
    Ok(HttpResponse::Ok().content_type(*content_type).body(body))
}

fn page_file(name: &str) -> crate::error::Result<Vec<u8>> {
    let unreadable = |error: zip::result::ZipError| Error::new(Kind::Internal, "the page's archive").because(error);
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED)).map_err(unreadable)?;
    let wanted = format!("/dist/{name}");
    // The archive's one top folder bears the version; the page's own folder is the one right below.
    let lacking = || Error::new(Kind::Internal, "the page's archive lacks a file");
    let is_it = |path: &str| path.ends_with(&wanted) && path.matches('/').count() == 2;
    let path = archive.file_names().flatten().find(|path| is_it(path)).ok_or_else(lacking)?.into_owned();
    let mut bytes = Vec::new();
    let mut entry = archive.by_name(&path).map_err(unreadable)?;
    entry.read_to_end(&mut bytes).map_err(|error| Error::new(Kind::Internal, "the page's archive").because(error))?;
    Ok(bytes)
}

/// Sends a reader to the page.
pub async fn to_page(_: Caller) -> HttpResponse {
    HttpResponse::SeeOther().insert_header(("location", PAGE)).finish()
}
