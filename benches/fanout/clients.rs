//! The browsers: a process of its own, one thread, one poll over all connections.

use crate::measure::{median, pin_to_core};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime};

/// A process with clients, as the benchmark sees it. Gone when dropped.
pub(super) struct Clients {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
}

pub(super) struct Arrival {
    pub(super) middle: Duration,
    pub(super) last: Duration,
}

impl Clients {
    pub(super) fn connect(to: SocketAddr, count: usize, read: bool) -> Self {
        let program = std::env::current_exe().expect("it is running");
        let mut process = Command::new(program)
            .args(["clients", &to.to_string(), &count.to_string(), &read.to_string()])
            .stdout(Stdio::piped())
            .stdin(Stdio::piped())
            .spawn()
            .expect("the benchmark can start itself");
        pin_to_core(process.id(), 1);
        let said = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        Self { process, said }
    }

    /// Waits until every client has the first bytes of its stream.
    pub(super) fn opened(&mut self) {
        assert_eq!(self.line(), "opened");
    }

    /// Waits until every client has the next event.
    pub(super) fn all_heard(&mut self) -> Arrival {
        let line = self.line();
        let mut nanos = line.split(' ').map(|n| Duration::from_nanos(n.parse().expect("a number")));
        let mut next = || nanos.next().expect("two numbers");
        Arrival { middle: next(), last: next() }
    }

    fn line(&mut self) -> String {
        self.said.next().expect("the clients live on").expect("a pipe")
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Since 1970; both processes read the same clock.
pub(super) fn now() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().expect("it is later than 1970")
}

/// What the process of the clients does, until it is killed.
pub(super) fn be(arguments: &[String]) {
    let [to, count, read] = arguments else { panic!("clients ADDRESS COUNT READ") };
    let to = to.parse().expect("an address");
    let count: usize = count.parse().expect("a count");
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let streams: Vec<_> = (0..count).map(|_| request(to, read == "true")).collect();
    if read == "true" {
        listen(streams);
    } else {
        // Until the benchmark closes the pipe.
        let _ = std::io::stdin().read(&mut [0]);
    }
}

fn request(to: SocketAddr, reads: bool) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    if !reads {
        // Before it connects: what lies in the memory of a client elsewhere is not the server's.
        socket.set_recv_buffer_size(4096).expect("a socket can");
    }
    socket.connect(&to.into()).expect("the server listens");
    let mut stream = TcpStream::from(socket);
    stream.write_all(b"GET /ralph/events HTTP/1.1\r\nhost: hubs\r\n\r\n").expect("it is open");
    stream.set_nonblocking(true).expect("a socket can");
    stream
}

fn listen(streams: Vec<TcpStream>) {
    let mut poll = Poll::new().expect("a poll");
    let mut streams: Vec<_> = streams.into_iter().map(mio::net::TcpStream::from_std).collect();
    for (at, stream) in streams.iter_mut().enumerate() {
        poll.registry().register(stream, Token(at), Interest::READABLE).expect("a socket");
    }
    let mut tails = vec![Vec::new(); streams.len()];
    let (mut opened, mut waits) = (0, Vec::with_capacity(streams.len()));
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        poll.poll(&mut events, None).expect("it waits");
        for event in &events {
            let Token(at) = event.token();
            loop {
                match streams[at].read(&mut buffer) {
                    Ok(0) => return,
                    Err(_) => break, // read empty
                    Ok(read) => {
                        let head = &buffer[..read.min(512)];
                        opened += usize::from(find(head, b"retry:").is_some());
                        let sent = end_of_event(&mut tails[at], &buffer[..read]);
                        waits.extend(sent.map(|sent| now().saturating_sub(sent)));
                    }
                }
            }
        }
        if opened == streams.len() {
            opened = 0;
            say("opened");
        }
        if waits.len() == streams.len() {
            let last = waits.iter().max().copied().unwrap_or_default();
            let middle = median(std::mem::take(&mut waits));
            say(&format!("{} {}", middle.as_nanos(), last.as_nanos()));
        }
    }
}

/// The time at the end of an event. The next one is sent only when all clients have this one, so it is at the end of
/// what was read, at most split over two reads.
fn end_of_event(tail: &mut Vec<u8>, read: &[u8]) -> Option<Duration> {
    const TAIL: usize = 64;
    tail.extend_from_slice(&read[read.len().saturating_sub(TAIL)..]);
    tail.drain(..tail.len().saturating_sub(TAIL));
    let number = find(tail, b"\"at\":")?;
    let end = find(&tail[number..], b"}")? - 1;
    let digits = std::str::from_utf8(&tail[number..number + end]).ok()?.parse().ok()?;
    tail.clear();
    Some(Duration::from_nanos(digits))
}

fn say(line: &str) {
    println!("{line}");
    let _ = std::io::stdout().flush();
}

/// Where the text behind `needle` starts.
fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle).map(|at| at + needle.len())
}
