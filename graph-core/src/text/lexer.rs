//! The words of the text form, with their lines.

use crate::error::Error;

/// One word of the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// `%3`
    Value(String),
    /// `matmul`, `f32`, `net.w1`, `inf`
    Word(String),
    /// `-3`, `0.5`, `1e-7`
    Number(String),
    /// A quoted string, without quotes and escapes.
    Text(String),
    /// One of `( ) { } [ ] , : =`
    Sign(char),
    /// `...`
    Ellipsis,
    /// The end of the text.
    End,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Token::Value(word) => write!(f, "`%{word}`"),
            Token::Word(word) | Token::Number(word) => write!(f, "`{word}`"),
            Token::Text(text) => write!(f, "{text:?}"),
            Token::Sign(sign) => write!(f, "`{sign}`"),
            Token::Ellipsis => f.write_str("`...`"),
            Token::End => f.write_str("the end"),
        }
    }
}

/// Whether a name can stand unquoted.
pub(super) fn is_word(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(starts_word) && chars.all(continues_word)
}

fn starts_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn continues_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

pub(super) fn error(line: usize, message: impl Into<String>) -> Error {
    Error::Parse { line, message: message.into() }
}

/// All tokens of a text, each with its line, the last one [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Error> {
    let mut lexer = Lexer { rest: text, line: 1 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let line = lexer.line;
        let token = lexer.token()?;
        let is_end = token == Token::End;
        tokens.push((token, line));
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Lexer<'t> {
    fn skip_blanks(&mut self) {
        loop {
            let trimmed = self.rest.trim_start();
            let skipped = &self.rest[..self.rest.len() - trimmed.len()];
            self.line += skipped.matches('\n').count();
            self.rest = trimmed;
            if !self.rest.starts_with("//") {
                return;
            }
            self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
        }
    }

    fn token(&mut self) -> Result<Token, Error> {
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        match first {
            '(' | ')' | '{' | '}' | '[' | ']' | ',' | ':' | '=' | '?' => {
                self.rest = &self.rest[1..];
                Ok(Token::Sign(first))
            }
            '%' => {
                self.rest = &self.rest[1..];
                let word = self.take(|_, c| c.is_ascii_alphanumeric() || c == '_');
                if word.is_empty() {
                    return Err(error(self.line, "`%` without the number of a value"));
                }
                Ok(Token::Value(word.to_owned()))
            }
            '"' => self.text(),
            '.' if self.rest.starts_with("...") => {
                self.rest = &self.rest[3..];
                Ok(Token::Ellipsis)
            }
            c if starts_word(c) => Ok(Token::Word(self.take(|_, c| continues_word(c)).to_owned())),
            c if c == '-' || c.is_ascii_digit() => {
                // A sign stands at the start, or after the `e` of an exponent.
                let number = self.take(|before, c| {
                    continues_word(c) || matches!((before, c), (None | Some('e' | 'E'), '-' | '+'))
                });
                Ok(Token::Number(number.to_owned()))
            }
            other => Err(error(self.line, format!("unexpected character {other:?}"))),
        }
    }

    /// Takes characters while `belongs`, which also sees the one before.
    fn take(&mut self, belongs: impl Fn(Option<char>, char) -> bool) -> &'t str {
        let mut before = None;
        let mut end = self.rest.len();
        for (i, c) in self.rest.char_indices() {
            if !belongs(before, c) {
                end = i;
                break;
            }
            before = Some(c);
        }
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// A string, in the escapes of Rust's `{:?}`.
    fn text(&mut self) -> Result<Token, Error> {
        let line = self.line;
        let unfinished = || error(line, "a string without its closing quote");
        let mut chars = self.rest[1..].chars();
        let mut text = String::new();
        loop {
            match chars.next().ok_or_else(unfinished)? {
                '"' => break,
                '\\' => match chars.next().ok_or_else(unfinished)? {
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    '0' => text.push('\0'),
                    c @ ('\\' | '"' | '\'') => text.push(c),
                    'u' => {
                        let code: String = chars.by_ref().take_while(|&c| c != '}').take(8).collect();
                        let code = code.strip_prefix('{').and_then(|c| u32::from_str_radix(c, 16).ok());
                        let c = code.and_then(char::from_u32);
                        text.push(c.ok_or_else(|| error(line, "`\\u{…}` names no character"))?);
                    }
                    c => return Err(error(line, format!("unknown escape `\\{c}`"))),
                },
                '\n' => return Err(unfinished()),
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Ok(Token::Text(text))
    }
}
