//! Where an address leads: whether that is this computer, beyond doubt.
//!
//! Only what can be read off the address itself counts. `127.0.0.0/8`, `[::1]` and `localhost` are this computer; no other name is, whatever it
//! resolves to today. What is written so that it may be read in two ways (a name before `@`, numbers that are no four, `0.0.0.0`, an IPv4
//! address inside an IPv6 one) is not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::http::Uri;

use crate::base::{Error, Result};

/// An address of HTTP, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `http` or `https`.
    pub scheme: String,
    /// In lower case, an IPv6 address in brackets.
    pub host: String,
    /// As it was given.
    pub port: Option<u16>,
    /// Without a slash at the end: `/v1`.
    pub path: String,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// It is none of HTTP, or it holds what an endpoint's address has no need for: a name or a password before `@`, a question, signs
    /// that are no ASCII.
    pub fn parse(url: &str) -> Result<Address> {
        let refused = |why: &str| {
            Err(Error::usage(
                format!("the endpoint's address {why}"),
                "give it like http://localhost:11434/v1: scheme, host, port, path",
            ))
        };
        if url.contains('@') {
            // It is not repeated: what stands before the sign may be a password.
            return refused(
                "has an @ in it: what stands before that sign is not the host, though it may look like one",
            );
        }
        if url.is_empty() || !url.bytes().all(|b| b.is_ascii_graphic()) {
            return refused("is empty, or has a blank or a letter in it that no address has");
        }
        if url.contains(['\\', '?', '#', '%']) {
            return refused("has one of \\ ? # % in it");
        }
        let Ok(uri) = url.parse::<Uri>() else { return refused("cannot be read") };
        let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        if host.is_empty() || !["http", "https"].contains(&scheme.as_str()) {
            return refused("does not begin with http:// or https:// and a host");
        }
        let authority = uri.authority().map(ureq::http::uri::Authority::as_str).unwrap_or_default();
        let port = uri.port_u16();
        // A port that is no number is no part of the host either.
        if authority.len() != host.len()
            && port.is_none_or(|port| authority.len() != format!("{host}:{port}").len())
        {
            return refused("has a port that is none");
        }
        Ok(Address { scheme, host, port, path: uri.path().trim_end_matches('/').to_string() })
    }

    /// The address as text, with another host.
    pub fn with_host(&self, host: &str) -> String {
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        format!("{}://{host}{port}{}", self.scheme, self.path)
    }

    /// Hosts to connect to that are this computer by their numbers, which nothing has to look up; none where the address leads elsewhere.
    pub fn here(&self) -> Vec<String> {
        if self.host == "localhost" {
            return vec!["127.0.0.1".into(), "[::1]".into()];
        }
        let here = match self.ip() {
            Some(IpAddr::V4(ip)) => ip.is_loopback(),
            Some(IpAddr::V6(ip)) => ip == Ipv6Addr::LOCALHOST,
            None => false,
        };
        if here { vec![self.host.clone()] } else { Vec::new() }
    }

    /// Whether it is a number of a private network, of a home say, where servers have no certificates.
    pub fn is_private_network(&self) -> bool {
        match self.ip() {
            Some(IpAddr::V4(ip)) => ip.is_private() || ip.is_link_local(),
            Some(IpAddr::V6(ip)) => ip.is_unique_local() || ip.is_unicast_link_local(),
            None => false,
        }
    }

    /// Whether it is what servers *listen* on: no place to connect to.
    pub fn is_unspecified(&self) -> bool {
        self.ip().is_some_and(|ip| ip.is_unspecified())
    }

    /// The number that the host is. Only four decimal numbers are one: `127.1`, `0x7f000001`, `2130706433` and `0177.0.0.1` are not, for what some
    /// program makes of them is another's affair.
    fn ip(&self) -> Option<IpAddr> {
        match self.host.strip_prefix('[') {
            Some(rest) => Some(IpAddr::V6(rest.strip_suffix(']')?.parse().ok()?)),
            None => Some(IpAddr::V4(self.host.parse::<Ipv4Addr>().ok()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_computer_is_what_says_so_beyond_doubt() {
        let here = |url: &str| Address::parse(url).is_ok_and(|address| !address.here().is_empty());
        for url in [
            "http://localhost:11434/v1",
            "http://LOCALHOST/v1/",
            "https://127.0.0.1:8080",
            "http://127.8.9.10/v1",
            "http://[::1]:1234/v1",
        ] {
            assert!(here(url), "{url}");
        }
        for url in [
            "http://localhost@evil.com/v1",
            "http://localhost:80@evil.com/v1",
            "http://127.0.0.1.evil.com/v1",
            "http://localhost.evil.com/v1",
            "http://evil.com/localhost",
            "http://evil.com#localhost",
            "http://evil.com?http://localhost",
            "http://evil.com\\@localhost",
            "http://localhost./v1",
            "http://localhost%2eevil.com",
            "http://0.0.0.0:11434/v1",
            "http://0/v1",
            "http://[::]/v1",
            "http://[::ffff:127.0.0.1]/v1",
            "http://[::127.0.0.1]/v1",
            "http://[::ffff:8.8.8.8]/v1",
            "http://2130706433/v1",
            "http://0x7f000001/v1",
            "http://0177.0.0.1/v1",
            "http://127.1/v1",
            "http://128.0.0.1/v1",
            "http://192.168.1.2/v1",
            "http://localhost:99999/v1",
            "http://localhost:x/v1",
            "http://l\u{43e}calhost/v1",
            "http://localhost /v1",
            "ftp://localhost/v1",
            "localhost:11434/v1",
            "//localhost/v1",
            "http:///v1",
            "",
        ] {
            assert!(!here(url), "{url}");
        }
    }

    #[test]
    fn an_address_is_put_together_as_it_was() {
        let address = Address::parse("http://localhost:11434/v1/").unwrap();
        assert_eq!(address.with_host("127.0.0.1"), "http://127.0.0.1:11434/v1");
        let plain = Address::parse("https://api.test").unwrap();
        assert_eq!(plain.with_host(&plain.host), "https://api.test");
        assert!(Address::parse("http://me:secret@host/").unwrap_err().to_string().contains('@'));
        assert!(!Address::parse("http://me:secret@host/").unwrap_err().to_string().contains("secret"));
    }
}
