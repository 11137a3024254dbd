//! The parts of a detector of a fleet, put together.

use std::sync::Arc;

use async_nats::Client;

use super::connection::connect;
use super::publisher::Publisher;
use super::reader::Reader;
use super::relay::Stream;
use super::status::Status;
use crate::plugin::Plugin;
use crate::serve::Error;
use crate::serve::metrics::Metrics;
use crate::serve::options::{Deliver, Options};
use crate::serve::progress::Progress;
use crate::serve::routes::App;
use crate::serve::stream_options::FromStream;

/// A connection, and what goes over it.
pub(in crate::serve) struct Fleet {
    client: Client,
    from: FromStream,
    stream: Stream,
    publisher: Option<Publisher>,
}

impl Fleet {
    /// Sets up the connection; none, if no stream is to be read. The servers need not be there yet.
    pub(in crate::serve) async fn connect(
        options: &Options,
        plugin: &Plugin,
        settings: &str,
        metrics: &mut Metrics,
    ) -> Result<Option<Self>, Error> {
        let Some(from) = options.from.clone() else { return Ok(None) };
        let status = Arc::new(Status::new(metrics.registry()));
        if let Some(screens) = &from.screens {
            status.set_screens(screens.clone());
        }
        let client = connect(&from, &status).await?;
        let publisher = match &options.deliver {
            Deliver::Stream(prefix) => {
                Some(Publisher::new(client.clone(), prefix.clone(), Arc::clone(&status)))
            }
            _ => None,
        };
        let stream = Stream::new(status, plugin, settings, publisher.clone())?;
        Ok(Some(Fleet { client, from, stream, publisher }))
    }

    pub(in crate::serve) fn stream(&self) -> Stream {
        self.stream.clone()
    }

    pub(in crate::serve) fn publisher(&self) -> Option<Publisher> {
        self.publisher.clone()
    }

    /// The reader of the stream.
    pub(in crate::serve) fn reader(self, app: &Arc<App>, progress: Arc<Progress>) -> Reader {
        let Fleet { client, from, stream, .. } = self;
        Reader { client, from, app: Arc::clone(app), progress, status: stream.status }
    }
}
