//! How long a connection may take to say what it wants.
//!
//! hyper has one timeout for a request's head and for the silence before it. A head must come quickly, or slow ones would hold all
//! connections; but between two requests an agent may well be silent, and a new connection costs it a TLS handshake.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

const SILENT: u8 = 0;
const HEAD: u8 = 1;
const OURS: u8 = 2;

/// Whose turn it is on a connection.
pub struct Turn(AtomicU8);

impl Turn {
    /// A head has been read; what comes now is its body, which has limits of its own.
    pub fn ours(&self) {
        self.0.store(OURS, Ordering::Relaxed);
    }

    /// An answer was given: the peer may be silent, until it begins with the next head.
    pub fn theirs(&self) {
        self.0.store(SILENT, Ordering::Relaxed);
    }
}

/// Fails to read when a head, once begun, does not come to its end in time. The first is due from the start.
pub struct Patient<S> {
    stream: S,
    turn: Arc<Turn>,
    limit: Duration,
    /// While a head is due.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub fn new(stream: S, limit: Duration) -> (Self, Arc<Turn>) {
        let turn = Arc::new(Turn(AtomicU8::new(HEAD)));
        (Self { stream, turn: turn.clone(), limit, alarm: Some(Box::pin(sleep(limit))) }, turn)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if buffer.filled().len() > before && this.turn.0.compare_exchange(SILENT, HEAD, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            this.alarm = Some(Box::pin(sleep(this.limit)));
        }
        if this.turn.0.load(Ordering::Relaxed) != HEAD {
            this.alarm = None;
        } else if read.is_pending()
            && let Some(alarm) = &mut this.alarm
        {
            ready!(alarm.as_mut().poll(context));
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "a request's head took too long")));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
