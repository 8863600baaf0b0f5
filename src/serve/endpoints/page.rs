//! `GET /`: the page, which runs its own script and asks this server, and can do nothing else.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// The page and what the browser is to hold it to.
#[derive(Debug, Clone)]
pub struct Page {
    text: String,
    policy: HeaderValue,
}

impl Page {
    /// Ours, or another in a test. Line ends become those that a browser hashes.
    pub fn new(html: &str) -> Page {
        let text = html.replace("\r\n", "\n");
        let policy =
            HeaderValue::try_from(policy(&text)).expect("hashes in base64 and words of ours are ASCII");
        Page { text, policy }
    }

    /// The answer with it.
    pub fn response(&self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (header::CONTENT_SECURITY_POLICY, self.policy.clone()),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        ];
        (headers, self.text.clone()).into_response()
    }
}

/// No picture of the page's own: browsers ask for one all the same.
pub async fn icon() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Content Security Policy (level 3): nothing from elsewhere, and of scripts only those that the page came with, by their hashes.
fn policy(html: &str) -> String {
    let hash = |script: &&str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(script)));
    let hashes: Vec<String> = scripts(html).iter().map(hash).collect();
    let scripts = if hashes.is_empty() { "'none'".into() } else { hashes.join(" ") };
    format!(
        "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// What stands in the page's `<script>` elements.
fn scripts(html: &str) -> Vec<&str> {
    let mut rest = html;
    let mut all = Vec::new();
    while let Some(at) = rest.find("<script") {
        let Some((_, after)) = rest[at..].split_once('>') else { break };
        let Some((script, behind)) = after.split_once("</script") else { break };
        all.push(script);
        rest = behind;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_scripts_of_the_page_may_run() {
        let html =
            "<p><script>alert(1)</script><style>b{}</style><script type=\"module\">\r\nlet a;\r\n</script>";
        let page = Page::new(html);
        let policy = page.policy.to_str().unwrap();
        // echo -n 'alert(1)' | openssl dgst -sha256 -binary | base64
        assert!(policy.contains("'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"), "{policy}");
        let second = format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest("\nlet a;\n")));
        assert!(policy.contains(&second) && policy.matches("sha256-").count() == 2, "{policy}");
        assert!(Page::new("<p>").policy.to_str().unwrap().contains("script-src 'none'"));
    }
}
