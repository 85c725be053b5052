//! What is shown, named and found of SQL text.

use proptest::prelude::*;

use super::{Dialect, Statement, cut_text};
use crate::{ConnectionConfig, Obfuscation};

fn shown(sql: &str, dialect: Dialect) -> String {
    Statement::read(sql.as_bytes(), dialect, &ConnectionConfig::default()).resource
}

#[test]
fn literals_are_hidden_in_mysql() {
    let rows = [
        ("select 1", "select ?"),
        (
            "SELECT  *\n FROM t WHERE a='x''y' AND b=\"q\\\"z\" AND c = -1.5e-3",
            "SELECT * FROM t WHERE a=? AND b=? AND c = -?",
        ),
        ("SELECT 0xFF, x'ab', b'01', N'n', _utf8mb4'u', .5, 1.", "SELECT ?, ?, ?, ?, _utf8mb4?, ?, ?"),
        (
            "SELECT `a'b`, t1.c2, @v, @@x, ? FROM `d`.`t``q`",
            "SELECT `a'b`, t1.c2, @v, @@x, ? FROM `d`.`t``q`",
        ),
        ("SELECT 1 -- secret 'x\n, 2 # more 's\n/* 'c */ + 5--1", "SELECT ? , ? + ?--?"),
        ("/* a */ SELECT/**/1 /* b */", "SELECT ?"),
        ("SELECT a --\u{7f} secret", "SELECT a"),
        ("/*!40101 SET NAMES 'utf8' */;", "/*!40101 SET NAMES ? */;"),
        ("SELECT /*!50001 1 */ + /*+ HINT(5) */ 2", "SELECT /*!50001 ? */ + ?"),
        ("INSERT INTO t VALUES ('\\'', 'sec", "INSERT INTO t VALUES (?, ?"),
        ("SELECT 'a\\", "SELECT ?"),
        ("SELECT $$body 'x'$$, 1abc", "SELECT ?, ?"),
        ("SELECT \"cut", "SELECT ?"),
        ("SELECT `cut", "SELECT ?"),
        ("SELECT 1 /* cut 'x", "SELECT ?"),
        ("SELECT 'größe', größe", "SELECT ?, größe"),
    ];
    for (sql, expected) in rows {
        assert_eq!(shown(sql, Dialect::Mysql), expected, "{sql}");
    }
    assert_eq!(shown("SELECT 'a\\', b, 'c'", Dialect::MysqlPlainBackslash), "SELECT ?, b, ?");
}

#[test]
fn literals_are_hidden_in_postgresql() {
    let rows = [
        ("SELECT \"Na'me\", 'a\\', 'b' FROM t", "SELECT \"Na'me\", ?, ? FROM t"),
        ("SELECT E'a\\'b', U&'d', $1, $2::int, 5::text", "SELECT ?, ?, $1, $2::int, ?::text"),
        ("SELECT $$x'y$$, $t$ $$ $t$, a$b$c", "SELECT ?, ?, a$b$c"),
        ("SELECT 1 /* a /* 'b */ c */ , 2 --x", "SELECT ? , ?"),
        ("SELECT a #> '{b}', c ->> 'd', 5--1", "SELECT a #> ?, c ->> ?, ?"),
        ("DO $body$ secret", "DO ?"),
        ("SELECT 1$$a b$$, 2$t$c d$t$, 3$4", "SELECT ??, ??, ?"),
        ("SELECT 1 /* /* 'x */ y", "SELECT ?"),
    ];
    for (sql, expected) in rows {
        assert_eq!(shown(sql, Dialect::Postgresql), expected, "{sql}");
    }
    assert_eq!(shown("SELECT 'a\\'b', 'c'", Dialect::PostgresqlBackslash), "SELECT ?, ?");
}

#[test]
fn raw_text_is_cut_between_characters() {
    let mut config = ConnectionConfig { obfuscation: Obfuscation::NONE, ..ConnectionConfig::default() };
    let raw = "SELECT  'é' /* c */";
    assert_eq!(Statement::read(raw.as_bytes(), Dialect::Mysql, &config).resource, raw);
    config.max_resource_bytes = 10;
    assert_eq!(Statement::read(raw.as_bytes(), Dialect::Mysql, &config).resource, "SELECT  '");
    assert_eq!(cut_text(b"\xff\xff\xff", 4), "\u{fffd}");
}

