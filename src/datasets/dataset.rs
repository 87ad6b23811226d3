//! Examples with their targets, and what is done to them on their way into a training loop.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use grafito::{Array, Element, Mode, Tensor, with_element, with_mode};

use super::images::{CLASSES, IMAGE_SIDE, Split};
use super::order::{ShuffledWithin, shuffle};
use super::prefetch::prefetched;
use super::random::Random;

/// Features and targets: of an example, or of a batch of them.
pub type Pair = (Tensor, Tensor);

/// An epoch's examples, or batches of them.
pub type Examples = Box<dyn Iterator<Item = Pair> + Send>;

/// Examples with their targets: shuffled, batched, mapped and prefetched as they are asked for, an epoch at a time.
///
/// What an epoch gives depends only on the dataset and the number of the epoch: a run that is resumed at epoch 5 sees
/// what an unbroken run would have seen. Stages apply in the order in which they were added, and compute eagerly.
///
/// ```
/// use grafito::datasets::Dataset;
/// use grafito::prelude::*;
///
/// let (x, y) = (Tensor::arange(10, DType::F32).reshape([10, 1]), Tensor::arange(10, DType::I64));
/// let data = Dataset::new(x, y).shuffle(7).batch(4).map(|x, y| (x * 2.0, y)).prefetch(2);
/// let sizes: Vec<usize> = data.epoch(1).map(|(x, _)| x.shape()[0]).collect();
/// assert_eq!(sizes, [4, 4, 2]);
/// assert_eq!(data.batches(), Some(3));
/// ```
///
/// # Source
/// `tf.data.Dataset`.
#[derive(Clone)]
pub struct Dataset {
    source: Source,
    stages: Vec<Stage>,
    class_names: Arc<Vec<String>>,
}

#[derive(Clone)]
enum Source {
    /// Some rows of two tensors.
    Rows { features: Tensor, targets: Tensor, rows: Range<usize> },
    /// Whatever an iterator gives; made anew for each epoch.
    Made(Arc<dyn Fn(u64) -> Examples + Send + Sync>),
}

#[derive(Clone)]
enum Stage {
    Shuffle { seed: u64 },
    ShuffleWithin { seed: u64, size: usize },
    Batch { size: usize, drops_last: bool },
    Map(Arc<dyn Fn(Tensor, Tensor) -> Pair + Send + Sync>),
    Prefetch { ahead: usize },
}

impl Dataset {
    /// The rows of two tensors, along their first axes.
    ///
    /// # Panics
    /// When one has no axis, or their numbers of rows differ.
    #[track_caller]
    pub fn new(features: Tensor, targets: Tensor) -> Dataset {
        let rows = |tensor: &Tensor| tensor.shape().first().copied();
        let len = rows(&features).filter(|_| rows(&features) == rows(&targets));
        let Some(len) = len else {
            let (features, targets) = (features.fact(), targets.fact());
            panic!("dataset: features {features} and targets {targets} have no common number of rows");
        };
        let source = Source::Rows { features: features.eval(), targets: targets.eval(), rows: 0..len };
        Dataset { source, stages: Vec::new(), class_names: Arc::default() }
    }

