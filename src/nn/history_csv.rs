//! Histories as CSV, and back.

use std::fs;
use std::io;
use std::path::Path;

use super::checkpoint::replace_file;
use super::history::{Epoch, History, Logs};

/// The columns before those of the figures.
const FIRST: [&str; 2] = ["epoch", "seconds"];

/// Histories in CSV files.
impl History {
    /// A line for each epoch: `epoch`, `seconds`, and the figures; empty where an epoch lacks one. All digits are there, so
    /// that reading gives the same numbers.
    ///
    /// ```
    /// use grafito::nn::History;
    ///
    /// let text = "epoch,seconds,loss\n1,0.5,0.25\n";
    /// assert_eq!(History::from_csv(text)?.to_csv(), text);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn to_csv(&self) -> String {
        let names = self.names();
        let mut writer = csv::Writer::from_writer(Vec::new());
        let head = FIRST.iter().copied().chain(names.iter().copied());
        writer.write_record(head).expect("memory takes everything");
        for Epoch { number, seconds, logs } in self.epochs() {
            let figures =
                names.iter().map(|name| logs.get(name).map_or(String::new(), |figure| figure.to_string()));
            let row = [number.to_string(), seconds.to_string()].into_iter().chain(figures);
            writer.write_record(row).expect("memory takes everything");
        }
        let bytes = writer.into_inner().expect("memory takes everything");
        String::from_utf8(bytes).expect("it was made of strings")
    }

    /// A history from what [`History::to_csv`] gave.
    ///
    /// # Errors
    /// When it is no such text.
    pub fn from_csv(text: &str) -> io::Result<History> {
        let wrong = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let head = reader.headers()?.clone();
        if head.iter().take(FIRST.len()).ne(FIRST) {
            return Err(wrong(format!("a history starts with the columns {}", FIRST.join(", "))));
        }
        let mut history = History::default();
        for (row, record) in reader.records().enumerate() {
            let record = record?;
            let number = |column: usize| {
                let text = record.get(column).unwrap_or_default();
                let parsed: Result<f64, _> = text.parse();
                parsed.map_err(|_| wrong(format!("row {}: {text:?} is no number", row + 1)))
            };
            let mut logs = Logs::default();
            for (column, name) in head.iter().enumerate().skip(FIRST.len()) {
                if record.get(column).is_some_and(|text| !text.is_empty()) {
                    logs.insert(name, number(column)?);
                }
            }
            history.push(Epoch { number: number(0)? as usize, seconds: number(1)?, logs });
        }
        Ok(history)
    }

    /// Writes it to a CSV file, which is replaced as a whole.
    ///
    /// ```
    /// use grafito::nn::History;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let history = History::from_csv("epoch,seconds,loss\n1,0.5,0.25\n")?;
    /// history.write_csv(folder.path().join("history.csv"))?;
    /// assert_eq!(History::read_csv(folder.path().join("history.csv"))?, history);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> io::Result<()> {
        replace_file(path.as_ref(), |file| file.write_all(self.to_csv().as_bytes()))
    }

    /// Reads it from a CSV file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub fn read_csv(path: impl AsRef<Path>) -> io::Result<History> {
        History::from_csv(&fs::read_to_string(path)?)
    }
}
