//! The writer: what a training loop calls.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fmt, thread};

use graph_core::{Array, DType, Error, Graph, Profile};
use graph_ops::{Tensor, or_raise, raise};
use prost::Message;

use super::graph::Drawn;
use super::messages::{
    Content, DataClass, DataType, Dim, Event, FunctionGraphs, GraphDef, Histogram, HparamsData, Image,
    Metadata, Plugin, RunMetadata, Session, SessionEnd, SessionStart, ShapeProto, Status, StepStats, Summary,
    TensorProto, Value, What,
};
use super::outbox::Outbox;
use super::{Hyperparameter, TensorBoardError, file, record};

/// Records of so many bytes are written at once.
const ENOUGH_BYTES: usize = 64 << 10;
/// What was logged so long ago is written with the next event.
const LONG_ENOUGH: Duration = Duration::from_secs(5);

/// Logs one run for TensorBoard to show.
///
/// Events are collected and written when they are many, when some are five seconds old as the next one comes, by
/// [`flush`](Writer::flush), and when the writer is dropped. A program that is killed leaves a log that TensorBoard
/// reads up to what was written last.
///
/// Logging never ends a training: where the log cannot be written (the disk is full, say), a line on standard error says
/// so once, what waits is kept (up to 16 MiB) and tried again, and [`flush`](Writer::flush) returns the error.
///
/// A writer may be shared between threads. Each has a file of its own, so several may log into one folder; yet
/// TensorBoard takes a folder for one run, and reads its files one after the other.
///
/// ```
/// use grafito::prelude::*;
/// use grafito::tensorboard::Writer;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let log = Writer::create(folder.join("logs/first-run"))?;
/// log.hyperparameters([("rate", 0.1.into()), ("optimizer", "sgd".into())]);
/// let mut w = Tensor::from([3.0f32, -2.0]);
/// for step in 0..10 {
///     let (loss, gradient) = value_and_grad(&w, |w| (w * w).sum(..));
///     w -= gradient * 0.1;
///     log.scalar("loss", step, loss.item::<f32>());
///     log.histogram("w", step, &w);
/// }
/// log.flush()?;
/// # Ok(())
/// # }
/// ```
pub struct Writer {
    target: Target,
    state: Mutex<State>,
}

/// Where the events go; for people.
#[derive(Debug)]
enum Target {
    File(PathBuf),
    Sink,
}

struct State {
    outbox: Outbox,
    /// When an event that waits was first due to be written, or when writing was tried last.
    since: Instant,
    /// Whether the last attempt failed; then the next one waits for its time.
    is_failing: bool,
    has_warned: bool,
    has_graph: bool,
    has_session: bool,
}

impl Writer {
    /// Begins a log in a folder, which is made where it is missing: `logs/name-of-the-run`, for
    /// `tensorboard --logdir logs` to show beside the other runs there.
    ///
    /// ```
    /// use grafito::tensorboard::Writer;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let logs = tempfile::tempdir()?;
    /// # let logs = logs.path();
    /// let log = Writer::create(logs.join("mlp"))?;
    /// let file = log.path().expect("a file").file_name().expect("a name");
    /// assert!(file.to_string_lossy().starts_with("events.out.tfevents."));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the folder or the file cannot be made.
    pub fn create(folder: impl AsRef<Path>) -> Result<Writer, TensorBoardError> {
        let (path, file) = file::create(folder.as_ref(), now())?;
        Ok(Writer::new(Box::new(file), Target::File(path)))
    }

    /// Begins a log that goes wherever `sink` takes it.
    ///
    /// ```
    /// use grafito::tensorboard::Writer;
    ///
    /// let log = Writer::into_sink(std::io::sink());
    /// log.scalar("loss", 0, 1.0);
    /// assert!(log.flush().is_ok());
    /// ```
    pub fn into_sink(sink: impl Write + Send + 'static) -> Writer {
        Writer::new(Box::new(sink), Target::Sink)
    }

    fn new(sink: Box<dyn Write + Send>, target: Target) -> Writer {
        let state = State {
            outbox: Outbox::new(sink),
            since: Instant::now(),
            is_failing: false,
            has_warned: false,
            has_graph: false,
            has_session: false,
        };
        let writer = Writer { target, state: Mutex::new(state) };
        writer.log(0, What::FileVersion("brain.Event:2".to_owned()));
        writer
    }

