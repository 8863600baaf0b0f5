//! Who may ask, and who may not.

use serde_json::json;

use super::client::{ask, get};
use super::fake::Served;
use crate::serve::{Settings, listen, run};

#[test]
fn a_name_that_points_here_is_not_let_in() {
    let served = Served::new(Settings { names: vec!["host.docker.internal".into()], ..Settings::default() });
    let with = |host: &str| ask(served.at, "GET /v1/models", &[("Host", host)], b"");
    for good in ["localhost:1", "127.0.0.1", "[::1]:9", "host.docker.internal:80"] {
        assert_eq!(with(good).status, 200, "{good}");
    }
    for bad in ["evil.example", "localhost.evil.example", "192.168.1.2", "0.0.0.0"] {
        assert_eq!(with(bad).error(), (403, json!(null), json!("host_not_allowed")), "{bad}");
    }
    let elsewhere = ask(served.at, "GET http://evil.example/v1/models", &[("Host", "localhost")], b"");
    assert_eq!(elsewhere.status, 403);
    let twice = ask(served.at, "GET /health", &[("Host", "localhost"), ("Host", "evil.example")], b"");
    assert_eq!(twice.status, 403);
}

#[test]
fn pages_of_others_may_not_ask() {
    let served = Served::new(Settings::default());
    let own = format!("http://{}", served.at);
    let body = json!({ "model": "diary", "prompt": "p" }).to_string();
    let post =
        |headers: &[(&str, &str)]| ask(served.at, "POST /v1/completions", headers, body.as_bytes()).status;
    assert_eq!(post(&[("Origin", &own)]), 200);
    for bad in ["http://evil.example", "null", "http://localhost:1", "https://localhost", ""] {
        assert_eq!(post(&[("Origin", bad)]), 403, "{bad}");
    }
    assert_eq!(post(&[("Origin", &own), ("Origin", "http://evil.example")]), 403);
    assert_eq!(post(&[("Sec-Fetch-Site", "cross-site")]), 403);
    assert_eq!(post(&[("Sec-Fetch-Site", "same-origin")]), 200);
    // A link to the page is followed.
    assert_eq!(ask(served.at, "GET /", &[("Sec-Fetch-Site", "cross-site")], b"").status, 200);
    let preflight = [("Origin", "http://evil.example"), ("Access-Control-Request-Method", "POST")];
    let reply = ask(served.at, "OPTIONS /v1/completions", &preflight, b"");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (403, None));
    assert_eq!(served.seen.writes.lock().unwrap().len(), 2, "what is refused never reaches the worker");
}

#[test]
fn a_page_that_is_named_may_ask_and_no_other() {
    let origin = "http://localhost:3000";
    let settings = Settings {
        origins: vec![origin.into(), "app://notes".into()],
        token: Some("s3cret".into()),
        ..Settings::default()
    };
    let served = Served::new(settings);
    let headers = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization, x-stainless-os"),
        ("Access-Control-Request-Private-Network", "true"),
    ];
    let reply = ask(served.at, "OPTIONS /v1/chat/completions", &headers, b"");
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
    assert_eq!(reply.header("access-control-allow-headers"), Some("authorization, x-stainless-os"));
    assert_eq!(reply.header("access-control-allow-private-network"), Some("true"));
    let token = ("Authorization", "Bearer s3cret");
    let reply = ask(served.at, "GET /v1/models", &[("Origin", origin), token], b"");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, Some(origin)));
    assert_eq!(reply.header("vary"), Some("Origin"));
    let reply = ask(served.at, "GET /v1/models", &[("Origin", origin)], b"");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (401, Some(origin)));
    assert_eq!(
        ask(served.at, "GET /v1/models", &[("Origin", "http://localhost:3001"), token], b"").status,
        403
    );
}

#[test]
fn a_token_is_asked_for_where_there_is_one() {
    let served = Served::new(Settings { token: Some("s3cret".into()), ..Settings::default() });
    let with = |shown: &str| ask(served.at, "GET /v1/models", &[("Authorization", shown)], b"");
    assert_eq!(with("Bearer s3cret").status, 200);
    assert_eq!(with("bearer s3cret").status, 200);
    for bad in ["Bearer s3cre", "Bearer s3crets", "Bearer ", "Bearer", "Basic s3cret", "s3cret", ""] {
        assert_eq!(with(bad).error(), (401, json!(null), json!("invalid_api_key")), "{bad}");
    }
    assert_eq!(get(served.at, "/v1/models").header("www-authenticate"), Some("Bearer"));
    // The page asks for the token itself.
    assert_eq!((get(served.at, "/").status, get(served.at, "/health").status), (200, 200));
    assert_eq!(get(served.at, "/nothing").status, 401);
}

#[test]
fn off_loopback_nothing_starts_without_a_token() {
    let start = |settings: Settings| {
        let (jobs, _) = std::sync::mpsc::channel();
        listen(&settings).and_then(|at| {
            run(at, &settings, Vec::new().into(), jobs, None, |_| panic!("it must not listen"))
        })
    };
    let error = start(Settings { host: "0.0.0.0".into(), ..Settings::default() }).unwrap_err().to_string();
    assert!(error.contains("--token"), "{error}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = start(Settings { port, ..Settings::default() }).unwrap_err().to_string();
    assert!(error.contains(&port.to_string()) && error.contains("--port 0"), "{error}");
}

#[test]
fn the_page_comes_with_all_that_keeps_it_in() {
    let served = Served::new(Settings::default());
    let page = get(served.at, "/");
    assert_eq!(page.text(), include_str!("../page.html").replace("\r\n", "\n"));
    let policy = page.header("content-security-policy").unwrap();
    for part in
        ["default-src 'none'; ", "connect-src 'self'; ", "frame-ancestors 'none'", "script-src 'sha256-"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    assert_eq!(get(served.at, "/favicon.ico").status, 204);
    assert_eq!(get(served.at, "/v1/models").header("cache-control"), Some("no-store"));
}
