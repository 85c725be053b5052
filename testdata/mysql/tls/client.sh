# The client asks for TLS after the server's greeting: from there on nothing can be read, and nothing is invented.
# servers: mariadb
# clients: mariadb-client
mariadb -h "$SERVER" -u root --ssl shop -e "SELECT name FROM product" > /dev/null
