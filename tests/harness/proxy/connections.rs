//! The connections that pass through a proxy, and what becomes of them.

use std::sync::{Arc, atomic::Ordering};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
};

use super::{Said, Shared, Traffic, Trap};

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// By one of its sides.
    Closed,
    /// By us.
    Broken,
}

/// Lets clients in, for as long as it is let run.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let traffic = *shared.traffic.borrow();
        if traffic == Traffic::IsRefused {
            shared.harm();
            reset(client);
        } else {
            tokio::spawn(converse(client, shared.clone()));
        }
    }
}

/// Ends a connection without a goodbye (RST): what is on its way is lost with it.
fn reset(connection: TcpStream) {
    connection.set_zero_linger().expect("a socket takes an option");
}

/// One connection, until either side ends it or it is cut. Both sockets are closed by dropping them.
async fn converse(mut client: TcpStream, shared: Arc<Shared>) {
    let mut cuts = shared.cuts.subscribe();
    let address = shared.server.borrow().clone();
    let Ok(mut server) = TcpStream::connect(&address).await else { return };
    if client.set_nodelay(true).and_then(|()| server.set_nodelay(true)).is_err() {
        return;
    }
    // Set once the answer is to be lost: the next thing the server says is the end.
    let doomed = watch::Sender::new(false);
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    let end = tokio::select! {
        end = ask(from_client, to_server, &shared, &doomed) => end,
        end = answer(from_server, to_client, &shared, doomed.subscribe()) => end,
        _ = cuts.changed() => End::Broken,
    };
    if end == End::Broken {
        shared.harm();
        reset(client);
        reset(server);
    }
}

async fn ask(
    mut client: ReadHalf<'_>,
    mut server: WriteHalf<'_>,
    shared: &Shared,
    doomed: &watch::Sender<bool>,
) -> End {
    let mut piece = vec![0; 64 * 1024];
    // The end of what came before: a pattern may be cut in two by the network.
    let mut before: Vec<u8> = Vec::new();
    let mut said = 0;
    loop {
        let Ok(length @ 1..) = client.read(&mut piece).await else { return End::Closed };
        match shared.spring(&mut before, &piece[..length]) {
            Some(Said::Question) => return End::Broken,
            Some(Said::Answer) => {
                doomed.send_replace(true);
            }
            None => {}
        }
        let room = shared.room(Said::Question, said);
        if let Some(end) = shared.pass(&piece[..length], room, &mut server).await {
            return end;
        }
        said += length;
    }
}

async fn answer(
    mut server: ReadHalf<'_>,
    mut client: WriteHalf<'_>,
    shared: &Shared,
    doomed: watch::Receiver<bool>,
) -> End {
    let mut piece = vec![0; 64 * 1024];
    let mut said = 0;
    loop {
        let Ok(length @ 1..) = server.read(&mut piece).await else { return End::Closed };
        if *doomed.borrow() {
            return End::Broken;
        }
        let room = shared.room(Said::Answer, said);
        if let Some(end) = shared.pass(&piece[..length], room, &mut client).await {
            return end;
        }
        said += length;
    }
}

impl Shared {
    fn harm(&self) {
        self.harmed.fetch_add(1, Ordering::SeqCst);
    }

    /// Passes a piece on as far as there is room for it; says how the connection ends, if it does.
    async fn pass(&self, piece: &[u8], room: usize, to: &mut WriteHalf<'_>) -> Option<End> {
        let room = room.min(piece.len());
        if self.passes().await && to.write_all(&piece[..room]).await.is_err() {
            return Some(End::Closed);
        }
        (room < piece.len()).then_some(End::Broken)
    }

    /// Whether a piece is to be passed on, after the delay that is in force.
    async fn passes(&self) -> bool {
        let traffic = *self.traffic.borrow();
        match traffic {
            Traffic::Flows | Traffic::IsRefused | Traffic::AnswersBreakOff(_) | Traffic::QuestionsBreakOff(_) => true,
            Traffic::Dawdles(delay) => {
                self.harm();
                tokio::time::sleep(delay).await;
                true
            }
            Traffic::Vanishes => {
                self.harm();
                false
            }
        }
    }

    /// How many bytes more may be said on a connection, by the side that has said so many.
    fn room(&self, by: Said, said: usize) -> usize {
        let (breaks_off, after) = match *self.traffic.borrow() {
            Traffic::AnswersBreakOff(after) => (Said::Answer, after),
            Traffic::QuestionsBreakOff(after) => (Said::Question, after),
            Traffic::Flows | Traffic::Dawdles(_) | Traffic::Vanishes | Traffic::IsRefused => return usize::MAX,
        };
        if by == breaks_off { after.saturating_sub(said) } else { usize::MAX }
    }

    /// Whether the pattern is in what has just come, and what is lost then.
    fn spring(&self, before: &mut Vec<u8>, piece: &[u8]) -> Option<Said> {
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
