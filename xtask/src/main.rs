//! `cargo xtask`: what builds, tests, demonstrates and measures orgwatch, the same on a laptop and in CI.

mod apt;
mod artifact;
mod bench;
mod browser;
mod build;
mod cli;
mod dist;
mod full;
mod fuzz;
mod guest;
mod needs;
mod process;
mod python;
mod reproduce;
mod rustc;
mod sigma;
mod soak;
mod steps;
mod supply_chain;
mod test;
mod toolchain;
mod web;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use cli::{Cli, Command};
use steps::Steps;
use workspace::Workspace;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let workspace = Workspace::find()?;
    let mut steps = Steps::default();
    match cli.command {
        Command::Build => build::build(&workspace, &mut steps),
        Command::Demo => build::demo(&workspace, &mut steps),
        Command::Bench(flags) => bench::run(&workspace, &mut steps, &flags),
        Command::Web { test: false } => web::build(&workspace, &mut steps),
        Command::Web { test: true } => {
            let outcome = full::web::check(&workspace, &mut steps);
            steps.report();
            outcome
        }
        Command::Dist { test: false, machines } => {
            let outcome = dist::packages::build(&workspace, &mut steps, &machines);
            steps.report();
            outcome
        }
        Command::Dist { test: true, .. } => {
            let outcome = full::packages::check(&workspace, &mut steps);
            steps.report();
            outcome
        }
        Command::Soak(flags) => {
            let outcome = soak::run(&workspace, &mut steps, &flags);
            steps.report();
            outcome
        }
        Command::Fuzz(flags) => fuzz::run(&workspace, &mut steps, &flags),
        Command::Test { full } => {
            let outcome = test::test(&workspace, &mut steps, full);
            steps.report();
            outcome
        }
    }
}
