//! The commands that clients send, and what answers them.

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) code: u8,
    pub(super) name: &'static str,
    pub(super) answer: Answer,
    /// The shortest and longest body, the command's own byte included.
    pub(super) min_bytes: usize,
    pub(super) max_bytes: usize,
}

/// What the server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing.
    None,
    /// An OK, EOF or error packet.
    Simple,
    /// The exchange of a login, then OK or an error.
    Login,
    /// One packet of text.
    Text,
    /// OK, an error, or result sets.
    Results,
    /// The statement's number, and its parameters and columns.
    Prepared,
    /// Column definitions.
    Fields,
    /// Rows without column definitions.
    Rows,
    /// Packets without end.
    Stream,
}

impl Command {
    pub(super) fn from_code(code: u8) -> Option<&'static Self> {
        COMMANDS.iter().find(|command| command.code == code)
    }

    pub(super) const fn accepts_len(&self, len: usize) -> bool {
        self.min_bytes <= len && len <= self.max_bytes
    }
}

/// The login as a command: it has no code of its own.
pub(super) static LOGIN: Command =
    Command { name: "LOGIN", ..command(0xff, "", Answer::Login, 1, usize::MAX) };

pub(super) const QUIT: u8 = 0x01;
pub(super) const INIT_DATABASE: u8 = 0x02;
pub(super) const QUERY: u8 = 0x03;
pub(super) const FIELD_LIST: u8 = 0x04;
pub(super) const CHANGE_USER: u8 = 0x11;
pub(super) const PREPARE: u8 = 0x16;
pub(super) const EXECUTE: u8 = 0x17;
pub(super) const SEND_LONG_DATA: u8 = 0x18;
pub(super) const CLOSE: u8 = 0x19;
pub(super) const RESET_STATEMENT: u8 = 0x1a;
pub(super) const FETCH: u8 = 0x1c;
pub(super) const BULK_EXECUTE: u8 = 0xfa;

const ANY: usize = usize::MAX;

/// Those that servers use among themselves or never see (`COM_SLEEP`, `COM_TIME`, ...) are left out.
static COMMANDS: [Command; 29] = [
    command(QUERY, "COM_QUERY", Answer::Results, 2, ANY),
    command(EXECUTE, "COM_STMT_EXECUTE", Answer::Results, 10, ANY),
    command(PREPARE, "COM_STMT_PREPARE", Answer::Prepared, 2, ANY),
    command(CLOSE, "COM_STMT_CLOSE", Answer::None, 5, 5),
    command(QUIT, "COM_QUIT", Answer::None, 1, 1),
    command(INIT_DATABASE, "COM_INIT_DB", Answer::Simple, 1, 1024),
    command(FIELD_LIST, "COM_FIELD_LIST", Answer::Fields, 2, 2048),
    command(0x05, "COM_CREATE_DB", Answer::Simple, 2, 1024),
    command(0x06, "COM_DROP_DB", Answer::Simple, 2, 1024),
    command(0x07, "COM_REFRESH", Answer::Simple, 2, 2),
    command(0x08, "COM_SHUTDOWN", Answer::Simple, 1, 2),
    command(0x09, "COM_STATISTICS", Answer::Text, 1, 1),
    command(0x0a, "COM_PROCESS_INFO", Answer::Results, 1, 1),
    command(0x0c, "COM_PROCESS_KILL", Answer::Simple, 5, 5),
    command(0x0d, "COM_DEBUG", Answer::Simple, 1, 1),
    command(0x0e, "COM_PING", Answer::Simple, 1, 1),
    command(CHANGE_USER, "COM_CHANGE_USER", Answer::Login, 3, ANY),
    command(0x12, "COM_BINLOG_DUMP", Answer::Stream, 11, 1024),
    command(0x13, "COM_TABLE_DUMP", Answer::Stream, 3, 1024),
    command(0x15, "COM_REGISTER_SLAVE", Answer::Simple, 18, 1024),
    command(SEND_LONG_DATA, "COM_STMT_SEND_LONG_DATA", Answer::None, 7, ANY),
    command(RESET_STATEMENT, "COM_STMT_RESET", Answer::Simple, 5, 5),
    command(0x1b, "COM_SET_OPTION", Answer::Simple, 3, 3),
    command(FETCH, "COM_STMT_FETCH", Answer::Rows, 9, 9),
    command(0x1e, "COM_BINLOG_DUMP_GTID", Answer::Stream, 23, ANY),
    command(0x1f, "COM_RESET_CONNECTION", Answer::Simple, 1, 1),
    command(0x20, "COM_CLONE", Answer::Stream, 1, ANY),
    command(0x21, "COM_SUBSCRIBE_GROUP_REPLICATION_STREAM", Answer::Stream, 1, ANY),
    command(BULK_EXECUTE, "COM_STMT_BULK_EXECUTE", Answer::Results, 7, ANY),
];

const fn command(
    code: u8,
    name: &'static str,
    answer: Answer,
    min_bytes: usize,
    max_bytes: usize,
) -> Command {
    Command { code, name, answer, min_bytes, max_bytes }
}
