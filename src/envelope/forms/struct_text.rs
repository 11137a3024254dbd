//! The text that Athena, CloudTrail Lake and Elastic's integration make of a structure:
//! `{type=IAMUser, sessioncontext={attributes={mfaauthenticated=false}}, items=[a, b]}`.

use super::writer::push_json;

/// How deep structures may stand in one another.
const MAX_DEPTH: usize = 32;

/// Whether a text is such a structure, and no JSON.
pub(super) fn is_struct(text: &str) -> bool {
    let text = text.trim();
    let inner = text.strip_prefix('{').map(str::trim_start);
    text.ends_with('}') && inner.is_some_and(|inner| key(inner).is_some() || inner == "}")
}

/// The structure as JSON, its keys renamed. What says `null` is left out.
pub(super) fn to_json(text: &str, rename: fn(&str) -> &str) -> Option<String> {
    let mut reader = Reader { rest: text.trim(), json: String::new(), rename };
    reader.object(0).filter(|()| reader.rest.trim().is_empty()).map(|()| reader.json)
}

/// A key and what stands behind its `=`.
fn key(text: &str) -> Option<(&str, &str)> {
    let (key, rest) = text.split_once('=')?;
    let is_name =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/' | '@' | '$');
    (!key.is_empty() && key.len() <= 256 && key.chars().all(is_name)).then_some((key, rest))
}

struct Reader<'a> {
    rest: &'a str,
    json: String,
    rename: fn(&str) -> &str,
}

impl<'a> Reader<'a> {
    fn object(&mut self, depth: usize) -> Option<()> {
        self.open('{', depth)?;
        self.json.push('{');
        let mut follows = false;
        while !self.close('}') {
            if follows {
                self.rest = self.rest.trim_start().strip_prefix(',')?;
            }
            let (key, rest) = key(self.rest.trim_start())?;
            self.rest = rest;
            if std::mem::replace(&mut follows, true) {
                self.json.push(',');
            }
            push_json((self.rename)(key), &mut self.json);
            self.json.push(':');
            self.value(depth)?;
        }
        self.json.push('}');
        Some(())
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.open('[', depth)?;
        self.json.push('[');
        let mut follows = false;
        while !self.close(']') {
            if std::mem::replace(&mut follows, true) {
                self.rest = self.rest.trim_start().strip_prefix(',')?;
                self.json.push(',');
            }
            self.rest = self.rest.trim_start();
            self.value(depth)?;
        }
        self.json.push(']');
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_add(1)?;
        match self.rest.chars().next() {
            // A policy document within is JSON, and has quotes: it is text here.
            Some('{') if !self.rest.trim_start_matches(['{', ' ']).starts_with('"') => {
                self.object(depth)
            }
            Some('[') => self.array(depth),
            _ => {
                let text = self.scalar()?;
                match text {
                    "null" => self.json.push_str("null"),
                    text => push_json(text, &mut self.json),
                }
                Some(())
            }
        }
    }

    /// A text, up to what ends it: a comma with another key or an element behind it, or a bracket. Brackets
    /// that the text opens itself belong to it.
    fn scalar(&mut self) -> Option<&'a str> {
        let mut open = 0_usize;
        let mut quoted = false;
        let mut before = ' ';
        for (at, byte) in self.rest.char_indices() {
            match byte {
                '"' if before != '\\' => quoted = !quoted,
                _ if quoted => {}
                '{' | '[' => open = open.checked_add(1)?,
                '}' | ']' if open > 0 => open = open.checked_sub(1)?,
                '}' | ']' => return self.take(at),
                ',' if open == 0 && self.rest.get(at..)?.starts_with(", ") => return self.take(at),
                _ => {}
            }
            before = byte;
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a str> {
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(text.trim())
    }

    fn open(&mut self, bracket: char, depth: usize) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(bracket).filter(|_| depth < MAX_DEPTH)?;
        Some(())
    }

    fn close(&mut self, bracket: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(bracket);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Option<String> {
        to_json(text, |key| key)
    }

    #[test]
    fn structures_are_read() {
        assert_eq!(json("{}").unwrap(), "{}");
        assert_eq!(
            json("{a=1, b={c=null, d=x y}, e=[p, q], f=}").unwrap(),
            r#"{"a":"1","b":{"c":null,"d":"x y"},"e":["p","q"],"f":""}"#
        );
        assert_eq!(
            json("{s=a=b,c, t=arn:aws:iam::1:user/a,b}").unwrap(),
            r#"{"s":"a=b,c","t":"arn:aws:iam::1:user/a,b"}"#
        );
        let policy = r#"{policyDocument={"Statement":[{"Action":"*"}, {"x":"}"}]}, roleName=r}"#;
        let policy = json(policy).unwrap();
        assert_eq!(
            policy,
            r#"{"policyDocument":"{\"Statement\":[{\"Action\":\"*\"}, {\"x\":\"}\"}]}","roleName":"r"}"#
        );
    }

    #[test]
    fn other_texts_are_not() {
        for text in ["", "{", "{a", "{a=1", "{a=1}}", "[a]", "{\"a\":1}", "{a=1 b=2", "{a={b=1}"] {
            assert_eq!(json(text), None, "{text}");
        }
        assert!(json(&format!("{}{}", "{a=".repeat(100), "}".repeat(100))).is_none());
        assert!(is_struct("{type=Root}") && is_struct(" {} ") && !is_struct("{\"type\":\"Root\"}"));
    }
}
