//! Rich Text, token by token.

use std::io::BufRead;

/// The longest word that means anything has half as many letters.
const LONGEST_WORD: usize = 64;

/// A piece of Rich Text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// `{`
    Open,
    /// `}`
    Close,
    /// `\par`, `\u-3`
    Word(String, Option<i64>),
    /// A backslash and a sign: `\~`. A line's end is `\n` however it is written.
    Sign(u8),
    /// A byte of text, as it is or as `\'e9`.
    Byte(u8),
    /// `\'` without two hexadecimal digits behind it.
    Damaged,
    /// `\bin`, its bytes passed over.
    Binary,
}

/// Reads the tokens.
pub struct Tokens<'a>(pub Box<dyn BufRead + 'a>);

impl Tokens<'_> {
    fn peek(&mut self) -> Result<Option<u8>, String> {
        Ok(self.0.fill_buf().map_err(|e| e.to_string())?.first().copied())
    }

    fn byte(&mut self) -> Result<Option<u8>, String> {
        let byte = self.peek()?;
        self.0.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    fn eat(&mut self, byte: u8) -> Result<(), String> {
        if self.peek()? == Some(byte) {
            self.0.consume(1);
        }
        Ok(())
    }

    /// The next token; none at the end. Lines end anywhere between tokens, and mean nothing there.
    pub fn next(&mut self) -> Result<Option<Token>, String> {
        loop {
            return Ok(Some(match self.byte()? {
                None => return Ok(None),
                Some(b'\r' | b'\n' | 0) => continue,
                Some(b'{') => Token::Open,
                Some(b'}') => Token::Close,
                Some(b'\\') => match self.byte()? {
                    None => return Ok(None),
                    Some(first) if first.is_ascii_alphabetic() => self.word(first)?,
                    Some(b'\'') => self.hexadecimal()?,
                    Some(b'\r') => {
                        self.eat(b'\n')?;
                        Token::Sign(b'\n')
                    }
                    Some(sign) => Token::Sign(sign),
                },
                Some(byte) => Token::Byte(byte),
            }));
        }
    }

    /// What is no digit is left for the next token.
    fn hexadecimal(&mut self) -> Result<Token, String> {
        let mut code = 0;
        for _ in 0..2 {
            let digit = self.peek()?.and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else { return Ok(Token::Damaged) };
            self.0.consume(1);
            code = code * 16 + digit as u8;
        }
        Ok(Token::Byte(code))
    }

    fn word(&mut self, first: u8) -> Result<Token, String> {
        let mut word = String::from(char::from(first));
        let mut number = String::new();
        while let Some(byte) = self.peek()? {
            match byte {
                b'-' if number.is_empty() => number.push('-'),
                b'0'..=b'9' => number.push(char::from(byte)),
                _ if byte.is_ascii_alphabetic() && number.is_empty() => word.push(char::from(byte)),
                _ => break,
            }
            self.0.consume(1);
            if word.len() + number.len() > LONGEST_WORD {
                break;
            }
        }
        // One space belongs to the word.
        self.eat(b' ')?;
        let number = number.parse().ok();
        if word == "bin" {
            self.pass_over(number.and_then(|n: i64| u64::try_from(n).ok()).unwrap_or(0))?;
            return Ok(Token::Binary);
        }
        Ok(Token::Word(word, number))
    }

    fn pass_over(&mut self, mut left: u64) -> Result<(), String> {
        while left > 0 {
            let at_hand = self.0.fill_buf().map_err(|e| e.to_string())?.len();
            if at_hand == 0 {
                break;
            }
            let step = at_hand.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.0.consume(step);
            left -= step as u64;
        }
        Ok(())
    }
}
