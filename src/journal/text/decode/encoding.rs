//! The encodings that texts are in.

/// How a file's text was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(pub Kind);

/// Which encoding it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One that the Encoding Standard lists.
    Listed(&'static encoding_rs::Encoding),
    Utf32Le,
    Utf32Be,
    /// UTF-8 in some places, windows-1252 in others: files of several years put together.
    Mixed,
}

impl Encoding {
    pub const UTF_8: Encoding = Encoding(Kind::Listed(encoding_rs::UTF_8));
    pub const UTF_16LE: Encoding = Encoding(Kind::Listed(encoding_rs::UTF_16LE));
    pub const UTF_16BE: Encoding = Encoding(Kind::Listed(encoding_rs::UTF_16BE));
    pub const WINDOWS_1252: Encoding = Encoding(Kind::Listed(encoding_rs::WINDOWS_1252));
    pub const MAC_ROMAN: Encoding = Encoding(Kind::Listed(encoding_rs::MACINTOSH));

    /// Its name, as people know it.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Listed(encoding) if encoding == encoding_rs::MACINTOSH => "Mac Roman",
            Kind::Listed(encoding) => encoding.name(),
            Kind::Utf32Le => "UTF-32LE",
            Kind::Utf32Be => "UTF-32BE",
            Kind::Mixed => "UTF-8 and windows-1252, mixed",
        }
    }

    /// Whether it is one of Unicode's own, damaged bytes aside.
    pub fn is_unicode(self) -> bool {
        match self.0 {
            Kind::Listed(encoding) => encoding.output_encoding() == encoding_rs::UTF_8,
            Kind::Utf32Le | Kind::Utf32Be => true,
            Kind::Mixed => false,
        }
    }

    /// Whether it is UTF-8 throughout, damaged bytes aside.
    pub fn is_utf8(self) -> bool {
        self == Encoding::UTF_8
    }
}