    /// The file that is written; `None` where the log goes into a sink.
    ///
    /// ```
    /// # use grafito::tensorboard::Writer;
    /// assert_eq!(Writer::into_sink(std::io::sink()).path(), None);
    /// ```
    pub fn path(&self) -> Option<&Path> {
        match &self.target {
            Target::File(path) => Some(path),
            Target::Sink => None,
        }
    }

    /// Logs a number, as f32. TensorBoard draws those of a tag as a curve over the steps; tags with the same words before
    /// a `/` stand together.
    ///
    /// ```
    /// # use grafito::tensorboard::Writer;
    /// # let log = Writer::into_sink(std::io::sink());
    /// log.scalar("loss/train", 7, 0.25);
    /// log.scalar("loss/validation", 7, 0.5f32);
    /// ```
    ///
    /// # Source
    /// `tf.summary.scalar`.
    pub fn scalar(&self, tag: &str, step: usize, value: impl Into<f64>) {
        self.log_value(step, Value::new(tag, Content::Scalar(value.into() as f32)));
    }

    /// Logs how the elements of a tensor are spread: 30 buckets of equal width between the least and the greatest.
    /// Elements that are infinite or no number are left out.
    ///
    /// ```
    /// # use grafito::{prelude::*, tensorboard::Writer};
    /// # let log = Writer::into_sink(std::io::sink());
    /// log.histogram("hidden/weights", 7, &Tensor::from([0.5f32, -0.5, 0.25]));
    /// ```
    ///
    /// # Panics
    /// When the tensor has no value: in a function that is traced, or where computing it fails.
    ///
    /// # Source
    /// `tf.summary.histogram`.
    #[track_caller]
    pub fn histogram(&self, tag: &str, step: usize, tensor: &Tensor) {
        let histogram = Histogram::of(numbers(&or_raise(tensor.try_array())).into_iter());
        self.log_value(step, Value::new(tag, Content::Histogram(histogram)));
    }

    /// Logs an image.
    ///
    /// ```
    /// # use grafito::{prelude::*, tensorboard::Writer};
    /// # let log = Writer::into_sink(std::io::sink());
    /// let checkers = Tensor::from([[0.0f32, 1.0], [1.0, 0.0]]);
    /// log.image("checkers", 7, &checkers);
    /// ```
    ///
    /// # Shape
    /// `[height, width]`, or `[height, width, channels]` with 1 channel (gray), 3 (red, green, blue) or 4 (and opacity);
    /// u8, or floats, where 0 is dark and 1 is bright.
    ///
    /// # Panics
    /// When the tensor has another shape or dtype, or no value.
    ///
    /// # Source
    /// `tf.summary.image`.
    #[track_caller]
    pub fn image(&self, tag: &str, step: usize, tensor: &Tensor) {
        match Image::of(&or_raise(tensor.try_array())) {
            Ok(image) => self.log_value(step, Value::new(tag, Content::Image(image))),
            Err(reason) => raise(Error::usage(format!("image `{tag}`: {reason}"))),
        }
    }

    /// Logs a text, which TensorBoard shows as Markdown.
    ///
    /// ```
    /// # use grafito::tensorboard::Writer;
    /// # let log = Writer::into_sink(std::io::sink());
    /// log.text("notes", 0, "Two layers, **no** dropout.");
    /// ```
    ///
    /// # Source
    /// `tf.summary.text`.
    pub fn text(&self, tag: &str, step: usize, text: &str) {
        let tensor = TensorProto::bytes(text.as_bytes().to_vec());
        let value = Value::new(tag, Content::Tensor(tensor));
        self.log_value(step, value.of_plugin("text", DataClass::Tensor, Vec::new()));
    }

