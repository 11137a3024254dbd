//! The commands that examine nothing, as a user runs them.

mod rules;
mod settings;
mod split;
