//! A line between two parties on which things get lost: a TCP proxy that can be told to drop requests, to drop answers after they
//! were made, to be slow, to stand still, or to be cut.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

use super::chance::Chance;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// In so many of a hundred cases a request is swallowed and the connection ends.
    DropRequests(u64),
    /// The same for what the other side says: it has done its work by then.
    DropAnswers(u64),
    /// In so many of a hundred cases a request arrives a second time, anywhere, and nobody hears what is answered.
    Twice(u64),
    /// Milliseconds, in each direction.
    Slow(u64),
    /// Nothing gets through; what was sent arrives when it passes, even if the sender is gone.
    Still,
    /// No connection.
    Cut,
}

pub struct Line {
    pub port: u16,
    /// One fault at a time.
    pub held: tokio::sync::Mutex<()>,
    weather: watch::Sender<Weather>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Request,
    Answer,
}

impl Line {
    /// To `backends` in turn; one that does not answer is passed over.
    pub async fn to(backends: Vec<SocketAddr>, seed: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let weather = watch::Sender::new(Weather::Fair);
        let (seen, count, backends) = (weather.clone(), AtomicU64::new(0), Arc::new(backends));
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { continue };
                let nth = count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(connection(client, backends.clone(), nth, seed, seen.subscribe()));
            }
        });
        Self { port, held: tokio::sync::Mutex::default(), weather, accepting }
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
        self.weather.send_replace(Weather::Cut);
    }
}

async fn connection(client: TcpStream, backends: Arc<Vec<SocketAddr>>, nth: u64, seed: u64, mut weather: watch::Receiver<Weather>) {
    let passed = weather.wait_for(|now| *now != Weather::Still).await.map(|now| *now);
    if !matches!(passed, Ok(now) if now != Weather::Cut) {
        return;
    }
    let first = usize::try_from(nth).unwrap_or_default();
    let mut server = None;
    for offset in 0..backends.len() {
        if let Ok(stream) = TcpStream::connect(backends[(first + offset) % backends.len()]).await {
            server = Some(stream);
            break;
        }
    }
    let Some(server) = server else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let chance = |way: u64| Chance::new(seed ^ (nth << 1) ^ way);
    // Either end closes both.
    tokio::select! {
        () = pump(from_client, to_server, Way::Request, weather.clone(), chance(0), &backends) => {}
        () = pump(from_server, to_client, Way::Answer, weather.clone(), chance(1), &backends) => {}
        _ = weather.wait_for(|now| *now == Weather::Cut) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    way: Way,
    mut weather: watch::Receiver<Weather>,
    mut chance: Chance,
    backends: &[SocketAddr],
) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else {
            // What the other way still has under way may arrive.
            if way == Way::Request {
                let _ = to.shutdown().await;
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            return;
        };
        let now = *weather.borrow_and_update();
        match now {
            Weather::DropRequests(percent) if way == Way::Request && chance.percent(percent) => return,
            Weather::DropAnswers(percent) if way == Way::Answer && chance.percent(percent) => return,
            Weather::Fair | Weather::DropRequests(_) | Weather::DropAnswers(_) => {}
            Weather::Twice(percent) => {
                if way == Way::Request && chance.percent(percent) {
                    tokio::spawn(send_again(*chance.one_of(backends), buffer[..read].to_vec(), chance.below(1500)));
                }
            }
            Weather::Slow(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
            Weather::Still => drop(weather.wait_for(|now| *now != Weather::Still).await),
            Weather::Cut => return,
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// Requests here are small: what was read at once is one.
async fn send_again(backend: SocketAddr, bytes: Vec<u8>, after: u64) {
    tokio::time::sleep(Duration::from_millis(after)).await;
    if let Ok(mut server) = TcpStream::connect(backend).await {
        let _ = server.write_all(&bytes).await;
        let _ = tokio::time::timeout(Duration::from_secs(3), server.read_to_end(&mut Vec::new())).await;
    }
}
