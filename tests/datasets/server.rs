//! An HTTP server on the loopback interface that answers from a table.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the server does when it is asked for a path.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Sends these bytes.
    Body(Vec<u8>),
    /// Announces these bytes, sends half of them and hangs up.
    Half(Vec<u8>),
    /// Sends half of these bytes without announcing how many there are, and hangs up.
    HalfUnannounced(Vec<u8>),
    /// Sends this status and no file.
    Status(&'static str),
    /// Takes the request and says nothing.
    Silence,
}

/// A server that lives until the test process ends.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves these paths, given without the leading slash; everything else is 404.
    pub(crate) fn start(answers: impl IntoIterator<Item = (String, Answer)>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/mnist", listener.local_addr().unwrap());
        let answers: HashMap<String, Answer> = answers.into_iter().collect();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that hangs up early is not the server's problem.
                let _ = stream.and_then(|stream| answer(stream, &answers, &log));
            }
        });
        Server { url, asked }
    }

    /// The paths asked for so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(
    mut stream: TcpStream,
    answers: &HashMap<String, Answer>,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    request.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().trim_start_matches("/mnist/").to_owned();
    while line.trim() != "" {
        line.clear();
        request.read_line(&mut line)?;
    }
    log.lock().unwrap().push(path.clone());
    let mut send = |status: &str, length: Option<usize>, body: &[u8]| {
        let length = length.map_or(String::new(), |length| format!("content-length: {length}\r\n"));
        write!(stream, "HTTP/1.1 {status}\r\n{length}connection: close\r\n\r\n")?;
        stream.write_all(body)
    };
    match answers.get(&path) {
        None => send("404 Not Found", Some(0), b""),
        Some(Answer::Status(status)) => send(status, Some(0), b""),
        Some(Answer::Body(body)) => send("200 OK", Some(body.len()), body),
        Some(Answer::Half(body)) => send("200 OK", Some(body.len()), &body[..body.len() / 2]),
        Some(Answer::HalfUnannounced(body)) => send("200 OK", None, &body[..body.len() / 2]),
        Some(Answer::Silence) => {
            thread::sleep(Duration::from_secs(2));
            Ok(())
        }
    }
}