    /// Logs what the run was started with; once. TensorBoard compares the runs of a folder by these and by their scalars,
    /// and tells from the end of the writer whether a run ended well.
    ///
    /// ```
    /// # use grafito::tensorboard::Writer;
    /// # let log = Writer::into_sink(std::io::sink());
    /// log.hyperparameters([("rate", 0.01.into()), ("batch", 32.into()), ("optimizer", "sgd".into())]);
    /// ```
    ///
    /// # Source
    /// `tensorboard.plugins.hparams.api.hparams`.
    pub fn hyperparameters<N: Into<String>>(&self, values: impl IntoIterator<Item = (N, Hyperparameter)>) {
        let hparams = values.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let start = SessionStart { hparams, start_time: now().as_secs_f64() };
        self.lock().has_session = true;
        self.log_session("_hparams_/session_start_info", Session::Start(start));
    }

    /// Logs a graph: what a function was traced to, or what the passes made of it. Layers and other
    /// [name scopes](grafito::name_scope), functions that it calls, branches and loops are boxes that open. Of several graphs of a run, TensorBoard shows the first before another tag is chosen.
    ///
    /// ```
    /// # use grafito::{prelude::*, tensorboard::Writer};
    /// # let log = Writer::into_sink(std::io::sink());
    /// #[graph_fn]
    /// fn square(x: &Tensor) -> Tensor {
    ///     x * x
    /// }
    /// let x = Tensor::scalar(3.0f32);
    /// log.graph("square/traced", &square::graph(&x));
    /// log.graph("square/optimized", &square::optimized(&x));
    /// ```
    ///
    /// # Source
    /// `tf.summary.graph`, `tf.summary.trace_export`.
    pub fn graph(&self, tag: &str, graph: &Graph) {
        self.log_graph(tag, "graph_run_metadata_graph", Drawn::new(graph).graph, None);
    }

    /// Logs where the time of a function goes, with its optimized graph, whose nodes tell how long they took; TensorBoard
    /// colors them by it. The figures are averages of the profile's runs, in whole microseconds, rounded up. Nodes that are
    /// computed together share the time equally.
    ///
    /// In the Graphs tab, choose the tag, then "Profile", then "Compute time". The tag must not be that of a
    /// [`graph`](Writer::graph).
    ///
    /// ```
    /// # use grafito::{prelude::*, tensorboard::Writer};
    /// # let log = Writer::into_sink(std::io::sink());
    /// #[graph_fn]
    /// fn square(x: &Tensor) -> Tensor {
    ///     x.matmul(x).exp()
    /// }
    /// let x = Tensor::ones([64, 64], DType::F32);
    /// log.profile("square/profile", &square::profile(&x));
    /// ```
    ///
    /// # Source
    /// `RunMetadata` with `step_stats`, as `tf.compat.v1.summary.FileWriter.add_run_metadata` takes it; it is logged in the
    /// newer form, which has a graph for each tag.
    pub fn profile(&self, tag: &str, profile: &Profile) {
        let drawn = Drawn::new(&profile.graph);
        let times = StepStats::of(profile, &drawn, now());
        self.log_graph(tag, "graph_run_metadata", drawn.graph, Some(times));
    }

    /// Writes what was logged. What a program logs that ends well is written without it.
    ///
    /// ```
    /// use grafito::tensorboard::{TensorBoardError, Writer};
    ///
    /// // A sink that is full from the start.
    /// let log = Writer::into_sink(std::io::Cursor::new([0u8; 0]));
    /// log.scalar("loss", 0, 1.0);
    /// let error = log.flush().unwrap_err();
    /// assert!(matches!(error, TensorBoardError::Write { waiting: 1.., lost: 0, .. }), "{error}");
    /// ```
    ///
    /// # Errors
    /// When it cannot be written. What was not is kept, up to a bound, and tried again.
    pub fn flush(&self) -> Result<(), TensorBoardError> {
        self.try_flush(&mut self.lock())
    }

    fn log_session(&self, tag: &str, session: Session) {
        let plugin = HparamsData { session: Some(session) }.encode_to_vec();
        // The message is the plugin's data; the value is there as every event has one.
        let nothing = TensorProto {
            dtype: DataType::Float.into(),
            shape: Some(ShapeProto { dim: vec![Dim { size: 0 }] }),
            ..TensorProto::default()
        };
        let value = Value::new(tag, Content::Tensor(nothing));
        self.log_value(0, value.of_plugin("hparams", DataClass::Tensor, plugin));
    }

