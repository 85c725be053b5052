//! Reads the arguments of a method that tell something.

use crate::Cursor;

use super::methods::{Field, Method};
use super::wire::{short_text, table, u64_be};

/// The arguments of a method; none where it has no such argument or the frame was cut before it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Arguments<'a> {
    pub(super) exchange: Option<&'a [u8]>,
    pub(super) routing_key: Option<&'a [u8]>,
    pub(super) queue: Option<&'a [u8]>,
    pub(super) consumer_tag: Option<&'a [u8]>,
    pub(super) delivery_tag: Option<u64>,
    pub(super) vhost: Option<&'a [u8]>,
    pub(super) reply_code: Option<u16>,
    pub(super) reply_text: Option<&'a [u8]>,
    pub(super) culprit: Option<(u16, u16)>,
    pub(super) count: Option<u32>,
    pub(super) mechanism: Option<&'a [u8]>,
    pub(super) peer: Option<&'a [u8]>,
    pub(super) flags: Option<u8>,
}

impl<'a> Arguments<'a> {
    /// Reads them as far as they are there.
    pub(super) fn read(method: &Method, bytes: &'a [u8]) -> Self {
        let mut arguments = Self::default();
        let mut cursor = Cursor::new(bytes);
        for field in method.fields {
            if arguments.read_field(*field, &mut cursor).is_none() {
                break;
            }
        }
        arguments
    }

    /// Whether a flag of this mask is set.
    pub(super) fn has_flag(&self, mask: u8) -> bool {
        self.flags.is_some_and(|flags| flags & mask != 0)
    }

    fn read_field(&mut self, field: Field, cursor: &mut Cursor<'a>) -> Option<()> {
        match field {
            Field::Skip(len) => {
                cursor.take(usize::from(len))?;
            }
            Field::Flags => self.flags = Some(cursor.u8()?),
            Field::Exchange => self.exchange = Some(short_text(cursor)?),
            Field::RoutingKey => self.routing_key = Some(short_text(cursor)?),
            Field::Queue => self.queue = Some(short_text(cursor)?),
            Field::ConsumerTag => self.consumer_tag = Some(short_text(cursor)?),
            Field::DeliveryTag => self.delivery_tag = Some(u64_be(cursor)?),
            Field::Vhost => self.vhost = Some(short_text(cursor)?),
            Field::ReplyCode => self.reply_code = Some(cursor.u16_be()?),
            Field::ReplyText => self.reply_text = Some(short_text(cursor)?),
            Field::Culprit => self.culprit = Some((cursor.u16_be()?, cursor.u16_be()?)),
            Field::Count => self.count = Some(cursor.u32_be()?),
            Field::Mechanism => self.mechanism = Some(short_text(cursor)?),
            Field::PeerTable => self.peer = Some(table(cursor)?),
            Field::Hidden => {
                short_text(cursor)?;
            }
        }
        Some(())
    }
}
