//! A detector of a fleet: candidates come from a stream of NATS JetStream, which every detector reads whole and in
//! its one order, and findings go to another, where the ids of messages make one of many.
//!
//! A state has the position in the stream beside the memory, taken at one moment, so a start is snapshot plus
//! replay and there is no journal. Nothing is acknowledged in the stream: it keeps what it keeps, and a detector
//! that was killed, or a new one with the state of another, reads on from its state.
//!
//! `connection` (TLS and credentials), `reader` (from the stream to the detector), `publisher` (findings and alerts),
//! `relay` (events that came by HTTP), `notes` (canaries and events that were too large) and `status` (how far behind).

mod connection;
mod fleet;
mod notes;
mod publisher;
mod reader;
mod relay;
mod status;

pub(super) use connection::with_files;
pub(super) use fleet::Fleet;
pub(super) use publisher::Publisher;
pub(super) use reader::Reader;
pub(super) use relay::Stream;

/// An error with its causes, as one text.
fn text(err: &dyn std::error::Error) -> String {
    crate::output::escape(&crate::input::chain(err), 300)
}
