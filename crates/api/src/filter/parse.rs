//! From text to an expression.

use super::compare::{Kind, Test, kind};
use super::error::{FilterFault, Mistake, TermPlace};
use super::expression::Expression;
use super::reference::{named, unknown_field};
use super::value::{Value, comparison, date_comparison, ip_pattern, one_of};
use crate::VmField;

/// How deep brackets may stand within each other: far more than a person reads, and little stack.
const MAX_DEPTH: usize = 20;

pub(super) struct Parser {
    characters: Vec<char>,
    position: usize,
    /// How many brackets are open.
    depth: usize,
}

/// What joins a field and its values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// `field:value`.
    Colon,
    /// `field>value`, where the operator belongs to the value.
    Operator,
    /// `field!=value`.
    NotEqual,
}

impl Parser {
    pub(super) fn new(text: &str) -> Self {
        Self {
            characters: text.chars().collect(),
            position: 0,
            depth: 0,
        }
    }

    pub(super) fn filter(mut self) -> Result<Expression, Mistake> {
        self.skip_blanks();
        if self.peek().is_none() {
            return Ok(Expression::all([]));
        }
        let expression = self.any()?;
        if self.peek() == Some(')') {
            return Err(self.mistake(FilterFault::NoOpenBracket));
        }
        Ok(expression)
    }

    /// Terms with OR between them, up to the end or a closing bracket.
    fn any(&mut self) -> Result<Expression, Mistake> {
        let mut choices = vec![self.all(TermPlace::Before("OR"))?];
        while self.take_word("OR") {
            choices.push(self.all(TermPlace::After("OR"))?);
        }
        Ok(Expression::any(choices))
    }

    /// Terms that have to match together; `place` says where, if there is none.
    fn all(&mut self, place: TermPlace) -> Result<Expression, Mistake> {
        let mut terms = Vec::new();
        loop {
            self.skip_blanks();
            if self.peek().is_none_or(|next| next == ')') || self.sees_word("OR") {
                break;
            }
            if self.sees_word("AND") {
                if terms.is_empty() {
                    let place = TermPlace::Before("AND");
                    return Err(self.mistake(FilterFault::TermMissing(place)));
                }
                self.take_word("AND");
                self.skip_blanks();
                if self.at_end_of_term() || self.sees_word("OR") || self.sees_word("AND") {
                    let place = TermPlace::After("AND");
                    return Err(self.mistake(FilterFault::TermMissing(place)));
                }
            }
            terms.push(self.not()?);
        }
        match terms.is_empty() {
            true => Err(self.mistake(FilterFault::TermMissing(place))),
            false => Ok(Expression::all(terms)),
        }
    }

    fn not(&mut self) -> Result<Expression, Mistake> {
        let Some(sign) = self.take_negation() else {
            return self.term();
        };
        if self.at_end_of_term() {
            let place = TermPlace::After(sign);
            return Err(self.mistake(FilterFault::TermMissing(place)));
        }
        let again = self.position;
        if self.take_negation().is_some() {
            return Err(Mistake::new(again, FilterFault::DoubleNegation));
        }
        Ok(self.term()?.negated())
    }

