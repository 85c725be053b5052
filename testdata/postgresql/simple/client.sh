# The simple protocol by psql: rows, no rows, a write, several statements in one message, a transaction, and a statement
# that takes 150 ms.
# servers: postgresql
# clients: postgresql-client-15
psql -q -h "$SERVER" -U postgres "dbname=shop sslmode=disable" > /dev/null <<'SQL'
SELECT id, name, price FROM product ORDER BY id;
SELECT * FROM product WHERE id = 99;
INSERT INTO product VALUES (10, 'sofa', 299.00);
UPDATE product SET price = price * 2 WHERE id < 3;
BEGIN;
DELETE FROM product WHERE id = 10;
COMMIT;
SELECT 1\; SELECT 2\; SELECT 3;
SELECT pg_sleep(0.15);
SQL
