//! Compiles a component ahead of time, for the build of the host that embeds it.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [component, code] = arguments.as_slice() else {
        eprintln!("usage: orgwatch-precompile COMPONENT CODE");
        return ExitCode::from(2);
    };
    match write(Path::new(component), Path::new(code)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("orgwatch-precompile: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the code of a component, unless it stands there: what is built with it is built again otherwise.
fn write(component: &Path, code: &Path) -> Result<(), String> {
    let said = |path: &Path, err: &dyn std::fmt::Display| format!("{}: {err}", path.display());
    let bytes = fs::read(component).map_err(|err| said(component, &err))?;
    let made = orgwatch_engine::compile(&bytes).map_err(|err| said(component, &err))?;
    let digest = orgwatch_artifact::digest(&bytes);
    let file = |made: Vec<u8>| orgwatch_artifact::code_file(env::consts::ARCH, &digest, &made);
    // Nothing where components are not compiled ahead: the build of the host says so.
    let made = made.map(file).unwrap_or_default();
    if fs::read(code).is_ok_and(|there| there == made) {
        return Ok(());
    }
    fs::write(code, made).map_err(|err| said(code, &err))
}
