//! A request that is not answered, in the shape of `OpenAI`'s errors.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::serve::http::sent::json_response;
use crate::serve::job::{Kind, Refusal};

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// HTTP's number for it.
    pub status: StatusCode,
    /// What happened and what to do next, for a person.
    pub message: String,
    /// The field of the request that is wrong.
    pub param: Option<String>,
    /// What programs tell it by.
    pub code: Option<&'static str>,
}

impl Refused {
    /// One without a field or a code.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Refused {
        Refused { status, message: message.into(), param: None, code: None }
    }

    /// A field of the request is wrong.
    pub fn field(
        param: impl Into<String>,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Refused {
        Refused { status: StatusCode::BAD_REQUEST, message: message.into(), param: Some(param.into()), code }
    }

    /// The same with a code.
    pub fn code(mut self, code: &'static str) -> Refused {
        self.code = Some(code);
        self
    }

    /// Something broke that is not the client's fault.
    pub fn broken(message: impl Into<String>) -> Refused {
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        let kind = match self.status {
            StatusCode::TOO_MANY_REQUESTS => "requests",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        };
        json!({ "error": { "message": self.message, "type": kind, "param": self.param, "code": self.code } })
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        let (status, code) = match refusal.kind {
            Kind::NotFound => (StatusCode::NOT_FOUND, Some("model_not_found")),
            Kind::Invalid => (StatusCode::BAD_REQUEST, None),
            Kind::TooLong => (StatusCode::BAD_REQUEST, Some("context_length_exceeded")),
            Kind::Busy => (StatusCode::TOO_MANY_REQUESTS, Some("rate_limit_exceeded")),
            Kind::Broken => (StatusCode::INTERNAL_SERVER_ERROR, None),
        };
        Refused { status, message: refusal.message, param: refusal.param.map(String::from), code }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = json_response(self.status, &self.body());
        let headers = response.headers_mut();
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}
