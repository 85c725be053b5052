//! The words of SQL that start statements, name kinds of objects, or announce names.

use super::summary::Expect;

/// Words between a keyword and the name that it announces.
pub(super) const fn is_before_name(word: &[u8]) -> bool {
    matches!(
        word,
        b"INTO"
            | b"FROM"
            | b"ONLY"
            | b"IF"
            | b"NOT"
            | b"EXISTS"
            | b"TABLE"
            | b"TABLES"
            | b"IGNORE"
            | b"LOCAL"
            | b"LOW_PRIORITY"
            | b"HIGH_PRIORITY"
            | b"DELAYED"
            | b"QUICK"
            | b"CONCURRENTLY"
            | b"LATERAL"
            | b"VERBOSE"
            | b"FULL"
            | b"NO_WRITE_TO_BINLOG"
            | b"MATERIALIZED"
            | b"VIEW"
            | b"OVERWRITE"
    )
}

/// The verbs that start a statement, and what follows them.
pub(super) const VERBS: &[(&str, Expect)] = &[
    ("SELECT", Expect::Keyword),
    ("INSERT", Expect::Name),
    ("UPDATE", Expect::Name),
    ("DELETE", Expect::Name),
    ("SET", Expect::End),
    ("BEGIN", Expect::End),
    ("COMMIT", Expect::End),
    ("ROLLBACK", Expect::End),
    ("SHOW", Expect::End),
    ("REPLACE", Expect::Name),
    ("MERGE", Expect::Name),
    ("CALL", Expect::Name),
    ("USE", Expect::Name),
    ("START", Expect::End),
    ("SAVEPOINT", Expect::End),
    ("RELEASE", Expect::End),
    ("CREATE", Expect::Object),
    ("DROP", Expect::Object),
    ("ALTER", Expect::Object),
    ("RENAME", Expect::Object),
    ("REFRESH", Expect::Object),
    ("COMMENT", Expect::Object),
    ("TRUNCATE", Expect::Name),
    ("TABLE", Expect::Name),
    ("DESC", Expect::Name),
    ("DESCRIBE", Expect::Name),
    ("COPY", Expect::Name),
    ("LOCK", Expect::Name),
    ("UNLOCK", Expect::End),
    ("ANALYZE", Expect::Name),
    ("ANALYSE", Expect::Name),
    ("OPTIMIZE", Expect::Name),
    ("CHECK", Expect::Name),
    ("CHECKSUM", Expect::Name),
    ("REPAIR", Expect::Name),
    ("VACUUM", Expect::Name),
    ("EXEC", Expect::Name),
    ("HANDLER", Expect::Name),
    ("LOAD", Expect::Keyword),
    ("DECLARE", Expect::Keyword),
    ("PREPARE", Expect::Keyword),
    ("VALUES", Expect::Keyword),
    ("EXECUTE", Expect::End),
    ("DEALLOCATE", Expect::End),
    ("FETCH", Expect::End),
    ("MOVE", Expect::End),
    ("CLOSE", Expect::End),
    ("OPEN", Expect::End),
    ("GRANT", Expect::End),
    ("REVOKE", Expect::End),
    ("RESET", Expect::End),
    ("END", Expect::End),
    ("ABORT", Expect::End),
    ("DISCARD", Expect::End),
    ("LISTEN", Expect::End),
    ("UNLISTEN", Expect::End),
    ("NOTIFY", Expect::End),
    ("DO", Expect::End),
    ("KILL", Expect::End),
    ("FLUSH", Expect::End),
    ("PURGE", Expect::End),
    ("CHANGE", Expect::End),
    ("STOP", Expect::End),
    ("XA", Expect::End),
    ("SIGNAL", Expect::End),
    ("HELP", Expect::End),
    ("CACHE", Expect::End),
    ("INSTALL", Expect::End),
    ("UNINSTALL", Expect::End),
    ("CLUSTER", Expect::Name),
    ("REINDEX", Expect::Object),
    ("SECURITY", Expect::End),
    ("REASSIGN", Expect::End),
    ("IMPORT", Expect::End),
    ("CHECKPOINT", Expect::End),
    ("SHUTDOWN", Expect::End),
    ("RESTART", Expect::End),
];

/// The kinds of object that definitions name.
pub(super) const OBJECTS: &[&str] = &[
    "TABLE",
    "INDEX",
    "VIEW",
    "DATABASE",
    "SCHEMA",
    "PROCEDURE",
    "FUNCTION",
    "TRIGGER",
    "USER",
    "ROLE",
    "SEQUENCE",
    "TYPE",
    "EXTENSION",
    "EVENT",
    "DOMAIN",
    "SERVER",
    "TABLESPACE",
    "LANGUAGE",
    "PUBLICATION",
    "SUBSCRIPTION",
    "POLICY",
    "RULE",
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "OPERATOR",
    "COLUMN",
];
