//! The names under which this server is asked.

use std::net::IpAddr;

/// The names that a request's `Host` may give.
///
/// A page elsewhere can have its own name point to this computer (DNS rebinding), and the browser then takes the server for the
/// page's own; the name in `Host` gives it away.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// Names besides those of loopback, in lower case.
    names: Vec<String>,
    /// Whether any address will do: the server listens at all of this computer's.
    any_address: bool,
}

impl Hosts {
    /// Those of a server that listens at `host` and is known by `names` too.
    pub fn new(host: &str, names: &[String]) -> Hosts {
        let bare = |name: &String| name.trim_matches(['[', ']']).to_ascii_lowercase();
        let names = std::iter::once(&host.to_string()).chain(names).map(bare).collect();
        let any_address = address(host).is_some_and(|at| at.is_unspecified());
        Hosts { names, any_address }
    }

    /// Whether a `Host` header names this server; any port will do, for a tunnel changes it.
    pub fn know(&self, host: &str) -> bool {
        let Some(name) = without_port(host) else { return false };
        let name = name.to_ascii_lowercase();
        if name == "localhost" || self.names.contains(&name) {
            return true;
        }
        // An address cannot be made to point elsewhere.
        name.parse::<IpAddr>().is_ok_and(|at| self.any_address || at.is_loopback() && is_usual(at))
    }
}

/// 127.0.0.1 and `[::1]`, of all that loop back.
fn is_usual(at: IpAddr) -> bool {
    match at {
        IpAddr::V4(at) => at.octets() == [127, 0, 0, 1],
        IpAddr::V6(_) => true,
    }
}

/// The address that is meant, with or without brackets.
pub fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// The name in a `Host` header, without brackets.
fn without_port(host: &str) -> Option<&str> {
    let (name, rest) = if let Some(inner) = host.strip_prefix('[') {
        inner.split_once(']').filter(|(name, _)| name.contains(':'))?
    } else {
        host.split_at(host.find(':').unwrap_or(host.len()))
    };
    let Some(port) = rest.strip_prefix(':') else {
        return (rest.is_empty() && !name.is_empty()).then_some(name);
    };
    (!name.is_empty() && port.parse::<u16>().is_ok() && port.bytes().all(|b| b.is_ascii_digit()))
        .then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_its_names_alone() {
        let hosts = Hosts::new("localhost", &["host.docker.internal".into()]);
        for good in [
            "localhost",
            "LocalHost:8080",
            "127.0.0.1:1",
            "127.0.0.1",
            "[::1]:8080",
            "[::1]",
            "host.docker.internal:11",
        ] {
            assert!(hosts.know(good), "{good}");
        }
        for bad in [
            "",
            ":80",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "localhost:",
            "localhost:x",
            "localhost:99999",
            "localhost:+1",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "192.168.1.2",
            "::1",
            "[::1",
            "[localhost]",
            "[::1]x",
            "0.0.0.0:80",
            "user@localhost",
        ] {
            assert!(!hosts.know(bad), "{bad}");
        }
    }

    #[test]
    fn off_loopback_the_given_name_is_known_and_at_all_addresses_any_address() {
        let one = Hosts::new("Diary.local", &[]);
        assert!(one.know("diary.LOCAL:80") && one.know("localhost") && !one.know("192.168.1.2"));
        let all = Hosts::new("0.0.0.0", &[]);
        assert!(all.know("192.168.1.2:80") && all.know("[fe80::1]:80") && !all.know("evil.example"));
        assert!(Hosts::new("[fe80::1]", &[]).know("[fe80::1]:80"));
    }
}
