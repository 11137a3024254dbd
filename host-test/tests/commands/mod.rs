//! The commands that examine nothing, as a user runs them.

mod rules;
mod screen;
mod settings;
mod split;
mod stdout;
