//! Pieces of a program, each written twice: as plain Rust on numbers, and as what `#[graph_fn]` is given, on tensors.

/// A piece of a program.
#[derive(Clone)]
pub(crate) struct Twice {
    pub(crate) plain: String,
    pub(crate) graph: String,
}

/// What is written the same in both.
pub(crate) fn same(text: impl Into<String>) -> Twice {
    let plain = text.into();
    Twice { graph: plain.clone(), plain }
}

/// What is written differently.
pub(crate) fn apart(plain: impl Into<String>, graph: impl Into<String>) -> Twice {
    Twice { plain: plain.into(), graph: graph.into() }
}

/// A template, with a part in the place of each `$`.
pub(crate) fn filled(template: &str, parts: &[&Twice]) -> Twice {
    let fill = |of: &dyn Fn(&Twice) -> String| {
        let mut parts = parts.iter();
        let mut text = String::new();
        for piece in template.split_inclusive('$') {
            match piece.strip_suffix('$') {
                Some(before) => {
                    text.push_str(before);
                    text.push_str(&of(parts.next().expect("a part for each `$`")));
                }
                None => text.push_str(piece),
            }
        }
        assert!(parts.next().is_none(), "a `$` for each part of `{template}`");
        text
    };
    Twice { plain: fill(&|part| part.plain.clone()), graph: fill(&|part| part.graph.clone()) }
}

/// A kind of number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Int,
    Real,
}

/// What a term is among tensors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Owned,
    Borrowed,
    /// A number known while tracing.
    Host,
}

/// A number, and what it is in the graph.
#[derive(Clone)]
pub(crate) struct Term {
    text: Twice,
    form: Form,
    pub(crate) kind: Kind,
}

impl Term {
    pub(crate) fn host(kind: Kind, text: Twice) -> Term {
        Term { text, form: Form::Host, kind }
    }

    pub(crate) fn owned(kind: Kind, text: Twice) -> Term {
        Term { text, form: Form::Owned, kind }
    }

    /// A place that is read.
    pub(crate) fn read(kind: Kind, place: &str) -> Term {
        Term { text: apart(place, format!("&{place}")), form: Form::Borrowed, kind }
    }

    pub(crate) fn is_host(&self) -> bool {
        self.form == Form::Host
    }

    /// As an operand beside a tensor.
    pub(crate) fn operand(&self) -> Twice {
        filled("($)", &[&self.text])
    }

    /// As a tensor of its own.
    pub(crate) fn value(&self) -> Twice {
        let Twice { plain, graph } = &self.text;
        match (self.form, self.kind) {
            (Form::Owned, _) => self.text.clone(),
            (Form::Borrowed, _) => apart(plain, format!("({graph}).clone()")),
            (Form::Host, Kind::Int) => apart(plain, format!("int({graph})")),
            (Form::Host, Kind::Real) => apart(plain, format!("real({graph})")),
        }
    }

    /// Two terms around an operator, of which one is a tensor.
    pub(crate) fn around(operator: &str, left: &Term, right: &Term) -> Twice {
        let left_text = match (left.is_host() && right.is_host(), left.kind) {
            (true, _) => left.value(),
            (false, _) => left.operand(),
        };
        filled(&format!("($ {operator} $)"), &[&left_text, &right.operand()])
    }
}
