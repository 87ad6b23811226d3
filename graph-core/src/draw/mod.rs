//! Drawings of graphs, for people: DOT, Mermaid, and SVG with a layout of its own.
//!
//! All three are made from one picture: boxes with words in them, arrows from definitions to uses, and regions as
//! boxes within the box of their node. DOT and Mermaid have boxes around name scopes, too; SVG writes them.

mod dot;
mod layout;
mod mermaid;
mod picture;
mod svg;

use crate::graph::Graph;
use picture::Picture;

impl Graph {
    /// A drawing for Graphviz (`dot -Tsvg`).
    pub fn to_dot(&self) -> String {
        dot::render(&Picture::new(self))
    }

    /// A drawing for Mermaid, which many Markdown viewers show.
    pub fn to_mermaid(&self) -> String {
        mermaid::render(&Picture::new(self))
    }

    /// A drawing as an SVG document that needs nothing else.
    pub fn to_svg(&self) -> String {
        svg::render(&Picture::new(self))
    }
}
