// A server of goroutines that asks a second server twice for every request, by one client for all. For the tests of causes.
//
//	chain BACK_URL    prints the port it listens at; ends when its input does
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	back := os.Args[1]
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		number := request.Header.Get("X-Number")
		for _, part := range []string{"one", "two"} {
			asked, err := http.NewRequest("GET", back+"/"+part, nil)
			if err != nil {
				panic(err)
			}
			asked.Header.Set("X-Number", number)
			answer, err := client.Do(asked)
			if err != nil {
				panic(err)
			}
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
			time.Sleep(time.Millisecond)
		}
		fmt.Fprint(response, "ok")
	})
	go http.Serve(listener, nil)
	io.Copy(io.Discard, os.Stdin)
}
