//! Packs of any size: rules of ours first, generated ones after them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use orgwatch_sigma::Pack;
use orgwatch_sigma::compile::{self, Attack, RuleFile};

/// The rule that comes first, so that a pack of one finds something.
const FIRST: &str = "leaving/member_left_organization.yml";

const SERVICES: [&str; 8] =
    ["ec2", "iam", "s3", "rds", "lambda", "route53", "elasticache", "glacier"];
const VERBS: [&str; 8] =
    ["Create", "Delete", "Modify", "Put", "Detach", "Disable", "Authorize", "Revoke"];

/// A pack's rule files, `count` of them: ours without the correlations, then generated ones. All of
/// ours alone where no count is given.
///
/// Generated rules have the form of SigmaHQ's: a few names of events, a condition on a field, an
/// exception. The names are of events that no corpus has, so that what grows is the pack and not the
/// share of events that rules look at.
pub fn files(root: &Path, count: Option<usize>) -> Result<Vec<RuleFile>> {
    let folder = root.join("rules");
    let mut files = Vec::new();
    read(&folder, &folder, &mut files)?;
    files.retain(|file| !file.yaml.contains("\ncorrelation:"));
    files.sort_by_key(|file| (file.path != FIRST, file.path.clone()));
    if let Some(count) = count {
        files.truncate(count);
        files.extend((files.len()..count).map(generated));
    }
    Ok(files)
}

/// Compiles a pack.
pub fn compile(files: &[RuleFile]) -> Result<Arc<Pack>> {
    let pack = compile::pack(files, &Attack::known()).complete().map_err(|refusals| {
        anyhow!("{}", refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })?;
    Ok(Arc::new(pack))
}

/// Writes rule files below a folder, and removes what was there.
pub fn write(files: &[RuleFile], folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    for file in files {
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().unwrap_or(folder))
            .and_then(|()| fs::write(&path, &file.yaml))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn read(root: &Path, folder: &Path, files: &mut Vec<RuleFile>) -> Result<()> {
    let listed =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in listed {
        let path = entry?.path();
        if path.is_dir() {
            read(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            files.push(RuleFile {
                path: path.strip_prefix(root)?.display().to_string(),
                yaml: fs::read_to_string(&path)?,
            });
        }
    }
    Ok(())
}

fn generated(number: usize) -> RuleFile {
    let service = SERVICES[number % SERVICES.len()];
    let names: String = (0..1 + number % 4)
        .map(|n| format!("      - {}Generated{number}\n", VERBS[(number + n) % VERBS.len()]))
        .collect();
    let level = ["low", "medium", "high"][number % 3];
    let yaml = format!(
        "title: Generated Rule {number}
id: 00000000-0000-4000-8000-{number:012}
name: generated-{number}
status: test
description: One of many, to measure what many cost.
references:
  - https://example.com/{number}
author: orgwatch
date: 2026-11-21
tags:
  - attack.defense-impairment
  - attack.t1666
logsource:
  product: aws
  service: cloudtrail
detection:
  selection:
    eventSource: {service}.amazonaws.com
    eventName:
{names}  parameters:
    requestParameters.name|startswith: generated-{number}
  known:
    userIdentity.arn|contains: :assumed-role/automation-{number}/
  success:
    errorCode: null
  condition: selection and parameters and success and not known
falsepositives:
  - None; it is generated.
level: {level}
orgwatch:
  summary: \"{{principal}} called {{event_name}} in account {{account}}.\"
  why: It is generated.
  triage:
    - Ask {{principal}}.
"
    );
    RuleFile { path: format!("generated/generated_{number}.yml"), yaml }
}

#[cfg(test)]
mod tests {
    use orgwatch::detector::Detector;

    use super::*;
    use crate::corpus::root;

    #[test]
    fn packs_of_every_size_are_compiled() {
        for count in [1, 10, 100, 1000] {
            let files = files(&root(), Some(count)).unwrap();
            let pack = compile(&files).unwrap();
            assert_eq!((files.len(), pack.rules.len()), (count, count));
        }
    }

    #[test]
    fn a_pack_of_one_and_a_generated_rule_find_what_they_name() {
        let find = |count, event: &[u8]| {
            let pack = compile(&files(&root(), Some(count)).unwrap()).unwrap();
            let mut detector = Detector::with_pack(pack, "{}").unwrap();
            let found = detector.detect(event).unwrap();
            found.into_iter().map(|finding| finding.rule).collect::<Vec<_>>()
        };
        let leaving =
            br#"{"eventSource":"organizations.amazonaws.com","eventName":"LeaveOrganization"}"#;
        assert_eq!(find(1, leaving), ["member-left-organization"]);
        let generated = br#"{"eventSource":"iam.amazonaws.com","eventName":"DeleteGenerated481",
            "requestParameters":{"name":"generated-481-a"}}"#;
        assert_eq!(find(1000, generated), ["generated-481"]);
        assert_eq!(find(100, generated), [""; 0]);
    }

    #[test]
    fn all_of_ours_are_written_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let ours = files(&root(), None).unwrap();
        write(&ours, folder.path()).unwrap();
        let written = fs::read_to_string(folder.path().join(FIRST)).unwrap();
        assert_eq!(written, fs::read_to_string(root().join("rules").join(FIRST)).unwrap());
        assert_eq!(ours.len(), orgwatch::rules::builtin_pack().rules.len());
    }
}