    /// Reads a sign of negation, and returns what to call it.
    fn take_negation(&mut self) -> Option<&'static str> {
        if self.take('!') {
            return Some("!");
        }
        if self.take_word("NOT") {
            self.skip_blanks();
            return Some("NOT");
        }
        // A lone dash and an option of a command are text.
        let next = self.characters.get(self.position + 1);
        let negates = next.is_some_and(|next| !next.is_whitespace() && *next != '-');
        (negates && self.take('-')).then_some("-")
    }

    fn term(&mut self) -> Result<Expression, Mistake> {
        if self.peek() == Some('(') {
            return self.group();
        }
        if let Some((name, joint)) = self.field_name() {
            return self.field_term(&name, joint);
        }
        let word = self.value(false)?;
        if !self.at_end_of_term() {
            return Err(self.mistake(FilterFault::NoBlankAfterQuote));
        }
        Ok(Expression::Test(Test::Word(word.pattern())))
    }

    /// A bracket, what stands in it, and the closing one.
    fn group(&mut self) -> Result<Expression, Mistake> {
        let start = self.position;
        if self.depth == MAX_DEPTH {
            return Err(self.mistake(FilterFault::TooManyBrackets));
        }
        self.position += 1;
        self.depth += 1;
        self.skip_blanks();
        if self.peek() == Some(')') {
            return Err(Mistake::new(start, FilterFault::EmptyBrackets));
        }
        if self.peek().is_none() {
            return Err(Mistake::new(start, FilterFault::OpenBracket));
        }
        let expression = self.any()?;
        if !self.take(')') {
            return Err(Mistake::new(start, FilterFault::OpenBracket));
        }
        self.depth -= 1;
        if !self.at_end_of_term() {
            return Err(self.mistake(FilterFault::NoBlankAfterBracket));
        }
        Ok(expression)
    }

    /// The field that the term at the position begins with: letters (and `_`) up to a colon, or a
    /// known field up to an operator. `fe80::1`, `12:30` and `a=b` are words.
    fn field_name(&self) -> Option<(String, Joint)> {
        let rest = self.characters.get(self.position..)?;
        let term: String = rest
            .iter()
            .take_while(|character| !character.is_whitespace())
            .collect();
        let name: String = term
            .chars()
            .take_while(|&character| character.is_alphabetic() || character == '_')
            .collect();
        let behind = term.strip_prefix(&name)?;
        let joint = match behind.chars().next()? {
            ':' => Joint::Colon,
            '>' | '<' | '=' => Joint::Operator,
            '!' if behind.starts_with("!=") => Joint::NotEqual,
            _ => return None,
        };
        // An IPv6 address, or the beginning of one, may begin with letters alone.
        let is_address = behind.matches(':').count() > 1
            && term
                .chars()
                .all(|character| character.is_ascii_hexdigit() || character == ':');
        let is_field = match joint {
            Joint::Colon => !name.is_empty() && !is_address,
            Joint::Operator | Joint::NotEqual => named(&name.to_lowercase()).is_some(),
        };
        is_field.then_some((name, joint))
    }

    fn field_term(&mut self, typed: &str, joint: Joint) -> Result<Expression, Mistake> {
        let start = self.position;
        self.position += typed.chars().count();
        self.position += match joint {
            Joint::Colon => 1,
            Joint::Operator => 0,
            Joint::NotEqual => 2,
        };
        let name = typed.to_lowercase();
        let Some((field, kind)) = named(&name).and_then(|field| Some((field, kind(field)?))) else {
            return Err(unknown_field(&self.characters, start, typed));
        };
        let test = Expression::Test(self.field_test(typed, field, kind)?);
        Ok(match joint {
            Joint::NotEqual => test.negated(),
            Joint::Colon | Joint::Operator => test,
        })
    }

    fn field_test(
        &mut self,
        typed: &str,
        field: &'static VmField,
        kind: Kind,
    ) -> Result<Test, Mistake> {
        Ok(match kind {
            Kind::Text(field) => {
                Test::Text(field, self.values(typed, |value| Ok(value.pattern()))?)
            }
            Kind::Ip(field) => Test::Ip(field, self.values(typed, ip_pattern)?),
            Kind::Words(words) => {
                Test::Words(field, self.values(typed, |value| one_of(words, value))?)
            }
            Kind::Date => Test::Number(field, self.values(typed, date_comparison)?),
            Kind::Number(units) => {
                let example = field.filter.map_or("", |filter| filter.example);
                let read = |value: &Value| comparison(units, example, value);
                Test::Number(field, self.values(typed, read)?)
            }
        })
    }

    /// The values of a field, any of which is to match.
    fn values<T: PartialEq>(
        &mut self,
        field: &str,
        read: impl Fn(&Value) -> Result<T, Mistake>,
    ) -> Result<Vec<T>, Mistake> {
        let mut values = Vec::new();
        loop {
            let value = self.value(true)?;
            if value.is_empty() {
                let field = field.to_owned();
                let fault = match values.is_empty() {
                    true => FilterFault::ValueMissing { field },
                    false => FilterFault::ValueMissingAfterComma,
                };
                return Err(Mistake::new(value.start, fault));
            }
            let read = read(&value)?;
            if !values.contains(&read) {
                values.push(read);
            }
            if !self.take(',') {
                break;
            }
        }
        if !self.at_end_of_term() {
            return Err(self.mistake(FilterFault::NoCommaAfterQuote));
        }
        Ok(values)
    }

    /// Text up to the next blank, closing bracket or, in a list, comma. Parts of it may be in
    /// quotes, at its beginning and beside a `*`.
    fn value(&mut self, in_list: bool) -> Result<Value, Mistake> {
        let start = self.position;
        let is_whole = in_list && self.take('=');
        let mut value = Value::new(start, is_whole);
        let mut opened = 0_usize;
        let mut may_quote = true;
        while let Some(character) = self.peek() {
            match character {
                '"' if may_quote => {
                    value.push_quoted(&self.quoted()?);
                    if self.peek() != Some('*') {
                        break;
                    }
                    continue;
                }
                ',' if in_list => break,
                ')' if self.depth > 0 && opened == 0 => break,
                '(' => opened += 1,
                ')' => opened = opened.saturating_sub(1),
                '*' => value.push_wildcard(),
                character if character.is_whitespace() => break,
                _ => {}
            }
            if character != '*' {
                value.push(character);
            }
            may_quote = character == '*';
            self.position += 1;
        }
        value.end = self.position;
        Ok(value)
    }

    /// A text in quotes; the position is at the first of them.
    fn quoted(&mut self) -> Result<String, Mistake> {
        let start = self.position;
        self.position += 1;
        let mut text = String::new();
        loop {
            let Some(character) = self.peek() else {
                return Err(Mistake::new(start, FilterFault::OpenQuote));
            };
            self.position += 1;
            match character {
                '"' if text.is_empty() => {
                    return Err(Mistake::new(start, FilterFault::EmptyQuotes));
                }
                '"' => return Ok(text),
                '\\' => match self.peek() {
                    Some(escaped @ ('"' | '\\')) => {
                        text.push(escaped);
                        self.position += 1;
                    }
                    // A lone backslash is itself: names of Windows domains have them.
                    _ => text.push('\\'),
                },
                other => text.push(other),
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.position += usize::from(found);
        found
    }

    /// Whether this word stands here, in capitals and with nothing behind it.
    fn sees_word(&self, word: &str) -> bool {
        let rest = self.characters.get(self.position..).unwrap_or_default();
        let length = word.len();
        rest.len() >= length
            && rest.iter().zip(word.chars()).all(|(a, b)| *a == b)
            && rest
                .get(length)
                .is_none_or(|next| next.is_whitespace() || *next == '(')
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.sees_word(word);
        if found {
            self.position += word.len();
        }
        found
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.position += 1;
        }
    }

    fn at_end_of_term(&self) -> bool {
        let next = self.peek();
        next.is_none_or(|next| next.is_whitespace() || (next == ')' && self.depth > 0))
    }

    fn mistake(&self, fault: FilterFault) -> Mistake {
        Mistake::new(self.position, fault)
    }
}