    fn log_graph(&self, tag: &str, plugin: &str, graph: GraphDef, step_stats: Option<StepStats>) {
        if !std::mem::replace(&mut self.lock().has_graph, true) {
            // The one graph that a run has for readers that know no tags of graphs.
            self.log(0, What::GraphDef(graph.encode_to_vec()));
        }
        let graphs = FunctionGraphs { pre_optimization_graph: Some(graph) };
        let metadata = RunMetadata { step_stats, function_graphs: vec![graphs] };
        let tensor = TensorProto::bytes(metadata.encode_to_vec());
        let value = Value::new(tag, Content::Tensor(tensor));
        // The plugin's data is the version of its form.
        self.log_value(0, value.of_plugin(plugin, DataClass::BlobSequence, b"1".to_vec()));
    }

    fn log_value(&self, step: usize, value: Value) {
        self.log(step, What::Summary(Summary { value: vec![value] }));
    }

    fn log(&self, step: usize, what: What) {
        let event = Event { wall_time: now().as_secs_f64(), step: step as i64, what: Some(what) };
        let mut record = Vec::new();
        record::frame(&mut record, &event.encode_to_vec());
        let mut state = self.lock();
        state.outbox.push(&record);
        let is_enough = state.outbox.waiting() >= ENOUGH_BYTES && !state.is_failing;
        if is_enough || state.since.elapsed() >= LONG_ENOUGH {
            // Said on standard error, and again by the next flush that is asked for.
            let _ = self.try_flush(&mut state);
        }
    }

    fn try_flush(&self, state: &mut State) -> Result<(), TensorBoardError> {
        state.since = Instant::now();
        let result = state.outbox.flush();
        state.is_failing = result.is_err();
        let Err(reason) = result else { return Ok(()) };
        let (waiting, lost) = (state.outbox.waiting(), state.outbox.lost());
        let error = TensorBoardError::Write { target: self.target.to_string(), reason, waiting, lost };
        if !std::mem::replace(&mut state.has_warned, true) {
            eprintln!("warning: {error}; the run goes on");
        }
        Err(error)
    }

    /// A thread that panicked has left the state as it was between two events.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Writer {
    /// Logs how the run ended, if there are hyperparameters, and writes what was logged.
    fn drop(&mut self) {
        if self.lock().has_session {
            let status = if thread::panicking() { Status::Failure } else { Status::Success };
            let end = SessionEnd { status: status.into(), end_time: now().as_secs_f64() };
            self.log_session("_hparams_/session_end_info", Session::End(end));
        }
        let _ = self.flush();
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("target", &self.target).finish_non_exhaustive()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::File(path) => write!(f, "{}", path.display()),
            Target::Sink => f.write_str("the log"),
        }
    }
}

impl Value {
    fn new(tag: &str, content: Content) -> Value {
        Value { tag: tag.to_owned(), metadata: None, content: Some(content) }
    }

    fn of_plugin(self, name: &str, data_class: DataClass, content: Vec<u8>) -> Value {
        let plugin = Plugin { name: name.to_owned(), content };
        let metadata = Metadata { plugin: Some(plugin), data_class: data_class.into() };
        Value { metadata: Some(metadata), ..self }
    }
}

impl TensorProto {
    /// A scalar that is a string of bytes.
    fn bytes(bytes: Vec<u8>) -> TensorProto {
        TensorProto { dtype: DataType::String.into(), strings: vec![bytes], ..TensorProto::default() }
    }
}

/// Since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The elements as numbers; `true` is 1.
fn numbers(array: &Array) -> Vec<f64> {
    fn all<T: Copy>(elements: Option<&[T]>, number: impl Fn(T) -> f64) -> Vec<f64> {
        elements.expect("of this dtype").iter().map(|&element| number(element)).collect()
    }
    match array.fact().dtype {
        DType::F32 => all::<f32>(array.as_slice(), f64::from),
        DType::F64 => all::<f64>(array.as_slice(), |x| x),
        DType::I32 => all::<i32>(array.as_slice(), f64::from),
        DType::I64 => all::<i64>(array.as_slice(), |x| x as f64),
        DType::U8 => all::<u8>(array.as_slice(), f64::from),
        DType::Bool => all::<bool>(array.as_slice(), |x| f64::from(u8::from(x))),
    }
}
