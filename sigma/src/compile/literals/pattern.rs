//! The literals of regular expressions.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

/// Texts of which one stands, in any case, in whatever an expression matches; none where that is not known.
pub(super) fn texts(pattern: &str, choose: &Choose<'_>) -> Option<BTreeSet<String>> {
    let mut reader = Reader { rest: pattern.chars().peekable(), choose };
    let texts = reader.any()?;
    reader.rest.next().is_none().then_some(texts).flatten()
}

/// The best set of texts that a concatenation of literals and of such sets has.
pub(super) type Choose<'a> =
    dyn Fn(Vec<String>, Vec<BTreeSet<String>>) -> Option<BTreeSet<String>> + 'a;

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    choose: &'a Choose<'a>,
}

/// Either `None`, for an expression that is not understood, or what it needs.
type Needs = Option<Option<BTreeSet<String>>>;

impl Reader<'_> {
    /// Alternatives, up to the end of their group.
    fn any(&mut self) -> Needs {
        let mut all = Some(BTreeSet::new());
        loop {
            let needs = self.sequence()?;
            all = all.zip(needs).map(|(mut all, needs)| {
                all.extend(needs);
                all
            });
            if self.rest.next_if_eq(&'|').is_none() {
                return Some(all);
            }
        }
    }

    fn sequence(&mut self) -> Needs {
        let (mut literals, mut sets) = (Vec::new(), Vec::new());
        let mut literal = String::new();
        while let Some(next) = self.rest.next_if(|next| !matches!(next, '|' | ')')) {
            let mut set = None;
            let own = match next {
                '(' => {
                    self.flags()?;
                    set = self.any()?;
                    self.rest.next_if_eq(&')')?;
                    None
                }
                '[' => {
                    self.class()?;
                    None
                }
                '.' | '^' | '$' => None,
                '\\' => match self.rest.next()? {
                    punctuation if punctuation.is_ascii_punctuation() => Some(punctuation),
                    // The digits of a character by its number would be taken for literals.
                    'x' | 'u' | 'U' | 'p' | 'P' => return None,
                    _ => None,
                },
                // The space of an expression that is written over many lines is refused with its flag.
                own => Some(own),
            };
            let needed = match self.rest.peek() {
                Some('*' | '?' | '{') => false,
                Some('+') => true,
                _ => {
                    match own {
                        Some(own) => literal.push(own),
                        None => literals.push(std::mem::take(&mut literal)),
                    }
                    sets.extend(set);
                    continue;
                }
            };
            literal.extend(own.filter(|_| needed));
            literals.push(std::mem::take(&mut literal));
            sets.extend(set.filter(|_| needed));
            self.repetition()?;
        }
        literals.push(literal);
        Some((self.choose)(literals, sets))
    }

    /// What stands behind the bracket of a group and is no part of what it matches.
    fn flags(&mut self) -> Option<()> {
        if self.rest.next_if_eq(&'?').is_none() {
            return Some(());
        }
        self.rest.next_if_eq(&'P');
        if self.rest.next_if_eq(&'<').is_some() {
            return self.rest.find(|c| *c == '>').map(|_| ());
        }
        while let Some(flag) = self.rest.next_if(|c| !matches!(c, ':' | ')')) {
            if flag == 'x' {
                return None;
            }
        }
        self.rest.next_if_eq(&':');
        Some(())
    }

    fn class(&mut self) -> Option<()> {
        self.rest.next_if_eq(&'^');
        if self.rest.peek() == Some(&']') {
            return None;
        }
        loop {
            match self.rest.next()? {
                ']' => return Some(()),
                '\\' => drop(self.rest.next()?),
                '[' => return None,
                _ => {}
            }
        }
    }

    fn repetition(&mut self) -> Option<()> {
        while let Some(sign) = self.rest.next_if(|c| matches!(c, '*' | '?' | '+' | '{')) {
            if sign == '{' {
                self.rest.find(|c| *c == '}')?;
            }
        }
        Some(())
    }
}
