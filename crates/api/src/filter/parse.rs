//! From text to an expression.

use super::compare::{Kind, Test, Units, kind};
use super::error::{Correction, FilterFault, Mistake, TermPlace};
use super::expression::Expression;
use super::fold::fold;
use super::reference::{named, unknown_field};
use super::value::{DAYS, Value, comparison, date_comparison, ip_pattern, is_unit, narrow, one_of};
use crate::{VmField, vm_field};

/// How deep brackets may stand within each other: far more than a person reads, and little stack.
const MAX_DEPTH: usize = 20;

pub(super) struct Parser {
    characters: Vec<char>,
    position: usize,
    /// How many brackets are open.
    depth: usize,
}

/// A field and what joins it to its values.
struct FieldName {
    typed: String,
    joint: Joint,
    /// How many characters lie before the values.
    len: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// `field:value`.
    Colon,
    /// `field>value`, where the operator belongs to the value.
    Operator,
    /// `field!=value`.
    NotEqual,
}

/// Whether a field is called so.
fn is_field(name: &str) -> bool {
    named(&fold(name)).is_some()
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
        if let Some(field) = self.field_name(self.position) {
            return self.field_term(&field);
        }
        let word = self.value(false)?;
        if !self.at_end_of_term() {
            return Err(self.mistake(FilterFault::NoBlankAfterQuote));
        }
        if let (Some(Kind::Ip(field)), Some(network)) = (kind(vm_field::ip_address), word.network())
        {
            return Ok(Expression::Test(Test::Ip(field, vec![network])));
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

    /// The field that the term at a place begins with: letters (and `_`) up to a colon, or a known
    /// field up to an operator, between blanks too. `fe80::1`, `12:30` and `a=b` are words.
    fn field_name(&self, start: usize) -> Option<FieldName> {
        let rest = self.characters.get(start..)?;
        let term: String = rest
            .iter()
            .take_while(|character| !character.is_whitespace())
            .collect();
        let name: String = term
            .chars()
            .take_while(|&character| character.is_alphabetic() || character == '_')
            .collect();
        let behind = term.strip_prefix(&name)?;
        let is_known = is_field(&name);
        let letters = name.chars().count();
        let blanks = rest.iter().skip(letters);
        let blanks = blanks.take_while(|c| is_known && c.is_whitespace()).count();
        let mut signs = rest.iter().skip(letters + blanks).copied();
        let sign = signs.next()?;
        let (joint, len) = match (narrow(sign), signs.next().map(narrow)) {
            (':', _) if blanks == 0 && (sign == ':' || is_known) => (Joint::Colon, 1),
            ('>' | '<' | '=', _) => (Joint::Operator, 0),
            ('!', Some('=')) => (Joint::NotEqual, 2),
            _ => return None,
        };
        // An IPv6 address, or the beginning of one, may begin with letters alone.
        let is_address = behind.matches(':').count() > 1
            && term
                .chars()
                .all(|character| character.is_ascii_hexdigit() || character == ':');
        let is_field = match joint {
            Joint::Colon => !name.is_empty() && !is_address,
            Joint::Operator | Joint::NotEqual => is_known,
        };
        is_field.then_some(FieldName {
            typed: name,
            joint,
            len: letters + blanks + len,
        })
    }

    fn field_term(&mut self, field: &FieldName) -> Result<Expression, Mistake> {
        let FieldName { typed, joint, len } = field;
        let start = self.position;
        self.position += len;
        let known = named(&fold(typed));
        let Some((field, kind)) = known.and_then(|field| Some((field, kind(field)?))) else {
            return Err(unknown_field(&self.characters, start, typed));
        };
        if *joint == Joint::NotEqual {
            self.skip_blanks();
        }
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
                let read = |value: &Value| Ok(value.pattern());
                Test::Text(field, self.values(typed, &[], read)?)
            }
            Kind::Ip(field) => Test::Ip(field, self.values(typed, &[], ip_pattern)?),
            Kind::Words(words) => {
                let read = |value: &Value| one_of(words, value);
                Test::Words(field, self.values(typed, &[], read)?)
            }
            Kind::Date => Test::Number(field, self.values(typed, DAYS, date_comparison)?),
            Kind::Number(units) | Kind::Age(units) => {
                let example = field.filter.map_or("", |filter| filter.example);
                let read = |value: &Value| comparison(units, example, value);
                Test::Number(field, self.values(typed, units, read)?)
            }
        })
    }

    /// The values of a field, any of which is to match. A blank may stand before one of `units`.
    fn values<T: PartialEq>(
        &mut self,
        field: &str,
        units: Units,
        read: impl Fn(&Value) -> Result<T, Mistake>,
    ) -> Result<Vec<T>, Mistake> {
        let mut values = Vec::new();
        loop {
            let mut value = self.value(true)?;
            if value.is_empty() {
                let field = field.to_owned();
                let fault = match values.is_empty() {
                    true => FilterFault::ValueMissing { field },
                    false => FilterFault::ValueMissingAfterComma,
                };
                let correction = self.value_behind_blanks();
                return Err(Mistake::new(value.start, fault).corrected(correction));
            }
            self.take_unit(units, &mut value);
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

    /// Reads a unit that a blank parts from its number.
    fn take_unit(&mut self, units: Units, value: &mut Value) {
        if !value.ends_with_digit() {
            return;
        }
        let rest = self.characters.get(self.position..).unwrap_or_default();
        let blanks = rest.iter().take_while(|c| c.is_whitespace()).count();
        let letters = rest.iter().skip(blanks);
        let unit: String = letters.take_while(|c| c.is_alphabetic()).collect();
        let end = self.position + blanks + unit.chars().count();
        let is_last = self
            .characters
            .get(end)
            .is_none_or(|next| next.is_whitespace() || ",)".contains(*next));
        let narrowed: String = unit.chars().map(narrow).collect();
        if blanks > 0
            && is_last
            && units
                .iter()
                .any(|(name, _)| !narrowed.is_empty() && is_unit(name, &narrowed))
        {
            narrowed.chars().for_each(|letter| value.push(letter));
            self.position = end;
            value.end = end;
        }
    }

    /// The blanks at the position as too many, where a value and no other term stands behind them.
    fn value_behind_blanks(&self) -> Option<Correction> {
        let rest = self.characters.get(self.position..)?;
        let blanks = rest.iter().take_while(|c| c.is_whitespace()).count();
        let end = self.position + blanks;
        let next = self.characters.get(end)?;
        let is_value = blanks > 0 && !"()!-,".contains(*next) && self.field_name(end).is_none();
        let word: String = rest
            .iter()
            .skip(blanks)
            .take_while(|c| !c.is_whitespace())
            .collect();
        let joins = ["AND", "OR", "NOT"].contains(&word.as_str());
        (is_value && !joins).then(|| Correction {
            start: self.position,
            end,
            text: String::new(),
        })
    }

    /// Text up to the next blank, closing bracket or, in a list, comma. Parts of it may be in
    /// quotes, at its beginning and beside a `*`.
    fn value(&mut self, in_list: bool) -> Result<Value, Mistake> {
        let mut value = self.value_sign(in_list);
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

    /// A value of which no more is known than the operator before it, behind which blanks may stand
    /// if it is a lone one.
    fn value_sign(&mut self, in_list: bool) -> Value {
        let start = self.position;
        let signs = self.characters.get(start..).unwrap_or_default();
        let signs: Vec<char> = signs.iter().copied().map(narrow).take(2).collect();
        let operator = match signs.as_slice() {
            _ if !in_list => "",
            ['>', '='] => ">=",
            ['<', '='] => "<=",
            ['>', ..] => ">",
            ['<', ..] => "<",
            ['=', ..] => "=",
            _ => "",
        };
        self.position += operator.len();
        let behind = self.position;
        self.skip_blanks();
        if operator.is_empty() || self.peek().is_none() {
            self.position = behind;
        }
        let is_whole = operator == "=";
        let mut value = Value::new(self.position - operator.len(), is_whole);
        if !is_whole {
            operator.chars().for_each(|sign| value.push(sign));
        }
        value
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
