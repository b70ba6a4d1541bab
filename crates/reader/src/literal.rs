//! The Python dictionary literal in the header of an `.npy` file.

/// A value of the dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Text(String),
    Bool(bool),
    /// A tuple of non-negative integers.
    Tuple(Vec<u64>),
    /// Any list: the fields of a structured type, whose content does not matter.
    List,
}

/// More axes than numpy allows.
const MAX_AXES: usize = 64;

/// Reads `{'key': value, ...}`; `None` if the text is anything else.
pub(crate) fn parse_dict(text: &str) -> Option<Vec<(String, Literal)>> {
    let mut parser = Parser { rest: text };
    let mut entries = Vec::new();
    parser.token("{")?;
    while parser.token("}").is_none() {
        let key = parser.text()?;
        parser.token(":")?;
        entries.push((key, parser.value()?));
        if parser.token(",").is_none() {
            parser.token("}")?;
            break;
        }
    }
    parser.rest.trim_start().is_empty().then_some(entries)
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn token(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn text(&mut self) -> Option<String> {
        let quote = if self.token("'").is_some() { '\'' } else { self.token("\"").map(|()| '"')? };
        let (text, rest) = self.rest.split_once(quote)?;
        self.rest = rest;
        Some(text.to_owned())
    }

    fn value(&mut self) -> Option<Literal> {
        if self.token("True").is_some() {
            Some(Literal::Bool(true))
        } else if self.token("False").is_some() {
            Some(Literal::Bool(false))
        } else if self.token("(").is_some() {
            self.tuple().map(Literal::Tuple)
        } else if self.token("[").is_some() {
            self.skip_list().map(|()| Literal::List)
        } else {
            self.text().map(Literal::Text)
        }
    }

    fn tuple(&mut self) -> Option<Vec<u64>> {
        let mut sides = Vec::new();
        while self.token(")").is_none() {
            let rest = self.rest.trim_start();
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            sides.push(rest[..digits].parse().ok()?);
            // Python 2 wrote long integers with an L.
            self.rest = rest[digits..].trim_start_matches('L');
            if sides.len() > MAX_AXES {
                return None;
            }
            if self.token(",").is_none() {
                self.token(")")?;
                break;
            }
        }
        Some(sides)
    }

    fn skip_list(&mut self) -> Option<()> {
        let mut depth = 1_u32;
        let mut quote = None;
        for (at, c) in self.rest.char_indices() {
            match (quote, c) {
                (Some(open), _) if open == c => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None, '[') => depth += 1,
                (None, ']') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.rest = &self.rest[at + 1..];
                return Some(());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_of_numpy_is_understood() {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }     \n";
        let expected = vec![
            ("descr".to_owned(), Literal::Text("<f4".into())),
            ("fortran_order".to_owned(), Literal::Bool(false)),
            ("shape".to_owned(), Literal::Tuple(vec![3, 4])),
        ];
        assert_eq!(parse_dict(text), Some(expected));
        let text = "{\"shape\":(3L,),\"fortran_order\":True,\"descr\":[('a]', '<f4', (2,)), ('b', '<i8')]}";
        let expected = vec![
            ("shape".to_owned(), Literal::Tuple(vec![3])),
            ("fortran_order".to_owned(), Literal::Bool(true)),
            ("descr".to_owned(), Literal::List),
        ];
        assert_eq!(parse_dict(text), Some(expected));
        assert_eq!(parse_dict("{'shape': ()}"), Some(vec![("shape".to_owned(), Literal::Tuple(vec![]))]));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "{",
            "{'a'}",
            "{'a': }",
            "{'a': (1, 2}",
            "{'a': (-1,)}",
            "{'a': (1 2)}",
            "{'a': True} x",
            "{'a': [",
            "{'a': (99999999999999999999,)}",
            "{'a: True}",
            "{'a': (1",
            "[1]",
            "{,}",
        ] {
            assert_eq!(parse_dict(text), None, "{text}");
        }
    }
}
