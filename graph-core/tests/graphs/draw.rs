//! Drawings: every kind of node, and names that would break the format.

use graph_core::{Array, DType, Fact, Graph, NameScope, Origin, Value};
use insta::assert_snapshot;

use crate::ops::{Binary, parse};
use crate::text::EVERYTHING;

/// Writes the drawings where they can be looked at.
fn keep(name: &str, graph: &Graph) {
    if let Ok(folder) = std::env::var("GRAFITO_DRAWINGS") {
        let folder = std::path::Path::new(&folder);
        std::fs::write(folder.join(format!("{name}.svg")), graph.to_svg()).unwrap();
        std::fs::write(folder.join(format!("{name}.dot")), graph.to_dot()).unwrap();
        std::fs::write(folder.join(format!("{name}.mmd")), graph.to_mermaid()).unwrap();
    }
}

const BRANCH: &str = "
graph branch(%c c: bool[], %x donated x: i64[]) {
  %k = constant 2 : i64[]
  %y = if(%c, %x, %k)
    then(%x x: i64[], %k k: i64[]) { %y = mul(%x, %k) return %y }
    else(%x x: i64[], %k: i64[]) { return %x }
  %s, %d = sum_diff(%y, %x)
  %p = mul(%s, %d)
  return %p
}";

#[test]
fn dot() {
    assert_snapshot!(parse(BRANCH).to_dot(), @r#"
    digraph "branch" {
      node [shape=box, style="rounded,filled", fillcolor=white, fontname=monospace];
      edge [fontname=monospace, fontsize=10];
      n0 [label="c\nbool[]", fillcolor=lightblue];
      n1 [label="x\ni64[]", fillcolor=lightskyblue];
      n2 [label="2\ni64[]", fillcolor=gray92];
      subgraph cluster_n3 {
        n3 [label="if\ni64[]", fillcolor=lightyellow];
        subgraph cluster_n3_0_ {
          label="then";
          n3_0_0 [label="x\ni64[]", fillcolor=lightblue];
          n3_0_1 [label="k\ni64[]", fillcolor=lightblue];
          n3_0_2 [label="mul\ni64[]", fillcolor=white];
          n3_0_3 [label="return\ni64[]", fillcolor=palegreen];
          n3_0_0 -> n3_0_2;
          n3_0_1 -> n3_0_2;
          n3_0_2 -> n3_0_3;
        }
        subgraph cluster_n3_1_ {
          label="else";
          n3_1_0 [label="x\ni64[]", fillcolor=lightblue];
          n3_1_1 [label="input\ni64[]", fillcolor=lightblue];
          n3_1_2 [label="return\ni64[]", fillcolor=palegreen];
          n3_1_0 -> n3_1_2;
        }
      }
      n4 [label="sum_diff\ni64[], i64[]", fillcolor=white];
      n5 [label="mul\ni64[]", fillcolor=white];
      n6 [label="return\ni64[]", fillcolor=palegreen];
      n0 -> n3;
      n1 -> n3;
      n2 -> n3;
      n3 -> n4;
      n1 -> n4;
      n4 -> n5 [label="0, 1"];
      n5 -> n6;
    }
    "#);
}

#[test]
fn mermaid() {
    assert_snapshot!(parse(BRANCH).to_mermaid(), @r#"
    flowchart TD
      n0["c<br/>bool[]"]:::input
      n1["x<br/>i64[]"]:::input
      n2["2<br/>i64[]"]:::constant
      subgraph s_n3["if"]
        n3["if<br/>i64[]"]:::op
        subgraph s_n3_0_["then"]
          n3_0_0["x<br/>i64[]"]:::input
          n3_0_1["k<br/>i64[]"]:::input
          n3_0_2["mul<br/>i64[]"]:::op
          n3_0_3["return<br/>i64[]"]:::result
          n3_0_0 --> n3_0_2
          n3_0_1 --> n3_0_2
          n3_0_2 --> n3_0_3
        end
        subgraph s_n3_1_["else"]
          n3_1_0["x<br/>i64[]"]:::input
          n3_1_1["input<br/>i64[]"]:::input
          n3_1_2["return<br/>i64[]"]:::result
          n3_1_0 --> n3_1_2
        end
      end
      n4["sum_diff<br/>i64[], i64[]"]:::op
      n5["mul<br/>i64[]"]:::op
      n6["return<br/>i64[]"]:::result
      n0 --> n3
      n1 --> n3
      n2 --> n3
      n3 --> n4
      n1 --> n4
      n4 -->|"0, 1"| n5
      n5 --> n6
      classDef input fill:#d6eaf8,stroke:#333
      classDef constant fill:#eee,stroke:#999
      classDef op fill:#fff,stroke:#333
      classDef result fill:#d5f5e3,stroke:#333
    "#);
}

#[test]
fn svg_is_well_formed_and_within_its_bounds() {
    let graph = parse(EVERYTHING);
    keep("everything", &graph);
    keep("branch", &parse(BRANCH));
    for graph in [graph, parse(BRANCH), hostile(), Graph::new("empty")] {
        let svg = graph.to_svg();
        check_xml(&svg);
        let size = |name: &str| -> f64 {
            let at = svg.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
            svg[at..].split('"').next().unwrap().parse().unwrap()
        };
        let (width, height) = (size("width"), size("height"));
        for rect in svg.split("<rect class=").skip(1) {
            let number = |name: &str| -> f64 {
                rect.split(&format!(" {name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
            };
            assert!(number("x") >= 0.0 && number("x") + number("width") <= width + 1.0, "{svg}");
            assert!(number("y") >= 0.0 && number("y") + number("height") <= height + 1.0, "{svg}");
        }
    }
}

/// Names with everything that the formats treat specially.
fn hostile() -> Graph {
    let mut graph = Graph::new("a\"<b>&\\\n#;`{[(|\u{1}");
    let origin = Origin::caller();
    let x = graph.add_input("</text><script>&\"'\u{0}\u{1b}", Fact::scalar(DType::I64), origin);
    let y = graph.apply(Binary::Add, &[x, x], origin).unwrap()[0];
    graph.set_outputs(vec![y]);
    graph
}

/// Tags are closed in order, and nothing stands unescaped between them.
fn check_xml(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    for part in text.split('<').skip(1) {
        let (tag, rest) = part.split_once('>').expect("a tag is closed");
        assert!(!rest.contains('>'), "{part}");
        assert!(!rest.chars().any(|c| c.is_control() && c != '\n'), "{part:?}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap());
        }
        for entity in rest.split('&').skip(1) {
            assert!(["lt;", "gt;", "amp;"].iter().any(|known| entity.starts_with(known)), "{part}");
        }
    }
    assert!(open.is_empty());
}

#[test]
fn names_are_escaped() {
    let graph = hostile();
    keep("hostile", &graph);
    assert_snapshot!(graph.to_dot(), @r#"
    digraph "a\"<b>&\\ #;`{[(| " {
      node [shape=box, style="rounded,filled", fillcolor=white, fontname=monospace];
      edge [fontname=monospace, fontsize=10];
      n0 [label="</text><script>&\"'  \ni64[]", fillcolor=lightblue];
      n1 [label="add\ni64[]", fillcolor=white];
      n2 [label="return\ni64[]", fillcolor=palegreen];
      n0 -> n1;
      n1 -> n2;
    }
    "#);
    assert_snapshot!(graph.to_mermaid(), @r##"
    flowchart TD
      n0["#lt;/text#gt;#lt;script#gt;#amp;#quot;'  <br/>i64[]"]:::input
      n1["add<br/>i64[]"]:::op
      n2["return<br/>i64[]"]:::result
      n0 --> n1
      n1 --> n2
      classDef input fill:#d6eaf8,stroke:#333
      classDef constant fill:#eee,stroke:#999
      classDef op fill:#fff,stroke:#333
      classDef result fill:#d5f5e3,stroke:#333
    "##);
}

#[test]
fn a_larger_drawing() {
    let graph = parse(
        "graph step(%w donated net.w: f32[784], %b donated net.b: f32[784], %x x: f32[784], %lr lr: f32[]) {
          %one = constant 1.0 : f32[]
          %h = mul(%x, %w)
          %hb = add(%h, %b)
          %a = neg(%hb)
          %c = mul(%a, %hb)
          %g = sub(%c, %one)
          %gw = mul(%g, %x)
          %sw = mul(%lr, %gw)
          %w2 = sub(%w, %sw)
          %sb = mul(%lr, %g)
          %b2 = sub(%b, %sb)
          %i, %v = for(%c, %w2) trips=3 carried=1 scanned=0
            body(%i i: i64[], %c c: f32[784], %w w: f32[784]) { %s = add(%c, %w) return %s, %i }
          return %w2, %b2, %i
        }",
    );
    keep("step", &graph);
    check_xml(&graph.to_svg());
}

#[test]
fn large_graphs_are_drawn_in_time() {
    let mut graph = Graph::new("large");
    let origin = Origin::caller();
    let x = graph.add_input("x", Fact::scalar(DType::I64), origin);
    let mut chain = x;
    let mut outputs: Vec<Value> = Vec::new();
    for i in 0..3000i64 {
        let k = graph.add_constant(Array::scalar(i), origin);
        chain = graph.apply(Binary::Add, &[chain, x], origin).unwrap()[0];
        outputs.push(graph.apply(Binary::Mul, &[chain, k], origin).unwrap()[0]);
    }
    graph.set_outputs(outputs);
    let start = std::time::Instant::now();
    check_xml(&graph.to_svg());
    graph.to_dot();
    graph.to_mermaid();
    println!("drawn in {:?}", start.elapsed());
    assert!(start.elapsed().as_secs() < 5);
}

/// A product in `encoder/attention`, a sum in `encoder`, a product in no scope.
fn scoped() -> Graph {
    let here = Origin::caller();
    let within = |path: &str| here.in_scope(NameScope::ROOT.within(path));
    let mut graph = Graph::new("scoped");
    let x = graph.add_input("x", Fact::scalar(DType::F32), within("elsewhere"));
    let a = graph.apply(Binary::Mul, &[x, x], within("encoder/attention")).unwrap()[0];
    let b = graph.apply(Binary::Add, &[a, x], within("encoder")).unwrap()[0];
    let c = graph.apply(Binary::Mul, &[b, a], here).unwrap()[0];
    graph.set_outputs(vec![c]);
    graph
}

#[test]
fn name_scopes_are_boxes_and_words() {
    assert_snapshot!(scoped().to_dot(), @r#"
    digraph "scoped" {
      node [shape=box, style="rounded,filled", fillcolor=white, fontname=monospace];
      edge [fontname=monospace, fontsize=10];
      n0 [label="x\nf32[]", fillcolor=lightblue];
      n3 [label="mul\nf32[]", fillcolor=white];
      n4 [label="return\nf32[]", fillcolor=palegreen];
      subgraph cluster_ns0_ {
        label="encoder";
        n2 [label="add\nf32[]", fillcolor=white];
        subgraph cluster_ns0_0_ {
          label="attention";
          n1 [label="mul\nf32[]", fillcolor=white];
        }
      }
      n0 -> n1;
      n1 -> n2;
      n0 -> n2;
      n2 -> n3;
      n1 -> n3;
      n3 -> n4;
    }
    "#);
    assert_snapshot!(scoped().to_mermaid(), @r##"
    flowchart TD
      n0["x<br/>f32[]"]:::input
      n3["mul<br/>f32[]"]:::op
      n4["return<br/>f32[]"]:::result
      subgraph s_ns0_["encoder"]
        n2["add<br/>f32[]"]:::op
        subgraph s_ns0_0_["attention"]
          n1["mul<br/>f32[]"]:::op
        end
      end
      n0 --> n1
      n1 --> n2
      n0 --> n2
      n2 --> n3
      n1 --> n3
      n3 --> n4
      classDef input fill:#d6eaf8,stroke:#333
      classDef constant fill:#eee,stroke:#999
      classDef op fill:#fff,stroke:#333
      classDef result fill:#d5f5e3,stroke:#333
    "##);
    let svg = scoped().to_svg();
    assert!(svg.contains("in encoder/attention") && !svg.contains("elsewhere"), "{svg}");
    let text = scoped().with_origins().to_string();
    assert!(text.contains("// in encoder/attention, ") && text.contains("// in encoder, "), "{text}");
}
