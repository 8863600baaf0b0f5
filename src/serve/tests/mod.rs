//! The server over real sockets, with a worker that only pretends.

mod bad;
mod client;
mod crowd;
mod doors;
mod fake;
mod limits;
mod own;
mod shapes;
mod streams;
