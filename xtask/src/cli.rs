//! The command line of `cargo xtask`.

use clap::{Parser, Subcommand};

use crate::{bench, fuzz, soak};

/// Builds, tests, demonstrates and measures orgwatch.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "From nothing to a first finding: cargo xtask demo"
)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Build the component, the module for Fluent Bit, and the `orgwatch` command
    ///
    /// Puts `dist/orgwatch-<version>.wasm`, `dist/orgwatch-<version>-fluent-bit.wasm` and
    /// `target/release/orgwatch`, which embeds the component, in place; beside the artifacts in `dist`,
    /// their digests, a bill of materials, and the licences of what is inside. Where there is no
    /// WebAssembly target, it adds one with rustup, or else builds the standard library with Debian's
    /// compiler, which it installs (as root, or where sudo asks for no password).
    #[command(after_help = "Examples:
  cargo xtask build
  cargo xtask build && target/release/orgwatch scan my-trail/")]
    Build,

    /// Build, then scan a sample incident
    ///
    /// The findings go to standard output, everything else to standard error.
    #[command(after_help = "Examples:
  cargo xtask demo
  cargo xtask demo | jq -r .summary")]
    Demo,

    /// Run every check that CI runs: formatting, clippy, supply chain, build, sigma check, tests
    ///
    /// Tests that need programs of others run where these are found; the end names those that were
    /// skipped. With --full, or where the variable CI is set, the artifacts are built twice, in two
    /// folders, and must be the same bytes. Stops at the first step that fails, with the command that repeats it.
    #[command(after_help = "Examples:
  cargo xtask test
  cargo xtask test --full")]
    Test {
        /// Also run what is too heavy for every change: what it needs of other people's programs is
        /// installed into `target`
        #[arg(long)]
        full: bool,
    },

    /// Measure orgwatch beside other tools, and how cost grows
    ///
    /// Makes its own corpus, checks that all contenders find the same events in it, runs them in turn
    /// and prints the medians. Installs rsigma and DuckDB below the target folder when they are not
    /// there. docs/benchmarks.md says how to read it.
    #[command(after_help = bench::EXAMPLES)]
    Bench(bench::Flags),

    /// Build the package for JavaScript, and the page that runs from a file
    ///
    /// Puts `dist/orgwatch-js/`, a package in npm's form, and `dist/orgwatch.html`, one file with everything
    /// inside it, in place. Installs wasm-bindgen's command below the target folder when it is not there, and
    /// uses wasm-opt where it is on the path.
    #[command(after_help = "Examples:
  cargo xtask web
  cargo xtask web && chromium dist/orgwatch.html
  cargo xtask build && cargo xtask web --test")]
    Web {
        /// Also run their tests, in Node and in Chromium; what they need is installed into `target`. They
        /// compare with what the `orgwatch` command says, which `cargo xtask build` builds
        #[arg(long)]
        test: bool,
    },

    /// Build what people install: a static command as an archive, a Debian package and an image
    ///
    /// Puts them into `dist`, beside what `cargo xtask build` puts there, with a bill of materials and the
    /// licences of what is inside, and writes the digests of it all. For x86_64, and for aarch64 where its target
    /// and its linker can be had. Installs what it needs with rustup, with apt-get (as root, or where sudo
    /// asks for no password), and cargo-deb below the target folder. The first build of each takes some ten
    /// minutes: wasmtime is compiled again for it.
    #[command(after_help = "Examples:
  cargo xtask dist
  cargo xtask dist --machine x86_64
  cargo xtask dist --test")]
    Dist {
        /// For this kind of machine alone; may be given again
        #[arg(long = "machine", value_name = "MACHINE", value_parser = ["x86_64", "aarch64"])]
        machines: Vec<String>,

        /// For this kind of machine, build them twice and use them: the command where there is nothing else,
        /// the package in a Debian below systemd, the image through a registry
        #[arg(long, conflicts_with = "machines")]
        test: bool,
    },

    /// Feed hostile bytes to what takes input apart
    ///
    /// Runs the targets of `fuzz/` with cargo-fuzz, which it installs below the target folder when it is not
    /// there, and with rustup's compiler, whose sanitizer they need. Keeps what they learn in `fuzz/corpus`.
    /// An input that fails is put into `fuzz/artifacts`, and the command ends with an error.
    #[command(after_help = fuzz::EXAMPLES)]
    Fuzz(fuzz::Flags),

    /// Drive the service and the command under load, with faults, and count what is lost
    ///
    /// The mix with hostile events, everything interesting, a downstream that is slow, gone or answers nonsense, a
    /// clock that jumps and a disk that is full; with an end in the middle of the load. Prints a table of the
    /// faults, and fails if an event or a finding is lost. It takes the command that `cargo xtask build` built.
    #[command(after_help = soak::EXAMPLES)]
    Soak(soak::Flags),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn is_consistent() {
        super::Cli::command().debug_assert();
    }
}