    /// What an iterator gives, example by example. It is made anew for each epoch, and told the epoch's number.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::prelude::*;
    ///
    /// let squares = Dataset::from_examples(|_epoch| {
    ///     (0..5).map(|i| (Tensor::scalar(i as f32), Tensor::scalar((i * i) as f32)))
    /// });
    /// let batches: Vec<Tensor> = squares.batch(2).epoch(0).map(|(_, y)| y).collect();
    /// assert_eq!(batches[1].to_vec::<f32>(), [4.0, 9.0]);
    /// ```
    pub fn from_examples<I>(make: impl Fn(u64) -> I + Send + Sync + 'static) -> Dataset
    where
        I: Iterator<Item = Pair> + Send + 'static,
    {
        let source = Source::Made(Arc::new(move |epoch| Box::new(make(epoch))));
        Dataset { source, stages: Vec::new(), class_names: Arc::default() }
    }

    /// Visits the examples in another order in each epoch. Those of an iterator are all kept in memory for that; see
    /// [`shuffle_within`](Dataset::shuffle_within).
    #[must_use]
    pub fn shuffle(self, seed: u64) -> Dataset {
        self.with(Stage::Shuffle { seed })
    }

    /// Visits the examples in another order in each epoch, of which it keeps `size` in memory and gives any of these.
    ///
    /// # Panics
    /// When the size is 0.
    #[must_use]
    #[track_caller]
    pub fn shuffle_within(self, seed: u64, size: usize) -> Dataset {
        assert!(size > 0, "dataset: 0 examples to choose from, expected at least 1");
        self.with(Stage::ShuffleWithin { seed, size })
    }

    /// Makes batches of so many examples; the last one may be smaller.
    ///
    /// # Panics
    /// When the size is 0, or there are batches already.
    #[must_use]
    #[track_caller]
    pub fn batch(self, size: usize) -> Dataset {
        assert!(size > 0, "dataset: the batch size is 0, expected at least 1");
        assert!(!self.is_batched(), "dataset: it gives batches already");
        self.with(Stage::Batch { size, drops_last: false })
    }

    /// Leaves out the last batch of an epoch if it is smaller than the others, so that all have one shape.
    ///
    /// # Panics
    /// When there are no batches.
    #[must_use]
    #[track_caller]
    pub fn drop_last(mut self) -> Dataset {
        let batch = self.stages.iter_mut().find_map(|stage| match stage {
            Stage::Batch { drops_last, .. } => Some(drops_last),
            _ => None,
        });
        *batch.expect("dataset: there are no batches") = true;
        self
    }

    /// Applies a function to each example, or to each batch where it comes after [`batch`](Dataset::batch).
    #[must_use]
    pub fn map(self, f: impl Fn(Tensor, Tensor) -> Pair + Send + Sync + 'static) -> Dataset {
        self.with(Stage::Map(Arc::new(f)))
    }

    /// Lets a thread make up to `ahead` (65,536 at most) examples or batches before they are asked for.
    #[must_use]
    pub fn prefetch(self, ahead: usize) -> Dataset {
        self.with(Stage::Prefetch { ahead })
    }

    /// Names the classes that targets count.
    ///
    /// ```
    /// use grafito::datasets::{Dataset, synthetic_digits};
    ///
    /// let data = Dataset::from(&synthetic_digits(4, 0, 1).train);
    /// assert_eq!(data.class_names()[9], "9");
    /// let data = data.with_class_names(["zero", "one"]);
    /// assert_eq!(data.class_names(), ["zero", "one"]);
    /// ```
    #[must_use]
    pub fn with_class_names<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Dataset {
        Dataset { class_names: Arc::new(names.into_iter().map(Into::into).collect()), ..self }
    }

    /// The names of the classes; empty unless given.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// All but the last `share` of the rows, and these, each with the same stages: for validation. `None` where an
    /// iterator gives the examples, and where one of the parts would be empty.
    ///
    /// ```
    /// use grafito::datasets::{Dataset, synthetic_digits};
    ///
    /// let data = Dataset::from(&synthetic_digits(10, 0, 1).train);
    /// let (train, test) = data.split(0.2).unwrap();
    /// assert_eq!((train.len(), test.len()), (Some(8), Some(2)));
    /// ```
    ///
    /// # Source
    /// `validation_split` of `keras.Model.fit`.
    pub fn split(&self, share: f64) -> Option<(Dataset, Dataset)> {
        let Source::Rows { features, targets, rows } = &self.source else { return None };
        let kept = (rows.len() as f64 * (1.0 - share)).round() as usize;
        if !(0.0..=1.0).contains(&share) || kept == 0 || kept == rows.len() {
            return None;
        }
        let part = |rows| {
            let source = Source::Rows { features: features.clone(), targets: targets.clone(), rows };
            Dataset { source, ..self.clone() }
        };
        let middle = rows.start + kept;
        Some((part(rows.start..middle), part(middle..rows.end)))
    }

    /// How many examples there are; `None` where an iterator gives them.
    pub fn len(&self) -> Option<usize> {
        match &self.source {
            Source::Rows { rows, .. } => Some(rows.len()),
            Source::Made(_) => None,
        }
    }

    /// Whether there is known to be no example.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Whether it gives batches.
    pub fn is_batched(&self) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::Batch { .. }))
    }

    /// How many batches an epoch has, where there are batches and an iterator does not give the examples.
    pub fn batches(&self) -> Option<usize> {
        let len = self.len()?;
        self.stages.iter().find_map(|stage| match *stage {
            Stage::Batch { size, drops_last: true } => Some(len / size),
            Stage::Batch { size, drops_last: false } => Some(len.div_ceil(size)),
            _ => None,
        })
    }

    /// The examples, or batches, of an epoch.
    pub fn epoch(&self, number: u64) -> Examples {
        let start = match &self.source {
            Source::Rows { features, targets, rows } => {
                let order = Order::Range(rows.clone());
                Flow::Rows { features: features.clone(), targets: targets.clone(), order }
            }
            Source::Made(make) => Flow::Items(make(number)),
        };
        let flow = self.stages.iter().fold(start, |flow, stage| flow.through(stage, number));
        Box::new(Eagerly(flow.items()))
    }

    fn with(mut self, stage: Stage) -> Dataset {
        self.stages.push(stage);
        self
    }
}

