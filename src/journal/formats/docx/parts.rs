//! The parts of a Word document's zip, found by the relations between them as Word finds them.

use std::path::PathBuf;

use crate::journal::format::Input;
use crate::journal::source::archive::Archive;
use crate::journal::syntax::office::xml::{Node, Xml};

/// The parts of the zip.
pub struct Parts<'a> {
    archive: Archive<'a>,
    /// The path of the document proper.
    document: String,
}

impl<'a> Parts<'a> {
    /// Finds the document in the zip.
    pub fn open(input: &'a Input) -> Result<Parts<'a>, String> {
        let mut parts = Parts { archive: Archive::open(input)?, document: "word/document.xml".to_string() };
        if let Some(document) = parts.target("_rels/.rels", "/officeDocument")? {
            parts.document = document;
        }
        Ok(parts)
    }

    /// The document proper.
    pub fn document(&mut self) -> Result<Input, String> {
        let name = self.document.clone();
        self.part(&name)?.ok_or_else(|| format!("no Word document: it holds no {name}"))
    }

    /// A part that the document refers to, by the kind of the relation: `styles`.
    pub fn beside(&mut self, kind: &str) -> Result<Option<Input>, String> {
        let (folder, name) = self.document.rsplit_once('/').unwrap_or(("", &self.document));
        let within = |path: &str| format!("{folder}/{path}").trim_start_matches('/').to_string();
        let (relations, usual) = (within(&format!("_rels/{name}.rels")), within(&format!("{kind}.xml")));
        let folder = within("");
        let target = self.target(&relations, &format!("/{kind}")).ok().flatten();
        // Targets are relative to the document, or begin with its folder.
        let path = target.map(|path| if path.starts_with(&folder) { path } else { folder + &path });
        self.part(&path.unwrap_or(usual))
    }

    /// How many headers and footers hold words.
    pub fn headers_and_footers(&mut self) -> usize {
        let folder = self.document.rsplit_once('/').map_or("", |(folder, _)| folder);
        let starts =
            ["header", "footer"].map(|kind| format!("{folder}/{kind}").trim_start_matches('/').to_string());
        let mut members = self.archive.members();
        members.retain(|member| starts.iter().any(|start| member.name.starts_with(start)));
        members
            .iter()
            .filter(|member| matches!(self.part(&member.name), Ok(Some(part)) if has_words(&part)))
            .count()
    }

    fn part(&mut self, name: &str) -> Result<Option<Input>, String> {
        let found = self.archive.members().into_iter().find(|member| member.name == name);
        let Some(member) = found else { return Ok(None) };
        match member.refused {
            Some(why) => Err(why),
            None => self.archive.input(member.index, PathBuf::from(name)).map(Some),
        }
    }

    /// The first part that a list of relations gives for a kind, by the end of the kind's name.
    fn target(&mut self, relations: &str, kind: &str) -> Result<Option<String>, String> {
        let Some(input) = self.part(relations)? else { return Ok(None) };
        let mut xml = Xml::open(&input)?;
        while let Some(node) = xml.next()? {
            if let Node::Open(element) = node
                && element.get("Type").is_some_and(|whole| whole.ends_with(kind))
            {
                return Ok(element.get("Target").map(|target| target.trim_start_matches('/').to_string()));
            }
        }
        Ok(None)
    }
}

fn has_words(part: &Input) -> bool {
    let (Ok(mut xml), mut in_text) = (Xml::open(part), false) else { return false };
    while let Ok(Some(node)) = xml.next() {
        match node {
            Node::Open(element) => in_text = element.name == "w:t",
            Node::Close(_) => in_text = false,
            Node::Text(text) if in_text && !text.trim().is_empty() => return true,
            Node::Text(_) => {}
        }
    }
    false
}
