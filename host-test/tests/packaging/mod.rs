//! What packages carry beside the command, and what they start.

mod generate;
mod health;
pub mod kubernetes;
