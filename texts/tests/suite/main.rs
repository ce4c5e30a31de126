//! What every sentence has to keep: that it is there, complete, in all three languages and in our own words.

mod parity;
mod vocabulary;
mod words;
