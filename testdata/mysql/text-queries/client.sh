# Plain queries by the command-line client on one connection: rows, no rows, several columns, a write, another database.
# servers: mariadb
# clients: mariadb-client
mariadb -h "$SERVER" -u root --skip-ssl shop > /dev/null <<'SQL'
SELECT id, name, price FROM product ORDER BY id;
SELECT * FROM product WHERE id = 99;
INSERT INTO product VALUES (10, 'sofa', 299.00);
UPDATE product SET price = price * 2 WHERE id < 3;
DELETE FROM product WHERE id = 10;
USE mysql;
SELECT 1;
SQL
