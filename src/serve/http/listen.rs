//! The ports that the server listens at.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use crate::base::{Error, Result};
use crate::serve::http::host::address;

/// How often another free port is tried, where the first is not free at every address.
const TRIES: usize = 16;

/// The sockets at which a server of this name listens, the first of them at the address to show to a person.
///
/// # Errors
/// The name is not this computer's, or the port is in use.
pub fn listen(host: &str, port: u16) -> Result<Vec<TcpListener>> {
    let at = addresses(host)?;
    let mut tries = if port == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        match bind_all(&at, port) {
            Ok(listeners) => return Ok(listeners),
            Err((_, e)) if e.kind() == ErrorKind::AddrInUse && tries > 0 => {}
            Err((at, e)) => return Err(refused(host, at, &e)),
        }
    }
}

/// The addresses that a name stands for: of `localhost`, both.
///
/// # Errors
/// The name is unknown.
pub fn addresses(host: &str) -> Result<Vec<IpAddr>> {
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    if let Some(at) = address(host) {
        return Ok(vec![at]);
    }
    let next = "give an address of this computer, 192.168.1.5 say, or leave out --host to serve it alone";
    let found = (host, 0)
        .to_socket_addrs()
        .map_err(|e| Error::usage(format!("--host {host}: this name is not known ({e})"), next))?;
    let mut found: Vec<IpAddr> = found.map(|at| at.ip()).collect();
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        Err(Error::usage(format!("--host {host}: this name has no address"), next))
    } else {
        Ok(found)
    }
}

/// All addresses at one port. Of several, those of a kind that this computer lacks (IPv6, mostly) are left out.
fn bind_all(at: &[IpAddr], port: u16) -> std::result::Result<Vec<TcpListener>, (SocketAddr, io::Error)> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut port = port;
    let mut lacking = None;
    for &ip in at {
        let address = SocketAddr::new(ip, port);
        match bind(address) {
            Ok((listener, bound)) => {
                port = bound;
                listeners.push(listener);
            }
            Err(e) if e.kind() == ErrorKind::AddrInUse || at.len() == 1 => return Err((address, e)),
            Err(e) => lacking = Some((address, e)),
        }
    }
    match lacking {
        Some(lacking) if listeners.is_empty() => Err(lacking),
        _ => Ok(listeners),
    }
}

fn bind(address: SocketAddr) -> io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

fn refused(host: &str, at: SocketAddr, e: &io::Error) -> Error {
    match e.kind() {
        ErrorKind::AddrInUse => Error::setting(
            format!("port {} is in use at {}, perhaps by another diarist", at.port(), at.ip()),
            "give another with --port, or --port 0 for any that is free",
        ),
        ErrorKind::PermissionDenied => Error::setting(
            format!("this user may not listen at port {}", at.port()),
            "give a port of 1024 or above with --port, or --port 0 for any that is free",
        ),
        ErrorKind::AddrNotAvailable => Error::usage(
            format!("--host {host}: {} is no address of this computer", at.ip()),
            "give one that it has, or leave out --host to serve this computer alone",
        ),
        _ => Error::setting(format!("cannot listen at {at}: {e}"), "give another --host or --port"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_said_with_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = listen("localhost", port).unwrap_err().to_string();
        assert!(error.contains(&format!("port {port} is in use")) && error.contains("--port 0"), "{error}");
    }

    #[test]
    fn localhost_has_one_port_at_each_of_its_addresses() {
        let listeners = listen("localhost", 0).unwrap();
        let ports: Vec<u16> = listeners.iter().map(|l| l.local_addr().unwrap().port()).collect();
        assert!(ports.iter().all(|port| *port == ports[0] && *port > 0), "{ports:?}");
        assert!(listeners.iter().all(|l| l.local_addr().unwrap().ip().is_loopback()));
    }

    #[test]
    fn an_address_of_another_computer_is_refused() {
        let error = listen("192.0.2.1", 0).unwrap_err().to_string();
        assert!(error.contains("192.0.2.1 is no address of this computer"), "{error}");
    }
}
