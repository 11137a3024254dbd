//! `--rules`: a user's own Sigma rules, for every command that opens a detector.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{bail, ensure};
use clap::Args;
use orgwatch::settings::renamed_fields;
use orgwatch_host::output::plural;
use orgwatch_host::plugin::Plugin;
use orgwatch_host::rules::{self, OwnRules};
use orgwatch_sigma::Pack;

use super::rules::costly;
use super::settings::{Document, Refused};
use super::{opening, warn};

/// The flags of every command that takes rules.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which rules")]
pub(super) struct OwnRulesFlags {
    /// Sigma rules of your own beside the built-in ones: a file, or a folder with *.yml and *.yaml;
    /// may be given again. A rule that cannot be evaluated is refused by name, and the others run
    #[arg(long = "rules", value_name = "DIR|FILE")]
    pub(super) rules: Vec<PathBuf>,

    /// Leave out the built-in rules
    #[arg(long, requires = "rules")]
    pub(super) no_pack: bool,

    /// End with 2 if any rule of --rules is refused, or warned of
    #[arg(long, requires = "rules")]
    pub(super) strict: bool,
}

/// Rules of the user, and the settings that say how they name fields.
#[derive(Debug, Args)]
pub(super) struct Given {
    #[command(flatten)]
    pub(super) own_rules: OwnRulesFlags,

    /// Settings, as YAML or JSON, for the names that rules have for fields
    #[arg(long, value_name = "FILE")]
    pub(super) settings: Option<PathBuf>,
}

impl Given {
    /// The rules of this program, with those that were given.
    pub(super) fn pack(&self) -> anyhow::Result<Arc<Pack>> {
        self.own_rules.load(&opening::settings(self.settings.as_deref())?, true)?.joined()
    }
}

/// Rules that were loaded: none, if none were given.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    rules: Option<OwnRules>,
    /// The settings rename fields, and no rule sees it.
    in_vain: bool,
}

impl OwnRulesFlags {
    /// Compiles what was given, and says on standard error what was refused.
    pub(super) fn load(&self, settings: &Document, quiet: bool) -> anyhow::Result<Loaded> {
        let loaded = self.compile(settings)?;
        loaded.notes().iter().for_each(|note| warn(note));
        if let Some(summary) = loaded.summary().filter(|_| !quiet) {
            warn(&summary);
        }
        self.accept(loaded)
    }

    /// Compiles what was given.
    pub(super) fn compile(&self, settings: &Document) -> anyhow::Result<Loaded> {
        let fields = fields(settings)?;
        if self.rules.is_empty() {
            return Ok(Loaded { rules: None, in_vain: !fields.is_empty() });
        }
        let mut rules = rules::compile(&self.rules, &fields)?;
        rules.pack.alone = self.no_pack;
        if !self.no_pack {
            rules.refuse_taken(&orgwatch::rules::builtin_pack());
        }
        Ok(Loaded { rules: Some(rules), in_vain: false })
    }

    /// Fails if nothing was loaded, or if `--strict` wants more.
    pub(super) fn accept(&self, loaded: Loaded) -> anyhow::Result<Loaded> {
        if let Some(rules) = &loaded.rules {
            ensure!(rules.loaded() > 0, "no rule of {} can be used", self.named());
            ensure!(
                !self.strict || rules.is_flawless(),
                "--strict: not every rule of {} can be used as it is",
                self.named()
            );
        }
        Ok(loaded)
    }

    /// The files and folders, as they were given.
    pub(super) fn named(&self) -> String {
        let names: Vec<String> = self.rules.iter().map(|path| path.display().to_string()).collect();
        names.join(", ")
    }
}

/// The setting `fields`.
pub(super) fn fields(settings: &Document) -> anyhow::Result<BTreeMap<String, String>> {
    renamed_fields(settings.value())
        .map_err(|problems| Refused::of(&settings.refused(&problems)).into())
}

impl Loaded {
    /// A line for each rule that was refused or warned of.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(rules) = &self.rules {
            notes.extend(rules.refusals.iter().map(ToString::to_string));
            notes.extend(rules.warnings.iter().map(|problem| {
                let orgwatch_sigma::compile::Problem { file, line, column, text } = problem;
                format!("{file}:{line}:{column}: warning: {text}")
            }));
            let others = rules.other_sources.iter();
            notes.extend(others.map(|source| format!("not CloudTrail, left out: {source}")));
            notes.extend(costly(rules));
        }
        if self.in_vain {
            notes.push("warning: the setting fields has no effect without --rules".into());
        }
        notes
    }

    /// The numbers of rules that run and that do not.
    pub(super) fn summary(&self) -> Option<String> {
        let rules = self.rules.as_ref()?;
        let (loaded, refused) = (rules.loaded() as u64, rules.refused);
        Some(format!("{} loaded, {refused} refused", plural(loaded, "rule")))
    }

    /// The rules as they were compiled.
    pub(super) fn rules(&self) -> Option<&OwnRules> {
        self.rules.as_ref()
    }

    /// The file of a rule.
    pub(super) fn file(&self, slug: &str) -> Option<&str> {
        let rules = self.rules.as_ref()?;
        rules.file(rules.pack.about(slug)?)
    }

    /// The number of rules that were refused.
    pub(super) fn refused(&self) -> usize {
        self.rules.as_ref().map_or(0, |rules| rules.refused)
    }

    /// The compiled pack, if there is one.
    pub(super) fn pack(&self) -> Option<&Pack> {
        self.rules.as_ref().map(|rules| &rules.pack)
    }

    /// The same as bytes, for what opens a detector.
    pub(super) fn packs(&self) -> Vec<Vec<u8>> {
        self.pack().map(Pack::to_bytes).into_iter().collect()
    }

    /// The plugin with these rules.
    pub(super) fn plugin(&self, plugin: Plugin) -> Plugin {
        plugin.with_packs(self.packs())
    }

    /// The rules that run: those of this program with these, or these alone.
    pub(super) fn joined(&self) -> anyhow::Result<Arc<Pack>> {
        match orgwatch::packs::joined(&self.packs()) {
            Ok(pack) => Ok(pack),
            Err(problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                bail!("{}", problems.join("; "))
            }
        }
    }
}
