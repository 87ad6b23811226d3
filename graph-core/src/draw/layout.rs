//! Layered layout: every box in a layer below those it depends on, with few crossings and short arrows.
//!
//! # Source
//! Sugiyama, Tagawa, Toda: *Methods for visual understanding of hierarchical system structures* (1981): layers, virtual
//! boxes where an arrow passes a layer, order by barycenters, positions by relaxation.

use std::borrow::Cow;

use super::picture::{Arrow, Picture, Role, Shape};

/// Sizes, in pixels.
pub(super) const CHAR_WIDTH: f64 = 7.3;
pub(super) const LINE_HEIGHT: f64 = 16.0;
pub(super) const PADDING: f64 = 8.0;
const GAP: f64 = 18.0;
const LAYER_GAP: f64 = 32.0;
/// Width kept free for an arrow that passes.
const PASSAGE: f64 = 10.0;
/// An arrow over more layers is drawn as two ends only.
const MAX_SPAN: usize = 12;
/// Words are cut off after so many characters.
pub(super) const MAX_CHARS: usize = 44;

/// A placed box.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    pub(super) fn center(&self) -> f64 {
        self.x + self.width / 2.0
    }
}

/// A picture with places, relative to its upper left corner.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// For each shape.
    pub(super) rects: Vec<Rect>,
    /// For each arrow, the points it passes, straight down within a layer and curved between layers in turn; empty where
    /// it is too long to be followed.
    pub(super) routes: Vec<Vec<(f64, f64)>>,
    /// For each shape, the layouts of its regions with their corners, relative to the shape's.
    pub(super) regions: Vec<Vec<(f64, f64, Layout)>>,
}

/// What a layer consists of: a shape, or a passage for the arrows from one.
struct Item {
    width: f64,
    x: f64,
    above: Vec<usize>,
    below: Vec<usize>,
}

pub(super) fn lines(shape: &Shape) -> impl Iterator<Item = Cow<'_, str>> {
    let scope = if shape.scope.is_empty() { String::new() } else { format!("in {}", shape.scope.join("/")) };
    let lines = [Cow::from(&*shape.title), Cow::from(&*shape.detail), Cow::from(scope)];
    lines.into_iter().filter(|line| !line.is_empty())
}

pub(super) fn layout(picture: &Picture) -> Layout {
    let mut regions = Vec::new();
    let mut rects = Vec::new();
    for shape in &picture.shapes {
        let chars = lines(shape).map(|line| line.chars().count().min(MAX_CHARS)).max().unwrap_or(0);
        let mut width = chars as f64 * CHAR_WIDTH + 2.0 * PADDING;
        let mut height = lines(shape).count() as f64 * LINE_HEIGHT + PADDING;
        let mut placed = Vec::new();
        let mut x = PADDING;
        for region in &shape.regions {
            let inner = layout(region);
            let top = height + LINE_HEIGHT;
            x += inner.width + PADDING;
            placed.push((x - inner.width - PADDING, top, inner));
        }
        if !placed.is_empty() {
            let tallest = placed.iter().map(|(_, _, inner)| inner.height).fold(0.0, f64::max);
            height += LINE_HEIGHT + tallest + PADDING;
            width = width.max(x);
        }
        rects.push(Rect { x: 0.0, y: 0.0, width, height });
        regions.push(placed);
    }
    let layer_of = layers(picture);
    let num_layers = layer_of.iter().max().map_or(0, |last| last + 1);
    let (mut items, mut rows, passages) = items(picture, &rects, &layer_of, num_layers);
    order(&mut items, &mut rows);
    place(&mut items, &rows);

    let left = items.iter().map(|item| item.x).fold(f64::INFINITY, f64::min);
    let right = items.iter().map(|item| item.x + item.width).fold(0.0, f64::max);
    let mut tops = Vec::new();
    let mut y = GAP;
    for row in &rows {
        tops.push(y);
        let shapes = row.iter().filter(|&&item| item < rects.len());
        y += shapes.map(|&item| rects[item].height).fold(0.0, f64::max) + LAYER_GAP;
    }
    let bottoms: Vec<f64> = tops.iter().skip(1).chain([&y]).map(|top| top - LAYER_GAP).collect();
    for (index, rect) in rects.iter_mut().enumerate() {
        rect.x = items[index].x - left + GAP;
        // What depends on nothing stands as near to its users as it can.
        let layer = layer_of[index];
        let is_source = is_source(&picture.shapes[index]);
        rect.y = if is_source { bottoms[layer] - rect.height } else { tops[layer] };
    }
    let route = |passage: &Option<Vec<usize>>, arrow: &Arrow| {
        let Some(passage) = passage else { return Vec::new() };
        let (from, to) = (&rects[arrow.from], &rects[arrow.to]);
        let x = from.center();
        let mut points = vec![(x, from.y + from.height), (x, bottoms[layer_of[arrow.from]])];
        for (step, &item) in passage.iter().enumerate() {
            let layer = layer_of[arrow.from] + 1 + step;
            let x = items[item].x + items[item].width / 2.0 - left + GAP;
            points.push((x, tops[layer]));
            points.push((x, bottoms[layer]));
        }
        points.push((to.center(), to.y));
        points
    };
    let routes = passages.iter().zip(&picture.arrows).map(|(p, arrow)| route(p, arrow)).collect();
    let (width, height) = (right - left + 2.0 * GAP, y - LAYER_GAP + GAP);
    Layout { width, height, rects, routes, regions }
}

fn is_source(shape: &Shape) -> bool {
    matches!(shape.role, Role::Input | Role::Donated | Role::Constant)
}

