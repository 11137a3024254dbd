//! Packs of rules that a host hands over or that are baked in, joined with the pack of this artifact.
//!
//! A pack comes compiled: rules are YAML on the host alone. One that is damaged, of another format or
//! at odds with another is refused before the first event.

use std::iter;
use std::sync::{Arc, LazyLock};

use orgwatch_sigma::Pack;

use crate::embedded_config::baked;
use crate::rules::builtin_pack;
use crate::settings::Problem;

/// The most bytes that all packs of a detector may have together: some ten thousand rules.
pub const MAX_BYTES: usize = 16 << 20;

/// The pack of this artifact with these packs: in their place, if one of them is to stand
/// [alone](Pack::alone).
pub fn joined<B: AsRef<[u8]>>(packs: &[B]) -> Result<Arc<Pack>, Vec<Problem>> {
    if packs.is_empty() {
        return Ok(builtin_pack());
    }
    let bytes = packs.iter().map(|pack| pack.as_ref().len()).fold(0, usize::saturating_add);
    if bytes > MAX_BYTES {
        let problem = format!("{bytes} bytes are more than the {MAX_BYTES} that packs may have");
        return Err(vec![Problem { path: "packs".into(), value: String::new(), problem }]);
    }
    let (mut read, mut problems) = (Vec::new(), Vec::new());
    for (n, pack) in packs.iter().enumerate() {
        match Pack::from_bytes(pack.as_ref()) {
            Ok(pack) => read.push(pack),
            Err(error) => problems.push(Problem {
                path: format!("packs[{n}]"),
                value: format!("{} bytes", pack.as_ref().len()),
                problem: error.to_string(),
            }),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut whole = match read.iter().any(|pack| pack.alone) {
        true => None,
        false => Some(Pack::clone(&builtin_pack())),
    };
    for (n, pack) in read.into_iter().enumerate() {
        whole = Some(match whole {
            None => pack,
            Some(whole) => {
                let digest = format!("{:016x}", pack.digest());
                whole.with(iter::once(pack)).map_err(|twice| {
                    let problem = |problem| Problem {
                        path: format!("packs[{n}]"),
                        value: digest.clone(),
                        problem,
                    };
                    twice.into_iter().map(problem).collect::<Vec<_>>()
                })?
            }
        });
    }
    Ok(Arc::new(whole.unwrap_or_default()))
}

/// The pack of this artifact, with the one that is baked into it.
pub fn own() -> Result<Arc<Pack>, Vec<Problem>> {
    static OWN: LazyLock<Result<Arc<Pack>, Vec<Problem>>> = LazyLock::new(|| match baked().pack {
        [] => Ok(builtin_pack()),
        pack => joined(&[pack]),
    });
    OWN.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(alone: bool) -> Pack {
        let mut pack = Pack { alone, ..Pack::default() };
        pack.rules.extend(builtin_pack().rules.first().cloned());
        for rule in &mut pack.rules {
            (rule.about.slug, rule.about.id) = ("mine".into(), "mine-1".into());
        }
        pack
    }

    fn problem(packs: &[&[u8]]) -> String {
        let problems = joined(packs).unwrap_err();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_pack_stands_beside_the_built_in_one_or_in_its_place() {
        let all = joined(&[pack(false).to_bytes()]).unwrap();
        assert_eq!(all.rules.len(), builtin_pack().rules.len() + 1);
        assert!(all.about("mine").is_some());
        let alone = joined(&[pack(true).to_bytes()]).unwrap();
        assert_eq!(alone.rules.len(), 1);
        assert_eq!(*joined::<&[u8]>(&[]).unwrap(), *builtin_pack());
        assert_eq!(*own().unwrap(), *builtin_pack(), "nothing is baked into a test");
    }

    #[test]
    fn a_pack_that_cannot_be_used_is_named() {
        let whole = pack(false).to_bytes();
        let mut damaged = whole.clone();
        damaged[40] ^= 1;
        let said = problem(&[&whole, &damaged]);
        assert!(said.starts_with("packs[1]: ") && said.contains("damaged"), "{said}");
        let mut newer = whole.clone();
        newer[13] += 1;
        assert!(problem(&[&newer]).contains("newer than this orgwatch"));
        let twice = problem(&[&whole, &whole]);
        let digest = format!("packs[1]: {:016x}: ", pack(false).digest());
        assert!(twice.starts_with(&digest) && twice.contains("mine"), "{twice}");
        let built_in = Pack::clone(&builtin_pack()).to_bytes();
        assert!(problem(&[&built_in]).starts_with("packs[0]: "), "the slugs are taken");
        assert!(problem(&[&vec![0; MAX_BYTES + 1]]).starts_with("packs: "));
    }
}
