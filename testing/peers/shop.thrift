// The service of the Thrift peer.
exception OutOfStock { 1: string item }
struct Order { 1: i64 id, 2: string item, 3: list<i32> sizes, 4: map<string, double> prices, 5: bool paid }
service Shop {
    void ping(),
    Order order(1: i64 id),
    i32 buy(1: string item, 2: i32 count) throws (1: OutOfStock missing),
    list<string> list_all(1: i32 count),
    oneway void log(1: string line)
}
