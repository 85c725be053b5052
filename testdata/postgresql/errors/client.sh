# Statements that fail: a missing table (42P01), bad syntax (42601), a duplicate key (23505), a division by zero (22012)
# and a statement in a failed transaction (25P02). Then a login to a missing database (3D000).
# servers: postgresql
# clients: postgresql-client-15
psql -q -h "$SERVER" -U postgres "dbname=shop sslmode=disable" > /dev/null 2>&1 <<'SQL'
SELECT * FROM nowhere;
SELEKT 1;
INSERT INTO product VALUES (1, 'lamp', 1.00);
BEGIN;
SELECT 1/0;
SELECT 1;
ROLLBACK;
SELECT 2;
SQL
psql -h "$SERVER" -U postgres "dbname=nowhere sslmode=disable" -c "SELECT 1" > /dev/null 2>&1 || true
