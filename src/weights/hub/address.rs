//! Addresses of HTTP: where a redirect leads, and which part of a file an answer holds.

use ureq::http::Uri;

use crate::base::{Error, Result};
use crate::weights::words::short;

/// The first byte and the length of a `Content-Range: bytes 5-9/10`.
pub(super) fn range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()))
}

/// Whether a redirect leads to a host of its own.
pub(super) fn is_absolute(location: &str) -> bool {
    let scheme = location.split(['/', '?', '#']).next().unwrap_or_default();
    location.starts_with("//") || scheme.ends_with(':')
}

/// Where a redirect leads: never from https to http.
pub(super) fn join(base: &str, location: &str) -> Result<String> {
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let to = if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if is_absolute(location) {
        location.to_string()
    } else if location.starts_with('/') {
        format!("{scheme}://{host}{location}")
    } else {
        let path = base.split(['?', '#']).next().unwrap_or_default();
        let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
        format!("{folder}/{location}")
    };
    let encrypted = |url: &str| url.to_ascii_lowercase().starts_with("https://");
    let web = encrypted(&to) || to.to_ascii_lowercase().starts_with("http://");
    if !web || encrypted(base) && !encrypted(&to) {
        return Err(Error::setting(
            format!("{base}: redirected to {}, where what is sent is not protected", short(&to)),
            "try another network, or another mirror",
        ));
    }
    Ok(to)
}

/// Whether an address is this computer, where no proxy is asked.
pub(super) fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_where_they_say_and_never_out_of_encryption() {
        let base = "https://hub.test/a/b/resolve/main/config.json?x=/y";
        let to = |location: &str| join(base, location).ok();
        assert_eq!(to("/c/d").as_deref(), Some("https://hub.test/c/d"));
        assert_eq!(to("other.json").as_deref(), Some("https://hub.test/a/b/resolve/main/other.json"));
        assert_eq!(to("https://cdn.test/x?y=z").as_deref(), Some("https://cdn.test/x?y=z"));
        assert_eq!(to("//cdn.test/x").as_deref(), Some("https://cdn.test/x"));
        assert_eq!(
            to("/login?next=https://hub.test/").as_deref(),
            Some("https://hub.test/login?next=https://hub.test/")
        );
        assert!(to("http://cdn.test/x").is_none() && to("ftp://cdn.test/x").is_none());
        assert!(to("HTTP://cdn.test/x").is_none());
        assert_eq!(
            join("http://127.0.0.1:1/a", "http://127.0.0.1:2/b").ok().as_deref(),
            Some("http://127.0.0.1:2/b")
        );
    }

    #[test]
    fn headers_are_read() {
        assert_eq!(range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(range("bytes */10"), None);
        for (url, here) in [
            ("http://127.0.0.1:80", true),
            ("http://[::1]:80/x", true),
            ("http://localhost", true),
            ("https://huggingface.co", false),
            ("http://127.0.0.1.example.org", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), here, "{url}");
        }
    }
}
