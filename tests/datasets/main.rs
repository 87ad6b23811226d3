//! Datasets: what good files give, what bad files say, downloads from a server in this process, drawn digits.

mod bad_input;
mod batches;
mod download;
mod fuzz;
mod original;
mod round_trip;
mod server;
mod synthetic;
mod terminal;
mod tiny;
