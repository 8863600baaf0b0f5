//! The endpoint that a person names, and their leave to send a diary there.

use std::fmt;

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

use crate::base::{Error, Result};
use crate::eval::pairs::ask::address::Address;
use crate::eval::pairs::ask::wait::Patience;

/// The flag by which a person says that their diary may leave this computer.
pub const CONSENT: &str = "--yes-send-my-diary";

/// A server that speaks `OpenAI`'s protocol, and the model on it.
pub struct Endpoint {
    /// Where to POST: the addresses of one server, tried in turn while nothing listens.
    urls: Vec<String>,
    /// As the person knows it.
    shown: String,
    model: String,
    key: Option<String>,
    here: bool,
    patience: Patience,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // Never the key.
        f.debug_struct("Endpoint")
            .field("shown", &self.shown)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// The endpoint at `url` (`http://localhost:11434/v1`; `/chat/completions` is added), with the key that the environment variable
    /// `key_env` holds. Connects to nothing, and looks nothing up.
    ///
    /// # Errors
    /// The address is none, or leads off this computer without [`CONSENT`], or without encryption to more than the own network; there is no such key.
    pub fn new(url: &str, model: &str, key_env: Option<&str>, yes_send_my_diary: bool) -> Result<Endpoint> {
        let address = Address::parse(url)?;
        let shown = address.with_host(&address.host);
        let hosts = address.here();
        let here = !hosts.is_empty();
        if address.is_unspecified() {
            return Err(Error::usage(
                format!("{shown} is what a server listens on, not a place to connect to"),
                "for a server on this computer, name http://127.0.0.1 with its port",
            ));
        }
        if !here && !yes_send_my_diary {
            return Err(Error::usage(
                format!(
                    "{shown} is not this computer, or not beyond doubt: every prompt, with the author's profile and the entries quoted in it \
                     word for word, would have left this machine for {}",
                    address.host
                ),
                format!(
                    "name a server on this computer (http://localhost:11434/v1, say); or, if your diary shall go there, add {CONSENT}"
                ),
            ));
        }
        if !here && address.scheme == "http" && !address.is_private_network() {
            return Err(Error::usage(
                format!(
                    "{shown} would be sent your diary without encryption: whoever is on the way could read it"
                ),
                "name the server by https://; without encryption, only this computer or an address of your own network will do (192.168.1.2, say)",
            ));
        }
        if model.trim().is_empty() {
            return Err(Error::usage("no model is named", "name one that the server has"));
        }
        let hosts = if here { hosts } else { vec![address.host.clone()] };
        let urls = hosts.iter().map(|host| format!("{}/chat/completions", address.with_host(host))).collect();
        let key = key_env.map(key).transpose()?;
        Ok(Endpoint { urls, shown, model: model.to_string(), key, here, patience: Patience::default() })
    }

    /// With other waits.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Endpoint {
        Endpoint { patience, ..self }
    }

    /// Whether it is this computer.
    pub fn is_here(&self) -> bool {
        self.here
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The address, as it was given.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn urls(&self) -> &[String] {
        &self.urls
    }

    pub(super) fn patience(&self) -> &Patience {
        &self.patience
    }

    pub(super) fn authorization(&self) -> Option<String> {
        self.key.as_ref().map(|key| format!("Bearer {key}"))
    }

    /// A text from the server, without the key: some servers repeat what they were sent.
    pub(super) fn without_key(&self, text: &str) -> String {
        match &self.key {
            Some(key) => text.replace(key.as_str(), "(the key)"),
            None => text.to_string(),
        }
    }

    /// What connects: to this computer never through a proxy, and never on to where a redirect leads.
    pub(super) fn agent(&self) -> Agent {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_resolve(Some(self.patience.connect))
            .timeout_connect(Some(self.patience.connect))
            .timeout_global(Some(self.patience.whole))
            // A connection that lay idle while the person slept is not worth keeping.
            .max_idle_connections(0)
            .user_agent(concat!("diarist/", env!("CARGO_PKG_VERSION")))
            .proxy(if self.here { None } else { Proxy::try_from_env() })
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build());
        config.build().into()
    }
}

