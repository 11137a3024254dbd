//! What is told of rules, with the places in their files.

use super::read::Read;
use super::{Problem, problem::FilePositions};

/// What is told of the rules, each with the number of its file, whose order they are given in.
#[derive(Default)]
pub(super) struct Told {
    refusals: Vec<(usize, Problem)>,
    warnings: Vec<(usize, Problem)>,
    /// The places of the file that was last told of: one may have many documents.
    positions: Option<(usize, FilePositions)>,
}

impl Told {
    pub(super) fn refuse(&mut self, of_file: usize, problem: Problem) {
        self.refusals.push((of_file, problem));
    }

    /// Takes up the problems of a document with their places.
    pub(super) fn add(&mut self, read: Read<'_>) {
        let (refusals, warnings) = read.problems.into_inner();
        if refusals.is_empty() && warnings.is_empty() {
            return;
        }
        let known = self.positions.take().filter(|(of_file, _)| *of_file == read.of_file);
        let (_, positions) =
            known.unwrap_or_else(|| (read.of_file, FilePositions::of(read.file.text())));
        let placed = |(path, text): (Vec<String>, String)| {
            let at = positions.at(&path, &read.made_of);
            (read.of_file, read.file.told(at.line, at.column, text))
        };
        self.refusals.extend(refusals.into_iter().map(placed));
        self.warnings.extend(warnings.into_iter().map(placed));
        self.positions = Some((read.of_file, positions));
    }

    pub(super) fn in_order(mut self) -> (Vec<Problem>, Vec<Problem>) {
        let key = |(file, at): &(usize, Problem)| (*file, at.line, at.column);
        self.refusals.sort_by_key(key);
        self.warnings.sort_by_key(key);
        let problems = |told: Vec<(usize, Problem)>| told.into_iter().map(|(_, problem)| problem);
        (problems(self.refusals).collect(), problems(self.warnings).collect())
    }
}
