//! The serialized form of an expression: operands first, then their operator, in one flat list.
//!
//! Reading it takes a stack on the heap and no recursion, so that a pack, which may come from anywhere,
//! can neither exhaust the call stack while it is read nor hold what would do so when it is evaluated.

use serde::{Deserialize, Serialize};

use crate::{Expr, Item};

/// The bound on operators in one another. The interpreter of a router has little stack.
pub const MAX_DEPTH: usize = 32;

/// An expression as a list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Postfix(Vec<Step>);

/// An operand, or an operator over so many operands before it.
#[derive(Debug, Serialize, Deserialize)]
enum Step {
    Item(Item),
    And(usize),
    Or(usize),
    NOf(u64, usize),
    Not,
}

impl From<Expr> for Postfix {
    fn from(expr: Expr) -> Self {
        fn write(expr: Expr, steps: &mut Vec<Step>) {
            let (step, operands) = match expr {
                Expr::Item(item) => (Step::Item(item), vec![]),
                Expr::And(all) => (Step::And(all.len()), all),
                Expr::Or(any) => (Step::Or(any.len()), any),
                Expr::NOf(count, any) => (Step::NOf(count, any.len()), any),
                Expr::Not(inner) => (Step::Not, vec![*inner]),
            };
            operands.into_iter().for_each(|operand| write(operand, steps));
            steps.push(step);
        }
        let mut steps = Vec::new();
        write(expr, &mut steps);
        Postfix(steps)
    }
}

impl TryFrom<Postfix> for Expr {
    type Error = &'static str;

    fn try_from(Postfix(steps): Postfix) -> Result<Self, &'static str> {
        const MISSING: &str = "an operator without its operands";
        // Each with the number of operators in one another.
        let mut stack: Vec<(Expr, usize)> = Vec::new();
        for step in steps {
            let operands = match step {
                Step::Item(_) => 0,
                Step::And(operands) | Step::Or(operands) | Step::NOf(_, operands) => operands,
                Step::Not => 1,
            };
            let first = stack.len().checked_sub(operands).ok_or(MISSING)?;
            let mut depth = 1;
            let mut taken = stack.drain(first..).map(|(expr, below)| {
                depth = depth.max(below.saturating_add(1));
                expr
            });
            let expr = match step {
                Step::Item(item) => Expr::Item(item),
                Step::And(_) => Expr::And(taken.by_ref().collect()),
                Step::Or(_) => Expr::Or(taken.by_ref().collect()),
                Step::NOf(count, _) => Expr::NOf(count, taken.by_ref().collect()),
                Step::Not => Expr::Not(Box::new(taken.next().ok_or(MISSING)?)),
            };
            drop(taken);
            if depth > MAX_DEPTH {
                return Err("nested too deep");
            }
            stack.push((expr, depth));
        }
        match (stack.pop(), stack.is_empty()) {
            (Some((expr, _)), true) => Ok(expr),
            _ => Err("not one expression"),
        }
    }
}

impl Expr {
    /// The number of operators in one another; the evaluator goes as deep.
    pub fn depth(&self) -> usize {
        let below = |list: &[Expr]| list.iter().map(Expr::depth).max().unwrap_or(0);
        let operands = match self {
            Expr::Item(_) => 0,
            Expr::And(list) | Expr::Or(list) | Expr::NOf(_, list) => below(list),
            Expr::Not(inner) => inner.depth(),
        };
        operands.saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, Matcher};

    fn item(field: &str) -> Expr {
        Expr::Item(Item {
            field: Field::Record(field.into()),
            matchers: vec![Matcher::Null],
            all: false,
            negated: false,
        })
    }

    fn nested(depth: usize) -> Expr {
        (1..depth).fold(item("a"), |inner, _| Expr::Not(Box::new(inner)))
    }

    #[test]
    fn an_expression_is_read_as_it_was_written() {
        let or = Expr::Or(vec![item("b"), Expr::NOf(2, vec![item("c"), nested(3)]), item("d")]);
        let expr = Expr::And(vec![item("a"), or, Expr::And(vec![])]);
        assert_eq!(expr.depth(), 6);
        assert_eq!(Expr::try_from(Postfix::from(expr.clone())), Ok(expr));
    }

    #[test]
    fn one_too_deep_is_refused() {
        assert!(Expr::try_from(Postfix::from(nested(MAX_DEPTH))).is_ok());
        assert!(Expr::try_from(Postfix::from(nested(MAX_DEPTH + 1))).is_err());
        let Postfix(mut steps) = Postfix::from(item("a"));
        steps.extend((0..1_000_000).map(|_| Step::Not));
        assert!(Expr::try_from(Postfix(steps)).is_err());
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for steps in [vec![], vec![Step::Not], vec![Step::And(1)], vec![Step::And(0), Step::Or(0)]]
        {
            assert!(Expr::try_from(Postfix(steps)).is_err());
        }
        assert!(Expr::try_from(Postfix(vec![Step::Or(usize::MAX)])).is_err());
    }
}
