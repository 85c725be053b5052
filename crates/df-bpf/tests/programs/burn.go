// A server of goroutines that works for every request, in a function named by its path. For the tests of profiles.
//
//	burn    prints the port it listens at; ends when its input does
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

var sum uint64

//go:noinline
func burnOdd() {
	for number := uint64(0); number < 60_000_000; number++ {
		sum += number
	}
}

//go:noinline
func burnEven() {
	for number := uint64(0); number < 60_000_000; number++ {
		sum ^= number
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	answer := func(burn func()) http.HandlerFunc {
		return func(response http.ResponseWriter, _ *http.Request) {
			burn()
			fmt.Fprint(response, "ok")
		}
	}
	http.HandleFunc("/odd", answer(burnOdd))
	http.HandleFunc("/even", answer(burnEven))
	go http.Serve(listener, nil)
	io.Copy(io.Discard, os.Stdin)
}
