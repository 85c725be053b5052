# Statements that fail: a missing table (1146), bad syntax (1064), a duplicate key (1062); each is followed by more on
# the same connection. Then a login with a wrong password (1045) and one to a missing database (1049).
# servers: mariadb
# clients: mariadb-client
mariadb -h "$SERVER" -u root --skip-ssl --force shop > /dev/null 2>&1 <<'SQL' || true
SELECT * FROM nowhere;
SELEKT 1;
INSERT INTO product VALUES (1, 'lamp', 1.00);
SELECT 1;
SQL
mariadb -h "$SERVER" -u nobody -pwrong --skip-ssl -e "SELECT 1" > /dev/null 2>&1 || true
mariadb -h "$SERVER" -u root --skip-ssl nowhere -e "SELECT 1" > /dev/null 2>&1 || true