#[test]
fn operations_and_targets() {
    let rows = [
        ("select * from users where id = 1", "SELECT users", "SELECT users"),
        ("INSERT INTO orders (a, b) VALUES (1, 2)", "INSERT orders", "INSERT orders"),
        ("INSERT IGNORE INTO `d`.`o` SELECT a FROM b", "INSERT d.o", "INSERT d.o SELECT b"),
        ("SELECT * FROM songs s, artists AS a WHERE x=y", "SELECT songs", "SELECT songs artists"),
        ("SELECT * FROM a LEFT JOIN b ON a.x=b.x, c", "SELECT a", "SELECT a b"),
        ("SELECT d FROM (SELECT * FROM o JOIN c USING (id)) z", "SELECT o", "SELECT SELECT o c"),
        ("UPDATE t SET a=1, b=(SELECT c FROM d)", "UPDATE t", "UPDATE t SELECT d"),
        ("DELETE FROM s.t WHERE EXTRACT(YEAR FROM x) = 1", "DELETE s.t", "DELETE s.t"),
        ("SELECT TRIM(a FROM b), x IS DISTINCT FROM y FROM t FOR UPDATE", "SELECT t", "SELECT t"),
        ("WITH x AS (SELECT * FROM y) SELECT * FROM x", "SELECT y", "SELECT y SELECT"),
        (
            "WITH x(a) AS (SELECT 1 FROM y), z AS (SELECT 2) INSERT INTO t SELECT * FROM x, w",
            "INSERT t",
            "SELECT y SELECT INSERT t SELECT w",
        ),
        ("(SELECT 1 FROM a) UNION ALL (SELECT 2 FROM b)", "SELECT a", "SELECT a SELECT b"),
        ("CREATE TEMPORARY TABLE IF NOT EXISTS `t x` (a int)", "CREATE TABLE `t x`", "CREATE TABLE `t x`"),
        (
            "CREATE DEFINER=`root`@`%` PROCEDURE p() SELECT 1",
            "CREATE PROCEDURE p",
            "CREATE PROCEDURE p SELECT",
        ),
        ("DROP TABLE a, b", "DROP TABLE a", "DROP TABLE a b"),
        ("TRUNCATE TABLE \"Big\"", "TRUNCATE Big", "TRUNCATE Big"),
        ("CALL proc('x')", "CALL proc", "CALL proc"),
        ("begin", "BEGIN", "BEGIN"),
        ("SET @a = 1, b = 2", "SET", "SET"),
        ("GRANT SELECT ON t TO u", "GRANT", "GRANT"),
        ("SHOW COLUMNS FROM t", "SHOW", "SHOW"),
        ("USE shop", "USE shop", "USE shop"),
        ("EXPLAIN ANALYZE SELECT * FROM t", "EXPLAIN t", "EXPLAIN SELECT t"),
        ("COPY t (a, b) FROM STDIN", "COPY t", "COPY t"),
        ("LOAD DATA INFILE 'x' INTO TABLE t", "LOAD t", "LOAD t"),
        ("BEGIN; INSERT INTO t VALUES (1)", "BEGIN", "BEGIN INSERT t"),
        ("/* c */ SELECT @@version", "SELECT", "SELECT"),
        ("/*!40101 SET NAMES utf8 */", "SET", "SET"),
        ("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a=2", "INSERT t", "INSERT t"),
    ];
    for (sql, endpoint, summary) in rows {
        let statement = Statement::read(sql.as_bytes(), Dialect::Postgresql, &ConnectionConfig::default());
        let mysql = Statement::read(sql.as_bytes(), Dialect::Mysql, &ConnectionConfig::default());
        let statement = if sql.contains('`') || sql.contains('!') { mysql } else { statement };
        assert_eq!(statement.endpoint.as_deref(), Some(endpoint), "{sql}");
        assert_eq!(statement.summary.as_deref(), Some(summary), "{sql}");
    }
    for sql in ["", "gibberish 1 2", "selec * from t", "1", "';"] {
        let statement = Statement::read(sql.as_bytes(), Dialect::Mysql, &ConnectionConfig::default());
        assert_eq!((statement.endpoint, statement.operation.as_ref()), (None, ""), "{sql}");
    }
}

#[test]
fn summaries_stay_within_the_conventions_limit() {
    let tables: Vec<String> = (0..200).map(|number| format!("table_{number}")).collect();
    let sql = format!("SELECT * FROM {}", tables.join(", "));
    let statement = Statement::read(sql.as_bytes(), Dialect::Mysql, &ConnectionConfig::default());
    let summary = statement.summary.unwrap();
    assert!(summary.len() <= 255 && summary.len() > 230, "{summary}");
    assert!(summary.ends_with(|end: char| end.is_ascii_digit()));
}

#[test]
fn comments_carry_context() {
    let trace = "traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01'";
    for sql in [
        format!("/* x */ SELECT 1 /*{trace}*/"),
        format!("/*{trace}*/ SELECT 'a"),
        format!("SELECT 1 -- {trace}"),
    ] {
        for dialect in [Dialect::Mysql, Dialect::Postgresql] {
            let statement = Statement::read(sql.as_bytes(), dialect, &ConnectionConfig::default());
            let context = statement.context.expect(&sql);
            assert_eq!(context.trace_id.as_deref(), Some("5bd66ef5095369c7b0d1f8f4bd33716a"), "{sql}");
        }
    }
    let sql = format!("SELECT '/*{trace}*/'");
    let statement = Statement::read(sql.as_bytes(), Dialect::Mysql, &ConnectionConfig::default());
    assert_eq!(statement.context, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_give_bounded_text(sql in proptest::collection::vec(any::<u8>(), 0..200), max in 0_usize..64) {
        for dialect in [Dialect::Mysql, Dialect::MysqlPlainBackslash, Dialect::Postgresql, Dialect::PostgresqlBackslash] {
            let config = ConnectionConfig { max_resource_bytes: max, ..ConnectionConfig::default() };
            prop_assert!(Statement::read(&sql, dialect, &config).resource.len() <= max);
        }
    }

    #[test]
    fn no_cut_shows_what_a_literal_hides(cut in 0_usize..140) {
        let sql = "SELECT /*SECRET*/ a, 'SECRET\\'SECRET', \"SECRET\", N'SECRET', 0xSECRET, $$SECRET$$ FROM t -- SECRET";
        let shown = shown(sql.get(..cut).unwrap_or(sql), Dialect::Mysql);
        prop_assert!(!shown.contains("SEC"), "{}", shown);
    }
}
