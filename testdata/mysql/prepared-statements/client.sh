# Prepared statements by the binary protocol: one prepared and executed three times with arguments of several types,
# one that writes, one that cannot be prepared (1146), and their closing.
# servers: mariadb
# clients: libdbd-mariadb-perl
perl - <<'PERL'
use DBI;
my $db = DBI->connect("DBI:MariaDB:database=shop;host=$ENV{SERVER}", "root", "",
    { mariadb_server_prepare => 1, PrintError => 0 }) or die;
my $select = $db->prepare("SELECT name, price FROM product WHERE id = ? AND name <> ?");
for my $id (1, 2, 99) { $select->execute($id, "nothing"); $select->fetchall_arrayref; }
$select->finish;
my $insert = $db->prepare("INSERT INTO product VALUES (?, ?, ?)");
$insert->execute(20, "stool", 15.5);
$insert->execute(21, undef, 15.5);
$db->prepare("SELECT * FROM nowhere WHERE id = ?");
undef $select;
undef $insert;
$db->do("DELETE FROM product WHERE id > 3");
$db->disconnect;
PERL
