//! HTTP itself: ports and connections, who may ask, bodies in and out, and refusals.

pub mod body;
pub mod connections;
pub mod doors;
pub mod host;
pub mod listen;
pub mod patient;
pub mod refused;
pub mod sent;