/// The layer of each shape: below all that it depends on. What depends on nothing stands just above its first user.
fn layers(picture: &Picture) -> Vec<usize> {
    let is_source: Vec<bool> = picture.shapes.iter().map(is_source).collect();
    let mut layer: Vec<usize> = is_source.iter().map(|&source| usize::from(!source)).collect();
    // Arrows are in the order of the shapes that they lead to.
    for arrow in &picture.arrows {
        layer[arrow.to] = layer[arrow.to].max(layer[arrow.from] + 1);
    }
    let last = layer.iter().max().copied().unwrap_or(0);
    if let Some(end) = layer.last_mut() {
        *end = last; // The outputs stand at the bottom, whatever they are.
    }
    let mut first_use = vec![usize::MAX; layer.len()];
    for arrow in &picture.arrows {
        first_use[arrow.from] = first_use[arrow.from].min(layer[arrow.to]);
    }
    for (index, &source) in is_source.iter().enumerate() {
        if source && first_use[index] != usize::MAX {
            layer[index] = first_use[index] - 1;
        }
    }
    layer
}

/// For each arrow, the virtual items that it passes; `None` where it is too long.
type Passages = Vec<Option<Vec<usize>>>;

fn items(
    picture: &Picture,
    rects: &[Rect],
    layer_of: &[usize],
    num_layers: usize,
) -> (Vec<Item>, Vec<Vec<usize>>, Passages) {
    let item = |width| Item { width, x: 0.0, above: Vec::new(), below: Vec::new() };
    let mut items: Vec<Item> = rects.iter().map(|rect| item(rect.width)).collect();
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); num_layers];
    for (index, &layer) in layer_of.iter().enumerate() {
        rows[layer].push(index);
    }
    // Arrows from one shape share their passage.
    let mut chains: Vec<Vec<usize>> = vec![Vec::new(); rects.len()];
    let mut passages = Vec::new();
    for arrow in &picture.arrows {
        let span = layer_of[arrow.to] - layer_of[arrow.from];
        if span > MAX_SPAN {
            passages.push(None);
            continue;
        }
        while chains[arrow.from].len() + 1 < span {
            let above = chains[arrow.from].last().copied().unwrap_or(arrow.from);
            let index = items.len();
            items.push(item(PASSAGE));
            connect(&mut items, above, index);
            chains[arrow.from].push(index);
            rows[layer_of[arrow.from] + chains[arrow.from].len()].push(index);
        }
        let passage = chains[arrow.from][..span - 1].to_vec();
        connect(&mut items, passage.last().copied().unwrap_or(arrow.from), arrow.to);
        passages.push(Some(passage));
    }
    (items, rows, passages)
}

fn connect(items: &mut [Item], above: usize, below: usize) {
    items[above].below.push(below);
    items[below].above.push(above);
}

/// Orders each layer by the mean position of the neighbours, sweeping down and up.
fn order(items: &mut [Item], rows: &mut [Vec<usize>]) {
    let mut position: Vec<f64> = vec![0.0; items.len()];
    let number = |row: &[usize], position: &mut [f64]| {
        row.iter().enumerate().for_each(|(i, &item)| position[item] = i as f64);
    };
    rows.iter().for_each(|row| number(row, &mut position));
    for sweep in 0..6 {
        let down = sweep % 2 == 0;
        for i in 0..rows.len() {
            let row = if down { i } else { rows.len() - 1 - i };
            let mean = |item: usize| {
                let neighbours = if down { &items[item].above } else { &items[item].below };
                let sum: f64 = neighbours.iter().map(|&n| position[n]).sum();
                if neighbours.is_empty() { position[item] } else { sum / neighbours.len() as f64 }
            };
            let mut keyed: Vec<(f64, usize)> = rows[row].iter().map(|&item| (mean(item), item)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            rows[row] = keyed.into_iter().map(|(_, item)| item).collect();
            number(&rows[row], &mut position);
        }
    }
}

/// Moves every item towards its neighbours, without passing the one beside it.
fn place(items: &mut [Item], rows: &[Vec<usize>]) {
    for row in rows {
        let mut x = 0.0;
        for &item in row {
            items[item].x = x;
            x += items[item].width + GAP;
        }
    }
    for sweep in 0..12 {
        let down = sweep % 2 == 0;
        for i in 0..rows.len() {
            let row = &rows[if down { i } else { rows.len() - 1 - i }];
            let wanted: Vec<f64> = row
                .iter()
                .map(|&item| {
                    let neighbours = if down { &items[item].above } else { &items[item].below };
                    let centers: f64 = neighbours.iter().map(|&n| items[n].x + items[n].width / 2.0).sum();
                    match neighbours.len() {
                        0 => items[item].x,
                        count => centers / count as f64 - items[item].width / 2.0,
                    }
                })
                .collect();
            // As far left as wanted, pushed from the left; as far right, pushed from the right; the middle of both.
            let mut pushed_right = wanted.clone();
            for k in 1..row.len() {
                let bound = pushed_right[k - 1] + items[row[k - 1]].width + GAP;
                pushed_right[k] = pushed_right[k].max(bound);
            }
            let mut pushed_left = wanted;
            for k in (1..row.len()).rev() {
                let bound = pushed_left[k] - items[row[k - 1]].width - GAP;
                pushed_left[k - 1] = pushed_left[k - 1].min(bound);
            }
            for (k, &item) in row.iter().enumerate() {
                items[item].x = (pushed_right[k] + pushed_left[k]) / 2.0;
            }
        }
    }
}