impl From<&Split> for Dataset {
    /// Images `[n, 28, 28]` of u8, labels `[n]` of u8.
    #[track_caller]
    fn from(split: &Split) -> Dataset {
        let images = Tensor::from_slice([split.len(), IMAGE_SIDE, IMAGE_SIDE], &split.images);
        let labels = Tensor::from(split.labels.as_slice());
        Dataset::new(images, labels).with_class_names((0..CLASSES).map(|digit| digit.to_string()))
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Rows { features, targets, rows } => {
                write!(f, "Dataset(rows {rows:?} of {} and {}", features.fact(), targets.fact())?;
            }
            Source::Made(_) => write!(f, "Dataset(from an iterator")?,
        }
        for stage in &self.stages {
            match stage {
                Stage::Shuffle { seed } => write!(f, ", shuffled from seed {seed}")?,
                Stage::ShuffleWithin { seed, size } => {
                    write!(f, ", shuffled from seed {seed} within {size}")?
                }
                Stage::Batch { size, drops_last } => {
                    write!(f, ", batches of {size}{}", if *drops_last { ", the rest dropped" } else { "" })?;
                }
                Stage::Map(_) => write!(f, ", mapped")?,
                Stage::Prefetch { ahead } => write!(f, ", {ahead} ahead")?,
            }
        }
        write!(f, ")")
    }
}

/// An epoch on its way through the stages. As long as it is rows, to shuffle or batch them is to move numbers.
enum Flow {
    Rows { features: Tensor, targets: Tensor, order: Order },
    Items(Examples),
}

/// Which rows, in which order.
enum Order {
    Range(Range<usize>),
    Listed(Vec<usize>),
}

impl Order {
    fn into_vec(self) -> Vec<usize> {
        match self {
            Order::Range(rows) => rows.collect(),
            Order::Listed(rows) => rows,
        }
    }
}

