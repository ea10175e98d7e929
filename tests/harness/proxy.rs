//! A TCP proxy that fails on purpose, between a service and its database.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
    task::JoinHandle,
};
use url::Url;

/// What becomes of what passes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// It passes.
    Flows,
    /// It passes, each piece this much later in either direction.
    Dawdles(Duration),
    /// It is swallowed, and connections stay open: a network that is gone without a word.
    Vanishes,
    /// New connections are closed at once. Those that are there stay.
    IsRefused,
    /// Of what the server says so many bytes pass on each connection, and then it is cut, in the middle of whatever it was.
    BreaksOff(usize),
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
}

/// What to look for on its way to the server, how many more times, and which side of it is lost.
#[derive(Debug, Clone)]
struct Trap {
    pattern: Vec<u8>,
    left: usize,
    loses: Loses,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loses {
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

    /// Cuts all connections that are there. New ones are treated as [`Proxy::set`] says.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// The next `times` times that a client sends `pattern`: the server gets it, its answer is swallowed, and then the connection is cut.
    pub fn lose_answers_to(&self, pattern: &[u8], times: usize) {
        let trap = Trap { pattern: pattern.to_vec(), left: times, loses: Loses::Answer };
        self.shared.trap.send_replace(Some(trap));
    }

    /// The next `times` times that a client sends `pattern`: the server never gets it, and the connection is cut.
    pub fn lose_questions(&self, pattern: &[u8], times: usize) {
        let trap = Trap { pattern: pattern.to_vec(), left: times, loses: Loses::Question };
        self.shared.trap.send_replace(Some(trap));
    }

    /// How many connections were lost that way so far.
    #[must_use]
    pub fn sprung(&self) -> usize {
        self.shared.sprung.load(Ordering::SeqCst)
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

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        if *shared.traffic.borrow() != Traffic::IsRefused {
            tokio::spawn(converse(client, shared.clone()));
        }
    }
}

/// One connection, until either side ends it or it is cut. Both sockets are closed by dropping them.
async fn converse(client: TcpStream, shared: Arc<Shared>) {
    let mut cuts = shared.cuts.subscribe();
    let address = shared.server.borrow().clone();
    let Ok(server) = TcpStream::connect(&address).await else { return };
    if client.set_nodelay(true).and_then(|()| server.set_nodelay(true)).is_err() {
        return;
    }
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    // Set once the answer is to be lost: the next thing the server says is the end.
    let doomed = watch::Sender::new(false);
    tokio::select! {
        () = ask(from_client, to_server, &shared, &doomed) => {}
        () = answer(from_server, to_client, &shared, doomed.subscribe()) => {}
        _ = cuts.changed() => {}
    }
}

async fn ask(mut client: OwnedReadHalf, mut server: OwnedWriteHalf, shared: &Shared, doomed: &watch::Sender<bool>) {
    let mut piece = vec![0; 64 * 1024];
    // The end of what came before: a pattern may be cut in two by the network.
    let mut before: Vec<u8> = Vec::new();
    loop {
        let Ok(length @ 1..) = client.read(&mut piece).await else { return };
        match shared.spring(&mut before, &piece[..length]) {
            Some(Loses::Question) => return,
            Some(Loses::Answer) => {
                doomed.send_replace(true);
            }
            None => {}
        }
        if shared.passes().await && server.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

async fn answer(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, shared: &Shared, doomed: watch::Receiver<bool>) {
    let mut piece = vec![0; 64 * 1024];
    let mut said = 0;
    loop {
        let Ok(length @ 1..) = server.read(&mut piece).await else { return };
        if *doomed.borrow() {
            return;
        }
        let room = shared.room(said).min(length);
        if shared.passes().await && client.write_all(&piece[..room]).await.is_err() {
            return;
        }
        said += length;
        if room < length {
            shared.sprung.fetch_add(1, Ordering::SeqCst);
            return;
        }
    }
}

impl Shared {
    /// Whether a piece is to be passed on, after the delay that is in force.
    async fn passes(&self) -> bool {
        let traffic = *self.traffic.borrow();
        match traffic {
            Traffic::Flows | Traffic::IsRefused | Traffic::BreaksOff(_) => true,
            Traffic::Dawdles(delay) => {
                tokio::time::sleep(delay).await;
                true
            }
            Traffic::Vanishes => false,
        }
    }

    /// How many bytes more the server may say on a connection on which it has said so many.
    fn room(&self, said: usize) -> usize {
        match *self.traffic.borrow() {
            Traffic::BreaksOff(after) => after.saturating_sub(said),
            Traffic::Flows | Traffic::Dawdles(_) | Traffic::Vanishes | Traffic::IsRefused => usize::MAX,
        }
    }

    /// Whether the pattern is in what has just come, and what is lost then.
    fn spring(&self, before: &mut Vec<u8>, piece: &[u8]) -> Option<Loses> {
        let mut sprung = None;
        before.extend_from_slice(piece);
        self.trap.send_if_modified(|trap| {
            let Some(Trap { pattern, left: left @ 1.., loses }) = trap else { return false };
            if !before.windows(pattern.len()).any(|window| window == pattern) {
                return false;
            }
            *left -= 1;
            sprung = Some(*loses);
            true
        });
        let kept = self.trap.borrow().as_ref().map_or(0, |trap| trap.pattern.len().saturating_sub(1));
        before.drain(..before.len().saturating_sub(kept));
        if sprung.is_some() {
            self.sprung.fetch_add(1, Ordering::SeqCst);
            before.clear();
        }
        sprung
    }
}
