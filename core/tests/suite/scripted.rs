//! A desk that says what a script says: for answers a real server gives only in bad luck.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use pocketdesk_core::env::{Body, NetError, Remote};
use pocketdesk_protocol::version::PROTOCOL_HEADER;
use tokio::sync::oneshot;

/// What comes back to one request.
pub enum Answer {
    /// The request never gets an answer: the connection is cut.
    Cut,
    /// A whole answer of the desk's.
    Ours(u16, Vec<u8>),
    /// The same with headers besides.
    With(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Of a desk's download: these bytes, then the connection is cut.
    Partly(Vec<(&'static str, String)>, Vec<u8>),
    /// A whole answer of the desk's, not before it is told to come.
    Late(oneshot::Receiver<()>, u16, Vec<u8>),
    /// Something in between answers.
    Portal(u16),
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

/// See the module. Answers in the order of the script; after it every connection is refused.
#[derive(Default)]
pub struct Scripted {
    script: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

impl Scripted {
    pub fn new(script: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(script.into_iter().collect()), asked: Mutex::default() })
    }

    pub fn then(&self, answer: Answer) {
        self.script.lock().unwrap().push_back(answer);
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Remote for Scripted {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Body>, NetError>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        self.asked.lock().unwrap().push(Asked { path, headers: head.headers, body });
        let next = self.script.lock().unwrap().pop_front();
        let answer = |status: u16,
                      headers: Vec<(&'static str, String)>,
                      chunks: Vec<Result<Bytes, NetError>>,
                      ours| {
            let mut answer = http::Response::builder().status(status);
            if ours {
                answer = answer.header(PROTOCOL_HEADER, "1-1");
            }
            for (name, value) in headers {
                answer = answer.header(name, value);
            }
            Ok(answer.body(stream::iter(chunks).boxed()).unwrap())
        };
        let mut told = None;
        let answer = match next {
            None => Err(NetError::Unreachable),
            Some(Answer::Cut) => Err(NetError::Cut),
            Some(Answer::Late(when, status, body)) => {
                told = Some(when);
                answer(status, Vec::new(), vec![Ok(body.into())], true)
            }
            Some(Answer::Ours(status, body)) => answer(status, Vec::new(), vec![Ok(body.into())], true),
            Some(Answer::With(status, headers, body)) => answer(status, headers, vec![Ok(body.into())], true),
            Some(Answer::Partly(headers, body)) => {
                answer(200, headers, vec![Ok(body.into()), Err(NetError::Cut)], true)
            }
            Some(Answer::Portal(status)) => answer(status, Vec::new(), vec![Ok("<html>".into())], false),
        };
        async move {
            if let Some(told) = told {
                told.await.expect("the test says when");
            }
            answer
        }
        .boxed()
    }
}
