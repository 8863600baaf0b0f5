//! The folders that blogs are made in: what the person wrote lies beside themes, layouts and the built site, which are
//! others' or say it once more. Told by the generator's settings.

use crate::journal::format::Vault;

const HUGO: &[&str] = &["public", "layouts", "archetypes", "themes", "resources", "static"];

/// Each generator's folder.
pub const VAULTS: [Vault; 6] = [
    Vault { app: "Hugo", mark: "hugo.toml", own: HUGO, templates: &[] },
    Vault { app: "Hugo", mark: "hugo.yaml", own: HUGO, templates: &[] },
    Vault {
        app: "Hugo",
        mark: "config.toml",
        own: &["public", "layouts", "archetypes", "themes", "sass"],
        templates: &[],
    },
    Vault {
        app: "Jekyll",
        mark: "_config.yml",
        own: &[
            "_site",
            "_layouts",
            "_includes",
            "_sass",
            "_plugins",
            "_data",
            "vendor",
            "themes",
            "scaffolds",
            "public",
        ],
        templates: &[],
    },
    Vault { app: "Eleventy", mark: ".eleventy.js", own: &["_site", "_includes"], templates: &[] },
    Vault { app: "Astro", mark: "astro.config.mjs", own: &["dist", "layouts", "components"], templates: &[] },
];
