//! A TCP proxy that fails on purpose, between a service and its database or its broker.

mod connections;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use url::Url;

use self::connections::accept;

/// What becomes of what passes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// It passes.
    Flows,
    /// It passes, each piece this much later in either direction.
    Dawdles(Duration),
    /// It is swallowed, and connections stay open: a network that is gone without a word.
    Vanishes,
    /// New connections are reset at once. Those that are there stay.
    IsRefused,
    /// Of what the server says at most so many bytes pass on each connection, and then it is cut, in the middle of whatever it was.
    AnswersBreakOff(usize),
    /// The same with what the client says.
    QuestionsBreakOff(usize),
}

/// Stands between a client and a server. Dropping it cuts every connection and stops listening.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    server: watch::Sender<String>,
    traffic: watch::Sender<Traffic>,
    /// Counts the cuts: a connection lives as long as the number stays what it was when it began.
    cuts: watch::Sender<u64>,
    trap: watch::Sender<Option<Trap>>,
    sprung: AtomicUsize,
    harmed: AtomicUsize,
}

/// What to look for on its way to the server, how many more times, and which side of it is lost.
#[derive(Debug, Clone)]
struct Trap {
    pattern: Vec<u8>,
    left: usize,
    loses: Said,
}

/// By the client, or by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Question,
    Answer,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 and connects to `server` (`host:port`) for every client.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            server: watch::Sender::new(server.to_owned()),
            traffic: watch::Sender::new(Traffic::Flows),
            cuts: watch::Sender::new(0),
            trap: watch::Sender::new(None),
            sprung: AtomicUsize::new(0),
            harmed: AtomicUsize::new(0),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { address, shared, accepting }
    }

    /// Leads to another server from now on. Connections that are there stay.
    pub fn lead_to(&self, server: &str) {
        self.shared.server.send_replace(server.to_owned());
    }

    /// In front of the server that a URL names.
    ///
    /// # Panics
    /// When the URL names no host and port.
    pub async fn before(url: &str) -> Self {
        let url = Url::parse(url).expect("a URL");
        Self::to(&format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"))).await
    }

    /// The same URL, but through this proxy.
    ///
    /// # Panics
    /// When it is no URL.
    #[must_use]
    pub fn url(&self, url: &str) -> String {
        let mut url = Url::parse(url).expect("a URL");
        url.set_host(Some("127.0.0.1")).expect("a host can be set");
        url.set_port(Some(self.address.port())).expect("a port can be set");
        url.into()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What becomes of the traffic from now on, on all connections.
    pub fn set(&self, traffic: Traffic) {
        self.shared.traffic.send_replace(traffic);
    }

    /// What becomes of the traffic now.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        *self.shared.traffic.borrow()
    }

    /// Cuts all connections that are there: both sides are told by a reset (RST). New ones are treated as [`Proxy::set`] says.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// The next `times` times that a client sends `pattern`: the server gets it, its answer is swallowed, and then the connection is cut.
    pub fn lose_answers_to(&self, pattern: &[u8], times: usize) {
        let trap = Trap { pattern: pattern.to_vec(), left: times, loses: Said::Answer };
        self.shared.trap.send_replace(Some(trap));
    }

    /// The next `times` times that a client sends `pattern`: the server never gets it, and the connection is cut.
    pub fn lose_questions(&self, pattern: &[u8], times: usize) {
        let trap = Trap { pattern: pattern.to_vec(), left: times, loses: Said::Question };
        self.shared.trap.send_replace(Some(trap));
    }

    /// How many connections were lost that way so far.
    #[must_use]
    pub fn sprung(&self) -> usize {
        self.shared.sprung.load(Ordering::SeqCst)
    }

    /// What has met any of all this so far: pieces that were swallowed or late, connections that were refused or cut.
    #[must_use]
    pub fn harmed(&self) -> usize {
        self.shared.harmed.load(Ordering::SeqCst)
    }
}

/// `COMMIT` as PostgreSQL clients send it: the end of a simple query.
pub const COMMIT: &[u8] = b"COMMIT\0";

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}