impl Flow {
    fn through(self, stage: &Stage, epoch: u64) -> Flow {
        match (stage, self) {
            (&Stage::Shuffle { seed }, Flow::Rows { features, targets, order }) => {
                let rows = order.into_vec();
                let order = shuffled_indices(rows.len(), seed, epoch).map(|index| rows[index]).collect();
                Flow::Rows { features, targets, order: Order::Listed(order) }
            }
            (&Stage::Shuffle { seed }, flow) => {
                // All of them, but only when the first is asked for.
                let items = flow.items();
                let all = std::iter::once_with(move || {
                    let all: Vec<Pair> = items.collect();
                    shuffled_indices(all.len(), seed, epoch).map(move |index| all[index].clone())
                });
                Flow::Items(Box::new(all.flatten()))
            }
            (&Stage::ShuffleWithin { seed, size }, flow) => {
                let random = Random::new(seed, epoch);
                let items = flow.items();
                Flow::Items(Box::new(ShuffledWithin { items, waiting: Vec::new(), size, random }))
            }
            (&Stage::Batch { size, drops_last }, Flow::Rows { features, targets, order }) => {
                let rows = order.into_vec();
                let visited = if drops_last { rows.len() - rows.len() % size } else { rows.len() };
                let batch = move |start: usize| {
                    let rows = &rows[start..visited.min(start + size)];
                    (gathered(&features, rows), gathered(&targets, rows))
                };
                Flow::Items(Box::new((0..visited).step_by(size).map(batch)))
            }
            (&Stage::Batch { size, drops_last }, flow) => {
                let mut items = flow.items();
                let least = if drops_last { size } else { 1 };
                let batches = std::iter::from_fn(move || {
                    let (x, y): (Vec<Tensor>, Vec<Tensor>) = items.by_ref().take(size).unzip();
                    (x.len() >= least).then(|| (stacked(&x), stacked(&y)))
                });
                Flow::Items(Box::new(batches.fuse()))
            }
            (Stage::Map(f), flow) => {
                let f = f.clone();
                Flow::Items(Box::new(flow.items().map(move |(x, y)| f(x, y))))
            }
            (&Stage::Prefetch { ahead }, flow) => {
                Flow::Items(Box::new(prefetched(Eagerly(flow.items()), ahead)))
            }
        }
    }

    /// One by one; rows become examples.
    fn items(self) -> Examples {
        match self {
            Flow::Items(items) => items,
            Flow::Rows { features, targets, order } => {
                let example = move |row: usize| {
                    let of = |tensor: &Tensor| tensor.origin().scope(|| tensor.index_axis(0, row as isize));
                    (of(&features), of(&targets))
                };
                match order {
                    Order::Range(rows) => Box::new(rows.map(example)),
                    Order::Listed(rows) => Box::new(rows.into_iter().map(example)),
                }
            }
        }
    }
}

/// Bytes up to which rows are copied here. More are worth an operation, which shares them among threads.
const FEW_BYTES: usize = 1 << 17;

/// Examples as a batch. What is wrong with them is said of where they were made, not of here.
fn stacked(examples: &[Tensor]) -> Tensor {
    examples[0].origin().scope(|| Tensor::stack(examples, 0))
}

/// Some rows of a tensor that has a value; made where that was.
fn gathered(tensor: &Tensor, rows: &[usize]) -> Tensor {
    let whole = tensor.try_array().expect("the rows of a dataset are there");
    let mut fact = whole.fact().clone();
    fact.shape = [rows.len()].iter().chain(&fact.shape[1..]).copied().collect();
    if fact.checked_num_bytes().is_none_or(|bytes| bytes > FEW_BYTES) {
        let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        return tensor.origin().scope(|| tensor.gather(0, &Tensor::from(rows)));
    }
    let mut batch = Array::zeros(fact);
    with_element!(whole.fact().dtype, T => copy_rows::<T>(&whole, rows, &mut batch));
    Tensor::from_array(batch).with_origin(tensor.origin())
}

fn copy_rows<T: Element>(whole: &Array, rows: &[usize], batch: &mut Array) {
    let mut batch = batch.view_mut();
    let (from, to) = (whole.view().as_slice::<T>(), batch.as_mut_slice::<T>());
    let len = to.len() / rows.len().max(1);
    for (i, row) in rows.iter().enumerate() {
        to[i * len..][..len].copy_from_slice(&from[row * len..][..len]);
    }
}

fn shuffled_indices(len: usize, seed: u64, epoch: u64) -> impl Iterator<Item = usize> + Send {
    let mut indices = vec![0; len];
    shuffle(&mut indices, seed, epoch);
    indices.into_iter()
}

/// Computes items in eager mode: each batch is another value, for which it is not worth to plan a graph.
struct Eagerly(Examples);

impl Iterator for Eagerly {
    type Item = Pair;

    fn next(&mut self) -> Option<Pair> {
        with_mode(Mode::Eager, || self.0.next())
    }
}
