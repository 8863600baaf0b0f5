//! Who may ask: the Host of a request, the page that it comes from, and the token.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::serve::http::host::Hosts;
use crate::serve::http::refused::Refused;
use crate::serve::settings::Settings;

/// What a request has to show.
pub struct Doors {
    hosts: Hosts,
    origins: Vec<String>,
    /// The SHA-256 of the token.
    token: Option<[u8; 32]>,
}

impl Doors {
    /// As the settings say.
    pub fn new(settings: &Settings) -> Doors {
        Doors {
            hosts: Hosts::new(&settings.host, &settings.names),
            origins: settings.origins.clone(),
            token: settings.token.as_ref().map(|token| Sha256::digest(token).into()),
        }
    }

    /// Whether the token is shown that this request needs.
    ///
    /// # Errors
    /// It is not.
    fn admit(&self, request: &Request) -> Result<(), Refused> {
        let is_open = matches!(request.uri().path(), "/" | "/health" | "/favicon.ico");
        if request.method() == Method::OPTIONS || is_open { Ok(()) } else { self.token(request.headers()) }
    }

    /// The origin of another page that may ask, where the request comes from one.
    ///
    /// # Errors
    /// The request is for another host, or comes from a page that may not ask.
    fn page(&self, request: &Request) -> Result<Option<HeaderValue>, Refused> {
        self.origin(request, self.host(request)?)
    }

    /// The host that the request names.
    fn host<'a>(&self, request: &'a Request) -> Result<&'a str, Refused> {
        let named = only(request.headers(), header::HOST).filter(|host| self.hosts.know(host));
        let same = request.uri().authority().is_none_or(|at| self.hosts.know(at.as_str()));
        named.filter(|_| same).ok_or_else(|| {
            forbidden(
                "host_not_allowed",
                "this server does not go by the name in the request's Host: ask it at http://localhost, or start \
                 it with --allow-host and that name",
            )
        })
    }

    /// The origin, where it is another than our own page's.
    fn origin(&self, request: &Request, host: &str) -> Result<Option<HeaderValue>, Refused> {
        let headers = request.headers();
        let refused = || {
            let named = only(headers, header::ORIGIN).unwrap_or("another server");
            let message = format!(
                "pages of {named} may not ask here: start the server with --allow-origin and the page's origin if \
                 they may"
            );
            forbidden("origin_not_allowed", &message)
        };
        if !headers.contains_key(header::ORIGIN) {
            // Pages send no Origin with what they embed; browsers say so in this other way. A link to our page is fine.
            let elsewhere =
                headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
            return if elsewhere && request.uri().path() != "/" { Err(refused()) } else { Ok(None) };
        }
        let origin = only(headers, header::ORIGIN).ok_or_else(refused)?;
        if origin.strip_prefix("http://").is_some_and(|own| own.eq_ignore_ascii_case(host)) {
            return Ok(None);
        }
        if !self.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
            return Err(refused());
        }
        Ok(Some(headers[header::ORIGIN].clone()))
    }

    fn token(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let Some(token) = &self.token else { return Ok(()) };
        let shown = only(headers, header::AUTHORIZATION).and_then(|shown| {
            let (scheme, token) = shown.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| Sha256::digest(token.trim()))
        });
        // Every byte of both hashes is looked at, so that the time tells nothing of where they differ.
        let differs = shown.map(|shown| shown.iter().zip(token).fold(0, |differs, (a, b)| differs | (a ^ b)));
        let message = match differs {
            Some(0) => return Ok(()),
            Some(_) => "the token is not this server's: give the one that it was started with as the API key",
            None => {
                "this server asks for a token: send `Authorization: Bearer` with the one that it was started with, \
                 which clients call an API key"
            }
        };
        Err(Refused::new(StatusCode::UNAUTHORIZED, message).code("invalid_api_key"))
    }
}

/// The value of a header that stands once and is text.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

fn forbidden(code: &'static str, message: &str) -> Refused {
    Refused::new(StatusCode::FORBIDDEN, message).code(code)
}

/// Lets a request through to its answer, or refuses it, and puts on every answer what keeps it among us.
pub async fn guard(State(doors): State<Arc<Doors>>, request: Request, next: Next) -> Response {
    let page = doors.page(&request);
    let origin = page.as_ref().ok().cloned().flatten();
    // What an allowed page is refused for, it may read.
    let mut response = match page.and_then(|_| doors.admit(&request)) {
        Err(refused) => refused.into_response(),
        Ok(()) if origin.is_some() && request.method() == Method::OPTIONS => preflight(&request),
        Ok(()) => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !doors.origins.is_empty() {
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    let resource = HeaderName::from_static("cross-origin-resource-policy");
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(resource, HeaderValue::from_static("cross-origin"));
    } else {
        headers.insert(resource, HeaderValue::from_static("same-origin"));
    }
    response
}

/// What a browser wants to hear before it lets an allowed page ask.
fn preflight(request: &Request) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    // The official client sends a dozen of its own (x-stainless-…).
    let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let asked = asked.unwrap_or(HeaderValue::from_static("authorization, content-type"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if request.headers().contains_key("access-control-request-private-network") {
        let name = HeaderName::from_static("access-control-allow-private-network");
        headers.insert(name, HeaderValue::from_static("true"));
    }
    response
}