/// The key in an environment variable.
fn key(variable: &str) -> Result<String> {
    // Somebody may give the key itself where its variable's name belongs: what does not look like such a name is not repeated.
    let plain = !variable.is_empty()
        && variable.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let called = if plain { format!(" {variable}") } else { String::new() };
    let refused = |what: &str| {
        Err(Error::usage(
            format!("the environment variable{called} that is to hold the key {what}"),
            "give the variable's name, not the key, and set it in the shell that diarist is called from",
        ))
    };
    if variable.is_empty() || variable.contains(['=', '\0']) {
        return refused("cannot be called so");
    }
    match std::env::var(variable) {
        Err(std::env::VarError::NotPresent) => refused("is not set"),
        Ok(key) if key.trim().is_empty() => refused("is empty"),
        Ok(key) if key.trim().bytes().all(|b| b.is_ascii_graphic()) => Ok(key.trim().to_string()),
        _ => refused("holds blanks or signs that no key has"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str, yes: bool) -> String {
        Endpoint::new(url, "m", None, yes).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_diary_leaves_this_computer_only_by_leave() {
        for url in [
            "https://api.openai.com/v1",
            "http://127.0.0.1.evil.com/v1",
            "http://2130706433/v1",
            "http://[::ffff:127.0.0.1]:11434/v1",
            "http://192.168.1.2/v1",
            "http://my-computer:11434/v1",
        ] {
            let why = refused(url, false);
            assert!(why.contains("would have left this machine") && why.contains(CONSENT), "{why}");
        }
        assert!(refused("http://localhost@evil.com/v1", false).contains("not the host"));
        assert!(refused("http://localhost@evil.com/v1", true).contains("not the host"));
        assert!(refused("http://0.0.0.0:11434/v1", false).contains("127.0.0.1"));
        assert!(refused("http://api.openai.com/v1", true).contains("encryption"));
        assert!(refused("http://2130706433/v1", true).contains("encryption"));
        let away = Endpoint::new("https://api.openai.com/v1", "m", None, true).unwrap();
        assert!(!away.is_here() && away.urls() == ["https://api.openai.com/v1/chat/completions"]);
        assert!(!Endpoint::new("http://192.168.1.2/v1", "m", None, true).unwrap().is_here());
    }

    #[test]
    fn a_name_for_this_computer_is_never_looked_up() {
        let here = Endpoint::new("http://localhost:11434/v1/", "m", None, false).unwrap();
        let urls = ["http://127.0.0.1:11434/v1/chat/completions", "http://[::1]:11434/v1/chat/completions"];
        assert!(here.is_here() && here.urls() == urls);
        assert!(here.agent().config().proxy().is_none());
    }

    #[test]
    fn a_key_is_never_shown() {
        let none = Endpoint::new("http://localhost/v1", "m", Some("DIARIST_NO_SUCH_KEY"), false);
        let why = none.map(|_| ()).unwrap_err().to_string();
        assert!(why.contains("DIARIST_NO_SUCH_KEY") && why.contains("not set"), "{why}");
        for mistaken in ["sk-proj-1234secret", "gsk_1234secret", "a=secret", ""] {
            let why = Endpoint::new("http://localhost/v1", "m", Some(mistaken), false).map(|_| ());
            assert!(!why.unwrap_err().to_string().contains("secret"));
        }
        // PATH is set wherever tests run.
        let endpoint = Endpoint::new("http://localhost/v1", "m", Some("PATH"), false).unwrap();
        let path = std::env::var("PATH").unwrap();
        assert!(!format!("{endpoint:?}").contains(&path));
        assert_eq!(endpoint.without_key(&format!("bad key {path}!")), "bad key (the key)!");
    }
}
